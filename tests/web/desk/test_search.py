"""全库检索: every text is found by its parts, from one character on; nobody finds what they may not see."""

import datetime
import re

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.html import escape
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from zhunsheng.web.desk import actions, providers, searching
from zhunsheng.web.desk.actions import searching as writing
from zhunsheng.web.desk.models import SearchEntry, SearchProgress
from zhunsheng.web.desk.searching import database, marking, offers
from zhunsheng.web.desk.searching.words import LONGEST, fold, wanted, words_of
from zhunsheng.web.people.models import Office
from zhunsheng.web.public_log.actions import Deed, record, record_many
from zhunsheng.web.registry.actions import register_entity
from zhunsheng.web.registry.models import BusinessEntity

AT = timezone.now()
CHINESE = st.text(st.sampled_from("衡川市恒达餐饮有限公司东河区西山路号（）、，·“”𠮷〇"), min_size=1, max_size=60)
MIXED = st.text(st.sampled_from("衡川市恒达号ABab0129-/ （）%_'\"*"), min_size=1, max_size=40)


def entry(text, object_id=1, kind="entity", title=""):
    folded = fold(text)
    return SearchEntry(
        kind=kind, object_id=object_id, title=title or folded[:200], text=folded, words=" ".join(words_of(folded))
    )


def matches(text, query) -> bool:
    """Whether the database finds a text that is the only one."""
    SearchEntry.objects.all().delete()
    entry(text).save()
    asked = wanted(query)
    if not asked:
        return False
    found = SearchEntry.objects.filter(database.containing(asked))
    for part in asked.parts:
        found = found.filter(text__contains=part)
    return found.exists()


class TestWords:
    def test_chinese_is_cut_into_single_characters_and_pairs(self):
        assert words_of("恒达餐饮") == ["恒", "达", "餐", "饮", "恒达", "达餐", "餐饮"]

    def test_latin_words_and_numbers_stay_whole_and_pairs_cross_into_chinese(self):
        assert words_of(fold("Ａ12号GB/T")) == ["a12", "gb", "号", "2号", "号g", "t"]

    def test_each_word_once(self):
        assert words_of("好好好") == ["好", "好好"]

    def test_a_query_asks_for_words_and_for_what_must_stand_together(self):
        asked = wanted("恒达餐饮 9135 GB/T")
        assert asked.whole == ("恒达", "达餐", "餐饮")
        assert asked.begun == ("9135", "gb", "t")
        assert asked.parts == ("恒达餐饮", "gb/t")

    @pytest.mark.parametrize("query", ["", "   ", "“”", "*", "' \" ( )", "%_", "😀", "\x00\ud800"])
    def test_a_query_without_a_letter_asks_for_nothing(self, query):
        assert not wanted(query)

    @given(st.text(max_size=300))
    @example("\x00'“*\\")
    def test_whatever_is_typed_only_letters_and_digits_reach_the_index(self, query):
        asked = wanted(query)
        assert all(word.isalnum() and word.strip() == word for word in (*asked.whole, *asked.begun))

    @given(st.text(max_size=200))
    def test_words_of_any_text_can_be_kept(self, text):
        folded = fold(text)
        assert "\x00" not in folded
        assert all(word and word.isalnum() and len(word) <= LONGEST for word in words_of(folded))
        folded.encode()  # no half surrogate


@pytest.mark.django_db
class TestFinding:
    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("达", True), ("恒达", True), ("恒达餐", True), ("达餐饮", True), ("饮有限", True), ("恒餐", False), ("大", False),
            ("恒达 东河", True), ("东河 恒达", True), ("恒达 西河", False), ("9135", True), ("９１３５", True), ("5010", False),
            ("91350100m000100y43", True), ("12号", True), ("2号", True), ("3号", False), ("gb/t", True), ("GB/T 4754", True),
            ("t/gb", False), ("（恒达）", True), ("(恒达)", True), ("川市(恒", True), ("𠮷", True), ("𠮷野", True),
        ],
    )  # fmt: skip
    def test_parts_of_a_text(self, query, found):
        text = "衡川市（恒达）餐饮有限公司 恒达餐饮 91350100M000100Y43 东河路12号 GB/T 4754 𠮷野"
        assert matches(text, query) is found

    @settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    @given(text=CHINESE, data=st.data())
    def test_every_part_of_1_to_6_characters_of_a_chinese_text_is_found(self, text, data):
        start = data.draw(st.integers(0, len(text) - 1))
        part = text[start : start + data.draw(st.integers(1, 6))]
        assert matches(text, part) or not wanted(part)

    @settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    @given(text=MIXED, data=st.data())
    def test_so_is_every_part_of_a_mixed_text_that_has_a_chinese_character(self, text, data):
        start = data.draw(st.integers(0, len(text) - 1))
        part = text[start : start + data.draw(st.integers(1, 6))]
        terms = [term for term in part.split() if any(char.isalnum() and not char.isascii() for char in term)]
        assert matches(text, " ".join(terms)) or not terms

    @settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    @given(text=MIXED, query=st.text(st.sampled_from("衡川恒达aA01-/ %_'\"*"), max_size=8))
    def test_what_is_found_has_every_term(self, text, query):
        if matches(text, query):
            assert all(term in fold(text) for term in fold(query).split())

    @pytest.mark.parametrize(
        "query",
        ['"', "'", "恒达*", "恒达 OR 东河", "NEAR(恒达 东河)", "恒达 NOT 餐饮", "-恒达", "words:恒达", "恒达' OR '1'='1", "^恒达",
         "恒达:*", "!恒达", "恒达 & !东河", "恒达 <-> 餐饮", "{恒达}", "\\", "恒达\\", "恒达;DROP TABLE desk_searchentry", "\x00恒达"],
    )  # fmt: skip
    def test_nothing_typed_is_a_command_of_the_index(self, query):
        found = matches("恒达餐饮 东河", query)
        # found only where every term stands there as it was written
        assert found == (bool(wanted(query)) and all(term in "恒达餐饮 东河" for term in wanted(query).terms))
        assert SearchEntry.objects.count() == 1

    def test_percent_and_underline_are_signs_like_others(self):
        assert matches("含量50%以上", "50%以")
        assert not matches("含量50度以上", "50%以")
        assert not matches("甲乙丙", "甲_丙")

    def test_long_queries_and_long_words(self):
        assert matches("恒" * 5000 + "达" * 3000, "恒" * 90 + "达" * 9 + " 恒")
        assert matches("a" * 3000 + "恒", "a" * 99)
        assert not matches("a" * 80 + "恒", "a" * 81)
        assert not matches("恒达", "恒达" * 1000)

    def test_the_index_follows_every_change_of_an_entry(self):
        entry("恒达餐饮").save()
        one = SearchEntry.objects.get()
        fresh = entry("东河百货")
        SearchEntry.objects.bulk_create(
            [fresh],
            update_conflicts=True,
            unique_fields=["kind", "object_id"],
            update_fields=["title", "text", "words"],
        )
        assert SearchEntry.objects.get().pk == one.pk
        assert not SearchEntry.objects.filter(database.containing(wanted("恒达"))).exists()
        assert SearchEntry.objects.filter(database.containing(wanted("百货"))).exists()
        with pytest.raises(IntegrityError), transaction.atomic():
            entry("东河百货").save()
        SearchEntry.objects.all().delete()
        assert not SearchEntry.objects.filter(database.containing(wanted("百货"))).exists()

    def test_a_lost_index_is_made_again(self):
        entry("恒达餐饮").save()
        database.remove()
        assert database.missing()
        database.ensure()
        assert not database.missing()
        assert SearchEntry.objects.filter(database.containing(wanted("恒达"))).exists()


class TestMarking:
    def test_terms_are_marked_and_the_rest_is_escaped(self):
        assert marking.mark("<b>恒达&餐饮", ["恒达"]) == "&lt;b&gt;<mark>恒达</mark>&amp;餐饮"

    def test_as_the_index_reads_it(self):
        assert marking.mark("ＧＢ/T（甲）", ["gb/t", "(甲)"]) == "<mark>ＧＢ/T（甲）</mark>"

    def test_a_snippet_shows_the_place(self):
        line = marking.snippet("头" * 300 + "\n恒达餐饮" + "尾" * 300, ["恒达"])
        assert "<mark>恒达</mark>餐饮" in line
        assert line.startswith("…")
        assert line.endswith("…")

    @given(st.text(max_size=80), st.lists(st.text(min_size=1, max_size=5), max_size=4))
    def test_marks_take_nothing_away(self, text, terms):
        marked = marking.mark(text, [fold(term) for term in terms if fold(term)])
        assert re.sub("</?mark>", "", marked) == escape(text)


@pytest.fixture
def only_sources(monkeypatch):
    """Entities and offices, so that other rooms do not matter here."""
    kept = {key: one for key, one in offers._sources.items() if key in ("entity", "office", "user")}
    monkeypatch.setattr(offers, "_sources", kept)
    monkeypatch.setattr(providers, "_staff_search", [])
    return kept


@pytest.mark.django_db
class TestAsking:
    @pytest.fixture(autouse=True)
    def _sources(self, only_sources):
        pass

    def test_hits_of_a_kind_with_the_exact_title_first_then_the_newest(self, town):
        for name in ("恒达餐饮", "恒达百货", "恒达"):
            town.entity(name=name)
        town.entity(name="恒达商行")
        actions.reindex()
        (group,) = searching.find(town.user("member"), "恒达").groups
        assert [re.sub("</?mark>", "", hit.title) for hit in group.hits] == ["恒达", "恒达商行", "恒达百货", "恒达餐饮"]
        assert (group.key, group.total, group.after) == ("entity", 4, "")

    def test_by_code_address_and_premises(self, town):
        town.entity(unit_id="uscc:91350100M000100Y43", name="甲厂", address="东河街道幸福路12号")
        actions.reindex()
        for query in ("91350100M000100Y43", "9135", "幸福路12号", "幸", "甲厂 河东街道"):
            assert [hit.title for hit in searching.find(town.user("member"), query)], query

    def test_nobody_finds_or_counts_what_they_may_not_see(self, town):
        other = town.entity(name="西山餐饮", division=town.city)
        mine = town.entity(name="东河餐饮")
        actions.reindex()
        county = town.user("member", town.county_office)
        (group,) = searching.find(county, "餐饮").groups
        assert [hit.url for hit in group.hits] == [reverse("registry:entity", args=[mine.pk])]
        assert group.total == 1
        assert not searching.find(county, other.name).groups
        assert searching.find(town.user("member"), "餐饮").groups[0].total == 2
        for user in (town.user("lab"), town.firm_user(mine)):
            assert not searching.find(user, "餐饮").groups

    def test_what_a_right_is_lost_for_is_not_found_from_then_on(self, town):
        town.entity(name="东河餐饮")
        actions.reindex()
        lin = town.user("member")
        assert searching.find(lin, "餐饮").groups
        lin.posts.update(valid_to=datetime.date(2020, 1, 1))
        from zhunsheng.web.people.models import User

        assert not searching.find(User.objects.get(pk=lin.pk), "餐饮").groups

    def test_accounts_for_those_who_manage_them(self, town):
        town.user("head", username="zheng")
        actions.reindex()
        assert not searching.find(town.user("member"), "zhen").groups
        assert [hit.title for hit in searching.find(town.user("sysadmin"), "zhen")] == ["<mark>zhen</mark>g"]

    def test_pages_by_key_hold_every_hit_once(self, town):
        for n in range(45):
            town.entity(name=f"恒达第{n}店")
        actions.reindex()
        lin = town.user("member")
        seen, after = [], ""
        while True:
            (group,) = searching.find(lin, "恒达", kind="entity", after=after).groups
            seen += [hit.url for hit in group.hits]
            assert group.total == 45
            if not (after := group.after):
                break
        assert len(seen) == len(set(seen)) == 45

    def test_so_they_do_where_many_have_the_very_name(self, town):
        for n in range(70):
            town.entity(name="恒达" if n % 2 else f"恒达{n}")
        actions.reindex()
        lin = town.user("member")
        seen, after = [], ""
        while True:
            (group,) = searching.find(lin, "恒达", kind="entity", after=after).groups
            seen += [hit.url for hit in group.hits]
            if not (after := group.after):
                break
        assert len(seen) == len(set(seen)) == 70
        assert all(BusinessEntity.objects.get(pk=int(url.split("/")[-2])).name == "恒达" for url in seen[:20])

    @pytest.mark.parametrize("after", ["x", "-1", "9" * 30, "١"])
    def test_a_damaged_place_is_the_first_page(self, town, after):
        town.entity(name="恒达")
        actions.reindex()
        assert searching.find(town.user("member"), "恒达", kind="entity", after=after).groups

    def test_an_unknown_kind_has_no_hits(self, town):
        town.entity(name="恒达")
        actions.reindex()
        assert not searching.find(town.user("member"), "恒达", kind="nonsense").groups

    def test_what_is_deleted_is_not_found(self, town):
        one = town.entity(name="恒达")
        actions.reindex()
        BusinessEntity.objects.filter(pk=one.pk).delete()
        assert not searching.find(town.user("member"), "恒达").groups

    def test_a_few_queries_however_many_hits(self, town, django_assert_max_num_queries):
        for n in range(30):
            town.entity(name=f"恒达{n}")
        actions.reindex()
        lin = town.user("member")
        lin.posts.count()
        with django_assert_max_num_queries(10):
            list(searching.find(lin, "恒达"))


@pytest.mark.django_db
class TestFollowing:
    @pytest.fixture(autouse=True)
    def _sources(self, only_sources):
        pass

    def test_an_entity_is_found_after_the_act_that_registered_it(self, town, django_capture_on_commit_callbacks):
        lin = town.user("member")
        with django_capture_on_commit_callbacks(execute=True):
            made = register_entity({"name": "恒达餐饮", "division": town.township}, by=lin, at=AT)
        assert [hit.url for hit in searching.find(lin, "达餐")] == [reverse("registry:entity", args=[made.pk])]

    def test_what_was_rolled_back_is_not_found(self, town, django_capture_on_commit_callbacks):
        lin = town.user("member")
        with django_capture_on_commit_callbacks(execute=True), pytest.raises(ZeroDivisionError), transaction.atomic():
            register_entity({"name": "恒达餐饮", "division": town.township}, by=lin, at=AT)
            raise ZeroDivisionError
        assert not SearchEntry.objects.exists()

    def test_many_acts_in_one_go(self, town, django_capture_on_commit_callbacks):
        entities = [town.entity(name=f"恒达{n}") for n in range(900)]
        with django_capture_on_commit_callbacks(execute=True):
            for one in entities:
                writing.follow([record("change_entity", "entity", one.pk, by=None, at=AT)])
        assert searching.find(town.user("member"), "恒达").groups[0].total == 900

    def test_very_many_acts_are_left_to_the_worker(self, town, monkeypatch, django_capture_on_commit_callbacks):
        woken = []
        monkeypatch.setattr(writing, "MANY", 3)
        monkeypatch.setattr(writing, "_wake", lambda: woken.append(1))
        actions.reindex()
        entities = [town.entity(name=f"恒达{n}") for n in range(4)]
        deeds = [Deed("register_entity", "entity", str(one.pk)) for one in entities]
        with django_capture_on_commit_callbacks(execute=True):
            record_many(deeds, by=None, at=AT)
        assert woken == [1]
        assert actions.catch_up(AT) == 4

    def test_acts_may_be_left_unfollowed(self, town, django_capture_on_commit_callbacks):
        with actions.unfollowed(), django_capture_on_commit_callbacks(execute=True):
            register_entity({"name": "恒达", "division": town.township}, by=town.user("member"), at=AT)
        assert not SearchEntry.objects.filter(kind="entity").exists()

    def test_what_leaves_no_act_is_given_to_index(self, town, django_capture_on_commit_callbacks):
        one = town.entity(name="恒达")
        with django_capture_on_commit_callbacks(execute=True):
            actions.index(one)
        assert searching.find(town.user("member"), "恒达").groups

    def test_a_stopped_process_is_made_good_by_the_next_tick(self, town):
        actions.reindex()
        lin = town.user("member")
        register_entity({"name": "恒达餐饮", "division": town.township}, by=lin, at=AT)  # its commit never came to us
        assert not searching.find(lin, "恒达").groups
        assert actions.catch_up(AT) >= 1
        assert searching.find(lin, "恒达").groups
        assert actions.catch_up(AT) == 0

    def test_the_first_tick_builds_an_index_that_never_was(self, town):
        town.entity(name="恒达")
        assert not searching.is_whole()
        assert actions.catch_up(AT) > 0
        assert searching.is_whole()
        assert searching.find(town.user("member"), "恒达").groups


@pytest.mark.django_db
class TestReindex:
    @pytest.fixture(autouse=True)
    def _sources(self, only_sources):
        pass

    def test_again_changes_nothing(self, town):
        town.entity()
        assert actions.reindex() > 0
        assert actions.reindex() == 0

    def test_entries_of_rows_and_kinds_that_are_gone_are_removed(self, town):
        one, other = town.entity(name="恒达"), town.entity(name="东河")
        entry("旧", kind="old").save()
        actions.reindex()
        BusinessEntity.objects.filter(pk=one.pk).delete()
        actions.reindex()
        assert set(SearchEntry.objects.filter(kind__in=["entity", "old"]).values_list("kind", "object_id")) == {
            ("entity", other.pk)
        }

    def test_a_changed_name_is_found_by_the_new_one_only(self, town):
        one = town.entity(name="恒达")
        actions.reindex()
        BusinessEntity.objects.filter(pk=one.pk).update(name="东河")
        actions.reindex()
        lin = town.user("member")
        assert not searching.find(lin, "恒达").groups
        assert searching.find(lin, "东河", kind="entity").groups

    def test_stopped_half_way_it_goes_on_there(self, town, monkeypatch):
        monkeypatch.setattr(writing, "BATCH", 3)
        entities = [town.entity(name=f"恒达{n}") for n in range(10)]

        def stop(one, done):
            if one.key == "entity" and done == 6:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            actions.reindex(report=stop)
        assert SearchEntry.objects.filter(kind="entity").count() == 6
        assert SearchProgress.objects.get(key="source:entity").position == entities[5].pk
        seen = []
        actions.reindex(report=lambda one, done: seen.append((one.key, done)))
        assert [done for key, done in seen if key == "entity"] == [3, 4]  # the four that were left
        assert SearchEntry.objects.filter(kind="entity").count() == 10
        assert not SearchProgress.objects.filter(key__startswith="source:").exists()

    def test_entries_are_in_chinese_whatever_the_language_of_the_act(self, town):
        town.entity(name="恒达")
        with translation.override("en"):
            actions.reindex()
        with translation.override("zh-hans"):
            assert actions.reindex() == 0
        assert Office.objects.filter(name_en="Agriculture").exists()
        assert SearchEntry.objects.get(kind="office", object_id=town.other_office.pk).title == town.other_office.name

    def test_the_command(self, town, capsys):
        town.entity()
        call_command("reindex", "entity", verbosity=2)
        said = capsys.readouterr().out
        assert "entity: 1" in said
        assert "1 entries changed" in said
        with pytest.raises(CommandError, match="no kind nonsense"):
            call_command("reindex", "nonsense")


@pytest.mark.django_db
class TestPage:
    @pytest.fixture(autouse=True)
    def _sources(self, only_sources):
        pass

    def page(self, client, user, **query):
        client.force_login(user)
        answer = client.get("/desk/search/", query)
        assert answer.status_code == 200
        return answer.content.decode()

    def test_hits_by_kind_with_marks(self, client, town):
        town.entity(name="市场恒达")
        actions.reindex()
        page = self.page(client, town.user("member"), q="市场")
        assert page.index("<mark>市场</mark>恒达") < page.index("测试市<mark>市场</mark>监督管理局")

    def test_empty_it_says_what_is_searched(self, client, town):
        page = self.page(client, town.user("member"))
        assert "能查到什么" in page
        assert "<li>经营主体</li>" in page
        assert "<li>用户</li>" not in page
        assert "<li>用户</li>" in self.page(client, town.user("sysadmin"))

    def test_nothing_found_and_nothing_to_look_for(self, client, town):
        actions.reindex()
        assert "没有找到" in self.page(client, town.user("member"), q="没有这样的名字")
        assert "只有标点" in self.page(client, town.user("member"), q="“*”")

    def test_more_than_a_few_lead_to_all_of_a_kind_and_on_to_the_next_page(self, client, town):
        for n in range(25):
            town.entity(name=f"恒达{n}号")
        actions.reindex()
        lin = town.user("member")
        page = self.page(client, lin, q="恒达")
        assert page.count("<mark>恒达</mark>") == 5
        link = re.search(r'href="(\?[^"]*kind=entity[^"]*)"', page)[1].replace("&amp;", "&")
        page = client.get(f"/desk/search/{link}").content.decode()
        assert page.count("<mark>恒达</mark>") == 20
        link = re.search(r'href="(\?[^"]*after=[^"]*)"', page)[1].replace("&amp;", "&")
        page = client.get(f"/desk/search/{link}").content.decode()
        assert page.count("<mark>恒达</mark>") == 5

    def test_what_has_no_rows_is_asked_of_its_room(self, client, town, monkeypatch):
        monkeypatch.setattr(providers, "_staff_search", [lambda user, text: [providers.Hit("表", "数据表", "/t/")]])
        lin = town.user("member")
        assert 'href="/t/"' in self.page(client, lin, q="甲")
        assert 'href="/t/"' not in self.page(client, lin, q="甲", kind="entity")

    def test_a_longer_query_than_is_read_is_said(self, client, town):
        assert "前 100 个字" in self.page(client, town.user("member"), q="恒" * 150)

    def test_an_index_that_is_not_built_is_said(self, client, town):
        assert "还没有建全" in self.page(client, town.user("member"), q="恒达")
        actions.reindex()
        assert "还没有建全" not in self.page(client, town.user("member"), q="恒达")

    def test_what_was_typed_is_text(self, client, town):
        town.entity(name="<script>alert(1)</script>恒达")
        actions.reindex()
        page = self.page(client, town.user("member"), q="<script>alert(1)</script>恒达")
        assert "<script>alert" not in page

    def test_others_search_what_is_public(self, client, town):
        for user in (town.user("lab"), town.firm_user(town.entity())):
            client.force_login(user)
            answer = client.get("/desk/search/", {"q": "甲厂"})
            assert (answer.status_code, answer.url) == (302, "/?q=%E7%94%B2%E5%8E%82")
