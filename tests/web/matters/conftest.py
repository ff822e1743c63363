"""Matters of every kind for the tests: a bureau with one person for each role, and a matter taken as far as its first step."""

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from zhunsheng.engine import procedure as engine
from zhunsheng.engine.clock import CHINA
from zhunsheng.engine.procedure import Fact, Kind, Procedure, Step
from zhunsheng.web.desk.actions import attach
from zhunsheng.web.matters import actions, queries
from zhunsheng.web.matters.models import Matter
from zhunsheng.web.people.models import Office, Post, User
from zhunsheng.web.registry.models import BusinessEntity, FirmAccount

ROLES = ("member", "inspector", "reviewer", "head", "lead_office", "leader", "auditor")
PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 100 100]>>endobj\nxref\n0 4\n0000000000 65535 f \n"
    b"0000000009 00000 n \n0000000052 00000 n \n0000000101 00000 n \ntrailer<</Size 4/Root 1 0 R>>\nstartxref\n164\n%%EOF\n"
)


def paper(name: str = "材料.txt", text: str = "这是一份材料。") -> SimpleUploadedFile:
    """An upload that the checks let through."""
    return SimpleUploadedFile(name, text.encode(), content_type="text/plain")


@dataclass
class MatterRoom:
    """The town's first office with its people, and makers of matters."""

    town: Any
    users: dict[str, User]
    entity: BusinessEntity
    firm: User
    given: dict[str, Any] = field(default_factory=dict)

    @property
    def office(self) -> Office:
        return self.town.office

    def client(self, role: str) -> Client:
        client = Client()
        client.force_login(self.firm if role == "enterprise" else self.users[role])
        session = client.session
        session["step_up_at"] = timezone.now().timestamp()
        session.save()
        return client

    def value(self, fact: Fact, at: datetime.datetime) -> Any:
        """A plausible value of a fact, as the engine takes it."""
        match fact.kind:
            case Kind.INTEGER:
                return 3
            case Kind.MONEY:
                return 120_000
            case Kind.DATE:
                return at.astimezone(CHINA).date()
            case Kind.MOMENT:
                return at.astimezone(CHINA).replace(second=0, microsecond=0)
            case Kind.CHOICE:
                return fact.choices[0].code
            case Kind.FLAG:
                return False
            case Kind.UNIT:
                return self.entity.unit_id
            case _:
                return "13912345678" if fact.code == "contact" else f"{fact.name}一项"

    def facts(self, procedure: Procedure, step: Step, at: datetime.datetime, **given: Any) -> dict[str, Any]:
        """What a step needs."""
        return {code: self.value(procedure.facts[code], at) for code in step.needs} | given

    def papers(self, procedure: Procedure, step: Step, by: "User | None", at: datetime.datetime) -> dict[str, Any]:
        """The papers that must be uploaded with a step."""
        return {
            code: actions.Paper(attach(paper(f"{code}.txt", f"{code} {at}"), by=by, at=at))
            for code in step.documents
            if not procedure.facts[code].issued
        }

    def texts(self, procedure: Procedure, step: Step) -> dict[str, dict[str, str]]:
        """What the documents that the organ issues say where a step has no wording."""
        return {
            code: {"body": "按程序办理的内容。"}
            for code in step.documents
            if procedure.facts[code].issued and not step.wording
        }

    def user_for(self, roles: Iterable[str]) -> tuple["User | None", str]:
        """Somebody with one of the roles."""
        for role in roles:
            if role in self.users:
                return self.users[role], role
            if role == "enterprise":
                return self.firm, role
        return None, "public"

    def matter_of(
        self, code: str, /, *, at: "datetime.datetime | None" = None, verb: str = "", office: "Office | None" = None,
        by: "User | None" = None, title: str = "", **given: Any,
    ) -> Matter:  # fmt: skip
        """A matter of a kind, just begun by somebody of the office who may."""
        at = at or timezone.now()
        procedure = queries.procedure_on(code, at.astimezone(CHINA).date(), office or self.office)
        step = next(one for one in procedure.steps.values() if one.starts and verb in ("", one.code))
        user, role = self.user_for(sorted(step.roles, key=lambda one: one in ("enterprise", "public")))
        return actions.open_matter(
            code, by=by or user, at=at, office=office or self.office, verb=step.code, role="" if by else role,
            facts=self.facts(procedure, step, at, **given), papers=self.papers(procedure, step, by or user, at),
            texts=self.texts(procedure, step), title=title,
        )  # fmt: skip


@pytest.fixture
def room(town, settings, tmp_path) -> MatterRoom:
    """A bureau in which everybody has one role, with a firm in its county that has an account."""
    settings.MEDIA_ROOT = tmp_path
    users = {role: town.user(role, username=f"{role}-m") for role in ROLES}
    entity = town.entity(name="东河电器有限公司", unit_id="uscc:91990101MA0000001X")
    firm = User.objects.create_user("firm-m", password="a-long-password-1", display_name=entity.name)
    FirmAccount.objects.create(user=firm, entity=entity)
    return MatterRoom(town, users, entity, firm)


@pytest.fixture
def matter_of(room):
    """matter_of(kind, **facts): see MatterRoom.matter_of."""
    return room.matter_of


def colleague(room: MatterRoom, role: str, name: str = "") -> User:
    """One more person of the office in a role."""
    return room.town.user(role, username=name or f"{role}-{User.objects.count()}")


def as_typed(procedure: Procedure, facts: Mapping[str, Any]) -> dict[str, str]:
    """Facts as a person types them into the form."""
    typed = {}
    for code, value in facts.items():
        kind = procedure.facts[code].kind
        if kind is Kind.MONEY:
            typed[code] = f"{value // 100}.{value % 100:02d}"
        elif kind is Kind.FLAG:
            typed[code] = "yes" if value else "no"
        elif kind is Kind.MOMENT:
            typed[code] = value.astimezone(CHINA).strftime("%Y-%m-%dT%H:%M")
        elif kind is Kind.DATE:
            typed[code] = value.isoformat()
        else:
            typed[code] = str(value)
    return typed


__all__ = ["MatterRoom", "Post", "as_typed", "colleague", "engine", "matter_of", "paper", "room"]
