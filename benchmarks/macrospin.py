"""Macrospins: device-steps per second against cmtj, and the whole response of the two-polarizer junction.

cmtj runs in processes of its own (loop, Python threads, two processes; the best counts), the same free layer with
uniaxial anisotropy, shape anisotropy, field and one spin torque with damping-like and field-like part, step 1 ps.
"""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

from common import machine, report
from spinloom.devices import Spread, TwoPolarizerMTJ
from spinloom.devices.mtj.simulation import STEP, read_population
from spinloom.magnetism import Applied, Constant, Demagnetization, Magnet, Material, SpinTransfer, Uniaxial, simulate

PEER = Path(__file__).parent / "peers" / "cmtj_macrospin.py"
DEVICES, STEPS = 10_000, 4_000


def free_layer(devices: int) -> Magnet:
    current = torch.linspace(-2e11, 2e11, devices)
    return Magnet(
        Material(3e5, torch.linspace(0.005, 0.02, devices)),
        1.81e-23,
        (Uniaxial(8e4), Demagnetization((0.02, 0.02, 0.96)), Applied(Constant(1e4))),
        (SpinTransfer(Constant(current), 1.6e-9, 0.6, field_like=0.1),),
    )


def ours(devices: int, steps: int, temperature: float, dtype: torch.dtype = torch.float32) -> float:
    """Best of five runs, device-steps per second; compilation is not counted (it is reported by itself)."""
    m = torch.zeros(3, devices, dtype=dtype)
    m[0], m[2] = 0.1, 0.99**0.5
    method = "heun" if temperature else "rk4"
    magnet = free_layer(devices)

    def run(n: int) -> None:
        simulate(magnet, m, n * 1e-12, 1e-12, method=method, temperature=temperature, engine="compiled")

    run(2)
    return max(devices * steps / seconds(lambda: run(steps)) for _ in range(5))


def seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def peer(temperature: float) -> tuple[float, str]:
    """Best of cmtj's ways to run many devices, device-steps per second."""
    command = [sys.executable, str(PEER)]

    def launch(mode: str) -> subprocess.Popen[str]:
        arguments = [mode, str(temperature), "100", "4000"]
        return subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, text=True)

    rates = {}
    for name, modes in (("loop", ["loop"]), ("threads", ["threads"]), ("two processes", ["loop", "loop"])):
        outputs = [process.communicate()[0] for process in [launch(mode) for mode in modes]]
        rates[name] = sum(float(output) for output in outputs)
    best = max(rates, key=lambda name: rates[name])
    return rates[best], f"cmtj, {best}"


def single_device() -> None:
    rate = ours(1, 1_000_000, 0.0, torch.float64)
    loop = subprocess.run(
        [sys.executable, str(PEER), "loop", "0", "1", "1000000"], capture_output=True, text=True, check=True
    )
    report("one-device-rk4-float64", rate, float(loop.stdout), "cmtj, one device", "steps/s", higher_is_better=True)


def whole_response() -> None:
    """201 currents x 64 devices x 16 thermal realisations: reset, pulse and read in one batch."""
    device = TwoPolarizerMTJ()
    made = device.fabricate(64, Spread.uniform(0.05), 0)
    drive = device.drives(201)
    first = seconds(lambda: read_population(made, drive, 16, 300.0, 0, torch.float32))
    again = seconds(lambda: read_population(made, drive, 16, 300.0, 0, torch.float32))
    steps = 201 * 64 * 16 * (device.reset + device.pulse + device.read) / STEP
    line = {
        "name": "response-201x64x16-300K",
        "ours": round(again, 2),
        "first_call": round(first, 2),
        "unit": "s",
        "device_steps_per_second": float(f"{steps / again:.3g}"),
        "peak_memory_MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "machine": machine(),
    }
    print(json.dumps(line), flush=True)


def main() -> None:
    for name, temperature in (("macrospin-rk4-float32", 0.0), ("macrospin-heun-300K-float32", 300.0)):
        rate, peer_name = peer(temperature)
        report(name, ours(DEVICES, STEPS, temperature), rate, peer_name, "device-steps/s", higher_is_better=True)
        report(
            name.replace("32", "64"),
            ours(DEVICES, STEPS // 2, temperature, torch.float64),
            rate,
            peer_name,
            "device-steps/s",
            higher_is_better=True,
        )
    single_device()
    whole_response()


if __name__ == "__main__":
    main()
