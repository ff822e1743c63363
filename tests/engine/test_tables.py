"""Dated tables: what is read, what is refused, and why."""

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhunsheng.engine import tables
from zhunsheng.engine.errors import TableError

SIDE = 'title = "限额"\ntitle_en = "Limits"\nkey = ["code"]\nsource = "某文件"\nconfidence = "likely"\n'


@pytest.fixture
def root(tmp_path):
    tables._load.cache_clear()
    return tmp_path


def write(root: Path, csv: str | None, toml: str | None = SIDE, name: str = "limits") -> None:
    path = root / f"{name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    if csv is not None:
        path.write_text(csv, encoding="utf-8")
    if toml is not None:
        path.with_suffix(".toml").write_text(toml, encoding="utf-8")


def codes(problems):
    return [p.code for p in problems]


def test_it_reads_a_csv_with_its_side_file(root):
    write(
        root,
        "code,name,name_en,days,valid_from,valid_to,confidence\na, 甲 ,First,10,2014-10-01,2019-01-26,\na,乙,,20,2019-01-27,,sure\n",
    )
    table = tables.load("limits", root)
    assert (table.title, table.title_en, table.key, table.origin) == ("限额", "Limits", ("code",), str(root))
    first, second = table.rows
    assert (first["name"], first["confidence"], first.confidence, first.source) == ("甲", "likely", "likely", "某文件")
    assert (first.valid_from, first.valid_to, second.valid_to) == (date(2014, 10, 1), date(2019, 1, 26), None)
    assert (first.label(), first.label("en"), second.label("en")) == ("甲", "First", "乙")
    assert first.integer("days") == 10
    assert second.decimal("days") == Decimal(20)
    assert dict(first)["days"] == "10"
    assert first.get("nothing") is None


def test_the_day_decides_which_row_is_law(root):
    write(root, "code,days,valid_from,valid_to\na,10,2014-10-01,2019-01-26\na,20,2019-01-27,\nb,1,,\n")
    table = tables.load("limits", root)
    assert table.find(date(2019, 1, 26), code="a")["days"] == "10"
    assert table.find(date(2019, 1, 27), code="a")["days"] == "20"
    assert [r["code"] for r in table.valid_on(date(2014, 9, 30))] == ["b"]
    with pytest.raises(TableError) as error:
        table.find(date(2014, 9, 30), code="a")
    for said in ("limits", "code=a", "2014-09-30", "2014-10-01..2019-01-26"):
        assert said in error.value.text("zh")
        assert said in error.value.text("en")
    with pytest.raises(TableError, match="没有 code=z"):
        table.find(date(2020, 1, 1), code="z")
    with pytest.raises(TableError, match="2 行"):
        table.find(date(2020, 1, 1), valid_to="")


def test_it_reads_a_table_written_in_toml_alone(root):
    write(
        root,
        None,
        SIDE
        + '[[row]]\ncode = "a"\nrate = 1.50\nopen = true\nday = 2017-10-01\nuses = ["x", "y"]\nn = 3\n[[row]]\ncode = "b"\nsource = "另一文件"\n',
    )
    first, second = tables.load("limits", root).rows
    assert (first["rate"], first["open"], first["day"], first["n"]) == ("1.50", "true", "2017-10-01", "3")
    assert first.list("uses") == ("x", "y")
    assert first.day("day") == date(2017, 10, 1)
    assert (second["rate"], second.source, second.line) == ("", "另一文件", 2)


def test_a_city_stands_before_the_package(root):
    write(
        root,
        "department,category,name,name_en\n9,1,企业,Enterprise\n",
        SIDE.replace("code", "department"),
        "identifiers/uscc_categories",
    )
    assert len(tables.load("identifiers/uscc_categories", root).rows) == 1
    assert len(tables.load("identifiers/uscc_categories").rows) > 30
    assert tables.load("identifiers/provinces", root).origin == "package"
    assert "limits" not in tables.names()
    write(root, "code\na\n")
    assert {"limits", "identifiers/provinces"} <= set(tables.names(root))


@pytest.mark.parametrize(
    ("csv", "toml", "code"),
    [
        ("name\n甲\n", SIDE, "tables.missing_column"),
        ("code,confidence\na,certain\n", SIDE, "tables.bad_confidence"),
        ("code\na\n", 'key = ["code"]\nconfidence = "sure"\n', "tables.no_source"),
        ("code\na\n", 'key = ["code"]\nsource = "x"\n', "tables.bad_confidence"),
        ("code,valid_from\na,2017-13-01\n", SIDE, "tables.bad_date"),
        ("code,valid_from,valid_to\na,2017-02-01,2017-01-31\n", SIDE, "tables.reversed"),
        ("code,valid_from,valid_to\na,,2017-01-31\na,2017-01-31,\n", SIDE, "tables.overlap"),
        ("code\na\na\n", SIDE, "tables.overlap"),
        ('code\n""\n', SIDE, "tables.empty_key"),
        ("code\n", SIDE, "tables.empty"),
        ("", SIDE, "tables.missing_column"),
        ("code\na\n", SIDE + "titel = 1\n", "tables.unknown_setting"),
        ("code\na\n", SIDE + '[[row]]\ncode = "b"\n', "tables.two_bodies"),
        ("code\na,b\n", SIDE, "tables.unreadable"),
        ("code,code\na,b\n", SIDE, "tables.unreadable"),
        ('code\n"a\n', SIDE, "tables.unreadable"),
        ("code\na\n", "key = [", "tables.unreadable"),
        (None, SIDE + "row = 3\n", "tables.unreadable"),
        (None, SIDE + "[[row]]\ncode = {a = 1}\n", "tables.unreadable"),
    ],
)  # fmt: skip
def test_a_damaged_table_is_refused_whole(root, csv, toml, code):
    write(root, csv, toml)
    problems = tables.check("limits", root)
    assert code in codes(problems)
    assert all("limits" in p.text("zh") and "limits" in p.text("en") for p in problems)
    with pytest.raises(TableError, match="不予使用"):
        tables.load("limits", root)


def test_bytes_that_are_not_text_are_refused(root):
    write(root, "")
    (root / "limits.csv").write_bytes("code\n甲\n".encode("gbk"))
    assert "UTF-8" in tables.check("limits", root)[0].text("en")


def test_overlap_names_the_other_row(root):
    write(root, "code,valid_from,valid_to\na,2017-01-01,2017-12-31\nb,,\na,2017-06-01,\n")
    (problem,) = tables.check("limits", root)
    assert problem.params == {"where": "limits:4", "key": "a", "other": 2}


def test_a_cell_that_is_no_number_names_its_place(root):
    write(root, "code,days\na,ten\nb,1e999999\nc,NaN\n")
    a, b, c = tables.load("limits", root).rows
    for row, reader in ((a, a.integer), (a, a.decimal), (a, a.day), (c, c.decimal), (b, b.integer)):
        with pytest.raises(TableError, match=f"limits:{row.line}"):
            reader("days")
    with pytest.raises(TableError, match="没有“hours”"):
        a.integer("hours")


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/../b", "", "a//b", "a\\b", ".hidden", "x" * 500])
def test_a_name_that_leaves_the_folder_is_refused(name, root):
    with pytest.raises(TableError):
        tables.load(name, root)


def test_no_such_table(root):
    with pytest.raises(TableError, match="没有数据表 nowhere/nothing"):
        tables.load("nowhere/nothing")


def test_every_packaged_table_is_sound():
    assert tables.names()
    assert {name: codes(tables.check(name)) for name in tables.names() if tables.check(name)} == {}


@pytest.mark.parametrize("name", tables.names())
def test_a_source_is_a_statement_for_readers(name):
    """A law, a document or "set by this platform": never a note that the authors left for themselves."""
    for row in tables.load(name).rows:
        assert re.match(r"[a-z_ ]+:", row.source) is None, f"{name}: {row.source}"


@given(st.binary(max_size=300), st.binary(max_size=200))
def test_hostile_bytes_give_problems_and_no_crash(tmp_path_factory, csv, toml):
    root = tmp_path_factory.mktemp("hostile")
    (root / "limits.csv").write_bytes(csv)
    (root / "limits.toml").write_bytes(toml)
    for problem in tables.check("limits", root):
        assert problem.text("zh")
        assert problem.text("en")


spans = st.tuples(st.integers(0, 40), st.integers(0, 40)).map(sorted)


@given(st.lists(spans, min_size=1, max_size=5))
def test_overlap_is_found_exactly_when_two_rows_share_a_day(tmp_path_factory, pairs):
    root = tmp_path_factory.mktemp("overlap")
    day = date(2017, 1, 1).toordinal()
    rows = [f"a,{date.fromordinal(day + s)},{date.fromordinal(day + e)}" for s, e in pairs]
    write(root, "code,valid_from,valid_to\n" + "\n".join(rows) + "\n")
    shared = any(a[0] <= b[1] and b[0] <= a[1] for i, a in enumerate(pairs) for b in pairs[:i])
    assert ("tables.overlap" in codes(tables.check("limits", root))) == shared
