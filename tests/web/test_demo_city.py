"""The invented city: the same seed gives the same truth, and what the offices find agrees with it."""

import datetime
import json
from collections import Counter

import pytest
from django.utils import timezone

from zhunsheng.demo import build, people, truth
from zhunsheng.engine import tables
from zhunsheng.engine.draw import verify
from zhunsheng.engine.identifiers import check
from zhunsheng.web.appraisal.models import Snapshot
from zhunsheng.web.common import city
from zhunsheng.web.inspection import queries
from zhunsheng.web.inspection.models import Draw, Inclusion, Task, Visit
from zhunsheng.web.people.models import User
from zhunsheng.web.public_log.models import LogEntry
from zhunsheng.web.registry.models import BusinessEntity

TOWNS = [("990101001", "望衡区临江街道", 1.0), ("990102001", "清渠区渠首街道", 2.0)]
TODAY = datetime.date(2026, 11, 24)


def firms(count=500, seed=1):
    return list(truth.firms(count, seed=seed, today=TODAY, townships=TOWNS, parks=[("p", "990101")]))


def test_the_same_seed_is_the_same_city():
    assert firms() == firms()
    assert firms(seed=2) != firms()


def test_codes_are_well_formed_and_unique():
    made = firms(5000)
    assert len({firm.unit_id for firm in made}) == 5000
    for firm in made:
        scheme, _, value = firm.unit_id.partition(":")
        if scheme == "uscc":
            assert check("uscc", value).ok, firm.unit_id
        else:
            assert scheme == "local"


def test_riskier_classes_are_worse():
    made = firms(5000)
    mean = {
        letter: sum(firm.violation for firm in made if firm.risk_class == letter)
        / sum(firm.risk_class == letter for firm in made)
        for letter in "ABCD"
    }
    assert mean["A"] < mean["B"] < mean["C"] < mean["D"]


@pytest.fixture
def demo(db, settings, tmp_path):
    """A small 衡川市, built as `zhunsheng demo` builds it."""
    settings.HOME = tmp_path
    city.choose("hengchuan")
    build.build(entities=1500, seed=1, now=timezone.now())


@pytest.mark.slow
def test_the_city_stands(demo):
    """One build, many claims: it is built once, since it takes a while."""
    assert BusinessEntity.objects.count() == 1500
    assert city.current().invented
    for account in people.ACCOUNTS:
        assert User.objects.get(username=account.username).check_password(people.PASSWORD)
    # every draw verifies as what it is: open or opened, one under seal, one given up, one waiting for its ceremony
    states = Counter(Draw.objects.values_list("state", flat=True))
    sealed = [idea for idea in build.PLANS if idea.sealed]
    assert states == {
        "assigned": len(build.PLANS) - len(sealed) + 1,
        "opened": len(sealed),
        "abandoned": 1,
        "announced": 1,
    }
    for draw in Draw.objects.all():
        verdict = verify(queries.bundle(draw))
        assert verdict.ok, (draw.no, [step for step in verdict.steps if step.ok is False])
        assert verdict.outcome == {"abandoned": "abandoned", "announced": "announced"}.get(draw.state, "executed")
        assert (verdict.step("withheld") is not None) == draw.sealed
    secret = Draw.objects.get(mode="sealed", opened_at=None)
    text = queries.bundle_bytes(secret).decode()
    assert not any(unit in text for unit in secret.tasks.values_list("unit_id", flat=True))
    assert Draw.objects.filter(plan__further_lists__isnull=False).distinct().count() == 1
    by_size = Draw.objects.get(plan__measure="size")
    assert len({one.probability for one in Inclusion.objects.filter(task__draw=by_size, stratum="C")}) > 1
    assert Inclusion.objects.filter(stratum="again").exists() or timezone.localdate().timetuple().tm_yday < 60
    # work is in hand for the demo's readers
    assert Task.objects.filter(state="assigned").exists()
    assert Visit.objects.filter(state="submitted").exists() or Visit.objects.filter(state="reviewed").exists()
    assert (
        Snapshot.objects.filter(state="approved").count() == 1 and Snapshot.objects.filter(state="draft").count() == 1
    )
    # results: the worse class has the higher share of problems, as it is in truth
    shares = queries.problem_rate_by_class(datetime.date(2020, 1, 1), timezone.localdate())
    assert shares["A"].value < shares["D"].value
    ats = list(LogEntry.objects.order_by("index").values_list("at", flat=True))
    assert ats == sorted(ats), "the log is in order of time"
    # the log holds every public act in order, and nobody's name
    entries = list(LogEntry.objects.order_by("index"))
    assert [entry.index for entry in entries] == list(range(len(entries)))
    names = set(queries.inspector_pool(Draw.objects.first().plan).values_list("name", flat=True))
    text = "\n".join(entry.body for entry in entries)
    assert json.loads(entries[0].body)["kind"] and not any(name in text for name in names if len(name) == 3)


def test_industries_are_real_codes():
    known = {row["code"] for row in tables.load("industry/gbt4754").rows}
    assert {row[0] for row in truth.INDUSTRIES} <= known
