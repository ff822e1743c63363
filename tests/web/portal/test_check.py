"""What the portal hands out can be checked without it: bundles, recipes, hashes, open data."""

import base64
import csv
import hashlib
import io
import json
import re
import subprocess
import sys
from html import unescape

import pytest
from django.urls import reverse

from tests.web.portal.conftest import DATASETS, Public, body, opened, units_of
from zhunsheng.engine import draw as engine
from zhunsheng.engine.public_log import leaf_hash, tree_root
from zhunsheng.web.portal.queries import open_data


def test_the_bundle_verifies(public: Public, client):
    """The file from the page passes every step of the check that a journalist makes."""
    verdict = engine.verify(body(client, reverse("portal:bundle", args=[public.draw.no])))
    assert verdict.ok and verdict.outcome == "executed", [step for step in verdict.steps if not step.ok]
    verdict = engine.verify(body(client, reverse("portal:bundle", args=[public.abandoned.no])))
    assert verdict.ok and verdict.outcome == "abandoned"


def test_the_second_checker_agrees(public: Public, client, tmp_path):
    """The checker that the portal hands out, run by itself on the file that the portal hands out."""
    (tmp_path / "check.py").write_bytes(body(client, reverse("portal:verifier")))
    (tmp_path / "bundle.json").write_bytes(body(client, reverse("portal:bundle", args=[public.draw.no])))
    done = subprocess.run(
        [sys.executable, "-I", "check.py", "bundle.json"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_hash_is_in_the_header(public: Public, client):
    address = reverse("portal:bundle", args=[public.draw.no])
    answer = client.get(address)
    assert answer["X-SHA256"] == hashlib.sha256(answer.content).hexdigest()
    digest = base64.b64decode(answer["Repr-Digest"].removeprefix("sha-256=:").removesuffix(":"))
    assert digest == hashlib.sha256(answer.content).digest()
    assert "attachment" in answer["Content-Disposition"] and public.draw.no in answer["Content-Disposition"]


def test_what_has_not_changed_is_not_sent_again(public: Public, client):
    """304 for who holds the newest version; a new version once something was published."""
    for address in (
        reverse("portal:bundle", args=[public.draw.no]),
        reverse("portal:announcement", args=[public.draw.no]),
        reverse("portal:leaves", args=[public.draw.no]),
        reverse("portal:dataset", args=["results", "csv"]),
        reverse("portal:snapshot_json", args=[public.approved.no]),
    ):
        mark = client.get(address)["ETag"]
        again = client.get(address, headers={"If-None-Match": mark})
        assert again.status_code == 304 and not again.content
        assert client.get(address, headers={"If-None-Match": '"other"'}).status_code == 200
        assert "max-age" in client.get(address)["Cache-Control"]


def test_a_publication_makes_a_new_version(public: Public, client):
    from tests.web.inspection.conftest import moment
    from zhunsheng.web.inspection import actions

    bundle, results = (
        reverse("portal:bundle", args=[public.draw.no]),
        reverse("portal:dataset", args=["results", "json"]),
    )
    marks = client.get(bundle)["ETag"], client.get(results)["ETag"]
    actions.publish_visit(public.hidden["reviewed"], by=public.bureau.head, at=moment(20))
    assert client.get(bundle)["ETag"] != marks[0] and client.get(results)["ETag"] != marks[1]
    assert public.hidden["reviewed"].no in body(client, results).decode()


def test_the_announcement_is_served_as_it_was_hashed(public: Public, client):
    data = body(client, reverse("portal:announcement", args=[public.waiting.no]))
    assert hashlib.sha256(data).hexdigest() == public.waiting.announcement_hash


def test_the_leaves_have_the_announced_root(public: Public, client):
    """Whoever downloads the frame before the draw can compute the root in the announcement."""
    lines = body(client, reverse("portal:leaves", args=[public.waiting.no])).splitlines()
    assert len(lines) == public.waiting.frame_size
    assert tree_root([leaf_hash(line) for line in lines]).hex() == public.waiting.frame_root


def recipes_on(page: str) -> list[tuple[str, list[str]]]:
    """(command, lines that must come out) of a page, as a reader copies them."""
    blocks = re.findall(r'<div class="recipe flow">.*?</div>', page, re.S)
    made = []
    for block in blocks:
        command, *rest = [unescape(text) for text in re.findall(r"<code>(.*?)</code>", block, re.S)]
        made.append((command, [line for text in rest for line in text.split("\n")]))
    return made


def run(command: str, folder) -> list[str]:
    done = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("name", ["draw", "joint", "sealed"])
def test_the_recipes_give_what_they_promise(public: Public, client, tmp_path, name):
    """Every command on the page, run by bash as it stands on the published files, prints what stands under it.

    The last one draws a whole stratum again, of the open, the joint, and the opened sealed draw.
    """
    draw = opened(public) if name == "sealed" else getattr(public, name)
    page = client.get(reverse("portal:draw", args=[draw.no])).content.decode()
    found = recipes_on(page)
    assert len(found) == 5
    for address in ("announcement", "leaves", *(["opened"] if name == "sealed" else [])):
        answer = client.get(reverse(f"portal:{address}", args=[draw.no]))
        file = answer["Content-Disposition"].partition("''")[2]
        (tmp_path / file).write_bytes(b"".join(answer.streaming_content) if answer.streaming else answer.content)
    for command, expected in found:
        if command.startswith("curl -s -o"):
            assert command.split()[3] in {path.name for path in tmp_path.iterdir()} and not expected
            continue
        if command.startswith("curl"):
            command = f"cat {draw.no}-announcement.json | {command.partition('| ')[2]}"
        lines = run(command, tmp_path)
        assert [line.split()[0] for line in lines] == [line.split()[0] for line in expected]
    drawn = {f"{one.ticket}  {one.unit_id}" for one in draw.tasks.all()}
    assert lines == expected and lines and set(lines) <= drawn


def test_the_recipe_of_sm3_runs(staffed, home, now, client, tmp_path):
    """A draw of the Chinese suite is redone with openssl."""
    draw = staffed.assigned(staffed.executed(staffed.announced(suite="sm3")))
    page = client.get(reverse("portal:draw", args=[draw.no])).content.decode()
    command, expected = recipes_on(page)[-1]
    assert "sm3" in command
    (tmp_path / f"{draw.no}-frame.jsonl").write_bytes(body(client, reverse("portal:leaves", args=[draw.no])))
    assert run(command, tmp_path) == expected


def test_a_firm_sees_how_it_stands(public: Public, client, tmp_path):
    """Drawn or not, a firm sees its odds, its ticket, its rank and the cut-off; a code that is not there is said not to be."""
    address = reverse("portal:unit", args=[public.draw.no])
    task = public.draw.tasks.filter(inclusions__stratum="B").order_by("inclusions__rank").first()
    page = client.get(address, {"q": task.unit_id}).content.decode()
    last = public.draw.tasks.filter(inclusions__stratum="B").order_by("-inclusions__rank").first()
    assert "抽中了" in page and "没有抽中" not in page
    assert task.ticket in page and last.ticket in page and "2/10" in page
    drawn = set(public.draw.tasks.values_list("unit_id", flat=True))
    other = next(unit for unit in units_of(public.draw) if unit not in drawn)
    page = client.get(address, {"q": other.partition(":")[2]}).content.decode()
    assert engine.ticket(public.draw.seed, other) in page and "没有抽中" in page
    page = client.get(address, {"q": "91350100M000100Y43"}).content.decode()
    assert "名录里没有这个代码" in page
    (tmp_path / f"{public.draw.no}-frame.jsonl").write_bytes(
        body(client, reverse("portal:leaves", args=[public.draw.no]))
    )
    for command, expected in recipes_on(client.get(address, {"q": other}).content.decode()):
        command = command.partition("\n")[2] if command.startswith("curl") else command
        assert [line.split()[0] for line in run(command, tmp_path)] == expected


def test_a_firm_of_a_joint_draw_sees_each_list(public: Public, client):
    """One ticket, a rank on each list, under the name of the office."""
    task = next(one for one in public.joint.tasks.prefetch_related("inclusions") if one.inclusions.count() == 2)
    page = client.get(reverse("portal:unit", args=[public.joint.no]), {"q": task.unit_id}).content.decode()
    assert page.count(task.ticket) >= 2 and "测试市市场监督管理局</h3>" in page and "测试市农业农村局</h3>" in page


@pytest.mark.parametrize("name", ["draw", "waiting", "joint", "sealed", "opened"])
def test_the_membership_proof_is_checked_by_everyone(public: Public, client, name):
    """The file that a firm downloads passes the check, names the announced root, and says nothing of stratum or ticket."""
    draw = opened(public) if name == "opened" else getattr(public, name)
    for unit in units_of(draw)[:3]:
        answer = client.get(reverse("portal:membership", args=[draw.no]), {"q": unit})
        proof = json.loads(answer.content)
        verdict = engine.check_membership(answer.content)
        assert verdict.ok and verdict.outcome == "member"
        assert proof["id"] == unit and proof["announcement"]["frame"]["root"] == draw.frame_root
        assert engine.announcement_hash(proof["announcement"]) == draw.announcement_hash
        if draw.sealed:
            assert json.loads(proof["line"]).keys() == {"attributes", "seal"}
    answer = client.get(reverse("portal:membership", args=[draw.no]), {"q": "91350100M000100Y43"})
    assert answer.status_code == 404 and "没有在册证明" in answer.content.decode()
    assert client.get(reverse("portal:membership", args=[draw.no])).status_code == 404


@pytest.mark.parametrize("name", ["joint", "sealed", "opened"])
def test_the_bundle_of_every_kind_verifies(public: Public, client, name):
    draw = opened(public) if name == "opened" else getattr(public, name)
    data = body(client, reverse("portal:bundle", args=[draw.no]))
    verdict = engine.verify(data)
    assert verdict.ok and verdict.outcome == "executed", [step for step in verdict.steps if step.ok is False]
    assert ("open" in json.loads(data)) == (name != "sealed")


def test_the_opened_list_is_that_of_the_bundle(public: Public, client):
    address = reverse("portal:opened", args=[public.sealed.no])
    refused = client.get(address)
    assert refused.status_code == 404 and "开封之后才公开" in refused.content.decode()
    draw = opened(public)
    leaves = json.loads(body(client, reverse("portal:bundle", args=[draw.no])))["open"]["leaves"]
    assert body(client, address).decode().splitlines() == leaves
    assert client.get(reverse("portal:opened", args=[public.draw.no])).status_code == 404


@pytest.mark.parametrize("page", ["0", "-1", "abc", "9999", "99999999999"])
def test_pages_of_the_frame_that_are_not_there(public: Public, client, page):
    assert client.get(reverse("portal:frame", args=[public.draw.no]), {"page": page}).status_code == 200


@pytest.mark.parametrize("code", DATASETS)
def test_open_data_is_the_same_in_both_forms(public: Public, client, code):
    """CSV and JSON hold the same rows, every column is explained, the hash on the page is that of the file."""
    table = body(client, reverse("portal:dataset", args=[code, "csv"]))
    array = body(client, reverse("portal:dataset", args=[code, "json"]))
    rows = list(csv.DictReader(io.StringIO(table.decode("utf-8-sig"))))
    objects = json.loads(array)
    assert len(rows) == len(objects) > 0
    for row, one in zip(rows, objects, strict=True):
        assert row == {key: "" if value is None else str(value) for key, value in one.items()}
    dataset = open_data.dataset(code)
    assert dataset and list(rows[0]) == [column.key for column in dataset.columns]
    page = client.get(reverse("portal:data")).content.decode()
    for data in (table, array):
        assert hashlib.sha256(data).hexdigest() in page


def test_open_data_holds_every_published_version(public: Public, client):
    rows = json.loads(body(client, reverse("portal:dataset", args=["results", "json"])))
    known = {row["no"]: row for row in rows}
    assert known.keys() == {
        visit.no for visit in (public.published, public.failed, public.corrected, public.correction)
    }
    assert known[public.correction.no]["corrects"] == public.corrected.no
    assert known[public.corrected.no]["state"] == "corrected"


def test_open_data_follows_a_renamed_firm(public: Public, client):
    address = reverse("portal:dataset", args=["results", "json"])
    before = body(client, address)
    entity = public.published.entity
    entity.name = "改名后的企业"
    entity.updated_at = entity.updated_at.replace(year=entity.updated_at.year + 1)
    entity.save()
    after = body(client, address)
    assert after != before and "改名后的企业" in after.decode()


def test_old_editions_are_cleared_away(public: Public, client, home):
    body(client, reverse("portal:dataset", args=["results", "json"]))
    public.published.entity.__class__.objects.filter(pk=public.published.entity.pk).update(
        updated_at="2027-01-01T00:00Z"
    )
    body(client, reverse("portal:dataset", args=["results", "json"]))
    files = sorted(path.suffix for path in (home / "open-data").glob("results-*"))
    assert files == [".csv", ".edition", ".json"]


def test_a_damaged_edition_is_written_again(public: Public, client, home):
    address = reverse("portal:dataset", args=["wordings", "csv"])
    good = body(client, address)
    for path in (home / "open-data").glob("wordings-*.edition"):
        path.write_text("{")
    assert body(client, address) == good


def test_formulas_do_not_run(public: Public, client):
    """A firm whose name is a formula reaches a spreadsheet as text."""
    entity = public.published.entity
    entity.name, entity.updated_at = "=cmd|' /C calc'!A0", entity.updated_at.replace(year=2028)
    entity.save()
    table = body(client, reverse("portal:dataset", args=["results", "csv"])).decode("utf-8-sig")
    assert "'=cmd" in table and ",=cmd" not in table
