"""The style guide in a browser: every component, both languages, both colour schemes, desk and phone, with and without script."""

import pytest
from playwright.sync_api import expect

from tests.pages.conftest import sees_chinese

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def guide(page, live_server, complaints):
    page.goto(f"{live_server.url}/styleguide/")
    yield page
    assert not complaints


def test_it_works(guide):
    assert guide.locator("h1").inner_text() == "样式手册"
    assert guide.locator("html").get_attribute("lang") == "zh-Hans"
    assert sees_chinese(guide), "no CJK font: apt-get install fonts-noto-cjk"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["zh-hans", "en"])
@pytest.mark.parametrize("width", [1280, 375])
def test_accessible(page, live_server, axe, speak, scheme, language, width):
    speak(language)
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{live_server.url}/styleguide/")
    page.locator(".why > summary").first.click()
    axe(page)


def test_accessible_with_menu_and_dialog_open(guide, axe):
    guide.set_viewport_size({"width": 375, "height": 740})
    guide.locator(".menu.main > summary").click()
    axe(guide)
    guide.keyboard.press("Escape")
    guide.locator("[data-dialog]").click()
    axe(guide)


@pytest.mark.parametrize("width", [320, 375, 700, 1280, 1920])
def test_no_sideways_scrolling(guide, width):
    guide.set_viewport_size({"width": width, "height": 800})
    assert guide.evaluate("document.documentElement.scrollWidth") <= width


def test_fingers_hit_what_they_aim_at(guide):
    """44 px on a phone for everything that is pressed, text within sentences excepted (WCAG 2.5.8 asks for 24)."""
    guide.set_viewport_size({"width": 375, "height": 740})
    small = guide.evaluate("""() => [...document.querySelectorAll(".button, .tabs a, .menu > summary, .chips a, select, .field > input, .band-link, .foot a")]
      .filter((e) => e.offsetParent).map((e) => [e.outerHTML.slice(0, 80), e.getBoundingClientRect().height]).filter(([, height]) => height < 43.5)""")
    assert not small


def test_tables_become_cards_with_their_headings(guide):
    guide.set_viewport_size({"width": 375, "height": 740})
    label = guide.evaluate(
        'getComputedStyle(document.querySelector("table.cards tbody td:nth-child(2)"), "::before").content'
    )
    assert "统一社会信用代码" in label


def test_keyboard_reaches_the_text_first(guide):
    guide.keyboard.press("Tab")
    assert guide.evaluate("document.activeElement.className") == "skip"
    guide.keyboard.press("Enter")
    assert guide.evaluate("document.activeElement.id") == "main"


def test_dialog_says_what_will_happen_and_gives_way(guide):
    guide.locator("[data-dialog=withdraw]").click()
    dialog = guide.locator("dialog#withdraw")
    assert dialog.is_visible() and "可以重新公示" in dialog.inner_text()
    guide.keyboard.press("Escape")
    assert not dialog.is_visible()
    guide.locator("[data-dialog=withdraw]").click()
    dialog.locator("[data-close]").click()
    assert not dialog.is_visible()


def test_menu_closes_on_escape_and_gives_the_focus_back(guide):
    guide.locator(".columns-choice > summary").click()
    guide.locator(".columns-choice input").first.focus()
    guide.keyboard.press("Escape")
    assert guide.locator(".columns-choice").get_attribute("open") is None
    assert guide.evaluate("document.activeElement.tagName") == "SUMMARY"


def test_hash_is_short_until_turned_to_and_can_be_copied(guide, context):
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    code = guide.locator(".hash > code").first
    short = code.bounding_box()["width"]
    code.focus()
    assert code.bounding_box()["width"] > 2 * short
    guide.locator(".hash .copy").first.click()
    expect(guide.locator(".hash .copy").first).to_contain_text("已复制")
    assert guide.evaluate("navigator.clipboard.readText()") == code.inner_text()


def test_filter_swaps_the_list_and_keeps_the_address(guide):
    guide.evaluate("window.sameDocument = true")
    with guide.expect_response(lambda response: "state=open" in response.url):
        guide.locator(".filter select").select_option("open")
    guide.wait_for_url("**state=open**")
    assert guide.evaluate("window.sameDocument") is True


def test_chosen_columns_are_remembered(guide, live_server):
    guide.locator(".columns-choice > summary").click()
    guide.locator('.columns-choice input[value="uscc"]').uncheck()
    guide.locator(".columns-choice button").click()
    guide.wait_for_url("**columns=name**")
    assert "uscc" not in guide.url
    with guide.expect_request(lambda request: "columns=name" in request.url):
        guide.goto(f"{live_server.url}/styleguide/")
    guide.wait_for_url("**columns=name**")


def test_file_is_named_and_a_large_one_refused_early(guide):
    chosen, field = guide.locator(".chosen").first, guide.locator('input[type="file"]').first
    register = {"name": "名录.csv", "mimeType": "text/csv", "buffer": b"a" * 5000}
    field.set_input_files(register)
    assert chosen.inner_text() == "名录.csv (5 KB)"
    guide.evaluate('document.querySelector(".drop").dataset.maxBytes = "4999"')
    field.set_input_files([])
    field.set_input_files(register)
    assert "超过" in chosen.inner_text()
    assert field.evaluate("(input) => input.validity.valid") is False


def test_connection_lost_is_said_aloud(page, live_server):
    page.goto(f"{live_server.url}/styleguide/")
    page.route("**/*state=open*", lambda route: route.abort())
    page.locator(".filter select").select_option("open")
    page.wait_for_selector("#alerts .notice")
    assert "没有送达" in page.locator("#alerts").inner_text()


def test_language_switch_stays_on_the_page(guide, live_server):
    guide.locator(".band .bound > .language button").click()
    guide.wait_for_selector('html[lang="en"]')
    assert guide.url == f"{live_server.url}/styleguide/"


def test_paper_has_source_address_and_code_but_no_buttons(guide):
    guide.emulate_media(media="print")
    assert guide.locator(".source-note .qr svg").is_visible()
    assert guide.url in guide.locator(".source-note").inner_text()
    assert not guide.locator(".band").is_visible()
    assert guide.locator(".button:visible").count() == 0


def test_dark_screen_prints_light(guide):
    guide.emulate_media(color_scheme="dark", media="print")
    assert guide.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--paper').trim()") in {
        "#fff",
        "#ffffff",
    }


def test_moving_things_stand_still_when_asked(guide):
    guide.emulate_media(reduced_motion="reduce")
    assert (
        guide.evaluate('getComputedStyle(document.querySelector(".loading.now"), "::before").animationName') == "none"
    )


def test_without_script(browser, browser_context_args, live_server):
    """Filter, column choice, menu and confirmation work as plain HTML."""
    context = browser.new_context(**browser_context_args, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{live_server.url}/styleguide/")
    assert not page.locator(".copy").first.is_visible()
    page.locator(".filter select").select_option("open")
    page.locator(".filter button").click()
    assert "state=open" in page.url
    page.locator("[data-dialog=withdraw]").click()
    assert page.locator("dialog#withdraw").is_visible()
    page.locator("dialog#withdraw [data-close]").click()
    assert not page.locator("dialog#withdraw").is_visible()
    context.close()
