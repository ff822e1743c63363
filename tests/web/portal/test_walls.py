"""The portal reads only, asks the database a known number of questions, and finds its documents installed or not."""

import ast
from pathlib import Path

import pytest
from django.urls import reverse

import zhunsheng.web.portal
from tests.web.portal.conftest import Public, units_of
from zhunsheng.web.portal.queries import methods

ROOM = Path(zhunsheng.web.portal.__file__).parent


@pytest.mark.parametrize("path", sorted(ROOM.rglob("*.py")), ids=lambda path: path.relative_to(ROOM).as_posix())
def test_the_portal_imports_no_actions(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        assert not [name for name in names if "actions" in name.split(".")]


def test_every_view_is_open_and_reads_only():
    from zhunsheng.web.portal.urls import urlpatterns

    for one in urlpatterns:
        assert one.callback.login_required is False, one.name


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("home", 16), ("draws", 5), ("upstream", 3), ("burden", 7), ("results", 8), ("scoreboard", 6), ("methods", 0), ("tables", 0), ("help", 0),
        ("accessibility", 0), ("privacy", 0),
    ],
)  # fmt: skip
def test_questions_of_a_page(public: Public, client, django_assert_max_num_queries, name, most):
    client.get(reverse(f"portal:{name}"))
    with django_assert_max_num_queries(most):
        client.get(reverse(f"portal:{name}"))


@pytest.mark.parametrize(
    ("name", "query", "most"),
    [
        ("draw", "", 24), ("frame", "", 4), ("frame", "?show=drawn", 5), ("leaves", "", 1), ("announcement", "", 1),
        ("unit", "", 1), ("unit", "?q=demo:T000003", 7), ("membership", "?q=demo:T000003", 2),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["draw", "joint"])
def test_questions_of_a_draw(public: Public, client, django_assert_max_num_queries, name, query, most, kind):
    with django_assert_max_num_queries(most):
        client.get(reverse(f"portal:{name}", args=[getattr(public, kind).no]) + query)


def test_questions_of_a_sealed_draw(public: Public, client, django_assert_max_num_queries):
    unit = units_of(public.sealed)[0]
    for name, query, most in (
        ("draw", "", 8),
        ("frame", "", 1),
        ("unit", f"?q={unit}", 2),
        ("membership", f"?q={unit}", 3),
    ):
        with django_assert_max_num_queries(most):
            client.get(reverse(f"portal:{name}", args=[public.sealed.no]) + query)


def test_questions_of_an_upstream_draw(public: Public, client, django_assert_max_num_queries):
    """The check reads the whole list once; who asks again is told the same from memory."""
    address = reverse("portal:upstream_draw", args=[public.upstream.pk])
    client.get(address)
    with django_assert_max_num_queries(2):
        client.get(address)


def test_questions_of_a_result_and_a_firm(public: Public, client, django_assert_max_num_queries):
    with django_assert_max_num_queries(6):
        client.get(reverse("portal:result", args=[public.correction.no]))
    unit_id = public.corrected.entity.unit_id
    with django_assert_max_num_queries(6):
        client.get(reverse("portal:firm", args=[unit_id]))


def test_more_rows_ask_no_more(public: Public, client, django_assert_max_num_queries):
    """The questions of the list of results do not grow with its rows."""
    from tests.web.inspection.conftest import moment
    from zhunsheng.web.inspection import actions

    actions.publish_visit(public.hidden["reviewed"], by=public.bureau.head, at=moment(20))
    with django_assert_max_num_queries(8):
        client.get(reverse("portal:results") + "?versions=all")


def test_documents_of_the_package_come_first(tmp_path, monkeypatch):
    """An installed wheel brings its own documents; a checkout has them beside its sources."""
    package, checkout = tmp_path / "package", tmp_path / "checkout"
    for folder, title in ((package, "Installed"), (checkout, "Checkout")):
        (folder / "rules").mkdir(parents=True)
        (folder / "rules" / "probe.md").write_text(f"# {title}\n\nA rule.\n", encoding="utf-8")
    monkeypatch.setattr(methods, "DOCS", (package, checkout))
    found = methods.document("probe", "en")
    assert found and found.title == "Installed" and "<p>A rule.</p>" in found.html
    monkeypatch.setattr(methods, "DOCS", (tmp_path / "nowhere", checkout))
    found = methods.document("probe", "en")
    assert found and found.title == "Checkout"
    monkeypatch.setattr(methods, "DOCS", (tmp_path / "nowhere",))
    assert methods.document("probe", "en") is None and methods.codes() == []


def test_a_command_inside_a_list_is_shown_as_a_command(tmp_path, monkeypatch):
    (tmp_path / "rules").mkdir()
    text = "# Check\n\n1. One.\n2. Run:\n\n   ```console\n   $ zhunsheng verify\n   ```\n\n3. Three.\n"
    (tmp_path / "rules" / "probe.md").write_text(text, encoding="utf-8")
    monkeypatch.setattr(methods, "DOCS", (tmp_path,))
    found = methods.document("probe", "en")
    assert found and "console" not in found.html
    assert "<code>$ zhunsheng verify\n</code></pre>" in found.html
    assert found.html.count("<ol") == 1 and found.html.count("<li>") == 3


def test_the_wheel_carries_the_documents():
    """pyproject puts docs/rules and docs/guide where the portal looks for them first."""
    import tomllib

    root = Path(__file__).resolve().parents[3]
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    inside = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    for name in ("rules", "guide"):
        assert inside[f"docs/{name}"] == f"zhunsheng/docs/{name}"
        assert list((root / "docs" / name).glob("*.zh.md"))


def test_documents_in_one_language_only_are_shown_in_it(tmp_path, monkeypatch):
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "probe.zh.md").write_text("# 只有中文\n\n一句话。\n", encoding="utf-8")
    monkeypatch.setattr(methods, "DOCS", (tmp_path,))
    found = methods.document("probe", "en")
    assert found and found.title == "只有中文"


@pytest.mark.parametrize("code", ["../rules/draw", "draw.zh", "", "DRAW", "draw\x00", "a" * 300])
def test_hostile_names_find_nothing(code):
    assert methods.document(code, "zh") is None
