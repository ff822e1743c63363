"""Every page of the room opens for who may, and for nobody else; forms say what is wrong; lists cost few queries."""

import datetime
import json

import pytest
import time_machine
from django.urls import reverse

from tests.web.inspection.conftest import moment, secret
from zhunsheng.engine.draw import commitment, verify
from zhunsheng.web.inspection import actions
from zhunsheng.web.inspection.forms.draws import AnnounceForm
from zhunsheng.web.inspection.models import CheckItem, Draw, FollowUp, Plan, ResultWording, RuleBook, Task, Visit

pytestmark = pytest.mark.django_db

LISTS = [
    "home",
    "items",
    "wordings",
    "rule_books",
    "plans",
    "draws",
    "tasks",
    "my_tasks",
    "visits",
    "review_queue",
    "publish_queue",
    "follow_ups",
]


@pytest.fixture
def at(request):
    """Tuesday 10 March 2026, unless the test says otherwise."""
    with time_machine.travel(getattr(request, "param", moment(10)), tick=False) as traveller:
        yield traveller


@pytest.fixture
def filled(staffed):
    """A draw with a published problem, a submitted and a reviewed record."""
    tasks = list(staffed.assigned().tasks.order_by("no"))
    staffed.published(tasks[0], "05")
    staffed.submitted(tasks[1])
    actions.review_visit(staffed.submitted(tasks[2], "05"), by=staffed.reviewer, at=moment(5))
    return staffed


def pages(bureau) -> list[str]:
    draw, task, visit = Draw.objects.get(), Task.objects.order_by("no").first(), Visit.objects.order_by("pk").first()
    return [
        *(reverse(f"inspection:{name}") for name in LISTS),
        reverse("inspection:item", args=[bureau.items[0].pk]),
        reverse("inspection:rule_book", args=[bureau.book.version]),
        reverse("inspection:rule_book_file", args=[bureau.book.version]),
        reverse("inspection:plan", args=[draw.plan_id]),
        reverse("inspection:draw", args=[draw.no]),
        reverse("inspection:announcement", args=[draw.no]),
        reverse("inspection:frame", args=[draw.no]),
        reverse("inspection:bundle", args=[draw.no]),
        reverse("inspection:task", args=[task.pk]),
        reverse("inspection:visit", args=[visit.pk]),
    ]


def test_every_page_opens_for_staff_in_both_languages(filled, client, at):
    for user in (filled.member, filled.head, filled.reviewer, filled.quality_office, filled.inspectors[0].user):
        client.force_login(user)
        for page in pages(filled):
            assert client.get(page).status_code == 200, (user, page)
    client.cookies["language"] = "en"
    for page in pages(filled):
        assert client.get(page).status_code == 200, page


def test_nobody_else_gets_in(filled, client, at):
    for page in pages(filled):
        assert client.get(page).status_code == 302, page
    for user in (filled.town.firm_user(filled.town.entity()), filled.town.user("lab")):
        client.force_login(user)
        for page in pages(filled):
            assert client.get(page).status_code == 403, (user, page)


def test_another_countys_officer_sees_none_of_it(filled, client, at):
    from zhunsheng.web.people.models import Office

    far = Office.objects.create(code="T-SJ-02", name="西山县局", level="county", division_code="990102")
    client.force_login(filled.town.user("member", far))
    task, visit, draw = Task.objects.first(), Visit.objects.first(), Draw.objects.get()
    for name, args in [("task", [task.pk]), ("visit", [visit.pk]), ("draw", [draw.no]), ("plan", [draw.plan_id])]:
        assert client.get(reverse(f"inspection:{name}", args=args)).status_code == 404
    assert "T-SJ" not in client.get(reverse("inspection:tasks")).content.decode().split("<main")[1]


# -- the whole way by clicks -------------------------------------------------------------------------------------------
def test_a_plan_is_drafted_previewed_approved_announced_executed_and_assigned(staffed, client):
    with time_machine.travel(moment(2), tick=False) as clock:
        client.force_login(staffed.member)
        what = {
            "name": "一季度抽查",
            "year": "2026",
            "kind": "undirected",
            "mode": "open",
            "items": [staffed.items[0].pk],
            "office": staffed.town.office.pk,
        }
        assert client.get(reverse("inspection:add_plan")).status_code == 200
        response = client.post(reverse("inspection:add_plan"), what)
        plan = Plan.objects.get()

        def step(name: str) -> str:
            return reverse("inspection:plan_step", args=[plan.pk, name])

        assert response.url == step("scope")
        assert client.post(step("what"), what | {"name": "第一季度抽查"}).url == step("scope")
        assert client.get(step("scope")).status_code == 200
        assert client.post(step("scope"), {}).url == step("strata")
        strata = {
            "stratify_by": "risk_class",
            "measure": "none",
            "ratio_scheme": "own",
            "ratio_A": "10",
            "ratio_B": "20",
            "ratio_C": "50",
            "ratio_D": "100",
        }
        shown = client.post(reverse("inspection:preview_plan", args=[plan.pk, "strata"]), strata).content.decode()
        assert "18" in shown
        assert "不得高于 5%" in shown
        plan.refresh_from_db()
        assert plan.ratio_scheme  # the preview has stored nothing
        assert client.post(step("strata"), strata | {"go": "stay"}).url == step("strata")
        assert client.post(step("strata"), strata | {"go": "back"}).url == step("scope")
        assert client.post(step("strata"), strata).url == step("people")
        people = {"starts_on": "2026-03-02", "ends_on": "2026-06-30", "team_size": "2"}
        wrong = client.post(step("people"), people | {"ends_on": "2026-02-01"})
        assert wrong.status_code == 422 and wrong.context["form"].errors["ends_on"]
        assert "公示" in client.get(step("people")).content.decode()
        assert client.post(step("people"), people).url == step("review")
        plan.refresh_from_db()
        assert plan.ratios == {"A": "0.1", "B": "0.2", "C": "0.5", "D": "1"}
        assert (plan.submitted_at, plan.starts_on.isoformat()) == (None, "2026-03-02")
        client.force_login(staffed.head)
        client.post(reverse("inspection:approve_plan", args=[plan.pk]))
        plan.refresh_from_db()
        assert plan.state == Plan.State.DRAFT  # not before it is submitted
        client.force_login(staffed.member)
        assert client.get(step("review")).status_code == 200
        assert client.post(step("review")).url == reverse("inspection:plan", args=[plan.pk])
        assert client.post(reverse("inspection:approve_plan", args=[plan.pk])).status_code == 403
        client.force_login(staffed.head)
        client.post(reverse("inspection:approve_plan", args=[plan.pk]))
        plan.refresh_from_db()
        assert (plan.state, plan.name) == (Plan.State.APPROVED, "第一季度抽查")

        client.force_login(staffed.member)
        announce = reverse("inspection:announce", args=[plan.pk])
        assert "T-SJ-2026-001" in client.get(announce).content.decode()
        said = {
            "not_before": "2026-03-03T08:00",
            "profiles": ["ceremony"],
            "second_profiles": ["ceremony"],
            "mechanical": ["dice"],
            "party_1": "纪检监察机关",
            "party_2": "群众代表",
            "default_1": "not-revealed-1",
            "default_2": "not-revealed-2",
            "suite": "sha256",
        }
        wrong = client.post(announce, said | {"not_before": "2026-03-03T10:00"})
        assert wrong.status_code == 422 and wrong.context["form"].errors["commitment_1"]
        for mark, second in (("", False), ("second_", True)):
            for n in (1, 2):
                promise = commitment("T-SJ-2026-001", f"ceremony:party-{n}", secret(n, second=second), second=second)
                said[f"{mark}commitment_{n}"] = promise
        wrong = client.post(announce, said)
        assert (wrong.status_code, Draw.objects.count()) == (422, 0)
        assert "24" in wrong.content.decode()
        client.post(announce, said | {"not_before": "2026-03-03T10:00"})
        draw = Draw.objects.get()
        assert client.get(announce).url == reverse("inspection:draw", args=[draw.no])  # no second form beside it

        execute = reverse("inspection:execute", args=[draw.no])
        given = {
            "value_0": "4-2-6-1-5-3-3-6-2-1",
            "at_0": "2026-03-03T10:30",
            "value_1": secret(1),
            "at_1": "2026-03-03T10:31",
            "value_2": secret(2),
            "at_2": "2026-03-03T10:32",
            "witnesses": "市纪委监委2人",
        }
        assert client.post(execute, given).status_code == 422
        clock.move_to(moment(3, 11))
        client.force_login(staffed.member)  # the session of the day before has ended
        wrong = client.post(execute, given | {"value_0": "9-9"})
        assert wrong.status_code == 422
        assert "骰子" in str(wrong.context["form"].errors["value_0"])
        assert not wrong.context["form"].non_field_errors()
        assert client.post(execute, given).status_code == 302
        draw.refresh_from_db()
        assert draw.state == Draw.State.EXECUTED
        assert client.post(execute, given | {"value_0": "1-1-1-1-1-1-1-1-1-1"}).status_code == 302
        draw.refresh_from_db()
        assert draw.values[0]["value"] == "4-2-6-1-5-3-3-6-2-1"
        shown = client.get(reverse("inspection:draw", args=[draw.no])).content.decode()
        assert "2026-03-03 10:30" in shown and draw.values[0]["at"] == "2026-03-03T02:30:00Z"
        assert "2026-03-03T02:30" not in shown
        empty = client.post(execute, {})  # executed: no form any more
        assert empty.status_code == 302
        clock.move_to(moment(3, 11) + datetime.timedelta(minutes=10))
        assert client.get(reverse("inspection:close_list", args=[draw.no])).status_code == 200
        assert client.post(reverse("inspection:close_list", args=[draw.no]), {}).status_code == 302
        draw.refresh_from_db()
        assert draw.state == Draw.State.LIST_CLOSED
        second = {
            "value_0": "1-1-2-3-5-6-6-4-2-1",
            "at_0": "2026-03-03T12:20",
            "value_1": secret(1, second=True),
            "at_1": "2026-03-03T12:21",
            "value_2": secret(2, second=True),
            "at_2": "2026-03-03T12:22",
            "witnesses": "市纪委监委2人",
        }
        assign = reverse("inspection:assign", args=[draw.no])
        assert client.post(assign, second).status_code == 422  # later than now
        clock.move_to(moment(3, 13))
        client.force_login(staffed.member)  # an hour without a click ends a session
        wrong = client.post(assign, second | {"at_1": "", "value_2": ""}).content.decode()
        assert "纪检监察机关的产生时间" in wrong and "群众代表的值" in wrong  # the summary names the source, not its id
        assert (
            client.post(assign, second | {"at_0": "2026-03-03T11:50"}).status_code == 422
        )  # within the hour of the closing
        assert client.post(assign, second).status_code == 302
        draw.refresh_from_db()
        assert draw.state == Draw.State.ASSIGNED
        assert "检查中" in client.get(reverse("inspection:draw", args=[draw.no])).content.decode()
        assert client.get(reverse("inspection:fairness", args=[draw.no])).status_code == 200
        assert client.get(reverse("inspection:fairness_year")).status_code == 200
        assert client.get(reverse("inspection:ceremony", args=[draw.no])).status_code == 200
        assert verify(client.get(reverse("inspection:bundle", args=[draw.no])).content).ok


def test_a_record_goes_from_draft_to_publication_by_clicks(staffed, client):
    with time_machine.travel(moment(4, 16), tick=False) as clock:
        task = staffed.assigned().tasks.order_by("no").first()
        item = staffed.items[0]
        client.force_login(staffed.lead(task))
        assert task.entity.name in client.get(reverse("inspection:my_tasks")).content.decode()
        record = reverse("inspection:record", args=[task.pk])
        assert client.get(record).status_code == 200
        typed = {
            "visited_on": "2026-03-04",
            "signed": "refused",
            "result": staffed.wordings["05"].pk,
            f"verdict_{item.pk}": "problem",
        }
        assert client.post(record, typed | {"do": "draft", f"text_{item.pk}": "未公示"}).status_code == 302
        assert Visit.objects.get().state == Visit.State.DRAFT
        wrong = client.post(record, typed | {"do": "submit"})
        assert wrong.status_code == 422
        assert "见证人" in wrong.content.decode()
        assert (
            client.post(
                record, typed | {"do": "submit", "witness": "社区干部", f"text_{item.pk}": "未公示"}
            ).status_code
            == 302
        )
        visit = Visit.objects.get()
        assert client.post(reverse("inspection:review", args=[visit.pk]), {"do": "pass"}).status_code == 403

        clock.move_to(moment(5))
        client.force_login(staffed.reviewer)
        client.post(reverse("inspection:review", args=[visit.pk]), {"do": "return", "return-reason": "请写清楚"})
        assert Visit.objects.get().state == Visit.State.RETURNED
        client.force_login(staffed.lead(task))
        assert "请写清楚" in client.get(record).content.decode()
        client.post(record, typed | {"do": "submit", "witness": "社区干部", f"text_{item.pk}": "2025 年度报告未公示"})
        client.force_login(staffed.reviewer)
        client.post(reverse("inspection:review_queue"), {"visit": [visit.pk]})
        client.post(reverse("inspection:publish_queue"), {"visit": [visit.pk]})
        visit.refresh_from_db()
        assert visit.is_public
        client.force_login(staffed.member)
        client.post(reverse("inspection:close_follow_up", args=[visit.pk]), {"close-outcome": "已改正"})
        assert FollowUp.objects.get().state == FollowUp.State.CLOSED
        corrected = client.post(
            reverse("inspection:correct", args=[visit.pk]),
            {
                "visited_on": "2026-03-04",
                "signed": "signed",
                "result": staffed.wordings["01"].pk,
                f"verdict_{item.pk}": "pass",
                "correction_reason": "录入时选错了结果",
            },
        )
        assert corrected.status_code == 302
        assert Visit.objects.get(corrects=visit).state == Visit.State.SUBMITTED


def test_the_queue_takes_only_what_the_user_may_decide(filled, client, at):
    waiting = Visit.objects.get(state=Visit.State.SUBMITTED)
    client.force_login(filled.lead(waiting.task))
    client.post(reverse("inspection:review_queue"), {"visit": [waiting.pk]})
    assert Visit.objects.get(pk=waiting.pk).state == Visit.State.SUBMITTED


def test_withdrawing_replacing_and_giving_up_by_clicks(staffed, client, at):
    task = staffed.assigned().tasks.order_by("no").first()
    client.force_login(staffed.member)
    absent = task.team.get(lead=True).inspector
    assert client.get(reverse("inspection:replace", args=[task.pk])).status_code == 200
    client.post(reverse("inspection:replace", args=[task.pk]), {"absent": absent.pk, "reason": "突发疾病"})
    assert task.team.count() == 3
    assert (
        client.post(reverse("inspection:withdraw", args=[task.pk]), {"withdraw-reason": "企业已停产待拆迁"}).status_code
        == 403
    )
    client.force_login(staffed.head)
    client.post(reverse("inspection:withdraw", args=[task.pk]), {"withdraw-reason": "企业已停产待拆迁"})
    task.refresh_from_db()
    assert task.state == Task.State.WITHDRAWN
    other = staffed.announced(staffed.plan(name="另一个", ratios={"A": "1", "B": "1", "C": "1", "D": "1"}))
    client.post(reverse("inspection:abandon", args=[other.no]), {"abandon-reason": "名录有误，另行公告"})
    other.refresh_from_db()
    assert other.state == Draw.State.ABANDONED


def test_items_wordings_and_rule_books_by_clicks(bureau, client, at):
    client.force_login(bureau.quality_office)
    item = bureau.items[0]
    form = {
        "name": item.name,
        "office": item.office_id,
        "legal_basis": "新办法",
        "level": "city",
        "kind": "general",
        "applies_to": "C,52",
        "source": "2026年清单",
        "confidence": "sure",
        "valid_from": "2026-06-01",
    }
    assert client.get(reverse("inspection:revise_item", args=[item.pk])).status_code == 200
    assert (
        client.post(reverse("inspection:revise_item", args=[item.pk]), form | {"applies_to": "ZZ"}).status_code == 422
    )
    client.post(reverse("inspection:revise_item", args=[item.pk]), form)
    assert CheckItem.objects.filter(code="CJ-01").count() == 2
    client.post(reverse("inspection:add_item"), form | {"code": "CJ-50"})
    added = CheckItem.objects.get(code="CJ-50")
    client.post(reverse("inspection:end_item", args=[added.pk]), {"valid_to": "2026-12-31"})
    wording = bureau.wordings["01"]
    said = {
        "name": "没有问题",
        "estimation_role": "eligible_pass",
        "needs_followup": "none",
        "order": "1",
        "source": "通知",
        "confidence": "sure",
        "valid_from": "2026-06-01",
    }
    client.post(reverse("inspection:revise_wording", args=[wording.pk]), said)
    client.post(reverse("inspection:add_wording"), said | {"code": "77"})
    assert ResultWording.objects.filter(name="没有问题").count() == 2
    client.post(reverse("inspection:draft_rule_book"), {"valid_from": "2026-06-01"})
    book = RuleBook.objects.get(version="2026-02")
    client.force_login(bureau.head)
    client.post(reverse("inspection:approve_rule_book", args=[book.version]))
    book.refresh_from_db()
    assert book.approved_by == bureau.head
    file = client.get(reverse("inspection:rule_book_file", args=[book.version])).content
    assert json.loads(file)["version"] == "2026-02"


def test_drafting_forms_are_for_those_who_may(bureau, client, at):
    client.force_login(bureau.reviewer)
    for name in ("add_item", "add_wording", "draft_rule_book", "add_plan"):
        assert client.get(reverse(f"inspection:{name}")).status_code == 403


def test_an_entity_is_found_in_the_frame(filled, client, at):
    client.force_login(filled.member)
    draw, task = Draw.objects.get(), Task.objects.order_by("no").first()
    page = reverse("inspection:draw", args=[draw.no])
    text = client.get(page, {"unit": task.unit_id}).content.decode()
    assert task.no in text
    assert "没有" in client.get(page, {"unit": "demo:NOBODY"}).content.decode()
    assert client.get(reverse("inspection:frame", args=[draw.no]), {"page": "2"}).status_code == 404


def test_a_late_record_is_red_with_its_days(filled, client):
    with time_machine.travel(moment(3, month=4), tick=False):
        client.force_login(filled.reviewer)
        text = client.get(reverse("inspection:visits"), {"late": "true"}).content.decode()
        assert text.count("逾期 2 个工作日") == 2
        assert "逾期 2 个工作日" in client.get(reverse("inspection:publish_queue")).content.decode()


def test_lists_filter_and_export_what_is_shown(filled, client, at):
    client.force_login(filled.member)
    text = b"".join(client.get(reverse("inspection:tasks"), {"state": "published", "export": "csv"})).decode()
    assert len(text.strip().split("\n")) == 1
    text = b"".join(client.get(reverse("inspection:tasks"), {"state": "followup_open", "export": "csv"})).decode()
    assert len(text.strip().split("\n")) == 2
    text = b"".join(client.get(reverse("inspection:visits"), {"result": "05", "export": "csv"})).decode()
    assert len(text.strip().split("\n")) == 3
    for name in ("items", "plans", "draws", "follow_ups"):
        assert client.get(reverse(f"inspection:{name}"), {"export": "xlsx"}).status_code == 200
        assert client.get(reverse(f"inspection:{name}"), {"q": "没有这个"}).status_code == 200


@pytest.mark.parametrize(
    ("name", "queries"),
    [
        ("items", 14),
        ("plans", 14),
        ("draws", 14),
        ("tasks", 14),
        ("visits", 14),
        ("follow_ups", 14),
        ("home", 30),
        ("review_queue", 14),
    ],
)
def test_lists_cost_few_queries(filled, client, at, name, queries, django_assert_max_num_queries):
    client.force_login(filled.member if name != "review_queue" else filled.reviewer)
    with django_assert_max_num_queries(queries):
        client.get(reverse(f"inspection:{name}"))


def test_the_record_page_says_why_the_day_is_the_last(filled, client, at):
    client.force_login(filled.member)
    text = client.get(reverse("inspection:visit", args=[Visit.objects.order_by("pk").first().pk])).content.decode()
    assert "zhunsheng clock limit inspection.publish_result 2026-03-04" in text
    assert datetime.date(2026, 4, 1).isoformat() in text


def test_the_form_of_the_announcement_throws_nothing_beside_values_from_outside(staffed):
    """Dice beside a lottery or the beacon could be thrown until they suit what everybody knows by then."""
    plan = staffed.plan()
    said = {
        "not_before": "2026-03-03T10:00", "mechanical": ["dice"], "suite": "sha256", "fallback_hours": "48",
        "party_1": "纪检监察机关", "party_2": "群众代表", "default_1": "not-revealed-1", "default_2": "not-revealed-2",
        **{f"{part}commitment_{n}": f"{part and 1}{n}".rjust(64, "0") for part in ("", "second_") for n in (1, 2)},
    }  # fmt: skip

    def form(**changes) -> AnnounceForm:
        return AnnounceForm(said | changes, on=moment(2).date(), plan=plan)

    alone = form(profiles=["ceremony"], second_profiles=["drand-quicknet"])
    assert alone.is_valid(), alone.errors
    assert [one.id for one in alone.cleaned_data["sources"]] == [
        "ceremony:dice", "ceremony:party-1", "ceremony:party-2",
    ]  # fmt: skip
    assert len(alone.cleaned_data["fallback"]) == 1
    assert alone.cleaned_data["second_fallback"] == ()  # a past round of the beacon can always be had
    both = form(profiles=["ceremony", "drand-quicknet"], second_profiles=["ceremony"])
    assert both.is_valid(), both.errors
    assert [one.kind for one in both.cleaned_data["sources"]] == ["drand", "party", "party"]
    assert both.cleaned_data["second_sources"][0].id == "ceremony:dice-2"
    wrong = form(profiles=["ceremony"], second_profiles=["ceremony"], commitment_2="abc", default_1="")
    assert not wrong.is_valid() and {"commitment_2", "default_1"} <= set(wrong.errors)
