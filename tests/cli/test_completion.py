"""What TAB offers, in words and in a real bash."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from plugin_packages import install
from spinloom.cli import main
from spinloom.cli.completion import SCRIPTS, candidates
from spinloom.plugins import GROUPS


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("", {"list", "run", "device", "--version"}),
        ("ru", {"run"}),
        ("run mtj-t", {"mtj-training", "mtj-transfer"}),
        ("run mtj-transfer --dat", {"--dataset"}),
        ("run mtj-transfer --dataset fash", {"fashion-mnist"}),
        ("run mtj-transfer --seed 3 --device mtj", {"mtj-neuron"}),
        ("device mtj", {"mtj-neuron"}),
        ("device --te", {"--temperature"}),
        ("data ", {"list", "fetch"}),
        ("data fetch mnist", {"mnist", "mnist-5k"}),
        ("completion ", {"bash", "zsh", "fish"}),
        ("nothing of the kind ", set()),
    ],
)
def test_what_may_come_next(typed, offered):
    found = set(candidates(typed.split(" ")))
    assert found >= offered
    assert all(word.startswith(typed.split(" ")[-1]) for word in found)
    assert offered or not found


def test_studies_of_other_packages_are_offered(tmp_path, monkeypatch):
    install(tmp_path, "magic", {}, {GROUPS["study"]: {"spin-magic": "magic"}})
    monkeypatch.syspath_prepend(tmp_path)
    assert "spin-magic" in candidates(["run", "spin"])


@pytest.mark.parametrize("shell", SCRIPTS)
def test_each_shell_has_a_script_that_says_where_it_belongs(shell, capsys):
    assert main(["completion", shell]) == 0
    shown = capsys.readouterr().out
    assert "Put this into" in shown
    assert "spinloom" in shown


@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
@pytest.mark.parametrize(
    ("words", "begun"), [(("run",), "mtj-tr"), (("device",), "mtj-n"), (("data", "fetch"), "drone")]
)
def test_bash_completes_names_by_the_script(words, begun, tmp_path, capsys):
    main(["completion", "bash"])
    command = tmp_path / "spinloom"  # as pip would have installed it
    command.write_text(f"#!{sys.executable}\nimport sys\nfrom spinloom.cli import main\nsys.exit(main())\n")
    command.chmod(0o755)
    typed = " ".join(f"'{word}'" for word in (command, *words, begun))
    lines = (
        capsys.readouterr().out,
        f"COMP_WORDS=({typed}); COMP_CWORD={len(words) + 1}; _spinloom",
        'printf "%s\\n" "${COMPREPLY[@]}"',
    )
    done = subprocess.run(["bash", "-c", "\n".join(lines)], capture_output=True, text=True, check=True, cwd=Path.cwd())
    assert done.stdout.split() == candidates([*words, begun])
    assert done.stdout.split()
