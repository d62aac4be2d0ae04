"""The magnetostatic field: of meshes by convolution, of single shapes by factors, of currents."""
