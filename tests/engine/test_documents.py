"""Official documents: numbers, series, amounts, days, templates, and the tables that hold them.

Reference: GB/T 9704-2012, 7.2.5 (发文字号) and 7.3.5.4 (成文日期); 《支付结算办法》附一 (capital digits).
"""

import re
import tomllib
from datetime import UTC, date, datetime
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhunsheng.engine import documents, procedure, tables
from zhunsheng.engine.errors import DocumentError

TODAY, THEN = date(2026, 11, 24), date(2017, 5, 3)
CITIES = ("hengchuan", "jiaozuo")
PATTERN = "（{mark}）市监{word}〔{year}〕{n}号"


def field(code, kind="text", **values):
    return documents.Field(code, f"项目{code}", code, documents.FieldKind(kind), **values)


def compose(text, values, *fields):
    return documents.compose(text, values, {one.code: one for one in fields}, TODAY)


def number_of(office, group, day, city="hengchuan", level="city", division="990100", n=1):
    found = documents.numbering(group, office_name=office, level=level, division=division, day=day, city=city)
    return found.number(day.year, n)


# -- numbers ----------------------------------------------------------------------------------------------------------
@given(
    st.integers(1949, 9999),
    st.integers(1, 999_999_999),
    st.sampled_from(["衡", "焦示", "望"]),
    st.sampled_from(["罚", "责改", ""]),
)
def test_a_number_is_read_back_to_its_year_and_sequence(year, n, mark, word):
    text = documents.write_number(PATTERN, mark=mark, organ="", word=word, year=year, n=n)
    assert text == f"（{mark}）市监{word}〔{year}〕{n}号"
    assert documents.read_number(text) == (f"（{mark}）市监{word}", year, n)


@given(st.lists(st.integers(1, 50), unique=True), st.integers(0, 50))
def test_the_missing_numbers_are_those_nobody_has(taken, last):
    missing = documents.missing_numbers(taken, last)
    assert set(missing) | set(taken) >= set(range(1, last + 1)) and not set(missing) & set(taken)


@pytest.mark.parametrize("text", [
    "（衡）市监罚[2026]1号", "（衡）市监罚〔2026〕01号", "（衡）市监罚〔26〕1号", "（衡）市监罚〔2026〕第1号", "〔2026〕1号", "（衡）市监罚〔2026〕0号", "",
])  # fmt: skip
def test_other_forms_are_no_numbers(text):
    with pytest.raises(DocumentError):
        documents.read_number(text)


@pytest.mark.parametrize(("pattern", "year", "n"), [
    (PATTERN, 2026, 0), (PATTERN, 2026, -1), (PATTERN, 1900, 1), (PATTERN, 10000, 1),
    ("{mark}〔{year}〕{n}", 2026, 1), ("{mark}[{year}]{n}号", 2026, 1), ("〔{year}〕{n}号", 2026, 1), ("〔{mark}〔{year}〕{n}号", 2026, 1),
])  # fmt: skip
def test_a_bad_pattern_or_sequence_is_refused(pattern, year, n):
    with pytest.raises(DocumentError):
        documents.write_number(pattern, mark="衡", organ="", word="", year=year, n=n)


def test_the_series_of_2017_and_of_today():
    assert number_of("衡川市质量技术监督局", "penalty", THEN) == "（衡）质监罚字〔2017〕1号"
    assert number_of("衡川市工商行政管理局", "penalty", THEN) == "衡工商处字〔2017〕1号"
    assert number_of("衡川市食品药品监督管理局", "rectification", THEN) == "（衡）食药监责改〔2017〕1号"
    assert number_of("衡川市市场监督管理局", "penalty", TODAY, n=12) == "（衡）市监罚〔2026〕12号"
    assert number_of("衡川市质量强市战略工作领导小组办公室", "letter", TODAY) == "衡质强办〔2026〕1号"
    # a county's own series carry its own character, also where its office is named after the city
    assert (
        number_of("衡川市质量技术监督局望衡分局", "penalty", THEN, level="county", division="990101")
        == "（望）质监罚字〔2017〕1号"
    )
    assert (
        number_of("博爱县市场监督管理局", "penalty", TODAY, "jiaozuo", "county", "410822") == "（博）市监罚〔2026〕1号"
    )


def test_a_row_that_says_more_wins(tmp_path):
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "series.csv").write_text(
        "code,organ,level,division,group,pattern,name,name_en,source,confidence,valid_from,valid_to\n"
        "all,,,,,{mark}{organ}{word}〔{year}〕{n}号,a,a,x,assumed,,\n"
        "county,,county,,,{mark}县{word}〔{year}〕{n}号,b,b,x,assumed,,\n"
        "own,market,,990101,penalty,{mark}自{word}〔{year}〕{n}号,c,c,x,assumed,,\n"
        "twice,,,,review,{mark}甲{word}〔{year}〕{n}号,d,d,x,assumed,,\n"
        "again,,,,review,{mark}乙{word}〔{year}〕{n}号,e,e,x,assumed,,\n"
    )
    (tmp_path / "documents" / "series.toml").write_text('key = ["code"]\n')

    def series(group, level="county", division="990101"):
        return documents.numbering(
            group, office_name="望衡区市场监督管理局", level=level, division=division, day=TODAY, root=tmp_path
        )

    assert series("penalty").key == "own" and series("closing").key == "county.closing"
    assert series("closing", "city", "990100").key == "all.closing"
    with pytest.raises(DocumentError, match="twice|again"):
        series("review", "city", "990100")


@pytest.mark.parametrize("city", CITIES)
@pytest.mark.parametrize("day", [THEN, TODAY], ids=str)
def test_every_office_has_every_series_and_no_two_share_a_number(city, day):
    groups = [row["code"] for row in tables.load("documents/groups").valid_on(day)]
    numbers = {}
    for office in tables.load(f"cities/{city}/offices").valid_on(day):
        for group in groups:
            number = number_of(office["name"], group, day, city, office["level"], office["division"])
            assert documents.read_number(number)[2] == 1
            assert number not in numbers, (office["name"], group, numbers.get(number))
            numbers[number] = (office["name"], group)


def test_an_office_without_a_short_name_is_told_where_to_add_one():
    with pytest.raises(DocumentError) as refusal:
        number_of("衡川市志办", "letter", TODAY)
    assert "documents/organs" in refusal.value.text("zh") and "documents/organs" in refusal.value.text("en")
    with pytest.raises(Exception, match="groups"):
        number_of("衡川市市场监督管理局", "nothing", TODAY)


# -- amounts and days -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("fen", "text"), [
    (0, "零元整"), (5, "伍分"), (50, "伍角"), (55, "伍角伍分"), (100, "壹元整"), (105, "壹元零伍分"), (1_000_000, "壹万元整"),
    (1_234_500, "壹万贰仟叁佰肆拾伍元整"), (100_001, "壹仟元零壹分"), (10_050_000, "壹拾万零伍佰元整"), (1_000_100, "壹万零壹元整"),
    (140_950, "壹仟肆佰零玖元伍角"), (600_714, "陆仟零柒元壹角肆分"), (168_032, "壹仟陆佰捌拾元叁角贰分"), (1_640_902, "壹万陆仟肆佰零玖元零贰分"),
    (10_000_000_001, "壹亿元零壹分"), (10_000_000_100, "壹亿零壹元整"), (100_000_000_000_000, "壹万亿元整"),
])  # fmt: skip
def test_capital_digits(fen, text):
    assert documents.capital(fen) == text


VALUE = {digit: n for n, digit in enumerate("零壹贰叁肆伍陆柒捌玖")}


def read_capital(text):
    """The amount in fen, read by other means: place by place."""
    whole, _, rest = text.removesuffix("整").partition("元") if "元" in text else ("", "", text)
    total = 0
    for part, size in (("万亿", 10**12), ("亿", 10**8), ("万", 10**4), ("", 1)):
        if part and part in whole:
            head, whole = whole.split(part, 1)
        elif part:
            continue
        else:
            head = whole
        group, digit = 0, 0
        for char in head:
            if char in VALUE:
                digit = VALUE[char]
            else:
                group, digit = group + digit * {"仟": 1000, "佰": 100, "拾": 10}[char], 0
        total += (group + digit) * size
    jiao = VALUE[rest[rest.index("角") - 1]] if "角" in rest else 0
    cents = VALUE[rest[rest.index("分") - 1]] if "分" in rest else 0
    return total * 100 + jiao * 10 + cents


@given(st.integers(0, 10**18 - 1))
def test_capital_digits_read_back(fen):
    text = documents.capital(fen)
    assert read_capital(text) == fen and "零零" not in text and not text.startswith("零元") or fen == 0


@pytest.mark.parametrize("fen", [-1, 10**18])
def test_amounts_without_capital_digits_are_refused(fen):
    with pytest.raises(DocumentError):
        documents.capital(fen)


@given(st.dates(date(1949, 10, 1), date(9999, 12, 31)))
def test_a_day_is_written_without_leading_zeros(day):
    text = documents.written_day(day)
    year, month, rest = re.split("[年月]", text)
    assert date(int(year), int(month), int(rest.removesuffix("日"))) == day
    assert "年0" not in text and "月0" not in text


def test_values_are_written_by_their_kind():
    write = documents.written
    assert write(field("a", "money"), 1_050) == "10.50元（大写：壹拾元伍角）" and write(field("a", "money"), 0) == ""
    assert (
        write(field("a", "money"), "5000.00元") == "5000元（大写：伍仟元整）"
        and write(field("a", "money"), "约5万元") == "约5万元"
    )
    assert write(field("a", "date"), date(2026, 1, 2)) == "2026年1月2日"
    assert write(field("a", "moment"), datetime(2026, 1, 1, 16, 5, tzinfo=UTC)) == "2026年1月2日0时5分"
    assert write(field("a", "flag"), True) == "是" and write(field("a", "integer"), 7) == "7"
    choice = field("a", "choice", choices=(("warning", "警告"),))
    assert write(choice, "warning") == "警告" and write(choice, "警告") == "警告"
    row = field("a", "row", table="enforcement/causes")
    assert write(row, "quality.fake", TODAY) == "生产、销售伪劣产品" and write(row, "另一案由") == "另一案由"


# -- templates --------------------------------------------------------------------------------------------------------
def test_a_text_becomes_blocks():
    blocks = compose(
        "< {party}：\n# 一、事实\n{facts}\n没收{gain?}。\n{if other=warning}警告。\n{if other=licence}吊销。\n联系人：{who~}\n"
        "| 案由 | {party} | 证号 | {who~} |\n|4| 意见 | {facts} | 签名：{who~} |\n[items: 名称=name | 数量=n]\n> {party}",
        {"party": "甲公司", "facts": "第一段\r\n第二段", "other": "warning", "items": [{"name": "油", "n": 3}]},
        field("party"), field("facts", "long"), field("gain", "money"), field("who"), field("other", "choice"), field("items", "list"),
    )  # fmt: skip
    assert [one["style"] for one in blocks] == ["left", "h1", "body", "body", "body", "body", "grid", "list", "right"]
    assert [one["text"] for one in blocks[:6]] == [
        "甲公司：", "一、事实", "第一段", "第二段", "警告。", f"联系人：{documents.BLANK}",
    ]  # fmt: skip
    (first, second) = blocks[6]["rows"]
    assert [cell["text"] for cell in first] == ["案由", "甲公司", "证号", documents.BLANK]
    assert (second[1]["tall"], second[1]["sign"]) == (4, f"签名：{documents.BLANK}")
    assert blocks[7] == {"style": "list", "head": ["序号", "名称", "数量"], "rows": [["1", "油", "3"]]}


def test_headings_that_an_officer_types_are_headings():
    blocks = compose(
        "{body}", {"body": "一、总体要求\n正文一句。\n（一）任务\n一、" + "长" * 60}, field("body", "long")
    )
    assert [one["style"] for one in blocks] == ["h1", "body", "h2", "body"]


@given(
    st.text(
        st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Co", "Cf", "Zl", "Zp", "Zs")),
        min_size=1,
        max_size=80,
    )
)
def test_what_is_put_in_is_not_looked_at_again(text):
    (block,) = compose("前{x}后", {"x": text, "y": "漏"}, field("x"), field("y"))
    assert block["text"] == f"前{documents.clean(text, 'x')}后"


def test_placeholders_in_values_stay_as_they_are():
    (block,) = compose("{x}", {"x": "{y} {x?} # | [items: a=b]", "y": "漏"}, field("x"), field("y"))
    assert block["text"] == "{y} {x?} # | [items: a=b]"


def test_what_is_missing_or_unknown_is_named():
    with pytest.raises(DocumentError, match="项目a、项目b"):
        compose("{a}{b}\n{c?}\n{d~}", {"a": " "}, *(field(code) for code in "abcd"))
    with pytest.raises(DocumentError, match="nobody"):
        compose("{nobody}", {"nobody": "x"}, field("a"))
    with pytest.raises(DocumentError, match="清单"):
        compose("[a: 名称=name]", {"a": "text"}, field("a", "list"))
    with pytest.raises(DocumentError):
        compose("{a}", {"a": [{"name": "x"}]}, field("a"))


@pytest.mark.parametrize(
    "text", ["\x00", "a\x07b", "正\u202e反", "\u2066x", "\ud800", "\ue000", "\U0010ffff", "\x7f", "字" * 20_001]
)
def test_unprintable_text_is_refused(text):
    with pytest.raises(DocumentError) as refusal:
        compose("{a}", {"a": f"前{text}后"}, field("a"))
    assert "项目a" in str(refusal.value)


def test_too_much_is_refused():
    with pytest.raises(DocumentError, match="2001"):
        compose("[a: 名称=name]", {"a": [{"name": "x"}] * 2001}, field("a", "list"))
    with pytest.raises(DocumentError, match="200000"):
        compose("{a}" * 11, {"a": "字" * 20_000}, field("a"))


# -- the tables -------------------------------------------------------------------------------------------------------
def issued():
    for code in procedure.codes():
        for version in procedure.versions(code):
            for fact in version.facts.values():
                if fact.issued:
                    yield f"{code}.{fact.code}", version


def test_every_document_that_a_procedure_issues_has_a_template():
    have = {row["code"] for row in tables.load("documents/kinds").rows}
    assert {code for code, _version in issued()} <= have


@pytest.mark.parametrize("day", [THEN, TODAY], ids=str)
def test_every_template_names_only_what_is_known(day):
    own = documents.fields()
    groups = {row["code"] for row in tables.load("documents/groups").valid_on(day)}
    wordings = documents.wordings(day)
    for kind in documents.kinds(day):
        assert kind.group in groups and kind.seal in ("organ", "none") and kind.name_en, kind.code
        name = kind.code.partition(".")[0]
        versions = procedure.versions(name) if name in procedure.codes() else ()
        facts = {code for version in versions for code in version.facts}
        places = documents.placeholders(documents.expand(kind.text, wordings))
        assert {place.code for place in places} <= facts | set(own), kind.code


def test_no_step_is_refused_its_document_for_a_fact_that_it_cannot_have():
    """Every field without which a document is not made comes with the step itself, or is certain before it."""
    own = documents.fields()
    for code, version in issued():
        day = max(version.version.valid_from or THEN, THEN)
        kind = documents.kind(code, day)
        needed = [
            place.code
            for place in documents.placeholders(documents.expand(kind.text, documents.wordings(day)))
            if place.needed and not (place.code in own and own[place.code].auto)
        ]
        for step in version.steps.values():
            if code.partition(".")[2] in step.documents:
                unsure = [one for one in needed if one not in step.needs and not certain(version, step, one)]
                assert not unsure, (code, version.version.code, step.code)


def certain(version, step, fact):
    """Whether every way from the start to a state from which `step` leads asks for `fact`: found by walking without it."""
    reached, waiting = set(), {procedure.model.START}
    while waiting:
        state = waiting.pop()
        reached.add(state)
        for one in version.steps.values():
            sources = one.sources
            if procedure.model.ANY in sources:
                sources = tuple(name for name, row in version.states.items() if not row.final)
            if state in sources and one.target and fact not in one.needs and one.target not in reached:
                waiting.add(one.target)
    sources = set(version.states) if procedure.model.ANY in step.sources else set(step.sources)
    return not sources & reached


def test_every_wording_covers_every_day_of_its_templates():
    names = {row["code"] for row in tables.load("documents/wordings").rows}
    for row in tables.load("documents/kinds").rows:
        used = {place.code for place in documents.placeholders(row["text"])} & names
        for day in (
            date(2017, 1, 1),
            date(2019, 6, 1),
            date(2021, 7, 14),
            date(2021, 7, 15),
            date(2023, 12, 31),
            date(2024, 1, 1),
            TODAY,
        ):
            assert used <= set(documents.wordings(day)), (row["code"], day)


def test_the_remedies_follow_the_law_of_the_day():
    assert "或者{government}" in documents.wordings(date(2023, 12, 31))["remedies"]
    assert "或者{government}" not in documents.wordings(date(2024, 1, 1))["remedies"]
    assert "应当" in documents.wordings(date(2024, 1, 1))["spot_remedies"]


def test_every_role_has_a_face_that_is_always_there():
    roles = {}
    for row in tables.load("documents/faces").rows:
        roles.setdefault(row["role"], []).append(row["family"])
    assert set(roles) == {"title", "body", "heading", "second", "page"}
    assert all({"Noto Serif SC", "Noto Sans SC"} & set(families) for families in roles.values())


def test_the_city_file_and_the_letterheads_agree():
    for city in CITIES:
        settings = tomllib.loads(
            (resources.files("zhunsheng.engine") / "data" / "cities" / city / "city.toml").read_text("utf-8")
        )
        expected = settings["office_doc_no_pattern"].replace("{number}", "{n}").format(year=2026, n=1)
        office = next(
            row["name"] for row in tables.load(f"cities/{city}/offices").rows if row["code"] == "quality_office"
        )
        assert number_of(office, "letter", TODAY, city, "city", settings["code"]) == expected
        divisions = {row["code"] for row in tables.load(f"cities/{city}/divisions").rows if row["level"] != "township"}
        assert {row["division"] for row in tables.load(f"cities/{city}/letterheads").rows} == divisions | {
            documents.NO_DIVISION
        }
