"""Shared by all tests: the folder of public data, where a developer has one beside the checkout."""

from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine is slow, not wrong: no example fails for its time.
settings.register_profile("house", deadline=None)
settings.load_profile("house")

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of public data and published vectors beside the checkout; the test is skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip(f"SKIPPED LOUDLY: no public data at {SHARED}; this claim was not checked")
    return SHARED
