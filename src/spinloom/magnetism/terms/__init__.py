"""What acts on a magnet, one file a term or torque."""
