"""Notices that leave the house: by mail, SMS and 政务微信, each once, without a word of the matter where others could read it."""

import datetime
import smtplib

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.urls import reverse

from tests.web.desk.fakes import gateway
from zhunsheng.web.common.errors import NotAllowed, Refused
from zhunsheng.web.desk import actions, channels
from zhunsheng.web.desk.actions import deliveries
from zhunsheng.web.desk.channels.wecom import Wecom
from zhunsheng.web.desk.models import Delivery, Notice, Preference, Route
from zhunsheng.web.public_log.models import Act

pytestmark = pytest.mark.django_db
#: a Tuesday, 10 o'clock in the city
AT = datetime.datetime(2026, 11, 24, 2, tzinfo=datetime.UTC)
MINUTE = datetime.timedelta(minutes=1)
NAME = "举报人王小明"


@pytest.fixture(autouse=True)
def _no_channel_unless_a_test_sets_one(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    settings.SMS = settings.WECOM = {}


@pytest.fixture
def sms(settings):
    with gateway() as fake:
        fake.answers["/send"] = lambda asked: (200, {"code": 0, "id": "1"})
        settings.SMS = {"url": f"{fake.url}/send", "token": "sms-secret", "template": "T1"}
        yield fake


@pytest.fixture
def wecom(settings):
    with gateway() as fake:
        fake.answers["/cgi-bin/gettoken"] = lambda asked: (
            200, {"errcode": 0, "access_token": f"token-{len(fake.of('/cgi-bin/gettoken'))}", "expires_in": 7200},
        )  # fmt: skip
        fake.answers["/cgi-bin/message/send"] = lambda asked: (200, {"errcode": 0, "invaliduser": ""})
        settings.WECOM = {"url": fake.url, "corp_id": "corp", "agent_id": "7", "secret": "wecom-secret"}
        Wecom._tokens.clear()
        yield fake
        Wecom._tokens.clear()


@pytest.fixture
def post(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    return mail.outbox


@pytest.fixture
def lin(town):
    """Reached by everything, at once."""
    user = town.user("member", username="lin")
    user.email = "lin@example.org"
    user.save()
    Preference.objects.create(user=user, phone="13800000000", wecom_id="linxiao")
    for code in ("sms", "wecom"):
        Route.objects.create(user=user, kind="work", channel=code, how="at_once")
    return user


def states() -> list[tuple[str, str, int]]:
    return sorted(Delivery.objects.values_list("channel", "state", "attempts"))


class TestOutbox:
    def test_it_works(self, lin, post, sms, wecom, settings):
        settings.SITE_URL = "https://zl.example.org"
        actions.notify([lin], f"{NAME}的举报待核查", "/matters/7/", at=AT)
        assert states() == [("email", "queued", 0), ("sms", "queued", 0), ("wecom", "queued", 0)]
        assert actions.deliver(AT) == 3
        assert states() == [("email", "sent", 1), ("sms", "sent", 1), ("wecom", "sent", 1)]
        assert (post[0].to, post[0].subject) == (["lin@example.org"], f"{NAME}的举报待核查")
        assert "https://zl.example.org/matters/7/" in post[0].body
        (text,) = sms.asked
        assert text.headers["Authorization"] == "Bearer sms-secret"
        assert (text.body["phone"], text.body["template"]) == ("13800000000", "T1")
        assert text.body["params"] == {"kind": "办理事项", "count": "1"}
        (message,) = wecom.of("/cgi-bin/message/send")
        assert (message.body["touser"], message.body["agentid"]) == ("linxiao", 7)
        assert "您有 1 件事项待看（办理事项），请登录准绳办理。" in message.body["text"]["content"]

    def test_what_passes_through_others_names_nobody(self, lin, sms, wecom):
        actions.notify([lin], f"{NAME}的举报待核查", "/matters/7/", at=AT)
        actions.deliver(AT)
        for asked in (*sms.asked, *wecom.asked):
            assert NAME not in str(asked.body)
            assert "lin@" not in str(asked.body)

    def test_again_sends_nothing(self, lin, post, sms, wecom):
        actions.notify([lin], "甲", at=AT)
        actions.deliver(AT)
        for minutes in (0, 5, 600):
            assert actions.deliver(AT + minutes * MINUTE) == 0
        assert (len(post), len(sms.asked), len(wecom.of("/cgi-bin/message/send"))) == (1, 1, 1)

    def test_one_notice_has_one_delivery_for_a_channel(self, lin, sms):
        notice = actions.notify([lin], "甲", at=AT)[0]
        assert Delivery.objects.filter(notice=notice).count() == 1
        with pytest.raises(IntegrityError), transaction.atomic():
            Delivery.objects.create(notice=notice, channel="sms", queued_at=AT)

    def test_the_worker_is_woken_on_commit(self, lin, post, django_capture_on_commit_callbacks):
        with django_capture_on_commit_callbacks() as woken:
            actions.notify([lin], "甲", at=AT)
            assert post == []
        assert len(woken) == 1

    def test_nothing_is_queued_where_no_channel_is_set(self, lin):
        actions.notify([lin], "甲", at=AT)
        assert not Delivery.objects.exists()

    def test_who_has_no_address_gets_no_delivery(self, town, post, sms, wecom):
        actions.notify([town.user("member")], "甲", at=AT)
        assert not Delivery.objects.exists()

    def test_who_left_before_it_went_out_gets_nothing(self, lin, sms):
        actions.notify([lin], "甲", at=AT)
        lin.is_active = False
        lin.save()
        assert actions.deliver(AT) == 0
        assert states() == [("sms", "given_up", 0)]
        assert sms.asked == []


class TestFailures:
    def test_a_gateway_that_is_down_is_tried_again_at_growing_intervals(self, lin, sms):
        sms.answers["/send"] = lambda asked: (503, b"no")
        actions.notify([lin], "甲", at=AT)
        at = AT
        for pause in deliveries.PAUSES:
            assert actions.deliver(at) == 0
            one = Delivery.objects.get()
            assert (one.state, one.error, one.next_at) == ("failed", "HTTP 503", at + pause)
            assert actions.deliver(at + pause - MINUTE / 2) == 0
            at += pause
        actions.deliver(at)
        assert states() == [("sms", "given_up", len(deliveries.PAUSES) + 1)]
        assert len(sms.asked) == len(deliveries.PAUSES) + 1
        assert len({asked.body["id"] for asked in sms.asked}) == 1

    def test_it_goes_out_once_the_gateway_is_back(self, lin, sms):
        calm, sms.answers["/send"] = sms.answers["/send"], lambda asked: None
        actions.notify([lin], "甲", at=AT)
        actions.deliver(AT)
        sms.answers["/send"] = calm
        assert actions.deliver(AT + MINUTE) == 1
        assert states() == [("sms", "sent", 2)]

    @pytest.mark.parametrize("status", [400, 404, 413])
    def test_what_will_never_be_taken_is_given_up_at_once(self, lin, sms, status):
        sms.answers["/send"] = lambda asked: (status, {})
        actions.notify([lin], "甲", at=AT)
        actions.deliver(AT)
        assert states() == [("sms", "given_up", 1)]

    @pytest.mark.parametrize(
        ("answer", "state"), [({"code": 7}, "failed"), ({"code": 9, "final": True}, "given_up"), ([], "failed"), (b"<html>", "failed")]
    )  # fmt: skip
    def test_an_answer_that_is_no_yes_is_a_no(self, lin, sms, answer, state):
        sms.answers["/send"] = lambda asked: (200, answer)
        actions.notify([lin], "甲", at=AT)
        assert actions.deliver(AT) == 0
        assert states() == [("sms", state, 1)]

    def test_a_redirect_gets_no_key(self, lin, sms):
        sms.answers["/send"] = lambda asked: (302, {})
        sms.answers["/elsewhere"] = lambda asked: (200, {"code": 0})
        actions.notify([lin], "甲", at=AT)
        assert actions.deliver(AT) == 0
        assert sms.of("/elsewhere") == []

    def test_no_secret_and_no_address_stands_in_the_queue_or_the_log(self, lin, sms, wecom, caplog):
        sms.answers["/send"] = lambda asked: (500, {"said": "sms-secret 13800000000"})
        wecom.answers["/cgi-bin/message/send"] = lambda asked: None
        actions.notify([lin], "甲", at=AT)
        actions.deliver(AT)
        kept = " ".join([*Delivery.objects.values_list("error", flat=True), caplog.text])
        for secret in ("sms-secret", "wecom-secret", "token-1", "13800000000", "linxiao"):
            assert secret not in kept

    def test_a_process_that_died_while_sending(self, lin, post, sms):
        """Mail may have arrived, so it is not sent again; the SMS gateway drops a copy, so it is."""
        actions.notify([lin], "甲", at=AT)
        Delivery.objects.update(state="sending", claimed_at=AT, attempts=1)
        assert actions.deliver(AT + MINUTE) == 0
        later = AT + deliveries.INTERRUPTED + MINUTE
        assert actions.deliver(later) == 1
        assert states() == [("email", "given_up", 1), ("sms", "sent", 2)]
        assert post == []
        assert len(sms.asked) == 1

    def test_killed_between_the_gateways_yes_and_the_note_of_it(self, lin, sms, monkeypatch):
        """The second attempt has the same id: the gateway knows it."""
        taken = set()
        sms.answers["/send"] = lambda asked: (
            200,
            {"code": 0, "again": asked.body["id"] in taken or taken.add(asked.body["id"])},
        )
        actions.notify([lin], "甲", at=AT)
        send = channels.Sms.send

        def die(self, message):
            send(self, message)
            raise KeyboardInterrupt

        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(channels.Sms, "send", die)
            actions.deliver(AT)
        assert states() == [("sms", "sending", 1)]
        assert actions.deliver(AT + deliveries.INTERRUPTED + MINUTE) == 1
        assert len(taken) == 1

    def test_what_another_process_sent_meanwhile_is_not_sent_again(self, lin, sms):
        actions.notify([lin], "甲", at=AT)
        key = Delivery.objects.get().pk
        actions.deliver(AT)
        assert deliveries._send(key, {"sms": channels.Sms()}, AT) == 0
        assert len(sms.asked) == 1

    def test_two_at_once_send_one(self, lin, sms, monkeypatch):
        """The second run claims nothing that the first holds."""
        actions.notify([lin], "甲", at=AT)
        send = channels.Sms.send

        def meanwhile(self, message):
            monkeypatch.setattr(channels.Sms, "send", send)
            assert actions.deliver(AT) == 0
            return send(self, message)

        monkeypatch.setattr(channels.Sms, "send", meanwhile)
        assert actions.deliver(AT) == 1
        assert len(sms.asked) == 1


class TestMail:
    @pytest.mark.parametrize(
        ("problem", "state"),
        [
            (smtplib.SMTPRecipientsRefused({"lin@example.org": (550, b"no such user")}), "given_up"),
            (smtplib.SMTPRecipientsRefused({"lin@example.org": (450, b"later")}), "failed"),
            (smtplib.SMTPDataError(554, b"refused"), "given_up"),
            (smtplib.SMTPDataError(451, b"later"), "failed"),
            (smtplib.SMTPServerDisconnected("gone"), "given_up"),  # it may have been taken: never twice
        ],
    )
    def test_what_the_server_says_decides(self, lin, post, monkeypatch, problem, state):
        def refuse(self, messages):
            raise problem

        monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", refuse)
        actions.notify([lin], "甲", at=AT)
        actions.deliver(AT)
        assert states() == [("email", state, 1)]

    def test_a_server_that_cannot_be_reached_has_taken_nothing(self, lin, settings, monkeypatch):
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
        actions.notify([lin], "甲", at=AT)
        actions.deliver(AT)
        assert states() == [("email", "failed", 1)]

    def test_the_same_letter_has_the_same_number(self, lin, post):
        actions.notify([lin], "甲", at=AT)
        actions.deliver(AT)
        assert post[0].extra_headers["Message-ID"].endswith("@zhunsheng>")


class TestWecom:
    def test_the_token_is_fetched_once(self, lin, wecom):
        for text in ("甲", "乙"):
            actions.notify([lin], text, at=AT)
        assert actions.deliver(AT) == 2
        (asked,) = wecom.of("/cgi-bin/gettoken")
        assert asked.query == {"corpid": "corp", "corpsecret": "wecom-secret"}
        sent = wecom.of("/cgi-bin/message/send")
        assert {one.query["access_token"] for one in sent} == {"token-1"}
        # Two notices are two texts: the server's check for copies must not swallow the second.
        assert len({one.body["text"]["content"] for one in sent}) == 2
        assert {one.body["enable_duplicate_check"] for one in sent} == {1}

    @pytest.mark.parametrize("code", [40014, 42001])
    def test_a_token_that_is_gone_is_renewed(self, lin, wecom, code):
        def send(asked):
            return (200, {"errcode": code if asked.query["access_token"] == "token-1" else 0})

        wecom.answers["/cgi-bin/message/send"] = send
        actions.notify([lin], "甲", at=AT)
        assert actions.deliver(AT) == 1
        assert len(wecom.of("/cgi-bin/gettoken")) == 2

    def test_a_token_is_renewed_before_it_ends(self, lin, wecom):
        wecom.answers["/cgi-bin/gettoken"] = lambda asked: (200, {"errcode": 0, "access_token": "t", "expires_in": 60})
        for text in ("甲", "乙"):
            actions.notify([lin], text, at=AT)
        actions.deliver(AT)
        assert len(wecom.of("/cgi-bin/gettoken")) == 2

    @pytest.mark.parametrize(
        ("answer", "state"),
        [
            ({"errcode": 81013}, "given_up"),
            ({"errcode": 0, "invaliduser": "linxiao"}, "given_up"),
            ({"errcode": -1}, "failed"),
            ({"errcode": 45009}, "failed"),
            ({}, "failed"),
        ],
    )
    def test_refusals(self, lin, wecom, answer, state):
        wecom.answers["/cgi-bin/message/send"] = lambda asked: (200, answer)
        actions.notify([lin], "甲", at=AT)
        assert actions.deliver(AT) == 0
        assert states() == [("wecom", state, 1)]

    def test_a_wrong_secret_sends_nothing_and_is_tried_again(self, lin, wecom):
        wecom.answers["/cgi-bin/gettoken"] = lambda asked: (200, {"errcode": 40001, "errmsg": "invalid credential"})
        actions.notify([lin], "甲", at=AT)
        actions.deliver(AT)
        assert states() == [("wecom", "failed", 1)]
        assert Delivery.objects.get().error == "errcode 40001"
        assert wecom.of("/cgi-bin/message/send") == []


class TestChoices:
    def test_defaults_mail_at_once_the_rest_in_the_morning(self, town, post, sms):
        wu = town.user("head")
        wu.email = "wu@example.org"
        wu.save()
        Preference.objects.create(user=wu, phone="13900000000")
        actions.notify([wu], "甲", at=AT)
        actions.notify([wu], "乙", at=AT, kind=Notice.Kind.DEADLINE)
        assert states() == [("email", "queued", 0)]

    @pytest.mark.parametrize("how", ["digest", "off"])
    def test_what_is_not_wanted_at_once_is_not_queued(self, lin, sms, how):
        Route.objects.filter(user=lin, channel="sms").update(how=how)
        actions.notify([lin], "甲", at=AT)
        assert not Delivery.objects.exists()

    def test_what_is_urgent_goes_out_by_every_way_and_at_night(self, lin, post, sms, wecom):
        Route.objects.update(how="off")
        Preference.objects.update(quiet_from=datetime.time(0), quiet_to=datetime.time(23))
        actions.notify([lin], "甲", at=AT, kind=Notice.Kind.URGENT)
        assert actions.deliver(AT) == 3

    @pytest.mark.parametrize(
        ("quiet", "now", "until"),
        [
            (("22:00", "07:30"), "2026-11-24T23:10", "2026-11-25T07:30"),
            (("22:00", "07:30"), "2026-11-24T06:00", "2026-11-24T07:30"),
            (("22:00", "07:30"), "2026-11-24T07:30", "2026-11-24T07:30"),
            (("12:00", "14:00"), "2026-11-24T12:00", "2026-11-24T14:00"),
            (("12:00", "14:00"), "2026-11-24T14:00", "2026-11-24T14:00"),
            (("08:00", "08:00"), "2026-11-24T08:00", "2026-11-24T08:00"),
        ],
    )
    def test_quiet_hours(self, quiet, now, until):
        zone = datetime.timezone(datetime.timedelta(hours=8))
        start, end = map(datetime.time.fromisoformat, quiet)
        preference = Preference(quiet_from=start, quiet_to=end)
        at = datetime.datetime.fromisoformat(now).replace(tzinfo=zone)
        assert channels.wait_until(preference, "work", at) == datetime.datetime.fromisoformat(until).replace(
            tzinfo=zone
        )

    def test_in_quiet_hours_it_waits_for_their_end(self, lin, sms):
        Preference.objects.update(quiet_from=datetime.time(9), quiet_to=datetime.time(11))
        actions.notify([lin], "甲", at=AT)
        assert actions.deliver(AT) == 0
        assert actions.deliver(AT + 60 * MINUTE) == 1

    def test_quiet_hours_chosen_after_it_was_queued_hold_too(self, lin, sms):
        actions.notify([lin], "甲", at=AT)
        Preference.objects.update(quiet_from=datetime.time(9), quiet_to=datetime.time(11))
        assert actions.deliver(AT) == 0
        assert Delivery.objects.get().next_at == AT + 60 * MINUTE


class TestPreferencesPage:
    def test_it_works(self, client, lin, sms, wecom, post):
        client.force_login(lin)
        page = client.get("/desk/preferences/").content.decode()
        assert 'value="13800000000"' in page
        answer = client.post("/desk/preferences/", {
            "phone": "+8613900000000", "wecom_id": "lin2", "digest": "on", "quiet_from": "22:00", "quiet_to": "07:00",
            **{f"route-{kind}-{code}": "off" for kind in ("work", "deadline", "system") for code in ("email", "sms", "wecom")},
        })  # fmt: skip
        assert answer.status_code == 302
        mine = Preference.objects.get(user=lin)
        assert (mine.phone, mine.wecom_id, mine.quiet_from) == ("+8613900000000", "lin2", datetime.time(22))
        actions.notify([lin], "甲", at=AT)
        assert not Delivery.objects.exists()

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [({"phone": "ring me"}, "phone"), ({"wecom_id": "a b"}, "wecom_id"), ({"quiet_from": "22:00"}, "quiet_to"), ({"route-work-sms": "shout"}, "route-work-sms")],
    )  # fmt: skip
    def test_refusals(self, client, lin, sms, wecom, wrong, field):
        client.force_login(lin)
        right = {f"route-{kind}-{code}": "off" for kind in ("work", "deadline", "system") for code in ("sms", "wecom")}
        answer = client.post("/desk/preferences/", {**right, **wrong})
        assert answer.status_code == 422
        assert field in answer.context["form"].errors
        assert Preference.objects.get(user=lin).phone == "13800000000"

    def test_without_channels_their_settings_are_kept_and_not_asked(self, client, lin):
        client.force_login(lin)
        assert 'name="phone"' not in client.get("/desk/preferences/").content.decode()
        assert client.post("/desk/preferences/", {"digest": "on"}).status_code == 302
        assert Preference.objects.get(user=lin).phone == "13800000000"

    def test_a_firm_has_settings_and_no_calendar(self, client, town):
        client.force_login(town.firm_user(town.entity()))
        page = client.get("/desk/preferences/").content.decode()
        assert "日历订阅" not in page
        assert client.post("/desk/preferences/calendar/open/").status_code == 403


class TestQueuePage:
    def test_the_system_administrator_sees_states_and_no_texts(self, client, town, lin, sms):
        sms.answers["/send"] = lambda asked: (400, {})
        actions.notify([lin], f"{NAME}的举报待核查", at=AT)
        actions.deliver(AT)
        client.force_login(town.user("sysadmin"))
        page = client.get("/desk/background/").content.decode()
        assert "已放弃" in page and "HTTP 400" in page and "短信" in page
        assert NAME not in page
        assert NAME not in client.get("/desk/background/", {"export": "csv"}).getvalue().decode()
        one = Delivery.objects.get()
        page = client.get(reverse("desk:delivery", args=[one.pk])).content.decode()
        assert NAME not in page and "13800000000" not in page

    @pytest.mark.parametrize("role", ["member", "head", "auditor", "lead_office"])
    def test_nobody_else(self, client, town, lin, sms, role):
        actions.notify([lin], "甲", at=AT)
        one = Delivery.objects.get()
        user = town.user(role)
        client.force_login(user)
        assert client.get("/desk/background/").status_code == 403
        assert client.get(reverse("desk:delivery", args=[one.pk])).status_code == 403
        assert client.post(reverse("desk:resend", args=[one.pk])).status_code == 403
        with pytest.raises(NotAllowed):
            actions.resend(one, by=user, at=AT)

    def test_resending_puts_it_back_and_is_recorded_once(self, client, town, lin, sms):
        calm, sms.answers["/send"] = sms.answers["/send"], lambda asked: (400, {})
        actions.notify([lin], "甲", at=AT)
        actions.deliver(AT)
        sms.answers["/send"] = calm
        keeper = town.user("sysadmin")
        one = Delivery.objects.get()
        for _ in range(2):
            actions.resend(one, by=keeper, at=AT + MINUTE)
        assert Act.objects.filter(verb="delivery.resend").count() == 1
        assert actions.deliver(AT + MINUTE) == 1
        one.refresh_from_db()
        with pytest.raises(Refused):
            actions.resend(one, by=keeper, at=AT + 2 * MINUTE)
        assert len(sms.asked) == 2

    def test_the_list_asks_few_questions(self, client, town, lin, sms, django_assert_max_num_queries):
        for n in range(30):
            actions.notify([lin], f"通知 {n}", at=AT)
        client.force_login(town.user("sysadmin"))
        with django_assert_max_num_queries(16):
            client.get("/desk/background/")
