"""Identifiers: published codes pass, every single miscopied character is caught or stated."""

import csv
import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from zhunsheng.engine import identifiers
from zhunsheng.engine.errors import IdentifierError
from zhunsheng.engine.identifiers import (
    USCC_ALPHABET,
    check,
    gtin_check_digit,
    guess,
    make_uscc,
    mod11_10_check_digit,
    org_code_check_digit,
    parse_id,
    uscc_check_digit,
)

VECTORS = tomllib.loads((Path(__file__).parents[1] / "vectors/identifiers/codes.toml").read_text(encoding="utf-8"))
VALID = [(v["scheme"], v["value"]) for v in VECTORS["valid"]]
LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def codes(reasons):
    return [r.code for r in reasons]


@pytest.mark.parametrize(("scheme", "value"), VALID)
def test_published_codes_pass(scheme, value):
    verdict = check(scheme, value)
    assert verdict.ok
    assert verdict.problems == ()


@pytest.mark.parametrize(("scheme", "value"), VALID)
def test_every_single_miscopied_character_is_caught(scheme, value):
    """Exhaustive: each position, each other digit or capital. SC stays SC: it is a prefix, not a code character.

    GB 11714 alone cannot tell characters of one remainder mod 11 apart (2, D, O, Z): that is stated with the verdict.
    """
    for position in range(2 if scheme == "food" else 0, len(value)):
        for char in LETTERS:
            if char != value[position]:
                wrong = value[:position] + char + value[position + 1 :]
                verdict = check(scheme, wrong)
                same = (
                    scheme == "org"
                    and position < 8
                    and (LETTERS.index(char) - LETTERS.index(value[position])) % 11 == 0
                )
                assert verdict.ok == same, wrong
                assert not same or "identifiers.org_weak" in codes(verdict.notes)
                assert all(r.text("zh") and r.text("en") for r in verdict.problems)


def test_check_digits():
    assert uscc_check_digit("91350100M000100Y4") == "3"
    assert org_code_check_digit("D2143569") == "X"
    assert org_code_check_digit("00000000") == "0"
    assert mod11_10_check_digit("11010800000001") == "6"
    assert (mod11_10_check_digit("79462"), mod11_10_check_digit("00200667308")) == ("3", "5"), (
        "python-stdnum, iso7064.mod_11_10"
    )
    assert gtin_check_digit("690123456789") == "2"
    assert gtin_check_digit("7351353") == "7"


def test_full_width_and_lower_case_are_the_same_code():
    verdict = check("uscc", " 91350100m000100y43\u3000")
    assert (verdict.ok, verdict.value) == (True, "91350100M000100Y43")
    assert check("org", "D2143569-X").value == "D2143569X"


def test_a_problem_names_the_character_and_the_check_digit():
    (problem,) = check("uscc", "91350100M000100Y44").problems
    assert problem.params == {"position": 18, "expected": "3", "actual": "4"}
    (problem,) = check("uscc", "9135O100M000100Y43").problems
    assert (problem.code, problem.params) == ("identifiers.lookalike", {"position": 5, "char": "O", "maybe": "0"})
    problems = check("uscc", "91350100M000100Z43").problems
    assert [p.params["maybe"] for p in problems] == ["2"]
    assert codes(check("uscc", "91350100M000100Y53").problems) == [
        "identifiers.org_check_digit", "identifiers.check_digit",
    ]  # fmt: skip
    assert codes(check("uscc", "91350100M000100Y4").problems) == ["identifiers.length"]
    assert codes(check("uscc", "9135A100M000100Y43").problems) == ["identifiers.division_digit"]
    assert check("gtin", "6901234567890").problems[0].params["expected"] == "2"


def test_the_parts_of_a_social_credit_code():
    parts = check("uscc", "91350100M000100Y43").parts
    assert (parts["division"], parts["org_code"], parts["kind"]) == ("350100", "M000100Y4", "市场监管(工商):企业")
    assert parts["kind_en"].endswith("enterprise")
    assert codes(check("uscc", make_uscc("B1", "410800", "M000100Y")).problems) == ["identifiers.department"]
    unknown_kind = check("uscc", make_uscc("98", "410800", "M000100Y"))
    assert (unknown_kind.ok, codes(unknown_kind.notes)) == (True, ["identifiers.category"])
    demo = check("uscc", make_uscc("91", "990102", "M000100Y"))
    assert (demo.ok, codes(demo.notes)) == (True, ["identifiers.province"])
    assert check("uscc", make_uscc("91", "100000", "10000396")).notes == (), "the national authority registers here"


@given(
    st.sampled_from(["91", "92", "93", "11", "52", "Y1"]),
    st.text("0123456789", min_size=6, max_size=6),
    st.text(USCC_ALPHABET, min_size=8, max_size=8),
    st.integers(0, 17),
    st.sampled_from(LETTERS),
)
def test_made_codes_pass_and_one_wrong_character_never_does(authority, division, org8, position, char):
    code = make_uscc(authority, division, org8)
    assert check("uscc", code).ok
    assert parse_id(f"uscc:{code}").checked
    assume(char != code[position])
    assert not check("uscc", code[:position] + char + code[position + 1 :]).ok


@given(st.text("0123456789", min_size=7, max_size=13).filter(lambda t: len(t) in (7, 11, 12, 13)), st.data())
def test_trade_item_numbers(body, data):
    code = body + gtin_check_digit(body)
    assert check("gtin", code).ok
    position, digit = data.draw(st.integers(0, len(code) - 1)), data.draw(st.sampled_from("0123456789"))
    assume(digit != code[position])
    assert not check("gtin", code[:position] + digit + code[position + 1 :]).ok


def test_trade_item_notes():
    verdict = check("gtin", "6901234567892")
    assert (verdict.parts["form"], verdict.parts["gtin14"]) == ("GTIN-13", "06901234567892")
    assert codes(verdict.notes) == ["identifiers.gtin_china"]
    for body in ("200000000000", "020000000000", "0200000"):
        assert codes(check("gtin", body + gtin_check_digit(body)).notes) == ["identifiers.gtin_in_store"]
    assert codes(check("gtin", "123").problems) == ["identifiers.length"]


@pytest.mark.parametrize(
    ("code", "level", "notes"),
    [
        ("410000", "province", []),
        ("410800", "city", []),
        ("410801", "county", ["identifiers.division_grouping"]),
        ("410802", "county", []),
        ("410871", "county", ["identifiers.division_statistical"]),
        ("410802001", "town", []),
        ("410802001001", "village", ["identifiers.division_village"]),
        ("410802000000", "county", []),
        ("990102", "county", ["identifiers.province"]),
    ],
)
def test_divisions(code, level, notes):
    verdict = check("division", code)
    assert (verdict.ok, verdict.parts["level"], codes(verdict.notes)) == (True, level, notes)


@pytest.mark.parametrize(
    "code", ["41080", "4108021", "410002", "410800001", "410802000001", "000000", "41080A", "４１０８０2x"]
)
def test_what_is_no_division(code):
    assert not check("division", code).ok


def test_divisions_of_the_published_tables(shared):
    """Every code of a whole province passes; the kind read from the digits agrees with the name."""
    with (shared / "data/admin/henan_streets.csv").open(encoding="utf-8") as file:
        streets = list(csv.DictReader(file))
    assert len(streets) > 2000
    kinds = {"街道": "street", "街道办事处": "street", "镇": "town", "乡": "township"}
    for row in streets:
        verdict = check("division", row["code"])
        assert verdict.ok, row
        ending = re.search("(街道办事处|街道|镇|乡)$", row["name"])
        if ending and verdict.parts["town_kind"] != "other":
            assert verdict.parts["town_kind"] == kinds[ending[1]], row
    with (shared / "data/admin/jiaozuo_villages.csv").open(encoding="utf-8") as file:
        assert all(check("division", row["code"]).ok for row in csv.DictReader(file))


def test_food_licences():
    assert check("food", "sc11532139200465").parts["category"] == "115"
    assert codes(check("food", "11532139200465").problems) == ["identifiers.food_prefix"]
    assert codes(check("food", "SC1153213920046").problems) == ["identifiers.length"]
    body = "9153213920046"
    assert codes(check("food", f"SC{body}{mod11_10_check_digit(body)}").problems) == ["identifiers.food_kind"]


def test_a_resident_number_is_judged_and_never_repeated():
    number = "11010519491231002X"
    for text in (number, number[:17] + "1", number[:6] + "19491331" + number[14:], number[:9], "A" + number[1:]):
        verdict = check("resident", text)
        said = " ".join(
            [verdict.value, *(r.text(lang) for r in verdict.problems for lang in ("zh", "en")), repr(verdict.parts)]
        )
        assert verdict.ok == (text == number)
        assert not any(text[i : i + 5] in said for i in range(max(1, len(text) - 4))), said
    (miscopied,) = guess("110105194912310021")
    assert (miscopied.scheme, miscopied.value) == ("resident", "*" * 18)
    with pytest.raises(IdentifierError) as error:
        parse_id(f"resident:{number}")
    assert number not in error.value.text("zh") + error.value.text("en")


def test_unit_ids():
    unit = parse_id("uscc:91350100M000100Y43")
    assert (unit.scheme, unit.value, unit.checked, str(unit)) == (
        "uscc", "91350100M000100Y43", True, "uscc:91350100M000100Y43",
    )  # fmt: skip
    for own in ("toronto:9000001", "demo:0001", "local:k-17/3", "x:!"):
        unit = parse_id(own)
        assert (unit.checked, codes(unit.notes), str(unit)) == (False, ["identifiers.unchecked"], own)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("91350100M000100Y43", "identifiers.not_unit_id"),
        ("uscc:", "identifiers.not_unit_id"),
        ("Local:1", "identifiers.not_unit_id"),
        ("1local:1", "identifiers.not_unit_id"),
        ("local:a b", "identifiers.not_unit_id"),
        ("local:甲", "identifiers.not_unit_id"),
        ("local:a\n", "identifiers.not_unit_id"),
        ("local:\u200b1", "identifiers.not_unit_id"),
        ("local:" + "1" * 300, "identifiers.not_unit_id"),
        ("uscc:91350100M000100Y44", "identifiers.check_digit"),
        ("uscc:91350100m000100y43", "identifiers.not_normal"),
        ("org:D2143569-X", "identifiers.not_normal"),
        ("gtin:6901234567890", "identifiers.check_digit"),
    ],
)
def test_unit_ids_that_are_refused(text, code):
    with pytest.raises(IdentifierError) as error:
        parse_id(text)
    assert error.value.code == code
    assert "\n" not in error.value.text("zh")
    assert "\u200b" not in error.value.text("en")


@given(st.text(max_size=250))
def test_no_text_crashes_a_check(text):
    for scheme in identifiers.schemes():
        verdict = check(scheme, text)
        assert verdict.ok == (not verdict.problems)
        assert all(r.text("zh") and r.text("en") for r in (*verdict.problems, *verdict.notes))
    guess(text)


@pytest.mark.parametrize(
    "call",
    [
        lambda: uscc_check_digit("9135"),
        lambda: uscc_check_digit("I1350100M000100Y4"),
        lambda: org_code_check_digit("d2143569"),
        lambda: mod11_10_check_digit(""),
        lambda: mod11_10_check_digit("12a"),
        lambda: gtin_check_digit("12345"),
        lambda: make_uscc("9", "350100", "M000100Y"),
        lambda: make_uscc("91", "35010A", "M000100Y"),
        lambda: make_uscc("91", "350100", "M000100I"),
        lambda: check("passport", "1"),
    ],
)
def test_what_no_check_digit_can_be_made_of(call):
    with pytest.raises(IdentifierError):
        call()


def test_guessing_the_scheme():
    assert [v.scheme for v in guess("91350100M000100Y43")] == ["uscc"]
    assert [v.scheme for v in guess("110108000000016")] == ["reg"]
    assert [v.scheme for v in guess("6901234567892")] == ["gtin"]
    assert [v.scheme for v in guess("410802")] == ["division"]
    assert [v.scheme for v in guess("D2143569-X")] == ["org"]
    assert [v.scheme for v in guess("11010519491231002X")] == ["resident"]
    assert [(v.scheme, v.ok) for v in guess("6901234567890")] == [("gtin", False)]
    assert guess("not a code") == ()
