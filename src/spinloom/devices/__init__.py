"""Devices: what the terminals of a junction show, simulated or measured.

`TwoPolarizerMTJ` simulates the neuron of arXiv 2409.02528; `Response` is what every network module reads.
`response_files.load` / `save` and `response_csv.read_csv` take a user's own device.
"""

from spinloom.devices.cost import OperatingCost
from spinloom.devices.junction import TunnelJunction
from spinloom.devices.mtj_neuron import TwoPolarizerMTJ
from spinloom.devices.response import Response
from spinloom.devices.spread import Spread

__all__ = ["OperatingCost", "Response", "Spread", "TunnelJunction", "TwoPolarizerMTJ"]
