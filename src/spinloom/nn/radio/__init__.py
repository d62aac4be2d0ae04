"""Radio-frequency spintronic networks: resonators as synapses, oscillators as neurons."""

from spinloom.nn.radio.chains import ResonatorChains
from spinloom.nn.radio.convolution import RFConv2d
from spinloom.nn.radio.hardware import RadioLayer
from spinloom.nn.radio.imperfections import Imperfections
from spinloom.nn.radio.network import RadioNetwork, fabricate, multilayer, radio_layers
from spinloom.nn.radio.oscillators import Oscillators
from spinloom.nn.radio.plans import Band, plan
from spinloom.nn.radio.resonance import chain_weights
from spinloom.nn.radio.twins import MeasuredTwin, ideal, through_twin

__all__ = [
    "Band",
    "Imperfections",
    "MeasuredTwin",
    "Oscillators",
    "RFConv2d",
    "RadioLayer",
    "RadioNetwork",
    "ResonatorChains",
    "chain_weights",
    "fabricate",
    "ideal",
    "multilayer",
    "plan",
    "radio_layers",
    "through_twin",
]
