"""The sampling page answers with plan, source, curve and both risks in words; it refuses one purpose asked with the other's words."""

import re
from urllib.parse import urlencode

import pytest
from django.urls import reverse

from zhunsheng.web.common.templatetags import zs

ACCEPTANCE = {"purpose": "acceptance", "lot": "1000", "aql": "1.0", "level": "II", "severity": "normal", "kind": "single"}  # fmt: skip


@pytest.fixture
def ask(empty, client):
    client.cookies["language"] = "zh-hans"

    def answer(status=200, **given):
        address = reverse("portal:sampling") + (f"?{urlencode(given)}" if given else "")
        page = client.get(address)
        assert page.status_code == status
        return page.content.decode()

    return answer


def test_it_works(ask):
    """Without a question it shows the smallest check of a declared 1 %, and how little that sees."""
    page = ask()
    assert "GB/T 2828.4-2008" in page and "ISO 2859-4:2002" in page
    assert "36.9 倍" in page and "十次里仍有一次查不出来" in page
    assert '<svg class="curve"' in page and 'role="img"' in page
    assert reverse("portal:table", args=["sampling/rules"]) in page


def test_a_small_population_is_counted(ask):
    page = ask(purpose="supervision", dql="1", limit="1", population="200")
    assert "GB/T 2828.11-2008" in page
    assert "200 个，声称允许 2 个不合格" in page
    assert "8.0 倍" in page


def test_a_sample_given_by_the_order_is_judged(ask):
    assert "超过标准的 5%" in ask(purpose="supervision", dql="6.5", limit="0", n="5")


def test_a_plan_for_acceptance(ask):
    page = ask(**ACCEPTANCE)
    assert "GB/T 2828.1-2012" in page
    assert "有 4.7% 的可能不被接收" in page
    assert "6.52%" in page


def test_samples_of_a_multiple_plan_stand_in_a_table(ask):
    page = ask(**ACCEPTANCE | {"kind": "multiple"})
    assert len(re.findall(r'<td class="numeric">20</td>', page)) == 5
    assert "#" in page


def test_what_is_assumed_is_said_before_use(ask):
    words = "这张方案里有推定的数"
    assert words in ask(**ACCEPTANCE | {"kind": "multiple", "severity": "tightened", "aql": "6.5"})
    assert words not in ask(**ACCEPTANCE)


def test_a_whole_lot_has_no_curve(ask):
    page = ask(**ACCEPTANCE | {"lot": "30", "aql": "0.25"})
    assert "全数检验" in page
    assert '<svg class="curve"' not in page


def test_purposes_are_not_mixed(ask):
    assert "监督抽查不能用 GB/T 2828.1" in ask(422, purpose="supervision", dql="1", limit="0", aql="1.0")
    assert "批的验收不能用 GB/T 2828.4" in ask(422, **ACCEPTANCE | {"dql": "1"})


@pytest.mark.parametrize(
    "given",
    [
        {"purpose": "supervision", "dql": "x", "limit": "0"},
        {"purpose": "supervision", "dql": "1"},
        {"purpose": "supervision", "dql": "1e9", "limit": "0"},
        {"purpose": "supervision", "dql": "nan", "limit": "0"},
        {"purpose": "supervision", "dql": "1\0", "limit": "\0"},
        {"purpose": "supervision", "dql": "0.001", "limit": "20"},
        {"purpose": "supervision", "dql": "6.5", "limit": "0"},
        {"purpose": "supervision", "dql": "1", "limit": "99999999999999999999"},
        ACCEPTANCE | {"lot": "1"},
        ACCEPTANCE | {"aql": "1.1"},
        ACCEPTANCE | {"severity": "gentle"},
        ACCEPTANCE | {"lot": "-5"},
    ],
)
def test_what_cannot_be_answered_says_why_with_the_form(ask, given):
    page = ask(422, **given)
    assert 'role="alert"' in page
    assert "<form" in page


def test_an_unknown_purpose_shows_supervision(ask):
    assert "监督抽查问的是" in ask(purpose="whatever")


@pytest.mark.parametrize("given", [{"dql": "0.01", "limit": "20", "population": "1000000", "n": "100000"}, ACCEPTANCE | {"lot": "1000000000", "kind": "multiple", "level": "III", "aql": "0.65"}])  # fmt: skip
def test_the_largest_questions_are_answered(ask, given):
    assert '<svg class="curve"' in ask(**given)


def test_the_pages_that_lead_here(ask, client):
    assert reverse("portal:sampling") in client.get(reverse("portal:methods")).content.decode()
    assert reverse("portal:method", args=["sampling"]) in ask()


def test_a_curve_needs_points():
    with pytest.raises(ValueError, match="curve_chart"):
        zs.curve_chart([(0.0, 1.0)], "")
    drawn = zs.curve_chart([(0.0, 1.0), (0.5, 0.0)], "falls <b>", "share", [(0.25, 0.5, "half")])
    assert "falls &lt;b&gt;" in drawn
    assert drawn.count("<circle") == 1
