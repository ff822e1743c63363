"""How columns find each other: by heading, by choice, by a file that a user writes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhunsheng.web.common.errors import Refused
from zhunsheng.web.common.spreadsheet import Fault, SheetRow
from zhunsheng.web.desk.importing import ImportColumn, ImportKind
from zhunsheng.web.desk.importing.mapping import Mapper, Plan, Rule, guess, plain, read_plan, write_plan

KIND = ImportKind(
    "things",
    "物品",
    (
        ImportColumn("code", "代码", ("编号", "item no"), required=True),
        ImportColumn("name", "名称", ("物品名称",)),
        ImportColumn("day", "日期"),
        ImportColumn("note", "说明", many=True),
    ),
    start=lambda by, at: None,
    may=lambda user: True,
)


def row(plan, header, cells, faults=()):
    return Mapper(plan, KIND, header).apply(SheetRow(7, list(cells), faults))


def mapping(text):
    return read_plan(text, KIND)


@pytest.mark.parametrize(
    "heading", ["代码", " 代码 ", "代码*", "*代码", "代码(必填)", "代 码", "编号", "CODE", "Item No.", "代码:"]
)
def test_a_heading_is_recognised(heading):
    assert guess(KIND, ["x", heading]).columns == {"code": Rule((heading,))}


def test_the_first_of_two_headings_for_a_column_is_taken():
    assert guess(KIND, ["编号", "代码"]).columns["code"] == Rule(("编号",))


def test_what_nothing_names_stays_unfed():
    assert guess(KIND, ["备注", "数量"]).columns == {}


def test_a_row_is_made_by_the_rules():
    plan = mapping(
        """
        kind = "things"
        [columns]
        name = "Title"
        [columns.code]
        from = "Id"
        scheme = "toronto"
        [columns.day]
        from = "When"
        date = "%d/%m/%Y"
        [columns.note]
        from = ["A", "B"]
        join = "; "
        """
    )
    made = row(plan, ["Id", "Title", "When", "A", "B"], ["5", "甲", "03/05/2017", "x", ""])
    assert made.cells == {"code": "toronto:5", "name": "甲", "day": "2017-05-03", "note": "x"}
    assert made.problems == []


def test_values_are_exchanged_and_an_unknown_one_is_a_problem():
    plan = mapping('[columns.name]\nfrom = "t"\nmap = { "1" = "A", "2" = "B" }')
    assert row(plan, ["t"], ["2"]).cells == {"name": "B"}
    assert row(plan, ["t"], [""]).cells == {"name": ""}
    wrong = row(plan, ["t"], ["3"])
    assert wrong.cells == {"name": ""}
    assert wrong.problems[0].column == "名称" and "“3”在映射文件的 map 里没有对应的值" in wrong.problems[0].message


def test_otherwise_and_default_and_constant():
    plan = mapping(
        '[columns.name]\nfrom = "t"\nmap = { "1" = "A" }\notherwise = "其他"\n[columns.note]\nfrom = "n"\ndefault = "无"\n[columns.day]\nconstant = "2020-01-01"'
    )
    assert row(plan, ["t", "n"], ["9", ""]).cells == {"name": "其他", "note": "无", "day": "2020-01-01"}


def test_nothing_gets_no_prefix():
    assert row(mapping('[columns.code]\nfrom = "t"\nprefix = "a:"'), ["t"], [""]).cells == {"code": ""}


def test_a_date_of_another_form_is_a_problem():
    wrong = row(mapping('[columns.day]\nfrom = "t"\ndate = "%d/%m/%Y"'), ["t"], ["2017-05-03"])
    assert "不是 %d/%m/%Y 形式的日期" in wrong.problems[0].message


def test_rows_are_skipped_and_grouped():
    plan = mapping('group_by = "g"\ndifferences = "last"\n[skip]\nt = ["关闭", ""]\n[columns.code]\nfrom = "g"')
    mapper = Mapper(plan, KIND, ["g", "t"])
    assert [mapper.skips(SheetRow(2, cells)) for cells in (["1", "关闭"], ["1", ""], ["1", "开"])] == [
        True,
        True,
        False,
    ]
    assert mapper.group(SheetRow(2, ["1", "开"])) == ("1",)


def test_a_fault_of_the_file_counts_only_where_the_cell_is_used():
    plan = mapping('[columns.code]\nfrom = "a"')
    faults = (Fault(0, "公式"), Fault(1, "公式,没有用到"), Fault(None, "缺格"))
    made = row(plan, ["a", "b"], ["1", "2"], faults)
    assert [(one.column, one.message) for one in made.problems] == [("代码", "公式"), ("", "缺格")]


def test_a_column_that_the_file_lacks_is_named_with_those_it_has():
    with pytest.raises(Refused, match="没有这些列：Id.*表头是：a、b"):
        Mapper(mapping('[columns.code]\nfrom = "Id"'), KIND, ["a", "b"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("columns = 3", "columns"),
        ("not toml", "不是有效的 TOML"),
        ('kind = "others"\n[columns.code]\nfrom = "a"', "是给“others”的"),
        ('[columns.colour]\nfrom = "a"', "不认识“colour”.*code name day note"),
        ('[columns.code]\nfrom = "a"\nmapp = {}', "不认识“mapp”"),
        ("[columns.code]\nmap = {}", "from"),
        ('[columns.code]\nfrom = "a"\nconstant = "b"', "只能写一个"),
        ('[columns.code]\nfrom = "a"\notherwise = "b"', "otherwise"),
        ('[columns.code]\nfrom = "a"\nscheme = "Bad Scheme"', "小写字母"),
        ('[columns.code]\nfrom = "a"\nscheme = "x"\nprefix = "y"', "只能写一个"),
        ('[columns.code]\nfrom = ["a", 5, true]', "要写成文字"),
        ('differences = "maybe"\n[columns.code]\nfrom = "a"', "refuse first last"),
        ('skip = "x"\n[columns.code]\nfrom = "a"', "skip"),
        ('colour = 1\n[columns.code]\nfrom = "a"', "不认识“colour”"),
        ("[columns.code]\nfrom = [[[[", "TOML"),
    ],
)
def test_a_mapping_that_cannot_be_used_says_where(text, said):
    with pytest.raises(Refused, match=said):
        mapping(text)


TEXTS = st.text(st.characters(blacklist_categories=("Cs",)), max_size=15)
RULES = st.one_of(
    st.builds(
        Rule,
        sources=st.lists(TEXTS, min_size=1, max_size=3).map(tuple),
        default=TEXTS,
        values=st.none() | st.dictionaries(TEXTS, TEXTS, max_size=3),
        prefix=TEXTS,
        date=st.sampled_from(["", "%d/%m/%Y"]),
    ),
    st.builds(Rule, constant=TEXTS),
)


@given(
    st.dictionaries(st.sampled_from(["code", "name", "day", "note"]), RULES, min_size=1),
    st.lists(TEXTS, max_size=2).map(tuple),
)
def test_a_plan_written_down_is_the_plan_read_again(columns, group_by):
    plan = Plan(columns, group_by, "last" if group_by else "refuse", {"s": frozenset({"x", ""})}, "题")
    assert read_plan(write_plan(plan, KIND), KIND) == plan


def test_plain_headings():
    assert plain("统一社会信用代码 *") == plain("统一社会信用代码(必填)") == "统一社会信用代码"
