"""Reading the dated tables of the room: items, wordings, rule books, kinds of follow-up, industries."""

import datetime
import json
from collections.abc import Iterable
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from zhunsheng.engine import responsibility, tables
from zhunsheng.web.common.errors import language
from zhunsheng.web.common.records import in_force
from zhunsheng.web.inspection.models import CheckItem, ResultWording, RuleBook
from zhunsheng.web.people.models import Responsibility, User
from zhunsheng.web.registry import queries as registry
from zhunsheng.web.registry.words import industry_sections


def items_on(day: datetime.date) -> QuerySet[CheckItem]:
    """抽查事项清单 in force on a day."""
    return CheckItem.objects.filter(in_force(day)).select_related("office", "product_class")


def wordings_on(day: datetime.date) -> QuerySet[ResultWording]:
    """The result wordings from which a visit of that day takes exactly one."""
    return ResultWording.objects.filter(in_force(day))


def rule_book_on(day: datetime.date) -> RuleBook | None:
    """The implementing rules in force on a day: the latest approved one that has come into force."""
    approved = RuleBook.objects.filter(approved_at__isnull=False, valid_from__lte=day)
    return approved.order_by("-valid_from", "-id").first()


def rule_books_to_sign(user: User) -> QuerySet[RuleBook]:
    """Drafts by other people, the earliest to hold first. A draft older than a signed book is history: nobody need sign it."""
    later = RuleBook.objects.filter(approved_at__isnull=False, pk__gt=OuterRef("pk"))
    waiting = RuleBook.objects.filter(~Exists(later), approved_at__isnull=True).exclude(created_by=user)
    return waiting.defer("body").order_by("valid_from", "pk")


def rule_book_body(book: RuleBook) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(book.body)
    return body


def named_rows(table: str, day: datetime.date | None = None) -> list[tables.Row]:
    """The rows of an engine table, those in force on a day."""
    loaded = tables.load(table)
    return list(loaded.valid_on(day) if day else loaded.rows)


def choices(table: str, day: datetime.date | None = None) -> list[tuple[str, str]]:
    """(code, name in the language of the page) of an engine table, for a form field."""
    return [(row["code"], row.label(language())) for row in named_rows(table, day)]


def label(table: str, code: str) -> str:
    """The name of a code in the language of the page; the code itself where the table does not know it."""
    for row in tables.load(table).rows:
        if row["code"] == code:
            return row.label(language())
    return code


def ratio_schemes(day: datetime.date) -> dict[str, dict[str, Any]]:
    """Ratio schemes in force: scheme → {name, name_en, role, ratios: {class: decimal text}, source, confidence}."""
    found: dict[str, dict[str, Any]] = {}
    for row in tables.load("inspection/ratios").valid_on(day):
        scheme = found.setdefault(
            row["scheme"],
            {
                "code": row["scheme"],
                "name": row["name"],
                "name_en": row["name_en"],
                "label": row.label(language()),
                "role": row.get("role", ""),
                "ratios": {},
                "source": row.source,
                "confidence": row.confidence,
            },
        )
        scheme["ratios"][row["risk_class"]] = row["ratio"]
    return found


# -- industries (GB/T 4754) ------------------------------------------------------------------------------------------
def industry_choices() -> list[tuple[str, str]]:
    """Sections and divisions: what a scope or an item may name."""
    return [
        (row["code"], f"{row['code']} {row.label(language())}")
        for row in tables.load("industry/gbt4754").rows
        if row["level"] in {"section", "division"}
    ]


def industry_codes(text: str) -> tuple[str, ...]:
    """The codes in an item's `applies_to`; () for all."""
    codes = tuple(
        part.strip() for part in text.replace("；", ",").replace(";", ",").replace("，", ",").split(",") if part.strip()
    )
    return () if not codes or "*" in codes else codes


def industry_q(codes: Iterable[str]) -> Q:
    """Entities of these industries (section letter, two-digit division or longer code)."""
    found = Q(pk__in=[])
    for code in codes:
        found |= registry.industry_q(code)
    return found


def applies_to(item: CheckItem, industry: str) -> bool:
    """Whether an item concerns an entity of this industry; one whose industry is not known only what concerns everybody."""
    codes = industry_codes(item.applies_to)
    if not codes or not industry:
        return not codes
    return any(industry == code or industry.startswith(industry_sections().get(code, (code,))) for code in codes)


def route_of(item: CheckItem, on: datetime.date) -> responsibility.Route | None:
    """Which office the responsibility matrix gives the item's product class and link to; None where it names neither."""
    if item.product_class is None or not item.link:
        return None
    duties = [
        responsibility.Duty(
            row.office.code,
            row.product_class.code,
            responsibility.Link(row.link),
            row.scope,
            row.lead,
            row.valid_from,
            row.valid_to,
        )
        for row in Responsibility.objects.filter(product_class=item.product_class, link=item.link).select_related(
            "office", "product_class"
        )
    ]
    return responsibility.route(duties, item.product_class.code, responsibility.Link(item.link), on)


def lead_offices(items: Iterable[CheckItem], on: datetime.date) -> list[str]:
    """The codes of the offices that should lead a plan of these items: by the matrix, else those that answer for the items."""
    found: dict[str, None] = {}
    for item in items:
        route = route_of(item, on)
        for code in route.lead if route and route.lead else (item.office.code,):
            found[code] = None
    return list(found)


def required_speciality(items: Iterable[CheckItem], lead_office: int, industry: str) -> str:
    """What the lead must hold for an entity of this industry by one list, joined by '+': the specialities of the leading
    office's items that concern it; those of others where it has none."""
    concerned = [item for item in items if item.speciality and applies_to(item, industry)]
    own = [item for item in concerned if item.office_id == lead_office] or concerned
    return "+".join(sorted({item.speciality for item in own}))
