"""What studies that are not on the kit yet still share."""
