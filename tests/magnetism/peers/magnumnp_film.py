"""A film in magnum.np (GPL), in a process of its own: python magnumnp_film.py SETTINGS.json STATE.npy RESULT.npz

STATE: (3, nz, ny, nx). RESULT: the fields of that state (A/m, same shape) by name, and the state after `duration`.
"""

import json
import sys
from pathlib import Path

import magnumnp
import numpy as np
import torch

settings = json.loads(Path(sys.argv[1]).read_text())
torch.set_default_dtype(torch.float64)


def there(m: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(m.transpose(3, 2, 1, 0)))


def back(m: torch.Tensor) -> np.ndarray:
    return m.numpy().transpose(3, 2, 1, 0)


state = magnumnp.State(magnumnp.Mesh(tuple(settings["cells"]), tuple(settings["cell"])))
state.material = {"Ms": settings["ms"], "A": settings["a"], "alpha": settings["alpha"], "Ku": settings["ku"]}
state.material["Ku_axis"] = [0.0, 0.0, 1.0]
state.m = there(np.load(sys.argv[2]))
terms = {
    "exchange": magnumnp.ExchangeField(),
    "demag": magnumnp.DemagField(),
    "uniaxial": magnumnp.UniaxialAnisotropyField(),
    "applied": magnumnp.ExternalField(state.Constant(settings["field"])),
}
fields = {name: back(term.h(state)) for name, term in terms.items()}
solver = magnumnp.LLGSolver(list(terms.values()), atol=1e-8, rtol=1e-8)
for _ in range(10):
    solver.step(state, settings["duration"] / 10)
np.savez(sys.argv[3], gamma0=magnumnp.constants.gamma, final=back(state.m), **fields)
