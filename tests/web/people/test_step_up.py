"""再次确认: publishing, exporting personal data and the like ask once more, and what was being sent is not lost."""

import datetime

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.utils import timezone
from django.views import View

from tests.web.people.conftest import PASSWORD
from zhunsheng.web.people import step_up
from zhunsheng.web.people.models import User
from zhunsheng.web.public_log.models import Act

pytestmark = pytest.mark.django_db
EXPORT = "/people/users/?export=csv"


@pytest.fixture
def admin(town):
    return town.user("sysadmin", username="root")


@pytest.fixture
def later():
    """The clock, eleven minutes after the login: no confirmation is fresh any more."""
    with time_machine.travel(timezone.now(), tick=False) as clock:
        yield lambda minutes=11: clock.shift(datetime.timedelta(minutes=minutes))


def rest_of(client: Client, url: str) -> str:
    return client.get(url).content.decode()


class TestGetting:
    def test_a_fresh_login_is_a_confirmation(self, client, admin):
        client.force_login(admin)
        assert client.get(EXPORT)["Content-Type"].startswith("text/csv")

    def test_later_it_asks_and_then_gives_the_file(self, client, admin, later):
        client.force_login(admin)
        later()
        asked = client.get(EXPORT, headers={"referer": "http://testserver/people/users/?q=a"})
        assert asked.url.startswith("/account/confirm/")
        page = rest_of(client, asked.url)
        assert "导出个人信息" in page
        assert 'href="/people/users/?q=a"' in page
        done = client.post(asked.url, {"password": PASSWORD})
        assert done.url.startswith("/account/confirmed/")
        assert f'href="{EXPORT}"' in rest_of(client, done.url)
        assert client.get(EXPORT)["Content-Type"].startswith("text/csv")

    def test_it_holds_for_the_minutes_of_the_setting(self, client, admin, later, settings):
        client.force_login(admin)
        later(10)
        assert client.get(EXPORT).status_code == 200
        later(1)
        assert client.get(EXPORT).status_code == 302
        settings.STEP_UP_MINUTES = 30
        assert client.get(EXPORT).status_code == 200

    def test_a_clock_set_back_is_no_confirmation(self, client, admin, later):
        client.force_login(admin)
        later(-5)
        assert client.get(EXPORT).status_code == 302

    def test_the_list_itself_is_not_asked_for(self, client, admin, later):
        client.force_login(admin)
        later()
        assert client.get("/people/users/").status_code == 200

    def test_without_a_login_the_login_comes_first(self, client, admin):
        assert client.get(EXPORT).url.startswith("/login/")

    def test_a_page_that_was_asked_for_comes_at_once(self, client, admin, later):
        client.force_login(admin)
        later()
        asked = client.get("/account/factors/app/")
        assert client.post(asked.url, {"password": PASSWORD}).url == "/account/factors/app/"

    def test_an_administrator_confirms_before_a_new_password_is_typed(self, client, town, admin, later):
        town.user("member", username="lin")
        client.force_login(admin)
        later()
        asked = client.get("/people/users/lin/password/")
        assert "更改登录方式" in rest_of(client, asked.url)

    def test_htmx_is_sent_on_as_a_page(self, client, admin, later):
        client.force_login(admin)
        later()
        answer = client.get(EXPORT, headers={"hx-request": "true"})
        assert answer.headers["HX-Redirect"].startswith("/account/confirm/")


class TestWhoConfirms:
    def test_a_wrong_password_is_refused_and_recorded(self, client, admin, later):
        client.force_login(admin)
        later()
        asked = client.get(EXPORT)
        answer = client.post(asked.url, {"password": "not-this-one"})
        assert answer.status_code == 422
        assert "密码不正确" in answer.content.decode()
        assert client.get(EXPORT).status_code == 302
        act = Act.objects.get(verb="step_up.refuse")
        assert (act.by, act.changes) == (admin, {"purpose": "export"})

    def test_the_lock_of_the_login_holds_here(self, client, admin, later, settings):
        settings.AXES_ENABLED = True
        client.force_login(admin)
        later()
        asked = client.get(EXPORT)
        for _n in range(5):
            answer = client.post(asked.url, {"password": "not-this-one"})
        assert answer.status_code == 429
        assert client.post(asked.url, {"password": PASSWORD}).status_code == 429
        assert client.get(EXPORT).status_code == 302

    def test_with_a_factor_the_password_is_not_enough(self, client, admin, later, enrol):
        app, codes = enrol(admin)
        client.force_login(admin)
        later()
        asked = client.get(EXPORT)
        assert client.post(asked.url, {"password": PASSWORD}).status_code == 422
        assert client.get(EXPORT).status_code == 302
        client.post(asked.url, {"code": app.code()})
        assert client.get(EXPORT).status_code == 200
        later()
        asked = client.get(EXPORT)
        client.post(asked.url, {"recovery": codes[0]})
        assert client.get(EXPORT).status_code == 200

    def test_a_passkey_confirms(self, home, admin, later, device):
        home.force_login(admin)
        options = home.post("/account/factors/passkeys/options/").json()
        home.post("/account/factors/passkeys/add/", {"name": "钥匙", "credential": device.create(options)})
        later()
        asked = home.get(EXPORT)
        options = home.post("/login/passkey/options/").json()
        assert device.knows(options)
        home.post(asked.url, {"credential": device.get(options)})
        assert home.get(EXPORT).status_code == 200

    def test_wrong_codes_lock_here_too(self, client, admin, later, enrol):
        app, _codes = enrol(admin)
        client.force_login(admin)
        later()
        asked = client.get(EXPORT)
        shown = {app.code(one) for one in range(-2, 3)}
        bad = next(code for code in (f"{number:06}" for number in range(9)) if code not in shown)
        for _n in range(5):
            answer = client.post(asked.url, {"code": bad})
        assert answer.status_code == 429
        assert client.post(asked.url, {"code": app.code()}).status_code == 429

    def test_the_session_gets_a_new_key(self, client, admin, later):
        client.force_login(admin)
        later()
        asked = client.get(EXPORT)
        before = client.session.session_key
        client.post(asked.url, {"password": PASSWORD})
        assert client.session.session_key != before

    def test_a_token_is_of_its_session(self, client, admin, later):
        client.force_login(admin)
        later()
        asked = client.get(EXPORT)
        other = Client()
        other.force_login(admin)
        assert other.get(asked.url).url == "/desk/"

    def test_the_right_ones_still_has_to_be_there(self, client, town, later):
        """A confirmation gives nobody a right that his posts do not."""
        user = town.user("member")
        client.force_login(user)
        assert client.get(EXPORT).status_code == 403
        later()
        asked = client.get(EXPORT)
        done = client.post(asked.url, {"password": PASSWORD})
        assert done.status_code == 302
        assert client.get(EXPORT).status_code == 403


class TestSending:
    """A form that is sent too late."""

    PATH = "/people/users/lin/factors/reset/"

    @pytest.fixture
    def lin(self, town, enrol):
        user = town.user("member", username="lin")
        enrol(user)
        return user

    def test_what_was_typed_is_there_afterwards(self, client, admin, lin, later):
        client.force_login(admin)
        later()
        asked = client.post(self.PATH, {"reason": "手机丢失 <b>&\"'", "csrfmiddlewaretoken": "x"})
        assert "已保留" in rest_of(client, asked.url)
        assert hasattr(User.objects.get(pk=lin.pk), "authenticator_app"), "nothing is done yet"
        done = client.post(asked.url, {"password": PASSWORD})
        page = rest_of(client, done.url)
        assert f'action="{self.PATH}"' in page
        assert 'name="reason" value="手机丢失 &lt;b&gt;&amp;&quot;&#x27;"' in page
        assert not Act.objects.filter(verb="factor.reset").exists(), "the user sends it, not the platform"
        held = step_up.held(type("R", (), {"session": client.session})(), done.url.split("/")[-2])
        assert held.fields == (("reason", "手机丢失 <b>&\"'"),)
        client.post(self.PATH, dict(held.fields))
        assert Act.objects.get(verb="factor.reset").reason == "手机丢失 <b>&\"'"

    def test_the_page_with_the_form_waits_for_its_confirmation(self, client, admin, lin, later):
        client.force_login(admin)
        later()
        asked = client.post(self.PATH, {"reason": "丢失"})
        token = asked.url.split("/")[-2]
        assert client.get(f"/account/confirmed/{token}/").url == "/desk/"
        client.post(asked.url, {"password": PASSWORD})
        later()
        assert client.get(f"/account/confirmed/{token}/").url == asked.url

    def test_what_is_confirmed_already_goes_on(self, client, admin, lin, later):
        client.force_login(admin)
        later()
        one, other = client.post(self.PATH, {"reason": "一"}), client.post(self.PATH, {"reason": "二"})
        client.post(one.url, {"password": PASSWORD})
        assert client.get(other.url).url.startswith("/account/confirmed/")

    def test_lists_of_values_keep_their_order(self, client, admin, lin, later):
        client.force_login(admin)
        later()
        asked = client.post(self.PATH, {"reason": "丢失", "visit": ["3", "1", "2"]})
        held = step_up.held(type("R", (), {"session": client.session})(), asked.url.split("/")[-2])
        assert [value for name, value in held.fields if name == "visit"] == ["3", "1", "2"]

    def test_passwords_are_not_kept(self, client, admin, lin, later):
        client.force_login(admin)
        later()
        client.post(self.PATH, {"reason": "丢失", "old_password": "very-secret-1"})
        assert "very-secret-1" not in str(dict(client.session))

    def test_files_are_not_kept_and_the_page_says_which(self, client, admin, lin, later):
        client.force_login(admin)
        later()
        asked = client.post(self.PATH, {"reason": "见附件", "paper": SimpleUploadedFile("证明.pdf", b"%PDF")})
        assert "证明.pdf" in rest_of(client, asked.url)
        done = client.post(asked.url, {"password": PASSWORD})
        page = rest_of(client, done.url)
        assert "证明.pdf" in page
        assert "见附件" in page, "what was typed can be read and copied"
        assert 'type="hidden" name="reason"' not in page

    def test_too_much_is_not_kept_and_the_page_says_so(self, client, admin, lin, later):
        client.force_login(admin)
        later()
        asked = client.post(self.PATH, {"reason": "长" * (step_up.LARGEST + 1)})
        assert "没有保留" in rest_of(client, asked.url)
        done = client.post(asked.url, {"password": PASSWORD})
        assert 'name="reason"' not in rest_of(client, done.url)

    def test_the_oldest_of_many_goes(self, client, admin, lin, later):
        client.force_login(admin)
        later()
        first, *_rest, last = [client.post(self.PATH, {"reason": str(n)}) for n in range(step_up.MOST + 1)]
        assert client.get(first.url).url == "/desk/"
        assert client.get(last.url).status_code == 200
        assert len(client.session[step_up.HELD]) == step_up.MOST

    @pytest.mark.parametrize(
        "told", ["https://evil.example/x", "//evil.example/", "javascript:alert(1)", "http://testserver.evil/"]
    )
    def test_the_way_back_leads_to_no_other_house(self, client, admin, lin, later, told):
        client.force_login(admin)
        later()
        asked = client.post(self.PATH, {"reason": "丢失"}, headers={"referer": told})
        page = rest_of(client, asked.url)
        assert "evil" not in page
        assert "javascript:" not in page


class TestPublishing:
    """The views that make something public."""

    @pytest.mark.parametrize(
        "path",
        [
            "/inspection/visits/1/publish/", "/inspection/visits/publish/", "/inspection/plans/1/approve/",
            "/inspection/plans/1/announce/", "/inspection/draws/X/open/", "/inspection/rules/1/approve/",
            "/appraisal/snapshots/1/decide/",
        ],
    )  # fmt: skip
    def test_sending_asks_first(self, client, town, later, path):
        from django.urls import Resolver404, resolve

        try:
            resolve(path)
        except Resolver404:
            pytest.fail(f"{path} is no address")
        client.force_login(town.user("head"))
        later()
        assert client.post(path, {}).url.startswith("/account/confirm/")

    @pytest.mark.parametrize(
        "path", ["/registry/inspectors/?export=csv", "/inspection/tasks/?export=xlsx", "/audit/?export=csv"]
    )
    def test_lists_of_persons_ask_before_they_leave(self, client, town, later, path):
        client.force_login(town.user("lead_office"))
        assert client.get(path).status_code == 200
        later()
        assert client.get(path).url.startswith("/account/confirm/")

    def test_looking_at_the_queue_does_not_ask(self, client, town, later):
        client.force_login(town.user("head"))
        later()
        assert client.get("/inspection/visits/publish/").status_code == 200


class TestTheDecorator:
    def request(self, user, method="get", **session):
        request = getattr(RequestFactory(), method)("/somewhere/")
        request.user, request.session = user, session
        return request

    def test_bare_with_a_purpose_and_as_a_class(self, admin):
        @step_up.required
        def bare(request):
            return HttpResponse("ran")

        @step_up.required("reveal")
        def named(request):
            return HttpResponse("ran")

        class Reveal(step_up.StepUp, View):
            purpose = "reveal"

            def get(self, request):
                return HttpResponse("ran")

        for view, purpose in ((bare, "sensitive"), (named, "reveal"), (Reveal.as_view(), "reveal")):
            stale = self.request(admin)
            assert view(stale).status_code == 302
            assert next(iter(stale.session[step_up.HELD].values()))["purpose"] == purpose
            fresh = self.request(admin, **{step_up.CONFIRMED: timezone.now().timestamp()})
            assert view(fresh).content == b"ran"

    def test_an_unknown_purpose_is_found_when_the_module_loads(self):
        with pytest.raises(ValueError, match="'fun' is not one of"):
            step_up.required("fun")

    @pytest.mark.parametrize("odd", ["yes", True, None, float("nan"), float("inf")])
    def test_a_session_with_something_odd_is_not_fresh(self, admin, odd):
        assert not step_up.is_fresh(self.request(admin, **{step_up.CONFIRMED: odd}))
