"""Settings of the whole suite."""

from hypothesis import settings

settings.register_profile("spinloom", deadline=None)  # a test fails by what it finds, never by the machine's speed
settings.load_profile("spinloom")
