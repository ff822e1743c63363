"""The SQL files keep to the part that both engines run, and to the names that a reader expects."""

from importlib import resources

import pytest
import sqlglot
from sqlglot import expressions

from zhunsheng.analytics import engines

FILES = sorted(path.name.removesuffix(".sql") for path in (resources.files("zhunsheng.analytics") / "sql").iterdir())

#: what may be called, as each dialect names it after reading; everything else is to be tried on both engines first
FUNCTIONS = {"SHA2", "CONV", "SUBSTRING", "COALESCE", "COUNT", "SUM", "MIN", "MAX", "ROW_NUMBER", "CAST", "AND", "OR"}
TYPES = {"DECIMAL", "BIGINT", "INT"}


def read(text, dialect):
    """The query as that dialect reads it. Two of its habits are evened out: where NULLs stand in an ORDER BY (no column
    here that orders has any), and that Spark's CAST is taken for one that forgives."""
    (tree,) = sqlglot.parse(text, read=dialect)
    for node in tree.find_all(expressions.Ordered):
        node.set("nulls_first", None)
    while (node := tree.find(expressions.TryCast)) is not None:
        node.replace(expressions.Cast(this=node.this, to=node.to))
    return tree


def called(tree):
    return {
        node.name.upper() if isinstance(node, expressions.Anonymous) else node.sql_name()
        for node in tree.find_all(expressions.Func)
    }


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("dialect", ["duckdb", "spark"])
def test_each_file_is_one_query_of_known_functions_and_exact_types(name, dialect):
    tree = read(engines.sql(name), dialect)
    assert isinstance(tree, expressions.Select)
    assert called(tree) <= FUNCTIONS
    assert {kind.this.name for kind in tree.find_all(expressions.DataType)} <= TYPES


@pytest.mark.parametrize("name", FILES)
def test_both_dialects_read_the_same_query(name):
    assert read(engines.sql(name), "duckdb").sql() == read(engines.sql(name), "spark").sql()


@pytest.mark.parametrize(
    "bad", ["SELECT hash(id) FROM unit", "SELECT random() AS x", "SELECT CAST(a AS DOUBLE) FROM unit"]
)
def test_what_differs_between_engines_would_be_seen(bad):
    tree = read(bad, "duckdb")
    kinds = {kind.this.name for kind in tree.find_all(expressions.DataType)}
    assert not (called(tree) <= FUNCTIONS and kinds <= TYPES)


def test_every_file_is_used():
    code = (resources.files("zhunsheng.analytics") / "draw.py").read_text(encoding="utf-8")
    assert FILES and all(f'"{name}"' in code for name in FILES)
