"""The same code sent many times at once is taken once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.utils import timezone

from zhunsheng.web.common.errors import Refused
from zhunsheng.web.people import actions, queries
from zhunsheng.web.people.models import User

pytestmark = [
    pytest.mark.skipif("connection.vendor == 'sqlite'", reason="the test database of SQLite is in memory, for one connection"),
    pytest.mark.django_db(transaction=True),
]  # fmt: skip


def taken(user: User, code: str) -> list[str]:
    """What eight requests at once get for a code."""
    now = timezone.now()

    def use(_number: int) -> str:
        try:
            return actions.use_code(User.objects.get(pk=user.pk), code, at=now)
        except Refused:
            return ""
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        return [how for how in pool.map(use, range(8)) if how]


def test_a_code_of_the_app(town, enrol):
    user = town.user("member")
    app, _codes = enrol(user)
    assert taken(user, app.code()) == ["app"]


def test_a_recovery_code(town, enrol):
    user = town.user("member")
    _app, codes = enrol(user)
    assert taken(user, codes[0]) == ["recovery"]
    assert queries.codes_left(user) == 9


def test_wrong_codes_at_once_are_all_counted(town, enrol):
    """Eight guesses at once are five guesses: the rest meet the lock."""
    user = town.user("member")
    enrol(user)
    assert taken(user, "A" * 16) == []
    user.refresh_from_db()
    assert user.wrong_codes == actions.factors.WRONG_CODES
