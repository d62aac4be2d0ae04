"""Right-hand sides and standard problem 4 in magnum.np (GPL); run in a process of its own.

    python magnumnp_films.py rates NX NY FLOAT SECONDS    right-hand sides per second of one film
    python magnumnp_films.py problem4 FLOAT STATE         seconds for 1 ns, field 1, from the state in STATE (.npy)

Exchange, stray field, applied field, magnum.np's default solver (RKF45) at its default tolerance. FLOAT: 32 or 64.
Building the tensor of the stray field and compiling are not counted. The last line printed is JSON.
"""

import json
import sys
import time

import magnumnp
import numpy as np
import torch

MS, STIFFNESS, DAMPING = 8e5, 1.3e-11, 0.02
CELL = (5e-9, 5e-9, 3e-9)
MU0 = 4e-7 * np.pi


def film(nx: int, ny: int, field: tuple[float, float, float]):
    """State, solver and terms of a permalloy film; field in A/m."""
    state = magnumnp.State(magnumnp.Mesh((nx, ny, 1), CELL))
    state.material = {"Ms": MS, "A": STIFFNESS, "alpha": DAMPING}
    terms = [
        magnumnp.DemagField(),
        magnumnp.ExchangeField(),
        magnumnp.ExternalField(state.Constant(list(field))),
    ]
    return state, magnumnp.LLGSolver(terms)


def rates(nx: int, ny: int, seconds: float) -> None:
    state, solver = film(nx, ny, (1e4, 1e4, 0.0))
    m = torch.randn((nx, ny, 1, 3), generator=torch.Generator().manual_seed(0))
    state.m = (m / m.norm(dim=-1, keepdim=True)).to(state.dtype)
    for _ in range(10):
        solver.dm(state.t, state.m, state)
    count, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < seconds:
        for _ in range(10):
            solver.dm(state.t, state.m, state)
        count += 10
    print(json.dumps({"rates": count / (time.perf_counter() - begin)}))


def problem4(path: str) -> None:
    state, solver = film(100, 25, (-24.6e-3 / MU0, 4.3e-3 / MU0, 0.0))
    start = torch.from_numpy(np.load(path).transpose(3, 2, 1, 0).copy()).to(state.dtype)  # (3, z, y, x) to (x, y, z, 3)
    state.m = start.clone()
    solver.dm(state.t, state.m, state)
    mean, begin = [], time.perf_counter()
    for _ in range(100):
        solver.step(state, 1e-11)
        mean.append(state.m.mean(dim=(0, 1, 2)).tolist())
    print(json.dumps({"seconds": time.perf_counter() - begin, "mean": mean}))


def main() -> None:
    mode = sys.argv[1]
    floats = sys.argv[4] if mode == "rates" else sys.argv[2]
    torch.set_default_dtype(torch.float32 if floats == "32" else torch.float64)
    if mode == "rates":
        rates(int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[5]))
    else:
        problem4(sys.argv[3])


if __name__ == "__main__":
    main()
