"""Vector fields in OVF files."""
