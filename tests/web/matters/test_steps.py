"""Every walk of the procedures' vectors goes through the pages: forms made from the data, filled in as people type."""

import datetime
import threading
import tomllib
from pathlib import Path
from unittest import mock

import pytest
from django.db import connection, connections
from django.db.models import Count
from django.test import Client
from django.urls import reverse

from tests.engine.test_procedure import walked
from tests.web.matters.conftest import as_typed, paper
from zhunsheng.engine import procedure as engine
from zhunsheng.engine.clock import CHINA
from zhunsheng.web.desk.actions import attach
from zhunsheng.web.documents.models import IssuedDocument
from zhunsheng.web.matters import actions, queries
from zhunsheng.web.matters.forms.steps import TEXT, WAY
from zhunsheng.web.matters.models import Matter, MatterStep
from zhunsheng.web.people.models import Office, Post, User
from zhunsheng.web.registry.models import FirmAccount

pytestmark = pytest.mark.django_db

VECTORS = sorted((Path(__file__).parents[2] / "vectors/procedures").glob("*.toml"))
#: 公文: its steps are taken by several offices, each for itself; one office alone cannot walk it
SEVERAL_OFFICES = {"official_document"}
WALKS = [
    pytest.param(walk, id=f"{path.stem}: {walk['what']}")
    for path in VECTORS
    if path.stem not in SEVERAL_OFFICES
    for walk in tomllib.loads(path.read_text(encoding="utf-8"))["walk"]
]
NAMES = {"qts": "测试市质量技术监督局", "aic": "测试市工商行政管理局", "fda": "测试市食品药品监督管理局"}
#: who takes their steps without the staff's pages
ELSEWHERE = {"public", "enterprise", "clock", "lab"}


def moment(text):
    at = datetime.datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=CHINA)


@pytest.fixture
def clock():
    """Sets the time of the house: `clock(at)`."""
    with mock.patch("django.utils.timezone.now") as now:
        now.return_value = datetime.datetime(2026, 11, 24, 1, tzinfo=datetime.UTC)

        def set_to(at):
            now.return_value = at.astimezone(datetime.UTC)

        yield set_to


class Walker:
    """Walks a vector: staff on the pages, all others by the actions that their own pages call."""

    def __init__(self, town, walk, clock):
        self.walk, self.clock, self.town = walk, clock, town
        self.code = walk["procedure"]
        self.office = Office.objects.create(
            code="T-WALK",
            name=NAMES.get(walk.get("organ", ""), "测试市发展和改革委员会"),
            level="city",
            division_code="990100",
        )
        self.people: dict[str, User] = {}
        self.matter: Matter | None = None
        self.firm = None

    def person(self, name, role):
        user = self.people.get(name)
        if user is None:
            user = User.objects.create_user(f"w-{name}", password="a-long-password-1", display_name=name)
            self.people[name] = user
            if role == "enterprise":
                FirmAccount.objects.create(user=user, entity=self.firm or self.town.entity())
        if role not in ("enterprise", "public"):
            Post.objects.get_or_create(
                user=user, office=self.office, role=role, defaults={"valid_from": datetime.date(2010, 1, 1)}
            )
        return user

    def client(self, user, at):
        client = Client()
        client.force_login(user)
        session = client.session
        session["step_up_at"] = at.timestamp()
        session.save()
        return client

    def facts(self, procedure, step):
        found = {code: engine.read_value(procedure.facts[code], value) for code, value in step.get("facts", {}).items()}
        for code, value in found.items():
            if procedure.facts[code].kind is engine.Kind.UNIT:
                known = queries.entities_named([value])
                entity = known.get(value) or self.town.entity(unit_id=value, name=f"企业{value[-6:]}")
                self.firm = self.firm or entity
        return found

    def take(self, number, step):
        at = moment(step["at"])
        self.clock(at)
        if self.matter is None:
            procedure = queries.procedure_on(self.code, at.date(), self.office)
        else:
            procedure = queries.procedure_of(self.matter)
        asked = procedure.steps[step["verb"]]
        role = step.get("role") or asked.roles[0]
        facts = self.facts(procedure, step)
        name = step.get("by", f"{role}-1")
        if role in ELSEWHERE:
            self.act(procedure, asked, role, name, facts, at)
        else:
            self.send(procedure, asked, self.person(name, role), role, facts, at)
        self.matter.refresh_from_db()
        self.matter.publicity_approved_at = at
        self.matter.save(update_fields=["publicity_approved_at"])
        if "state" in step:
            assert self.matter.state == step["state"], f"step {number}, {step['verb']}"

    def act(self, procedure, asked, role, name, facts, at):
        by = self.person(name, role) if role in ("enterprise", "lab") else None
        papers = {
            code: actions.Paper(attach(paper(f"{code}.txt", f"{code} {at}"), by=by, at=at))
            for code in asked.documents
            if not procedure.facts[code].issued
        }
        if role == "enterprise":
            units = [code for code in facts if procedure.facts[code].kind is engine.Kind.UNIT][:1]
            if units:
                FirmAccount.objects.filter(user=by).update(
                    entity=queries.entities_named([facts[units[0]]])[facts[units[0]]]
                )
        texts = {}
        kind = {"facts": facts, "papers": papers, "role": role, "texts": texts}
        if self.matter is None:
            self.matter = actions.open_matter(self.code, by=by, at=at, office=self.office, verb=asked.code, **kind)
        else:
            if role == "enterprise" and self.matter.entity is None:
                self.matter.entity = FirmAccount.objects.get(user=by).entity
                self.matter.save()
            actions.take(self.matter, asked.code, by=by, at=at, **kind)

    def send(self, procedure, asked, user, role, facts, at):
        client = self.client(user, at)
        if self.matter is None:
            url = f"{reverse('matters:open', args=[self.code])}?verb={asked.code}&office={self.office.pk}"
        else:
            url = reverse("matters:step", args=[self.matter.no, asked.code])
        shown = client.get(url)
        assert shown.status_code == 200, _said(shown)
        form = shown.context["form"]
        typed = {
            name: form[name].value()
            for name in form.fields
            if form[name].value() not in (None, "") and name.startswith("step_")
        }
        typed |= as_typed(form.procedure, facts)
        if "step_role" in form.fields:
            typed["step_role"] = role
        for code in asked.documents:
            if WAY + code not in form.fields:
                typed[code] = paper(f"{code}.txt", f"{code} {at}")
        for code, texts in form.texts_asked.items():
            for name, needed in texts.items():
                if needed:
                    typed[f"{TEXT}{code}__{name}"] = _written(form.fields[f"{TEXT}{code}__{name}"])
        before = Matter.objects.count()
        answer = client.post(url, typed)
        assert answer.status_code == 302, f"{asked.code}: {_said(answer)}"
        if self.matter is None:
            assert Matter.objects.count() == before + 1
            self.matter = Matter.objects.get()
        page = client.get(self.matter.get_absolute_url())
        assert page.status_code in (200, 404)  # a matter that went to another office is not there


def _written(field):
    """Something to write into a field of a document."""
    kind = type(field).__name__
    if kind in ("IntegerField", "MoneyField"):
        return "3"
    if kind == "DateField":
        return "2026-11-24"
    if kind == "DateTimeField":
        return "2026-11-24T09:00"
    if kind == "ChoiceField":
        return field.choices[1][0]
    return "按程序办理的内容"


def _said(answer):
    context = answer.context or {}
    form = context.get("form") if hasattr(context, "get") else None
    if form is not None and form.errors:
        return form.errors.as_json()
    return (
        answer.status_code,
        [str(one) for one in context.get("reasons", [])] if hasattr(context, "get") else "",
        answer.content.decode()[-800:-400],
    )


@pytest.mark.parametrize("walk", WALKS)
def test_every_walk_goes_through_the_pages(town, walk, clock, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    walker = Walker(town, walk, clock)
    for number, step in enumerate(walk["step"], 1):
        walker.take(number, step)
    matter = walker.matter
    assert MatterStep.objects.filter(matter=matter).count() == len(walk["step"])
    assert (matter.ended_at is not None) == queries.standing(matter).ended
    for series, year, count in IssuedDocument.objects.values_list("series", "year").annotate(n=Count("pk")):
        taken = IssuedDocument.objects.filter(series=series, year=year).values_list("seq", flat=True)
        assert sorted(taken) == list(range(1, count + 1))


# -- what is refused --------------------------------------------------------------------------------------------------
def step_url(matter, verb):
    return reverse("matters:step", args=[matter.no, verb])


def test_a_wrong_role_a_wrong_state_and_no_step_at_all(room):
    matter = room.matter_of("complaint")
    reviewer = room.client("reviewer")
    refused = reviewer.get(step_url(matter, "admit"))
    assert refused.status_code == 403 and refused.context["reasons"]
    assert (
        reviewer.post(step_url(matter, "admit"), {"respondent": room.entity.code, "step_after": 1}).status_code == 403
    )
    early = room.client("member").get(step_url(matter, "mediate"))
    assert early.status_code == 403 and "已收到" in " ".join(early.context["reasons"])
    assert room.client("member").get(step_url(matter, "nonsense")).status_code == 404
    assert matter.steps.count() == 1


def test_the_same_person_may_not_decide_what_they_prepared(room):
    head = room.users["head"]
    Post.objects.create(user=head, office=room.office, role="member", valid_from=datetime.date(2015, 1, 1))
    matter = room.matter_of("special_operation", by=head)
    answer = room.client("head").post(step_url(matter, "approve"), {"step_after": 1})
    assert answer.status_code == 403 and "起草" in answer.content.decode()
    other = room.town.user("head", username="other-head")
    client = Client()
    client.force_login(other)
    assert client.post(step_url(matter, "approve"), {"step_after": 1}).status_code == 302


def test_a_missing_fact_and_a_missing_paper_are_said_at_their_fields(room):
    matter = room.matter_of("complaint", respondent=room.entity.unit_id)
    client = room.client("member")
    answer = client.post(step_url(matter, "admit"), {"respondent": "", "step_after": 1})
    assert answer.status_code == 422 and list(answer.context["form"].errors) == ["respondent"]
    actions.take(
        matter, "admit", by=room.users["member"], at=matter.opened_at, facts={"respondent": room.entity.unit_id}
    )
    actions.take(matter, "mediate", by=room.users["member"], at=matter.opened_at)
    answer = client.post(step_url(matter, "agree"), {"recovered": "100.00", "step_after": 3})
    assert answer.status_code == 422 and "agreement" in answer.context["form"].errors


def test_a_step_before_its_time_is_refused_with_the_day(town, clock, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    waiting, number = next(
        (walk.values[0], number)
        for walk in WALKS
        for number in range(len(walk.values[0]["step"]))
        if _waits(walk.values[0], number)
    )
    walker = Walker(town, waiting, clock)
    for done, step in enumerate(waiting["step"][:number], 1):
        walker.take(done, step)
    step = waiting["step"][number]
    procedure = queries.procedure_of(walker.matter)
    role = step.get("role") or procedure.steps[step["verb"]].roles[0]
    client = walker.client(walker.person(step.get("by", f"{role}-1"), role), moment(waiting["step"][number - 1]["at"]))
    page = client.get(step_url(walker.matter, step["verb"]))
    assert page.status_code == 403 and any("20" in reason for reason in page.context["reasons"])


def _waits(walk, number):
    """Whether, after the step before it, a time must still run out before this step of a member of staff."""
    step, standings = walk["step"][number], walked(walk)
    procedure = standings[number][1].procedure
    if number == 0 or set(procedure.steps[step["verb"]].roles) & ELSEWHERE:
        return False
    before = standings[number - 1][1]
    return any(
        due.live
        and due.limit.sense is engine.Sense.AT_LEAST
        and step["verb"] in due.limit.ends
        and not due.limit.ends_on
        and due.status(before.history[-1].at) is not engine.Status.OVER
        for due in before.dues
    )


def test_the_same_form_sent_twice_takes_one_step(room):
    matter = room.matter_of("complaint")
    client = room.client("member")
    for _n in range(2):
        answer = client.post(step_url(matter, "admit"), {"respondent": room.entity.code, "step_after": 1})
        assert answer.status_code == 302
    assert matter.steps.count() == 2 and IssuedDocument.objects.count() == 1


def test_who_comes_second_is_told_and_loses_nothing(room):
    matter = room.matter_of("complaint")
    other = room.town.user("member", username="second")
    client = Client()
    client.force_login(other)
    assert room.client("member").post(step_url(matter, "dispute_jurisdiction"), {"step_after": 1}).status_code == 302
    answer = client.post(step_url(matter, "transfer"), {"receiving_organ": "郑州市局", "step_after": 1})
    assert answer.status_code == 422
    assert "新的步骤" in str(answer.context["form"].errors) and "郑州市局" in answer.content.decode()
    assert matter.steps.count() == 2


@pytest.mark.skipif(
    connection.vendor == "sqlite", reason="in-memory SQLite is one connection; tests/faults does this on a file"
)
@pytest.mark.django_db(transaction=True)
def test_two_officers_at_the_same_instant_one_wins(room):
    matter = room.matter_of("complaint")
    clients = [Client() for _n in range(4)]
    for number, client in enumerate(clients):
        client.force_login(room.town.user("member", username=f"officer-{number}"))
    barrier, answers, problems = threading.Barrier(4, timeout=20), [], []

    def send(client):
        try:
            barrier.wait()
            answer = client.post(step_url(matter, "admit"), {"respondent": room.entity.code, "step_after": 1})
            answers.append(answer.status_code)
        except Exception as problem:  # noqa: BLE001 - told by the test
            problems.append(problem)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=send, args=[client]) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems
    assert sorted(answers) == [302, 422, 422, 422]
    assert MatterStep.objects.filter(matter=matter).count() == 2
    assert IssuedDocument.objects.count() == 1
