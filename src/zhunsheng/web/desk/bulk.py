"""批量办理: one action over many rows of a list, rehearsed before it is done.

A room registers what can be done in bulk in AppConfig.ready(); the desk asks who may, shows row by row what would happen and
what would not, and on confirmation does each row in a transaction of its own. What was done stays done, whatever stops it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.forms import Form
from django.http import QueryDict
from django.urls import reverse
from django.utils.functional import Promise

from zhunsheng.web.people.models import User

#: rows of one run at most
MOST = 5000

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Bulk:
    """One action that can be done in bulk.

    `rows(user, query)`: the list as the user sees it under the filter in the address; the keys chosen are looked for in it.
    `check(row, user, values)`: the reasons why it cannot be done now, none where it can. `do(row, by=, at=, values=)`: does it; it
    must be harmless when called again, and raises Refused. `undo`: whether and how it can be undone, for the confirmation.
    `form`: what the user says for all rows (a reason, a receiver); `values` are its cleaned data.
    `step_up`: what a fresh confirmation is asked for (a key of people.step_up.PURPOSES), '' for none.
    """

    key: str
    label: "str | Promise"
    undo: "str | Promise"
    allowed: Callable[[User], bool]
    rows: Callable[[User, QueryDict], QuerySet[Any]]
    check: Callable[[Any, User, Values], "list[str]"]
    do: Callable[..., object]
    title: Callable[[Any], str] = str
    url: Callable[[Any], str] = lambda row: ""
    form: type[Form] | None = None
    step_up: str = ""


_bulks: dict[str, Bulk] = {}


def add_bulk(bulk: Bulk) -> None:
    _bulks[bulk.key] = bulk


def find_bulk(key: str) -> Bulk | None:
    return _bulks.get(key)


def offers(user: User, *keys: str) -> list[dict[str, "str | Promise"]]:
    """For Listing(bulk=…): those of these actions that the user may do, as label and address."""
    known = [_bulks[key] for key in keys if key in _bulks]
    return [
        {"label": one.label, "url": reverse("desk:bulk_start", args=[one.key])} for one in known if one.allowed(user)
    ]
