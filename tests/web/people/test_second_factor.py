"""The second factor: set up, sign in, get in without the phone, lose it, and all that must not work."""

import datetime

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.web.people.conftest import PASSWORD, App, Device
from zhunsheng.web.common.errors import Refused
from zhunsheng.web.desk.models import Notice
from zhunsheng.web.people import actions, queries, sealing, step_up, totp
from zhunsheng.web.people.models import AuthenticatorApp, Passkey, RecoveryCode
from zhunsheng.web.public_log.models import Act

pytestmark = pytest.mark.django_db
LOGIN, SECOND, FACTORS = "/login/", "/login/second/", "/account/factors/"


@pytest.fixture
def lin(town):
    return town.user("member", username="lin")


def say_password(client, then=""):
    return client.post(LOGIN, {"username": "lin", "password": PASSWORD, **({"next": then} if then else {})})


def signed_in(client) -> bool:
    return client.get("/desk/").status_code == 200


def verbs() -> list[str]:
    return list(Act.objects.order_by("pk").values_list("verb", flat=True))


def wrong(app: App) -> str:
    """Six digits that the app shows in none of the intervals around now."""
    shown = {app.code(ahead) for ahead in range(-3, 4)}
    return next(code for code in (f"{number:06}" for number in range(100)) if code not in shown)


class TestSettingUpTheApp:
    def test_the_page_shows_secret_and_square_and_takes_the_first_code(
        self, client, lin, django_capture_on_commit_callbacks
    ):
        client.force_login(lin)
        page = client.get("/account/factors/app/")
        secret = client.session["new_app"]
        assert secret[:4] in page.content.decode()
        assert "<svg" in page.content.decode().split("big-qr")[1][:200]
        assert "no-store" in page.headers["Cache-Control"]
        with django_capture_on_commit_callbacks(execute=True):
            answer = client.post("/account/factors/app/", {"code": totp.code(secret, timezone.now())})
        shown = answer.content.decode()
        assert answer.status_code == 200
        assert RecoveryCode.objects.filter(user=lin).count() == 10
        assert shown.count("<li><code>") == 10
        assert verbs()[-1] == "factor.add_app"
        assert "验证器应用" in Notice.objects.get(user=lin).text
        assert "new_app" not in client.session

    def test_the_same_secret_stays_until_it_is_taken(self, client, lin):
        client.force_login(lin)
        client.get("/account/factors/app/")
        first = client.session["new_app"]
        client.get("/account/factors/app/")
        assert client.session["new_app"] == first

    def test_a_wrong_code_sets_up_nothing(self, client, lin):
        client.force_login(lin)
        client.get("/account/factors/app/")
        answer = client.post("/account/factors/app/", {"code": wrong(App(client.session["new_app"]))})
        assert answer.status_code == 422
        assert "验证码不对" in answer.content.decode()
        assert not queries.has_factor(lin)
        assert not RecoveryCode.objects.exists()

    def test_one_app_an_account(self, client, lin, enrol):
        enrol(lin)
        client.force_login(lin)
        assert client.get("/account/factors/app/").url == FACTORS
        secret = totp.new_secret()
        with pytest.raises(Refused, match="已有验证器应用"):
            actions.add_app(lin, secret, App(secret).code(), at=timezone.now())

    def test_the_database_does_not_hold_the_secret(self, lin, enrol):
        app, codes = enrol(lin)
        row = AuthenticatorApp.objects.get()
        assert app.secret not in row.secret
        assert sealing.open_sealed(row.secret) == app.secret
        plain = {code.replace("-", "") for code in codes}
        assert not plain & set(RecoveryCode.objects.values_list("digest", flat=True))

    def test_a_changed_server_key_is_said_and_the_paper_still_helps(self, client, lin, enrol, settings):
        app, codes = enrol(lin)
        settings.SECRET_KEY = "another key, long enough for anybody, really"
        say_password(client)
        assert "平台更换过密钥" in client.post(SECOND, {"code": app.code()}).content.decode()
        client.post(SECOND, {"recovery": codes[0]})
        assert signed_in(client)

    def test_the_old_server_key_still_opens_as_a_fallback(self, client, lin, enrol, settings):
        app, _codes = enrol(lin)
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = (
            "another key, long enough for anybody, really",
            [settings.SECRET_KEY],
        )
        say_password(client)
        client.post(SECOND, {"code": app.code()})
        assert signed_in(client)


class TestSigningIn:
    def test_password_then_code(self, client, lin, enrol):
        app, _codes = enrol(lin)
        assert say_password(client, "/people/roles/").url == SECOND
        assert not signed_in(client), "the password alone opens nothing"
        answer = client.post(SECOND, {"code": app.code()})
        assert answer.url == "/people/roles/"
        assert signed_in(client)

    def test_without_a_factor_the_password_is_enough(self, client, lin):
        assert say_password(client).url == "/desk/"
        assert signed_in(client)

    def test_the_code_may_be_typed_with_a_space(self, client, lin, enrol):
        app, _codes = enrol(lin)
        say_password(client)
        client.post(SECOND, {"code": f"{app.code()[:3]} {app.code()[3:]}"})
        assert signed_in(client)

    @pytest.mark.parametrize(("skew", "taken"), [(-30, False), (0, True), (29, True), (90, False)])
    def test_a_phone_whose_clock_is_off(self, client, lin, enrol, skew, taken):
        """Half a minute ahead is allowed; so is half a minute behind, but that code was used to set the app up."""
        with time_machine.travel(datetime.datetime(2026, 11, 24, 2, 0, 0, tzinfo=datetime.UTC), tick=False):
            app, _codes = enrol(lin)
            app.skew = datetime.timedelta(seconds=skew)
            say_password(client)
            client.post(SECOND, {"code": app.code()})
            assert signed_in(client) == taken

    def test_a_code_is_taken_once(self, client, lin, enrol):
        with time_machine.travel(datetime.datetime(2026, 11, 24, 2, 0, 0, tzinfo=datetime.UTC), tick=False):
            app, _codes = enrol(lin)
            say_password(client)
            client.post(SECOND, {"code": app.code()})
            assert signed_in(client)
            other = Client()
            say_password(other)
            answer = other.post(SECOND, {"code": app.code()})
            assert answer.status_code == 422
            assert "已用过" in answer.content.decode()
            assert not signed_in(other)

    def test_the_session_gets_a_new_key_at_each_step(self, client, lin, enrol):
        app, _codes = enrol(lin)
        client.get(LOGIN)
        session = client.session
        session["planted"] = 1
        session.save()
        planted = session.session_key
        client.cookies["sessionid"] = planted
        say_password(client)
        half = client.session.session_key
        client.post(SECOND, {"code": app.code()})
        whole = client.session.session_key
        assert len({planted, half, whole}) == 3

    def test_the_second_page_is_for_those_who_said_the_password(self, client, lin, enrol):
        app, _codes = enrol(lin)
        assert client.get(SECOND).url == LOGIN
        assert client.post(SECOND, {"code": app.code()}).url == LOGIN
        assert not signed_in(client)

    def test_the_first_step_holds_for_ten_minutes(self, client, lin, enrol):
        app, _codes = enrol(lin)
        say_password(client)
        with time_machine.travel(timezone.now() + datetime.timedelta(minutes=11)):
            assert client.post(SECOND, {"code": app.code()}).url == LOGIN
            assert not signed_in(client)

    def test_a_new_password_ends_the_first_step(self, client, lin, enrol):
        app, _codes = enrol(lin)
        say_password(client)
        lin.set_password("another-long-one-2")
        lin.save()
        assert client.post(SECOND, {"code": app.code()}).url == LOGIN

    def test_a_closed_account_does_not_come_in(self, client, lin, enrol):
        app, _codes = enrol(lin)
        say_password(client)
        lin.is_active = False
        lin.save()
        assert client.post(SECOND, {"code": app.code()}).url == LOGIN

    def test_it_leads_to_no_other_house(self, client, lin, enrol):
        app, _codes = enrol(lin)
        say_password(client, "https://evil.example/")
        assert client.post(SECOND, {"code": app.code()}).url == reverse("desk:home")

    def test_a_first_password_is_changed_before_anything_else(self, client, lin, enrol):
        app, _codes = enrol(lin)
        lin.must_change_password = True
        lin.save()
        say_password(client)
        client.post(SECOND, {"code": app.code()})
        assert client.get("/desk/").url == "/account/password/"

    def test_the_administration_has_no_door_of_its_own(self, client, lin, enrol):
        lin.is_superuser = lin.is_staff = True
        lin.save()
        enrol(lin)
        assert client.get("/admin/login/?next=/admin/").url == "/login/?next=/admin/"
        assert client.post("/admin/login/", {"username": "lin", "password": PASSWORD}).url.startswith("/login/")
        assert not signed_in(client)


class TestWrongCodes:
    def test_five_lock_the_codes_whatever_the_address(self, client, lin, enrol, django_capture_on_commit_callbacks):
        app, codes = enrol(lin)
        with django_capture_on_commit_callbacks(execute=True):
            for number in range(5):
                guesser = Client(REMOTE_ADDR=f"192.0.2.{number}")
                say_password(guesser)
                answer = guesser.post(SECOND, {"code": wrong(app)})
        assert answer.status_code == 429
        assert "已暂时锁定" in answer.content.decode()
        assert Act.objects.get(verb="factor.lock").by is None, "who typed them is not known"
        assert "连续输错" in Notice.objects.filter(user=lin).latest("pk").text
        say_password(client)
        for typed in ({"code": app.code()}, {"recovery": codes[0]}):
            assert client.post(SECOND, typed).status_code == 429
        assert not signed_in(client)

    def test_a_quarter_of_an_hour_later_it_is_open_again(self, client, lin, enrol):
        app, _codes = enrol(lin)
        say_password(client)
        for _n in range(5):
            client.post(SECOND, {"code": wrong(app)})
        with time_machine.travel(timezone.now() + datetime.timedelta(minutes=16)):
            say_password(client)
            client.post(SECOND, {"code": app.code()})
            assert signed_in(client)

    def test_a_right_code_wipes_the_count(self, client, lin, enrol):
        app, _codes = enrol(lin)
        for _round in range(2):
            say_password(client)
            for _n in range(4):
                assert client.post(SECOND, {"code": wrong(app)}).status_code == 422
            with time_machine.travel(timezone.now() + datetime.timedelta(minutes=_round + 1)):
                client.post(SECOND, {"code": app.code()})
                assert signed_in(client)
            client.post("/logout/")

    def test_another_account_is_not_locked(self, client, town, lin, enrol):
        app, _codes = enrol(lin)
        wu = town.user("member", username="wu")
        other, _more = enrol(wu)
        say_password(client)
        for _n in range(5):
            client.post(SECOND, {"code": wrong(app)})
        client.post(LOGIN, {"username": "wu", "password": PASSWORD})
        client.post(SECOND, {"code": other.code()})
        assert signed_in(client)

    @pytest.mark.parametrize("typed", ["", "12345", "abcdef", "1234567", "１２３４５６", "'; --", "0" * 20])
    def test_odd_input_is_refused(self, client, lin, enrol, typed):
        enrol(lin)
        say_password(client)
        assert client.post(SECOND, {"code": typed}).status_code == 422
        assert not signed_in(client)


class TestRecoveryCodes:
    def test_each_opens_once(self, client, lin, enrol, django_capture_on_commit_callbacks):
        _app, codes = enrol(lin)
        say_password(client)
        with django_capture_on_commit_callbacks(execute=True):
            client.post(SECOND, {"recovery": codes[0]})
        assert signed_in(client)
        assert queries.codes_left(lin) == 9
        assert Act.objects.get(verb="factor.use_code").changes == {"left": 9}
        assert "还剩 9 个" in Notice.objects.filter(user=lin).latest("pk").text
        client.post("/logout/")
        say_password(client)
        assert client.post(SECOND, {"recovery": codes[0]}).status_code == 422
        assert not signed_in(client)

    def test_hyphens_and_small_letters_do_not_matter(self, client, lin, enrol):
        _app, codes = enrol(lin)
        say_password(client)
        client.post(SECOND, {"recovery": codes[1].lower().replace("-", " ")})
        assert signed_in(client)

    def test_new_ones_end_the_old_ones(self, client, lin, enrol):
        _app, codes = enrol(lin)
        client.force_login(lin)
        page = client.post("/account/factors/codes/").content.decode()
        assert signed_in(client), "this session goes on"
        assert codes[0] not in page
        fresh = page.split("<li><code>")[1].split("</code>")[0]
        client.post("/logout/")
        say_password(client)
        assert client.post(SECOND, {"recovery": codes[0]}).status_code == 422
        client.post(SECOND, {"recovery": fresh})
        assert signed_in(client)
        assert "factor.new_codes" in verbs()

    def test_without_a_factor_there_are_none(self, client, lin):
        client.force_login(lin)
        assert client.post("/account/factors/codes/").url == FACTORS
        assert not RecoveryCode.objects.exists()

    def test_somebody_elses_code_is_none(self, client, town, lin, enrol):
        enrol(lin)
        _app, codes = enrol(town.user("member", username="wu"))
        say_password(client)
        assert client.post(SECOND, {"recovery": codes[0]}).status_code == 422


class TestPasskeys:
    """On localhost, with a device in software; the browser's part is in tests/pages."""

    def options(self, client, path="/login/passkey/options/"):
        return client.post(path).json()

    def add(self, client, user, device, name="办公室电脑"):
        user.refresh_from_db()
        client.force_login(user)
        answer = device.create(self.options(client, "/account/factors/passkeys/options/"))
        return client.post("/account/factors/passkeys/add/", {"name": name, "credential": answer})

    def test_added_and_used_without_a_password(self, home, lin, device):
        page = self.add(home, lin, device)
        assert page.content.decode().count("<li><code>") == 10
        assert signed_in(home), "the session in which it was added goes on"
        home.post("/logout/")
        options = self.options(home)
        assert options["publicKey"]["userVerification"] == "required"
        answer = home.post("/login/passkey/", {"credential": device.get(options), "next": "/people/roles/"})
        assert answer.url == "/people/roles/"
        assert signed_in(home)

    def test_as_the_second_step(self, home, lin, device):
        self.add(home, lin, device)
        home.post("/logout/")
        say_password(home)
        options = self.options(home)
        assert device.knows(options)
        home.post(SECOND, {"credential": device.get(options)})
        assert signed_in(home)

    def test_it_leads_to_no_other_house(self, home, lin, device):
        self.add(home, lin, device)
        home.post("/logout/")
        answer = home.post(
            "/login/passkey/", {"credential": device.get(self.options(home)), "next": "https://evil.example/"}
        )
        assert answer.url == reverse("desk:home")

    def refused(self, home, answer):
        reply = home.post("/login/passkey/", {"credential": answer})
        assert reply.url.startswith(LOGIN)
        assert not signed_in(home)

    def test_an_answer_is_taken_once(self, home, lin, device):
        self.add(home, lin, device)
        home.post("/logout/")
        answer = device.get(self.options(home))
        home.post("/login/passkey/", {"credential": answer})
        home.post("/logout/")
        self.refused(home, answer)
        self.options(home)
        self.refused(home, answer)

    def test_an_old_question_is_not_answered(self, home, lin, device):
        self.add(home, lin, device)
        home.post("/logout/")
        answer = device.get(self.options(home))
        with time_machine.travel(timezone.now() + datetime.timedelta(minutes=6)):
            self.refused(home, answer)

    def test_a_look_alike_site_gets_nothing(self, home, lin, device):
        self.add(home, lin, device)
        home.post("/logout/")
        for origin in ("http://evil.example", "https://localhost.evil.example", "http://sub.localhost"):
            device.origin = origin
            self.refused(home, device.get(self.options(home)))

    def test_another_key_with_the_same_number_is_refused(self, home, lin, device):
        self.add(home, lin, device)
        home.post("/logout/")
        self.refused(home, Device(id=device.id).get(self.options(home)))

    def test_an_unknown_key_is_refused(self, home, lin, device):
        self.refused(home, device.get(self.options(home)))

    def test_alone_it_has_to_verify_its_owner(self, home, lin, device):
        self.add(home, lin, device)
        home.post("/logout/")
        device.verified = False
        self.refused(home, device.get(self.options(home)))

    def test_a_copy_is_found_by_its_count(self, home, lin, device):
        self.add(home, lin, device)
        home.post("/logout/")
        device.count = 0
        self.refused(home, device.get(self.options(home)))
        assert verbs()[-1] == "factor.copied_passkey"

    def test_one_that_does_not_count_is_fine(self, home, lin, device):
        device.counts = False
        self.add(home, lin, device)
        for _n in range(2):
            home.post("/logout/")
            home.post("/login/passkey/", {"credential": device.get(self.options(home))})
            assert signed_in(home)

    def test_somebody_elses_passkey_is_no_second_step(self, home, town, lin, enrol, device):
        enrol(lin)
        self.add(home, town.user("member", username="wu"), device)
        home.post("/logout/")
        say_password(home)
        answer = home.post(SECOND, {"credential": device.get(self.options(home))})
        assert answer.status_code == 422
        assert not signed_in(home)

    def test_a_closed_account_does_not_come_in(self, home, lin, device):
        self.add(home, lin, device)
        home.post("/logout/")
        lin.refresh_from_db()
        lin.is_active = False
        lin.save()
        self.refused(home, device.get(self.options(home)))

    @pytest.mark.parametrize(
        "answer", ["", "{}", "[]", "nothing", '{"id": 1}', '{"rawId": "AA", "response": {}}', "x" * 30_000]
    )
    def test_what_is_no_answer_is_refused(self, home, lin, device, answer):
        self.add(home, lin, device)
        home.post("/logout/")
        self.options(home)
        self.refused(home, answer)

    def test_the_same_one_twice_is_refused(self, home, lin, device):
        self.add(home, lin, device)
        answer = self.add(home, lin, device, name="又一次")
        assert answer.status_code == 422
        assert Passkey.objects.count() == 1

    def test_renamed_and_removed_by_the_owner_only(self, home, town, lin, enrol, device):
        self.add(home, lin, device)
        key = Passkey.objects.get()
        stranger = Client(SERVER_NAME="localhost")
        stranger.force_login(town.user("member"))
        assert stranger.post(f"/account/factors/passkeys/{key.pk}/", {"name": "我的"}).status_code == 404
        assert stranger.post(f"/account/factors/passkeys/{key.pk}/remove/").status_code == 404
        assert home.post(f"/account/factors/passkeys/{key.pk}/", {"name": "  "}).status_code == 422
        home.post(f"/account/factors/passkeys/{key.pk}/", {"name": "家里"})
        assert Passkey.objects.get().name == "家里"
        home.post(f"/account/factors/passkeys/{key.pk}/remove/")
        assert not Passkey.objects.exists()
        assert not RecoveryCode.objects.exists(), "codes without a factor would be a second password"
        assert [one for one in verbs() if one.startswith("factor.")] == [
            "factor.add_passkey", "factor.rename_passkey", "factor.remove_passkey",
        ]  # fmt: skip
        assert signed_in(home)

    def test_an_address_in_numbers_has_none(self, client, lin):
        client.defaults["SERVER_NAME"] = "127.0.0.1"
        client.force_login(lin)
        assert "须经 https 以域名访问" in client.get(FACTORS).content.decode()
        assert "data-passkey" not in client.get("/account/factors/passkeys/add/").content.decode()
        client.logout()
        assert "data-passkey" not in client.get(LOGIN).content.decode()


class TestOtherSessions:
    def test_a_new_factor_ends_them(self, client, lin, enrol):
        client.force_login(lin)
        enrol(lin)
        assert not signed_in(client)

    def test_the_one_in_which_it_was_added_goes_on(self, client, lin):
        client.force_login(lin)
        client.get("/account/factors/app/")
        client.post("/account/factors/app/", {"code": App(client.session["new_app"]).code()})
        assert signed_in(client)
        client.post("/account/factors/app/remove/")
        assert signed_in(client)


class TestForced:
    @pytest.fixture(autouse=True)
    def _forced(self, settings):
        settings.SECOND_FACTOR_ROLES = ["head", "sysadmin"]

    def test_who_must_have_one_sets_it_up_first(self, client, town):
        user = town.user("head")
        client.force_login(user)
        for path in ("/desk/", "/people/", "/account/", "/log/"):
            assert client.get(path).url == FACTORS
        assert client.get(FACTORS).status_code == 200
        client.get("/account/factors/app/")
        client.post("/account/factors/app/", {"code": App(client.session["new_app"]).code()})
        assert signed_in(client)

    def test_others_need_none(self, client, town):
        client.force_login(town.user("member"))
        assert signed_in(client)

    def test_a_superuser_counts_as_administrator(self, client, lin):
        lin.is_superuser = True
        lin.save()
        client.force_login(lin)
        assert client.get("/desk/").url == FACTORS

    def test_all_means_all(self, client, town, settings):
        settings.SECOND_FACTOR_ROLES = ["all"]
        client.force_login(town.firm_user(town.entity()))
        assert client.get("/firm/").url == FACTORS

    def test_leaving_and_the_language_are_open(self, client, town):
        client.force_login(town.user("head"))
        assert client.post("/language/", {"language": "en", "next": FACTORS}).url == FACTORS
        assert client.post("/logout/").status_code == 302

    def test_the_last_one_is_not_removed(self, client, town, enrol):
        user = town.user("head")
        enrol(user)
        client.force_login(user)
        client.post("/account/factors/app/remove/")
        assert queries.has_factor(user)
        assert "必须有第二重验证" in client.get(FACTORS).content.decode()

    def test_a_wrong_setting_stops_the_start(self, monkeypatch):
        from zhunsheng.web import env

        monkeypatch.setenv("ZHUNSHENG_SECOND_FACTOR", "head, boss")
        with pytest.raises(env.BadSetting, match="boss"):
            env.roles("SECOND_FACTOR")
        monkeypatch.setenv("ZHUNSHENG_SECOND_FACTOR", "head, all")
        assert env.roles("SECOND_FACTOR") == ["head", "all"]


class TestLost:
    REASON = {"reason": "手机丢失，当面核对了工作证"}

    def test_the_administrator_resets_with_a_reason(self, client, town, lin, enrol, django_capture_on_commit_callbacks):
        app, _codes = enrol(lin)
        hers = Client()
        say_password(hers)
        hers.post(SECOND, {"code": app.code()})
        admin = town.user("sysadmin")
        client.force_login(admin)
        path = "/people/users/lin/factors/reset/"
        assert client.post(path, {"reason": " "}).status_code == 422
        with django_capture_on_commit_callbacks(execute=True):
            assert client.post(path, self.REASON).url == "/people/users/lin/"
        lin.refresh_from_db()
        assert not queries.has_factor(lin)
        assert not RecoveryCode.objects.exists()
        assert not signed_in(hers), "whoever has the phone is out"
        act = Act.objects.get(verb="factor.reset")
        assert (act.by, act.subject_id, act.reason) == (admin, "lin", self.REASON["reason"])
        assert "重置了您的第二重验证" in Notice.objects.get(user=lin).text
        say_password(hers)
        assert signed_in(hers)

    @pytest.mark.parametrize("role", ["member", "head", "lead_office", "auditor"])
    def test_nobody_else_does(self, client, town, lin, enrol, role):
        enrol(lin)
        client.force_login(town.user(role))
        assert client.post("/people/users/lin/factors/reset/", self.REASON).status_code == 403
        assert queries.has_factor(lin)

    def test_not_ones_own(self, client, town, enrol):
        admin = town.user("sysadmin", username="keeper")
        enrol(admin)
        client.force_login(admin)
        assert client.post("/people/users/keeper/factors/reset/", self.REASON).status_code == 422
        assert queries.has_factor(admin)

    def test_not_a_superusers(self, client, town, lin, enrol):
        enrol(lin)
        lin.is_superuser = True
        lin.save()
        client.force_login(town.user("sysadmin"))
        assert client.post("/people/users/lin/factors/reset/", self.REASON).status_code == 403

    def test_again_changes_nothing(self, town, lin, enrol):
        enrol(lin)
        admin = town.user("sysadmin")
        for _n in range(2):
            actions.reset_factors(lin, by=admin, at=timezone.now(), reason="丢失")
        assert verbs().count("factor.reset") == 1

    def test_the_operator_does_at_the_shell(self, lin, enrol, capsys):
        enrol(lin)
        call_command("reset_factors", "lin", "--reason", "唯一的管理员丢了手机")
        assert not queries.has_factor(lin)
        act = Act.objects.get(verb="factor.reset")
        assert (act.by, act.reason) == (None, "唯一的管理员丢了手机")
        call_command("reset_factors", "lin", "--reason", "再来一次")
        assert "没有改动" in capsys.readouterr().out
        with pytest.raises(CommandError):
            call_command("reset_factors", "nobody", "--reason", "无此人")


def test_every_verb_has_its_words():
    from zhunsheng.web.public_log.words import VERBS

    used = {
        "add_app", "remove_app", "add_passkey", "rename_passkey", "remove_passkey", "copied_passkey", "new_codes", "use_code",
        "lock", "reset",
    }  # fmt: skip
    assert {f"factor.{one}" for one in used} | {"step_up.refuse"} <= set(VERBS)


def test_the_account_page_names_them(client, lin, enrol):
    client.force_login(lin)
    assert "只有密码" in client.get("/account/").content.decode()
    enrol(lin)
    client.force_login(lin)
    page = client.get("/account/").content.decode()
    assert "验证器应用" in page
    assert "只有密码" not in page


def test_the_list_of_accounts_says_who_has_one(client, town, lin, enrol):
    admin = town.user("sysadmin")
    enrol(lin)
    client.force_login(admin)
    rows = client.get("/people/users/?export=csv&columns=username,factor")
    text = b"".join(rows.streaming_content).decode()
    assert "lin,有" in text
    assert f"{admin.username},没有" in text


def test_signing_in_counts_as_a_confirmation(client, lin, enrol):
    app, _codes = enrol(lin)
    say_password(client)
    client.post(SECOND, {"code": app.code()})
    assert step_up.CONFIRMED in client.session
