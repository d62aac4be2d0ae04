"""Devices: what the terminals of a junction show, simulated or measured.

`TwoPolarizerMTJ` simulates the neuron of arXiv 2409.02528; `Response` is what every network module reads.
`SpinDiode` and `AutoOscillator` are the radio-frequency synapse and neuron in closed form, `SimulatedDiode` and
`SimulatedOscillator` the same from the motion of a free layer.
`response_files.load` / `save` and `response_csv.read_csv` take a user's own device.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
