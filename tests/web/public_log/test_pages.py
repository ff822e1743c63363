"""The log for everyone, and the audit trail for those who look on."""

import json

import pytest

from tests.web.public_log.conftest import AT
from zhunsheng.engine import public_log as engine
from zhunsheng.web.public_log import guards, queries
from zhunsheng.web.public_log.actions import record
from zhunsheng.web.public_log.models import Act, LogEntry

pytestmark = pytest.mark.django_db


class TestHome:
    def test_everyone_sees_head_and_entries_newest_first(self, client, write):
        write(60)
        page = client.get("/log/").content.decode()
        assert queries.head().root.hex() in page
        assert page.index("T-00060") < page.index("T-00059")
        assert "T-00010" not in page
        assert "after=" in page

    def test_an_empty_log(self, client, town):
        assert engine.EMPTY_ROOT.hex() in client.get("/log/").content.decode()

    def test_filters(self, client, write, town):
        write(3)
        record("edit_entity", "entity", 9, by=None, at=AT.replace(year=2025), public={})
        found = client.get("/log/", {"subject": "draw:T-00002"}).content.decode()
        assert "T-00002" in found
        assert "T-00003" not in found
        found = client.get("/log/", {"until": "2025-12-31"}).content.decode()
        assert "T-00002" not in found
        assert "#3" in found
        assert client.get("/log/", {"since": "not a day"}).status_code == 200

    def test_the_page_costs_the_same_however_long_the_log(self, client, write, django_assert_max_num_queries):
        write(300)
        with django_assert_max_num_queries(10):
            client.get("/log/")

    def test_the_head_for_programs(self, client, write):
        write(7)
        told = client.get("/log/head.json").json()
        assert (told["size"], told["root"]) == (7, queries.head().root.hex())


class TestEntry:
    def test_the_proof_is_walked_to_the_root(self, client, write):
        write(13)
        page = client.get("/log/6/").content.decode()
        assert "在日志中" in page
        for sibling in queries.inclusion(6, 13):
            assert sibling.hex() in page
        assert queries.head().root.hex() in page

    def test_the_proof_as_a_file_verifies_without_the_house(self, client, write):
        write(1100)
        told = json.loads(client.get("/log/1050/proof.json").content)
        leaf = engine.leaf_hash(told["entry"].encode())
        assert leaf.hex() == told["leaf"]
        proof = [bytes.fromhex(one) for one in told["proof"]]
        assert engine.verify_inclusion(leaf, told["index"], told["size"], proof, bytes.fromhex(told["root"]))

    def test_a_changed_entry_says_so_itself(self, client, write):
        write(5)
        with guards.removed():
            LogEntry.objects.filter(index=2).update(body="nonsense")
        page = client.get("/log/2/").content.decode()
        assert "核对不通过" in page
        assert "内容已被改动" in page
        assert "核对不通过" not in client.get("/log/1/").content.decode()

    def test_a_change_elsewhere_breaks_the_way_to_the_root(self, client, write):
        write(5)
        with guards.removed():
            LogEntry.objects.filter(index=3).update(leaf_hash="00" * 32)
        assert "与树头不符" in client.get("/log/2/").content.decode()

    def test_numbers_outside_the_log(self, client, write):
        write(2)
        assert client.get("/log/2/").status_code == 404
        assert client.get("/log/2/proof.json").status_code == 404
        assert client.get("/log/99999999999999999999/").status_code == 404


class TestExport:
    def test_the_command_line_accepts_it(self, client, write, tmp_path):
        from zhunsheng.cli import main

        write(40)
        older = tmp_path / "old.jsonl"
        older.write_bytes(client.get("/log/export.jsonl").getvalue())
        write(2)
        answer = client.get("/log/export.jsonl")
        assert "public-log-42.jsonl" in answer["Content-Disposition"]
        newer = tmp_path / "new.jsonl"
        newer.write_bytes(answer.getvalue())
        assert main(["log", "verify", str(newer), "--since", str(older)]) == 0
        older.write_bytes(older.read_bytes().replace(b"T-00007", b"T-00008", 1))
        assert main(["log", "verify", str(newer), "--since", str(older)]) == 1


class TestConsistency:
    def ask(self, client, size, root):
        return client.get("/log/consistency/", {"size": size, "root": root})

    def test_an_honest_log_is_an_extension(self, client, write):
        write(1200)
        kept = queries.head()
        write(900)
        answer = self.ask(client, kept.size, kept.root.hex().upper())
        assert answer.status_code == 200
        page = answer.content.decode()
        assert "只增未改" in page
        for one in queries.consistency(1200, 2100):
            assert one.hex() in page

    def test_a_rewritten_log_is_not(self, client, write):
        write(10)
        assert "日志不是您记下的那一份" in self.ask(client, 10, "ab" * 32).content.decode()

    def test_a_shorter_log_is_not(self, client, write):
        write(10)
        assert "日志变短了" in self.ask(client, 11, "ab" * 32).content.decode()

    def test_of_nothing_everything_is_an_extension(self, client, write):
        write(3)
        assert "只增未改" in self.ask(client, 0, engine.EMPTY_ROOT.hex()).content.decode()

    @pytest.mark.parametrize(
        ("size", "root"), [("", ""), ("-1", "ab" * 32), ("3", "ab"), ("3", "zz" * 32), ("1e3", "ab" * 32)]
    )
    def test_what_cannot_be_read_is_said(self, client, write, size, root):
        write(3)
        assert self.ask(client, size, root).status_code == 422


class TestActs:
    @pytest.mark.parametrize(
        ("role", "status"), [("auditor", 200), ("lead_office", 200), ("sysadmin", 200), ("member", 403), ("head", 403)]
    )
    def test_who_looks_on(self, client, town, role, status):
        client.force_login(town.user(role))
        act = record("edit_user", "user", "lin", by=None, at=AT)
        assert client.get("/audit/").status_code == status
        assert client.get(f"/audit/{act.pk}/").status_code == status

    def test_the_public_does_not(self, client, town):
        assert client.get("/audit/").status_code == 302

    def test_filters_and_export(self, client, town):
        by = town.user("member", username="lin")
        record("edit_user", "user", "wu", by=by, at=AT, reason="甲")
        record("add_post", "user", "wu", by=None, at=AT.replace(year=2025), reason="乙")
        client.force_login(town.user("auditor"))
        for query, shown in [
            ({"verb": "edit_user"}, "甲"), ({"who": "lin"}, "甲"), ({"office": town.office.pk}, "甲"), ({"until": "2025-12-31"}, "乙"),
            ({"since": "2026-01-01"}, "甲"),
        ]:  # fmt: skip
            rows = client.get("/audit/", query | {"export": "csv"}).getvalue().decode().splitlines()
            assert len(rows) == 2, query
            assert shown in rows[1]
        assert (
            len(client.get("/audit/", {"subject_type": "user", "export": "csv"}).getvalue().decode().splitlines()) == 3
        )

    def test_the_page_shows_before_and_after(self, client, town):
        act = record(
            "edit_user",
            "user",
            "lin",
            by=None,
            at=AT,
            changes={"display_name": ["林", "林一"], "office": "T-SJ", "flag": [True, None]},
        )
        client.force_login(town.user("auditor"))
        page = client.get(f"/audit/{act.pk}/").content.decode()
        assert "<del>林</del>" in page
        assert "<ins>林一</ins>" in page
        assert "T-SJ" in page

    def test_hostile_text_is_text(self, client, town):
        act = record(
            "edit_user",
            "user",
            "lin",
            by=None,
            at=AT,
            reason="<script>alert(1)</script>",
            changes={"<b>": ["<i>", "</code>"]},
        )
        client.force_login(town.user("auditor"))
        page = client.get(f"/audit/{act.pk}/").content.decode()
        assert "<script>alert(1)" not in page
        assert "&lt;b&gt;" in page
        assert "<del>&lt;i&gt;</del>" in page

    def test_the_list_asks_the_same_for_ten_and_a_hundred(self, client, town, django_assert_max_num_queries):
        by = town.user("member")
        for n in range(100):
            record("edit_user", "user", f"u{n}", by=by, at=AT)
        client.force_login(town.user("auditor"))
        with django_assert_max_num_queries(14):
            client.get("/audit/")
        assert Act.objects.count() == 100
