"""Spiking neurons as layers, and their exchange with other programs."""
