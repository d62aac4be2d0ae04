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
        self._asked: dict[Path, bool] = {}

    def of(self, **more: Any) -> "Stages":
        """Stages of the same run that depend on more: of a trained network, say."""
        stages = Stages(self.folder, self._common | more)
        stages._asked = self._asked
        return stages

    @property
    def resumed(self) -> bool:
        """Whether anything asked for was there from an earlier run."""
        return any(self._asked.values())

    def path(self, name: str, settings: Mapping[str, Any], suffix: str = ".json") -> Path:
        """The file of this stage with these settings."""
        content = json.dumps([self._common, dict(settings)], sort_keys=True, default=str)
        path = self.folder / f"{name}-{_digest(content)[:16]}{suffix}"
        kept = path.exists() or path.with_suffix(".checkpoint").exists()
        self._asked.setdefault(path, kept)  # at the first time: what this run writes is asked for before
        return path

    def get(self, name: str, settings: Mapping[str, Any], compute: Callable[[], Any]) -> Any:
        """What `compute` returned (plain JSON values), now or in an earlier run. Raises OutputError."""
        path = self.path(name, settings)
        try:
            kept = json.loads(path.read_text())
            if kept["sha256"] == _digest(json.dumps(kept["value"])):
                return kept["value"]
        except (OSError, ValueError, TypeError, KeyError):
            pass  # absent, or damaged by hand: compute it again
        value = compute()
        write_text(path, json.dumps({"sha256": _digest(json.dumps(value)), "value": value}))
        return value


def _digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()
