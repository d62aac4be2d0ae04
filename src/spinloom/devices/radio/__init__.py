"""Spin diode (synapse) and auto-oscillator (neuron): in closed form and from the motion of a free layer."""
