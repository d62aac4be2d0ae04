"""The rates of `engine`, traced into straight-line code and compiled by numba."""
