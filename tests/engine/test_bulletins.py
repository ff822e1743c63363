"""Claims about the checker of printed totals: real bulletins first, then what it finds, then what holds for every table."""

import json
import time
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from zhunsheng.cli import main
from zhunsheng.engine.bulletins import (
    COUNTS,
    Column,
    Fault,
    PrintedRow,
    PrintedTable,
    Role,
    check_totals,
    members,
    read_table,
)
from zhunsheng.engine.errors import BulletinError

GOOD = """\
某市2024年第3期食品安全监督抽检情况,,,,
序号,食品类别,抽检批次,合格批次,不合格批次,合格率（%）
1,粮食加工品,120,118,2,98.3
2,食用油,54,53,1,98.1
3,乳制品,98,98,0,100
合计,,272,269,3,98.9
注：数据截至当日。,,,,,
"""


def check(text):
    return check_totals(read_table(text))


def faults(text):
    return [one.fault for one in check(text)]


def hints(text):
    return [hint.text() for one in check(text) for hint in one.hints]


# ---- real ----------------------------------------------------------------------------------------------------------


@pytest.mark.shared
def test_the_published_totals_come_out_as_printed(shared):
    table = read_table((shared / "data/bulletins/sampling_bulletins.csv").read_text("utf-8-sig"))
    assert len(table.rows) >= 13
    assert sum(len(row.rates) for row in table.rows) >= 7
    assert [len(below) for _, below in members(table)] == [5]  # the five classes of 2016 no. 47
    assert check_totals(table) == ()


@pytest.mark.shared
def test_nine_more_in_any_published_figure_is_found_where_another_binds_it(shared):
    table = read_table((shared / "data/bulletins/sampling_bulletins.csv").read_text("utf-8-sig"))
    found, missed = 0, set()
    for place, row in enumerate(table.rows):
        for column in row.counts:
            changed = replace(row, counts={**row.counts, column: row.counts[column] + 9})
            if check_totals(PrintedTable((*table.rows[:place], changed, *table.rows[place + 1 :]))):
                found += 1
            else:
                missed.add(column)
    assert found >= 45
    # A bulletin that does not print how many were left untested binds the sampled ones to nothing.
    assert missed <= {Column.SAMPLED}


# ---- what it finds -------------------------------------------------------------------------------------------------


def test_it_works():
    assert check(GOOD) == ()
    table = read_table(GOOD)
    assert [row.role for row in table.rows] == [Role.ITEM] * 3 + [Role.TOTAL]
    assert members(table) == ((3, (0, 1, 2)),)
    assert table.rows[0].rates == {Column.PASS_RATE: Decimal("98.3")}


def test_exchanged_digits_are_found_by_both_sums():
    text = GOOD.replace("98,98,0", "89,98,0")
    found = check(text)
    assert [one.fault for one in found] == [Fault.ROW_SUM, Fault.COLUMN_SUM]
    assert found[0].reason.text() == "第 5 行“乳制品”：抽检批次印作 89，而合格批次 98 + 不合格批次 0 = 98，差 9"
    assert (found[1].printed, found[1].computed) == ("272", "263")
    assert found[0].hints == found[1].hints
    assert hints(text)[0] == "可能是数字颠倒：第 5 行“乳制品”的抽检批次 89 若为 98，有关的 2 处都对得上"
    assert "two digits are exchanged" in found[0].text("en")


def test_one_wrong_cell_is_named():
    text = GOOD.replace("54,53,1,98.1", "54,57,1,98.1")
    assert "可能只错一格：第 4 行“食用油”的合格批次 57 若为 53，有关的 2 处都对得上" in hints(text)


@pytest.mark.parametrize(
    ("printed", "hint"),
    [
        ("98.8", "截去尾数才得 98.8%"),
        ("1.1", "合格率和不合格率可能填反：1.1% 是另一个率"),
        ("0.989", "0.989 是小数写法的率，不是百分数"),
        ("98.7", None),
    ],
)
def test_a_rate_that_is_not_the_quotient(printed, hint):
    (one,) = check(GOOD.replace("3,98.9", f"3,{printed}"))
    assert (one.fault, one.printed, one.row) == (Fault.RATE, printed, "合计")
    assert [h.text() for h in one.hints if h.code != "bulletins.averaged"] == ([hint] if hint else [])
    assert "269 ÷ 272" in one.reason.text()


def test_a_rate_rounded_up_is_told():
    text = "名称,检验批次,不合格批次,不合格率\n甲,300,1,0.4\n"
    assert hints(text) == ["一律进位才得 0.4%"]


def test_the_mean_of_the_rates_is_not_the_rate_of_the_totals():
    text = "地区,检验批次,合格批次,合格率\n甲,10,5,50\n乙,90,90,100\n合计,100,95,75\n"
    (one,) = check(text)
    assert one.computed == "95"
    assert [hint.text() for hint in one.hints] == ["把 2 行的率平均才得 75%；总的率应是总数相除"]


def test_a_rate_of_the_sampled_is_told():
    text = "名称,抽检批次,未检批次,检验批次,不合格批次,不合格率\n甲,100,20,80,8,8\n"
    (one,) = check(text)
    assert (one.computed, [hint.code for hint in one.hints]) == ("10", ["bulletins.of_sampled"])


@pytest.mark.parametrize("rate", ["2.3", "2.2"])
def test_at_a_tie_both_usual_roundings_are_good(rate):
    """9 of 400 are 2.25 %: half up gives 2.3, GB/T 8170 gives 2.2."""
    assert check(f"名称,检验批次,不合格批次,不合格率%\n甲,400,9,{rate}\n") == ()


def test_percentages_beyond_a_hundred_pairs_and_rates_of_nothing():
    assert faults("名称,检验批次,合格批次,合格率\n甲,10,10,100.1\n") == [Fault.RATE_RANGE]
    assert faults("名称,抽检批次,合格率,不合格率\n甲,10,92.0,7.0\n") == [Fault.RATE_PAIR]
    assert faults("名称,抽检批次,合格率,不合格率\n甲,10,92.0,8.0\n") == []
    assert faults("名称,检验批次,合格批次,合格率\n甲,0,0,100\n") == [Fault.RATE_OF_NOTHING]


def test_sampled_tested_and_not_tested():
    head = "名称,抽检批次,未检批次,检验批次,合格批次,不合格批次\n"
    assert faults(head + "甲,4796,4,4792,4329,463\n") == []
    assert faults(head + "甲,4796,3,4792,4329,463\n") == [Fault.TESTED]
    assert faults("名称,抽检批次,检验批次\n甲,10,11\n") == [Fault.ABOVE]
    assert faults("名称,检验批次,不合格批次\n甲,10,11\n") == [Fault.ABOVE]


def test_a_missing_row_is_told_by_its_size_and_by_the_numbers():
    text = "".join(line for line in GOOD.splitlines(keepends=True) if "食用油" not in line)
    found = check(text)
    assert Fault.MISSING_ROW in [one.fault for one in found]
    assert "比各行之和多出抽检批次 54、合格批次 53、不合格批次 1，正好可以是一行" in "".join(
        one.text() for one in found
    )
    assert "序号是 3，应为 2" in "".join(one.text() for one in found)


def test_a_row_printed_twice():
    line = "3,乳制品,98,98,0,100\n"
    found = check(GOOD.replace(line, line + line))
    assert [one.fault for one in found].count(Fault.DUPLICATE) == 3  # same name, same number, and what the total lacks
    text = "".join(one.text() for one in found)
    assert "与第 5 行完全相同，重复了" in text
    assert "正好是第 5 行“乳制品”" in text
    assert Fault.DUPLICATE in faults(GOOD.replace("食用油", "乳制品"))


def test_subtotals_below_or_above_their_rows():
    below = "名称,检验批次\n甲,1\n乙,2\n加工食品小计,3\n丙,4\n丁,5\n农产品小计,9\n戊,6\n合计,18\n"
    above = "名称,检验批次\n总计,12\n小计,3\n甲,1\n乙,2\n小计,9\n丙,4\n丁,5\n"
    assert check(below) == check(above) == ()
    assert [total for total, _ in members(read_table(below))] == [2, 5, 7]
    (one,) = check(below.replace("农产品小计,9", "农产品小计,8").replace("合计,18", "合计,17"))
    assert (one.row, one.printed, one.computed) == ("农产品小计", "8", "9")
    (one,) = check(above.replace("总计,12", "总计,13"))
    assert (one.row, one.computed) == ("总计", "12")


def test_parts_of_a_row_are_in_no_sum():
    assert check("名称,检验批次\n甲,10\n其中：进口,4\n乙,5\n合计,15\n") == ()


# ---- reading -------------------------------------------------------------------------------------------------------


def test_tabs_full_width_signs_units_and_page_breaks():
    text = "类 别\t抽检批次（批）\t合格批次（批）\t合格率（％）\n粮食\t１，２００\t1200批次\t１００％\n类 别\t抽检批次（批）\t合格批次（批）\t合格率（％）\n\n油\t—\t/\t\n合 计\t1,200\t1200\t100.00\n"
    table = read_table(text)
    assert [row.name for row in table.rows] == ["粮食", "合计"]
    assert table.rows[0].counts == {Column.SAMPLED: 1200, Column.PASSED: 1200}
    assert check_totals(table) == ()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "bulletins.no_heading"),
        ("甲,乙\n1,2\n", "bulletins.no_heading"),
        ("名称,合格率\n甲,100\n", "bulletins.no_heading"),
        ("名称,抽检批次\n", "bulletins.no_rows"),
        ("名称,抽检批次,抽样批次\n甲,1,1\n", "bulletins.column_twice"),
        ("名称,抽检批次\n甲,NaN\n", "bulletins.not_count"),
        ("名称,抽检批次\n甲,-1\n", "bulletins.not_count"),
        ("名称,抽检批次\n甲,1.5\n", "bulletins.not_count"),
        ("名称,抽检批次\n甲," + "9" * 13 + "\n", "bulletins.not_count"),
        ("名称,抽检批次,合格率\n甲,1,inf\n", "bulletins.not_rate"),
        ("名称,抽检批次\n甲,1,2\n", "bulletins.ragged"),
        ('名称,抽检批次\n"甲,1\n', "bulletins.not_csv"),
        ("x" * 2_000_001, "bulletins.too_long"),
        ("名称,抽检批次\n" + "甲,1\n" * 20_001, "bulletins.too_many_rows"),
        ("名称,抽检批次\n甲," + "1" * 100_000 + "\n", "bulletins.not_count"),
    ],
)
def test_what_cannot_be_read_is_refused(text, code):
    with pytest.raises(BulletinError) as refusal:
        read_table(text)
    assert refusal.value.code == code
    assert len(refusal.value.text()) < 300
    assert refusal.value.text("en")


@given(st.text('名称抽检批次合格率,\t\n"0123456789.%-（）注其中小计 ', max_size=200))
def test_any_text_is_read_or_refused(text):
    for head in ("", "名称,抽检批次,合格批次,不合格批次,合格率\n"):
        try:
            found = check(head + text)
        except BulletinError as error:
            assert error.text("en")
        else:
            assert all(one.text("zh") and one.text("en") for one in found)


# ---- invariants ----------------------------------------------------------------------------------------------------

counts = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 50)), min_size=1, max_size=8)


def printed(pairs, places=1):
    """A table that adds up, as an office that rounds half up would print it."""
    rows = [*enumerate(pairs), ("total", (sum(p for p, _ in pairs), sum(f for _, f in pairs)))]
    found = []
    for line, (number, (passed, failed)) in enumerate(rows, 2):
        of = passed + failed
        cells = {Column.TESTED: of, Column.PASSED: passed, Column.FAILED: failed}
        tenths = (passed * 100 * 10**places * 2 + of) // (2 * of) if of else 0
        rates = {Column.PASS_RATE: Decimal(tenths).scaleb(-places)} if of else {}
        role = Role.TOTAL if number == "total" else Role.ITEM
        found.append(PrintedRow(f"r{number}", line, cells, rates, role))
    return PrintedTable(tuple(found))


@given(counts, st.integers(0, 3))
def test_a_table_that_adds_up_has_no_finding(pairs, places):
    assert check_totals(printed(pairs, places)) == ()


@given(counts, st.data())
def test_any_changed_count_is_found_and_the_hint_can_mend_it(pairs, data):
    table = printed(pairs)
    place = data.draw(st.integers(0, len(table.rows) - 1))
    column = data.draw(st.sampled_from([c for c in COUNTS if c in table.rows[place].counts]))
    value = data.draw(st.integers(0, 600))
    row = table.rows[place]
    assume(value != row.counts[column])
    changed = replace(row, counts={**row.counts, column: value})
    found = check_totals(PrintedTable((*table.rows[:place], changed, *table.rows[place + 1 :])))
    sums = [one for one in found if one.fault in (Fault.ROW_SUM, Fault.COLUMN_SUM)]
    # The cell stands in a sum along its row and in one down its column; both fail, and putting it back mends both.
    assert len(sums) == 2
    for one in sums:
        offered = [(h.params["line"], h.params["column"], h.params["instead"]) for h in one.hints]
        names = {Column.TESTED: "检验批次", Column.PASSED: "合格批次", Column.FAILED: "不合格批次"}
        assert len(offered) == 3 or (row.line, names[column], row.counts[column]) in offered


@given(counts, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_no_finding(pairs, shuffle):
    table = printed(pairs)
    broken = replace(table.rows[-1], counts={**table.rows[-1].counts, Column.TESTED: 10_000})
    rows = list(table.rows[:-1])
    first = check_totals(PrintedTable((*rows, broken)))
    shuffle.shuffle(rows)
    second = check_totals(PrintedTable((*rows, broken)))
    assert [(one.fault, one.row, one.printed, one.computed) for one in first] == [
        (one.fault, one.row, one.printed, one.computed) for one in second
    ]


def test_the_largest_table_takes_seconds_not_minutes():
    body = "".join(f"r{n},100,99,1,99\n" for n in range(19_998))
    text = f"名称,检验批次,合格批次,不合格批次,合格率\n{body}合计,1999801,1979802,19998,99\n"
    start = time.perf_counter()
    found = check(text)
    assert [one.fault for one in found] == [Fault.ROW_SUM, Fault.COLUMN_SUM]
    assert time.perf_counter() - start < 30


# ---- command -------------------------------------------------------------------------------------------------------


def test_the_command(capsys, tmp_path):
    file = tmp_path / "bulletin.csv"
    file.write_text(GOOD, encoding="utf-8")
    assert main(("bulletin", "check", str(file))) == 0
    assert capsys.readouterr().out == "✓ 4 行，没有发现矛盾\n"
    file.write_bytes(GOOD.replace("98,98,0", "89,98,0").encode("gb18030"))
    assert main(("bulletin", "check", str(file), "--lang", "en")) == 1
    assert capsys.readouterr().out.endswith("4 rows, 2 findings\n")
    assert main(("bulletin", "check", str(file), "--json")) == 1
    answer = json.loads(capsys.readouterr().out)
    assert [one["fault"] for one in answer["findings"]] == ["row_sum", "column_sum"]
    file.write_bytes(b"\xff\xff\xff")
    for path in (file, tmp_path, tmp_path / "nowhere"):
        assert main(("bulletin", "check", str(path))) == 2
        assert capsys.readouterr().err.startswith("zhunsheng: ")
