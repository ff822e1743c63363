"""Bulk acts: rehearsed, confirmed, done row by row; a run that stops goes on, and no row is done twice."""

import datetime
from dataclasses import replace
from urllib.parse import unquote

import pytest
from django import forms
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy

from tests.web.inspection.conftest import moment
from zhunsheng.web.common.errors import NotAllowed, Refused
from zhunsheng.web.desk import actions, bulk
from zhunsheng.web.desk.actions import bulk as running
from zhunsheng.web.desk.bulk import Bulk
from zhunsheng.web.desk.models import BulkRow, BulkRun, Notice
from zhunsheng.web.inspection.bulk import REVIEW
from zhunsheng.web.inspection.models import Visit
from zhunsheng.web.people import step_up
from zhunsheng.web.people.models import Office
from zhunsheng.web.people.queries import has_role
from zhunsheng.web.public_log.models import Act

pytestmark = pytest.mark.django_db
AT = datetime.datetime(2026, 11, 24, 1, tzinfo=datetime.UTC)


class NoteForm(forms.Form):
    note = forms.CharField(label=gettext_lazy("简称"), max_length=40)


def rename(office, *, by, at, values):
    if office.name == "坏":
        raise Refused("这家改不了")
    office.short_name = values.get("note", "改") + str(at.day)
    office.save(update_fields=["short_name"])


@pytest.fixture
def renaming(monkeypatch):
    """Gives offices a short name; those that have one are refused."""
    monkeypatch.setattr(bulk, "_bulks", {})
    one = Bulk(
        "test.rename", "改简称", "可以再改。",
        allowed=lambda user: has_role(user, "sysadmin"),
        rows=lambda user, query: Office.objects.filter(name__icontains=query.get("q", "")).order_by("code"),
        check=lambda office, user, values: ["已有简称。"] if office.short_name else [],
        do=rename, title=lambda office: office.name, url=lambda office: reverse("people:office", args=[office.pk]),
    )  # fmt: skip
    bulk.add_bulk(one)
    return one


@pytest.fixture
def keeper(town):
    return town.user("sysadmin")


def planned(renaming, keeper) -> BulkRun:
    return actions.plan(renaming, Office.objects.order_by("code"), by=keeper, at=AT)


class TestRun:
    def test_it_works(self, town, renaming, keeper):
        Office.objects.filter(pk=town.other_office.pk).update(short_name="农")
        run = planned(renaming, keeper)
        assert [(row.title, row.state, row.reason) for row in run.rows.all()] == [
            ("测试市农业农村局", "refused", "已有简称。"),
            ("测试市市场监督管理局", "planned", ""),
            ("东河区市场监督管理局", "planned", ""),
        ]
        assert Office.objects.exclude(short_name="").count() == 1
        run = actions.confirm(run, {}, {}, by=keeper, at=AT)
        assert (run.state, run.finished_at) == ("finished", AT)
        assert [row.state for row in run.rows.all()] == ["refused", "done", "done"]
        assert Office.objects.filter(short_name="改24").count() == 2
        assert Act.objects.get(verb="bulk.confirm").changes == {"kind": "test.rename", "rows": 3}

    def test_confirmed_again_changes_nothing(self, town, renaming, keeper):
        run = planned(renaming, keeper)
        actions.confirm(run, {}, {}, by=keeper, at=AT)
        Office.objects.update(short_name="后来")
        actions.confirm(run, {}, {}, by=keeper, at=AT)
        assert actions.go_on(AT) == 0
        assert set(Office.objects.values_list("short_name", flat=True)) == {"后来"}
        assert Act.objects.filter(verb="bulk.confirm").count() == 1

    def test_a_refused_row_stops_no_other_and_leaves_nothing_behind(self, town, renaming, keeper):
        Office.objects.filter(pk=town.office.pk).update(name="坏")
        run = actions.confirm(planned(renaming, keeper), {}, {}, by=keeper, at=AT)
        assert ("坏", "failed", "这家改不了") in [(row.title, row.state, row.reason) for row in run.rows.all()]
        assert [row.state for row in run.rows.all()].count("done") == 2

    def test_what_changed_since_the_rehearsal_is_checked_again(self, town, renaming, keeper):
        run = planned(renaming, keeper)
        Office.objects.filter(pk=town.office.pk).update(short_name="快手")
        town.county_office.delete()
        run = actions.confirm(run, {}, {}, by=keeper, at=AT)
        said = {row.object_id: (row.state, row.reason) for row in run.rows.all()}
        assert said[town.office.pk] == ("failed", "已有简称。")
        assert ("failed", "记录已不在您能办理的范围内，可能已有人办过。") in said.values()
        assert Office.objects.get(pk=town.office.pk).short_name == "快手"

    def test_killed_in_the_middle_it_goes_on_and_doubles_nothing(self, town, renaming, keeper, monkeypatch):
        run, done = planned(renaming, keeper), []

        def die(office, *, by, at, values):
            if len(done) == 1:
                raise KeyboardInterrupt
            done.append(office.pk)
            rename(office, by=by, at=at, values=values)

        def go(office, *, by, at, values):
            done.append(office.pk)
            rename(office, by=by, at=at, values=values)

        bulk.add_bulk(replace(renaming, do=die))
        with pytest.raises(KeyboardInterrupt):
            actions.confirm(run, {}, {}, by=keeper, at=AT)
        run.refresh_from_db()
        assert (run.state, sorted(row.state for row in run.rows.all())) == ("running", ["done", "planned", "planned"])
        bulk.add_bulk(replace(renaming, do=go))
        assert actions.go_on(AT) == 2
        assert actions.go_on(AT) == 0
        run.refresh_from_db()
        assert run.state == "finished"
        assert sorted(done) == sorted(Office.objects.values_list("pk", flat=True))

    def test_many_rows_are_the_workers(self, town, renaming, keeper, monkeypatch, django_capture_on_commit_callbacks):
        monkeypatch.setattr(running, "AT_ONCE", 1)
        run = planned(renaming, keeper)
        with django_capture_on_commit_callbacks(execute=True):
            assert actions.confirm(run, {}, {}, by=keeper, at=AT).state == "running"
        run.refresh_from_db()
        assert run.state == "finished"
        told = Notice.objects.get(user=keeper)
        assert (told.text, told.url) == ("批量办理“改简称”已办完，请看结果。", f"/desk/bulk/{run.pk}/")

    def test_what_the_form_said_reaches_the_worker(self, town, renaming, keeper, monkeypatch):
        asking = replace(renaming, form=NoteForm)
        bulk.add_bulk(asking)
        monkeypatch.setattr(running, "AT_ONCE", 0)
        run = actions.confirm(planned(asking, keeper), {"note": "局"}, {"note": "局"}, by=keeper, at=AT)
        assert actions.go_on(AT) == 3
        assert set(Office.objects.values_list("short_name", flat=True)) == {"局24"}
        run.refresh_from_db()
        assert run.values == {"note": "局"}

    def test_refusals(self, town, renaming, keeper, monkeypatch):
        member = town.user("member")
        with pytest.raises(NotAllowed):
            actions.plan(renaming, Office.objects.all(), by=member, at=AT)
        with pytest.raises(Refused):
            actions.plan(renaming, Office.objects.none(), by=keeper, at=AT)
        run = planned(renaming, keeper)
        for user in (member, town.user("sysadmin")):
            with pytest.raises(NotAllowed):
                actions.confirm(run, {}, {}, by=user, at=AT)
            with pytest.raises(NotAllowed):
                actions.discard(run, by=user, at=AT)
        monkeypatch.setattr(running, "MOST", 2)
        with pytest.raises(Refused, match="2"):
            actions.plan(renaming, Office.objects.all(), by=keeper, at=AT)

    def test_discarded_is_done_no_more(self, town, renaming, keeper):
        run = planned(renaming, keeper)
        for _ in range(2):
            assert actions.discard(run, by=keeper, at=AT).state == "discarded"
        with pytest.raises(Refused):
            actions.confirm(run, {}, {}, by=keeper, at=AT)
        done = actions.confirm(planned(renaming, keeper), {}, {}, by=keeper, at=AT)
        with pytest.raises(Refused):
            actions.discard(done, by=keeper, at=AT)


class TestPages:
    def start(self, client, **posted):
        return client.post("/desk/bulk/start/test.rename/", {"back": "/people/?q=市场", **posted})

    def test_ticked_rows(self, client, town, renaming, keeper):
        client.force_login(keeper)
        answer = self.start(client, row=[str(town.office.pk), "x", "999999"])
        run = BulkRun.objects.get()
        assert answer.url == f"/desk/bulk/{run.pk}/"
        assert [row.object_id for row in run.rows.all()] == [town.office.pk]
        page = client.get(answer.url).content.decode()
        assert "预演，还没有办理" in page and "确认办理 1 条" in page and "可以再改。" in page
        client.post(answer.url)
        page = client.get(answer.url).content.decode()
        assert "已办完" in page and 'href="/people/?q=市场"' in page

    def test_all_under_the_filter_of_the_list(self, client, town, renaming, keeper):
        client.force_login(keeper)
        self.start(client, scope="all")
        assert sorted(row.object_id for row in BulkRow.objects.all()) == sorted([town.office.pk, town.county_office.pk])

    def test_nothing_ticked_goes_back_and_says_so(self, client, town, renaming, keeper):
        client.force_login(keeper)
        answer = client.post("/desk/bulk/start/test.rename/", {"back": "/people/"}, follow=True)
        assert "没有选中记录" in answer.content.decode()
        assert not BulkRun.objects.exists()

    @pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example/", "/no/such/"])
    def test_it_leads_nowhere_else(self, client, town, renaming, keeper, back):
        client.force_login(keeper)
        client.post("/desk/bulk/start/test.rename/", {"back": back, "row": [str(town.office.pk)]})
        assert BulkRun.objects.get().back == ""

    def test_others_see_neither_the_act_nor_the_run(self, client, town, renaming, keeper):
        run = planned(renaming, keeper)
        client.force_login(town.user("member"))
        assert self.start(client, scope="all").status_code == 403
        for url in (f"/desk/bulk/{run.pk}/",):
            assert client.get(url).status_code == client.post(url).status_code == 404
        assert client.post(f"/desk/bulk/{run.pk}/discard/").status_code == 404
        assert client.post("/desk/bulk/start/no.such/").status_code == 404
        client.force_login(town.user("sysadmin"))
        assert client.get(f"/desk/bulk/{run.pk}/").status_code == 404

    def test_a_form_that_is_wrong_does_nothing(self, client, town, renaming, keeper):
        bulk.add_bulk(replace(renaming, form=NoteForm))
        run = planned(renaming, keeper)
        client.force_login(keeper)
        answer = client.post(f"/desk/bulk/{run.pk}/", {"note": ""})
        assert answer.status_code == 422
        run.refresh_from_db()
        assert run.state == "planned"
        client.post(f"/desk/bulk/{run.pk}/", {"note": "局"})
        assert Office.objects.filter(short_name__startswith="局").count() == 3

    def test_reasons_are_grouped_and_counted(self, client, town, renaming, keeper, django_assert_max_num_queries):
        Office.objects.update(short_name="有")
        for n in range(60):
            Office.objects.create(code=f"X{n:02}", name=f"机构{n}", level="city", short_name="有" if n % 2 else "")
        run = planned(renaming, keeper)
        client.force_login(keeper)
        with django_assert_max_num_queries(16):
            page = client.get(f"/desk/bulk/{run.pk}/")
        assert [(group["state"], group["n"]) for group in page.context["groups"]] == [("planned", 30), ("refused", 33)]

    def test_discarding(self, client, town, renaming, keeper):
        client.force_login(keeper)
        answer = self.start(client, row=[str(town.office.pk)])
        assert unquote(client.post(f"{answer.url}discard/").url) == "/people/?q=市场"
        assert BulkRun.objects.get().state == "discarded"


class TestInspection:
    """The first acts that are done in bulk: passing the review of records of checks, and publishing them."""

    @pytest.fixture
    def visits(self, staffed):
        draw = staffed.assigned()
        return [staffed.submitted(task) for task in draw.tasks.order_by("no")[:3]]

    def test_a_list_is_reviewed_then_published(self, client, staffed, visits):
        client.force_login(staffed.reviewer)
        page = client.get("/inspection/visits/").content.decode()
        assert 'formaction="/desk/bulk/start/inspection.review/"' in page
        asked = {"back": "/inspection/visits/", "scope": "all"}
        client.post(client.post("/desk/bulk/start/inspection.review/", asked).url)
        assert set(Visit.objects.values_list("state", flat=True)) == {"reviewed"}
        client.force_login(staffed.head)
        run = client.post("/desk/bulk/start/inspection.publish/", asked).url
        # What cannot be taken back asks again who is there.
        self.confirmed(client, minutes_ago=600)
        assert client.post(run).url != run
        assert set(Visit.objects.values_list("state", flat=True)) == {"reviewed"}
        self.confirmed(client, minutes_ago=0)
        assert client.post(run).url == run
        assert set(Visit.objects.values_list("state", flat=True)) == {"published"}
        assert [one.state for one in BulkRun.objects.all()] == ["finished", "finished"]

    @staticmethod
    def confirmed(client, minutes_ago):
        session = client.session
        session[step_up.CONFIRMED] = timezone.now().timestamp() - minutes_ago * 60
        session.save()

    def test_who_entered_a_record_is_told_why_not(self, client, staffed, visits):
        Visit.objects.filter(pk=visits[0].pk).update(entered_by=staffed.reviewer)
        run = actions.plan(REVIEW, Visit.objects.order_by("pk"), by=staffed.reviewer, at=moment(5))
        said = [(row.state, row.reason) for row in run.rows.all()]
        assert said[0] == ("refused", "须由承办机构的审核人或负责人审核，录入人和检查组成员不能审核。")
        assert [state for state, _reason in said[1:]] == ["planned", "planned"]

    def test_members_have_no_such_button(self, client, staffed, visits):
        client.force_login(staffed.member)
        assert "bulk-scope" not in client.get("/inspection/visits/").content.decode()
        assert client.post("/desk/bulk/start/inspection.publish/", {"scope": "all"}).status_code == 403
