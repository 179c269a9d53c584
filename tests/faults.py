"""A real HTTP server in front of another, which answers wrongly on demand; and one that keeps what it is sent.

with FaultProxy(server.url) as proxy:
    proxy.fault = Fault.HTML      # from now on every answer
    proxy.plan(Fault.TRUNCATED)   # the next answer only
"""

from __future__ import annotations

import threading
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar, Self

import requests

if TYPE_CHECKING:
    from collections.abc import Mapping

HTML = "<!DOCTYPE html><title>Вход</title><p>Войдите, чтобы продолжить".encode()
LOCKED = b'{"jsonrpc":"2.0","id":0,"error":{"code":0,"message":"SQLSTATE[HY000]: General error: 5 database is locked"}}'


class Fault(StrEnum):
    """What an answer can be instead of what it should."""

    HTML = "an HTML page with 200"
    TRUNCATED = "a body cut short"
    CUT_JSON = "half of the JSON, of the length announced"
    ERROR = "500"
    BUSY = "429 with Retry-After"
    UNAVAILABLE = "503"
    SILENT = "no answer until the proxy is closed"
    RESET = "the connection closed without an answer"
    LOST = "done, and the answer lost"
    REDIRECT = "a redirect to a login page"
    FORBIDDEN_PAGE = "403 with a page of some firewall"
    EMPTY = "200 with nothing"
    LOCKED = "a database in which somebody else writes"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hung up is part of the tests."""


class _Local:
    """A server on a free local port, served by a thread."""

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        self._server = _Server(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class FaultProxy(_Local):
    """Hands requests on to `upstream`; `received` counts them, `handed_on` those that upstream got."""

    def __init__(self, upstream: str) -> None:
        super().__init__(type("Handler", (_ProxyHandler,), {"proxy": self}))
        self.upstream = upstream
        self.fault: Fault | None = None
        self.retry_after = "7"
        self.received = 0
        self.handed_on = 0
        self.closed = threading.Event()
        self._planned: list[Fault | None] = []
        self._lock = threading.Lock()

    def plan(self, *faults: Fault | None) -> None:
        """Have the next answers be these, one each (None: a right one); `fault` holds for those after."""
        self._planned += faults

    def next_fault(self) -> Fault | None:
        """What the answer to the request just received is to be."""
        with self._lock:
            self.received += 1
            return self._planned.pop(0) if self._planned else self.fault

    def hand_on(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> requests.Response:
        """Ask upstream."""
        self.handed_on += 1
        kept = {name: value for name, value in headers.items() if name.lower() not in {"host", "connection"}}
        with requests.Session() as session:
            session.trust_env = False
            where = self.upstream + path
            return session.request(method, where, data=body, headers=kept, timeout=120, allow_redirects=False)

    def close(self) -> None:
        self.closed.set()
        super().close()


class _QuietHandler(BaseHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name it has in the library
        pass

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def answer(self, status: int, body: bytes, headers: Mapping[str, str], *, length: int | None = None) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)


class _ProxyHandler(_QuietHandler):
    proxy: ClassVar[FaultProxy]

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        body = self.body()
        fault = self.proxy.next_fault()
        if fault in _PLAIN:
            self.answer(*_PLAIN[fault])
        elif fault == Fault.BUSY:
            self.answer(429, b"", {"Retry-After": self.proxy.retry_after})
        elif fault == Fault.SILENT:
            self.proxy.closed.wait(60)
        elif fault == Fault.RESET:
            self.close_connection = True
        else:
            self._hand_on(body, fault)

    def _hand_on(self, body: bytes, fault: Fault | None) -> None:
        got = self.proxy.hand_on(self.command, self.path, dict(self.headers.items()), body)
        kept = {name: got.headers[name] for name in ("Content-Type", "Date", "Location") if name in got.headers}
        content = got.content
        if fault == Fault.LOST:
            self.close_connection = True
        elif fault == Fault.TRUNCATED:
            self.answer(got.status_code, content[: len(content) // 2], kept, length=len(content))
            self.close_connection = True
        elif fault == Fault.CUT_JSON:
            self.answer(got.status_code, content[: len(content) // 2], kept)
        else:
            self.answer(got.status_code, content, kept)


_PAGE = {"Content-Type": "text/html; charset=utf-8"}
_PLAIN: dict[Fault | None, tuple[int, bytes, dict[str, str]]] = {
    Fault.HTML: (200, HTML, _PAGE),
    Fault.ERROR: (500, HTML, _PAGE),
    Fault.UNAVAILABLE: (503, HTML, _PAGE),
    Fault.REDIRECT: (302, b"", {"Location": "/login"}),
    Fault.FORBIDDEN_PAGE: (403, HTML, _PAGE),
    Fault.EMPTY: (200, b"", {"Content-Type": "application/json"}),
    Fault.LOCKED: (200, LOCKED, {"Content-Type": "application/json"}),
}


class Receiver(_Local):
    """Keeps the path and body of every POST, and answers 200."""

    def __init__(self) -> None:
        super().__init__(type("Handler", (_ReceiverHandler,), {"receiver": self}))
        self.got: list[tuple[str, bytes]] = []


class _ReceiverHandler(_QuietHandler):
    receiver: ClassVar[Receiver]

    def do_POST(self) -> None:
        self.receiver.got.append((self.path, self.body()))
        self.answer(200, b"", {})
