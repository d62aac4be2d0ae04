"""Packages outside ours, as pip would have installed them: files and entry points in a folder of their own."""

from pathlib import Path


def install(folder: Path, package: str, files: dict[str, str], entry_points: dict[str, dict[str, str]]) -> Path:
    """Write a package's files (by path) and what it registers (by group, then name) below `folder`."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    about = folder / f"{package}-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    groups = (
        f"[{group}]\n" + "".join(f"{name} = {place}\n" for name, place in entries.items())
        for group, entries in entry_points.items()
    )
    (about / "entry_points.txt").write_text("\n".join(groups))
    return folder
