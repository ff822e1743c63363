"""What every page knows: the city, the way about, who is here."""

from types import SimpleNamespace

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import RequestFactory
from django.utils import translation

from zhunsheng.web.common import city, context


@pytest.fixture
def home(tmp_path, settings):
    settings.HOME = tmp_path
    return tmp_path


class TestCity:
    def test_invented_city_says_so(self, home):
        (home / "city").write_text("hengchuan\n")
        found = city.current()
        assert (found.code, found.name, found.invented) == ("990100", "衡川市", True)

    def test_real_city_is_not_invented(self, home):
        (home / "city").write_text("jiaozuo")
        assert city.current().invented is False

    def test_before_the_first_start_there_is_none(self, home):
        assert city.current().code == "" and city.current().invented is False

    @pytest.mark.parametrize("name", ["../../etc", "Hengchuan", "", "no_such_city"])
    def test_refuses_a_name_that_is_no_city(self, home, name):
        (home / "city").write_text(name)
        with pytest.raises(ImproperlyConfigured, match="city"):
            city.current()


def ask(path="/", user=None):
    request = RequestFactory().get(path)
    request.user = user or SimpleNamespace(is_authenticated=False)
    return context.house(request)["house"]


class TestHouse:
    def test_public_and_staff_have_different_ways_about(self, home):
        public = {str(link.label) for link in ask()["navigation"]}
        staff = {
            str(link.label) for link in ask(user=SimpleNamespace(is_authenticated=True, is_firm=False))["navigation"]
        }
        assert public.isdisjoint(staff)

    def test_firm_is_not_staff(self, home):
        house = ask(user=SimpleNamespace(is_authenticated=True, is_firm=True))
        assert house["is_firm"] and not house["is_staff"]

    def test_name_follows_the_language(self, home):
        (home / "city").write_text("hengchuan")
        assert ask()["city_name"] == "衡川市"
        with translation.override("en"):
            assert ask()["city_name"] == "Hengchuan"

    def test_section_is_marked_by_the_longest_address(self, monkeypatch):
        monkeypatch.setattr(context, "reverse", {"a": "/", "b": "/desk/", "c": "/desk/log/"}.__getitem__)
        links = context._links("/desk/log/12/", (("a", "A"), ("b", "B"), ("c", "C")))
        assert [link.current for link in links] == ["", "", "true"]
        assert [link.current for link in context._links("/", (("a", "A"), ("b", "B")))] == ["page", ""]

    def test_notices_are_counted_by_the_room_that_has_them(self, home, monkeypatch):
        monkeypatch.setattr(context, "_counter", None)
        context.count_notices_with(lambda user: 3)
        assert ask(user=SimpleNamespace(is_authenticated=True))["notice_count"]() == 3
        assert ask()["notice_count"]() == 0
