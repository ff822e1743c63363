"""Browser tests: Chromium from the system, the site served by Django, axe-core from its package."""

import os
import shutil

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import override_settings

# Playwright's event loop runs in the thread of the test; Django would refuse the database there.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items):
    here = os.path.dirname(__file__)
    for item in items:
        if str(item.path).startswith(here):
            item.add_marker(pytest.mark.browser)
            if not os.access(CHROMIUM, os.X_OK):
                item.add_marker(
                    pytest.mark.skip(
                        reason=f"SKIPPED LOUDLY: no Chromium at {CHROMIUM}; set CHROMIUM, or apt-get install chromium"
                    )
                )


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    return {**browser_type_launch_args, "executable_path": CHROMIUM, "args": FLAGS}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args):
    return {**browser_context_args, "locale": "zh-CN", "timezone_id": "Asia/Shanghai"}


@pytest.fixture(autouse=True)
def _plain_static():
    """Pages without a collected manifest, quick hashes, no lock-out. Before live_server, which asks for the storage."""
    with override_settings(
        STORAGES={
            "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
            "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
        },
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        AXES_ENABLED=False,
    ):
        yield


@pytest.fixture
def speak(context, live_server):
    """speak("en"): the language of the pages that follow."""

    def choose(language: str) -> None:
        context.add_cookies([{"name": "language", "value": language, "url": live_server.url}])

    return choose


@pytest.fixture
def axe():
    """axe(page): no accessibility finding; otherwise the test fails and says which, where and why."""

    def check(page) -> None:
        found = Axe().run(page, options={"runOnly": RULES}).response["violations"]
        said = [f"{one['id']} ({one['help']}): {node['html'][:160]}" for one in found for node in one["nodes"]]
        assert not said, f"{page.url}\n" + "\n".join(said)

    return check


@pytest.fixture
def complaints(page):
    """What the browser complained about: errors of scripts, refusals of the content policy."""
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    return said


def sees_chinese(page) -> bool:
    """Whether Chinese is drawn with a font that has it: two different characters must not look alike (empty boxes do)."""
    return page.evaluate("""() => {
      const draw = (text) => {
        const canvas = document.createElement("canvas");
        canvas.width = canvas.height = 48;
        const pen = canvas.getContext("2d");
        pen.font = `32px ${getComputedStyle(document.body).fontFamily}`;
        pen.fillText(text, 4, 36);
        return canvas.toDataURL();
      };
      return draw("准") !== draw("绳") && draw("准") !== draw("\\u{10FFFD}");
    }""")
