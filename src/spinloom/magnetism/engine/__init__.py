"""The equation of motion in the solver's units, and the schemes that integrate it, on torch tensors."""
