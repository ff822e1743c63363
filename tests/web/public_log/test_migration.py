"""A log of before the numbers came after the commit is carried over: same texts, same hashes, same root, and then signed."""

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from tests.web.public_log.conftest import AT
from zhunsheng.engine import public_log as engine


@pytest.mark.django_db(transaction=True)
def test_an_older_log_keeps_its_entries_and_its_root():
    old = MigrationExecutor(connection)
    old.migrate([("public_log", "0001_initial")])
    try:
        apps = old.loader.project_state([("public_log", "0001_initial")]).apps
        act_model, entry_model = apps.get_model("public_log", "Act"), apps.get_model("public_log", "LogEntry")
        bodies = []
        for n in range(600):
            said = {
                "index": n, "kind": "draw.announce", "subject": f"draw:{n}", "at": "2026-11-24T01:00:00+00:00", "office": "", "rule": "", "data": {},
            }  # fmt: skip
            bodies.append(engine.canonical(said))
        acts = act_model.objects.bulk_create(
            [act_model(at=AT, verb="draw.announce", subject_type="draw", subject_id=str(n)) for n in range(600)]
        )
        entry_model.objects.bulk_create(
            [
                entry_model(
                    index=n, at=AT, kind="draw.announce", subject=f"draw:{n}", body=body.decode(),
                    leaf_hash=engine.leaf_hash(body).hex(), act=act,
                )
                for n, (body, act) in enumerate(zip(bodies, acts, strict=True))
            ]
        )  # fmt: skip
        front = engine.Frontier().extend(engine.leaf_hash(body) for body in bodies)
        apps.get_model("public_log", "LogHead").objects.create(
            id=1, size=600, root=front.root().hex(), frontier=[one.hex() for one in front.hashes], at=AT
        )
        apps.get_model("public_log", "LogBlock").objects.create(index=0, root="00" * 32)
    finally:
        call_command("migrate", verbosity=0, interactive=False)

    from zhunsheng.web.public_log import actions, guards, queries
    from zhunsheng.web.public_log.models import LogEntry

    assert [one.encode() for one in LogEntry.objects.order_by("index").values_list("body", flat=True)] == bodies
    assert queries.root_at(600) == queries.head().root == front.root()
    assert guards.missing() == []
    actions.record("draw.announce", "draw", "600", by=None, at=AT, public={})
    assert queries.last_checkpoint().size == 601
    call_command("check_log")
