"""Changes laid over the packaged tables: what is in force on which day, who sees it, and what does not move."""

import threading
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhunsheng.engine import clock, columns, tables
from zhunsheng.engine.tables import Amendment, Overlay, Row

RATIOS = "inspection/ratios"
KEY = ("default", "A")
DAY = date(2027, 3, 1)
DAYS = st.dates(date(2016, 1, 1), date(2035, 12, 31))


def ratio(day: date) -> str:
    return tables.load(RATIOS).find(day, scheme="default", risk_class="A")["ratio"]


def change(value: str | None, day: date = DAY, until: date | None = None, no: str = "G-1") -> Amendment:
    cells = None
    if value is not None:
        row = tables.packaged(RATIOS).find(DAY, scheme="default", risk_class="A")
        cells = {column: row[column] for column in row if column not in tables.META} | {"ratio": value}
    return Amendment(no, RATIOS, KEY, cells, "某市文件", "sure", day, until)


def over(*changes: Amendment) -> Overlay:
    return Overlay("x", changes)


def test_a_change_closes_the_old_row_and_opens_a_new_one():
    before = ratio(DAY)
    with tables.under(over(change("0.07"))):
        assert (ratio(DAY - timedelta(days=1)), ratio(DAY)) == (before, "0.07")
        old, new = [row for row in tables.load(RATIOS).rows if tables.key_of(tables.load(RATIOS), row) == KEY]
        assert (old.valid_to, old["valid_to"], old["ratio"], old.change) == (
            date(2027, 2, 28),
            "2027-02-28",
            before,
            "",
        )
        assert (new.valid_from, new.valid_to, new["valid_from"], new.change) == (DAY, None, "2027-03-01", "G-1")
        assert (new.source, new["source"], new.confidence) == ("某市文件", "某市文件", "sure")
        assert tables.check(RATIOS) == ()
    assert ratio(DAY) == before
    assert tables.packaged(RATIOS).find(DAY, scheme="default", risk_class="A")["ratio"] == before


def test_the_row_of_the_file_is_seen_through_every_state():
    with tables.under(over(change("0.07"))):
        assert tables.packaged(RATIOS).rows[0].valid_to is None


def test_a_row_can_end_and_a_new_key_can_begin():
    fresh = Amendment(
        "G-2", RATIOS, ("default", "E"), dict(change("0.5").cells, risk_class="E"), "某市文件", "sure", DAY
    )
    with tables.under(over(change(None), fresh)):
        table = tables.load(RATIOS)
        assert [row["risk_class"] for row in table.valid_on(DAY) if row["scheme"] == "default"] == ["B", "C", "D", "E"]
        with pytest.raises(tables.TableError, match="没有有效的行"):
            table.find(DAY, scheme="default", risk_class="A")


def test_a_change_before_a_later_one_ends_where_that_begins():
    later = change("0.09", date(2028, 1, 1), no="G-1")
    earlier = change("0.07", DAY, no="G-2")
    with tables.under(over(later, earlier)):
        assert [ratio(d) for d in (DAY, date(2027, 12, 31), date(2028, 1, 1))] == ["0.07", "0.07", "0.09"]
        assert tables.check(RATIOS) == ()


def test_a_row_that_never_came_into_force_gives_way_to_one_of_the_same_day():
    with tables.under(over(change("0.07"), change("0.08", no="G-2"))):
        assert ratio(DAY) == "0.08"
        assert [row.change for row in tables.load(RATIOS).rows if row.change] == ["G-2"]


def test_a_change_for_a_time_leaves_a_gap_behind():
    with tables.under(over(change("0.07", DAY, date(2027, 3, 31)))):
        assert ratio(date(2027, 3, 31)) == "0.07"
        with pytest.raises(tables.TableError):
            ratio(date(2027, 4, 1))


def test_a_thread_does_not_see_what_another_lays_under_itself():
    seen: list[str] = []
    with tables.under(over(change("0.07"))):
        thread = threading.Thread(target=lambda: seen.append(ratio(DAY)))
        thread.start()
        thread.join()
        assert ratio(DAY) == "0.07"
    assert seen == [ratio(DAY)]


def test_what_is_laid_for_the_process_gives_way_to_what_is_laid_here():
    try:
        tables.lay(over(change("0.07")))
        assert ratio(DAY) == "0.07"
        with tables.under(tables.NOTHING):
            assert ratio(DAY) != "0.07"
    finally:
        tables.lay(tables.NOTHING)


def test_what_is_kept_of_a_table_is_made_anew_after_a_change_of_it_only():
    made: list[int] = []

    @tables.kept("inspection/")
    def first(n: int) -> str:
        made.append(n)
        return tables.load(RATIOS).rows[0]["ratio"]

    first(1)
    first(1)
    with tables.under(Overlay("y", (Amendment("G", "draw/reentry", ("x",), None, "s", "sure", DAY),))):
        first(1)
    assert made == [1]
    with tables.under(over(change("0.07", date(2016, 1, 1)))):
        first(1)
    assert made == [1, 1]


def test_a_year_of_holidays_is_a_table_of_its_own():
    like = tables.load("working_days/2026")
    day = date(2027, 2, 8)
    row = Row(
        {"date": "2027-02-08", "kind": "holiday", "name": "春节", "name_en": "Spring Festival"},
        "国办发明电",
        "sure",
        None,
        None,
    )
    table, problems = tables.new_table("working_days/2027", "2027年放假", "Holidays of 2027", like, [row])
    assert problems == ()
    assert clock.default_calendar().day(day).provisional
    due = clock.deadline(date(2027, 2, 5), 1, clock.Unit.WORKING_DAY)
    assert (due.due, due.provisional) == (day, True)
    with tables.under(Overlay("z", (), {"working_days/2027": table})):
        assert "working_days/2027" in tables.names()
        assert not clock.default_calendar().is_working(day)
        assert clock.deadline(date(2027, 2, 5), 1, clock.Unit.WORKING_DAY).due == date(2027, 2, 9)
    assert "working_days/2027" not in tables.names()
    twice = tables.new_table("working_days/2027", "", "", like, [row, row])[1]
    assert [reason.code for reason in twice] == ["tables.overlap"]
    assert [reason.code for reason in tables.new_table("working_days/2027", "", "", like, [])[1]] == ["tables.empty"]


@given(st.lists(st.tuples(DAYS, st.sampled_from(["0.01", "0.2", None])), max_size=6), DAYS)
def test_whatever_the_changes_a_day_has_one_row_at_most_and_other_keys_stay(changes, day):
    with tables.under(over(*(change(value, when, no=f"G-{n}") for n, (when, value) in enumerate(changes)))):
        assert tables.check(RATIOS) == ()
        table = tables.load(RATIOS)
        mine = [row for row in table.valid_on(day) if tables.key_of(table, row) == KEY]
        assert len(mine) <= 1
        others = [row for row in table.rows if tables.key_of(table, row) != KEY]
    assert others == [r for r in tables.packaged(RATIOS).rows if tables.key_of(tables.packaged(RATIOS), r) != KEY]
    if changes and mine and mine[0].change:
        number = int(mine[0].change.removeprefix("G-"))
        assert changes[number][0] <= day


@given(DAYS, DAYS)
def test_days_before_a_change_stay_as_they_were(when, day):
    with tables.under(over(change("0.07", when))):
        changed = ratio(day)
    assert changed == ("0.07" if day >= when else ratio(day))


class TestColumns:
    def test_kinds_are_told_from_the_rows(self):
        limits, ratios = tables.load("time_limits/inspection"), tables.load(RATIOS)
        assert columns.kind_of(limits, "amount") is columns.Kind.INTEGER
        assert columns.kind_of(ratios, "ratio") is columns.Kind.DECIMAL
        assert columns.kind_of(limits, "unit") is columns.Kind.CODE
        assert columns.kind_of(limits, "name") is columns.Kind.TEXT
        assert columns.kind_of(tables.load("working_days/2026"), "date") is columns.Kind.DATE
        assert columns.known_codes(limits, "unit") == ("calendar_day", "working_day")

    @pytest.mark.parametrize("name", tables.names())
    def test_every_packaged_row_fits_its_own_table(self, name):
        table = tables.load(name)
        for row in table.rows[:200]:
            cells = {column: row[column] for column in row if column not in tables.META}
            assert list(columns.misfits(table, cells)) == []

    @pytest.mark.parametrize(
        ("column", "value", "code"),
        [
            ("amount", "二十", "tables.not_integer"),
            ("amount", "", "tables.empty_cell"),
            ("unit", "fortnight", "tables.unknown_code"),
            ("nothing", "1", "tables.no_column"),
            ("note", "长" * 5000, "tables.long_cell"),
        ],
    )
    def test_a_cell_that_does_not_fit_is_named(self, column, value, code):
        table = tables.load("time_limits/inspection")
        row = table.rows[1]
        cells = {c: row[c] for c in row if c not in tables.META} | {column: value}
        assert [(c, reason.code) for c, reason in columns.misfits(table, cells)] == [(column, code)]

    def test_numbers_and_days_are_read_strictly(self):
        ratios, days = tables.load(RATIOS), tables.load("working_days/2026")
        base = {c: ratios.rows[0][c] for c in ratios.rows[0] if c not in tables.META}
        for bad in ("a lot", "NaN", "Infinity"):
            assert [r.code for _, r in columns.misfits(ratios, base | {"ratio": bad})] == ["tables.not_decimal"]
        day = {c: days.rows[0][c] for c in days.rows[0] if c not in tables.META}
        assert [r.code for _, r in columns.misfits(days, day | {"date": "2026-02-30"})] == ["tables.not_date"]
