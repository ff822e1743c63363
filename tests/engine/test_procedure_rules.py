"""The engine of procedures beyond its data: guards, refusals, damaged files, invariants, pictures, the command."""

import json
import tomllib
import xml.etree.ElementTree as ET
from datetime import date, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhunsheng.cli import main
from zhunsheng.engine import procedure as P
from zhunsheng.engine.clock import CHINA, Unit
from zhunsheng.engine.errors import ProcedureError, TableError
from zhunsheng.engine.procedure import Event, Fact, Kind, Status, guard
from zhunsheng.engine.procedure.model import Named

AT = datetime(2024, 3, 4, 9, tzinfo=CHINA)
FACTS = {
    "fine": Fact("fine", "罚款", "fine", Kind.MONEY),
    "count_of": Fact("count_of", "数", "count", Kind.INTEGER),
    "kind": Fact("kind", "类", "kind", Kind.CHOICE, (Named("a", "甲", "A"), Named("b", "乙", "B"))),
    "day": Fact("day", "日", "day", Kind.DATE),
    "moment": Fact("moment", "时", "moment", Kind.MOMENT),
    "grave": Fact("grave", "重", "grave", Kind.FLAG),
    "text": Fact("text", "文", "text", Kind.TEXT),
}
STEPS, LIMITS = {"hear": 1}, {"reply": 1}

MINIMAL = """
code = "lamp"
name = "路灯"
name_en = "Lamp"

version = [{ id = "1", name = "版本", name_en = "version", source = "试", confidence = "assumed" }]
fact = [{ code = "place", name = "地点", name_en = "place", kind = "text" }]
state = [
  { code = "out", name = "坏", name_en = "out" },
  { code = "lit", name = "亮", name_en = "lit", final = true },
]
step = [
  { verb = "tell", name = "报", name_en = "Tell", from = ["start"], to = "out", roles = ["public"], needs = ["place"] },
  { verb = "mend", name = "修", name_en = "Mend", from = ["out"], to = "lit", roles = ["member"] },
  { verb = "delay", name = "延", name_en = "Delay", from = ["out"], roles = ["head"] },
  { verb = "wait", name = "等", name_en = "Wait", from = ["out"], roles = ["member"] },
  { verb = "go_on", name = "续", name_en = "Go on", from = ["out"], roles = ["member"] },
]
limit = [
  { code = "mend", name = "修复", name_en = "mend", starts = ["tell"], ends = ["mend"], amount = 5, unit = "working_day", longer = [{ verb = "delay", amount = 5, times = 3 }], pauses = [{ start = "wait", stop = ["go_on"], cause = "testing" }], source = "试", confidence = "assumed" },
]
"""


def written(folder: Path, text: str, code: str = "lamp") -> Path:
    """A data folder of one's own with this procedure in it."""
    (folder / "procedures").mkdir(exist_ok=True)
    (folder / "procedures" / f"{code}.toml").write_text(text, encoding="utf-8")
    return folder


def lamp(folder: Path, *changes: tuple[str, str], folder_number: list[int] = [0]) -> P.Procedure:  # noqa: B006
    """The lamp with some of its text exchanged. Each in a folder of its own: what was read is kept."""
    folder_number[0] += 1
    text = MINIMAL
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    own = folder / str(folder_number[0])
    own.mkdir()
    return P.load("lamp", date(2024, 3, 4), root=written(own, text))


# ---- guards


@pytest.mark.parametrize(
    ("text", "facts", "expected"),
    [
        ("fine <= yuan(3000)", {"fine": 300000}, True),
        ("fine <= yuan(3000)", {"fine": 300001}, False),
        ("fine == yuan(0) or grave", {"fine": 1, "grave": True}, True),
        ("not grave and kind in ('a', 'b')", {"grave": False, "kind": "b"}, True),
        ("kind not in ('a',)", {"kind": "a"}, False),
        ("kind != 'a'", {"kind": "b"}, True),
        ("1 <= count_of < 3", {"count_of": 2}, True),
        ("1 <= count_of < 3", {"count_of": 3}, False),
        ("day >= '2021-07-15'", {"day": date(2021, 7, 15)}, True),
        ("'2021-07-15' > day", {"day": date(2021, 7, 15)}, False),
        ("day in ('2021-07-15', '2022-01-01')", {"day": date(2022, 1, 1)}, True),
        ("moment > moment", {"moment": AT}, False),
        ("has(fine)", {}, False),
        ("has(fine) and fine > yuan(1)", {}, False),
        ("done('hear') and count('hear') == 2 and people('hear') == 1", {}, True),
        ("overdue('reply')", {}, True),
        ("(grave == True) == (count_of > 1)", {"grave": True, "count_of": 5}, True),
        ("text == '甲'", {"text": "甲"}, True),
    ],
)
def test_a_guard_holds_or_not(text, facts, expected):
    assert guard.check(text, FACTS, STEPS, LIMITS) is None
    scene = guard.Scene(facts, {"hear": ("li", "li")}, frozenset({"reply"}))
    assert guard.holds(text, FACTS, scene) is expected


def test_a_guard_that_needs_an_unknown_fact_names_it():
    with pytest.raises(guard.Unknown) as unknown:
        guard.holds("grave and fine > yuan(1)", FACTS, guard.Scene({"grave": True}))
    assert unknown.value.code == "fine"
    assert guard.holds("grave and fine > yuan(1)", FACTS, guard.Scene({"grave": False})) is False
    assert guard.names("has(fine) and day > '2020-01-01' and done('hear')") == {"fine", "day"}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("fine", "not_a_condition"),
        ("fine and grave", "not_a_condition"),
        ("no_such == 1", "unknown_fact"),
        ("has(no_such)", "unknown_fact"),
        ("done('no_such')", "unknown_step"),
        ("overdue('no_such')", "unknown_limit"),
        ("kind == 'c'", "unknown_choice"),
        ("kind in ('a', 'c')", "unknown_choice"),
        ("day > 'tomorrow'", "not_a_date"),
        ("fine > 3000", "kinds_differ"),  # fen or yuan? money is compared with yuan()
        ("text == 3", "kinds_differ"),
        ("day == moment", "kinds_differ"),
        ("text < 'b'", "no_order"),
        ("grave > grave", "no_order"),
        ("kind in fine", "not_allowed"),
        ("kind in ()", "not_allowed"),
        ("grave is True", "not_allowed"),
        ("__import__('os').system('true')", "not_allowed"),
        ("(lambda: grave)()", "not_allowed"),
        ("grave.real", "not_allowed"),
        ("count_of + 1 > 2", "not_allowed"),
        ("has('fine')", "not_allowed"),
        ("yuan(count_of) > fine", "not_allowed"),
        ("[grave for grave in ()]", "not_allowed"),
        ("grave if grave else grave", "not_allowed"),
        ("f'{grave}' == text", "not_allowed"),
        ("count_of == 1.5", "not_allowed"),
        ("grave ==", "syntax"),
        ("grave\x00", "syntax"),
        ("(" * 400 + "grave" + ")" * 400, "syntax"),
        ("grave and " * 400 + "grave", "too_long"),
    ],
)
def test_what_is_not_of_the_language_is_refused(text, code):
    reason = guard.check(text, FACTS, STEPS, LIMITS)
    assert reason is not None
    assert reason.code == f"procedure.guard.{code}"
    assert reason.text("zh") and reason.text("en")


@given(st.text(max_size=60))
def test_any_text_is_a_guard_or_is_refused_without_a_crash(text):
    guard.check(text, FACTS, STEPS, LIMITS)


# ---- files


def test_a_small_procedure_is_sound(tmp_path):
    assert P.check(lamp(tmp_path)) == ()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (('name_en = "Mend"', 'name_en = ""'), "one_language"),
        (('from = ["out"], to = "lit"', 'from = ["gone"], to = "lit"'), "unknown_state"),
        (('"out"], to = "lit", roles = ["member"]', '"out"], to = "lit", roles = []'), "no_role"),
        (('"out"], to = "lit", roles = ["member"]', '"out"], to = "lit", roles = ["king"]'), "unknown_role"),
        (('from = ["out"], to = "lit"', 'from = ["out"]'), "unreachable"),
        (('name_en = "lit", final = true', 'name_en = "lit"'), "no_end"),
        (('name_en = "lit", final = true', 'name_en = "lit"'), "dead_end"),
        (('from = ["out"], roles = ["head"]', 'from = ["lit"], roles = ["head"]'), "after_the_end"),
        (('from = ["out"], roles = ["head"]', 'from = [], roles = ["head"]'), "from_nowhere"),
        (('from = ["start"], to = "out"', 'from = ["start"]'), "bad_start"),
        (('needs = ["place"]', 'needs = ["place", "weight"]'), "unknown_fact"),
        (('needs = ["place"]', 'documents = ["place"]'), "unknown_document"),
        (('needs = ["place"]', 'apart = ["see"]'), "unknown_step"),
        (('needs = ["place"]', 'needs = ["place"], when = "place == 3", unless = "a", unless_en = "a"'), "bad_guard"),
        (('needs = ["place"]', 'needs = ["place"], when = "has(place)"'), "unexplained_guard"),
        (('needs = ["place"]', 'needs = ["place"], wording = "在{place}", wording_en = "at {where}"'), "unknown_placeholder"),
        (('needs = ["place"]', 'needs = ["place"], wording = "在{place}"'), "one_language"),
        (('needs = ["place"]', 'needs = ["place"], wording = "{", wording_en = "x"'), "bad_wording"),
        (('needs = ["place"]', 'allows = []'), "idle_fact"),
        (('needs = ["place"]', 'needs = ["place"], rules = ["whim"]'), "unknown_rule"),
        (('needs = ["place"]', 'needs = ["place"], rules = ["paid_in_full"]'), "rule_lacks_fact"),
        (('needs = ["place"]', 'needs = ["place"], note = "注"'), "one_language"),
        (("limit = [", 'metric = [{ code = "m", name = "率", name_en = "rate", kind = "count", steps = ["mend"], when = "weight" }]\nlimit = ['), "bad_guard"),
        (('ends = ["mend"]', 'ends = []'), "never_ends"),
        (('starts = ["tell"]', 'starts = []'), "never_starts"),
        (('starts = ["tell"], ends = ["mend"]', 'starts = ["mend"], ends = ["tell"]'), "end_unreachable"),
        (("amount = 5, unit", "amount = 0, unit"), "no_length"),
        (('unit = "working_day"', 'unit = "working_day", counts_from = "place"'), "not_a_time"),
        (('cause = "testing"', 'cause = "whim"'), "unknown_cause"),
        (('source = "试", confidence = "assumed" },\n]', 'source = "", confidence = "assumed" },\n]'), "no_source"),
        (('source = "试", confidence = "assumed" },\n]', 'source = "试", confidence = "maybe" },\n]'), "bad_confidence"),
        (('kind = "text" }', 'kind = "choice" }'), "choices"),
        (("limit = [", 'metric = [{ code = "m", name = "率", name_en = "rate", kind = "share", steps = ["mend"] }]\nlimit = ['), "bad_metric"),
        (("limit = [", 'publication = [{ code = "p", name = "公", name_en = "pub", on = "mend", facts = ["weight"] }]\nlimit = ['), "unknown_fact"),
    ],
)  # fmt: skip
def test_each_static_check_finds_its_mistake(tmp_path, change, code):
    problems = P.check(lamp(tmp_path, change))
    assert f"procedure.check.{code}" in [p.code for p in problems]
    assert all(p.text("zh") and p.text("en") for p in problems)


def test_a_personal_fact_is_never_published(tmp_path):
    public = 'publication = [{ code = "p", name = "公", name_en = "pub", on = "mend", facts = ["place"] }]\nlimit = ['
    changes = (('kind = "text" }', 'kind = "text", personal = true }'), ("limit = [", public))
    assert [p.code for p in P.check(lamp(tmp_path, *changes))] == ["procedure.check.personal_published"]


def test_a_limit_that_may_not_know_its_trigger_is_found(tmp_path):
    changes = (
        ('kind = "text" }]', 'kind = "text" }, { code = "told_on", name = "日", name_en = "day", kind = "date" }]'),
        ('needs = ["place"]', 'needs = ["place"], allows = ["told_on"]'),
        ('unit = "working_day"', 'unit = "working_day", counts_from = "told_on"'),
    )
    assert [p.code for p in P.check(lamp(tmp_path, *changes))] == ["procedure.check.not_given"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (('code = "lamp"', 'code = "lump"'), "other_code"),
        (('code = "lamp"', 'code = "lamp"\ncolour = "red"'), "unknown_key"),
        (('verb = "mend"', 'verb = ""'), "not_text"),
        (('verb = "mend"', 'verb = "tell"'), "twice"),
        (("final = true", "final = 1"), "not_flag"),
        (("amount = 5, unit", 'amount = "5", unit'), "not_number"),
        (("amount = 5, unit", "amount = -5, unit"), "not_number"),
        (('unit = "working_day"', 'unit = "week"'), "not_one_of"),
        (('roles = ["public"]', 'roles = "public"'), "not_texts"),
        (('verb = "mend"', 'in = ["2"], verb = "mend"'), "unknown_version"),
        (('confidence = "assumed" }]', 'confidence = "assumed", valid_from = "2020-01-01" }]'), "not_day"),
        (('confidence = "assumed" }]', 'confidence = "assumed" }, { id = "2", name = "二", name_en = "two" }]'), "versions_overlap"),
        (("version = [", "version = [] \nmetric = ["), "no_version"),
        (('state = [\n', 'state = [\n  "out",\n'), "not_a_table"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_says_where(tmp_path, change, code):
    with pytest.raises(ProcedureError) as error:
        lamp(tmp_path, change)
    assert error.value.code == f"procedure.file.{code}"
    assert error.value.text("en")


def test_no_file_and_broken_files_are_refused(tmp_path):
    with pytest.raises(TableError):
        P.load("no_such", date(2024, 1, 1))
    for name in ("../complaint", "a/b", ""):
        with pytest.raises(TableError):
            P.versions(name)
    written(tmp_path, "code = [", "torn")
    with pytest.raises(TableError):
        P.versions("torn", tmp_path)


def test_a_city_may_bring_its_own_procedure(tmp_path):
    root = written(tmp_path, MINIMAL)
    assert "lamp" in P.codes(root)
    assert "complaint" in P.codes(root)
    assert "lamp" not in P.codes()


def test_choices_come_from_a_table_that_a_city_may_bring(tmp_path):
    (tmp_path / "lamp").mkdir()
    cells = "code,name,name_en,valid_to\npark,公园,park,\nmarket,市场,market,2010-01-01\n"
    (tmp_path / "lamp" / "places.csv").write_text(cells, encoding="utf-8")
    side = 'title = "地点"\ntitle_en = "Places"\nkey = ["code"]\nsource = "试"\nconfidence = "assumed"\n'
    (tmp_path / "lamp" / "places.toml").write_text(side, encoding="utf-8")
    text = MINIMAL.replace('kind = "text" }', 'kind = "choice", choices_from = "lamp/places" }')
    procedure = P.load("lamp", date(2024, 3, 4), root=written(tmp_path, text))
    assert P.check(procedure) == ()
    place = procedure.facts["place"]
    assert [c.code for c in place.choices] == ["park", "market"], "a matter outlives a row of the table"
    assert P.shown(procedure, "place", "park", "en") == "park"
    with pytest.raises(ProcedureError):
        P.read_value(place, "street")
    with pytest.raises(TableError):
        P.versions("lamp", written(tmp_path_of(tmp_path), text))


def tmp_path_of(folder: Path) -> Path:
    """A folder without the table."""
    (folder / "bare").mkdir()
    return folder / "bare"


def test_a_rule_whose_fact_is_not_known_refuses_by_its_name():
    """`life_safety` and the figures are optional to a rule; what it needs is asked for."""
    from zhunsheng.engine.procedure import rules

    procedure = P.load("penalty", AT)
    case = rules.Case({}, (), AT, AT, "", procedure.facts)
    for name, rule in rules.RULES.items():
        if set(rule.needs) <= set(procedure.facts):
            found = list(rules.objections((name,), case))
            assert [r.code for r in found] == ["procedure.rule_needs"] * len(rule.needs), name
            assert all(r.text("zh") and r.text("en") for r in found)


# ---- versions


def test_a_matter_is_run_by_the_version_of_its_first_day():
    assert P.load("complaint", date(2019, 12, 31), "aic").version.code == "2017-aic"
    assert P.load("complaint", date(2020, 1, 1), "aic").version.code == "2020"
    assert P.load("complaint", date(2020, 1, 1)).version.code == "2020"
    # an instant is taken by its day in China
    assert P.load("complaint", datetime.fromisoformat("2019-12-31T16:30+00:00"), "aic").version.code == "2020"
    assert P.version("complaint", "2017-fda").version.organ == "fda"
    for code, call in (
        ("procedure.which_organ", lambda: P.load("complaint", date(2017, 5, 12))),
        ("procedure.none_in_force", lambda: P.load("complaint", date(1970, 1, 1), "aic")),
        ("procedure.no_version", lambda: P.version("complaint", "2030")),
    ):
        with pytest.raises(ProcedureError) as error:
            call()
        assert error.value.code == code
        assert error.value.text("en")


def test_both_versions_of_2017_and_of_today_are_there():
    for code in ("complaint", "violation_report", "penalty", "rectification", "recall", "re_test", "serious_violation_list",
                 "disclosure_request", "accountability"):  # fmt: skip
        assert len(P.versions(code)) > 1, code


# ---- what is refused


def opened(procedure: P.Procedure) -> P.Standing:
    return P.start(procedure, Event("tell", AT, "p", "public", {"place": "人民路"}))


@pytest.mark.parametrize(
    ("event", "codes"),
    [
        (Event("fly", AT, "a", "member"), {"unknown_step"}),
        (Event("tell", AT, "a", "public", {"place": "x"}), {"wrong_state"}),
        (Event("mend", AT, "a", "king"), {"wrong_role"}),
        (Event("mend", AT - timedelta(hours=1), "a", "member"), {"before_last"}),
        (Event("mend", AT.replace(tzinfo=None), "a", "member"), {"no_time_zone"}),
        (Event("mend", AT, "a", "member", {"place": "x"}), {"fact_not_here"}),
        (Event("mend", AT, "a", "member", {"weight": 3}), {"unknown_fact"}),
        (Event("mend", AT - timedelta(hours=1), "a", "head"), {"before_last", "wrong_role"}),
    ],
)
def test_a_step_is_refused_with_every_reason(tmp_path, event, codes):
    verdict = P.judge(opened(lamp(tmp_path)), event)
    assert not verdict.allowed
    assert {reason.code.split(".")[-1] for reason in verdict.reasons} == codes
    assert all(reason.text("zh") and reason.text("en") for reason in verdict.reasons)
    with pytest.raises(ProcedureError, match="lamp 2"):
        P.apply(lamp(tmp_path), opened(lamp(tmp_path)).history, event)


def test_a_fact_of_the_wrong_kind_is_refused():
    for kind, good, bad in (
        (Kind.TEXT, "x", " "),
        (Kind.INTEGER, 3, -1),
        (Kind.INTEGER, 0, True),
        (Kind.MONEY, 300001, 3000.01),
        (Kind.DATE, "2017-05-12", "12.5.2017"),
        (Kind.DATE, date(2017, 5, 12), AT),
        (Kind.MOMENT, "2017-05-12T09:00", "9:00"),
        (Kind.FLAG, False, 0),
        (Kind.UNIT, "uscc:91350100M000100Y43", "91350100M000100Y43"),
        (Kind.DOCUMENT, "a" * 64, "A" * 64),
        (Kind.CHOICE, "a", "c"),
    ):
        fact = Fact("f", "项", "fact", kind, FACTS["kind"].choices if kind is Kind.CHOICE else ())
        P.read_value(fact, good)
        for wrong in (bad, None, [good]):
            with pytest.raises(ProcedureError) as error:
                P.read_value(fact, wrong)
            assert error.value.code == f"procedure.misfit.{kind}"
            assert error.value.text("zh") and error.value.text("en")


def test_options_tell_who_may_do_what_now(tmp_path):
    standing = opened(lamp(tmp_path))
    verdicts = {v.step.code: v for v in P.options(standing, by="a", role="member", at=AT)}
    assert verdicts.keys() == {"mend", "delay", "wait", "go_on"}
    assert verdicts["mend"].allowed
    assert [r.code for r in verdicts["delay"].reasons] == ["procedure.wrong_role"]
    assert P.options(P.Standing(lamp(tmp_path), ()), by="p", role="public", at=AT)[0].allowed


# ---- invariants


def value_for(fact: Fact, draw: st.DataObject, at: datetime) -> object:
    strategies = {
        Kind.TEXT: st.sampled_from(["甲", "乙", "x"]),
        Kind.INTEGER: st.integers(0, 120),
        Kind.MONEY: st.sampled_from([0, 1, 5000, 20000, 300000, 10**7, 10**9, 10**10]),
        Kind.DATE: st.integers(-3, 40).map(lambda n: at.date() + timedelta(days=n)),
        Kind.MOMENT: st.integers(-3, 40).map(lambda n: at + timedelta(hours=n)),
        Kind.CHOICE: st.sampled_from([c.code for c in fact.choices] or ["-"]),
        Kind.FLAG: st.booleans(),
        Kind.UNIT: st.just("uscc:91350100M000100Y43"),
        Kind.DOCUMENT: st.just("0" * 64),
    }
    return draw.draw(strategies[fact.kind])


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_random_legal_walks_stay_inside_and_replay_the_same(data):
    code = data.draw(st.sampled_from(P.codes()))
    procedure = data.draw(st.sampled_from(P.versions(code)))
    at = datetime(2022, 3, 1, 9, tzinfo=CHINA)
    standing = P.Standing(procedure, ())
    for _ in range(data.draw(st.integers(1, 14))):
        steps = procedure.leading_from(standing.state.code)
        assert bool(steps) is not standing.ended, "only a final state has nothing after it"
        if not steps:
            break
        step = data.draw(st.sampled_from(steps))
        at += timedelta(hours=data.draw(st.sampled_from([0, 1, 5, 30, 200, 900, 9000])))
        facts = {c: value_for(procedure.facts[c], data, at) for c in (*step.needs, *step.documents)}
        event = Event(step.code, at, data.draw(st.sampled_from("abcd")), step.roles[0], facts)
        verdict = P.judge(standing, event)
        if not verdict.allowed:
            assert all(reason.text("zh") and reason.text("en") for reason in verdict.reasons)
            with pytest.raises(ProcedureError):
                P.apply(procedure, standing.history, event)
            continue
        before, standing = standing, P.apply(procedure, standing.history, event)
        assert standing.state.code in procedure.states
        assert len(standing.history) == len(before.history) + 1
        for due in standing.dues:
            assert due.trigger is not None
            assert all(reason.text("zh") and reason.text("en") for reason in due.reasons)
            assert due.live is (due.status(at) not in (Status.MET, Status.LATE, Status.LAPSED) and due.ended_at is None)
        assert not (standing.ended and any(due.live for due in standing.dues))
    again = P.replay(procedure, standing.history)
    assert again == standing
    assert again.dues == standing.dues
    raw = json.loads(json.dumps(P.write_history(standing.history), ensure_ascii=False))
    assert P.read_history(procedure, raw) == standing.history


@settings(max_examples=60, deadline=None)
@given(st.dates(date(2013, 1, 1), date(2025, 1, 1)), st.lists(st.sampled_from(["delay", "wait"]), max_size=4))
def test_an_extension_or_a_suspension_never_brings_the_deadline_nearer(tmp_path_factory, first, moves):
    procedure = small(tmp_path_factory)
    at = datetime(first.year, first.month, first.day, 9, tzinfo=CHINA)
    standing = P.start(procedure, Event("tell", at, "p", "public", {"place": "x"}))
    for move in moves:
        before = standing.next.last
        if move == "delay":
            event = Event("delay", at, "h", "head")
            if not P.judge(standing, event).allowed:
                continue
            standing = P.apply(procedure, standing.history, event)
        else:
            standing = P.apply(procedure, standing.history, Event("wait", at, "a", "member"))
            assert standing.next is None
            assert standing.dues[0].status(at) is Status.SUSPENDED
            at += timedelta(days=2)
            standing = P.apply(procedure, standing.history, Event("go_on", at, "a", "member"))
        assert standing.next.last >= before
    assert standing.next.deadline.unit is Unit.WORKING_DAY


def small(factory, kept: list[P.Procedure] = []) -> P.Procedure:  # noqa: B006
    if not kept:
        kept.append(lamp(factory.mktemp("lamp")))
    return kept[0]


def test_overlapping_suspensions_of_two_causes_count_once():
    """A penalty case is suspended while a test runs: the days of both are left out, the common ones once."""
    procedure = P.load("penalty", date(2023, 2, 20))
    paper = {"opening_approval": "0" * 64}
    facts = {"party": "uscc:1", "party_kind": "entity", "cause": "other", "handlers": 2, **paper}
    facts |= {"act_ended_on": date(2023, 1, 1), "found_on": date(2023, 2, 1), "life_safety": False}
    history = (
        Event("register_clue", moment(2, 1), "z", "member", {"clue_source": "report"}),
        Event("open_case", moment(2, 20), "w", "head", facts),
        Event("send_to_test", moment(3, 1), "z", "member"),
        Event("suspend", moment(3, 6), "w", "head", {"suspension_cause": "other_case", "suspension_reason": "x"}),
        Event("test_returned", moment(3, 16), "z", "member"),
    )
    decide = {d.limit.code: d for d in P.replay(procedure, history).dues}["decide"]
    assert decide.status(moment(3, 16)) is Status.SUSPENDED, "the test is back, the case is still suspended"
    resumed = P.replay(procedure, (*history, Event("resume", moment(3, 21), "w", "head")))
    decide = {d.limit.code: d for d in resumed.dues}["decide"]
    # 20 February + 90 = 21 May; 1 to 20 March are 20 days: 10 June, a Saturday; moved to Monday the 12th
    assert decide.deadline.due == date(2023, 6, 12)


def moment(month: int, day: int) -> datetime:
    return datetime(2023, month, day, 9, tzinfo=CHINA)


# ---- pictures, words


@pytest.mark.parametrize("code", P.codes())
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_procedure_can_be_drawn_and_told(code, lang):
    for procedure in P.versions(code):
        present = next(iter(procedure.states))
        text = P.diagram(procedure, lang, present)
        assert text == P.diagram(procedure, lang, present), "the same bytes"
        root = ET.fromstring(text)
        assert root.get("role") == "img"
        space = "{http://www.w3.org/2000/svg}"
        ids = [e.get("id") for e in root.iter() if e.get("id")]
        assert root.get("aria-labelledby").split() == [i for i in ids if i.endswith(("-title", "-desc"))]
        assert root.find(f"{space}title").text == procedure.label(lang)
        groups = [g.get("class") for g in root.iter(f"{space}g")]
        assert sum("state" in g.split() for g in groups) == len(procedure.states)
        assert sum("present" in g.split() for g in groups) == 1
        assert not any("style" in e.attrib for e in root.iter()), "a content security policy forbids inline styles"
        boxes = [r for r in root.iter(f"{space}rect") if r.get("height") == "58"]
        places = [(float(b.get("x")), float(b.get("y"))) for b in boxes]
        for n, (x, y) in enumerate(places):
            assert 0 <= x <= float(root.get("width")) - 152
            assert not any(abs(x - x2) < 152 and abs(y - y2) < 58 for x2, y2 in places[n + 1 :]), "no box on another"
        rows = P.table(procedure, lang)
        assert [row.number for row in rows] == list(range(1, len(procedure.steps) + 1))
        assert all(row.name and row.roles and row.sources for row in rows)


def test_a_state_that_is_not_there_cannot_be_marked():
    with pytest.raises(ProcedureError, match="nowhere"):
        P.diagram(P.versions("complaint")[-1], present="nowhere")


def test_the_wording_is_filled_in_both_languages():
    procedure = P.load("complaint", AT)
    facts = {"channel": "web", "subject": "s", "complainant": "张某", "contact": "1"}
    first = Event("receive", AT, "p", "public", facts)
    refusal = {"refusal_ground": "over_three_years", "refusal_notice": "0" * 64}
    history = (first, Event("refuse", AT + timedelta(days=1), "h", "head", refusal))
    assert P.wording(procedure, history[:1]) == ""
    assert "2024年3月5日决定不予受理" in P.wording(procedure, history)
    assert "more than three years" in P.wording(procedure, history, "en")
    with pytest.raises(ProcedureError):
        P.wording(procedure, ())


# ---- counting


def complaints() -> list[P.Standing]:
    """Three complaints: admitted in time and agreed, admitted late, and just received."""
    procedure = P.load("complaint", AT)
    told = {"channel": "web", "subject": "s", "complainant": "张某", "contact": "1", "four_meters": "gas"}
    admitted = {"respondent": "uscc:1", "admission_notice": "0" * 64}
    day = timedelta(days=1)
    first = Event("receive", AT, "p", "public", told)
    return [
        P.replay(
            procedure,
            (
                first,
                Event("admit", AT + day, "a", "member", admitted),
                Event("mediate", AT + 2 * day, "a", "member"),
                Event("agree", AT + 3 * day, "a", "member", {"recovered": 12345, "agreement": "0" * 64}),
                Event("inform", AT + 4 * day, "a", "member"),
                Event("close", AT + 5 * day, "a", "member"),
            ),
        ),
        P.replay(procedure, (first, Event("admit", AT + 30 * day, "a", "member", admitted))),
        P.replay(procedure, (Event("receive", AT + 29 * day, "p", "public", told),)),
    ]


def test_metrics_are_counted_exactly():
    matters, at = complaints(), AT + timedelta(days=30)
    metric = {m.code: m for m in matters[0].procedure.metrics}
    on_time = P.tally(metric["admit_on_time"], matters, at)
    assert (on_time.amount, on_time.of, on_time.value) == (1, 2, Fraction(1, 2)), "what still runs does not count"
    assert P.tally(metric["admit_on_time"], matters, AT + timedelta(days=90)).of == 3, "by then it is overdue"
    assert P.tally(metric["mediation_success"], matters, at).value == 1
    assert P.tally(metric["mediation_success"], matters[1:], at).value is None, "no data, not 0 %"
    assert P.tally(metric["recovered_loss"], matters, at) == P.Tally(12345)


def test_what_becomes_public_is_what_the_data_say():
    matters = complaints()
    (public,) = P.published(matters[0])
    assert (public.publication.form, dict(public.facts)) == ("anonymised", {"four_meters": "gas", "recovered": 12345})
    assert not public.over(AT + timedelta(days=9999))
    assert P.published(matters[1]) == ()


def test_a_listing_is_public_until_its_term_ends():
    procedure = P.load("serious_violation_list", AT)
    facts = {"party": "uscc:1", "ground": "x", "heavy_penalty": True, "malicious": True, "arose_on": AT.date()}
    history = (
        Event("propose", AT, "a", "member", facts),
        Event("notify", AT, "a", "member", {"notice_served_on": AT.date(), "notice": "0" * 64}),
        Event("list", AT + timedelta(days=20), "h", "head", {"entry_decision": "0" * 64}),
    )
    (public,) = P.published(P.replay(procedure, history))
    assert set(public.facts) == {"party", "ground", "entry_decision"}
    assert not public.over(AT + timedelta(days=1000))
    assert public.over(AT + timedelta(days=1200))
    removed = Event("expire", AT + timedelta(days=1200), "clock", "clock")
    assert P.published(P.replay(procedure, (*history, removed)))[0].over(removed.at)


# ---- the command


def ran(capsys, *arguments: str) -> tuple[int, str]:
    code = main(arguments)
    said = capsys.readouterr()
    return code, said.out + said.err


def history_file(folder: Path) -> Path:
    events = [
        {"verb": "receive", "at": "2024-04-25T09:30", "by": "web", "role": "public",
         "facts": {"channel": "web", "subject": "漏气", "complainant": "张某", "contact": "138"}},
        {"verb": "admit", "at": "2024-05-08T16:00", "by": "zhang", "role": "member",
         "facts": {"respondent": "uscc:91350100M000100Y43", "admission_notice": "0" * 64}},
    ]  # fmt: skip
    path = folder / "matter.json"
    path.write_text(json.dumps({"events": events}, ensure_ascii=False), encoding="utf-8")
    return path


def test_the_command_says_what_is_due_and_why(capsys, tmp_path):
    path = str(history_file(tmp_path))
    code, out = ran(capsys, "procedure", "due", "complaint", "--history", path, "--lang", "en")
    assert code == 0
    assert "period of mediation: 2024-07-10 (running)" in out
    assert "Dragon Boat" in out
    code, out = ran(capsys, "procedure", "due", "complaint", "--history", path, "--on", "2024-07-11", "--json")
    answer = json.loads(out)
    assert (answer["state"], answer["next"]) == ("admitted", "mediate")
    assert [(d["due"], d["status"]) for d in answer["due"]] == [("2024-07-10", "overdue")]


def test_the_command_lists_shows_and_checks(capsys, tmp_path):
    code, out = ran(capsys, "procedure", "list", "--json")
    assert {row["code"] for row in json.loads(out)} == set(P.codes())
    assert ran(capsys, "procedure", "list")[0] == 0
    code, out = ran(capsys, "procedure", "show", "complaint", "--on", "2017-05-12", "--organ", "aic", "--lang", "en")
    assert "by head of department" in out
    assert "within 60 calendar day(s)" in out
    assert ran(capsys, "procedure", "show", "penalty", "--svg")[1].startswith("<svg")
    assert len(json.loads(ran(capsys, "procedure", "show", "penalty", "--json")[1])["steps"]) > 30
    assert ran(capsys, "procedure", "check")[0] == 0
    root = written(tmp_path, MINIMAL.replace('roles = ["head"]', "roles = []"))
    code, out = ran(capsys, "procedure", "check", "--root", str(root), "--lang", "en")
    assert code == 1
    assert "lamp 1: the step “delay” names no role" in out
    assert ran(capsys, "procedure", "check", "--root", str(written(root, "code = 3")), "--json")[0] == 1


@pytest.mark.parametrize(
    "content",
    ["", "[", "3", "{}", "[]", "[3]", '[{"verb": "receive"}]', '[{"verb": "receive", "at": "noon", "by": "a", "role": "b"}]',
     '[{"verb": "receive", "at": "2024-03-04", "by": "a", "role": "public", "facts": {"weight": 1}}]',
     '[{"verb": "receive", "at": "2024-03-04", "by": "a", "role": "public", "facts": {"claim": -1}}]',
     '[{"verb": "admit", "at": "2024-03-04", "by": "a", "role": "public"}]', "[" * 100000],
)  # fmt: skip
def test_a_damaged_history_is_refused_in_words(capsys, tmp_path, content):
    path = tmp_path / "matter.json"
    path.write_text(content, encoding="utf-8")
    code, out = ran(capsys, "procedure", "due", "complaint", "--history", str(path), "--lang", "en")
    assert code == 2
    assert out.startswith("zhunsheng: ")
    assert ran(capsys, "procedure", "due", "complaint", "--history", str(tmp_path / "none.json"))[0] == 2


def test_the_causes_of_action_are_sound_and_lead_to_offences():
    from zhunsheng.engine import tables

    rows = tables.load("enforcement/causes").valid_on(date(2018, 1, 1))
    assert {"counterfeit", "intellectual_property", "online"} <= {row["field"] for row in rows}
    for row in rows:
        assert bool(row["offence"]) == (row["threshold"] != "none")
        assert bool(row["amount_yuan"]) == (row["threshold"] in ("sales", "stock", "turnover", "gain", "loss"))
    fake = [r for r in rows if r["code"] == "quality.fake"]
    assert {r["threshold"]: r.integer("amount_yuan") for r in fake} == {"sales": 50000, "stock": 150000}


def test_the_example_of_the_rule_page_is_true():
    page = (Path(__file__).parents[2] / "docs/rules/procedures.md").read_text(encoding="utf-8")
    code = page.split("```python\n")[1].split("```")[0]
    known: dict = {}
    exec(code, known)  # the page's own lines
    assert known["standing"].state.name_en == "admitted"
    assert known["standing"].next.deadline.due == date(2024, 7, 10)


def test_the_chinese_rule_page_names_every_procedure():
    text = (Path(__file__).parents[2] / "docs/rules/procedures.zh.md").read_text(encoding="utf-8")
    for code in P.codes():
        name = P.versions(code)[-1].name.split("（")[0]
        assert name.removesuffix("列入和移出").removesuffix("办理") in text, code


def test_every_vector_file_is_a_procedure():
    folder = Path(__file__).parents[1] / "vectors/procedures"
    for path in folder.glob("*.toml"):
        assert path.stem in P.codes()
        assert tomllib.loads(path.read_text(encoding="utf-8"))["walk"]
