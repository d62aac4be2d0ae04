"""The move of trained networks onto devices."""
