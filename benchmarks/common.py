"""What benchmarks share: taking turns with a peer, and one JSON line per comparison."""

import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

import torch


def machine() -> str:
    """Processor, cores and PyTorch version, in words."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    return f"{model}, {os.cpu_count()} cores, torch {torch.__version__}"


def report(name: str, ours: float, peer: float, peer_name: str, unit: str, *, higher_is_better: bool) -> None:
    """Print one comparison; `ratio` above 1 is better for us."""
    ratio = ours / peer if higher_is_better else peer / ours
    line = {
        "name": name,
        "ours": float(f"{ours:.4g}"),
        "peer": float(f"{peer:.4g}"),
        "peer_name": peer_name,
        "unit": unit,
        "ratio": round(ratio, 3),
        "machine": machine(),
    }
    print(json.dumps(line), flush=True)


def best(ways: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """ms of each, the best of all rounds after a first one that is not counted."""
    times: dict[str, float] = {}
    for turn in range(rounds + 1):
        for name, way in ways.items():
            began = time.perf_counter()
            way()
            took = 1e3 * (time.perf_counter() - began)
            if turn:
                times[name] = min(times.get(name, took), took)
    return times
