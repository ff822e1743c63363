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

from tests.web.portal.conftest import DATASETS, Public, body
from zhunsheng.engine import draw as engine
from zhunsheng.engine.public_log import leaf_hash, tree_root
from zhunsheng.web.portal.queries import open_data
from zhunsheng.web.registry.models import BusinessEntity


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


def test_the_recipes_give_what_they_promise(public: Public, client):
    """Each printf command on the page, run by a shell, prints the value that stands under it."""
    page = client.get(reverse("portal:draw", args=[public.draw.no])).content.decode()
    found = re.findall(r"<code>(printf .*?)</code></pre>.*?<code>([0-9a-f]{64})</code>", page, re.S)
    assert len(found) == 2
    for command, expected in found:
        done = subprocess.run(["sh", "-c", unescape(command)], capture_output=True, text=True, timeout=10)
        assert done.stdout.split()[0] == expected


def test_a_unit_is_found_with_its_rank(public: Public, client):
    """Drawn or not, a firm sees its place, its ticket and its rank; a code that is not there is said not to be."""
    task = public.draw.tasks.order_by("inclusions__stratum", "inclusions__rank").first()
    page = client.get(reverse("portal:frame", args=[public.draw.no]), {"q": task.unit_id}).content.decode()
    assert task.ticket in page and "抽中" in page and "未抽中" not in page
    others = BusinessEntity.objects.exclude(tasks__draw=public.draw)
    page = client.get(reverse("portal:frame", args=[public.draw.no]), {"q": others[0].code}).content.decode()
    assert engine.ticket(public.draw.seed, others[0].unit_id) in page and "未抽中" in page
    page = client.get(reverse("portal:frame", args=[public.draw.no]), {"q": "91350100M000100Y43"}).content.decode()
    assert "名录里没有这个代码" in page


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
