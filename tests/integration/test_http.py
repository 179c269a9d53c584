from __future__ import annotations

import base64
import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
import requests
from pydantic import SecretStr

from sync_service import __version__, http
from sync_service.http import BODY_SECONDS, CONNECT_SECONDS, READ_SECONDS, RETRIES, TOTAL_TIMEOUT, Purpose, session_for
from sync_service.settings import Settings
from tests.service import until

if TYPE_CHECKING:
    from collections.abc import Iterator

ELSEWHERE = "http://board.test"
"""A host that is not this machine: only a proxy can reach it."""


class Answering(BaseHTTPRequestHandler):
    """A board, or a proxy to one: answers by the path, and writes down what it was asked."""

    protocol_version = "HTTP/1.1"
    server: Counting

    def do_GET(self) -> None:
        self.server.asked.append((self.command, self.path, dict(self.headers)))
        path = self.path.rsplit("/", 1)[-1]
        if path == "flaky" and len(self.server.asked) < 3:
            self._answer(503, b"later")
        elif path == "cut":
            self._answer(200, b"half", length=100)
            self.close_connection = True
        elif path == "drip":
            self._drip()
        elif path == "silent":
            self.server.over.wait(20)
        elif path == "away":
            self._answer(302, b"", location=f"{ELSEWHERE}/there")
        else:
            self._answer(200, b"hello")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    def _answer(self, status: int, body: bytes, *, length: int | None = None, location: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(body)

    def _drip(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        while not self.server.over.wait(0.02):
            try:
                self.wfile.write(b".")
            except OSError:
                return

    def log_message(self, *_args: object) -> None:
        """Keep quiet."""


class Counting(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.over = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, *_args: object) -> None:
        """A client that hangs up is what some tests are about."""


@contextmanager
def serving() -> Iterator[Counting]:
    server = Counting()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


@pytest.fixture
def board() -> Iterator[Counting]:
    with serving() as server:
        yield server


@pytest.fixture
def proxy() -> Iterator[Counting]:
    with serving() as server:
        yield server


@pytest.fixture(autouse=True)
def no_environment_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with session_for(Purpose.BOARD, Settings()) as made:
        yield made


def through(server: Counting, user: str = "") -> Settings:
    return Settings(proxy_board=SecretStr(server.url.replace("http://", f"http://{user}")))


def test_says_who_asks(board: Counting, session: requests.Session) -> None:
    assert session.get(board.url).text == "hello"
    assert board.asked[0][2]["User-Agent"] == f"Placecard/{__version__}"


@pytest.mark.parametrize("purpose", Purpose)
def test_each_purpose_has_its_own_proxy(proxy: Counting, purpose: Purpose) -> None:
    settings = Settings.model_validate({f"proxy_{purpose}": proxy.url})
    with session_for(purpose.value, settings) as session:
        assert session.get(f"{ELSEWHERE}/x").text == "hello"
    assert [path for _, path, _ in proxy.asked] == [f"{ELSEWHERE}/x"]


def test_unknown_purpose_is_an_error() -> None:
    with pytest.raises(ValueError, match="nothing"):
        session_for("nothing", Settings())


def test_proxy_with_a_password(proxy: Counting) -> None:
    with session_for("board", through(proxy, "me:pw@")) as session:
        session.get(ELSEWHERE)
    assert proxy.asked[0][2]["Proxy-Authorization"] == "Basic " + base64.b64encode(b"me:pw").decode()


def test_this_machine_is_never_reached_through_a_proxy(
    board: Counting, proxy: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    for settings in (Settings(), through(proxy)):
        with session_for("board", settings) as session:
            assert session.get(board.url).ok
            assert session.get(board.url.replace("127.0.0.1", "localhost")).ok
    assert len(board.asked) == 4
    assert not proxy.asked


def test_a_redirect_elsewhere_goes_through_the_proxy(board: Counting, proxy: Counting) -> None:
    with session_for("board", through(proxy)) as session:
        assert session.get(f"{board.url}/away").text == "hello"
    assert [path for _, path, _ in proxy.asked] == [f"{ELSEWHERE}/there"]


def test_proxy_of_the_environment_only_without_one_of_ours(proxy: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as other:
        monkeypatch.setenv("http_proxy", other.url)
        with session_for("board", through(proxy)) as session:
            session.get(ELSEWHERE)
        assert (len(proxy.asked), len(other.asked)) == (1, 0)
        with session_for("oidc", through(proxy)) as session:
            session.get(ELSEWHERE)
        assert (len(proxy.asked), len(other.asked)) == (1, 1)


def test_nothing_else_of_the_environment(
    board: Counting, session: requests.Session, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = f"{tmp_path}/netrc"
    with open(netrc, "w", encoding="ascii") as file:  # noqa: PTH123 - a path made of text
        file.write("machine 127.0.0.1 login me password pw")
    monkeypatch.setenv("NETRC", netrc)
    session.get(board.url)
    assert "Authorization" not in board.asked[0][2]


def test_ca_bundle(tmp_path: object) -> None:
    bundle = f"{tmp_path}/ca.pem"
    with open(bundle, "w", encoding="ascii") as file:  # noqa: PTH123 - a path made of text
        file.write("")
    settings = Settings.model_validate({"ca_bundle": bundle})
    with session_for("board", settings) as session:
        assert session.verify == bundle
    with session_for("board", Settings()) as session:
        assert session.verify is True


def test_reads_are_retried(board: Counting, session: requests.Session) -> None:
    assert session.get(f"{board.url}/flaky").status_code == 200
    assert len(board.asked) == 3


def test_a_failure_that_stays_is_an_answer(board: Counting, session: requests.Session) -> None:
    board.asked.clear()
    answer = session.post(f"{board.url}/flaky", data=b"x")
    assert answer.status_code == 503
    assert len(board.asked) == 1, "a POST that arrived is never repeated"


def test_a_post_is_not_repeated_when_no_answer_comes(board: Counting, session: requests.Session) -> None:
    with pytest.raises(requests.ReadTimeout):
        session.post(f"{board.url}/silent", data=b"x", timeout=(1, 0.2))
    until(lambda: board.asked)  # it may have come only after we had gone
    assert len(board.asked) == 1


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_post_is_tried_again_when_the_connection_was_refused(
    session: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[int] = []
    connect = socket.socket.connect

    def counted(self: socket.socket, address: object) -> None:
        tries.append(1)
        connect(self, address)  # type: ignore[arg-type]  # passed through as it came

    monkeypatch.setattr(socket.socket, "connect", counted)
    with pytest.raises(requests.ConnectionError):
        session.post(f"http://127.0.0.1:{free_port()}/", data=b"x")
    assert len(tries) == RETRIES + 1


def test_limits_are_set_where_the_caller_sets_none(
    board: Counting, session: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[object] = []
    send = requests.adapters.HTTPAdapter.send

    def watched(self: requests.adapters.HTTPAdapter, *args: object, **kwargs: object) -> requests.Response:
        seen.append(kwargs["timeout"])
        return send(self, *args, **kwargs)  # type: ignore[arg-type]  # passed through as it came

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", watched)
    session.get(board.url)
    session.get(board.url, timeout=5)
    assert seen == [(CONNECT_SECONDS, READ_SECONDS), 5]


def test_a_dripping_body_ends(board: Counting, session: requests.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "BODY_SECONDS", 0.2)
    with pytest.raises(requests.ReadTimeout, match="the body took more"):
        session.get(f"{board.url}/drip")


def test_a_body_cut_short_is_an_error(board: Counting, session: requests.Session) -> None:
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        session.get(f"{board.url}/cut")


def test_connections_are_kept(board: Counting, session: requests.Session) -> None:
    ports: set[int] = set()
    original = board.get_request

    def counted() -> tuple[socket.socket, tuple[str, int]]:
        connection, address = original()
        ports.add(address[1])
        return connection, address

    board.get_request = counted  # type: ignore[method-assign]  # to count connections
    for _ in range(5):
        assert session.get(board.url).text == "hello"
    assert len(ports) == 1


def test_streams_are_left_to_the_caller(board: Counting, session: requests.Session) -> None:
    with session.get(board.url, stream=True) as answer:
        assert b"".join(answer.iter_content(2)) == b"hello"


def test_total_is_longer_than_its_parts() -> None:
    assert TOTAL_TIMEOUT > (RETRIES + 1) * (CONNECT_SECONDS + READ_SECONDS) + BODY_SECONDS
