"""The plugin's requests go through QGIS's own network, and whatever becomes of them is told as it is."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from tests.qgis.application import Application, run_application

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tools.qgis import Release

START = """
from placecard.core.errors import PlacecardError
from placecard.core.transport import Request
from placecard.host import network, tasks
def send(method, url, body=None, timeout=network.TIMEOUT, **headers):
    global answer, task
    answer = None
    heart.reset()
    def work(progress, stop):
        reply = network.QgisTransport("", stop.feedback, timeout).send(Request(method, url, headers, body))
        return [reply.status, dict(reply.headers), reply.body.decode()]
    task = tasks.run_in_background("ask", work, done, failed)
def done(came):
    global answer
    answer = came
def failed(error):
    global answer
    answer = [type(error).__name__, str(error)]
"""


class Echo:
    """A server that answers as the path says (`/404`), tells what it was sent, and keeps `/slow` waiting."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.url = f"http://127.0.0.1:{server.server_port}"
        self.lines: list[str] = []
        self.go_on = threading.Event()


@contextmanager
def open_echo() -> Iterator[Echo]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.do_POST()

        def do_POST(self) -> None:
            kept.lines.append(f"{self.command} {self.path}")
            if "slow" in self.path:
                kept.go_on.wait(60)
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length) + (self.headers.get("Idempotency-Key") or "").encode()
            code = self.path.rsplit("/", 1)[1]
            self.send_response(int(code) if code.isdigit() else 200)
            for name, value in (("ETag", '"one"'), ("Cache-Control", "max-age=600"), ("Content-Length", len(body))):
                self.send_header(name, str(value))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept = Echo(server)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield kept
    finally:
        kept.go_on.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def echo() -> Iterator[Echo]:
    with open_echo() as answering:
        yield answering


def ask(application: Application, *what: object, **more: object) -> list[Any]:
    told = ", ".join([*map(repr, what), *(f"{name}={value!r}" for name, value in more.items())])
    application.run(f"send({told})")
    answer: list[Any] = application.until("answer")
    return answer


@pytest.mark.parametrize("status", [200, 401, 403, 404, 409, 410, 422, 429, 500, 503])
def test_every_status_comes_with_its_body(application: Application, echo: Echo, status: int) -> None:
    headers = "**{'Idempotency-Key': 'a key'}"
    application.run(f"send('POST', {f'{echo.url}/{status}'!r}, b'sent ', {headers})")
    answer = application.until("answer")
    assert answer[0] == status
    assert answer[1]["etag"] == '"one"'
    assert answer[2] == "sent a key"


def test_nothing_is_taken_from_the_cache(application: Application, echo: Echo) -> None:
    for _ in range(2):
        assert ask(application, "GET", f"{echo.url}/200")[0] == 200
    assert echo.lines == ["GET /200", "GET /200"]


def test_no_answer_is_told(application: Application) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        name, told = ask(application, "GET", f"http://127.0.0.1:{nobody.getsockname()[1]}/")
    assert name == "Unreachable"
    assert "refused" in told


def test_silence_is_not_waited_for_for_ever(application: Application, echo: Echo) -> None:
    assert ask(application, "GET", f"{echo.url}/slow", timeout=0.3)[0] == "Unreachable"


def test_waiting_ends_when_a_person_says_so_and_keeps_nobody(application: Application, echo: Echo) -> None:
    application.run(f"send('GET', {f'{echo.url}/slow'!r})")
    application.until("task.isActive()")
    application.run("task.cancel()")
    assert application.until("answer")[0] == "Cancelled"
    assert application.longest_block()[1] < 0.1
    assert not echo.go_on.is_set()


def test_the_proxy_of_qgis_is_gone_through(tmp_path: Path, release: Release, echo: Echo) -> None:
    port = echo.url.rsplit(":", 1)[1]
    proxy = f"\n[proxy]\nproxyEnabled=true\nproxyType=HttpProxy\nproxyHost=127.0.0.1\nproxyPort={port}\n"
    with run_application(tmp_path, release=release, settings=proxy) as application:
        application.until("'placecard' in plugins")
        application.run(START)
        assert ask(application, "GET", "http://map.city.example/200")[0] == 200
    assert "GET http://map.city.example/200" in echo.lines


def test_what_a_thread_stumbles_over_is_told_in_the_gui_thread(application: Application) -> None:
    application.run("answer = None; tasks.run_in_background('fails', lambda *_: 1 / 0, done, failed); None")
    assert application.until("answer")[0] == "ZeroDivisionError"
