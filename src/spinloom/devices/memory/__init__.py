"""Devices that keep a weight, one a file."""
