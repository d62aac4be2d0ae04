"""Results of a study's stages kept on disk, so that a killed run goes on where it was."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from spinloom.files import write_text


class Stages:
    """A folder of finished stages, one file each, named by all that determines its content.

    folder: made when the first stage ends. common: what every stage depends on (seed, data, versions).
    """

    def __init__(self, folder: Path, common: Mapping[str, Any]) -> None:
        self.folder, self._common = folder, dict(common)

    def path(self, name: str, settings: Mapping[str, Any], suffix: str = ".json") -> Path:
        """The file of this stage with these settings."""
        content = json.dumps([self._common, dict(settings)], sort_keys=True, default=str)
        return self.folder / f"{name}-{hashlib.sha256(content.encode()).hexdigest()[:16]}{suffix}"

    def get(self, name: str, settings: Mapping[str, Any], compute: Callable[[], Any]) -> Any:
        """What `compute` returned (plain JSON values), now or in an earlier run. Raises OutputError."""
        path = self.path(name, settings)
        try:
            return json.loads(path.read_text())
        except (OSError, ValueError):
            pass  # absent, or damaged by hand: compute it again
        value = compute()
        write_text(path, json.dumps(value))
        return value
