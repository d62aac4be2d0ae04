"""Layers whose weights are kept by memories, and the array around them."""
