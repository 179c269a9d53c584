from __future__ import annotations

import base64
import io
import json
import logging
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from pydantic import SecretStr

from sync_service.log import HIDDEN, Scrub, current_run, note, request_data, run, start_log
from sync_service.serverlog import ServerLog
from sync_service.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TOKEN = 'Ключ от/всего "+&=ё\\9'
PASSWORD = "hunter2"
SETTINGS = Settings(
    api_token=SecretStr(TOKEN),
    board_user="bot",
    board_password=SecretStr(PASSWORD),
    proxy_board=SecretStr("http://me:pr0xypass@proxy.test:3128"),
)
log = logging.getLogger("sync_service.test")


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    written = io.StringIO()
    start_log(SETTINGS, more_secrets=["signing-key-0123"], stream=written)
    yield written
    root.handlers[:] = before
    root.setLevel(level)
    logging.captureWarnings(False)


def lines_in(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_has_time_level_event_run_and_data(stream: io.StringIO) -> None:
    with run("r1"):
        note(log, "sweep.done", cards=12, stages={"approved": 3}, who=None, name="Сквер")
    (line,) = lines_in(stream)
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "INFO",
        "event": "sweep.done",
        "run": "r1",
        "logger": "sync_service.test",
        "data": {"cards": 12, "stages": {"approved": 3}, "who": None, "name": "Сквер"},
    }
    assert "Сквер" in stream.getvalue()


def test_runs_nest_and_end() -> None:
    with run() as outer:
        with run("inner"):
            assert current_run() == "inner"
        assert current_run() == outer != ""
    assert current_run() == ""


def test_plain_messages_of_libraries(stream: io.StringIO) -> None:
    logging.getLogger("library").warning("%d of %s", 3, {"password": PASSWORD})
    assert lines_in(stream)[0]["event"] == f"3 of {{'password': '{HIDDEN}'}}"


def crash_with(secret: str) -> None:
    try:
        try:
            int(secret)
        except ValueError as error:
            raise RuntimeError(f"while using {secret}") from error
    except RuntimeError:
        note(log, "crash", level=logging.ERROR, error=True)


WAYS: dict[str, Callable[[str], None]] = {
    "message": lambda secret: log.info(secret.replace("%", "%%")),
    "in an address": lambda secret: log.info("GET /x?token=%s&y=1", secret),
    "argument": lambda secret: log.info("it is %s", secret),
    "object": lambda secret: log.info("it is %r", {"k": [secret]}),
    "event": lambda secret: note(log, secret),
    "data": lambda secret: note(log, "e", k=secret),
    "nested data": lambda secret: note(log, "e", k={"a": [secret, (secret,), {secret}], secret: 1}),
    "odd data": lambda secret: note(log, "e", k=SimpleNamespace(x=secret)),
    "bytes": lambda secret: note(log, "e", k=secret.encode()),
    "exception": crash_with,
    "address": lambda secret: log.info("GET /x?y=%s", quote(secret)),
    "address part": lambda secret: log.info("GET /x?y=%s", quote(secret, safe="")),
    "json": lambda secret: log.info("%s", json.dumps({"k": secret})),
    "json in Russian": lambda secret: log.info("%s", json.dumps(secret, ensure_ascii=False)),
    "stack": lambda secret: log.info("x", stack_info=True, extra={"data": {"a": secret}}),
    "logger error": lambda secret: log.error("x", exc_info=ValueError(secret)),
    "warning": lambda secret: logging.getLogger("py.warnings").warning("%s", secret),
}


@pytest.mark.parametrize("secret", [TOKEN, PASSWORD, "signing-key-0123", "http://me:pr0xypass@proxy.test:3128"])
@pytest.mark.parametrize("way", WAYS)
def test_secrets_never_appear(stream: io.StringIO, way: str, secret: str) -> None:
    WAYS[way](secret)
    text = stream.getvalue()
    assert lines_in(stream)
    spellings = {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(json.dumps(secret))[3:-3],
        quote(secret, safe=""),
        quote(secret),
    }
    assert not [spelling for spelling in spellings if spelling in text]
    assert HIDDEN in text


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("GET /board/events?token=abc123&x=1 HTTP/1.1", "abc123"),
        ("/board/events?a=1&TOKEN=abc123", "abc123"),
        ("http://h/?access_token=abc123#f", "abc123"),
        ("apikey=abc123", "abc123"),
        ("Authorization: Bearer abc123", "abc123"),
        (
            "authorization: basic " + base64.b64encode(b"jsonrpc:abc").decode(),
            base64.b64encode(b"jsonrpc:abc").decode(),
        ),
        ("{'Authorization': 'Basic YWJjMTIz', 'X': 'y'}", "YWJjMTIz"),
        ('{"Proxy-Authorization": "Basic YWJjMTIz"}', "YWJjMTIz"),
        ("[('Authorization', 'Bearer abc123')]", "abc123"),
        ("Cookie: placecard=abc123", "abc123"),
        ("sent Bearer abc12345xyz", "abc12345xyz"),
        ("postgresql://user:abc123@host/db", "abc123"),
        ("http://user:abc123@proxy:3128", "abc123"),
    ],
)
def test_shapes_of_secrets_nobody_told_us(text: str, gone: str) -> None:
    clean = Scrub([]).clean(text)
    assert gone not in clean
    assert HIDDEN in clean


@pytest.mark.parametrize(
    "text",
    [
        "3 tokens left; the token expired",
        "https://map.test/ogc/collections/proposals?limit=10&bbox=1,2,3,4",
        "Bearer of news",
        "card 12: «Пароль» в названии",
        "2026-01-31T02:30:00 12:30@noon",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert Scrub(["x-secret"]).clean(text) == text


def test_data_under_a_telling_name_is_hidden(stream: io.StringIO) -> None:
    note(log, "e", api_token="unknown-one", headers={"Authorization": "Digest q"}, tokens=3)
    assert lines_in(stream)[0]["data"] == {"api_token": HIDDEN, "headers": {"Authorization": HIDDEN}, "tokens": 3}


def test_empty_secrets_hide_nothing() -> None:
    assert Scrub(["", ""]).clean("abc") == "abc"


def test_starting_again_does_not_double_lines(stream: io.StringIO) -> None:
    start_log(SETTINGS, stream=stream)
    log.info("once")
    assert len(lines_in(stream)) == 1


def test_level_and_quiet_libraries(stream: io.StringIO) -> None:
    log.debug("unheard")
    logging.getLogger("werkzeug").info("unheard")
    logging.getLogger("urllib3.connectionpool").debug("unheard")
    logging.getLogger("urllib3.connectionpool").warning("heard")
    assert [line["event"] for line in lines_in(stream)] == ["heard"]


def test_gunicorn_writes_into_the_same_log(stream: io.StringIO) -> None:
    config = SimpleNamespace()
    server = ServerLog(config)
    server.info("Listening at: %s", "http://127.0.0.1:1/?token=abc123")
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/board/events", "QUERY_STRING": "token=abc123"}
    seconds = timedelta(microseconds=12_300)
    server.access(SimpleNamespace(status="200 OK", headers=[("X-Run-ID", "r7")]), None, environ, seconds)
    listening, request = lines_in(stream)
    assert listening["event"] == f"Listening at: http://127.0.0.1:1/?token={HIDDEN}"
    assert request["run"] == "r7"
    assert request["data"] == {"method": "GET", "path": "/board/events", "status": 200, "ms": 12.3}
    assert "abc123" not in stream.getvalue()


def test_request_data_takes_a_bare_status() -> None:
    assert request_data({}, "204", 0)["status"] == 204
