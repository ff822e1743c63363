"""Shared by all tests: a home of their own, and the folder of public data where a developer has one."""

import os
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"

# Before Django reads its settings: tests never touch a developer's database, key or uploads.
os.environ["ZHUNSHENG_HOME"] = tempfile.mkdtemp(prefix="zhunsheng-test-")
os.environ["ZHUNSHENG_DEBUG"] = "0"
os.environ.setdefault("ZHUNSHENG_SECRET_KEY", "only-for-tests-only-for-tests-only-for-tests")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of public data and published vectors beside the checkout; the test is skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip(f"SKIPPED LOUDLY: no public data at {SHARED}; this claim was not checked")
    return SHARED
