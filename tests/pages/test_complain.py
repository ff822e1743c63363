"""A complaint from a phone: filled in, looked over, sent, followed; nothing wider than the phone, nothing that stops a reader."""

import re

import pytest
from django.urls import reverse

from tests.web.conftest import town  # noqa: F401 - a fixture
from tests.web.matters.test_public import PNG, offices  # noqa: F401 - a fixture
from zhunsheng.web.matters.models import Matter

PHONE = {"width": 375, "height": 800}


@pytest.fixture
def phone(live_server, browser, browser_context_args):
    contexts = []

    def opened(script: bool = True):
        context = browser.new_context(**browser_context_args, viewport=PHONE, java_script_enabled=script)
        contexts.append(context)
        return context.new_page()

    yield opened
    for context in contexts:
        context.close()


def fits(page) -> None:
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 1, f"{page.url} is {wide} px wider than a phone"


def press(page, what: str) -> None:
    with page.expect_navigation():
        page.click(what)


def fill(page, entity) -> None:
    page.fill("[name=subject]", "十一月二十日买的热水器，用了三天就漏水，商家不肯退货，要求退款。")
    page.fill("[name=claim]", "1299.50")
    page.fill("[name=business]", entity.name)
    page.fill("[name=complainant]", "张小三")
    page.fill("[name=contact]", "13912345678")


def test_a_complaint_from_the_first_page_to_its_own(transactional_db, offices, phone, live_server, axe):  # noqa: F811
    entity = offices.entity(name="衡川好家电有限公司")
    page = phone()
    page.goto(live_server.url + reverse("matters:complain"))
    axe(page)
    fits(page)
    press(page, "main .tasks a >> nth=0")
    axe(page)
    fits(page)
    press(page, "main button[value=check]")
    assert page.locator("main .error-summary").is_visible()
    axe(page)
    fill(page, entity)
    page.check("[name=also_report]")
    page.set_input_files("[name=evidence]", {"name": "发票.png", "mimeType": "image/png", "buffer": PNG})
    press(page, "main button[value=check]")
    said = page.inner_text("main")
    assert "还没有提交" in said and "东河区市场监督管理局" in said and "发票.png" in said and "1,299.50" in said
    assert not Matter.objects.exists()
    axe(page)
    fits(page)
    press(page, "main button[value=edit]")
    assert page.input_value("[name=complainant]") == "张小三"
    assert "发票.png" in page.inner_text("main")
    press(page, "main button[value=check]")
    press(page, "main button[value=send]")
    axe(page)
    fits(page)
    codes = [one.inner_text() for one in page.locator("main strong.number").all()]
    (first, code), (second, _other) = zip(codes[::2], codes[1::2], strict=True)
    assert first.startswith("TS-") and second.startswith("JB-")
    page.context.clear_cookies()
    page.goto(live_server.url + reverse("matters:follow", args=[first]))
    axe(page)
    assert page.input_value("[name=no]") == first
    page.fill("[name=code]", "WRONGWRONG")
    press(page, "main button[type=submit]")
    assert "查询码不对" in page.inner_text("main")
    page.fill("[name=code]", code.lower())
    press(page, "main button[type=submit]")
    own = page.inner_text("main")
    assert "已收到" in own and "139＊＊＊＊5678" in own and "发票.png" in own and "13912345678" not in own
    page.locator("main details.why summary").first.click()
    assert "工作日" in page.locator("main .why-panel").first.inner_text()
    axe(page)
    fits(page)
    press(page, "main a[href$='/steps/withdraw/']")
    axe(page)
    fits(page)
    press(page, "main form button[type=submit]")
    assert Matter.objects.get(no=first).state == "withdrawn"


def test_a_report_asks_for_a_name_only_from_who_gives_one(transactional_db, offices, phone, live_server, axe):  # noqa: F811
    page = phone()
    page.goto(live_server.url + reverse("matters:report_new"))
    informant = page.locator("[name=informant]")
    assert informant.is_visible()
    page.check("[name=named][value=no]")
    assert not informant.is_visible()
    axe(page)
    page.fill("[name=subject]", "该作坊夜间生产没有标签的食用油，请查处。")
    press(page, "main button[value=check]")
    press(page, "main button[value=send]")
    assert Matter.objects.get().procedure == "violation_report"


def test_without_a_script_it_works_as_well(transactional_db, offices, phone, live_server):  # noqa: F811
    entity = offices.entity(name="衡川好家电有限公司")
    page = phone(script=False)
    page.goto(live_server.url + reverse("matters:complain_new"))
    fill(page, entity)
    page.click("main button[value=check]")
    page.click("main button[value=send]")
    page.wait_for_load_state()
    assert re.search(r"TS-\d{4}-\d{5}", page.inner_text("main"))


@pytest.mark.parametrize("name", ["claim_new", "disclosure_new", "follow_home"])
def test_the_other_forms_stop_no_reader(transactional_db, offices, phone, live_server, axe, name):  # noqa: F811
    page = phone()
    page.goto(live_server.url + reverse(f"matters:{name}"))
    axe(page)
    fits(page)


@pytest.mark.parametrize("name", ["decisions", "complaints"])
def test_what_is_published_stops_no_reader(transactional_db, offices, phone, live_server, axe, name):  # noqa: F811
    page = phone()
    page.goto(live_server.url + reverse(f"portal:{name}"))
    axe(page)
    fits(page)
