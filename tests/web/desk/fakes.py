"""A gateway that stands on this machine: it keeps what it was asked and answers as it is told."""

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


@dataclass
class Asked:
    path: str
    query: dict
    headers: dict
    body: dict


@dataclass
class Gateway:
    """`answers`: path → function of an Asked that returns (status, answer); None in place of an answer hangs up."""

    answers: dict = field(default_factory=dict)
    asked: list = field(default_factory=list)
    url: str = ""

    def of(self, path: str) -> list:
        return [one for one in self.asked if one.path == path]


@contextmanager
def gateway():
    fake = Gateway()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self):
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else {}
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            one = Asked(parts.path, query, dict(self.headers), body)
            fake.asked.append(one)
            said = fake.answers[parts.path](one)
            if said is None:
                self.connection.close()
                return
            status, answer = said
            data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            if status in (301, 302, 307):
                self.send_header("Location", fake.url + "/elsewhere")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = _answer

        def log_message(self, *words):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    fake.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=[0.01], daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
