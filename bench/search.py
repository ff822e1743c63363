"""Search over a register: the index beside LIKE on the same text, the same answers, in one run. Needs a home of its own."""

import contextlib
import io
import time

from bench.harness import percentile

#: one to four characters, frequent and rare ones, a code's beginning, two terms; the last finds nothing
QUERIES = ("市", "恒", "恒达", "餐饮", "有限公司", "餐饮服务部", "12号", "9199", "恒达 餐饮", "没有这样的名字")


def run(*, entities: int, asks: int = 30) -> None:
    from django.core.management import call_command
    from django.db import connection
    from django.test import Client

    from bench import rooms
    from zhunsheng.demo import build
    from zhunsheng.web.desk import actions, searching
    from zhunsheng.web.desk.models import SearchEntry
    from zhunsheng.web.desk.searching import database
    from zhunsheng.web.people.models import User
    from zhunsheng.web.registry.models import BusinessEntity

    call_command("migrate", verbosity=0)
    with contextlib.redirect_stdout(io.StringIO()):
        build.ensure(entities=2_000, seed=1, fresh=True)
    with actions.unfollowed():
        rooms._fill(entities - BusinessEntity.objects.count())
    start = time.perf_counter()
    changed = actions.reindex()
    taken = time.perf_counter() - start
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    count = SearchEntry.objects.count()
    print(f"\nSearch 检索  ({count:,} entries, {connection.vendor}, {asks} questions each)")
    print(f"  reindex: {changed:,} entries written in {taken:.1f} s, {changed / taken:,.0f} a second")
    user = User.objects.get(username="member")
    client = Client()
    client.force_login(user)
    print(f"  {'':<16}{'hits':>9}{'index ms':>10}{'LIKE ms':>9}{'ratio':>7}{'page p50':>10}{'page p95':>10}")
    for query in QUERIES:
        asked = searching.wanted(query)

        def by_index(asked: searching.Wanted = asked) -> int:
            found = SearchEntry.objects.filter(database.containing(asked))
            for part in asked.parts:
                found = found.filter(text__contains=part)
            return found.count()

        def by_like(asked: searching.Wanted = asked) -> int:
            found = SearchEntry.objects.all()
            for term in asked.terms:
                found = found.filter(text__contains=term)
            return found.count()

        def page(query: str = query) -> int:
            answer = client.get("/desk/search/", {"q": query})
            assert answer.status_code == 200
            return len(answer.content)

        times: dict[str, list[float]] = {"index": [], "like": [], "page": []}
        hits = by_index()
        same = hits == by_like()
        for _ in range(asks):
            for name, ask in (("index", by_index), ("like", by_like), ("page", page)):
                start = time.perf_counter()
                ask()
                times[name].append((time.perf_counter() - start) * 1000)
        index, like = percentile(times["index"], 0.5), percentile(times["like"], 0.5)
        # a beginning of a word (9199) is not found inside one, as LIKE does
        note = "" if same else "  LIKE also finds it inside words"
        print(
            f"  {query:<16}{hits:>9,}{index:>10.1f}{like:>9.1f}{like / index:>7.0f}{percentile(times['page'], 0.5):>10.0f}{percentile(times['page'], 0.95):>10.0f}{note}"
        )
