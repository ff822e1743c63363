"""Reading by the million: what is read fast is read with the same answers as by the strict parser."""

import json
import mmap
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.engine.draw_sample import UNITS, N, announce, carry_out, joint, sealed, whole
from tests.engine.test_draw_verify import first_failure
from zhunsheng.engine.draw import bundle, freeze, thaw, verify
from zhunsheng.engine.draw import scan as scanning
from zhunsheng.engine.draw.leaf import LeafReader, out_of_scope, read_columns
from zhunsheng.engine.draw.scan import NotPlain, Region
from zhunsheng.engine.errors import DrawError, ZhunshengError
from zhunsheng.engine.identifiers import USCC_ALPHABET, make_uscc, parse_id, quick_unit_id
from zhunsheng.engine.public_log import canonical, parse_canonical

GOOD = canonical(whole())

# one line


def strictly(line, lists, pareto, scope):
    """The rule itself: the strict parser, then the columns."""
    leaf = parse_canonical(line)
    if not isinstance(leaf, dict):
        raise DrawError("draw.field.not_object", at="leaf")
    unit_id, places = read_columns(leaf, lists, pareto)
    weights = tuple((p.stratum, p.size, p.weight) for p in places if p.stratum in pareto and not p.exclusion)
    return unit_id, tuple((p.stratum, p.exclusion) for p in places), out_of_scope(leaf, scope), weights


def answer(call):
    try:
        return call()
    except ZhunshengError as error:
        return error.reason


def fast(reader, line):
    unit, alike, weights = reader.read(line)
    return unit.decode(), tuple((p.stratum, p.exclusion) for p in alike.places), alike.outside, weights


names = st.sampled_from(["id", "stratum", "exclusion", "size", "lambda", "division", "name", "名称", "\U0001d518", "food.stratum",
                         "food.exclusion", "food.size", "food.lambda", "fire.stratum", "other.stratum", "a\"b"])  # fmt: skip
values = st.one_of(
    st.sampled_from(["A", "B", "CAP", "", "411602", "4113", "demo:1", "demo:2", "uscc:91350100M000100Y43", "x\ny", 'a"b', "a\\b"]),
    st.text(max_size=4), st.integers(-2, 5), st.sampled_from([2**53 - 1, 2**60, 10**15, 1.5, True, None]), st.just([]),
)  # fmt: skip
leaves = st.dictionaries(names, values, max_size=6).map(lambda leaf: {"id": "demo:0", "stratum": "A"} | leaf)
readers = st.sampled_from(
    [
        ((), (), {}),
        ((), ("A",), {}),
        ((), (), {"division": ["4116", "411303"]}),
        ((), ("B",), {"id": ["demo:"], "stratum": ["A", "B"]}),
        (("fire", "food"), (), {}),
        (("fire", "food"), ("food/A", "fire/B"), {"division": ["4116"]}),
    ]
)


def written(leaf):
    """A line as a stranger may write it: canonical or nearly so."""
    return json.dumps(leaf, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8", "replace")


@given(readers, st.lists(leaves, min_size=1, max_size=6), st.integers(0, 200), st.integers(32, 126))
@example(((), ("A",), {}), [{"id": "demo:0", "stratum": "A", "size": 3, "lambda": 1000}], 0, 32)
def test_a_line_is_read_as_the_strict_parser_reads_it(terms, units, at, byte):
    """Whatever was learned from earlier lines: the same id, places, scope, weights, or the same refusal."""
    lists, pareto, scope = terms
    reader = LeafReader(lists, pareto, scope)
    for leaf in units:
        line = written(leaf)
        bent = line[: at % len(line)] + bytes([byte]) + line[at % len(line) + 1 :]
        for one in (line, line, bent):
            try:
                one.decode()
            except UnicodeDecodeError:
                continue
            expected = answer(lambda one=one: strictly(one, lists, pareto, scope))
            assert answer(lambda one=one: fast(reader, one)) == expected


@given(st.data())
def test_a_code_is_judged_as_parse_id_judges_it(data):
    org = data.draw(st.text(USCC_ALPHABET, min_size=8, max_size=8))
    code = make_uscc(
        data.draw(st.sampled_from(["91", "92", "12", "Y1", "A1", "9X"])),
        data.draw(st.text("0123456789", min_size=6, max_size=6)),
        org,
    )
    at = data.draw(st.integers(0, 18))
    bent = code[:at] + data.draw(st.text(USCC_ALPHABET + "OIZSV x|=", max_size=1)) + code[at + 1 :]
    for text in (f"uscc:{code}", f"uscc:{bent}", f"reg:{code}", f"demo:{bent}", bent, f"resident:{code}"):
        try:
            parse_id(text)
            right = "|" not in text and "=" not in text
        except ZhunshengError:
            right = False
        assert quick_unit_id(text.encode()) <= right
        if text.startswith(("uscc:", "demo:")):
            assert quick_unit_id(text.encode()) == right


# frames


cells = st.one_of(st.text(max_size=5), st.integers(-5, 5), st.none(), st.booleans())


@given(
    st.lists(
        st.tuples(st.sampled_from("AB"), st.dictionaries(st.sampled_from(["a", "z", "名"]), cells)),
        min_size=1,
        max_size=9,
    )
)
def test_freezing_writes_canonical_lines_and_thawing_gives_the_frame_back(rows):
    units = [{"id": f"demo:{n}", "stratum": stratum} | extra for n, (stratum, extra) in enumerate(rows)]
    try:
        expected = sorted(canonical(unit) for unit in units)
    except ZhunshengError:
        with pytest.raises(DrawError):
            freeze(units)
        return
    frame = freeze(units)
    assert sorted(frame.leaves) == expected
    assert thaw(frame.leaves) == frame


def test_thawing_refuses_what_was_not_frozen():
    lines = freeze(UNITS).leaves
    for bad in (lines[::-1], [*lines[:1], *lines], [b"{}"], [], [b"\xff"], [b'{"id":"demo:1", "stratum":"A"}']):
        with pytest.raises(DrawError):
            thaw(bad)


# whole files


def parsed(data):
    """The verdict with the region of the lines out of reach: everything through one strict parse."""
    return scanning_off(lambda: verify(data))


def scanning_off(call):
    found = Region.of
    Region.of = classmethod(lambda cls, data: (_ for _ in ()).throw(NotPlain))
    try:
        return call()
    finally:
        Region.of = found


def names_with_escapes():
    units = [*UNITS[:6], {"id": "demo:T0065", "stratum": "B", "名称": 'a"b\\c\n质'}, *UNITS[6:]]
    frame = freeze(units)
    announced = announce(frame=frame, assignment=None)
    return carry_out(announced, frame, assigned=False).bundle()


@pytest.mark.parametrize(
    "made", [whole(), whole(abandoned=True), sealed(), sealed(opened=False), joint(), names_with_escapes()],
    ids=["whole", "abandoned", "sealed", "unopened", "joint", "escapes"],
)  # fmt: skip
def test_a_stream_and_a_parse_agree_on_true_bundles(made, tmp_path, monkeypatch):
    data = canonical(made)
    assert Region.of(data).start > 0
    assert verify(data) == parsed(data) and verify(data).ok
    monkeypatch.setattr(scanning, "_CHUNK", 64)  # a few lines at a time
    assert verify(data) == parsed(data)
    path = tmp_path / "bundle.json"
    path.write_bytes(data)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert verify(mapped) == verify(data)
    for other in (json.dumps(made, indent=1), json.dumps(made, ensure_ascii=False, separators=(", ", ":"))):
        assert verify(other.encode()) == parsed(other.encode()) == verify(data)


START, END = Region.of(GOOD).start, Region.of(GOOD).end


@given(
    st.integers(START - 30, END + 30),
    st.integers(0, 3),
    st.sampled_from([b"", b'"', b"\\", b'\\"', b"}", b'}"', b'"]', b'}"]', b'","', b'}","{', b"\n", b" ", b"\\n", b"\xff", b"\xc3\xa9",
                     b"\\ud800", b"\\u0041", b"]", b"{", b'"open":{"leaves":["{', b"null", b"7"]) | st.binary(max_size=3),
)  # fmt: skip
@example(END - 2, 2, b'}"],["{}"')
@example(END, 0, b',"{}"')
def test_a_stream_and_a_parse_agree_on_bent_bundles(at, length, put):
    data = GOOD[:at] + put + GOOD[at + length :]
    assert verify(data) == parsed(data)


def test_a_place_that_only_looks_like_the_frame_is_not_taken_for_it():
    """The start of the lines inside a text, or deeper down, or of a second key."""
    for data in (
        GOOD.replace(b'{"announce"', b'{"abandon":{"open":{"leaves":["{}"]}},"announce"', 1),
        GOOD.replace(b'{"announce"', b'{"abandon":"\\"open\\":{\\"leaves\\":[\\"{","announce"', 1),
        GOOD.replace(b'{"announce"', b'{"open":{"leaves":["{}"]},"announce"', 1),
        GOOD.replace(b'"leaves":["', b'"leaves":[],"leaves":["', 1),
        GOOD.replace(b'"leaves":[', b'"at":"x","key":"00","leaves":[', 1),
        re.sub(rb'"open":\{"leaves":\[[^\]]*\]\}', b'"open":{"leaves":["{"]}', GOOD),
    ):
        assert data != GOOD
        verdict = verify(data)
        assert verdict == parsed(data) and first_failure(verdict) in ("format", "leaves-canonical")


def test_a_hundred_thousand_units_need_little_memory():
    """Nothing is kept of a line but its hash: the peak stays far below one object a unit."""
    import tracemalloc

    frame = freeze({"id": f"demo:{number:06}", "stratum": "ABCD"[number % 4]} for number in range(100_000))
    data = canonical(bundle(announcement=announce(frame=frame, n=dict.fromkeys(N, 50), assignment=None), frame=frame))
    del frame
    tracemalloc.start()
    try:
        assert verify(data).ok
        assert tracemalloc.get_traced_memory()[1] < 20 * 1024 * 1024
    finally:
        tracemalloc.stop()


def test_a_bound_that_cuts_too_much_is_followed_by_a_second_pass(monkeypatch):
    monkeypatch.setattr(scanning, "likely_bound", lambda n, size: b"\x00" * 32)
    monkeypatch.setattr(scanning, "likely_ticket", lambda a, scale: b"")
    assert verify(GOOD).ok and verify(canonical(joint())).ok
