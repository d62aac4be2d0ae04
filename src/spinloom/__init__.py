"""Spinloom: neural networks made of spintronic and memristive devices."""

__version__ = "0.1.0"
