"""Words that complete a command line. The shells' scripts ask for them each time, so that new plugins are known."""

from collections.abc import Callable, Iterable
from dataclasses import fields
from typing import Any, get_args

from spinloom.cli.arguments import Command, Shell

SCRIPTS: dict[Shell, str] = {
    "bash": """\
# Put this into ~/.bashrc:  eval "$(spinloom completion bash)"
_spinloom() {
    local IFS=$'\\n' given="${COMP_WORDS[COMP_CWORD]}"
    COMPREPLY=($(compgen -W "$("${COMP_WORDS[0]}" complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" -- "$given"))
}
complete -o default -F _spinloom spinloom""",
    "zsh": """\
# Put this into ~/.zshrc, below compinit:  eval "$(spinloom completion zsh)"
_spinloom() {
    local -a found
    found=(${(f)"$("${words[1]}" complete "${(@)words[2,CURRENT]}" 2>/dev/null)"})
    compadd -a found || _files
}
compdef _spinloom spinloom""",
    "fish": """\
# Put this into ~/.config/fish/config.fish:  spinloom completion fish | source
complete -c spinloom -a '(spinloom complete (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'""",
}


def candidates(words: list[str]) -> list[str]:
    """What may stand for the last of the words behind `spinloom`, which may be begun or empty."""
    *before, begun = words or [""]
    return sorted(word for word in _choices(before, begun) if word.startswith(begun))


def _choices(before: list[str], begun: str) -> Iterable[str]:
    from spinloom.devices import catalogue as devices
    from spinloom.studies import registry

    commands = {kind.__metadata__[0].name: get_args(kind)[0] for kind in get_args(Command)}
    after: dict[str, Callable[[], Iterable[str]]] = {
        "run": registry.names,
        "device": devices.names,
        "--device": devices.names,
        "data": lambda: ("list", "fetch"),
        "fetch": _data_sets,
        "--dataset": _data_sets,
        "--data": _data_sets,
        "completion": lambda: SCRIPTS,
    }
    if not before:
        return (*commands, "--help", "--version")
    if before[-1] in after and not begun.startswith("-"):
        return after[before[-1]]()
    if begun.startswith("-") and before[0] in commands:
        name = before[1] if before[0] == "run" and len(before) > 1 else None
        return _options(registry.study(name).Settings if name else commands[before[0]])
    return ()


def _options(settings: Any) -> Iterable[str]:
    """Flags of a dataclass; what is annotated further is positional."""
    named = [field.name for field in fields(settings) if not hasattr(field.type, "__metadata__")]
    return ["--help", *(f"--{name.replace('_', '-')}" for name in named)]


def _data_sets() -> Iterable[str]:
    from spinloom.data.catalogue import CATALOGUE

    return ("auto", *CATALOGUE)
