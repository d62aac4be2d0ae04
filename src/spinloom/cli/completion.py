"""Words that complete a command line. The shells' scripts ask for them each time, so that new plugins are known."""

from collections.abc import Iterable
from dataclasses import fields
from typing import get_args

from spinloom.cli.commands import SCRIPTS, Command
from spinloom.devices import catalogue as devices
from spinloom.studies import registry


def candidates(words: list[str]) -> list[str]:
    """What may stand for the last of the words behind `spinloom`, which may be begun or empty."""
    *before, begun = words or [""]
    return sorted(word for word in _choices(before, begun) if word.startswith(begun))


def _choices(before: list[str], begun: str) -> Iterable[str]:
    commands = {kind.__name__.lower(): kind for kind in get_args(Command)}
    if not before:
        return (*commands, "--help", "--version")
    if begun.startswith("-"):
        if before[0] not in commands:
            return ()
        study = before[1] if before[0] == "run" and len(before) > 1 else None
        settings = fields(registry.study(study).Settings if study else commands[before[0]])
        flags = [field.name for field in settings if not hasattr(field.type, "__metadata__")]  # others are positional
        return ["--help", *(f"--{name.replace('_', '-')}" for name in flags)]
    match before[-1]:
        case "run":
            return registry.names()
        case "device" | "--device":
            return devices.names()
        case "data":
            return "list", "fetch"
        case "fetch" | "--dataset" | "--data":
            from spinloom.data.catalogue import CATALOGUE

            return "auto", *CATALOGUE
        case "completion":
            return SCRIPTS
    return ()
