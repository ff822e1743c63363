"""The only writer of import runs. A file is received and checked, then loaded in one transaction, or discarded."""

import datetime
import hashlib
import tempfile
from pathlib import Path
from typing import IO, cast

from django.core.files import File
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from zhunsheng.engine.errors import ZhunshengError
from zhunsheng.web.common.errors import NotAllowed, Refused, say
from zhunsheng.web.common.files import shown_name
from zhunsheng.web.desk.importing.checking import Reading, compare, read, shown_changes, write_returned
from zhunsheng.web.desk.importing.kinds import ImportKind, Problem, Verdict, find_kind
from zhunsheng.web.desk.importing.mapping import write_plan
from zhunsheng.web.desk.importing.policy import may_decide
from zhunsheng.web.desk.models import ImportRun
from zhunsheng.web.people.models import User
from zhunsheng.web.public_log.actions import record

PROBLEMS_KEPT = 2000
CHANGES_SHOWN = 200
State = ImportRun.State


def receive(
    kind: ImportKind, file: "File[bytes]", filename: str, *, mapping: str = "", by: User, at: datetime.datetime
) -> ImportRun:
    """Keeps a file and checks it. The run is CHECKED, UNMAPPED (columns to be matched) or REFUSED with the reason.

    Raises NotAllowed where the user may not import this kind.
    """
    if not kind.may(by):
        raise NotAllowed(_("您的岗位不能导入“%(kind)s”") % {"kind": kind.label})
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    run = ImportRun(
        kind=kind.code,
        filename=shown_name(filename),
        sha256=digest.hexdigest(),
        mapping=mapping,
        created_by=by,
        created_at=at,
        state=State.REFUSED,
    )
    run.file.save(f"{at:%d%H%M%S}-{run.sha256[:12]}{Path(run.filename).suffix.lower()}", file, save=False)
    with transaction.atomic():
        run.save()
        record(
            "receive_import", "import_run", run.pk, by=by, at=at,
            changes={"kind": kind.code, "filename": run.filename, "sha256": run.sha256},
        )  # fmt: skip
    _check(run, by=by, at=at)
    return run


def match_columns(run: ImportRun, mapping: str, *, by: User, at: datetime.datetime) -> ImportRun:
    """Gives a run that is not decided yet another mapping and checks it again. The same mapping changes nothing."""
    _mine(run, by)
    if run.state not in (State.UNMAPPED, State.CHECKED, State.REFUSED):
        raise Refused(_("这一批已经处理过，不能再改字段对应"))
    if mapping == run.mapping and run.state == State.CHECKED:
        return run
    run.mapping = mapping
    with transaction.atomic():
        run.save(update_fields=["mapping"])
        record("map_import", "import_run", run.pk, by=by, at=at, changes={"mapping": mapping})
    _check(run, by=by, at=at)
    return run


def load(run: ImportRun, *, clean_only: bool, by: User, at: datetime.datetime) -> ImportRun:
    """Loads a checked run in one transaction: all rows, or with `clean_only` those without problems. Never half.

    What was shown is what is loaded: if the register has changed so that the load would do something else, nothing is
    loaded, the run is checked anew, and Refused says so. A loaded run loaded again is the same run.
    """
    kind = find_kind(run.kind)
    _mine(run, by)
    if not kind.may(by):
        raise NotAllowed(_("您的岗位不能导入“%(kind)s”") % {"kind": kind.label})
    if run.state in (State.LOADED, State.PARTLY_LOADED):
        return run
    path = Path(run.file.path)
    _same_file(run, path)
    reading = read(kind, path, run.filename, run.mapping, by=by, at=at)
    try:
        with transaction.atomic():
            locked = ImportRun.objects.select_for_update().get(pk=run.pk)
            if locked.state in (State.LOADED, State.PARTLY_LOADED):
                return locked
            if locked.state != State.CHECKED:
                raise Refused(_("这一批不在待确认状态，不能导入"))
            compare(reading, locking=True)
            changed = reading.digest() != locked.digest
            if not changed:
                if reading.bad_rows and not clean_only:
                    raise Refused(
                        _("有 %(n)s 行有问题，没有导入。请改正后重新上传，或选择只导入没有问题的行")
                        % {"n": reading.bad_rows}
                    )
                good = reading.good
                reading.importer.write(good, by=by, at=at, reason=_("导入 %(file)s") % {"file": run.filename})
                locked.state = State.PARTLY_LOADED if reading.bad_rows else State.LOADED
                locked.decided_at = at
                _count(locked, reading)
                locked.save()
                record(
                    "load_import", "import_run", run.pk, by=by, at=at,
                    changes={
                        "state": [run.state, locked.state], "created": locked.created, "updated": locked.updated,
                        "unchanged": locked.unchanged, "rows_bad": locked.rows_bad,
                    },
                )  # fmt: skip
                return locked
    except IntegrityError:
        changed = True
    _check(run, by=by, at=at)
    raise Refused(_("校验之后名录有了变化，没有导入任何一行。已按现在的名录重新校验，请再看一遍结果"))


def discard(run: ImportRun, *, by: User, at: datetime.datetime) -> ImportRun:
    """Gives a run up. Nothing was or will be loaded from it; the page and the file stay."""
    _mine(run, by)
    with transaction.atomic():
        locked = ImportRun.objects.select_for_update().get(pk=run.pk)
        if locked.state == State.DISCARDED:
            return locked
        if locked.state in (State.LOADED, State.PARTLY_LOADED):
            raise Refused(_("这一批已经导入，不能放弃"))
        before, locked.state, locked.decided_at = locked.state, State.DISCARDED, at
        locked.save(update_fields=["state", "decided_at"])
        record("discard_import", "import_run", run.pk, by=by, at=at, changes={"state": [before, State.DISCARDED]})
    return locked


# ---- pieces --------------------------------------------------------------------------------------------------------


def _mine(run: ImportRun, by: User) -> None:
    if not may_decide(by, run):
        raise NotAllowed(_("只有上传的人能处理这一批"))


def _same_file(run: ImportRun, path: Path) -> None:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as handle:
            while chunk := handle.read(1 << 20):
                digest.update(chunk)
    except FileNotFoundError:
        raise Refused(_("上传的文件已不在服务器上，请重新上传")) from None
    if digest.hexdigest() != run.sha256:
        raise Refused(_("服务器上的文件与上传时不同（SHA-256 不符），没有导入。请重新上传"))


def _check(run: ImportRun, *, by: User, at: datetime.datetime) -> None:
    """Reads the file and keeps what was found with the run."""
    path = Path(run.file.path)
    run.refusal, run.problems, run.preview, run.digest = "", [], [], ""
    run.problems_total = run.rows_total = run.rows_skipped = run.rows_bad = run.created = run.updated = (
        run.unchanged
    ) = 0
    kind = find_kind(run.kind)
    problems: list[Problem] = []
    try:
        reading = read(kind, path, run.filename, run.mapping, by=by, at=at)
        if not reading.missing:
            compare(reading)
    except (Refused, ZhunshengError) as problem:
        run.state, run.notes, run.refusal = State.REFUSED, [], say(problem)[:1000]
    else:
        run.encoding, run.notes = reading.encoding, reading.notes
        if not run.mapping:
            run.mapping = write_plan(reading.plan, kind) if reading.plan.columns else ""
        if reading.missing:
            run.state = State.UNMAPPED
        else:
            problems = reading.problems()
            run.state = State.CHECKED
            run.problems_total = len(problems)
            run.problems = [[one.row, one.column, one.message] for one in problems[:PROBLEMS_KEPT]]
            run.preview = shown_changes(kind, reading.items, CHANGES_SHOWN)
            run.digest = reading.digest()
            _count(run, reading)
    if run.returned:
        run.returned.delete(save=False)
    if problems:
        with tempfile.TemporaryFile("w+", encoding="utf-8", newline="") as out:
            write_returned(out, path, run.filename, problems)
            out.flush()
            out.seek(0)
            run.returned.save(f"{run.pk}-returned.csv", File(cast("IO[bytes]", out.buffer)), save=False)
    with transaction.atomic():
        if ImportRun.objects.select_for_update().get(pk=run.pk).state not in (State.LOADED, State.PARTLY_LOADED):
            run.save()


def _count(run: ImportRun, reading: Reading) -> None:
    run.rows_total, run.rows_skipped, run.rows_bad = reading.rows, reading.skipped, reading.bad_rows
    run.created, run.updated = reading.count(Verdict.CREATE), reading.count(Verdict.UPDATE)
    run.unchanged = reading.count(Verdict.UNCHANGED)
