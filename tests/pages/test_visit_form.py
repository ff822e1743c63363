"""The record of a visit on a phone: an item asks what the problem is only where there is one."""

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from tests.web.conftest import town  # noqa: F401 - a fixture
from tests.web.inspection.conftest import bureau, staffed  # noqa: F401 - fixtures
from zhunsheng.web.inspection.models import Finding, Visit

PHONE = {"width": 375, "height": 800}


@pytest.fixture
def task(transactional_db, staffed):  # noqa: F811
    return staffed.assigned().tasks.order_by("no").first()


@pytest.fixture
def record(live_server, browser, browser_context_args, staffed, task):  # noqa: F811
    """record(script=True): the form, opened by the lead of the team."""
    contexts = []

    def opened(script: bool = True):
        client = Client()
        client.force_login(staffed.lead(task))
        context = browser.new_context(**browser_context_args, viewport=PHONE, java_script_enabled=script)
        contexts.append(context)
        name = settings.SESSION_COOKIE_NAME
        context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])
        page = context.new_page()
        page.goto(live_server.url + reverse("inspection:record", args=[task.pk]))
        return page

    yield opened
    for context in contexts:
        context.close()


def test_the_fields_of_a_problem_open_with_the_verdict(staffed, task, record, axe):  # noqa: F811
    page, item = record(), staffed.items[0]
    text = page.locator(f"[name=text_{item.pk}]")
    fields = [page.locator(f"[name={part}_{item.pk}]") for part in ("text", "severity", "action")]
    tall = page.evaluate("document.documentElement.scrollHeight")
    assert not any(field.is_visible() for field in fields)
    verdict = page.locator(f"[name=verdict_{item.pk}]")
    verdict.nth(0).focus()
    page.keyboard.press("Space")
    assert verdict.nth(0).get_attribute("value") == "pass" and not text.is_visible()
    page.keyboard.press("ArrowDown")
    assert verdict.nth(1).get_attribute("value") == "problem" and all(field.is_visible() for field in fields)
    assert page.evaluate("document.documentElement.scrollHeight") > tall
    axe(page)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == f"text_{item.pk}", (
        "what opened is the next stop of the keyboard"
    )
    page.keyboard.type("未公示年度报告")
    # What was typed stays in sight and is sent, whatever the verdict says afterwards.
    verdict.nth(0).check()
    assert text.is_visible()
    text.fill("")
    verdict.nth(2).check()
    assert not text.is_visible()


def test_a_problem_without_a_description_is_shown_at_its_field(staffed, task, record, axe):  # noqa: F811
    page, item = record(), staffed.items[0]
    page.check(f"[name=verdict_{item.pk}][value=problem]")
    page.check(f"[name=result][value='{staffed.wordings['05'].pk}']")
    page.fill("[name=visited_on]", "2026-03-04")
    page.click("main form button[value=submit]")
    assert page.locator("main .error-summary").is_visible()
    assert page.locator(f"[name=text_{item.pk}]").is_visible()
    axe(page)
    page.fill(f"[name=text_{item.pk}]", "未公示年度报告")
    page.click("main form button[value=submit]")
    page.wait_for_load_state()
    assert Visit.objects.get(task=task).state == Visit.State.SUBMITTED
    assert Finding.objects.get().text == "未公示年度报告"


def test_without_a_script_every_field_is_there(staffed, record):  # noqa: F811
    page, item = record(script=False), staffed.items[0]
    assert all(page.locator(f"[name={part}_{item.pk}]").is_visible() for part in ("text", "severity", "action"))
