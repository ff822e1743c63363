"""Shared by all tests: the folder of public data, where a developer has one beside the checkout."""

from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine is slow, not wrong: no example fails for its time.
settings.register_profile("house", deadline=None)
settings.load_profile("house")


@pytest.fixture(scope="session", autouse=True)
def _databases_of_tests_may_be_emptied():
    """Between tests that commit, Django empties the tables: the triggers of the public log stand aside for that."""
    from django.db.backends.base.operations import BaseDatabaseOperations

    empty = BaseDatabaseOperations.execute_sql_flush

    def flush(self, sql_list):
        from zhunsheng.web.public_log import guards

        with guards.removed():
            empty(self, sql_list)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseDatabaseOperations, "execute_sql_flush", flush)
        yield


ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of public data and published vectors beside the checkout; the test is skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip(f"SKIPPED LOUDLY: no public data at {SHARED}; this claim was not checked")
    return SHARED
