"""Coming in: names and passwords, the lock after five failures, first passwords, idle sessions, the language."""

import datetime
import importlib
from pathlib import Path

import pytest
import time_machine
from django.conf import settings
from django.test import override_settings
from django.urls import reverse

from zhunsheng.web.people.models import User

pytestmark = pytest.mark.django_db
PASSWORD = "a-long-password-1"
LOGIN = "/login/"


def test_staff_come_to_the_desk(client, town):
    town.user("member", username="lin")
    answer = client.post(LOGIN, {"username": "lin", "password": PASSWORD})
    assert answer.status_code == 302
    assert answer.url == reverse("desk:home")


def test_a_firm_comes_to_its_own_page(client, town):
    user = town.firm_user(town.entity())
    answer = client.post(LOGIN, {"username": user.username, "password": PASSWORD})
    assert (answer.status_code, answer.url) == (302, "/firm/")


def test_a_page_asked_for_is_where_the_login_leads(client, town):
    town.user("member", username="lin")
    asked = client.get("/people/responsibility/")
    assert asked.url == "/login/?next=/people/responsibility/"
    answer = client.post(asked.url, {"username": "lin", "password": PASSWORD, "next": "/people/responsibility/"})
    assert answer.url == "/people/responsibility/"


def test_the_login_leads_to_no_other_house(client, town):
    town.user("member", username="lin")
    answer = client.post(LOGIN + "?next=https://evil.example/", {"username": "lin", "password": PASSWORD})
    assert answer.url == reverse("desk:home")


@pytest.mark.parametrize("username", ["lin", "nobody"])
def test_a_wrong_password_and_an_unknown_name_get_the_same_sentence(client, town, username):
    town.user("member", username="lin")
    answer = client.post(LOGIN, {"username": username, "password": "not-this-one"})
    assert answer.status_code == 422
    assert "用户名或密码不正确" in answer.content.decode()


def test_a_closed_account_does_not_come_in(client, town):
    user = town.user("member", username="lin")
    user.is_active = False
    user.save()
    assert client.post(LOGIN, {"username": "lin", "password": PASSWORD}).status_code == 422


def test_logout_needs_a_form_and_ends_the_session(client, town):
    client.force_login(town.user("member"))
    assert client.get("/logout/").status_code == 405
    client.post("/logout/")
    assert client.get("/desk/").status_code == 302


class TestLock:
    """Five failures lock a name and address for a quarter of an hour."""

    @pytest.fixture(autouse=True)
    def _axes(self, settings):
        settings.AXES_ENABLED = True

    def fail(self, client, times):
        for _ in range(times):
            answer = client.post(LOGIN, {"username": "lin", "password": "not-this-one"})
        return answer

    def test_the_page_says_when_to_try_again(self, client, town):
        town.user("member", username="lin")
        assert self.fail(client, 4).status_code == 422
        locked = self.fail(client, 1)
        assert locked.status_code == 429
        page = locked.content.decode()
        assert "登录已暂时锁定" in page
        assert "15 分钟" in page

    def test_even_the_right_password_waits(self, client, town):
        town.user("member", username="lin")
        self.fail(client, 5)
        assert client.post(LOGIN, {"username": "lin", "password": PASSWORD}).status_code == 429
        with time_machine.travel(datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=16)):
            assert client.post(LOGIN, {"username": "lin", "password": PASSWORD}).status_code == 302

    def test_another_name_is_not_locked(self, client, town):
        town.user("member", username="lin")
        town.user("member", username="wu")
        self.fail(client, 5)
        assert client.post(LOGIN, {"username": "wu", "password": PASSWORD}).status_code == 302


class TestFirstPassword:
    """A first password opens nothing but the page on which it is changed."""

    @pytest.fixture
    def newcomer(self, client, town):
        user = town.user("member", username="lin")
        user.must_change_password = True
        user.save()
        client.force_login(user)
        return user

    @pytest.mark.parametrize("path", ["/desk/", "/people/", "/account/", "/log/"])
    def test_every_page_leads_to_the_change(self, client, newcomer, path):
        answer = client.get(path)
        assert (answer.status_code, answer.url) == (302, "/account/password/")

    def test_after_the_change_the_house_is_open(self, client, newcomer):
        answer = client.post(
            "/account/password/",
            {"old_password": PASSWORD, "new_password1": "another-long-one-2", "new_password2": "another-long-one-2"},
        )
        assert answer.status_code == 302
        assert client.get("/desk/").status_code == 200
        newcomer.refresh_from_db()
        assert not newcomer.must_change_password

    def test_the_same_password_again_is_no_change(self, client, newcomer):
        answer = client.post(
            "/account/password/", {"old_password": PASSWORD, "new_password1": PASSWORD, "new_password2": PASSWORD}
        )
        assert answer.status_code == 422
        assert "新密码不能与旧密码相同" in answer.content.decode()
        newcomer.refresh_from_db()
        assert newcomer.must_change_password

    def test_it_may_leave_and_change_the_language(self, client, newcomer):
        assert client.post("/language/", {"language": "en", "next": "/account/password/"}).url == "/account/password/"
        assert client.post("/logout/").status_code == 302


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"old_password": "wrong", "new_password1": "another-long-one-2", "new_password2": "another-long-one-2"}, "现在的密码不正确"),
        ({"old_password": PASSWORD, "new_password1": "another-long-one-2", "new_password2": "another-long-one-3"}, "两次输入的新密码不一致"),
        ({"old_password": PASSWORD, "new_password1": "short", "new_password2": "short"}, "10"),
        ({"old_password": PASSWORD, "new_password1": "1234567890123", "new_password2": "1234567890123"}, "数字"),
    ],
)  # fmt: skip
def test_a_bad_new_password_is_refused_with_the_rule(client, town, typed, said):
    user = town.user("member", username="lin")
    client.force_login(user)
    answer = client.post("/account/password/", typed)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def test_the_rules_are_on_the_page(client, town):
    client.force_login(town.user("member"))
    page = client.get("/account/password/").content.decode()
    assert "密码要求" in page
    assert "10 个字符" in page.replace("10个字符", "10 个字符")


def test_a_new_password_ends_the_other_sessions(client, town):
    user = town.user("member", username="lin")
    from django.test import Client

    other = Client()
    other.force_login(user)
    client.force_login(user)
    client.post(
        "/account/password/",
        {"old_password": PASSWORD, "new_password1": "another-long-one-2", "new_password2": "another-long-one-2"},
    )
    assert client.get("/desk/").status_code == 200
    assert other.get("/desk/").status_code == 302


def test_an_idle_session_ends_and_a_used_one_goes_on(client, town):
    start = datetime.datetime(2026, 11, 24, 9, tzinfo=datetime.UTC)
    almost = datetime.timedelta(seconds=settings.SESSION_COOKIE_AGE - 60)
    with time_machine.travel(start, tick=False) as clock:
        client.force_login(town.user("member"))
        for _ in range(3):
            clock.shift(almost)
            assert client.get("/desk/").status_code == 200
        clock.shift(datetime.timedelta(seconds=settings.SESSION_COOKIE_AGE + 60))
        assert client.get("/desk/").status_code == 302


def test_the_language_is_kept(client, town):
    assert client.get(LOGIN).headers["Content-Language"] == "zh-hans"
    client.post("/language/", {"language": "en", "next": LOGIN})
    assert client.get(LOGIN).headers["Content-Language"] == "en"
    client.force_login(town.user("member"))
    assert client.get("/desk/").headers["Content-Language"] == "en"
    cookie = client.cookies[settings.LANGUAGE_COOKIE_NAME]
    assert int(cookie["max-age"]) >= 30 * 24 * 3600


class TestDemoLogins:
    """The invented city shows its accounts on the login page; a real one never does."""

    def city(self, tmp_path: Path, name: str):
        (tmp_path / "city").write_text(name, encoding="utf-8")
        return override_settings(HOME=tmp_path)

    def test_the_invented_city_shows_those_that_exist(self, client, town, tmp_path):
        people = importlib.import_module("zhunsheng.demo.people")
        shown, missing = people.ACCOUNTS[0].username, people.ACCOUNTS[1].username
        User.objects.create_user(shown, password=people.PASSWORD)
        with self.city(tmp_path, "hengchuan"):
            page = client.get(LOGIN).content.decode()
        assert people.PASSWORD in page
        assert f"<code>{shown}</code>" in page
        assert f"<code>{missing}</code>" not in page

    def test_a_real_city_shows_nothing(self, client, town, tmp_path):
        people = importlib.import_module("zhunsheng.demo.people")
        User.objects.create_user(people.ACCOUNTS[0].username, password=people.PASSWORD)
        with self.city(tmp_path, "jiaozuo"):
            page = client.get(LOGIN).content.decode()
        assert people.PASSWORD not in page
        assert "演示账号" not in page
