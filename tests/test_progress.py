"""What is shown of work that takes time, on a terminal and in a log."""

import io
from contextlib import suppress

from rich.console import Console

from spinloom import progress
from spinloom.progress import bar


def log(steps, every, monkeypatch):
    monkeypatch.setattr(progress, "LINE_EVERY", every)
    text = io.StringIO()
    with bar("training [one]", Console(file=text, width=30)) as report:
        for step in range(steps):
            report(step + 1, steps, f"epoch 1, loss 0.{step}, and what else there is to say")
    return text.getvalue()


def test_a_log_gets_the_last_line_of_a_short_work_as_plain_text(monkeypatch):
    said = log(3, 60.0, monkeypatch)
    assert said == "training [one]: 3 of 3, epoch 1, loss 0.2, and what else there is to say\n"


def test_a_log_gets_a_line_whenever_the_time_has_passed_and_no_line_twice(monkeypatch):
    lines = log(3, 0.0, monkeypatch).splitlines()
    assert [line.split(",")[0] for line in lines] == [f"training [one]: {n} of 3" for n in (1, 2, 3)]


def test_work_that_reports_nothing_says_nothing_and_a_failure_says_how_far_it_came(monkeypatch):
    assert log(0, 60.0, monkeypatch) == ""
    text = io.StringIO()
    with suppress(ValueError), bar("work", Console(file=text)) as report:
        report(1, 9)
        raise ValueError
    assert text.getvalue() == "work: 1 of 9\n"


def test_a_terminal_gets_a_bar():
    text = io.StringIO()
    with bar("work", Console(file=text, force_terminal=True, force_interactive=True, width=80)) as report:
        report(1, 2, "half")
    assert "50%" in text.getvalue()
