"""Who answers for what: the tables of a city, the matrix of a day, gaps and overlaps, routing, and duties that are never rewritten."""

import datetime

import pytest
from django.utils import translation

from zhunsheng.engine.errors import TableError
from zhunsheng.web.common.errors import NotAllowed, Refused
from zhunsheng.web.people import actions, queries
from zhunsheng.web.people.models import Office, ProductClass, Responsibility
from zhunsheng.web.public_log.models import Act

pytestmark = pytest.mark.django_db
AT = datetime.datetime(2026, 11, 24, 1, tzinfo=datetime.UTC)
IN_2017, IN_2020 = datetime.date(2017, 6, 1), datetime.date(2020, 1, 1)


def table(matrix):
    return {(product.code, cell.link): cell for product, cells in matrix.rows for cell in cells}


class TestLoading:
    @pytest.mark.parametrize("city", ["jiaozuo", "hengchuan"])
    def test_it_loads_a_city_and_again_changes_nothing(self, db, city):
        first = actions.load_city(city, by=None, at=AT)
        assert min(first.values()) > 0
        assert first["offices"] == Office.objects.count()
        before = list(Responsibility.objects.order_by("pk").values())
        assert set(actions.load_city(city, by=None, at=AT).values()) == {0}
        assert list(Responsibility.objects.order_by("pk").values()) == before
        assert Act.objects.filter(verb="load_city").count() == 1

    def test_names_are_those_of_the_day_with_their_successors(self, db):
        actions.load_city("jiaozuo", by=None, at=AT)
        in_2017 = {office.code for office in queries.offices_on(IN_2017)}
        in_2020 = {office.code for office in queries.offices_on(IN_2020)}
        assert {"quality", "industry_commerce", "food_drug"} <= in_2017 - in_2020
        assert "market" in in_2020 - in_2017
        assert Office.objects.get(code="quality").successor.code == "market"
        assert set(Office.objects.get(code="market").predecessors.values_list("code", flat=True)) >= {
            "quality",
            "food_drug",
        }

    def test_a_duty_ended_here_stays_ended(self, db, town):
        actions.load_city("jiaozuo", by=None, at=AT)
        row = Responsibility.objects.filter(office__code="market", valid_to=None).first()
        actions.end_duty(row, on=datetime.date(2026, 1, 1), by=town.user("lead_office"), at=AT, reason="划转")
        actions.load_city("jiaozuo", by=None, at=AT)
        row.refresh_from_db()
        assert row.valid_to == datetime.date(2026, 1, 1)

    def test_an_unknown_city_loads_nothing(self, db):
        with pytest.raises(TableError):
            actions.load_city("atlantis", by=None, at=AT)
        assert not Office.objects.exists()

    def test_an_unknown_office_in_the_duties_loads_nothing(self, db, monkeypatch):
        from zhunsheng.engine import responsibility

        known = responsibility.duties("jiaozuo")
        stranger = responsibility.Duty("nowhere", "food", responsibility.Link.USE)
        monkeypatch.setattr(actions.accounts.engine, "duties", lambda city: (*known, stranger))
        with pytest.raises(Refused) as refusal:
            actions.load_city("jiaozuo", by=None, at=AT)
        assert "nowhere" in str(refusal.value)
        assert not Office.objects.exists()
        assert not Act.objects.exists()


class TestMatrix:
    @pytest.fixture(autouse=True)
    def _loaded(self, db):
        actions.load_city("jiaozuo", by=None, at=AT)

    def test_the_reform_moves_food_in_circulation(self):
        old, new = table(queries.matrix(IN_2017)), table(queries.matrix(IN_2020))
        assert [row.office.code for row in old["food", "circulation"].lead] == ["food_drug"]
        assert [row.office.code for row in new["food", "circulation"].lead] == ["market"]

    def test_the_gap_of_industrial_products_in_use_is_shown(self):
        """The table says so itself: 重要工业产品的使用环节 is nobody's."""
        matrix = queries.matrix(IN_2020)
        assert ("industrial_key", "use") in {(cell.product_class.code, cell.link) for cell in matrix.gaps}

    def test_a_link_that_does_not_exist_is_no_gap(self):
        cells = table(queries.matrix(IN_2020))
        assert cells["catering", "production"].state == "absent"

    def test_every_cell_is_counted_once(self):
        matrix = queries.matrix(IN_2020)
        states = [cell.state for _product, cells in matrix.rows for cell in cells]
        assert len(states) == 3 * ProductClass.objects.count()
        assert matrix.led + len(matrix.gaps) + len(matrix.overlaps) + states.count("absent") == len(states)

    def test_a_second_lead_is_an_overlap(self):
        row = Responsibility.objects.get(
            office__code="market", product_class__code="food", link="production", valid_to=None
        )
        Responsibility.objects.create(
            office=Office.objects.get(code="agri_rural"), product_class=row.product_class, link="production",
            valid_from=datetime.date(2019, 1, 1),
        )  # fmt: skip
        matrix = queries.matrix(IN_2020)
        assert ("food", "production") in {(cell.product_class.code, cell.link) for cell in matrix.overlaps}

    def test_comparison_says_who_led_before(self):
        cells = table(queries.matrix(IN_2020, compare=IN_2017))
        assert [office.code for office in cells["food", "circulation"].before] == ["food_drug"]
        assert cells["water_works", "production"].before is None

    def test_it_asks_three_times(self, django_assert_max_num_queries):
        with django_assert_max_num_queries(3):
            queries.matrix(IN_2020, compare=IN_2017)


class TestRouting:
    @pytest.fixture(autouse=True)
    def _loaded(self, db):
        actions.load_city("jiaozuo", by=None, at=AT)
        self.food = ProductClass.objects.get(code="food")

    def test_work_of_a_day_goes_to_the_office_of_that_day(self):
        assert [office.code for office in queries.who_answers(self.food, "production", IN_2017).lead] == ["food_drug"]
        assert [office.code for office in queries.who_answers(self.food, "production", IN_2020).lead] == ["market"]

    def test_the_reason_names_office_and_class_in_words(self):
        answer = queries.who_answers(self.food, "production", IN_2020)
        assert "市场监督管理局" in answer.sentence
        assert "食品" in answer.sentence
        with translation.override("en"):
            answer = queries.who_answers(self.food, "production", IN_2020)
        assert "Market Regulation" in answer.sentence
        assert "Food" in answer.sentence

    def test_a_gap_is_said_to_be_one(self):
        answer = queries.who_answers(ProductClass.objects.get(code="industrial_key"), "use", IN_2020)
        assert answer.lead == []
        assert "监管空白" in answer.sentence

    def test_joint_offices_stand_beside(self):
        answer = queries.who_answers(self.food, "use", IN_2020)
        assert "education" in {office.code for office in answer.joint}


class TestEditing:
    @pytest.fixture
    def food(self, town):
        return ProductClass.objects.create(code="food", name="食品", name_en="Food")

    def enter(self, town, food, by=None, **values):
        values = {"valid_from": IN_2020, "source": "三定规定", **values}
        return actions.add_duty(
            values.pop("office", town.office), food, values.pop("link", "use"), by=by, at=AT, **values
        )

    def test_it_works_and_again_is_the_same(self, town, food):
        by = town.user("lead_office")
        row = self.enter(town, food, by)
        assert self.enter(town, food, by) == row
        assert Act.objects.filter(verb="add_duty").count() == 1
        assert queries.who_answers(food, "use", IN_2020).lead == [town.office]

    @pytest.mark.parametrize("role", ["member", "head", "leader", "auditor", "sysadmin", "inspector"])
    def test_only_the_quality_office(self, town, food, role):
        with pytest.raises(NotAllowed):
            self.enter(town, food, town.user(role))
        assert not Responsibility.objects.exists()

    def test_refusals_name_the_field(self, town, food):
        by = town.user("lead_office")
        food.links = "production;use"
        food.save()
        for values, field in [
            ({"link": "circulation"}, "link"), ({"link": "nowhere"}, "link"), ({"source": " "}, "source"),
            ({"valid_to": IN_2017}, "valid_to"),
        ]:  # fmt: skip
            with pytest.raises(Refused) as refusal:
                self.enter(town, food, by, **values)
            assert refusal.value.field == field
        self.enter(town, food, by)
        with pytest.raises(Refused) as refusal:
            self.enter(town, food, by, valid_from=datetime.date(2021, 1, 1))
        assert refusal.value.field == "valid_from"

    def test_an_office_that_is_gone_bears_no_new_duty(self, town, food):
        town.office.valid_to = datetime.date(2018, 12, 31)
        town.office.save()
        with pytest.raises(Refused):
            self.enter(town, food, town.user("lead_office"))

    def test_ending_keeps_the_past(self, town, food):
        by = town.user("lead_office")
        row = self.enter(town, food, by)
        last = datetime.date(2025, 12, 31)
        for _ in range(2):
            actions.end_duty(row, on=last, by=by, at=AT, reason="机构改革")
        assert queries.who_answers(food, "use", last).lead == [town.office]
        assert queries.who_answers(food, "use", last + datetime.timedelta(days=1)).lead == []
        assert Act.objects.filter(verb="end_duty").count() == 1

    def test_an_end_is_not_moved_out_again(self, town, food):
        by = town.user("lead_office")
        row = self.enter(town, food, by)
        actions.end_duty(row, on=datetime.date(2024, 12, 31), by=by, at=AT, reason="机构改革")
        with pytest.raises(Refused) as refusal:
            actions.end_duty(row, on=datetime.date(2025, 12, 31), by=by, at=AT, reason="反悔")
        assert refusal.value.field == "on"


class TestPages:
    @pytest.fixture(autouse=True)
    def _loaded(self, db):
        actions.load_city("jiaozuo", by=None, at=AT)

    def test_the_matrix_of_two_days(self, client, town):
        client.force_login(town.user("member"))
        old = client.get("/people/responsibility/", {"on": "2017-06-01"}).content.decode()
        new = client.get("/people/responsibility/", {"on": "2020-01-01"}).content.decode()
        assert "市食药监局" in old
        assert "市食药监局" not in new
        assert "市市场监管局" in new
        assert "监管空白" in new

    def test_a_cell_opens_its_rows(self, client, town):
        client.force_login(town.user("member"))
        page = client.get("/people/responsibility/food/production/", {"on": "2020-01-01"}).content.decode()
        row = Responsibility.objects.get(office__code="market", product_class__code="food", link="production")
        assert row.source in page
        assert "2019-01-01" in page
        assert client.get("/people/responsibility/food/orbit/").status_code == 404
        assert client.get("/people/responsibility/fud/use/").status_code == 404

    def test_export_is_what_is_shown(self, client, town):
        client.force_login(town.user("member"))
        rows = (
            client.get("/people/responsibility/", {"on": "2017-06-01", "export": "csv"})
            .getvalue()
            .decode()
            .splitlines()
        )
        assert len(rows) == 1 + queries.responsibilities_on(IN_2017).count()
        assert client.get("/people/responsibility/", {"on": "2017-06-01", "export": "xlsx"}).status_code == 200

    @pytest.mark.parametrize("text", ["2017-13-01", "yesterday", "0000-00-00"])
    def test_a_day_that_is_none_is_said(self, client, town, text):
        client.force_login(town.user("member"))
        for path in ("/people/responsibility/", "/people/"):
            assert client.get(path, {"on": text}).status_code == 422

    def test_the_question_who(self, client, town):
        client.force_login(town.user("member"))
        food = ProductClass.objects.get(code="food")
        page = client.get(
            "/people/responsibility/who/", {"product_class": food.pk, "link": "production", "on": "2017-06-01"}
        )
        assert "食品药品监督管理局" in page.content.decode()
        assert client.get("/people/responsibility/who/", {"product_class": food.pk, "link": "orbit"}).status_code == 422

    def test_the_quality_office_enters_and_ends(self, client, town):
        client.force_login(town.user("lead_office"))
        market = Office.objects.get(code="market")
        key = ProductClass.objects.get(code="industrial_key")
        typed = {
            "office": market.pk, "product_class": key.pk, "link": "use", "lead": "1", "scope": "", "valid_from": "2026-01-01",
            "source": "市编办文件", "confidence": "sure",
        }  # fmt: skip
        made = client.post("/people/responsibility/add/", typed)
        assert made.status_code == 302
        page = client.get(made.url).content.decode()
        assert "市编办文件" in page
        ended = client.post(f"{made.url}end/", {"on": "2026-06-30", "reason": "再次调整"})
        assert ended.status_code == 302
        assert client.post("/people/responsibility/add/", typed | {"source": ""}).status_code == 422

    def test_offices_of_a_day_as_a_tree(self, client, town, django_assert_max_num_queries):
        client.force_login(town.user("member"))
        with django_assert_max_num_queries(12):
            page = client.get("/people/", {"on": "2017-06-01"}).content.decode()
        assert "焦作市质量技术监督局" in page
        assert "→ 焦作市市场监督管理局" in page
        county = client.get("/people/", {"on": "2017-06-01", "level": "county"}).content.decode()
        assert "解放分局" in county
        assert "焦作市财政局" not in county

    def test_an_office_page(self, client, town, django_assert_max_num_queries):
        town.user("head", Office.objects.get(code="market"), username="zheng")
        client.force_login(town.user("member"))
        with django_assert_max_num_queries(16):
            page = client.get(f"/people/offices/{Office.objects.get(code='market').pk}/").content.decode()
        assert "zheng" in page
        assert "焦作市质量技术监督局" in page

    def test_the_roles_table_is_shown(self, client, town):
        client.force_login(town.user("member"))
        page = client.get("/people/roles/").content.decode()
        assert "不得审核本人提交的事项" in page
