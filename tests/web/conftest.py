"""A small town for the tests of the rooms: two city offices, a county office, and one person for each role."""

import datetime
from dataclasses import dataclass, field

import pytest
from django.test import override_settings
from django.utils import timezone

from zhunsheng.engine import tables
from zhunsheng.web.common import law
from zhunsheng.web.people.models import Office, Post, User
from zhunsheng.web.public_log.actions import sequencing
from zhunsheng.web.registry.models import BusinessEntity, Division, FirmAccount


@pytest.fixture(autouse=True)
def _plain_static():
    """Pages without a collected manifest, quick hashes, background work done at once."""
    with override_settings(
        STORAGES={
            "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
            "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
        },
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        AXES_ENABLED=False,
        TASKS={"default": {"BACKEND": "django_tasks.backends.immediate.ImmediateBackend"}},
    ):
        yield


@pytest.fixture(autouse=True)
def _numbered_at_once(request, monkeypatch):
    """A test inside one transaction never commits: there, entries of the public log get their numbers as they are written."""
    marks = [mark.kwargs.get("transaction") for mark in request.node.iter_markers("django_db")]
    if not any(marks) and "transactional_db" not in request.fixturenames:
        monkeypatch.setattr(sequencing, "soon", sequencing.sequence)


@pytest.fixture(autouse=True)
def _packaged_law(monkeypatch):
    """A test reads the packaged law, asks for changes of it only where it says so, and leaves none behind."""
    monkeypatch.setattr(law, "_ask_again", float("inf"))
    yield
    tables.lay(tables.NOTHING)


@dataclass
class Town:
    """Handles to the rows, and makers for more of them."""

    office: Office
    other_office: Office
    county_office: Office
    city: Division
    county: Division
    township: Division
    users: dict[str, User] = field(default_factory=dict)
    entities: int = 0

    def user(self, role: str, office: Office | None = None, username: str = "") -> User:
        """A new user with one post."""
        name = username or f"{role}-{len(self.users) + 1}"
        user = User.objects.create_user(name, password="a-long-password-1", display_name=name)
        Post.objects.create(user=user, office=office or self.office, role=role, valid_from=datetime.date(2015, 1, 1))
        self.users[name] = user
        return user

    def entity(self, **values) -> BusinessEntity:
        """A new business entity with a number of its own."""
        self.entities += 1
        now = timezone.now()
        values.setdefault("unit_id", f"demo:T{self.entities:06d}")
        values.setdefault("name", f"测试企业{self.entities:06d}有限公司")
        values.setdefault("division", self.township)
        values.setdefault("industry", "1411")
        values.setdefault("risk_class", "ABCD"[self.entities % 4])
        values.setdefault("created_at", now)
        values.setdefault("updated_at", now)
        return BusinessEntity.objects.create(**values)

    def firm_user(self, entity: BusinessEntity) -> User:
        user = User.objects.create_user(f"firm-{entity.pk}", password="a-long-password-1", display_name=entity.name)
        FirmAccount.objects.create(user=user, entity=entity)
        return user


@pytest.fixture
def town(db) -> Town:
    city = Division.objects.create(code="990100", name="测试市", name_en="Test City", level="city")
    county = Division.objects.create(code="990101", name="东河区", name_en="Donghe", level="county", parent=city)
    township = Division.objects.create(
        code="990101001", name="河东街道", name_en="Hedong", level="township", parent=county
    )
    office = Office.objects.create(
        code="T-SJ", name="测试市市场监督管理局", name_en="Market Regulation", level="city", division_code="990100"
    )
    other = Office.objects.create(
        code="T-NY", name="测试市农业农村局", name_en="Agriculture", level="city", division_code="990100"
    )
    county_office = Office.objects.create(
        code="T-SJ-01", name="东河区市场监督管理局", level="county", division_code="990101", parent=office
    )
    return Town(office, other, county_office, city, county, township)
