"""The page that verifies in the reader's browser: the same verdicts as the program, offline, in both languages."""

import base64
import json

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from tests.engine import judged
from zhunsheng.engine.draw import verify
from zhunsheng.engine.words import messages, say

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def opened(page, live_server, complaints):
    """The page, loaded; at the end nothing was refused by the content policy and no script failed."""
    page.goto(f"{live_server.url}{reverse('portal:verify')}")
    page.wait_for_selector("#verify[data-state=ready]")
    yield page
    assert not complaints


def give(page, data, name="bundle.json"):
    page.set_input_files("#verify-file", {"name": name, "mimeType": "application/json", "buffer": data})
    page.wait_for_selector("#verify[data-state=done]", timeout=60_000)


def steps_on(page):
    rows = page.locator("#verify tbody tr[data-step]")
    return rows.evaluate_all("rows => rows.map(row => [row.dataset.step, JSON.parse(row.dataset.ok)])")


WORKER = """async ([address, tables, files]) => {
  const worker = new Worker(address);
  const judge = (text) => new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => {
      if (data.kind === "verdict") resolve(data.verdict);
      if (data.kind === "broken") reject(new Error(data.message));
    };
    const raw = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
    worker.postMessage({ kind: "check", bytes: raw.buffer, tables }, [raw.buffer]);
  });
  const found = {};
  for (const [name, text] of Object.entries(files)) {
    const verdict = await judge(text);
    found[name] = [verdict.ok, verdict.outcome, verdict.steps.map(({ name, ok }) => [name, ok])];
  }
  return found;
}"""


def test_the_page_and_the_program_give_the_same_verdict_step_by_step(opened):
    """Everything of tests/engine/judged.py: true files, every lever, every forgery, and bent bundles."""
    files = judged.true_files() | judged.forgeries() | judged.bends(every=9)
    found = opened.evaluate(WORKER, [
        opened.get_attribute("#verify", "data-worker"),
        json.loads(opened.locator("#verify-tables").text_content()),
        {name: base64.b64encode(data).decode() for name, data in files.items()},
    ])  # fmt: skip
    for name, data in files.items():
        verdict = verify(data)
        assert found[name] == [verdict.ok, verdict.outcome, [[step.name, step.ok] for step in verdict.steps]], name


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_a_true_bundle_passes_and_says_so(page, live_server, speak, language, axe, complaints):
    speak(language)
    page.goto(f"{live_server.url}{reverse('portal:verify')}")
    page.wait_for_selector("#verify[data-state=ready]")
    data = judged.true_files()["whole"]
    give(page, data)
    verdict, lang = verify(data), "en" if language == "en" else "zh"
    assert steps_on(page) == [[step.name, step.ok] for step in verdict.steps]
    expect(page.locator("#verify [data-ok=true][data-outcome=executed]")).to_contain_text(verdict.reason.text(lang))
    for step in verdict.steps:
        row = page.locator(f"#verify tr[data-step={step.name}]")
        expect(row).to_contain_text(say(f"draw.step.{step.name}", lang))
        expect(row).to_contain_text(step.reason.text(lang))
    axe(page)
    assert not complaints


def test_a_forged_bundle_falls_by_its_step(opened):
    name = "lever replaced-firm"
    give(opened, judged.forgeries()[name])
    notice = opened.locator("#verify .notice.bad[data-ok=false]")
    expect(notice).to_contain_text(say("draw.step.selection"))
    failed = opened.locator("#verify tr[data-ok=false]")
    assert failed.first.get_attribute("data-step") == "selection"
    expect(failed.first).to_contain_text("不通过")


def test_an_abandoned_draw_is_shown_as_one(opened):
    give(opened, judged.true_files()["abandoned"])
    expect(opened.locator("#verify .notice.warn[data-outcome=abandoned]")).to_contain_text("名单中混入外市企业")


def test_what_is_no_bundle_is_refused_in_words(opened):
    give(opened, b"<html>", "page.html")
    expect(opened.locator("#verify .notice.bad")).to_contain_text(say("draw.verdict.unreadable"))
    assert opened.locator("#verify tr[data-step=format]").get_attribute("data-ok") == "false"


def test_a_firm_sees_its_ticket_its_rank_and_the_cut_off(opened):
    data = judged.true_files()["cheat open"]
    give(opened, data)
    made = json.loads(data)
    drawn = made["selection"][0]
    opened.fill("#verify-id", drawn["id"].removeprefix("uscc:").lower())
    opened.keyboard.press("Enter")
    row = opened.locator("#verify [data-part=unit] tbody tr")
    expect(row).to_have_attribute("data-state", "drawn")
    last = max(unit["ticket"] for unit in made["selection"] if unit["stratum"] == drawn["stratum"])
    for words in (drawn["ticket"], last, drawn["probability"], "抽中"):
        expect(row).to_contain_text(words)
    leaves = [json.loads(line) for line in made["open"]["leaves"]]
    capped = next(leaf["id"] for leaf in leaves if leaf.get("exclusion"))
    opened.fill("#verify-id", capped)
    opened.keyboard.press("Enter")
    expect(row).to_have_attribute("data-state", "excluded")
    expect(row).to_contain_text("CAP")
    opened.fill("#verify-id", "uscc:91350100M000100Y43")
    opened.keyboard.press("Enter")
    expect(opened.locator("#verify [data-part=unit] .notice")).to_contain_text("名录里没有这个代码")


def test_a_firm_on_two_lists_sees_both(opened):
    made = json.loads(judged.true_files()["joint"])
    give(opened, judged.true_files()["joint"])
    both = next(
        leaf["id"]
        for leaf in map(json.loads, made["open"]["leaves"])
        if {"food.stratum", "fire.stratum"} <= leaf.keys()
    )
    opened.fill("#verify-id", both)
    opened.keyboard.press("Enter")
    expect(opened.locator("#verify [data-part=unit] tbody tr")).to_have_count(2)


def test_the_proof_of_a_firm_is_verified_too(opened, axe):
    give(opened, judged.true_files()["sealed proof"], "proof.json")
    expect(opened.locator("#verify .notice.good[data-outcome=member]")).to_contain_text("demo:T005")
    assert [name for name, _ in steps_on(opened)] == ["format", "membership", "unit", "root-published"]
    expect(opened.locator("#verify [data-part=firm]")).to_be_hidden()
    axe(opened)


def test_it_works_with_the_network_cut_after_loading(opened, context):
    asked = []
    context.set_offline(True)
    opened.on("request", lambda request: asked.append(request.url))
    give(opened, judged.true_files()["signed"])
    expect(opened.locator("#verify .notice.good")).to_have_count(1)
    give(opened, judged.forgeries()["lever changed-n"])
    expect(opened.locator("#verify .notice.bad")).to_have_count(1)
    opened.fill("#verify-id", "demo:T001")
    opened.keyboard.press("Enter")
    expect(opened.locator("#verify [data-part=unit] > *")).to_have_count(1)
    context.set_offline(False)
    assert asked == []


def test_the_page_stays_responsive_while_it_computes(opened):
    """The work is done in the worker: a click is answered before the verdict is there."""
    opened.set_input_files(
        "#verify-file", {"name": "b.json", "mimeType": "application/json", "buffer": judged.true_files()["joint"]}
    )
    assert opened.evaluate("() => new Promise((done) => setTimeout(() => done(true), 0))")
    opened.wait_for_selector("#verify[data-state=done]")


@pytest.mark.parametrize(("now", "holds"), [("2023-08-23T15:59:23Z", "false"), ("2023-08-23T15:59:24Z", "true")])
def test_what_is_dated_later_than_the_clock_is_refused(page, live_server, now, holds):
    """The page knows the time, as the command does: here the worker's clock is set."""

    def at(route):
        answer = route.fetch()
        route.fulfill(response=answer, body=f"Date.now = () => Date.parse('{now}');{answer.text()}")

    page.route("**/verify-worker*.js", at)
    page.goto(f"{live_server.url}{reverse('portal:verify')}")
    page.wait_for_selector("#verify[data-state=ready]")
    give(page, judged.true_files()["whole"])
    assert page.locator("#verify tr[data-step=time-order]").get_attribute("data-ok") == holds


def test_a_dropped_file_is_taken(opened):
    text = judged.true_files()["plain"].decode()
    opened.evaluate(
        """(text) => {
          const data = new DataTransfer();
          data.items.add(new File([text], "dropped.json", { type: "application/json" }));
          document.querySelector("#verify .drop").dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
        }""",
        text,
    )
    opened.wait_for_selector("#verify[data-state=done]")
    assert opened.locator("#verify .notice.good").count() == 1


def test_only_bundles_of_this_site_are_opened_by_address(page, live_server):
    for address in (
        "https://elsewhere.invalid/draws/x/bundle.json", "//elsewhere.invalid/draws/x/bundle.json", "/data/", "draws/x/bundle.json",
        "/draws/x/bundle.json?next=//elsewhere.invalid", "/draws/../login/",
    ):  # fmt: skip
        page.goto(
            f"{live_server.url}{reverse('portal:verify')}?bundle={address.replace('?', '%3F').replace('&', '%26')}"
        )
        assert page.get_attribute("#verify", "data-bundle") is None
        expect(page.locator("#verify .notice.bad").first).to_contain_text("没有打开网址里写的文件")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{live_server.url}{reverse('portal:verify')}?bundle=/draws/none-2026-001/bundle.json")
    page.wait_for_selector("#verify[data-state=done]")
    expect(page.locator("#verify [data-part=result]")).to_contain_text("文件没有打开")
    assert all(url.startswith((live_server.url, "data:")) for url in asked)


def test_a_file_cannot_forge_the_answer(opened):
    """Marks that turn the direction of writing, and markup, are shown as what they are."""
    made = json.loads(judged.true_files()["plain"])
    made["announce"]["draw"] = "<img src=x onerror=alert(1)>\u202e"
    give(opened, json.dumps(made, ensure_ascii=False).encode())
    shown = opened.locator("#verify [data-part=result]")
    assert "\u202e" not in shown.inner_text() and shown.locator("img").count() == 0


@pytest.mark.parametrize("width", [375, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_the_screen(opened, axe, width, scheme):
    opened.emulate_media(color_scheme=scheme)
    opened.set_viewport_size({"width": width, "height": 800})
    give(opened, judged.true_files()["cheat open"])
    opened.fill("#verify-id", json.loads(judged.true_files()["cheat open"])["selection"][0]["id"])
    opened.keyboard.press("Enter")
    expect(opened.locator("#verify [data-part=unit] table")).to_be_visible()
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    axe(opened)


def test_without_a_script_it_says_what_to_do(browser, live_server):
    context = browser.new_context(java_script_enabled=False, locale="zh-CN")
    page = context.new_page()
    page.goto(f"{live_server.url}{reverse('portal:verify')}")
    expect(page.locator("#verify")).to_contain_text("浏览器没有运行脚本")
    expect(page.locator("details", has_text="不用这个网页，怎样核验")).to_be_visible()
    context.close()


def test_every_word_of_the_script_is_in_the_page():
    """The script names the engine's sentences by their codes and has no words of its own."""
    import re
    from pathlib import Path

    folder = Path(__file__).parents[2] / "frontend/verify"
    source = "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.js")))
    codes = set(
        re.findall(r'"(draw\.[a-z_]+\.[a-z0-9_-]+|(?:public_log|suites|signing|verify_page)\.[a-z0-9_.-]+)"', source)
    )
    assert len(codes) > 80 and codes <= messages().keys(), codes - messages().keys()
    code = re.sub(r"//.*", "", source)
    assert not re.search(r"[\u4e00-\u9fff]", code)
