"""A log with entries of a known kind."""

import datetime

import pytest

from zhunsheng.web.public_log.actions import Deed, record_many

AT = datetime.datetime(2026, 11, 24, 1, tzinfo=datetime.UTC)


@pytest.fixture
def write(town):
    """write(n): n more entries, each about a draw of its own, as one act of the quality office."""
    by = town.user("lead_office", username="zhou")
    count = 0

    def write(n: int, **values):
        nonlocal count
        deeds = []
        for _ in range(n):
            count += 1
            deeds.append(
                Deed(
                    "announce_draw",
                    "draw",
                    f"T-{count:05d}",
                    rule="zhunsheng/draw/1",
                    public={"n": count, "name": "抽查"},
                    **values,
                )
            )
        return record_many(deeds, by=by, at=AT + datetime.timedelta(seconds=count))

    return write
