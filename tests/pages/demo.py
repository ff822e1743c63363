"""The demo city as a stranger meets it: built and served by the command line, in a home of its own."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

COMMAND = str(Path(sys.executable).with_name("zhunsheng"))
PASSWORD = "hengchuan-2026"


@dataclass
class Site:
    """A running platform: its address, its home, and the environment to run commands in."""

    url: str
    home: Path
    env: dict[str, str]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([COMMAND, *words], env=self.env, capture_output=True, text=True, timeout=300)

    def login(self, page, user: str) -> None:
        page.goto(f"{self.url}/login/")
        page.fill("[name=username]", user)
        page.fill("[name=password]", PASSWORD)
        page.click("main button[type=submit]")
        page.wait_for_load_state()
        assert "/login/" not in page.url, page.inner_text("main")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(home: Path, entities: int) -> tuple[Site, subprocess.Popen[bytes]]:
    """Builds and serves the demo. The environment of the tests' own database does not reach it."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("ZHUNSHENG_", "DJANGO_"))}
    env |= {"ZHUNSHENG_HOME": str(home)}
    built = subprocess.run(
        [COMMAND, "demo", "--entities", str(entities), "--no-serve"],
        env=env,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    port = free_port()
    server = subprocess.Popen(
        [COMMAND, "serve", "--port", str(port)], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    site = Site(f"http://127.0.0.1:{port}", home, env)
    for _ in range(150):
        try:
            with urllib.request.urlopen(site.url, timeout=2):
                return site, server
        except OSError:
            assert server.poll() is None, "the server ended"
            time.sleep(0.2)
    raise AssertionError("the server did not answer")


#: Addresses that leave, download or switch; the walk does not follow them.
LEAVES = re.compile(
    r"(logout|language|export|tlog-proof|checkpoint|\.tsr|\.json|\.jsonl|\.csv|\.xlsx|\.toml|/admin/|/static/|robots|template|leaves|/attachments/|/papers/\d+/|\.ics|/pdf/)"
)


def kind_of(path: str) -> str:
    """The kind of page behind an address: numbers and names of records taken out, so that each kind is looked at once."""
    path = path.split("?")[0]
    path = re.sub(r"/(uscc|local|toronto):[^/]+", "/UNIT", path)
    path = re.sub(r"/(market|agri_rural)[^/]*-\d{4}-[^/]+", "/NO", path)
    path = re.sub(r"/(T\d\d|P\d\d)(?=/)", "/CODE", path)
    path = re.sub(r"/(tables|methods)/[a-z].*", r"/\1/NAME/", path)
    return re.sub(r"/\d[\w-]*", "/N", path)
