"""Long runs, kept in a file as they go."""
