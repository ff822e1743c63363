"""`zhunsheng init`: an empty, ready platform; again it changes nothing; one folder, one city."""

import re

import pytest

from zhunsheng.web import cli
from zhunsheng.web.appraisal.models import Target
from zhunsheng.web.common import city
from zhunsheng.web.inspection.models import CheckItem, ResultWording
from zhunsheng.web.people.models import Office, User
from zhunsheng.web.registry.models import BusinessEntity, Division

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def home(settings, tmp_path):
    settings.HOME = tmp_path
    return tmp_path


def counts():
    return [model.objects.count() for model in (User, Office, Division, CheckItem, ResultWording, Target)]


def test_it_sets_up_an_empty_city_and_prints_a_first_password(capsys):
    assert cli.init(["--city", "jiaozuo"]) == 0
    said = capsys.readouterr().out
    admin = User.objects.get()
    password = re.search(r"first password: (\w{16})", said)
    assert password and admin.check_password(password[1])
    assert admin.is_superuser and admin.must_change_password
    assert city.current().folder == "jiaozuo" and not city.current().invented
    assert Target.objects.count() == 25
    assert all(counts()) and not BusinessEntity.objects.exists()


def test_again_it_changes_nothing_and_tells_no_password(capsys):
    cli.init(["--city", "jiaozuo"])
    before = counts()
    capsys.readouterr()
    assert cli.init(["--city", "jiaozuo"]) == 0
    assert counts() == before
    assert "password" not in capsys.readouterr().out


def test_a_folder_holds_one_city(home, capsys):
    (home / "city").write_text("hengchuan\n")
    with pytest.raises(SystemExit):
        cli.init(["--city", "jiaozuo"])
    assert "hengchuan" in capsys.readouterr().err
    assert not User.objects.exists()


def test_an_unknown_city_is_refused_with_the_known_ones(capsys):
    with pytest.raises(SystemExit):
        cli.init(["--city", "atlantis"])
    said = capsys.readouterr().err
    assert "hengchuan" in said and "jiaozuo" in said


def test_a_failure_leaves_no_administrator_behind(monkeypatch):
    def fail(*args, **words):
        raise OSError("a table cannot be read")

    monkeypatch.setattr(cli, "load_city", fail)
    with pytest.raises(OSError, match="table"):
        cli.init(["--city", "jiaozuo"])
    assert not User.objects.exists()
