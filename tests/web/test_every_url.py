"""Every address × every role: who gets in, who is refused, who is sent to the login.

A new address without a row in URLS fails, and so does a row without an address. A row is one line:

    "room:name": (who, lambda w: arguments of the address, optional query string),

`who` says what each role gets on GET: PUBLIC, INSIDE, STAFF, only(role, …), form_only(…), or any of these | {role: status}.
The objects in `w` (World) belong to the office of the staff roles; county officers and other offices are tested in the rooms.
"""

import datetime
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from tests.web.common import sent
from tests.web.conftest import Town
from tests.web.inspection.conftest import Bureau, bureau, staffed  # noqa: F401 - fixtures
from tests.web.law.conftest import propose_ratio
from zhunsheng.engine.public_log import tile
from zhunsheng.web.appraisal import actions as appraisal
from zhunsheng.web.common import city
from zhunsheng.web.desk import actions as desk
from zhunsheng.web.desk import calendar
from zhunsheng.web.desk.actions import attach
from zhunsheng.web.desk.models import BulkRun, Delivery, ImportRun, Notice, SavedView
from zhunsheng.web.documents import actions as documents
from zhunsheng.web.inspection import actions as inspection
from zhunsheng.web.matters import actions as matters
from zhunsheng.web.matters.models import Disclosure, Matter
from zhunsheng.web.people.models import Passkey, Post, ProductClass, Responsibility, User
from zhunsheng.web.public_log.models import Act, Checkpoint, LogEntry, Timestamp
from zhunsheng.web.registry.models import Inspector, Premises, Qualification, Recusal

pytestmark = pytest.mark.django_db

ROLES = (
    "anonymous", "firm", "member", "inspector", "reviewer", "head", "lead_office", "leader", "lab", "auditor", "sysadmin",
)  # fmt: skip
Who = dict[str, int]


def everyone(status: int) -> Who:
    return dict.fromkeys(ROLES, status)


LOGIN, REFUSED, MISSING, WRONG_METHOD = 302, 403, 404, 405
PUBLIC = everyone(200)
INSIDE = PUBLIC | {"anonymous": LOGIN}
STAFF = INSIDE | {"firm": REFUSED, "lab": REFUSED}
POST_ONLY = everyone(WRONG_METHOD) | {"anonymous": LOGIN}


def only(*roles: str) -> Who:
    """These roles see the page; others who are logged in are refused."""
    return everyone(REFUSED) | {"anonymous": LOGIN} | dict.fromkeys(roles, 200)


#: who writes documents of the own office; who reads them
WRITERS = only("member", "inspector", "reviewer", "head", "lead_office")
ISSUERS = only("member", "inspector", "reviewer", "head", "lead_office", "leader", "auditor")
#: who works in the office of a matter, or looks over the whole city
COLLEAGUES = STAFF | {"sysadmin": MISSING}
#: who takes steps in a complaint
HANDLERS = only("member", "head") | {"sysadmin": MISSING}
READERS = only("auditor", "lead_office", "sysadmin")
MANAGERS = only("sysadmin")
EDITORS = only("member", "inspector", "reviewer", "head")
PROPOSERS = only("member", "reviewer", "head", "lead_office", "leader")
#: desk/imports belong to who uploaded: here the member
UPLOADER = only("member", "auditor")


@dataclass
class World:
    """One of everything, so that every address has an object."""

    town: Town
    bureau: Bureau
    users: dict[str, User] = field(default_factory=dict)
    own: dict[str, Any] = field(default_factory=dict)


#: what htmx puts into a page: no page of its own
PIECES = ("matters:entities",)
Arguments = Callable[[World], list[Any]]
URLS: dict[str, tuple[Any, ...]] = {
    # common
    "set_language": (everyone(302),),  # a GET leads back without a change
    "common:styleguide": (PUBLIC,),
    # people
    "people:login": (everyone(302) | {"anonymous": 200},),
    "people:second_factor": (everyone(302),),  # to the login, or to the first page of who is in already
    "people:passkey_login": (everyone(WRONG_METHOD),),
    "people:passkey_options": (everyone(WRONG_METHOD),),
    "people:admin_login": (everyone(REFUSED) | {"anonymous": LOGIN},),
    "people:logout": (POST_ONLY,),
    "people:account": (INSIDE,),
    "people:delegate_own": (everyone(MISSING) | {"anonymous": LOGIN, "member": 200}, lambda w: [w.own["post"].pk]),
    "people:take_back": (POST_ONLY, lambda w: [w.own["post"].pk]),
    "people:confirm": (everyone(302), lambda w: ["nothing-waits"]),
    "people:confirmed": (everyone(302), lambda w: ["nothing-waits"]),
    "people:factors": (INSIDE,),
    "people:add_app": (INSIDE,),
    "people:remove_app": (POST_ONLY,),
    "people:recovery_codes": (POST_ONLY,),
    "people:add_passkey": (INSIDE,),
    "people:new_passkey_options": (POST_ONLY,),
    "people:rename_passkey": (everyone(MISSING) | {"anonymous": LOGIN, "member": 200}, lambda w: [w.own["passkey"].pk]),
    "people:remove_passkey": (POST_ONLY, lambda w: [w.own["passkey"].pk]),
    "people:password": (INSIDE,),
    "people:offices": (STAFF,),
    "people:office": (STAFF, lambda w: [w.town.office.pk]),
    "people:responsibility": (STAFF,),
    "people:who": (STAFF,),
    "people:cell": (STAFF, lambda w: ["food", "use"]),
    "people:duty": (STAFF, lambda w: [w.own["duty"].pk]),
    "people:add_duty": (only("lead_office"),),
    "people:end_duty": (only("lead_office"), lambda w: [w.own["duty"].pk]),
    "people:roles": (INSIDE,),
    "people:users": (MANAGERS,),
    "people:add_user": (MANAGERS,),
    "people:user": (MANAGERS, lambda w: [w.users["member"].username]),
    "people:edit_user": (MANAGERS, lambda w: [w.users["member"].username]),
    "people:reset_password": (MANAGERS, lambda w: [w.users["member"].username]),
    "people:reset_factors": (MANAGERS, lambda w: [w.users["member"].username]),
    "people:deactivate_user": (POST_ONLY, lambda w: [w.users["member"].username]),
    "people:reactivate_user": (POST_ONLY, lambda w: [w.users["member"].username]),
    "people:add_post": (MANAGERS, lambda w: [w.users["member"].username]),
    "people:end_post": (MANAGERS, lambda w: [w.own["post"].pk]),
    "people:delegate_post": (MANAGERS, lambda w: [w.own["post"].pk]),
    # desk
    "desk:home": (INSIDE | {"firm": 302},),
    "desk:notices": (INSIDE,),
    "desk:read_notices": (POST_ONLY,),
    "desk:notice": (everyone(MISSING) | {"anonymous": LOGIN, "member": 302}, lambda w: [w.own["notice"].pk]),
    "desk:saved_views": (INSIDE,),
    "desk:save_view": (POST_ONLY,),
    "desk:delete_view": (POST_ONLY, lambda w: [w.own["view"].pk]),
    "desk:preferences": (INSIDE,),
    "desk:open_calendar": (POST_ONLY,),
    "desk:close_calendar": (POST_ONLY,),
    "desk:calendar": (PUBLIC, lambda w: [calendar.token(w.own["preference"])]),  # the address is the secret
    "desk:background": (MANAGERS,),
    "desk:delivery": (MANAGERS, lambda w: [w.own["delivery"].pk]),
    "desk:resend": (POST_ONLY, lambda w: [w.own["delivery"].pk]),
    "desk:bulk_start": (POST_ONLY, lambda w: ["inspection.publish"]),
    "desk:bulk_run": (everyone(MISSING) | {"anonymous": LOGIN, "member": 200}, lambda w: [w.own["bulk"].pk]),
    "desk:bulk_discard": (POST_ONLY, lambda w: [w.own["bulk"].pk]),
    "desk:search": (STAFF | {"firm": 302, "lab": 302},),
    "desk:attachment": (everyone(MISSING) | {"anonymous": LOGIN, "member": 200}, lambda w: [w.own["attachment"].pk]),
    "desk:attachment_thumbnail": (
        everyone(MISSING) | {"anonymous": LOGIN, "member": 200},
        lambda w: [w.own["attachment"].pk],
    ),
    "desk:imports": (STAFF,),
    "desk:import_upload": (EDITORS, lambda w: ["entities"]),
    "desk:import_template": (EDITORS, lambda w: ["entities", "csv"]),
    "desk:import_run": (UPLOADER, lambda w: [w.own["run"].pk]),
    "desk:import_columns": (only("member"), lambda w: [w.own["run"].pk]),
    "desk:import_load": (POST_ONLY, lambda w: [w.own["run"].pk]),
    "desk:import_discard": (POST_ONLY, lambda w: [w.own["run"].pk]),
    "desk:import_mapping": (UPLOADER, lambda w: [w.own["run"].pk]),
    "desk:import_returned": (UPLOADER, lambda w: [w.own["run"].pk, "csv"]),
    # registry
    "registry:home": (STAFF,),
    "registry:add_entity": (EDITORS,),
    "registry:entity": (STAFF, lambda w: [w.own["entity"].pk]),
    "registry:edit_entity": (EDITORS, lambda w: [w.own["entity"].pk]),
    "registry:add_premises": (EDITORS, lambda w: [w.own["entity"].pk]),
    "registry:add_account": (MANAGERS, lambda w: [w.own["entity"].pk]),
    "registry:edit_premises": (EDITORS, lambda w: [w.own["premises"].pk]),
    "registry:close_premises": (EDITORS, lambda w: [w.own["premises"].pk]),
    "registry:inspectors": (STAFF,),
    "registry:add_inspector": (only("member", "head"),),
    "registry:inspector": (STAFF, lambda w: [w.own["inspector"].pk]),
    "registry:edit_inspector": (only("member", "head"), lambda w: [w.own["inspector"].pk]),
    "registry:leave": (only("member", "head"), lambda w: [w.own["inspector"].pk]),
    "registry:add_qualification": (only("member", "head"), lambda w: [w.own["inspector"].pk]),
    "registry:declare_recusal": (only("member", "head", "inspector"), lambda w: [w.own["inspector"].pk]),  # the own
    "registry:end_qualification": (only("member", "head"), lambda w: [w.own["qualification"].pk]),
    "registry:end_recusal": (only("member", "head"), lambda w: [w.own["recusal"].pk]),
    "registry:divisions": (STAFF,),
    "registry:parks": (STAFF,),
    "registry:firm_home": (only("firm"),),
    # documents
    "documents:home": (STAFF,),
    "documents:series": (STAFF,),
    "documents:choose": (WRITERS,),
    "documents:write": (WRITERS, lambda w: ["official.letter"]),
    "documents:document": (ISSUERS, lambda w: [w.own["document"].pk]),
    "documents:pdf": (ISSUERS, lambda w: [w.own["document"].pk]),
    "documents:void": (POST_ONLY, lambda w: [w.own["document"].pk]),
    "documents:replace": (only("head"), lambda w: [w.own["document"].pk]),
    "documents:disclose": (POST_ONLY, lambda w: [w.own["document"].pk]),
    "documents:proof": (PUBLIC, lambda w: [w.own["document"].code]),
    # matters: staff
    "matters:home": (STAFF,),
    "matters:new": (STAFF,),
    "matters:open": (only("member"), lambda w: ["complaint"]),
    "matters:figures": (STAFF,),
    "matters:entities": (STAFF,),
    "matters:matter": (COLLEAGUES, lambda w: [w.own["matter"].no]),
    "matters:file": (COLLEAGUES, lambda w: [w.own["matter"].no]),
    "matters:step": (only("member") | {"sysadmin": MISSING}, lambda w: [w.own["matter"].no, "transfer"]),
    "matters:take_on": (POST_ONLY, lambda w: [w.own["matter"].no]),
    "matters:hand_over": (only("member", "head") | {"sysadmin": MISSING}, lambda w: [w.own["matter"].no]),
    "matters:gather": (everyone(REFUSED) | {"anonymous": LOGIN, "sysadmin": MISSING}, lambda w: [w.own["matter"].no]),
    "matters:received": (STAFF,),
    "matters:received_one": (COLLEAGUES, lambda w: [w.own["addressee"].pk]),
    "matters:received_paper": (COLLEAGUES, lambda w: [w.own["addressee"].pk]),
    "matters:sign_for": (POST_ONLY, lambda w: [w.own["addressee"].pk]),
    "matters:approval_sheet": (COLLEAGUES, lambda w: [w.own["dispatch"].no]),
    "matters:final_preview": (COLLEAGUES, lambda w: [w.own["dispatch"].no]),
    "matters:link": (HANDLERS, lambda w: [w.own["matter"].no]),
    "matters:add_document": (HANDLERS, lambda w: [w.own["matter"].no]),
    "matters:capture": (HANDLERS, lambda w: [w.own["matter"].no]),
    "matters:add_party": (HANDLERS, lambda w: [w.own["matter"].no]),
    "matters:receive": (POST_ONLY, lambda w: [w.own["matter"].no, 1]),
    "matters:classify": (only("reviewer", "head") | {"sysadmin": MISSING}, lambda w: [w.own["matter"].no]),
    "matters:correct": (only("head") | {"sysadmin": MISSING}, lambda w: [w.own["matter"].no, w.own["disclosure"].pk]),
    "matters:withdraw": (only("head") | {"sysadmin": MISSING}, lambda w: [w.own["matter"].no, w.own["disclosure"].pk]),
    "matters:publication": (
        {role: 302 if status == 200 else status for role, status in COLLEAGUES.items()},
        lambda w: [w.own["disclosure"].pk],
    ),
    "matters:reveal": (POST_ONLY, lambda w: [w.own["matter"].no]),
    "matters:complain": (PUBLIC,),
    "matters:complain_new": (PUBLIC,),
    "matters:report_new": (PUBLIC,),
    "matters:claim_new": (PUBLIC,),
    "matters:disclosure_new": (PUBLIC,),
    "matters:filed": (everyone(302),),
    "matters:follow_home": (PUBLIC,),
    "matters:follow": (PUBLIC, lambda w: [w.own["matter"].no]),
    "matters:follow_step": (everyone(REFUSED), lambda w: [w.own["matter"].no, "withdraw"]),
    "matters:follow_material": (everyone(REFUSED), lambda w: [w.own["matter"].no]),
    "matters:follow_paper": (everyone(REFUSED), lambda w: [w.own["matter"].no, 1]),
    "matters:follow_leave": (everyone(WRONG_METHOD), lambda w: [w.own["matter"].no]),
    "matters:renew_code": (
        only("member", "head") | {"firm": MISSING, "lab": MISSING, "sysadmin": MISSING},
        lambda w: [w.own["matter"].no],
    ),
    "matters:firm_matters": (only("firm"),),
    "matters:firm_begin": (only("firm"), lambda w: ["accident"]),
    "matters:firm_matter": (only("firm"), lambda w: [w.own["firm_matter"].no]),
    "matters:firm_step": (only("firm"), lambda w: [w.own["firm_matter"].no, "withdraw"]),
    "matters:firm_material": (only("firm"), lambda w: [w.own["firm_matter"].no]),
    "matters:firm_contact": (POST_ONLY, lambda w: [w.own["firm_matter"].no]),
    "matters:firm_paper": (only("firm"), lambda w: [w.own["firm_matter"].no, w.own["firm_paper"].pk]),
    "portal:decisions": (PUBLIC,),
    "portal:decision": (PUBLIC, lambda w: [w.own["disclosure"].pk]),
    "portal:complaints": (PUBLIC,),
    "portal:complaints_year": (PUBLIC, lambda w: [timezone.localdate().year]),
    # inspection
    "inspection:home": (STAFF,),
    "inspection:items": (STAFF,),
    "inspection:add_item": (only("lead_office"),),
    "inspection:item": (STAFF, lambda w: [w.bureau.items[0].pk]),
    "inspection:revise_item": (only("lead_office", "head"), lambda w: [w.bureau.items[0].pk]),
    "inspection:end_item": (only("lead_office", "head"), lambda w: [w.bureau.items[0].pk]),
    "inspection:wordings": (STAFF,),
    "inspection:add_wording": (only("lead_office"),),
    "inspection:revise_wording": (only("lead_office"), lambda w: [w.bureau.wordings["01"].pk]),
    "inspection:rule_books": (STAFF,),
    "inspection:draft_rule_book": (only("lead_office", "member", "head"),),
    "inspection:rule_book": (STAFF, lambda w: [w.bureau.book.version]),
    "inspection:approve_rule_book": (POST_ONLY, lambda w: [w.bureau.book.version]),
    "inspection:rule_book_file": (STAFF, lambda w: [w.bureau.book.version]),
    "inspection:plans": (STAFF,),
    "inspection:add_plan": (only("member", "head"),),
    "inspection:preview_plan": (POST_ONLY, lambda w: [w.own["draft"].pk, "strata"]),
    "inspection:plan": (STAFF, lambda w: [w.own["plan"].pk]),
    "inspection:edit_plan": (only("member", "head") | {"member": 302, "head": 302}, lambda w: [w.own["draft"].pk]),
    "inspection:plan_step": (only("member", "head"), lambda w: [w.own["draft"].pk, "strata"]),
    "inspection:plan_list": (STAFF, lambda w: [w.own["joint"].plan_id, w.own["joint"].pk]),
    "inspection:approve_plan": (POST_ONLY, lambda w: [w.own["draft"].pk]),
    "inspection:close_plan": (POST_ONLY, lambda w: [w.own["plan"].pk]),
    "inspection:announce": (only("member", "head"), lambda w: [w.own["plan"].pk]),
    "inspection:draws": (STAFF,),
    "inspection:draw": (STAFF, lambda w: [w.own["draw"].no]),
    "inspection:announcement": (STAFF, lambda w: [w.own["draw"].no]),
    "inspection:frame": (STAFF, lambda w: [w.own["draw"].no]),
    "inspection:bundle": (STAFF, lambda w: [w.own["draw"].no]),
    "inspection:execute": (only("member", "head"), lambda w: [w.own["announced"].no]),
    "inspection:assign": (only("member", "head"), lambda w: [w.own["closed"].no]),
    "inspection:drawn": (STAFF, lambda w: [w.own["draw"].no]),
    "inspection:ceremony": (only("member", "head"), lambda w: [w.own["draw"].no]),
    "inspection:ceremony_check": (POST_ONLY, lambda w: [w.own["announced"].no]),
    "inspection:recuse": (only("member", "head", "inspector"), lambda w: [w.own["executed"].no]),
    "inspection:close_list": (only("member", "head"), lambda w: [w.own["executed"].no]),
    "inspection:open_draw": (POST_ONLY, lambda w: [w.own["draw"].no]),
    "inspection:fairness": (STAFF, lambda w: [w.own["draw"].no]),
    "inspection:fairness_year": (STAFF,),
    "inspection:abandon": (POST_ONLY, lambda w: [w.own["announced"].no]),
    "inspection:tasks": (STAFF,),
    "inspection:my_tasks": (STAFF,),
    "inspection:task": (STAFF, lambda w: [w.own["task"].pk]),
    "inspection:record": (only("member"), lambda w: [w.own["task"].pk]),  # and the team: the rooms' own tests
    "inspection:withdraw": (POST_ONLY, lambda w: [w.own["task"].pk]),
    "inspection:replace": (only("member", "head"), lambda w: [w.own["task"].pk]),
    "inspection:visits": (STAFF,),
    "inspection:review_queue": (STAFF,),
    "inspection:publish_queue": (STAFF,),
    "inspection:visit": (STAFF, lambda w: [w.own["visit"].pk]),
    "inspection:review": (POST_ONLY, lambda w: [w.own["visit"].pk]),
    "inspection:publish": (POST_ONLY, lambda w: [w.own["visit"].pk]),
    "inspection:correct": (only("member"), lambda w: [w.own["visit"].pk]),
    "inspection:close_follow_up": (POST_ONLY, lambda w: [w.own["visit"].pk]),
    "inspection:follow_ups": (STAFF,),
    "inspection:burden": (STAFF,),
    "inspection:request_documents": (only("member", "inspector", "head"), lambda w: [w.own["entity"].pk]),
    "inspection:upstream": (STAFF,),
    "inspection:upstream_draw": (STAFF, lambda w: [w.own["upstream"].pk]),
    # appraisal
    "appraisal:scoreboard": (STAFF,),
    "appraisal:target": (STAFF, lambda w: ["T01"]),
    "appraisal:figure": (STAFF, lambda w: ["P01"]),
    "appraisal:snapshots": (STAFF,),
    "appraisal:freeze": (POST_ONLY,),
    "appraisal:snapshot": (STAFF, lambda w: [w.own["snapshot"].no]),
    "appraisal:decide": (POST_ONLY, lambda w: [w.own["snapshot"].no]),
    # law
    "law:home": (PUBLIC,),
    "law:changes": (PUBLIC,),
    "law:change": (
        everyone(200) | dict.fromkeys(("anonymous", "firm", "lab"), MISSING),
        lambda w: [w.own["change"].no],
    ),
    "law:moves": (STAFF, lambda w: [w.own["change"].no]),
    "law:decide": (POST_ONLY, lambda w: [w.own["change"].no]),
    "law:withdraw": (POST_ONLY, lambda w: [w.own["change"].no]),
    "law:calendar": (PROPOSERS, lambda w: [timezone.localdate().year + 1]),
    "law:procedure": (PUBLIC, lambda w: ["complaint"]),
    "law:review_procedure": (only("head"), lambda w: ["complaint"]),
    "law:element": (PUBLIC, lambda w: ["complaint", "2020", "limit", "admit"]),
    "law:propose_element": (PROPOSERS, lambda w: ["complaint", "2020", "limit", "admit"]),
    "law:table": (PUBLIC, lambda w: ["inspection/ratios"]),
    "law:review": (only("lead_office"), lambda w: ["inspection/ratios"]),
    "law:propose_new": (PROPOSERS, lambda w: ["inspection/ratios"]),
    "law:row": (PUBLIC, lambda w: ["inspection/ratios", "default,A"]),
    "law:propose_row": (PROPOSERS, lambda w: ["inspection/ratios", "default,A"]),
    # public log
    "public_log:home": (PUBLIC,),
    "public_log:export": (PUBLIC,),
    "public_log:head": (PUBLIC,),
    "public_log:consistency": (PUBLIC,),
    "public_log:entry": (PUBLIC, lambda w: [w.own["entry"].index]),
    "public_log:proof": (PUBLIC, lambda w: [w.own["entry"].index]),
    "public_log:tlog_proof": (PUBLIC, lambda w: [w.own["entry"].index]),
    "public_log:waiting": (everyone(302), lambda w: [w.own["entry"].leaf_hash]),
    "public_log:checkpoint": (PUBLIC,),
    "public_log:old_checkpoint": (PUBLIC, lambda w: [w.own["checkpoint"].size]),
    "public_log:stamp": (PUBLIC, lambda w: [w.own["checkpoint"].size]),
    "public_log:tile": (PUBLIC, lambda w: [tile(0, 0, w.own["checkpoint"].size).path.removeprefix("tile/")]),
    "public_log:inclusion_api": (everyone(400),),  # which entry?
    "public_log:consistency_api": (everyone(400),),  # since when?
    "public_log:cosign": (everyone(WRONG_METHOD),),
    "public_log:witnesses": (PUBLIC,),
    "public_log:add_witness": (MANAGERS,),
    "public_log:import_cosignature": (MANAGERS,),
    "public_log:end_witness": (POST_ONLY, lambda w: [1]),
    "public_log:acts": (READERS,),
    "public_log:act": (READERS, lambda w: [w.own["act"].pk]),
    # portal
    "portal:home": (PUBLIC,),
    "portal:robots": (PUBLIC,),
    "portal:favicon": (everyone(302),),
    "portal:firm": (PUBLIC, lambda w: [w.own["visit"].entity.unit_id]),
    "portal:draws": (PUBLIC,),
    "portal:draw": (PUBLIC, lambda w: [w.own["draw"].no]),
    "portal:announcement": (PUBLIC, lambda w: [w.own["draw"].no]),
    "portal:bundle": (PUBLIC, lambda w: [w.own["draw"].no]),
    "portal:frame": (PUBLIC, lambda w: [w.own["draw"].no]),
    "portal:leaves": (PUBLIC, lambda w: [w.own["draw"].no]),
    "portal:opened": (everyone(MISSING), lambda w: [w.own["draw"].no]),  # a draw in the open has nothing to open
    "portal:unit": (PUBLIC, lambda w: [w.own["draw"].no]),
    "portal:membership": (PUBLIC, lambda w: [w.own["draw"].no], "?q=demo:T000001"),
    "portal:upstream": (PUBLIC,),
    "portal:upstream_draw": (PUBLIC, lambda w: [w.own["upstream"].pk]),
    "portal:burden": (PUBLIC,),
    "portal:burden_year": (PUBLIC, lambda w: [2026]),
    "portal:results": (PUBLIC,),
    "portal:verify": (PUBLIC,),
    "portal:commitment": (PUBLIC,),
    "portal:result": (PUBLIC, lambda w: [w.own["visit"].no]),
    "portal:scoreboard": (PUBLIC,),
    "portal:scoreboard_year": (PUBLIC, lambda w: [2026]),
    "portal:snapshot": (PUBLIC, lambda w: [w.own["approved"].no]),
    "portal:snapshot_json": (PUBLIC, lambda w: [w.own["approved"].no]),
    "portal:sampling": (PUBLIC,),
    "portal:methods": (PUBLIC,),
    "portal:method": (PUBLIC, lambda w: ["draw"]),
    "portal:tables": (PUBLIC,),
    "portal:table": (PUBLIC, lambda w: ["people/roles"]),
    "portal:table_csv": (PUBLIC, lambda w: ["people/roles"]),
    "portal:verifier": (PUBLIC,),
    "portal:data": (PUBLIC,),
    "portal:dataset": (PUBLIC, lambda w: ["draws", "csv"]),
    "portal:help": (PUBLIC,),
    "portal:guide": (PUBLIC, lambda w: ["citizen"]),
    "portal:accessibility": (PUBLIC,),
    "portal:privacy": (PUBLIC,),
}


def sent_document(w: World, at: datetime.datetime) -> Matter:
    """An official document of the office that is out, to the office itself."""
    users, office = w.users, w.town.office
    facts = {
        "title": "通知",
        "addressee": office.name,
        "body": "现通知如下。",
        "needs_legal_review": False,
        "countersigners": 0,
    }
    matter = matters.open_matter(
        "official_document", by=users["member"], at=at, office=office, facts=facts, offices={"addressee": [office]}
    )
    matters.classify(matter, "active", by=users["head"], at=at)
    for who, verb in (
        ("reviewer", "check"), ("member", "skip_countersigning"), ("member", "skip_legal_review"), ("head", "sign"),
        ("member", "number"), ("member", "seal"), ("member", "send"),
    ):  # fmt: skip
        matters.take(matter, verb, by=users[who], at=at)
    return matter


@pytest.fixture
def world(staffed: Bureau, settings, tmp_path) -> World:  # noqa: F811 - the fixture of that name
    """The bureau of the inspection tests, one user for each role in its office, and one object for each address."""
    settings.HOME = tmp_path
    city.choose("jiaozuo")
    town = staffed.town
    w = World(town, staffed)
    for role in ROLES[2:]:
        w.users[role] = town.user(role, username=f"the-{role}")
    w.users["firm"] = town.firm_user(town.entity())
    now = timezone.now()
    member = w.users["member"]
    food = ProductClass.objects.create(code="food", name="食品", name_en="Food")
    run = ImportRun(
        kind="entities", filename="甲.csv", sha256="0" * 64, encoding="utf-8", state=ImportRun.State.CHECKED, created_by=member, created_at=now,
    )  # fmt: skip
    run.file.save("one.csv", ContentFile("name,unit_id\n甲厂,local:1\n".encode()), save=True)
    run.returned.save("back.csv", ContentFile("\ufeffname,reason\n乙厂,缺少代码\n".encode()), save=True)
    mine = staffed.inspector(account=False)
    Inspector.objects.filter(pk=mine.pk).update(user=w.users["inspector"])
    entity = town.entity(name="甲厂")
    w.own |= {
        "change": propose_ratio(member, at=now, valid_from=timezone.localdate() + datetime.timedelta(days=30)),
        "entity": entity,
        "premises": Premises.objects.create(entity=entity, name="甲厂东门", address="东门路1号"),
        "inspector": mine,
        "qualification": Qualification.objects.get(inspector=mine),
        "recusal": Recusal.objects.create(inspector=mine, entity=entity, kind="kinship", declared_on=now.date()),
        "duty": Responsibility.objects.create(
            office=town.office, product_class=food, link="use", valid_from=datetime.date(2020, 1, 1)
        ),
        "post": Post.objects.get(user=member),
        "notice": Notice.objects.create(user=member, text="通知", url="/people/", at=now),
        "passkey": Passkey.objects.create(
            user=member, name="办公室电脑", credential_id="AA", credential=b"", host="testserver", created_at=now
        ),
        "view": SavedView.objects.create(user=member, name="甲", path="/people/users/"),
        "preference": desk.open_calendar(member),
        "bulk": BulkRun.objects.create(kind="inspection.publish", created_by=member, created_at=now),
        "run": run,
        "attachment": desk.attach(ContentFile(sent.picture(), "现场.jpg"), by=member, at=now),
    }
    w.own["matter"] = matters.open_matter(
        "complaint", by=member, at=now, office=town.office,
        facts={"channel": "web", "subject": "漏水", "complainant": "张三", "contact": "13912345678"},
    )  # fmt: skip
    w.own["document"] = documents.issue(
        "official.letter", office=town.office, fields={"addressee": "省局", "body": "函告如下。"}, title="函", by=member, at=now
    )  # fmt: skip
    w.own["dispatch"] = sent_document(w, now)
    w.own["addressee"] = w.own["dispatch"].parties.get()
    w.own["disclosure"] = Disclosure.objects.create(
        matter=w.own["matter"], publication="result", title="公开事项", published_at=now, published_by=member
    )
    w.own["delivery"] = Delivery.objects.create(notice=w.own["notice"], channel="email", queued_at=now)
    # Draws that are announced, executed, closed; one that has been drawn, assigned, visited and published.
    w.own["draft"] = staffed.plan(approved=False, name="草案")
    w.own["plan"] = staffed.plan(name="已批准的计划")
    w.own["announced"] = staffed.announced(staffed.plan(name="已公告的计划"))
    w.own["draw"] = staffed.assigned()
    w.own["executed"] = staffed.executed(staffed.announced(staffed.plan(name="已抽取的计划")))
    w.own["closed"] = staffed.closed(staffed.executed(staffed.announced(staffed.plan(name="名单已关闭的计划"))))
    w.own["joint"] = staffed.joint(name="联合计划", confirm=False).further_lists.get()
    # of teams without the inspector of the roles: chance may send anybody anywhere
    published, open_task = w.own["draw"].tasks.exclude(team__inspector=mine).order_by("pk")[:2]
    w.own |= {"task": open_task, "visit": staffed.published(published)}
    w.own["upstream"] = inspection.import_upstream(
        [
            inspection.UpstreamEntry(
                "P-1",
                "省双随机平台",
                "抽查",
                datetime.date(2026, 3, 1),
                "provincial",
                (inspection.UpstreamLine("demo:T1"),),
            )
        ],
        by=w.users["reviewer"],
        at=now,
        reason="",
    )[0]
    # One snapshot that waits, one that is public.
    appraisal.load_city("jiaozuo", by=None, at=now)
    w.own["approved"] = appraisal.decide(
        appraisal.freeze(datetime.date(2026, 6, 30), by=w.users["lead_office"], at=now),
        approve=True,
        by=w.users["leader"],
        at=now,
    )
    w.own["snapshot"] = appraisal.freeze(datetime.date(2026, 7, 31), by=w.users["lead_office"], at=now)
    # What the firm itself began, with a paper of its own.
    own_firm = w.users["firm"].firm_account.entity
    w.own["firm_matter"] = matters.open_matter(
        "objection", by=w.users["firm"], at=now, office=town.office, role="enterprise",
        facts={"record": "检查结果", "ground": "地址已经变更"},
    )  # fmt: skip
    assert w.own["firm_matter"].entity == own_firm
    kept = attach(SimpleUploadedFile("证明.txt", "地址变更证明\n".encode()), by=w.users["firm"], at=now)
    w.own["firm_paper"] = matters.add_document(w.own["firm_matter"], kept, title="证明", by=w.users["firm"], at=now)
    w.own |= {"act": Act.objects.first(), "entry": LogEntry.objects.first(), "checkpoint": Checkpoint.objects.first()}
    Timestamp.objects.create(checkpoint=w.own["checkpoint"], at=now, authority="tsa", token=b"0")
    return w


def addresses(resolver: URLResolver, namespace: str = "") -> list[str]:
    """The names of all addresses, those of Django's own administration left out."""
    found = []
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            if pattern.namespace != "admin":
                found += addresses(pattern, f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace)
        elif isinstance(pattern, URLPattern):
            found.append(f"{namespace}{pattern.name}")
    return found


ALL = sorted(set(addresses(get_resolver())))


def test_every_address_has_a_name():
    assert not [name for name in ALL if name.endswith("None")]


def test_no_row_is_left_over():
    assert sorted(set(URLS) - set(ALL)) == []


def test_every_address_has_a_row():
    missing = sorted(set(ALL) - set(URLS))
    assert not missing, "add to URLS:\n" + "\n".join(f'    "{name}": (STAFF,),' for name in missing)


@pytest.mark.parametrize("role", ROLES)
def test_every_address(role, world):
    client = Client()
    if role != "anonymous":
        client.force_login(world.users[role])
    wrong = {}
    for name, (who, *rest) in URLS.items():
        try:
            path = reverse(name, args=rest[0](world) if rest else []) + (rest[1] if len(rest) > 1 else "")
            answer = client.get(path)
            content = b"".join(answer.streaming_content) if answer.streaming else answer.content
            if answer.status_code == 200 and answer["Content-Type"].startswith("text/html") and name not in PIECES:
                _page_is_sound(content.decode(), path)
        except Exception as problem:  # noqa: BLE001 - one broken page must not hide the others
            wrong[name] = f"{type(problem).__name__}: {problem}"[:300]
            continue
        if answer.status_code != who[role]:
            wrong[name] = f"{answer.status_code}, expected {who[role]}: {path}"
    assert not wrong, f"{role}:\n" + "\n".join(f"  {name}: {said}" for name, said in wrong.items())


def _page_is_sound(page: str, where: str) -> None:
    """What holds for every page: one title, one main heading, a language, nothing inline, nothing left of the template."""
    assert len(re.findall(r"<h1[ >]", page)) == 1, where
    assert re.search(r'<html lang="(zh-Hans|en)">', page), where
    assert re.search(r"<title>[^<·]+·", page), where
    assert not re.search(r"\sstyle=|<style|\son[a-z]+=\"", page), where
    # blocks of data are no scripts: no browser runs them; and no templates: their sentences have braces of their own
    page = re.sub(r'<script id="[\w-]+" type="application/json">.*?</script>', "", page, flags=re.DOTALL)
    assert not re.search(r"<script(?![^>]*\bsrc=)", page), where
    assert "{{" not in page, where
    assert "{%" not in page, where
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids)), (
        f"{where}: the same id twice: {sorted({one for one in ids if ids.count(one) > 1})}"
    )


@pytest.mark.parametrize("role", ROLES)
def test_the_administration_is_for_nobody_with_a_role(role, world):
    """Django's admin is the superuser's; a role of the platform does not open it."""
    client = Client()
    if role != "anonymous":
        client.force_login(world.users[role])
    assert client.get("/admin/").status_code == 302
    assert client.get("/admin/people/user/").status_code in {302, 404}
