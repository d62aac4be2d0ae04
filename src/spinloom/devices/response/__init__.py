"""The response of an activation device: what it is, its files, and measured curves read from tables."""
