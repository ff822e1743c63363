"""While a draw is sealed, nothing that anyone can fetch tells who was drawn: every public answer is read through for it."""

import datetime
import json
import re

import pytest
import time_machine
from django.urls import reverse

from tests.web.inspection.conftest import moment
from tests.web.portal.conftest import Public, addresses, body, opened, units_of
from zhunsheng.engine import draw as engine
from zhunsheng.engine.draw.seal import blind, tag
from zhunsheng.web.inspection import actions
from zhunsheng.web.inspection.models import Draw
from zhunsheng.web.portal.queries import draws


def drawn(draw: Draw) -> set[str]:
    return set(draw.tasks.values_list("unit_id", flat=True))


def told(client, address: str) -> str:
    """All of an answer: status, headers, body."""
    answer = client.get(address)
    data = b"".join(answer.streaming_content) if answer.streaming else answer.content
    headers = {name: value for name, value in answer.headers.items() if name != "Content-Length"}
    return f"{answer.status_code}\n{headers}\n{data.decode(errors='replace')}"


def hidden(draw: Draw) -> dict[str, str]:
    """What a sealed draw keeps: its key, what is made with it, tickets, numbers of tasks and visits."""
    key = draw.sealing.key
    found = {"the key": key}
    for unit in units_of(draw):
        name = tag(key, draw.no, unit)
        found |= {f"the tag of {unit}": name, f"the ticket of {unit}": engine.ticket(draw.seed, name)}
    for task in draw.tasks.all():
        found[f"the number of the task on {task.unit_id}"] = task.no
    return found


def everywhere(public: Public) -> list[str]:
    """Every address, without those that ask for a firm of the sealed draw by its code."""
    own = set(units_of(public.sealed))
    made = [one for one in addresses(public) if not any(unit in one for unit in own)]
    assert len(made) > 100
    return [
        *made,
        *(
            reverse("portal:draws") + f"?{query}"
            for query in ("mode=sealed", "state=checking", "state=done", "export=xlsx")
        ),
        reverse("portal:home") + f"?q={public.sealed.no}",
        reverse("portal:home") + f"?q={public.sealed.tasks.order_by('no')[0].no}",
        reverse("portal:results") + f"?draw={public.sealed.no}",
        reverse("portal:results") + "?versions=all&export=csv",
    ]


def test_no_firm_of_a_sealed_draw_is_named_anywhere(public: Public, client):
    """Its firms stand in no other draw: their codes are found nowhere unless one asks for them."""
    units, secrets = units_of(public.sealed), hidden(public.sealed)
    assert len(units) == 12 and 0 < len(drawn(public.sealed)) < 12
    for language in ("zh-hans", "en"):
        client.cookies["language"] = language
        for address in everywhere(public):
            text = told(client, address)
            for unit in units:
                assert unit not in text and unit.partition(":")[2] not in text, f"{unit} is named at {address}"
            for what, secret in secrets.items():
                if f"?q={secret}" not in address:
                    assert secret not in text, f"{what} is told at {address}"


def test_who_asks_for_a_firm_learns_the_same_of_every_firm(public: Public, client):
    """Drawn, not drawn, withdrawn: the pages on a firm are the same but for its code and name, headers and all."""
    known = {task.unit_id: task for task in public.sealed.tasks.select_related("entity")}
    units = units_of(public.sealed)
    for name, address in (
        ("unit", lambda unit: reverse("portal:unit", args=[public.sealed.no]) + f"?q={unit}"),
        ("firm", lambda unit: reverse("portal:firm", args=[unit])),
        ("search", lambda unit: reverse("portal:home") + f"?q={unit}"),
    ):
        seen = {}
        for unit in units:
            text = told(client, address(unit))
            number = unit.partition(":")[2]
            assert number in text
            # the name of a firm and the QR code of its address hold its number
            text = re.sub(rf"测试企业{number[1:]}有限公司", "NAME", text).replace(number, "CODE")
            text = re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", text)
            seen[unit] = re.sub(r'<div class="qr">.*?</svg>', "", text, flags=re.S)
        assert len(set(seen.values())) == 1, f"{name} differs between firms"
    assert set(units) - known.keys()


def test_the_membership_proof_tells_only_that_the_firm_is_on_the_list(public: Public, client):
    """Its fields are the same for every firm; what is in them is of the list, or the firm's own blind."""
    lines = body(client, reverse("portal:leaves", args=[public.sealed.no])).decode().splitlines()
    for unit in units_of(public.sealed):
        answer = client.get(reverse("portal:membership", args=[public.sealed.no]), {"q": unit})
        proof = json.loads(answer.content)
        assert proof.keys() == {"protocol", "announcement", "index", "line", "proof", "id", "blind"}
        assert proof["announcement"] == json.loads(public.sealed.announcement)
        assert proof["line"] == lines[proof["index"]] and proof["blind"] == blind(
            public.sealed.sealing.key, public.sealed.no, unit
        )
        for what, secret in hidden(public.sealed).items():
            assert secret not in answer.content.decode(), what


def test_the_files_of_a_sealed_draw_keep_it(public: Public, client):
    """The bundle has sealed lines, the seed, digests of what is withheld, and none of that itself; so has the list."""
    made = json.loads(body(client, reverse("portal:bundle", args=[public.sealed.no])))
    assert not {"open", "selection", "assign_announce", "assign", "changes", "results"} & made.keys()
    assert {"selection", "assign_announce", "assign"} <= made["withheld"].keys()
    line = re.compile(r'\{"attributes":"[0-9a-f]{64}","seal":"[0-9a-f]{64}"\}')
    lines = body(client, reverse("portal:leaves", args=[public.sealed.no])).decode().splitlines()
    assert (
        len(lines) == 12
        and all(line.fullmatch(one) for one in lines)
        and lines == sorted(lines, key=lambda one: one[-66:])
    )
    page = client.get(reverse("portal:frame", args=[public.sealed.no]) + "?show=drawn").content.decode()
    assert "名录封存" in page and "抽中的" not in page


def test_figures_of_a_sealed_draw_say_nothing_of_its_firms(public: Public, client):
    """How many were visited or withdrawn is not counted in public before the opening; the stage does not say it either."""
    rows = json.loads(body(client, reverse("portal:dataset", args=["draws", "json"])))
    row = next(one for one in rows if one["no"] == public.sealed.no)
    assert row["mode"] == "sealed" and row["published"] is None and row["withdrawn"] is None and row["opened_at"] == ""
    for task in public.sealed.tasks.exclude(state="withdrawn"):
        actions.withdraw_task(task, by=public.bureau.head, at=moment(5), reason="不再检查此企业")
    draw = draws.find(public.sealed.no)
    assert draws.stage(draw) == "checking" and not draws.in_stage(draws.all_draws(), "done").filter(pk=draw.pk)
    page = client.get(reverse("portal:draw", args=[public.sealed.no])).content.decode()
    assert "撤回" not in page and "不再检查此企业" not in page


def test_the_log_does_not_tell_before_the_opening(public: Public, client):
    text = body(client, reverse("public_log:export")).decode()
    entries = [line for line in text.splitlines() if public.sealed.no in line]
    assert entries
    for unit in units_of(public.sealed):
        assert unit not in text


def test_the_marks_of_answers_do_not_depend_on_who_was_drawn(public: Public, client):
    """ETag of list, bundle and proof: of what is public, or of the whole log."""
    for name in ("leaves", "announcement"):
        mark = client.get(reverse(f"portal:{name}", args=[public.sealed.no]))["ETag"].strip('"')
        assert mark in (public.sealed.frame_root, public.sealed.announcement_hash)
    mark = client.get(reverse("portal:bundle", args=[public.sealed.no]))["ETag"]
    assert mark == client.get(reverse("portal:bundle", args=[public.draw.no]))["ETag"].replace(
        public.draw.announcement_hash[:16], public.sealed.announcement_hash[:16]
    )


def test_when_it_is_opened_everything_is_there(public: Public, client):
    """Then every firm sees how it stood, and the key is on the page."""
    draw = opened(public)
    page = client.get(reverse("portal:draw", args=[draw.no])).content.decode()
    assert draw.sealing.key in page and "已开封" in page
    for unit in units_of(draw):
        page = client.get(reverse("portal:unit", args=[draw.no]), {"q": unit}).content.decode()
        assert ("<strong>抽中了</strong>" in page) == (unit in drawn(draw))
        assert ("<strong>没有抽中</strong>" in page) != (unit in drawn(draw))
        assert engine.ticket(draw.seed, tag(draw.sealing.key, draw.no, unit)) in page
    assert "封存撤回理由甲乙丙" in client.get(reverse("portal:draw", args=[draw.no])).content.decode()
    firm = client.get(reverse("portal:firm", args=[min(drawn(draw))])).content.decode()
    assert draw.no in firm


@pytest.mark.parametrize(("late", "kind"), [(0, "muted"), (1, "bad"), (40, "bad")])
def test_an_overdue_opening_is_shown_in_red(public: Public, client, late, kind):
    """From the day after the announced one on, on the list, the draw and the first page."""
    day = public.sealed.open_by + datetime.timedelta(days=late)
    with time_machine.travel(datetime.datetime(day.year, day.month, day.day, 4, tzinfo=datetime.UTC), tick=False):
        assert draws.seal_words(public.sealed)[0] == kind
        words = f"逾期 {late} 天未开封"
        for name, args in (("draws", []), ("home", []), ("draw", [public.sealed.no])):
            page = client.get(reverse(f"portal:{name}", args=args)).content.decode()
            assert (words in page) == bool(late)
        assert draws.history().overdue == bool(late)


def test_a_late_opening_stays_a_public_fact(public: Public, client):
    day = public.sealed.open_by + datetime.timedelta(days=3)
    at = datetime.datetime(day.year, day.month, day.day, 4, tzinfo=datetime.UTC)
    actions.open_draw(public.sealed, by=public.bureau.head, at=at)
    page = client.get(reverse("portal:draw", args=[public.sealed.no])).content.decode()
    assert "逾期 3 天开封" in page
    rows = json.loads(body(client, reverse("portal:dataset", args=["draws", "json"])))
    row = next(one for one in rows if one["no"] == public.sealed.no)
    assert row["opened_at"] > row["open_by"] == public.sealed.open_by.isoformat()
