"""Signing in with a browser: password and app, passkeys by Chromium's virtual authenticator, recovery codes, and the confirmation."""

import datetime
import os

import pytest
import time_machine
from django.utils import timezone
from playwright.sync_api import expect

from tests.web.conftest import town  # noqa: F401 - a fixture
from zhunsheng.web.people import totp
from zhunsheng.web.people.models import Passkey, RecoveryCode

PASSWORD = "a-long-password-1"
SIZES = ((1280, 900), (375, 800))


@pytest.fixture
def root(transactional_db, town):  # noqa: F811
    return town.user("sysadmin", username="root")


@pytest.fixture
def key(context, page):
    """A virtual authenticator: a device with a fingerprint that is always right."""
    devtools = context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    made = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return lambda command, **rest: devtools.send(
        f"WebAuthn.{command}", {"authenticatorId": made["authenticatorId"], **rest}
    )


@pytest.fixture
def go(page, live_server):
    return lambda path: page.goto(live_server.url + path)


@pytest.fixture
def seen(page, axe):
    """seen(name): no finding of accessibility at either width, no sideways scrolling; a picture where PICTURES names a folder."""

    def look(name: str) -> None:
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            axe(page)
            wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, f"{name} scrolls sideways at {width}"
            if folder := os.environ.get("PICTURES"):
                page.screenshot(path=f"{folder}/{name}-{width}.png", full_page=True)
        page.set_viewport_size({"width": SIZES[0][0], "height": SIZES[0][1]})

    return look


def sign_in(page, go):
    go("/login/")
    page.fill("[name=username]", "root")
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="登录", exact=True).click()


def sign_out(page, go):
    go("/account/")
    page.get_by_role("main").page.locator("form[action='/logout/'] button").last.click()


def test_an_app_from_its_square_to_the_next_login(page, go, root, seen, complaints):
    sign_in(page, go)
    go("/account/factors/")
    seen("factors-none")
    page.get_by_role("link", name="添加验证器应用").click()
    secret = page.locator("code.secret").inner_text().replace(" ", "")
    seen("add-app")
    page.fill("[name=code]", "000")
    page.get_by_role("button", name="添加", exact=True).click()
    assert page.get_by_text("验证码不对").first.is_visible()
    page.fill("[name=code]", totp.code(secret, timezone.now() - datetime.timedelta(seconds=totp.PERIOD)))
    page.get_by_role("button", name="添加", exact=True).click()
    codes = page.locator("ol.codes code").all_inner_texts()
    assert len(set(codes)) == RecoveryCode.objects.count() == 10
    seen("recovery-codes")
    with page.expect_download() as download:
        page.get_by_role("link", name="下载文本").click()
    with open(download.value.path(), encoding="utf-8", newline="") as file:
        text = file.read()
    assert all(code in text for code in codes) and "root" in text
    assert download.value.suggested_filename.endswith(".txt")
    page.get_by_role("link", name="已存好").click()
    seen("factors")
    sign_out(page, go)
    sign_in(page, go)
    assert page.url.endswith("/login/second/")
    seen("second-factor")
    page.fill("[name=code]", totp.code(secret, timezone.now()))
    page.get_by_role("button", name="登录", exact=True).first.click()
    page.wait_for_url("**/desk/")
    sign_out(page, go)
    sign_in(page, go)
    page.get_by_text("手边没有？用恢复码").click()
    page.fill("[name=recovery]", codes[3].lower())
    page.locator("main details button").click()
    page.wait_for_url("**/desk/")
    assert not [one for one in complaints if "422" not in one]


def test_a_passkey_added_used_as_second_step_and_alone(page, go, root, key, seen, complaints):
    sign_in(page, go)
    go("/account/factors/passkeys/add/")
    seen("add-passkey")
    page.fill("[name=name]", "办公室电脑")
    page.get_by_role("button", name="添加", exact=True).click()
    page.wait_for_selector("ol.codes")
    assert Passkey.objects.get().host == "localhost"
    assert len(key("getCredentials")["credentials"]) == 1
    go("/account/factors/")
    seen("factors-passkey")
    sign_out(page, go)
    sign_in(page, go)
    page.wait_for_url("**/login/second/")
    seen("second-factor-passkey")
    page.get_by_role("button", name="用通行密钥验证").click()
    page.wait_for_url("**/desk/")
    sign_out(page, go)
    go("/login/?next=/people/roles/")
    seen("login")
    page.get_by_role("button", name="用通行密钥登录").click()
    page.wait_for_url("**/people/roles/")
    assert Passkey.objects.get().sign_count >= 2
    assert complaints == []


def test_a_device_without_the_passkey_says_so_and_can_try_again(page, go, root, key):
    go("/login/")
    key("setUserVerified", isUserVerified=False)
    button = page.get_by_role("button", name="用通行密钥登录")
    button.click()
    expect(page.locator("[data-passkey-said]")).to_contain_text("没有完成")
    assert button.is_enabled()
    assert page.url.endswith("/login/")


def test_the_same_device_twice_is_refused_by_the_browser(page, go, root, key):
    sign_in(page, go)
    for name in ("一", "二"):
        go("/account/factors/passkeys/add/")
        page.fill("[name=name]", name)
        page.get_by_role("button", name="添加", exact=True).click()
        page.wait_for_selector("ol.codes" if name == "一" else "[data-passkey-said]:not([hidden])")
    expect(page.locator("[data-passkey-said]")).to_contain_text("已有本账号的通行密钥")
    assert Passkey.objects.count() == 1


def test_a_form_sent_too_late_comes_back_after_the_confirmation(page, go, root, town, seen, complaints):  # noqa: F811
    from zhunsheng.web.people import actions

    lin = town.user("member", username="lin")
    secret = totp.new_secret()
    actions.add_app(lin, secret, totp.code(secret, timezone.now()), at=timezone.now())
    with time_machine.travel(timezone.now(), tick=True) as clock:
        sign_in(page, go)
        page.wait_for_url("**/desk/")
        go("/people/users/lin/factors/reset/")
        page.fill("[name=reason]", "手机丢失，当面核对了工作证")
        clock.shift(datetime.timedelta(minutes=11))
        page.get_by_role("button", name="重置", exact=True).click()
        page.wait_for_url("**/account/confirm/**")
        seen("confirm")
        page.fill("[name=password]", PASSWORD)
        page.get_by_role("button", name="确认", exact=True).click()
        page.wait_for_url("**/account/confirmed/**")
        seen("confirmed")
        page.get_by_role("button", name="继续办理").click()
        page.wait_for_url("**/people/users/lin/")
        lin.refresh_from_db()
        assert not hasattr(lin, "authenticator_app")
        clock.shift(datetime.timedelta(minutes=11))
        go("/people/users/")
        page.goto(page.url + "?export=csv")
        page.fill("[name=password]", PASSWORD)
        page.get_by_role("button", name="确认", exact=True).click()
        page.wait_for_url("**/account/confirmed/**")
        seen("confirmed-export")
        with page.expect_download() as download:
            page.get_by_role("link", name="下载").click()
        assert download.value.suggested_filename.endswith(".csv")
    assert complaints == []
