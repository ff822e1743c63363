"""The written permissions name every role of the table, no others, and the limits that the code has."""

import re
from pathlib import Path

import pytest

from zhunsheng.engine import tables
from zhunsheng.web.people import actions, policy
from zhunsheng.web.people.models import Role

DOCS = Path(__file__).resolve().parents[3] / "docs" / "reference"


@pytest.mark.parametrize("page", ["permissions.md", "permissions.zh.md"])
def test_every_role_is_explained(page):
    text = (DOCS / page).read_text(encoding="utf-8")
    written = set(re.findall(r"^\| ([a-z_]+) \|", text, re.MULTILINE)) - {"code", "rule"}
    assert written == {row["code"] for row in tables.load("people/roles").rows}
    assert str(actions.accounts.LONGEST_DELEGATION) in text


def test_the_platform_has_the_roles_of_the_table():
    assert set(Role.values) | {"public"} == {row["code"] for row in tables.load("people/roles").rows}
    assert set(Role.values) >= policy.APART
