"""The verifier of the page in Chromium: how long one bundle takes, open and sealed, and that the page answers meanwhile."""

import functools
import http.server
import shutil
import threading
import time
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from zhunsheng.engine import draw, tables
from zhunsheng.engine.draw import Source, Value
from zhunsheng.engine.public_log import canonical

STATIC = Path(__file__).parents[1] / "src/zhunsheng/web/static"
NUMBER = "bench-2026-001"
AT = datetime(2026, 4, 20, 1, 0, tzinfo=UTC)

_RUN = """async ([address, tables]) => {
  const worker = new Worker("verify-worker.js");
  const bytes = await (await fetch(address)).arrayBuffer();
  let beats = 0;
  let longest = 0;
  let last = performance.now();
  const beat = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    beats++;
  }, 10);
  const start = performance.now();
  const verdict = await new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => {
      if (data.kind === "verdict") resolve(data.verdict);
      if (data.kind === "broken") reject(new Error(data.message));
    };
    worker.postMessage({ kind: "check", bytes, tables }, [bytes]);
  });
  const seconds = (performance.now() - start) / 1000;
  clearInterval(beat);
  worker.terminate();
  return [verdict.ok, seconds, longest, verdict.steps.filter((step) => step.ok === false).map((step) => step.name)];
}"""


def made(size: int, key: str = "") -> bytes:
    """A bundle of that many units, one in a hundred drawn by both lotteries, without inspectors."""
    units = [
        {
            "id": f"demo:U{number:07}",
            "stratum": "ABCD"[number % 4],
            "division": f"9901{number % 9:02}",
            "industry": "F51",
        }
        for number in range(size)
    ]
    frame = draw.freeze(units, seal_key=key, draw=NUMBER) if key else draw.freeze(units)
    n = {stratum: max(1, count // 100) for stratum, count in frame.sizes.items()}
    announced = draw.announcement(
        draw=NUMBER,
        frame=frame,
        n=n,
        sources=(Source("lottery:ssq", {"issue": "2026044"}), Source("lottery:dlt", {"issue": "26044"})),
        announced_at=AT,
        not_before=AT + timedelta(days=1),
        **({"open_by": date(2026, 5, 20)} if key else {}),
    )
    when = AT + timedelta(days=2)
    done = draw.execute(
        announced,
        [Value("lottery:ssq", "03-11-15-22-28-31+07", when), Value("lottery:dlt", "02-09-17-25-33+04-11", when)],
    )
    chosen = draw.select(frame, done.seed, n)
    more = {"opened_at": when + timedelta(days=9)} if key else {}
    return canonical(draw.bundle(announcement=announced, frame=frame, execution=done, selection=chosen, **more))


def run(size: int, folder: Path) -> None:
    """Prints the seconds of the worker, beside those of the program on the same file."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium")
    if chromium is None:
        print("browser: SKIPPED, there is no chromium")
        return
    for name in ("verify-worker.js",):
        (folder / name).write_bytes((STATIC / name).read_bytes())
    (folder / "index.html").write_text("<!doctype html><title>bench</title>", encoding="utf-8")
    files = {"open": made(size), "sealed, opened": made(size, sha256(b"bench").hexdigest())}
    tables_of = {
        "profiles": [
            {"needs": row["needs"], "name": row.label("zh"), "name_en": row.label("en"), "from": "", "to": ""}
            for row in tables.load("draw/randomness").rows
        ],
        "chains": [],
    }
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server, sync_playwright() as browsers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser = browsers.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/index.html")
        for number, (name, data) in enumerate(files.items()):
            (folder / f"{number}.json").write_bytes(data)
            ok, seconds, longest, failed = page.evaluate(_RUN, [f"{number}.json", tables_of])
            assert ok, failed
            start = time.perf_counter()
            assert draw.verify(data).ok
            program = time.perf_counter() - start
            print(
                f"browser: {size:,} units, {name}, {len(data) / 2**20:.0f} MB: {seconds:.1f} s in the worker, "
                f"{program:.1f} s in the program; the page answered within {longest:.0f} ms"
            )
        browser.close()
        server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass
