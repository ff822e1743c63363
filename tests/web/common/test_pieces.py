"""The small pieces: what they show, and that nothing slips through them unescaped."""

import datetime
from types import SimpleNamespace

import pytest
from django import forms
from django.template import Context, Template, TemplateSyntaxError
from django.test import RequestFactory

from zhunsheng.web.common.templatetags import zs


def render(source: str, **context) -> str:
    return Template(source).render(Context(context))


EVIL = '<b onclick="x">"&'


@pytest.mark.parametrize(
    "source",
    [
        '{% tag "good" evil title=evil %}',
        "{% button evil url=evil %}",
        "{% button evil name=evil value=evil %}",
        "{% button evil disabled=True why_not=evil %}",
        "{% fact evil evil note=evil url=evil %}",
        "{% crumb evil %}",
        "{% hash evil %}",
        "{% hash long %}",
        '{% notice "bad" title=evil %}{{ evil }}{% endnotice %}',
        "{% disclose evil %}{{ evil }}{% enddisclose %}",
        "{% chart title=evil unit=evil source=evil note=evil table=evil %}{{ evil }}{% endchart %}",
        "{% bar_chart rows %}",
        "{% progress 1 2 evil %}",
        '{% confirm "x" evil title=evil what=evil undo=evil action=evil verb=evil name=evil value=evil %}',
        '{% include "components/why.html" %}',
        '{% include "components/timeline.html" %}',
        '{% include "components/tasks.html" with tasks=events %}',
        '{% include "components/tabs.html" with tabs=events %}',
        '{% include "components/seal.html" with seal=why %}',
        '{% include "components/figures.html" with figures=events %}',
    ],
)
def test_what_comes_from_outside_is_escaped(source):
    events = [
        {
            "title": EVIL,
            "label": EVIL,
            "text": EVIL,
            "by": EVIL,
            "url": EVIL,
            "hint": EVIL,
            "state": EVIL,
            "count": EVIL,
            "value": EVIL,
            "note": EVIL,
        }
    ]
    why = dict.fromkeys(
        ("sentence", "rule", "version", "source", "command", "url", "no", "hash", "verify_url"), EVIL
    ) | {"inputs": [(EVIL, EVIL)]}
    shown = render(source, evil=EVIL, long=EVIL * 5, rows=[(EVIL, 2)], events=events, why=why)
    assert "<b on" not in shown and "&lt;b" in shown


class TestNumbers:
    def test_groups_of_three(self):
        assert zs.grouped(1842) == "1\u2009842"
        assert zs.grouped(-1234567) == "\u22121\u2009234\u2009567"
        assert zs.grouped(None) == ""
        assert zs.grouped("文字") == "文字"

    def test_percent_rounds_half_up(self):
        assert zs.percent(0.12345, 2) == "12.35%"
        assert zs.percent(0.125, 0) == "13%"
        assert zs.percent(None) == "—"

    def test_rate_has_its_interval_and_its_numbers(self):
        shown = zs.rate({"numerator": 1842, "denominator": 1911, "estimate": 0.9639, "low": 0.951, "high": 0.975})
        assert "96.4%" in shown and "〔95.1–97.5〕" in shown and "1\u2009842/1\u2009911" in shown

    def test_few_observations_have_no_false_digits(self):
        shown = zs.rate(
            SimpleNamespace(numerator=29, denominator=31, estimate=0.9355, low=0.79, high=0.98, suppressed=None)
        )
        assert "94%" in shown and "〔79–98〕" in shown

    def test_nearly_all_is_not_all(self):
        assert "99.6%" in zs.rate({"numerator": 89, "denominator": 90, "estimate": 0.996, "low": None, "high": None})

    def test_suppressed_rate_shows_no_figure(self):
        shown = zs.rate(
            {"numerator": 3, "denominator": 4, "estimate": 0.75, "low": 0.2, "high": 0.99, "suppressed": "few"}
        )
        assert "75" not in shown and "3/4" in shown

    def test_dates(self):
        assert zs.day(datetime.date(2026, 11, 24)) == "2026-11-24"
        late = datetime.datetime(2026, 11, 24, 16, 30, tzinfo=datetime.UTC)
        assert zs.moment(late) == "2026-11-25 00:30"
        assert zs.day(late) == "2026-11-25"


class TestDue:
    DAY = datetime.date(2026, 11, 24)

    @pytest.mark.parametrize(
        ("left", "words", "kind"),
        [
            (-3, "逾期 3 个工作日", "bad"),
            (0, "今日到期", "warn"),
            (3, "剩 3 个工作日", "warn"),
            (4, "剩 4 个工作日", "left "),
        ],
    )
    def test_says_how_much_is_left(self, left, words, kind):
        shown = zs.due(self.DAY, left)
        assert words in shown and kind in shown

    def test_without_a_count_only_the_day(self):
        assert "个工作日" not in zs.due(self.DAY) and "2026-11-24" in zs.due(self.DAY)


class TestTag:
    def test_word_and_shape(self):
        shown = zs.state_tag("bad", "发现问题")
        assert "发现问题" in shown and "<path" in shown

    def test_unknown_kind_is_a_mistake(self):
        with pytest.raises(KeyError):
            zs.state_tag("grün", "x")

    def test_every_kind_has_its_own_shape(self):
        assert len({zs.ICONS[shape] for shape in zs.SHAPES.values()}) == len(zs.SHAPES)


class TestCharts:
    def test_interval_says_in_words_what_it_draws(self):
        shown = zs.interval_chart(0.951, 0.9639, 0.975, 0.96)
        assert 'role="img"' in shown and "96.4" in shown and "95.1" in shown and "目标" in shown

    def test_outside_the_axis_is_cut_not_drawn_beside_it(self):
        assert 'x="200.0"' in zs.interval_chart(1.2, 1.3, 1.4) or 'x="200"' in zs.interval_chart(1.2, 1.3, 1.4)

    def test_axis_must_run_upwards(self):
        with pytest.raises(ValueError, match="ceiling"):
            zs.interval_chart(0.1, 0.2, 0.3, floor=1, ceiling=1)

    def test_bars_start_at_zero(self):
        with pytest.raises(ValueError, match="zero"):
            zs.bar_chart([("a", -1)])
        assert 'width="50.00"' in zs.bar_chart([("a", 1), ("b", 2)])


class TestAddresses:
    def test_changes_one_parameter_and_keeps_the_rest(self):
        request = RequestFactory().get("/", {"q": "衡川", "sort": "name", "after": "x"})
        assert zs.query_with(request, sort="-name", after=None) == "?q=%E8%A1%A1%E5%B7%9D&sort=-name"

    def test_page_code_is_drawn_for_short_addresses_only(self):
        short = render("{% page_qr %}", request=RequestFactory().get("/draws/2026-17/"))
        long = render("{% page_qr %}", request=RequestFactory().get("/draws/", {"q": "x" * 300}))
        assert short.startswith("<svg") and "script" not in short
        assert long == ""

    def test_crumb_without_an_address_is_the_page_itself(self):
        assert "aria-current" in zs.crumb("本页") and "href" not in zs.crumb("本页", "no:such-name")


def test_capture_tells_an_empty_block_from_a_full_one():
    assert render("{% capture as x %}  {% if no %}a{% endif %} {% endcapture %}[{{ x }}]") == "[]"
    assert render("{% capture as x %}<i>a</i>{% endcapture %}{{ x }}") == "<i>a</i>"
    with pytest.raises(TemplateSyntaxError, match="capture as name"):
        Template("{% capture x %}{% endcapture %}")


def test_icons_without_a_name_are_decoration():
    assert 'aria-hidden="true"' in zs.icon("check")
    assert 'aria-label="搜索"' in zs.icon("search", "搜索")


class Example(forms.Form):
    name = forms.CharField(label="名称", help_text="六十字以内")
    kind = forms.ChoiceField(label="方式", choices=[("a", "定向")], widget=forms.RadioSelect)
    agree = forms.BooleanField(label="同意", required=False)


class TestForm:
    def test_label_hint_and_control_belong_together(self):
        shown = str(Example())
        assert (
            'for="id_name"' in shown
            and 'aria-describedby="id_name_helptext"' in shown
            and 'id="id_name_helptext"' in shown
        )
        assert "有内容需要修改" not in shown

    def test_summary_leads_to_each_field_at_fault(self):
        form = Example({})
        shown = str(form)
        assert "有内容需要修改" in shown
        assert 'href="#id_name"' in shown and 'href="#id_kind"' in shown and 'id="id_kind"' in shown
        assert 'href="#id_agree"' not in shown
        assert 'id="id_name_error"' in shown and 'aria-invalid="true"' in shown

    def test_dialog_takes_no_form_from_the_page_around_it(self):
        shown = render(
            '{% confirm "x" "撤回" title="t" what="w" undo="u" action="/a/" %}', form=Example(), fields=Example()
        )
        assert "id_name" not in shown
        assert "id_name" in render(
            '{% confirm "x" "撤回" title="t" what="w" undo="u" action="/a/" fields=f %}', f=Example()
        )
