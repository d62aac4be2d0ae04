"""What a person types: `spinloom list | run NAME | device NAME | evaluate MODEL | weights | data | completion`.

Nothing heavy is imported before it is needed, so that `spinloom --help` answers at once.
"""

import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from spinloom.errors import SpinloomError

_ABOUT = "Neural networks made of spintronic devices: from the physics of one junction to the whole network."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, 2 for a mistake in what was given, 130 after Ctrl-C."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if "" not in sys.path:
        sys.path.append("")  # a class or a study of the current folder may be named
    try:
        return _guarded(lambda: _dispatch(given))
    except KeyboardInterrupt:
        again = "; the same command goes on where it was" if given[:1] == ["run"] else ""
        print(f"spinloom: stopped{again}", file=sys.stderr)
        return 130  # as shells have it


def _guarded(action: Callable[[], None]) -> int:
    """Our own warnings and errors as one line without source code; others as usual."""
    usual = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
        if category.__name__ == "SpinloomWarning":
            print(f"spinloom: warning: {message}", file=sys.stderr)
        else:
            usual(message, category, *place, **more)

    try:
        with warnings.catch_warnings():
            warnings.showwarning = show
            action()
    except SpinloomError as error:
        print(f"spinloom: error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    return 0


def _dispatch(given: list[str]) -> None:
    if given == ["--version"]:
        from spinloom import __version__

        print(f"spinloom {__version__}")
        return
    if given[:1] == ["complete"]:  # what the scripts of `spinloom completion` ask
        from spinloom.cli.completion import candidates

        print("\n".join(candidates(given[1:])))
        return
    import tyro

    if given[:1] == ["run"] and len(given) > 1 and not given[1].startswith("-"):
        # The study's own settings make the rest of the line, so it is known first.
        from spinloom.studies import registry

        study = registry.study(given[1])
        study.run(tyro.cli(study.Settings, args=given[2:], prog=f"spinloom run {given[1]}"))
        return
    from spinloom.cli.commands import Command

    tyro.cli(Command, args=given, prog="spinloom", description=_ABOUT).carry_out()
