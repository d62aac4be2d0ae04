"""Layers of devices in the place of activation functions."""
