"""Each page of the portal stands, empty and with data; what it is asked in vain, it says in a sentence."""

import hashlib
import json
import re
from fractions import Fraction
from html import unescape
from urllib.parse import quote

import markdown
import pytest
from django.urls import resolve, reverse

from tests.web.inspection.conftest import moment
from tests.web.portal.conftest import PLAIN, Public, addresses, body, portal_names
from zhunsheng.web.common.context import FOOT
from zhunsheng.web.common.templatetags.zs import percent
from zhunsheng.web.inspection import actions
from zhunsheng.web.inspection import queries as inspection
from zhunsheng.web.inspection.models import Visit
from zhunsheng.web.portal.queries import draws, methods
from zhunsheng.web.registry.models import BusinessEntity


def test_it_works(public: Public, client):
    """A citizen opens the first page, the draw on it, a result of it, the firm of that."""
    page = client.get(reverse("portal:home")).content.decode()
    assert public.draw.no in page and public.published.entity.name in page
    draw = client.get(reverse("portal:draw", args=[public.draw.no])).content.decode()
    assert public.draw.seed in draw and public.published.entity.name in draw
    result = client.get(reverse("portal:result", args=[public.published.no])).content.decode()
    assert "未发现问题" in result
    firm = client.get(reverse("portal:firm", args=[public.published.entity.unit_id])).content.decode()
    assert reverse("portal:result", args=[public.published.no]) in firm


@pytest.mark.parametrize("language", ["zh-hans", "en"])
@pytest.mark.parametrize("name", PLAIN)
def test_the_empty_platform_has_every_page(empty, client, name, language):
    """After `zhunsheng init` no page is blank and none is broken."""
    client.cookies["language"] = language
    answer = client.get(reverse(f"portal:{name}"))
    assert answer.status_code == (302 if name == "favicon" else 200)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("home", "还没有公告过随机抽取"), ("draws", "还没有公告过随机抽取"), ("results", "还没有公示的检查结果"),
        ("scoreboard", "还没有批准公开的快照"),
    ],
)  # fmt: skip
def test_empty_pages_say_what_will_be_there(empty, client, name, sentence):
    assert sentence in client.get(reverse(f"portal:{name}")).content.decode()


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_every_page_stands_with_data(public: Public, client, language):
    client.cookies["language"] = language
    for address in addresses(public):
        assert body(client, address) or address == "/favicon.ico"


def test_no_address_is_forgotten(public: Public):
    """The list of addresses above names every one that the portal has."""
    seen = {resolve(address.partition("?")[0]).url_name for address in addresses(public)}
    # the files of an opened draw: test_sealed and test_check; publications of matters: test_matters
    assert portal_names() - seen == {"opened", "decision"}


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("/firms/91350100M000100Y43/", "名录库中没有代码为"),
        ("/firms/toronto:1/", "名录库中没有代码为"),
        ("/draws/NO-2026-001/", "没有编号为"),
        ("/draws/NO-2026-001/frame/", "没有编号为"),
        ("/draws/NO-2026-001/bundle.json", "没有编号为"),
        ("/results/NO-1/", "没有编号为"),
        ("/scoreboard/2019/", "没有经批准公开的快照"),
        ("/methods/astrology/", "没有名为"),
        ("/methods/tables/no/table/", "没有名为"),
        ("/methods/tables/../../settings/", "没有名为"),
        ("/data/firms.csv", "没有这个数据集"),
        ("/help/operator/", "没有名为"),
        ("/firms/a%00b/", "不能使用的字符"),
        ("/results/a%00b/", "不能使用的字符"),
        ("/draws/" + "9" * 3000 + "/", "没有编号为"),
        ("/methods/" + "a" * 3000 + "/", "没有名为"),
    ],
)
def test_a_wrong_address_says_so(empty, client, address, sentence):
    answer = client.get(address)
    assert answer.status_code == 404
    assert sentence in answer.content.decode()


def test_what_is_not_published_does_not_exist(public: Public, client):
    """A record that is not published, a snapshot that is not approved, a bundle before its draw: 404."""
    for visit in public.hidden.values():
        assert client.get(reverse("portal:result", args=[visit.no])).status_code == (
            200 if visit.no == public.published.no else 404
        )
    assert public.draft is not None
    for name in ("snapshot", "snapshot_json"):
        assert client.get(reverse(f"portal:{name}", args=[public.draft.no])).status_code == 404
    answer = client.get(reverse("portal:bundle", args=[public.waiting.no]))
    assert answer.status_code == 404 and "尚未执行" in answer.content.decode()


def test_nothing_is_changed_by_the_public(public: Public, client):
    """The portal answers GET and HEAD only."""
    for address in addresses(public):
        if address.startswith("/log/"):
            continue
        assert client.post(address).status_code == 405
        assert client.head(address).status_code in {200, 302}


def test_the_navigation_is_alive(empty, client):
    """Every link of the header and the footer leads to a page, and none is there twice."""
    page = client.get("/").content.decode()
    for part in ("header", "footer"):
        block = re.search(rf"<{part}.*?</{part}>", page, re.S)
        assert block
        links = re.findall(r'href="(/[^"]*)"', block[0])
        assert links
        for link in links:
            assert client.get(link).status_code == 200, link
    footer = re.search(r"<footer.*?</footer>", page, re.S)
    assert footer
    links = re.findall(r'href="(/[^"]*)"', footer[0])
    assert len(links) == len(set(links)) == len(FOOT)


def test_a_firm_has_one_address_with_and_without_scheme(empty, town, client):
    town.entity(unit_id="uscc:91350100M000100Y43", name="一家企业")
    for code in ("91350100M000100Y43", "91350100m000100y43", "uscc:91350100M000100Y43"):
        page = client.get(f"/firms/{code}/")
        assert page.status_code == 200
        assert 'rel="canonical" href="http://testserver/firms/91350100M000100Y43/"' in page.content.decode()


def test_a_firm_shows_facts_with_source_and_day(public: Public, client):
    entity = public.published.entity
    page = client.get(reverse("portal:firm", args=[entity.unit_id])).content.decode()
    for text in (entity.name, "存续", "GB/T 4754 1411", "东河区", "本市名录库"):
        assert text in page


def test_corrections_show_both_versions(public: Public, client):
    """The old result stays beside the new one, with the reason; the old page points to the new."""
    old = client.get(reverse("portal:result", args=[public.corrected.no])).content.decode()
    assert "已更正" in old and reverse("portal:result", args=[public.correction.no]) in old
    new = client.get(reverse("portal:result", args=[public.correction.no])).content.decode()
    assert "复查后更正结果" in new and reverse("portal:result", args=[public.corrected.no]) in new
    firm = client.get(reverse("portal:firm", args=[public.corrected.entity.unit_id])).content.decode()
    assert public.corrected.no in firm and public.correction.no in firm
    assert public.corrected.no not in _rows(client, "")
    assert {public.corrected.no, public.correction.no} <= _rows(client, "?versions=all")


def _rows(client, query: str) -> set[str]:
    page = client.get(reverse("portal:results") + query).content.decode()
    return set(re.findall(r'href="/results/([^"/]+)/"', page))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", 3), ("versions=all", 4), ("result=发现问题已责令改正", 1), ("since=2026-03-05", 0), ("until=2026-03-04", 3),
        ("division=990101", 3), ("q=没有这家", 0), ("draw=NO", 0), ("organ=office-0", None), ("since=yesterday", 0),
    ],
)  # fmt: skip
def test_results_are_filtered(public: Public, client, query, found):
    """Each filter by itself; one that cannot be read shows nothing and says so."""
    assert len(_rows(client, f"?{query}")) == (found or 0)


def test_results_are_exported_as_shown(public: Public, client):
    lines = body(client, reverse("portal:results") + "?export=csv").decode("utf-8-sig").splitlines()
    assert len(lines) == 4 and "记录编号" in lines[0]
    assert any(public.failed.no in line and "发现问题已责令改正" in line for line in lines)


def test_draws_list_the_abandoned_and_the_rate(public: Public, client):
    page = client.get(reverse("portal:draws")).content.decode()
    for draw in (public.draw, public.waiting, public.abandoned, public.sealed, public.joint):
        assert draw.no in page
    assert "放弃率" in page and "20.0%" in page and "1/5" in page
    assert public.abandoned.no not in client.get(reverse("portal:draws") + "?state=announced").content.decode()
    page = client.get(reverse("portal:draws") + "?year=2025").content.decode()
    assert "20.0%" not in page


@pytest.mark.parametrize(
    ("stage", "found"),
    [
        ("announced", {"waiting"}), ("abandoned", {"abandoned"}), ("executed", set()), ("closed", set()),
        ("checking", {"draw", "sealed", "joint"}), ("done", set()),
    ],
)  # fmt: skip
def test_draws_are_filtered_by_where_they_stand(public: Public, client, stage, found):
    """The filter and the word on the row mean the same; a draw is done when every firm has a result."""
    page = client.get(reverse("portal:draws"), {"state": stage}).content.decode()
    for name in ("draw", "waiting", "abandoned", "sealed", "joint"):
        assert (reverse("portal:draw", args=[getattr(public, name).no]) in page) == (name in found)
    public.draw.tasks.update(state="published")
    assert public.draw.no in client.get(reverse("portal:draws"), {"state": "done"}).content.decode()
    assert draws.stage(draws.find(public.draw.no)) == "done"


def test_draws_are_filtered_by_mode_and_organ(public: Public, client):
    page = client.get(reverse("portal:draws"), {"mode": "sealed"}).content.decode()
    assert public.sealed.no in page and public.draw.no not in page and "封存，最迟" in page
    page = client.get(reverse("portal:draws"), {"organ": public.bureau.town.office.pk}).content.decode()
    assert public.sealed.no in page and public.draw.no in page


def test_the_story_of_a_draw_is_told_in_order(public: Public, client):
    """Announcement, list, randomness, selection, teams, results: with dates, hashes, witnesses, and what protects whom."""
    draw = public.draw
    page = client.get(reverse("portal:draw", args=[draw.no])).content.decode()
    parts = ["h-announce", "h-frame", "h-random", "h-selection", "h-teams", "h-results", "h-check"]
    places = [page.index(f'id="{part}"') for part in parts]
    assert places == sorted(places)
    teams = draws.teams(draw)
    assert teams.targets == draw.selected_count and sum(one.visits for one in teams.load) == 2 * teams.targets
    assert sum(one.leads for one in teams.load) == teams.targets
    for text in (
        draw.announcement_hash, draw.frame_root, draw.seed, teams.constraints_hash, draw.second_seed, "市纪委监委2人",
        "任何一方单独操纵", "回避申报截止",
    ):  # fmt: skip
        assert text in page, text
    assert hashlib.sha256(teams.second_seed_text.encode()).hexdigest() == draw.second_seed
    assert f"{reverse('portal:verify')}?bundle={quote(reverse('portal:bundle', args=[draw.no]), safe='')}" in page
    for entry in draws.published(draw):
        assert entry.entry.get_absolute_url() in page


def test_the_button_opens_the_bundle_on_the_verifier(public: Public, client):
    page = client.get(reverse("portal:draw", args=[public.draw.no])).content.decode()
    link = unescape(re.search(r'href="(/verify/\?bundle=[^"]*)"', page)[1])
    shown = client.get(link).content.decode()
    assert f'data-bundle="{reverse("portal:bundle", args=[public.draw.no])}"' in shown


def test_a_joint_draw_shows_its_lists(public: Public, client):
    """Each office with its own numbers; the strata under the name of the office; one visit for both."""
    page = client.get(reverse("portal:draw", args=[public.joint.no])).content.decode()
    assert "各部门的名单" in page and "综合查一次" in page and "测试市农业农村局 · " in page


def test_a_stratum_by_size_is_explained(staffed, home, now, client):
    """The mean of the chances is said to be a mean, and a firm sees its own."""
    for entity in BusinessEntity.objects.all():
        entity.size = ("small", "large")[entity.pk % 2]
        entity.save()
    draw = staffed.executed(staffed.announced(staffed.plan(measure="size")))
    page = client.get(reverse("portal:draw", args=[draw.no])).content.decode()
    assert "按规模" in page and "平均" in page and "帕累托抽样" in page
    leaf = next(one for one in map(json.loads, inspection.frame_lines(draw)) if "lambda" in one)
    page = client.get(reverse("portal:unit", args=[draw.no]), {"q": leaf["id"]}).content.decode()
    assert percent(Fraction(leaf["lambda"], 1_000_000), 2) in page and "先按机会折算" in page


def test_draws_of_other_platforms_are_told_in_numbers(public: Public, client):
    """Verdicts and counts; no code of a firm, no number of a person; what cannot be seen, and the entry of the log."""
    assert (
        reverse("portal:upstream_draw", args=[public.upstream.pk])
        in client.get(reverse("portal:upstream")).content.decode()
    )
    page = client.get(reverse("portal:upstream_draw", args=[public.upstream.pk])).content.decode()
    for text in ("出现不止一次", "不能核对的", public.upstream.sha256, "未核对", "1 名检查人员不在"):
        assert text in page, text
    assert "demo:T" not in page and "SJ-0099-X" not in page and "P001" not in page
    assert client.get("/draws/upstream/999/").status_code == 404


def test_the_burden_is_told_with_its_limit(public: Public, client):
    """How many firms, how many visits, which share jointly, how many over the limit; the limit with its source."""
    page = client.get(reverse("portal:burden_year", args=[2026])).content.decode()
    visits = Visit.objects.filter(corrects__isnull=True).exclude(state__in=["draft"]).count()
    assert f"<dt>查了多少次</dt><dd>{visits}</dd>" in page and "国办发〔2024〕54号" in page and "4 次" in page
    assert client.get("/burden/2019/").status_code == 404
    assert client.get(reverse("portal:burden")).status_code == 200


def test_the_first_page_shows_this_month(public: Public, client):
    """Draws of the month with their mode and where they stand."""
    page = client.get(reverse("portal:home")).content.decode()
    for draw in (public.draw, public.waiting, public.sealed, public.joint, public.abandoned):
        assert reverse("portal:draw", args=[draw.no]) in page
    assert "本月公告 5 次，放弃 1 次" in page and "封存抽取（突击检查）" in page


def test_percentages_have_one_form(public: Public, client):
    """96.0%, without a space, in both languages and on every page."""
    for language in ("zh-hans", "en"):
        client.cookies["language"] = language
        for address in addresses(public):
            text = body(client, address)
            if b"<!doctype html>" in text and "/methods/" not in address and "/help/" not in address:
                shown = re.sub(r"<(script|pre|svg).*?</\1>", "", text.decode(), flags=re.S)
                assert not re.search(r"[0-9][ \u2009\u00a0]%", shown), address


def test_an_abandoned_draw_says_why(public: Public, client):
    page = client.get(reverse("portal:draw", args=[public.abandoned.no])).content.decode()
    assert "公告后发现名录不全" in page and "负责人批准" in page


def test_giving_up_when_the_outcome_could_be_known_is_told(public: Public, client):
    """Before the earliest moment of the randomness it is a change of plans; after it, a reader is told to ask."""
    page = client.get(reverse("portal:draw", args=[public.abandoned.no])).content.decode()
    assert "最值得追问" not in page
    actions.abandon_draw(public.waiting, by=public.bureau.second_head, at=moment(24), reason="抽取之后又放弃")
    page = client.get(reverse("portal:draw", args=[public.waiting.no])).content.decode()
    assert "最值得追问" in page and "抽取之后又放弃" in page


def test_a_waiting_draw_counts_down(public: Public, client):
    """Before its time a draw shows when it may happen, its frame and sources, and neither seed nor selection."""
    page = client.get(reverse("portal:draw", args=[public.waiting.no])).content.decode()
    assert "还有 3 天 0 小时" in page and public.waiting.frame_root in page and "尚未产生" in page
    assert 'id="h-selection"' not in page and 'id="h-results"' not in page
    frame = client.get(reverse("portal:frame", args=[public.waiting.no])).content.decode()
    assert "未抽中" not in frame and "名次" not in frame
    leaves = [json.loads(line) for line in inspection.frame_lines(public.waiting)]
    free, capped = (next(one["id"] for one in leaves if ("exclusion" in one) == out) for out in (False, True))
    page = client.get(reverse("portal:unit", args=[public.waiting.no]), {"q": free}).content.decode()
    assert "随机数还没有产生" in page and "抽签号</dt>" not in page and "抽中的机会</dt>" in page
    page = client.get(reverse("portal:unit", args=[public.waiting.no]), {"q": capped}).content.decode()
    assert "最近一年检查次数已达上限" in page and "抽中的机会</dt>" not in page


def test_the_search_finds_firms_draws_results(public: Public, client):
    def hits(text: str) -> str:
        return client.get(reverse("portal:home"), {"q": text}).content.decode()

    assert reverse("portal:draw", args=[public.draw.no]) in hits(public.draw.no)
    assert reverse("portal:result", args=[public.failed.no]) in hits(public.failed.no)
    assert reverse("portal:result", args=[public.hidden["submitted"].no]) not in hits(public.hidden["submitted"].no)
    entity = public.published.entity
    for text in (entity.name[2:10], entity.unit_id, entity.code):
        assert reverse("portal:firm", args=[entity.unit_id]) in hits(text)
    assert "没有找到" in hits("没有\0这个东西") and "至少" in hits("\0测")
    assert "没有找到" in hits("没有这个东西") and "至少输入两个字" in hits("测")
    assert "&lt;script&gt;" in hits("<script>") and "<script>alert" not in hits("<script>alert")


def test_the_scoreboard_is_the_approved_snapshot(public: Public, client):
    """Newer figures that nobody approved are not there; the raw file is what was hashed and logged."""
    assert public.approved is not None and public.draft is not None
    page = client.get(reverse("portal:scoreboard")).content.decode()
    assert public.approved.no in page and public.draft.no not in page and "已批准公开" in page
    answer = client.get(reverse("portal:snapshot_json", args=[public.approved.no]))
    assert hashlib.sha256(answer.content).hexdigest() == public.approved.sha256 == answer["X-SHA256"]
    assert public.approved.sha256 in page
    assert len(json.loads(answer.content)["targets"]) == page.count("≥ ")


def test_methods_are_written_in_the_language_of_the_page(empty, client):
    assert "外人也能核验" in client.get(reverse("portal:method", args=["draw"])).content.decode()
    client.cookies["language"] = "en"
    page = client.get(reverse("portal:method", args=["draw"])).content.decode()
    assert "canonical JSON" in page.lower() or "Canonical JSON" in page
    assert "外人也能核验" not in page


def test_the_method_of_the_draw_leads_to_its_measurements(empty, client):
    address = reverse("portal:method", args=["fairness"])
    assert f'href="{address}"' in client.get(reverse("portal:method", args=["draw"])).content.decode()
    page = client.get(address).content.decode()
    assert "抽取公平吗" in page and "docs/reference/fairness.zh.md" in page
    client.cookies["language"] = "en"
    assert "Is the draw fair?" in client.get(address).content.decode()


def test_methods_name_their_tables(empty, client):
    """A table that a rule names is linked, with the marks of its rows."""
    page = client.get(reverse("portal:method", args=["draw"])).content.decode()
    assert reverse("portal:table", args=["draw/randomness"]) in page


@pytest.mark.parametrize("code", methods.codes("guide"))
def test_a_guide_is_linked_where_it_is_served_and_text_elsewhere(empty, client, code):
    """Guides for those with an account are not pages of this site."""
    text = f"# Title\n\nRead [the guide](../guide/{code}.zh.md#start).\n"
    shown = markdown.Markdown()
    shown.treeprocessors.register(methods._Links(shown, "rules"), "portal-links", 1)
    links = re.findall(r'href="([^"]*)"', shown.convert(text))
    served = client.get(reverse("portal:guide", args=[code])).status_code == 200
    assert links == ([reverse("portal:guide", args=[code]) + "#start"] if served else [])
    assert served == (code in ("citizen", "journalist"))


def test_links_of_the_documents_lead_somewhere(empty, client):
    """No link of a method or a guide is dead."""
    pages = [reverse("portal:method", args=[code]) for code in methods.codes()]
    pages += [reverse("portal:guide", args=[code]) for code in ("citizen", "journalist")]
    for language in ("zh-hans", "en"):
        client.cookies["language"] = language
        for page in pages:
            text = client.get(page).content.decode()
            prose = text.split('class="prose', 1)[1].split("</section>", 1)[0]
            for link in re.findall(r'href="(/[^"#]*)', prose):
                assert client.get(link).status_code == 200, f"{page} → {link}"
            assert '.md"' not in prose


def test_a_table_shows_how_sure_each_row_is(empty, client):
    address = reverse("portal:table", args=["inspection/result_wordings"])
    page = client.get(address).content.decode()
    assert "较可靠" in page and "设定" in page and "未发现问题" in page
    only = client.get(address, {"confidence": "assumed"}).content.decode()
    assert "已注销" in only and "未按规定公示年度报告" not in only
    lines = body(client, reverse("portal:table_csv", args=["inspection/result_wordings"])).decode("utf-8-sig")
    assert lines.splitlines()[0].startswith("code,name,name_en") and "confidence" in lines.splitlines()[0]


def test_tables_of_other_cities_are_not_shown(empty, client):
    page = client.get(reverse("portal:tables")).content.decode()
    assert "cities/hengchuan/targets" in page and "cities/jiaozuo" not in page
    assert client.get(reverse("portal:table", args=["cities/jiaozuo/targets"])).status_code == 404


def test_long_tables_have_pages(empty, client):
    page = client.get(reverse("portal:table", args=["industry/gbt4754"])).content.decode()
    assert "?page=2" in page
    assert client.get(reverse("portal:table", args=["industry/gbt4754"]) + "?page=99999").status_code == 200
