"""From upload to register: every problem shown, then all rows, the clean rows, or none. Never half, never twice."""

import csv
import io
import os
import signal
import subprocess
import sys
import textwrap

import pytest
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from tests.web.common import files
from zhunsheng.engine.identifiers import make_uscc
from zhunsheng.web.common.errors import NotAllowed, Refused
from zhunsheng.web.common.spreadsheet import open_table
from zhunsheng.web.desk.importing import actions, find_kind
from zhunsheng.web.desk.models import ImportRun
from zhunsheng.web.public_log.models import Act
from zhunsheng.web.registry.models import BusinessEntity

pytestmark = pytest.mark.django_db
State = ImportRun.State
HEAD = "主体标识,名称,行业代码,区划代码"


def code(number: int) -> str:
    return make_uscc("91", "990101", f"{number:08d}")


def line(number: int, name: str = "", industry: str = "1411", division: str = "990101001") -> str:
    return f"{code(number)},{name or f'企业{number}有限公司'},{industry},{division}"


def text(*lines: str, head: str = HEAD) -> bytes:
    return ("\r\n".join([head, *lines]) + "\r\n").encode()


@pytest.fixture
def member(town):
    return town.user("member")


def receive(by, data, name="名录.csv", mapping="", kind="entities"):
    return actions.receive(
        find_kind(kind), ContentFile(data, name=name), name, mapping=mapping, by=by, at=timezone.now()
    )


def load(run, clean_only=False):
    return actions.load(run, clean_only=clean_only, by=run.created_by, at=timezone.now())


# -- check -------------------------------------------------------------------------------------------------------------
def test_it_works(member):
    run = receive(member, text(line(1), line(2)))
    assert (run.state, run.rows_total, run.rows_bad, run.created) == (State.CHECKED, 2, 0, 2)
    assert BusinessEntity.objects.count() == 0  # a check writes nothing
    run = load(run)
    assert (run.state, run.created) == (State.LOADED, 2)
    assert set(BusinessEntity.objects.values_list("name", flat=True)) == {"企业1有限公司", "企业2有限公司"}


def test_every_problem_of_every_row_is_listed_by_the_spreadsheets_number(member):
    data = text(
        line(1),
        f"{code(2)[:-1]}0,坏码,1411,990101001",
        f"{code(3)},,9999,123",
        "",
        f"{code(4)},少格",
    )
    run = receive(member, data)
    assert run.rows_bad == 3 and run.created == 1
    found = {(row, column) for row, column, _message in run.problems}
    assert found == {(3, "主体标识"), (4, "名称"), (4, "行业代码"), (4, "区划代码"), (6, "")} - {(4, "名称")}
    assert "校验码应为" in next(message for row, _column, message in run.problems if row == 3)


def test_rows_of_the_same_record_are_doubles(member):
    run = receive(member, text(line(1), line(2), line(1), line(2, "另一个名字")))
    assert sorted((row, "内容相同" in message) for row, _column, message in run.problems) == [
        (3, False),
        (4, True),
        (5, False),
    ]
    assert run.created == 1


def test_a_file_of_another_encoding_is_named(member):
    assert receive(member, text(line(1)).decode().encode("gb18030")).encoding == "GB18030"


def test_a_refused_file_leaves_a_run_with_the_reason(member):
    run = receive(member, b"%PDF-1.7", "名录.pdf")
    assert run.state == State.REFUSED and "不接受" in run.refusal
    with pytest.raises(Refused):
        load(run)


def test_unused_columns_are_told(member):
    run = receive(member, text(line(1) + ",x", head=HEAD + ",法人电话"))
    assert any("法人电话" in note for note in run.notes)


def test_only_who_may_import_may(town):
    for user in (town.user("auditor"), town.user("leader"), town.firm_user(town.entity())):
        with pytest.raises(NotAllowed):
            receive(user, text(line(1)))
    assert not ImportRun.objects.exists()


# -- load --------------------------------------------------------------------------------------------------------------
def test_all_or_nothing_is_nothing_when_a_row_is_bad(member):
    run = receive(member, text(line(1), "x,y,z,w"))
    with pytest.raises(Refused, match="有 1 行有问题"):
        load(run)
    assert BusinessEntity.objects.count() == 0
    run.refresh_from_db()
    assert run.state == State.CHECKED


def test_the_clean_rows_go_in_and_the_rest_comes_back(member):
    run = receive(member, text(line(1), f'{code(2)},"名,有逗号",0000,990101001', line(3), head=HEAD))
    run = load(run, clean_only=True)
    assert (run.state, run.created, run.rows_bad) == (State.PARTLY_LOADED, 2, 1)
    back = list(csv.reader(io.StringIO(run.returned.read().decode("utf-8-sig"))))
    assert back[0] == [*HEAD.split(","), "导入问题"]
    assert back[1][:4] == [code(2), "名,有逗号", "0000", "990101001"]
    assert back[1][4].startswith("行业代码:")
    assert len(back) == 2


def test_the_returned_file_goes_in_again_when_it_is_mended(member):
    run = load(receive(member, text(line(1), line(2, industry="ZZZZ"))), clean_only=True)
    mended = run.returned.read().decode("utf-8-sig").replace("ZZZZ", "1411")
    second = receive(member, mended.encode())
    assert not any("导入问题" in note for note in second.notes)
    assert load(second).created == 1


def test_the_same_file_twice_changes_nothing_and_leaves_no_history(member):
    load(receive(member, text(line(1), line(2))))
    before = Act.objects.filter(subject_type="entity").count()
    versions = list(BusinessEntity.objects.values_list("version", "updated_at"))
    run = receive(member, text(line(1), line(2)))
    assert (run.created, run.updated, run.unchanged) == (0, 0, 2)
    load(run)
    assert Act.objects.filter(subject_type="entity").count() == before
    assert list(BusinessEntity.objects.values_list("version", "updated_at")) == versions


def test_loading_a_loaded_run_is_silent(member):
    run = load(receive(member, text(line(1))))
    acts = Act.objects.count()
    assert load(run).pk == run.pk
    assert Act.objects.count() == acts


def test_each_record_has_its_act_and_the_run_has_one(member):
    load(receive(member, text(line(1), line(2))))
    run = receive(member, text(line(1, "新名字有限公司"), line(3)))
    assert run.preview[0][0] == 2 and run.preview[0][2] == {"name": ["企业1有限公司", "新名字有限公司"]}
    load(run)
    changed = Act.objects.get(verb="change_entity")
    assert changed.changes == {"name": ["企业1有限公司", "新名字有限公司"]}
    assert changed.by == member and "名录.csv" in changed.reason
    assert Act.objects.filter(verb="register_entity").count() == 3
    assert Act.objects.filter(verb="load_import", subject_id=str(run.pk)).count() == 1


def test_what_changed_after_the_check_stops_the_load(member, town):
    """The user decided on what was shown; the register is not what it was, so it is shown again."""
    run = receive(member, text(line(1), line(2)))
    town.entity(unit_id=f"uscc:{code(2)}", name="抢先登记")
    with pytest.raises(Refused, match="没有导入任何一行.*重新校验"):
        load(run)
    assert BusinessEntity.objects.count() == 1
    run.refresh_from_db()
    assert (run.state, run.created, run.updated) == (State.CHECKED, 1, 1)
    assert load(run).updated == 1


def test_a_change_that_makes_no_difference_does_not_stop_it(member, town):
    run = receive(member, text(line(1)))
    town.entity()
    assert load(run).created == 1


def test_a_file_changed_on_the_server_is_not_loaded(member):
    run = receive(member, text(line(1)))
    with open(run.file.path, "ab") as out:
        out.write(text(line(2)))
    with pytest.raises(Refused, match="SHA-256"):
        load(run)
    assert BusinessEntity.objects.count() == 0


def test_an_error_in_the_middle_leaves_nothing(member, monkeypatch):
    """The last statement of the load fails: no entity, no premises, no act, and the run can be loaded again."""
    run = receive(member, text(*(line(i) for i in range(1, 300))))
    acts = Act.objects.count()

    def fail(*args, **kwargs):
        raise RuntimeError("the disk is full")

    with monkeypatch.context() as broken, pytest.raises(RuntimeError):
        broken.setattr(actions, "record", fail)
        load(run)
    assert BusinessEntity.objects.count() == 0 and Act.objects.count() == acts
    run.refresh_from_db()
    assert run.state == State.CHECKED
    assert load(run).created == 299


def test_discarding(member):
    run = actions.discard(receive(member, text(line(1))), by=member, at=timezone.now())
    assert run.state == State.DISCARDED
    acts = Act.objects.count()
    actions.discard(run, by=member, at=timezone.now())
    assert Act.objects.count() == acts
    with pytest.raises(Refused):
        load(run)


def test_another_user_decides_nothing(member, town):
    run = receive(member, text(line(1)))
    other = town.user("head")
    for act in (
        lambda: actions.load(run, clean_only=False, by=other, at=timezone.now()),
        lambda: actions.discard(run, by=other, at=timezone.now()),
    ):
        with pytest.raises(NotAllowed):
            act()


# -- columns -----------------------------------------------------------------------------------------------------------
def test_unmatched_columns_are_matched_by_hand_and_kept(member, client):
    client.force_login(member)
    data = text(f"x,{code(1)},甲公司,990101", head="序号,编号,单位,地区")
    answer = client.post(reverse("desk:import_upload", args=["entities"]), {"file": ContentFile(data, name="a.csv")})
    run = ImportRun.objects.get()
    assert run.state == State.UNMAPPED and answer.url == reverse("desk:import_columns", args=[run.pk])
    empty = client.post(answer.url, {})
    assert empty.status_code == 422 and "必须对应到文件中的一列" in empty.content.decode()
    done = client.post(
        answer.url, {"from_unit_id": "c1", "from_name": "c2", "from_division": "c3", "fixed_risk_class": "B"}
    )
    assert done.url == reverse("desk:import_run", args=[run.pk])
    run.refresh_from_db()
    assert (run.state, run.created) == (State.CHECKED, 1)
    again = receive(member, data, mapping=run.mapping)
    assert again.state == State.CHECKED
    load(again)
    entity = BusinessEntity.objects.get()
    assert (entity.name, entity.division_id, entity.risk_class) == ("甲公司", "990101", "B")


def test_many_rows_make_one_record_as_the_mapping_says(member):
    mapping = 'group_by = "号"\n[columns.unit_id]\nfrom = "号"\nscheme = "demo"\n[columns.name]\nfrom = "名"\n[columns.division]\nconstant = "990101"'
    good = receive(member, "号,名,违规\n7,甲,a\n8,乙,b\n7,甲,c\n".encode(), mapping=mapping)
    assert (good.rows_total, good.created, good.rows_bad) == (3, 2, 0)
    bad = receive(member, "号,名,违规\n7,甲,a\n8,乙,b\n7,丙,c\n".encode(), mapping=mapping)
    assert (bad.rows_bad, bad.created) == (2, 1)
    said = {row: message for row, _column, message in bad.problems}
    assert "“丙”与第 2 行的“甲”不同" in said[4] and "第 4 行是同一条记录" in said[2]
    last = receive(member, "号,名,违规\n7,甲,a\n7,丙,c\n".encode(), mapping='differences = "last"\n' + mapping)
    load(last)
    assert BusinessEntity.objects.get().name == "丙"


def test_skipped_rows_are_counted(member):
    mapping = 'skip = { "态" = ["关"] }\n[columns.unit_id]\nfrom = "号"\n[columns.name]\nfrom = "名"\n[columns.division]\nconstant = "990101"'
    run = receive(member, f"号,名,态\n{code(1)},甲,开\n{code(2)},乙,关\n".encode(), mapping=mapping)
    assert (run.rows_total, run.rows_skipped, run.created) == (2, 1, 1)


# -- pages -------------------------------------------------------------------------------------------------------------
def test_the_pages_of_a_run(member, client):
    client.force_login(member)
    assert "经营主体" in client.get(reverse("desk:imports")).content.decode()
    page = client.get(reverse("desk:import_upload", args=["entities"]))
    assert "91350100M000100Y43" in page.content.decode()
    data = text(line(1), *(f"坏{i},名,1411,990101" for i in range(250)))
    answer = client.post(
        reverse("desk:import_upload", args=["entities"]), {"file": ContentFile(data, name="名录.csv")}, follow=True
    )
    body = answer.content.decode()
    assert "250" in body and "显示第 1 至 100 处" in body and "只导入没有问题的行" in body and "全部导入?" not in body
    second = client.get(answer.request["PATH_INFO"] + "?from=200").content.decode()
    assert "显示第 201 至 250 处" in second
    run = ImportRun.objects.get()
    workbook = client.get(reverse("desk:import_returned", args=[run.pk, "xlsx"]))
    assert workbook.status_code == 200 and b"".join(workbook.streaming_content)[:2] == b"PK"
    assert client.get(reverse("desk:import_mapping", args=[run.pk])).status_code == 200
    done = client.post(reverse("desk:import_load", args=[run.pk]), {"choice": "clean"}, follow=True).content.decode()
    assert "已导入：新增 1" in done and "部分导入" in done
    assert "部分导入" in client.get(reverse("desk:imports")).content.decode()


def test_a_stranger_sees_no_run(member, town, client):
    run = receive(member, text(line(1)))
    client.force_login(town.user("head"))
    for name in ("import_run", "import_columns", "import_mapping"):
        assert client.get(reverse(f"desk:{name}", args=[run.pk])).status_code == 403
    for name in ("import_load", "import_discard"):
        assert client.post(reverse(f"desk:{name}", args=[run.pk])).status_code == 403
    assert "名录.csv" not in client.get(reverse("desk:imports")).content.decode()
    client.force_login(town.user("auditor"))
    assert client.get(reverse("desk:import_run", args=[run.pk])).status_code == 200
    assert client.post(reverse("desk:import_load", args=[run.pk]), {"choice": "all"}, follow=True).status_code == 200
    assert BusinessEntity.objects.count() == 0


def test_a_firm_has_no_imports(town, client):
    client.force_login(town.firm_user(town.entity()))
    assert client.get(reverse("desk:imports")).status_code == 403
    assert client.get(reverse("desk:import_upload", args=["entities"])).status_code == 403


def test_a_hundred_megabytes_are_answered_before_they_are_kept(member, client, settings):
    settings.MAX_UPLOAD_BYTES = 1 << 20
    client.force_login(member)
    answer = client.post(
        reverse("desk:import_upload", args=["entities"]), {"file": ContentFile(b"x" * (3 << 20), name="a.csv")}
    )
    assert answer.status_code == 413
    assert "最多 1 MB" in answer.content.decode()
    assert not ImportRun.objects.exists()


def test_an_upload_needs_its_token(member, settings):
    """The size is looked at before the form is parsed, and the form is still protected."""
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    client.force_login(member)
    answer = client.post(
        reverse("desk:import_upload", args=["entities"]), {"file": ContentFile(text(line(1)), name="a.csv")}
    )
    assert answer.status_code == 403
    assert not ImportRun.objects.exists()


def test_a_mapping_file_with_a_mistake_is_refused_in_the_form(member, client):
    client.force_login(member)
    answer = client.post(
        reverse("desk:import_upload", args=["entities"]),
        {
            "file": ContentFile(text(line(1)), name="a.csv"),
            "mapping": ContentFile(b"[columns.colour]\nfrom='a'", name="m.toml"),
        },
    )
    assert answer.status_code == 422 and "不认识“colour”" in answer.content.decode()


def test_a_name_that_turns_the_writing_round_is_shown_plainly(member):
    assert receive(member, text(line(1)), "名录\u202ecod.csv").filename == "名录cod.csv"
    assert receive(member, text(line(2)), "..\\..\\名录.csv").filename == "名录.csv"


@pytest.mark.parametrize("kind", ["entities", "inspectors", "recusals"])
@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_template_is_understood_by_its_own_import(member, client, tmp_path, kind, form):
    client.force_login(member)
    answer = client.get(reverse("desk:import_template", args=[kind, form]))
    path = tmp_path / f"t.{form}"
    path.write_bytes(b"".join(answer.streaming_content))
    columns = find_kind(kind).columns
    with open_table(path, path.name, max_bytes=1 << 20) as table:
        assert table.header == [str(column.label) for column in columns]
        assert list(table.rows) == []
    run = receive(member, path.read_bytes(), path.name, kind=kind)
    assert run.state == State.CHECKED and run.rows_total == 0


def test_the_template_is_understood_in_english_too(member, client, tmp_path):
    client.force_login(member)
    from django.utils import translation

    with translation.override("en"):
        labels = [str(column.label) for column in find_kind("entities").columns]
    path = files.xlsx(tmp_path / "a.xlsx", [labels, [code(1), "A", *[""] * (len(labels) - 2)]])
    assert receive(member, path.read_bytes(), "a.xlsx").state == State.CHECKED


# -- the command -------------------------------------------------------------------------------------------------------
def test_the_command_checks_and_loads(member, tmp_path, capsys):
    path = tmp_path / "a.csv"
    path.write_bytes(text(line(1), line(2, industry="0000")))
    back = tmp_path / "back.csv"
    with pytest.raises(CommandError, match="有 1 行有问题"):
        call_command("import_file", "entities", path, user=member.username)
    assert BusinessEntity.objects.count() == 0
    call_command("import_file", "entities", path, user=member.username, clean_only=True, returned=back)
    said = capsys.readouterr()
    assert "created 1" in said.out and "3 行业代码" in said.err
    assert "导入问题" in back.read_text(encoding="utf-8-sig")
    assert BusinessEntity.objects.count() == 1


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [("nothing", "", "没有“nothing”"), ("entities", "nobody", "no active account"), ("entities", "", "missing.csv")],
)
def test_the_command_refuses_with_a_sentence(member, tmp_path, kind, name, said):
    with pytest.raises(CommandError, match=said):
        call_command("import_file", kind, tmp_path / "missing.csv", user=name or member.username)


# -- kill --------------------------------------------------------------------------------------------------------------
@pytest.mark.skipif(connection.vendor != "sqlite", reason="the process brings its own database")
def test_killed_in_the_middle_nothing_is_left(tmp_path):
    """SIGKILL after the entities are written and before the transaction ends; then the same run is loaded whole."""
    script = textwrap.dedent(
        """
        import os, signal, sys
        import django
        django.setup()
        from django.core.files.base import ContentFile
        from django.core.management import call_command
        from django.utils import timezone
        from zhunsheng.engine.identifiers import make_uscc
        from zhunsheng.web.desk.importing import actions, find_kind
        from zhunsheng.web.desk.models import ImportRun
        from zhunsheng.web.people.models import Office, Post, User
        from zhunsheng.web.public_log.models import Act
        from zhunsheng.web.registry.models import BusinessEntity, Premises
        from zhunsheng.web.registry.actions import entities
        call_command("migrate", verbosity=0)
        user, _ = User.objects.get_or_create(username="m")
        office, _ = Office.objects.get_or_create(code="o", defaults={"name": "o"})
        Post.objects.get_or_create(user=user, office=office, role="member")
        run = ImportRun.objects.first()
        if run is None:
            rows = "".join(f"{make_uscc('91', '990101', f'{i:08d}')},企业{i},甲路{i}号\\n" for i in range(2000))
            data = ("主体标识,名称,场所地址\\n" + rows).encode()
            run = actions.receive(find_kind("entities"), ContentFile(data, name="a.csv"), "a.csv", by=user, at=timezone.now())
        print(run.state, BusinessEntity.objects.count(), Premises.objects.count(), Act.objects.filter(verb="register_entity").count(), flush=True)
        if "kill" in sys.argv:
            entities.record_many = lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL)
        if "look" not in sys.argv:
            actions.load(run, clean_only=False, by=user, at=timezone.now())
            print("loaded", BusinessEntity.objects.count(), flush=True)
        """
    )
    env = {
        **os.environ,
        "ZHUNSHENG_HOME": str(tmp_path),
        "ZHUNSHENG_DATABASE_URL": "",
        "DJANGO_SETTINGS_MODULE": "zhunsheng.web.settings",
    }

    def go(*words):
        return subprocess.run(
            [sys.executable, "-W", "ignore", "-c", script, *words], env=env, capture_output=True, text=True, timeout=300
        )

    killed = go("kill")
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert killed.stdout.split("\n")[0] == "checked 0 0 0"
    assert go("look").stdout.strip() == "checked 0 0 0"
    assert go().stdout.strip().endswith("loaded 2000")
    assert go("look").stdout.strip() == "loaded 2000 2000 2000"
