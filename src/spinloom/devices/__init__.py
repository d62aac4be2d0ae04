"""Devices: what the terminals of a junction show, simulated or measured.

`TwoPolarizerMTJ` simulates the neuron of arXiv 2409.02528, `SpinDiode` and `AutoOscillator` are the radio-frequency
synapse and neuron, `SimulatedDiode` and `SimulatedOscillator` the same from the motion of a free layer; `Response` is
what network modules read. `device_source` takes any: a name, a user's class, a file. `Device`, `Design` and `Memory`
are what devices promise.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
