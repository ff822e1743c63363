"""The law is public; what concerns staff stays inside; forms say what is wrong at its place."""

import datetime

import pytest
from django.urls import reverse
from django.utils import timezone

from tests.web.law.conftest import NOW, RATIOS, approved, complaint, propose_limit, propose_ratio, ratio, ratio_cells
from zhunsheng.engine import clock, procedure, tables
from zhunsheng.web.common.errors import NotAllowed, Refused
from zhunsheng.web.desk import providers as desk
from zhunsheng.web.desk.models import Notice
from zhunsheng.web.law import actions, providers, queries
from zhunsheng.web.law.models import Change, Review
from zhunsheng.web.public_log.models import Act

pytestmark = pytest.mark.django_db
ROW = f"/law/{RATIOS}/rows/default,A/"


def page(client, url, **query) -> str:
    answer = client.get(url, query)
    assert answer.status_code == 200, (url, answer.status_code)
    return answer.content.decode()


class TestReading:
    def test_anyone_reads_tables_rows_procedures_and_limits(self, client, town):
        home = page(client, "/law/")
        assert "抽查比例" in home and "投诉" in home and "待批准的修改" not in home
        assert "default,A" in page(client, f"/law/{RATIOS}/")
        row = page(client, ROW)
        assert "提出修改" not in row and "责任人" in row
        assert "<svg" in page(client, "/law/procedures/complaint/")
        assert "2017-qts" in page(client, "/law/procedures/complaint/2017-qts/limit/admit/")

    @pytest.mark.parametrize("name", [name for name in queries.names() if not name.startswith("cities/")])
    def test_every_table_and_procedure_has_a_page(self, client, town, name):
        page(client, queries.subject(name, NOW.date()).url)

    def test_every_element_has_a_page(self, client, town):
        for one in procedure.versions("penalty"):
            for found in queries.elements(one):
                page(client, found.url)

    @pytest.mark.parametrize(
        "url", ["/law/nothing/", "/law/demo/name_parts/", f"/law/{RATIOS}/rows/no,such/", "/law/procedures/nothing/", "/law/cities/jiaozuo/offices/",
                "/law/procedures/complaint/2020/limit/none/", "/law/procedures/complaint/2020/state/closed/", "/law/changes/LAW-1/", "/law/../etc/passwd/"],
    )  # fmt: skip
    def test_what_is_not_there(self, client, town, url):
        assert client.get(url).status_code == 404

    def test_filters(self, client, town):
        only = page(client, "/law/", only="assumed")
        assert "people/roles" in only or "inspection/ratios" in only
        assert "working_days/2026" not in only
        assert "time_limits/inspection" in page(client, "/law/", q="经营异常名录")
        assert "没有符合条件的规则" in page(client, "/law/", q="绝无此词")
        on = page(client, "/law/time_limits/inspection/", on="2016-01-01")
        assert "工商总局令第67号" in on and "2019-01-27" not in on
        assert page(client, "/law/time_limits/inspection/", on="yesterday")

    def test_keys_with_signs_of_their_own_have_addresses(self, town):
        for name in queries.names():
            if not queries.is_procedure(name):
                table = tables.load(name)
                for row in table.rows[:300]:
                    key = tables.key_of(table, row)
                    text = queries.key_text(key)
                    assert queries.key_from(text) == key
                    assert reverse("law:row", args=[name, text])

    def test_a_proposal_is_for_the_house_and_an_approved_change_for_all(self, client, people):
        change = propose_ratio(people["member"])
        assert client.get(change.get_absolute_url()).status_code == 404
        assert change.no not in page(client, "/law/changes/")
        assert change.no not in page(client, ROW)
        approved(change, people["head"])
        said = page(client, change.get_absolute_url())
        assert "某市文件第3条" in said
        assert "年度调整" not in said and str(people["member"]) not in said
        assert change.no in page(client, "/law/changes/")

    def test_the_list_of_changes_leaves_as_a_file(self, client, people):
        propose_ratio(people["member"])
        client.force_login(people["head"])
        answer = client.get("/law/changes/", {"export": "csv", "state": "proposed"})
        assert b"LAW-2026-0001" in b"".join(answer.streaming_content)

    def test_tables_kept_elsewhere_lead_there(self, client, people):
        client.force_login(people["member"])
        said = page(client, "/law/inspection/check_items/")
        assert reverse("inspection:items") in said and "新增一行" not in said
        assert client.get("/law/inspection/check_items/new/").status_code == 404

    def test_the_first_page_asks_the_same_however_many_changes(self, client, people, django_assert_max_num_queries):
        client.force_login(people["head"])
        propose_ratio(people["member"])
        propose_limit(people["member"])
        with django_assert_max_num_queries(14):
            page(client, "/law/")


def in_a_week() -> datetime.date:
    return timezone.localdate() + datetime.timedelta(days=7)


def filled(value="0.07", **said) -> dict[str, str]:
    cells = {f"cell_{column}": cell for column, cell in ratio_cells(value).items()}
    return (
        cells
        | {"valid_from": in_a_week().isoformat(), "source": "某市文件", "confidence": "sure", "reason": "调整"}
        | said
    )


class TestProposing:
    def test_from_the_row_to_the_preview_and_the_approval(self, client, people, django_capture_on_commit_callbacks):
        client.force_login(people["member"])
        assert "提出修改" in page(client, ROW)
        assert 'value="0.01"' in page(client, f"{ROW}propose/")
        with django_capture_on_commit_callbacks(execute=True):
            answer = client.post(f"{ROW}propose/", filled())
        change = Change.objects.get()
        assert answer.url == change.get_absolute_url()
        said = page(client, change.get_absolute_url())
        assert "撤回" in said and 'value="approve"' not in said
        assert Notice.objects.filter(user=people["head"]).exists()
        client.force_login(people["head"])
        assert 'value="approve"' in page(client, change.get_absolute_url())
        with django_capture_on_commit_callbacks(execute=True):
            client.post(f"{change.get_absolute_url()}decide/", {"decision": "approve"})
        assert ratio(in_a_week()) == "0.07"
        assert Notice.objects.filter(user=people["member"]).exists()
        assert "已批准" in page(client, change.get_absolute_url())

    def test_what_does_not_fit_is_said_at_its_field(self, client, people):
        client.force_login(people["member"])
        answer = client.post(f"{ROW}propose/", filled("很多"))
        assert answer.status_code == 422
        assert "应为十进制数" in answer.content.decode()
        assert not Change.objects.exists()

    def test_a_row_with_a_new_key(self, client, people):
        client.force_login(people["member"])
        answer = client.post(f"/law/{RATIOS}/new/", filled(cell_risk_class="E"))
        assert answer.status_code == 302, answer.content.decode()
        assert Change.objects.get().key == ["default", "E"]
        assert client.get(f"/law/{RATIOS}/rows/default,E/").status_code == 200

    def test_a_key_that_is_there_already_is_no_new_row(self, client, people):
        client.force_login(people["member"])
        assert client.post(f"/law/{RATIOS}/new/", filled()).status_code == 302
        assert Change.objects.get().old["ratio"] == "0.01"  # it is a change of that row, and shows as one

    def test_a_row_that_ends(self, client, people):
        client.force_login(people["member"])
        assert client.post(f"{ROW}propose/", filled(ends="on")).status_code == 302
        assert Change.objects.get().kind == "end"

    def test_a_limit_a_step_and_a_publication(self, client, people):
        client.force_login(people["member"])
        base = "/law/procedures/complaint/2020/"
        common = {"valid_from": in_a_week().isoformat(), "source": "某市文件", "confidence": "sure", "reason": "提速"}
        assert 'value="7"' in page(client, f"{base}limit/admit/propose/")
        assert (
            client.post(
                f"{base}limit/admit/propose/", common | {"cell_amount": "5", "cell_unit": "working_day"}
            ).status_code
            == 302
        )
        assert Change.objects.get().new == {"amount": 5}
        form = {
            "cell_amount": "15",
            "cell_unit": "working_day",
            "cell_longer_0_amount": "10",
            "cell_longer_0_times": "1",
        }
        assert client.post(f"{base}limit/verify_clue/propose/", common | form).status_code == 302
        assert Change.objects.first().new == {"longer": [{"verb": "extend_clue", "amount": 10}]}
        step = {"cell_roles": ["member", "head"], "cell_needs": ["respondent"], "cell_documents": ["admission_notice"]}
        wording = {f"cell_{key}": element_text(key) for key in ("wording", "wording_en")}
        assert (
            client.post(f"{base}step/admit/propose/", common | step | wording | {"applies_to_open": "on"}).status_code
            == 302
        )
        assert (Change.objects.first().new, Change.objects.first().applies_to_open) == (
            {"roles": ["member", "head"]},
            True,
        )
        publication = {"cell_facts": ["four_meters"], "cell_form": "anonymised"}
        assert client.post(f"{base}publication/statistics/propose/", common | publication).status_code == 302
        assert Change.objects.first().new == {"facts": ["four_meters"]}
        for change in Change.objects.all():
            page(client, change.get_absolute_url())

    def test_nothing_changed_is_said(self, client, people):
        client.force_login(people["member"])
        found = queries.element(procedure.load("complaint", NOW), "limit", "admit")
        form = {"cell_amount": "7", "cell_unit": "working_day", "valid_from": in_a_week().isoformat(), "source": found.thing.source, "confidence": "sure", "reason": "r"}  # fmt: skip
        answer = client.post("/law/procedures/complaint/2020/limit/admit/propose/", form)
        assert (answer.status_code, "没有修改" in answer.content.decode()) == (422, True)

    def test_a_year_of_holidays_from_text_and_from_a_file(self, client, people):
        from django.core.files.uploadedfile import SimpleUploadedFile

        client.force_login(people["member"])
        year = timezone.localdate().year + 1
        url, text = f"/law/calendars/{year}/", f"date,kind,name,name_en\n{year}-01-01,放假,元旦,New Year\n"
        common = {"source": "国办发明电", "confidence": "sure", "reason": "年度"}
        assert client.post(url, common | {"days": "nonsense"}).status_code == 422
        assert "第 2 行" in client.post(url, common | {"days": text.replace("放假", "休息")}).content.decode()
        bad = SimpleUploadedFile("a.csv", b"\xff\xfe\x00", "text/csv")
        assert client.post(url, common | {"file": bad}).status_code == 422
        good = SimpleUploadedFile("a.csv", text.encode("utf-8-sig"), "text/csv")
        assert client.post(url, common | {"file": good}).status_code == 302
        change = Change.objects.get()
        assert (change.table, len(change.new["rows"])) == (f"working_days/{year}", 1)
        assert "New Year" not in page(client, change.get_absolute_url())
        assert client.get("/law/calendars/1999/").status_code == 404

    @pytest.mark.parametrize("role", ["auditor", "inspector", "lab"])
    def test_others_are_told_who_may(self, client, people, role):
        client.force_login(people[role])
        answer = client.get(f"{ROW}propose/")
        assert answer.status_code == 403
        assert client.post(f"{ROW}propose/", filled()).status_code == 403

    def test_a_decision_that_is_refused_says_why(self, client, people):
        change = propose_ratio(people["head"], at=timezone.now(), valid_from=in_a_week())
        client.force_login(people["head"])
        answer = client.post(f"{change.get_absolute_url()}decide/", {"decision": "approve"}, follow=True)
        assert "提出人以外" in answer.content.decode()
        client.force_login(people["leader"])
        answer = client.post(f"{change.get_absolute_url()}decide/", {"decision": "refuse"}, follow=True)
        assert "须写明理由" in answer.content.decode()
        client.post(f"{change.get_absolute_url()}decide/", {"decision": "refuse", "reason": "依据不足"})
        assert "依据不足" in page(client, change.get_absolute_url())


def element_text(key: str) -> str:
    found = queries.element(procedure.load("complaint", NOW), "step", "admit")
    return str(found.written[key])


class TestPreviewPage:
    def test_staff_see_every_move_and_take_it_as_a_file(self, client, town, people):
        now = timezone.now()
        matter = complaint(town, now)
        change = propose_limit(
            people["member"], 3, at=now, valid_from=timezone.localdate() + datetime.timedelta(days=2)
        )
        client.force_login(people["head"])
        assert matter.no in page(client, change.get_absolute_url())
        answer = client.get(f"{change.get_absolute_url()}moves.csv")
        lines = b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()
        assert len(lines) == 2 and matter.no in lines[1]
        client.force_login(people["lab"])
        assert client.get(f"{change.get_absolute_url()}moves.csv").status_code == 403


class TestReviews:
    def test_the_owner_says_that_it_was_looked_at(self, client, people):
        client.force_login(people["lead_office"])
        url = f"/law/{RATIOS}/review/"
        assert client.post(url, {"reason": ""}).status_code == 422
        assert client.post(url, {"reason": "核对豫政文件，无变化"}).status_code == 302
        client.post(url, {"reason": "核对豫政文件，无变化"})
        assert Review.objects.count() == Act.objects.filter(verb="law.review").count() == 1
        assert "核对豫政文件" in page(client, f"/law/{RATIOS}/")
        today = timezone.localdate()
        assert queries.next_review(RATIOS, today) == clock.deadline(today, 12, clock.Unit.MONTH).nominal

    def test_others_do_not(self, client, people):
        client.force_login(people["head"])
        assert client.get(f"/law/{RATIOS}/review/").status_code == 403
        with pytest.raises(NotAllowed):
            actions.review(RATIOS, reason="x", by=people["head"], at=NOW)
        with pytest.raises(Refused):
            actions.review("no/such", reason="x", by=people["lead_office"], at=NOW)

    def test_an_approved_change_is_a_look_at_the_table(self, people):
        approved(propose_ratio(people["member"]), people["head"])
        assert queries.next_review(RATIOS, NOW.date()) == datetime.date(2027, 11, 2)

    def test_the_longest_beginning_owns(self, town):
        assert queries.owner("people/roles", NOW.date())["decides"] == "leader"
        assert queries.owner("procedures/complaint", NOW.date())["role"] == "head"
        assert queries.owner("publicity/classes", NOW.date())["subject"] == "*"


class TestDesk:
    def test_changes_wait_for_those_who_decide_and_not_for_the_proposer(self, people):
        change = propose_ratio(people["head"])
        on = NOW.date()
        assert list(queries.waiting_for(people["head"], on)) == []
        assert list(queries.waiting_for(people["leader"], on)) == [change]
        assert list(queries.waiting_for(people["member"], on)) == []

    def test_reviews_that_are_past_are_tasks_of_the_owner(self, people):
        on = datetime.date(2027, 4, 1)
        titles = {row.title for row in providers.tasks(people["lead_office"], on) if isinstance(row, desk.TaskRow)}
        assert "抽查比例" in titles and "投诉" not in titles
        assert "投诉" in {row.title for row in providers.tasks(people["head"], on) if isinstance(row, desk.TaskRow)}
        assert list(providers.tasks(people["auditor"], on)) == []

    def test_the_search_knows_the_rules(self, people):
        change = propose_ratio(people["member"])
        assert [hit.note for hit in providers.search(people["member"], "抽查比例")] == [RATIOS]
        assert [hit.title for hit in providers.search(people["member"], change.no)] == [change.no]
