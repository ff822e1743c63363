"""A third city needs data files and no code: a copy of the package with one more folder sets it up."""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import zhunsheng

PACKAGE = Path(zhunsheng.__file__).parent
ASK = """
import django; django.setup()
from zhunsheng.web.common import city
from zhunsheng.web.people.models import Office
from zhunsheng.web.registry.models import Division
from zhunsheng.web.appraisal.models import Target
here = city.current()
print(here.name, here.name_en, Division.objects.get(level="city").name, Office.objects.count() > 40, Target.objects.count())
"""


def test_a_folder_of_data_is_a_city(tmp_path):
    copy = tmp_path / "zhunsheng"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    cities = copy / "engine" / "data" / "cities"
    shutil.copytree(cities / "jiaozuo", cities / "xinhe")
    for path in (cities / "xinhe").iterdir():
        text = path.read_text(encoding="utf-8").replace("焦作", "新河").replace("Jiaozuo", "Xinhe")
        path.write_text(text, encoding="utf-8")

    def run(*words: str) -> str:
        env = {key: value for key, value in os.environ.items() if not key.startswith(("ZHUNSHENG_", "DJANGO_"))}
        env |= {
            "PYTHONPATH": str(tmp_path), "ZHUNSHENG_HOME": str(tmp_path / "home"), "PYTHONUTF8": "1",
            "DJANGO_SETTINGS_MODULE": "zhunsheng.web.settings",
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, *words], env=env, cwd=tmp_path, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    command = ("-c", "import sys; from zhunsheng.cli import main; sys.exit(main(sys.argv[1:]))")
    run(*command, "check-table", "cities/xinhe/targets")
    assert "xinhe" in run(*command, "init", "--city", "xinhe")
    assert run("-c", ASK).split() == ["新河市", "Xinhe", "新河市", "True", "25"]


def test_no_code_decides_by_the_name_of_a_city():
    """A city's difference is data: no comparison, no key of a table in code names one."""
    names = re.compile(r"jiaozuo|焦作|hengchuan|衡川", re.IGNORECASE)
    found = []
    for path in PACKAGE.rglob("*.py"):
        if path.is_relative_to(PACKAGE / "demo"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            deciding: list[ast.AST] = []
            if isinstance(node, ast.Compare):
                deciding = [node.left, *node.comparators]
            elif isinstance(node, ast.Dict):
                deciding = [key for key in node.keys if key is not None]
            elif isinstance(node, ast.match_case):
                deciding = [node.pattern]
            if any(names.search(ast.unparse(one)) for one in deciding):
                found.append(f"{path.relative_to(PACKAGE)}:{getattr(node, 'lineno', 0)} {ast.unparse(node)[:90]}")
    assert not found, "\n".join(found)
