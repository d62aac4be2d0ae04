"""Pages as programs: their blocks of code, and packages made of them."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of a page, in their order."""
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)


def entry_points(page: str) -> dict[str, dict[str, str]]:
    """What the page's pyproject.toml registers, by group."""
    return tomllib.loads(blocks(page, "toml")[0])["project"]["entry-points"]
