"""A house with a law room: who proposes and who decides, and a complaint that is open."""

import datetime

import pytest

from zhunsheng.engine import tables
from zhunsheng.engine.clock import CHINA
from zhunsheng.web.common import law
from zhunsheng.web.law import actions
from zhunsheng.web.law.models import Change
from zhunsheng.web.matters import actions as matters
from zhunsheng.web.matters.models import Matter

#: a Monday; changes take effect on a later day
NOW = datetime.datetime(2026, 11, 2, 9, 0, tzinfo=CHINA)
DAY = datetime.date(2026, 11, 9)
RATIOS, KEY = "inspection/ratios", ("default", "A")


def later(**by) -> datetime.datetime:
    return NOW + datetime.timedelta(**by)


@pytest.fixture
def at_once(monkeypatch):
    """Every request asks for the law, as one a second later would."""
    monkeypatch.setattr(law, "SECONDS", 0.0)
    monkeypatch.setattr(law, "_ask_again", 0.0)


@pytest.fixture
def people(town):
    roles = ("member", "reviewer", "head", "lead_office", "leader", "auditor", "inspector", "sysadmin", "lab")
    return {role: town.user(role) for role in roles}


def ratio_cells(value: str) -> dict[str, str]:
    row = tables.packaged(RATIOS).find(DAY, scheme="default", risk_class="A")
    return {column: row[column] for column in tables.columns(tables.packaged(RATIOS))} | {"ratio": value}


def propose_ratio(by, value="0.07", at=NOW, **said) -> Change:
    given = {"source": "某市文件第3条", "confidence": "sure", "valid_from": DAY, "reason": "年度调整"} | said
    return actions.propose_row(RATIOS, KEY, ratio_cells(value), by=by, at=at, **given)


def propose_limit(by, amount=5, at=NOW, kind="limit", code="admit", cells=None, **said) -> Change:
    given = {
        "source": "某市文件第4条",
        "confidence": "sure",
        "valid_from": DAY,
        "reason": "提速",
        "applies_to_open": True,
    } | said
    cells = {"amount": amount} if cells is None else cells
    return actions.propose_element("procedures/complaint", kind, code, cells, by=by, at=at, **given)


def approved(change: Change, by, at=NOW) -> Change:
    """Approved, and followed by this process as after the commit."""
    change = actions.decide(change, approve=True, by=by, at=at)
    law.follow(now=True)
    return change


def ratio(day: datetime.date = DAY) -> str:
    return tables.load(RATIOS).find(day, scheme="default", risk_class="A")["ratio"]


def complaint(town, at=NOW, n=1) -> Matter:
    told = {"channel": "web", "subject": f"漏水{n}", "complainant": "张三", "contact": "13912345678"}
    return matters.open_matter("complaint", by=None, at=at, office=town.office, facts=told)
