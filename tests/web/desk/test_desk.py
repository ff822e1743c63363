"""My desk: tasks by days left, notices told once, saved views, search, and ways for each role."""

import datetime

import pytest
from django.core import mail
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone, translation
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy

from zhunsheng.web.common.errors import NotAllowed, Refused
from zhunsheng.web.desk import actions, providers, queries
from zhunsheng.web.desk.models import Notice, SavedView
from zhunsheng.web.people.models import User
from zhunsheng.web.public_log.actions import record

pytestmark = pytest.mark.django_db
AT = datetime.datetime(2026, 11, 24, 1, tzinfo=datetime.UTC)


@pytest.fixture
def tasks(monkeypatch):
    """A room that gives everyone these tasks."""
    rows = []
    monkeypatch.setattr(providers, "_tasks", [lambda user, on: rows])
    return rows


def task(title, days, left):
    due = timezone.localdate() + datetime.timedelta(days=days) if days is not None else None
    return providers.TaskRow(title=title, kind="复核", url="/desk/", due_on=due, days_left=left)


class TestHome:
    def test_overdue_first_and_without_limit_last(self, client, town, tasks):
        tasks += [task("不急", None, None), task("下周", 7, 5), task("逾期", -3, -2), task("今天", 0, 0)]
        client.force_login(town.user("member"))
        page = client.get("/desk/").content.decode()
        places = [page.index(f">{title}</a>") for title in ("逾期", "今天", "下周", "不急")]
        assert places == sorted(places)
        assert "逾期 2 个工作日" in page
        assert "今日到期" in page

    def test_an_empty_desk_says_so(self, client, town, tasks):
        client.force_login(town.user("member"))
        page = client.get("/desk/").content.decode()
        assert "没有待办" in page
        assert "没有未读通知" in page

    def test_my_own_acts_and_nobody_elses(self, client, town, tasks):
        me, other = town.user("sysadmin"), town.user("sysadmin")
        record("edit_user", "user", "mine", by=me, at=AT)
        record("edit_user", "user", "theirs", by=other, at=AT)
        client.force_login(me)
        page = client.get("/desk/").content.decode()
        assert "修改账号" in page
        assert "账号 mine" in page
        assert "theirs" not in page

    def test_a_firm_goes_to_its_own_page(self, client, town, tasks):
        client.force_login(town.firm_user(town.entity()))
        assert client.get("/desk/").url == "/firm/"

    def test_a_laboratory_has_a_desk(self, client, town, tasks):
        client.force_login(town.user("lab"))
        assert client.get("/desk/").status_code == 200

    def test_a_delegated_post_is_named_with_its_end(self, client, town, tasks):
        from zhunsheng.web.people.models import Post

        head = town.user("head", username="zheng")
        wu = User.objects.create_user("wu", password="a-long-password-1")
        today = timezone.localdate()
        Post.objects.create(
            user=wu, office=town.office, role="head", valid_from=today, valid_to=today, delegated_by=head
        )
        client.force_login(wu)
        assert f"受 zheng 委托，到 {today}" in client.get("/desk/").content.decode()

    @pytest.mark.parametrize("role", ["member", "head", "lead_office", "sysadmin", "auditor", "lab"])
    def test_quick_links_lead_where_the_role_may_go(self, client, town, tasks, role):
        user = town.user(role)
        client.force_login(user)
        for link in queries.quick_links(user):
            assert client.get(link.url).status_code == 200, link.url

    def test_ten_times_the_notices_are_the_same_queries(self, client, town, tasks, django_assert_max_num_queries):
        user = town.user("member")
        for n in range(50):
            actions.notify([user], f"通知 {n}", "/desk/", at=AT)
        client.force_login(user)
        with django_assert_max_num_queries(16):
            client.get("/desk/")


class TestNotices:
    def test_everyone_is_told_once(self, town):
        lin, wu = town.user("member"), town.user("head")
        actions.notify([lin, wu, lin, None], "抽查已公告", "/draws/1/", at=AT)
        assert sorted(Notice.objects.values_list("user", "text")) == sorted(
            [(lin.pk, "抽查已公告"), (wu.pk, "抽查已公告")]
        )

    def test_again_is_silent_while_unread(self, town):
        lin = town.user("member")
        for _ in range(2):
            actions.notify([lin], "抽查已公告", "/draws/1/", at=AT)
        assert Notice.objects.count() == 1
        actions.read_notices(lin, at=AT)
        actions.notify([lin], "抽查已公告", "/draws/1/", at=AT)
        assert Notice.objects.count() == 2

    def test_who_has_left_is_not_told(self, town):
        lin = town.user("member")
        lin.is_active = False
        lin.save()
        assert actions.notify([lin], "抽查已公告", at=AT) == []

    def test_a_long_text_is_cut_and_says_so(self, town):
        notice = actions.notify([town.user("member")], "长" * 400, at=AT)[0]
        assert len(notice.text) == 300
        assert notice.text.endswith("…")

    def test_a_lazy_text_is_kept_in_both_languages(self, town, monkeypatch):
        lin = town.user("member")
        with translation.override("zh-hans"):
            actions.notify([lin], format_lazy("{role}", role=gettext_lazy("Sunday")), at=AT)
        notice = Notice.objects.get()
        assert (notice.text, notice.text_en) == ("星期日", "Sunday")
        with translation.override("en"):
            assert queries.in_page_language(notice) == "Sunday"

    def test_many_are_told_in_few_queries(self, town, django_assert_max_num_queries):
        users = [User(username=f"u{n}", password="!") for n in range(300)]
        users = User.objects.bulk_create(users)
        with django_assert_max_num_queries(10):
            assert len(actions.notify(users, "抽查已公告", at=AT)) == 300

    def test_mail_only_where_a_server_is_set(self, town, settings, django_capture_on_commit_callbacks):
        lin = town.user("member")
        lin.email = "lin@example.org"
        lin.save()
        silent = town.user("head")
        settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
        with django_capture_on_commit_callbacks(execute=True):
            actions.notify([lin, silent], "甲", at=AT)
        assert mail.outbox == []
        settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
        with django_capture_on_commit_callbacks(execute=True):
            actions.notify([lin, silent], "乙", "/draws/1/", at=AT)
        assert [(letter.to, letter.subject) for letter in mail.outbox] == [(["lin@example.org"], "乙")]
        assert "/draws/1/" in mail.outbox[0].body

    def test_a_mail_server_that_is_down_stops_nothing(
        self, town, settings, monkeypatch, django_capture_on_commit_callbacks
    ):
        lin = town.user("member")
        lin.email = "lin@example.org"
        lin.save()
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"

        def refuse(self, messages):
            raise ConnectionRefusedError

        monkeypatch.setattr("django.core.mail.backends.smtp.EmailBackend.send_messages", refuse)
        with django_capture_on_commit_callbacks(execute=True):
            actions.notify([lin], "乙", at=AT)
        assert Notice.objects.count() == 1

    def test_a_title_with_a_line_break_is_one_subject(self, town, settings, django_capture_on_commit_callbacks):
        lin = town.user("member")
        lin.email = "lin@example.org"
        lin.save()
        settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
        with django_capture_on_commit_callbacks(execute=True):
            actions.notify([lin], "甲\nBcc: all@example.org", at=AT)
        assert mail.outbox[0].subject == "甲 Bcc: all@example.org"

    def test_opening_reads_it_and_leads_on(self, client, town):
        lin = town.user("member")
        notice = actions.notify([lin], "抽查已公告", "/people/", at=AT)[0]
        client.force_login(lin)
        assert client.get(reverse("desk:notice", args=[notice.pk])).url == "/people/"
        notice.refresh_from_db()
        assert notice.read_at is not None

    def test_nobody_opens_anothers(self, client, town):
        notice = actions.notify([town.user("member")], "抽查已公告", at=AT)[0]
        client.force_login(town.user("member"))
        assert client.get(reverse("desk:notice", args=[notice.pk])).status_code == 404
        client.post("/desk/notices/read/")
        notice.refresh_from_db()
        assert notice.read_at is None

    def test_the_count_stands_in_the_head_of_every_page(self, client, town):
        lin = town.user("member")
        for n in range(3):
            actions.notify([lin], f"通知 {n}", at=AT)
        client.force_login(lin)
        assert '<span class="count">3' in client.get("/people/").content.decode()
        client.post("/desk/notices/read/")
        assert '<span class="count">3' not in client.get("/people/").content.decode()


class TestSavedViews:
    def test_a_list_keeps_its_filter_under_a_name(self, client, town):
        client.force_login(town.user("sysadmin"))
        page = client.get("/people/users/", {"role": "head"}).content.decode()
        assert 'name="query" value="role=head"' in page
        answer = client.post("/desk/views/save/", {"name": "负责人", "path": "/people/users/", "query": "role=head"})
        assert answer.url == "/people/users/?role=head"
        assert '<a href="/people/users/?role=head">负责人</a>' in client.get("/people/users/").content.decode()
        assert "负责人" in client.get("/desk/").content.decode()

    def test_the_same_name_is_the_same_view(self, town):
        lin = town.user("member")
        for query in ("role=head", "role=lab"):
            actions.save_view(lin, name="甲", path="/people/users/", query=query)
        assert [view.query for view in SavedView.objects.all()] == ["role=lab"]

    @pytest.mark.parametrize(
        "path",
        [
            "https://evil.example/",
            "//evil.example/",
            "/\\evil.example",
            "javascript:alert(1)",
            "/no/such/page/",
            "people/",
            "/people/?x=1",
            "",
        ],
    )
    def test_a_view_leads_nowhere_else(self, client, town, path):
        lin = town.user("member")
        with pytest.raises(Refused):
            actions.save_view(lin, name="甲", path=path, query="")
        client.force_login(lin)
        answer = client.post("/desk/views/save/", {"name": "甲", "path": path, "query": ""})
        assert answer.url == "/desk/views/"
        assert not SavedView.objects.exists()

    def test_refusals(self, town, monkeypatch):
        lin = town.user("member")
        for values, field in [({"name": " "}, "name"), ({"name": "长" * 61}, "name"), ({"query": "a" * 1001}, "query")]:
            with pytest.raises(Refused) as refusal:
                actions.save_view(lin, **{"name": "甲", "path": "/people/", "query": "", **values})
            assert refusal.value.field == field
        monkeypatch.setattr(actions.views, "VIEWS_KEPT", 1)
        actions.save_view(lin, name="甲", path="/people/", query="")
        with pytest.raises(Refused):
            actions.save_view(lin, name="乙", path="/people/", query="")

    def test_only_the_own_is_deleted(self, client, town):
        lin, wu = town.user("member"), town.user("member")
        view = actions.save_view(lin, name="甲", path="/people/", query="")
        with pytest.raises(NotAllowed):
            actions.delete_view(view, by=wu)
        client.force_login(wu)
        assert client.post(reverse("desk:delete_view", args=[view.pk])).status_code == 404
        client.force_login(lin)
        client.post(reverse("desk:delete_view", args=[view.pk]))
        assert not SavedView.objects.exists()


def test_every_quick_link_has_an_address():
    for name, _label, _may in queries.QUICK_LINKS:
        try:
            resolve(reverse(name))
        except Resolver404:
            pytest.fail(name)
