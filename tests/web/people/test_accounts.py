"""Accounts and posts: who opens them, who may hold what, and that nobody serves himself （三员分立）."""

import datetime

import pytest
from django.urls import reverse
from django.utils import timezone, translation

from zhunsheng.web.common.errors import NotAllowed, Refused
from zhunsheng.web.people import actions, queries
from zhunsheng.web.people.models import Office, Post, Role, User
from zhunsheng.web.public_log.models import Act

pytestmark = pytest.mark.django_db
AT = datetime.datetime(2026, 11, 24, 1, tzinfo=datetime.UTC)
FROM = datetime.date(2026, 1, 1)
GOOD = "a-long-password-1"


def acts(verb):
    return list(Act.objects.filter(verb=verb))


def again(user):
    """The user as the next request sees it, without the posts remembered from before."""
    return User.objects.get(pk=user.pk)


@pytest.fixture
def admin(town):
    return town.user("sysadmin", username="qian")


class TestOpening:
    def test_it_works(self, town, admin):
        user = actions.create_user("lin", "林经办", GOOD, by=admin, at=AT, email="lin@example.org")
        assert user.must_change_password
        assert user.check_password(GOOD)
        assert queries.posts(user) == []
        assert [(one.subject_id, one.by) for one in acts("create_user")] == [("lin", admin)]

    def test_the_trail_holds_no_password(self, town, admin):
        actions.create_user("lin", "林经办", GOOD, by=admin, at=AT)
        assert GOOD not in str(acts("create_user")[0].changes)

    @pytest.mark.parametrize("role", [role for role in Role.values if role != "sysadmin"])
    def test_nobody_else_opens_accounts(self, town, role):
        with pytest.raises(NotAllowed):
            actions.create_user("lin", "林经办", GOOD, by=town.user(role), at=AT)
        assert not User.objects.filter(username="lin").exists()

    @pytest.mark.parametrize(
        ("username", "password", "field"),
        [
            ("lin lin", GOOD, "username"),
            ("", GOOD, "username"),
            ("lin", "short", "password"),
            ("lin", "12345678901", "password"),
        ],
    )
    def test_bad_input_names_the_field(self, town, admin, username, password, field):
        with pytest.raises(Refused) as refusal:
            actions.create_user(username, "林", password, by=admin, at=AT)
        assert field in (refusal.value.fields or {refusal.value.field: ""})
        assert not Act.objects.exists()

    @pytest.mark.parametrize(("lang", "said"), [("zh-hans", "10 个字符"), ("en", "10 characters")])
    def test_a_short_password_is_refused_in_the_language_of_the_page(self, town, admin, lang, said):
        with translation.override(lang), pytest.raises(Refused) as refusal:
            actions.create_user("lin", "林", "xq7-Zr", by=admin, at=AT)
        assert refusal.value.field == "password"
        assert said in str(refusal.value)

    def test_a_name_is_given_once(self, town, admin):
        actions.create_user("lin", "林", GOOD, by=admin, at=AT)
        with pytest.raises(Refused) as refusal:
            actions.create_user("lin", "另一个林", GOOD, by=admin, at=AT)
        assert "username" in refusal.value.fields


class TestClosing:
    def test_a_closed_account_holds_no_post(self, town, admin):
        user = town.user("head")
        actions.deactivate_user(user, by=admin, at=AT, reason="调离")
        assert not queries.has_role(again(user), "head")
        assert acts("deactivate_user")[0].reason == "调离"

    def test_again_changes_nothing(self, town, admin):
        user = town.user("head")
        for _ in range(2):
            actions.deactivate_user(user, by=admin, at=AT, reason="调离")
        assert len(acts("deactivate_user")) == 1
        for _ in range(2):
            actions.reactivate_user(user, by=admin, at=AT)
        assert len(acts("reactivate_user")) == 1
        assert queries.has_role(again(user), "head")

    def test_not_oneself(self, town, admin):
        with pytest.raises(Refused):
            actions.deactivate_user(admin, by=admin, at=AT, reason="休假")

    def test_not_without_a_reason(self, town, admin):
        with pytest.raises(Refused) as refusal:
            actions.deactivate_user(town.user("head"), by=admin, at=AT, reason="  ")
        assert refusal.value.field == "reason"


class TestEditing:
    def test_only_what_differs_is_recorded(self, town, admin):
        user = town.user("head", username="zheng")
        actions.edit_user(user, "郑局长", "", by=admin, at=AT)
        actions.edit_user(user, "郑局长", "", by=admin, at=AT)
        assert [one.changes for one in acts("edit_user")] == [{"display_name": ["zheng", "郑局长"]}]

    def test_a_bad_address_is_refused_whole(self, town, admin):
        user = town.user("head", username="zheng")
        with pytest.raises(Refused) as refusal:
            actions.edit_user(user, "郑局长", "no-address", by=admin, at=AT)
        assert "email" in refusal.value.fields
        assert again(user).display_name == "zheng"

    def test_a_reset_password_has_to_be_changed(self, town, admin):
        user = town.user("head")
        actions.reset_password(user, "another-long-one-2", by=admin, at=AT)
        assert again(user).must_change_password
        assert again(user).check_password("another-long-one-2")

    def test_a_manager_does_not_take_over_the_superuser(self, town, admin):
        root = User.objects.create_superuser("root", password=GOOD)
        with pytest.raises(NotAllowed):
            actions.reset_password(root, "another-long-one-2", by=admin, at=AT)
        assert again(root).check_password(GOOD)


class TestPosts:
    def give(self, user, role, admin, office, **days):
        return actions.add_post(user, office, role, by=admin, at=AT, **{"valid_from": FROM, **days})

    @pytest.fixture
    def lin(self, town):
        return User.objects.create_user("lin", password=GOOD)

    def test_it_works(self, town, admin, lin):
        self.give(lin, "member", admin, town.office)
        assert queries.has_role(again(lin), "member", office=town.office, on=FROM)
        assert not queries.has_role(again(lin), "member", on=FROM - datetime.timedelta(days=1))

    def test_the_same_post_again_is_the_same_post(self, town, admin, lin):
        assert self.give(lin, "member", admin, town.office) == self.give(lin, "member", admin, town.office)
        assert len(acts("add_post")) == 1

    def test_an_overlapping_second_is_refused(self, town, admin, lin):
        self.give(lin, "member", admin, town.office)
        with pytest.raises(Refused):
            self.give(lin, "member", admin, town.office, valid_from=datetime.date(2026, 6, 1))

    @pytest.mark.parametrize("role", [role for role in Role.values if role != "enterprise"])
    def test_nobody_gives_himself_a_role(self, town, admin, role):
        with pytest.raises(NotAllowed) as refusal:
            self.give(admin, role, admin, town.office)
        assert "不能给自己授予" in str(refusal.value)
        assert [post.role for post in admin.posts.all()] == ["sysadmin"]

    def test_not_even_the_superuser(self, town):
        root = User.objects.create_superuser("root", password=GOOD)
        with pytest.raises(NotAllowed):
            self.give(root, "lead_office", root, town.office)

    @pytest.mark.parametrize(
        ("held", "role"),
        [
            ("member", "sysadmin"), ("sysadmin", "head"), ("auditor", "inspector"), ("sysadmin", "auditor"), ("reviewer", "auditor"),
            ("lab", "inspector"), ("inspector", "lab"), ("leader", "sysadmin"), ("lead_office", "auditor"),
        ],
    )  # fmt: skip
    def test_roles_kept_apart_never_meet(self, town, admin, lin, held, role):
        self.give(lin, held, admin, town.office)
        with pytest.raises(Refused) as refusal:
            self.give(lin, role, admin, town.other_office)
        assert refusal.value.field == "role"
        assert "职责分离" in str(refusal.value)

    @pytest.mark.parametrize(("held", "role"), [("member", "reviewer"), ("inspector", "member"), ("head", "leader")])
    def test_roles_apart_in_one_matter_only_may_meet(self, town, admin, lin, held, role):
        self.give(lin, held, admin, town.office)
        self.give(lin, role, admin, town.office)
        assert {post.role for post in lin.posts.all()} == {held, role}

    def test_one_after_the_other_is_no_clash(self, town, admin, lin):
        self.give(lin, "member", admin, town.office, valid_to=datetime.date(2026, 6, 30))
        self.give(lin, "auditor", admin, town.office, valid_from=datetime.date(2026, 7, 1))
        assert lin.posts.count() == 2

    def test_an_office_gives_posts_only_while_it_exists(self, town, admin, lin):
        ended = Office.objects.create(code="OLD", name="测试市质监局", valid_to=datetime.date(2018, 12, 31))
        with pytest.raises(Refused) as refusal:
            self.give(lin, "member", admin, ended)
        assert refusal.value.field == "valid_to"

    def test_a_firm_has_no_post(self, town, admin):
        with pytest.raises(Refused):
            self.give(town.firm_user(town.entity()), "member", admin, town.office)
        with pytest.raises(Refused):
            self.give(town.user("member"), "enterprise", admin, town.office)

    def test_the_end_before_the_beginning(self, town, admin, lin):
        with pytest.raises(Refused) as refusal:
            self.give(lin, "member", admin, town.office, valid_to=datetime.date(2025, 12, 31))
        assert refusal.value.field == "valid_to"

    def test_ending(self, town, admin, lin):
        post = self.give(lin, "member", admin, town.office)
        last = datetime.date(2026, 3, 31)
        for _ in range(2):
            actions.end_post(post, on=last, by=admin, at=AT, reason="轮岗")
        assert queries.has_role(again(lin), "member", on=last)
        assert not queries.has_role(again(lin), "member", on=datetime.date(2026, 4, 1))
        assert len(acts("end_post")) == 1
        with pytest.raises(Refused):
            actions.end_post(post, on=datetime.date(2026, 5, 1), by=admin, at=AT, reason="改主意")

    def test_the_own_post_is_ended_by_another(self, town, admin):
        post = admin.posts.get()
        with pytest.raises(NotAllowed):
            actions.end_post(post, on=FROM, by=admin, at=AT, reason="离任")
        actions.end_post(post, on=FROM, by=town.user("sysadmin"), at=AT, reason="离任")


class TestDelegation:
    UNTIL = datetime.date(2026, 3, 31)

    def lend(self, post, to, by, **days):
        return actions.delegate_post(post, to, by=by, at=AT, **{"valid_from": FROM, "valid_to": self.UNTIL, **days})

    @pytest.fixture
    def post(self, town):
        return town.user("head", username="zheng").posts.get()

    @pytest.fixture
    def wu(self, town):
        return User.objects.create_user("wu", password=GOOD)

    def test_it_ends_by_itself(self, town, admin, post, wu):
        self.lend(post, wu, admin)
        assert queries.has_role(again(wu), "head", office=town.office, on=self.UNTIL)
        assert not queries.has_role(again(wu), "head", on=self.UNTIL + datetime.timedelta(days=1))
        assert queries.has_role(again(post.user), "head", on=FROM)
        assert acts("delegate_post")[0].changes["delegated_by"] == "zheng"

    def test_it_ends_with_the_post_it_comes_from(self, town, admin, post, wu):
        self.lend(post, wu, admin)
        actions.end_post(post, on=datetime.date(2026, 2, 1), by=admin, at=AT, reason="调离")
        assert not queries.has_role(again(wu), "head", on=datetime.date(2026, 2, 2))

    def test_refusals(self, town, admin, post, wu):
        with pytest.raises(NotAllowed):  # to oneself
            self.lend(post, admin, admin)
        with pytest.raises(Refused):  # to its holder
            self.lend(post, post.user, admin)
        with pytest.raises(Refused):  # for more than a year
            self.lend(post, wu, admin, valid_to=datetime.date(2027, 1, 2))
        lent = self.lend(post, wu, admin)
        with pytest.raises(Refused):  # what is lent is not lent on
            self.lend(lent, User.objects.create_user("chen", password=GOOD), admin)
        with pytest.raises(Refused):  # to one whose role is kept apart from it
            self.lend(post, town.user("auditor"), admin)
        with pytest.raises(Refused):  # the keeping of accounts
            self.lend(town.user("sysadmin").posts.get(), wu, admin)
        with pytest.raises(NotAllowed):  # by somebody else
            self.lend(post, User.objects.create_user("he", password=GOOD), wu)
        with pytest.raises(Refused, match="本机构的工作人员"):  # by its holder to a stranger
            self.lend(post, User.objects.get(username="he"), post.user)

    def test_who_will_be_absent_delegates_to_a_colleague_and_takes_it_back(self, town, client):
        today = timezone.localdate()
        head, colleague, elsewhere = (
            town.user("head"),
            town.user("member"),
            town.user("member", office=town.other_office),
        )
        post = head.posts.get()
        client.force_login(head)
        url = reverse("people:delegate_own", args=[post.pk])
        assert url in client.get(reverse("people:account")).content.decode()
        typed = {"valid_from": today.isoformat(), "valid_to": (today + datetime.timedelta(days=7)).isoformat()}
        assert client.post(url, typed | {"to": elsewhere.pk}).status_code == 422
        assert client.post(url, typed | {"to": colleague.pk, "valid_to": "2099-01-01"}).status_code == 422
        assert client.post(url, typed | {"to": colleague.pk}).status_code == 302
        lent = colleague.posts.get(role="head")
        assert lent.delegated_by == head and lent.valid_to == today + datetime.timedelta(days=7)
        client.force_login(colleague)
        assert client.get(url).status_code == 404  # not an own post
        assert client.get(reverse("people:delegate_own", args=[lent.pk])).status_code == 403  # not lent on
        assert client.post(reverse("people:take_back", args=[lent.pk])).status_code == 404
        client.force_login(head)
        assert client.post(reverse("people:take_back", args=[lent.pk])).status_code == 302
        lent.refresh_from_db()
        assert lent.valid_to == today

    @pytest.mark.parametrize("role", ["sysadmin", "auditor", "lab"])
    def test_a_post_that_keeps_accounts_or_looks_on_is_not_delegated_by_its_holder(self, town, client, role):
        user = town.user(role)
        client.force_login(user)
        assert client.get(reverse("people:delegate_own", args=[user.posts.get().pk])).status_code == 403

    def test_not_beyond_the_term(self, town, admin, wu):
        user = User.objects.create_user("sun", password=GOOD)
        post = actions.add_post(
            user, town.office, "head", by=admin, at=AT, valid_from=FROM, valid_to=datetime.date(2026, 2, 1)
        )
        with pytest.raises(Refused) as refusal:
            self.lend(post, wu, admin)
        assert refusal.value.field == "valid_to"


class TestPages:
    def test_from_account_to_post_to_end(self, client, town, admin):
        client.force_login(admin)
        made = client.post("/people/new-user/", {"username": "lin", "display_name": "林经办", "password": GOOD})
        assert made.url == "/people/users/lin/"
        answer = client.post(
            "/people/users/lin/posts/add/", {"office": town.office.pk, "role": "member", "valid_from": "2026-01-01"}
        )
        assert answer.status_code == 302
        page = client.get("/people/users/lin/").content.decode()
        assert "成员单位经办" in page
        post = Post.objects.get(user__username="lin")
        answer = client.post(f"/people/posts/{post.pk}/end/", {"on": "2026-02-01", "reason": "轮岗"})
        assert answer.status_code == 302
        answer = client.post("/people/users/lin/deactivate/", {"reason": "调离"})
        assert not User.objects.get(username="lin").is_active
        client.post("/people/users/lin/reactivate/")
        assert User.objects.get(username="lin").is_active

    def test_a_refusal_is_on_the_form(self, client, town, admin):
        client.force_login(admin)
        user = town.user("member")
        answer = client.post(
            f"/people/users/{user.username}/posts/add/",
            {"office": town.office.pk, "role": "auditor", "valid_from": "2026-01-01"},
        )
        assert answer.status_code == 422
        assert "职责分离" in answer.content.decode()

    def test_a_deactivation_without_reason_says_so(self, client, town, admin):
        client.force_login(admin)
        user = town.user("member")
        page = client.post(f"/people/users/{user.username}/deactivate/", {"reason": ""}, follow=True).content.decode()
        assert "请写明停用理由" in page
        assert again(user).is_active

    def test_the_list_filters_exports_and_asks_little(self, client, town, admin, django_assert_max_num_queries):
        for _ in range(30):
            town.user("inspector", town.county_office)
        town.user("head", username="zheng")
        client.force_login(admin)
        with django_assert_max_num_queries(14):
            page = client.get("/people/users/")
        assert page.status_code == 200
        found = client.get("/people/users/", {"role": "head"}).content.decode()
        assert "zheng" in found
        assert "inspector-" not in found
        rows = client.get("/people/users/", {"role": "head", "export": "csv"}).getvalue().decode().splitlines()
        assert len(rows) == 2

    @pytest.mark.parametrize("role", ["member", "lead_office", "auditor", "lab"])
    def test_others_are_told_who_may(self, client, town, role):
        client.force_login(town.user(role))
        answer = client.get("/people/users/")
        assert answer.status_code == 403
        assert "系统管理员" in answer.content.decode()

    def test_the_own_page_shows_posts_and_what_was_lent(self, client, town, admin):
        head = town.user("head", username="zheng")
        wu = User.objects.create_user("wu", password=GOOD, display_name="吴代理")
        today = timezone.localdate()
        actions.delegate_post(
            head.posts.get(), wu, by=admin, at=AT, valid_from=today, valid_to=today + datetime.timedelta(days=10)
        )
        client.force_login(head)
        assert "吴代理" in client.get("/account/").content.decode()
        client.force_login(wu)
        page = client.get("/account/").content.decode()
        assert "受 zheng 委托" in page

    def test_an_account_without_a_post_is_told_whom_to_ask(self, client, town):
        client.force_login(User.objects.create_user("wu", password=GOOD))
        assert client.get("/desk/").url == "/account/"
        assert "您现在没有岗位" in client.get("/account/").content.decode()
