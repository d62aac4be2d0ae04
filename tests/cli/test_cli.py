import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest

from plugin_packages import install
from spinloom import __version__, cli
from spinloom.cli import main
from spinloom.errors import SpinloomWarning
from spinloom.plugins import GROUPS

CURVE = str(Path(__file__).parents[2] / "docs" / "examples" / "measured_junction.csv")


def spinloom(*arguments, **options):
    """The installed command in a process of its own."""
    code = "import sys; from spinloom.cli import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, check=False, **options
    )


HEAVY = ("torch", "numpy", "numba", "scipy", "matplotlib", "pandas", "pooch", "h5py")


@pytest.mark.parametrize(
    "line", ["--help", "--version", "run mtj-transfer --help", "run mtj-tranfer", "complete run m"]
)
def test_no_line_that_only_speaks_waits_for_torch(line):
    code = (
        "import sys\nfrom spinloom.cli import main\n"
        f"try: main({line.split()})\nfinally: print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")


def test_help_names_the_commands(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    for command in ("list", "run", "device", "weights", "data", "completion"):
        assert command in shown


@pytest.mark.parametrize(
    "line", [["-m", "spinloom"], ["-c", "import sys; from spinloom.cli import main; sys.exit(main())"]]
)
def test_the_version_and_the_module_as_a_program(line):
    done = subprocess.run([sys.executable, *line, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"spinloom {__version__}\n"


def test_help_of_a_study_lists_its_settings():
    done = spinloom("run", "mtj-transfer", "--help")
    assert done.returncode == 0
    for flag in ("--dataset", "--out", "--seed", "--full", "--weights", "--device"):
        assert flag in done.stdout


def test_list_shows_studies_and_devices_and_what_is_wrong_with_others(tmp_path, monkeypatch, capsys):
    install(tmp_path, "magic", {"magic.py": '"""Magic with spins."""\n'}, {GROUPS["study"]: {"spin-magic": "magic"}})
    install(tmp_path, "fraud", {}, {GROUPS["study"]: {"mtj-deep": "fraud"}})
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["list"]) == 0
    shown = capsys.readouterr().out
    for part in (
        "mtj-transfer",
        "mtj-neuron",
        "Magic with spins.",
        "cannot be used: the study name 'mtj-deep' is registered twice, by Spinloom",
    ):
        assert part in shown


def test_data_list_shows_sets_and_what_auto_means(capsys):
    assert main(["data", "list"]) == 0
    shown = capsys.readouterr().out
    for part in ("fashion-mnist", "mnist-5k", "packaged", "auto is"):
        assert part in shown


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["run", "mtj-tranfer"], "'mtj-transfer'"),
        (["device", "mtj-neuro"], "'mtj-neuron'"),
        (["device", "no_such_module:Ring"], "no_such_module"),
        (["device", "no/such/curve.csv"], "no/such/curve.csv"),
        (["device", CURVE, "--spread", "0.1"], "--spread is of a simulated device"),
        (["device", CURVE, "--set", "diameter=1e-8"], "diameter=1e-8: the curves of a file"),
        (["device", "mtj-neuron", "--spread", "-0.1"], "spread"),
        (["device", "mtj-neuron", "--temperature", "-5"], "temperature"),
        (["data", "fetch", "mnits"], "'mnist'"),
        (["run", "mtj-transfer", "--dataset", "fashion"], "fashion-mnist"),
        (["run", "mtj-transfer", "--dataset", "mnist-5k", "--weights", "none.pt"], "none.pt"),
        (["run", "mtj-deep", "--dataset", "mnist-5k", "--precision", "31-true"], "31-true"),
        (["run", "mtj-deep", "--dataset", "mnist-5k", "--processes", "3"], "a batch of 128"),
        (["run", "mtj-distillation", "--dataset", "mnist-5k", "--images", "5000"], "4,000 training images"),
        (["run", "mtj-training", "--dataset", "mnist-5k", "--out", "/dev/null/out"], "/dev/null/out"),
    ],
)
def test_a_mistake_is_one_line_that_names_it_and_status_2(arguments, named, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    shown = capsys.readouterr()
    last = shown.err.splitlines()[-1]
    assert last.startswith("spinloom: error: ")
    assert named in last
    assert "Traceback" not in shown.err
    assert shown.out == ""


def test_a_process_of_its_own_tells_a_mistake_alike(tmp_path):
    done = spinloom("run", "mtj-tranfer", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("spinloom: error: ")
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_an_unknown_option_is_refused_with_status_2():
    assert spinloom("run", "mtj-transfer", "--sed", 3).returncode == 2


def test_a_device_is_simulated_drawn_and_printed(tmp_path, capsys):
    assert main(["device", "mtj-neuron", "--temperature", "0", "--out", str(tmp_path / "out")]) == 0
    shown = capsys.readouterr().out
    for part in ("unit drive", "deviation from tanh", "noise of one read", "cycle", "diameter"):
        assert part in shown
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"curves.png", "response.safetensors"}


def test_a_measured_curve_is_a_device_too(tmp_path, capsys):
    assert main(["device", CURVE, "--out", str(tmp_path / "out")]) == 0
    shown = capsys.readouterr().out
    for part in ("A1, A2", "unit drive", "deviation from tanh", "noise of one read"):
        assert part in shown
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"curves.png", "response.safetensors"}


def test_ctrl_c_ends_a_run_with_one_line_and_130_and_it_resumes(tmp_path):
    code = "import sys; from spinloom.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "run", "mtj-transfer", "--dataset", "mnist-5k", "--out", str(tmp_path)]
    running = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a suite in the background ignores it
    )
    while not list((tmp_path / ".cache").glob("network-*.checkpoint")):
        assert running.poll() is None, running.communicate()
        time.sleep(0.05)
    os.kill(running.pid, signal.SIGINT)
    _, errors = running.communicate()
    assert running.returncode == 130
    assert errors.splitlines()[-1].startswith("spinloom: stopped")
    assert "Traceback" not in errors
    assert not list((tmp_path / ".cache").glob(".*.part"))


def test_our_own_warnings_are_one_line_without_source_code(capsys):
    assert cli._guarded(lambda: warnings.warn("cells are coarse", SpinloomWarning, stacklevel=2)) == 0
    assert capsys.readouterr().err == "spinloom: warning: cells are coarse\n"
