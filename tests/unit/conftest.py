"""Settings of the unit tests."""

from __future__ import annotations

from hypothesis import settings

# Properties of files are as slow as the disk is, and that is no bug.
settings.register_profile("unit", deadline=None)
settings.load_profile("unit")
