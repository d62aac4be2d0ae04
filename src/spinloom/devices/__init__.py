"""Devices: what the terminals of a junction show, simulated or measured.

`TwoPolarizerMTJ` simulates the neuron of arXiv 2409.02528; `Response` is what every network module reads.
`SpinDiode` and `AutoOscillator` are the radio-frequency synapse and neuron in closed form, `SimulatedDiode` and
`SimulatedOscillator` the same from the motion of a free layer.
`response_files.load` / `save` and `response_csv.read_csv` take a user's own device.
"""

from spinloom.devices.cost import OperatingCost
from spinloom.devices.junction import TunnelJunction
from spinloom.devices.mtj_neuron import TwoPolarizerMTJ
from spinloom.devices.oscillator import AutoOscillator
from spinloom.devices.response import Response
from spinloom.devices.simulated_diode import SimulatedDiode
from spinloom.devices.simulated_oscillator import SimulatedOscillator
from spinloom.devices.spin_diode import SpinDiode
from spinloom.devices.spread import Spread

__all__ = [
    "AutoOscillator",
    "OperatingCost",
    "Response",
    "SimulatedDiode",
    "SimulatedOscillator",
    "SpinDiode",
    "Spread",
    "TunnelJunction",
    "TwoPolarizerMTJ",
]
