from __future__ import annotations

import inspect
import json
import logging
from typing import TYPE_CHECKING

import pytest
from flask import Flask, abort

from kanban_adapter import errors as board
from sync_service import errors
from sync_service.errors import (
    ANSWERS,
    BadRequest,
    Conflict,
    ExitCode,
    Gone,
    NotFound,
    PlacecardError,
    Problem,
    SettingsError,
    TooMany,
    Unauthenticated,
    Unavailable,
    exit_code,
    http_status,
)
from sync_service.pages import register_errors
from sync_service.pages.problems import PROBLEM_JSON
from sync_service.words import LANGUAGES, Language, knows, say

if TYPE_CHECKING:
    from flask.testing import FlaskClient

TREE = [each for _, each in inspect.getmembers(errors, inspect.isclass) if issubclass(each, PlacecardError)]


class Unforeseen(Exception):
    """Of no tree."""


RAISED: dict[str, Exception] = {
    "bad": BadRequest("bbox", "four numbers wanted"),
    "csrf": BadRequest("csrf_token", "csrf"),
    "gone": Gone("frozen", epoch=3),
    "absent": NotFound("collection", name="x"),
    "signin": Unauthenticated(),
    "often": TooMany(retry_after=7),
    "later": Unavailable("disk_full", retry_after=30),
    "board": board.Unreachable("getTask", "connection refused by 10.0.0.7"),
    "refused": board.BadCredentials("getTask", "bot locked out"),
    "crash": Unforeseen("the password is hunter2"),
}


@pytest.fixture
def client() -> FlaskClient:
    app = Flask("sync_service")
    register_errors(app)

    @app.get("/raise/<name>")
    def fail(name: str) -> str:
        raise RAISED[name]

    @app.get("/abort/<int:status>")
    def stop(status: int) -> str:
        abort(status)

    @app.get("/folder/")
    def folder() -> str:
        return "here"

    return app.test_client()


@pytest.mark.parametrize("kind", TREE)
def test_every_error_has_words_and_a_row(kind: type[PlacecardError]) -> None:
    assert kind in ANSWERS
    assert knows(f"errors.{kind.code}")
    assert knows(f"status.{http_status(kind.__new__(kind)).value}")


def test_codes_are_not_shared() -> None:
    assert len({kind.code for kind in TREE}) == len(TREE)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (SettingsError([]), 503, 2),
        (BadRequest("a", "b"), 400, 2),
        (Unavailable("locked"), 503, 3),
        (errors.PersonNeeded("surge"), 503, 4),
        (errors.Conflict("moved"), 409, 1),
        (board.Unreachable("x"), 503, 3),
        (board.BadCredentials("x"), 503, 3),
        (board.Missing("x"), 502, 1),
        (Unforeseen(), 500, 1),
    ],
)
def test_status_and_exit_code(error: Exception, status: int, code: int) -> None:
    assert (http_status(error), exit_code(error)) == (status, code)
    assert isinstance(exit_code(error), ExitCode)


@pytest.mark.parametrize("language", LANGUAGES)
def test_errors_speak_both_languages(language: str) -> None:
    for error in RAISED.values():
        if isinstance(error, PlacecardError):
            assert "{" not in error.say("ru" if language == "ru" else "en")


def test_reasons_are_put_into_words() -> None:
    assert str(Unavailable("disk_full")) == "The service cannot do this now: the disk is full. Try again later."
    assert Unavailable("свои слова").say("en") == "The service cannot do this now: свои слова. Try again later."


@pytest.mark.parametrize("language", LANGUAGES)
def test_rejection_put_into_an_error_ends_once(language: Language) -> None:
    assert say("rejections.exists", language).endswith(".")
    for error in (Conflict("exists"), BadRequest("guid", "exists")):
        assert error.say(language).endswith(".")
        assert ".." not in error.say(language)


def test_problem_is_one_line() -> None:
    assert "\n" not in Problem("settings.unknown", {"name": "a\nb"}).say("ru")


@pytest.mark.parametrize(
    ("name", "status", "code", "extra"),
    [
        ("bad", 400, "bad_request", {"field": "bbox", "reason": "four numbers wanted"}),
        ("gone", 410, "gone", {"epoch": 3}),
        ("absent", 404, "not_found", {"what": "collection", "name": "x"}),
        ("signin", 401, "unauthenticated", {}),
        ("often", 429, "too_many", {"retry_after": 7}),
        ("later", 503, "unavailable", {"retry_after": 30}),
        ("board", 503, "board_unreachable", {}),
        ("refused", 503, "board_unreachable", {}),
        ("crash", 500, "internal", {}),
    ],
)
def test_problem_json(client: FlaskClient, name: str, status: int, code: str, extra: dict[str, object]) -> None:
    answer = client.get(f"/raise/{name}", headers={"Accept-Language": "en"})
    assert (answer.status_code, answer.content_type) == (status, PROBLEM_JSON)
    body = json.loads(answer.data)
    assert body["status"] == status
    assert (body["code"], body["type"]) == (code, f"urn:placecard:problem:{code}")
    assert body["title"]
    assert body["detail"]
    assert body["instance"] == f"/raise/{name}"
    assert body | extra == body
    assert "10.0.0.7" not in answer.text
    assert answer.headers["Cache-Control"] == "no-store"


def test_headers_of_problems(client: FlaskClient) -> None:
    assert client.get("/raise/often").headers["Retry-After"] == "7"
    assert client.get("/raise/signin").headers["WWW-Authenticate"].startswith("Bearer")
    assert client.post("/folder/").headers["Allow"]


def test_data_cannot_stand_in_for_the_status(client: FlaskClient) -> None:
    RAISED["sly"] = Gone("x", status=200, code="fine")
    body = json.loads(client.get("/raise/sly").data)
    assert (body["status"], body["code"]) == (410, "gone")


def test_crash_is_logged_with_its_run_and_told_without_internals(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        answer = client.get("/raise/crash")
    run = answer.headers["X-Run-Id"]
    assert json.loads(answer.data)["run"] == run
    assert run in json.loads(answer.data)["detail"]
    assert "hunter2" not in answer.text
    assert "Unforeseen" not in answer.text
    (record,) = [each for each in caplog.records if each.message == "request.crashed"]
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], Unforeseen)


def test_every_request_is_its_own_run(client: FlaskClient) -> None:
    runs = {client.get("/folder/").headers["X-Run-Id"] for _ in range(3)}
    assert len(runs) == 3


@pytest.mark.parametrize("status", [400, 404, 405, 406, 413, 415, 418, 500])
def test_werkzeug_errors_too(client: FlaskClient, status: int) -> None:
    answer = client.get(f"/abort/{status}")
    assert (answer.status_code, answer.content_type) == (status, PROBLEM_JSON)
    assert json.loads(answer.data)["status"] == status


def test_redirects_stay_redirects(client: FlaskClient) -> None:
    assert client.get("/folder").status_code == 308


@pytest.mark.parametrize(("language", "text"), [("ru", "Здесь ничего нет"), ("en", "There is nothing here")])
def test_a_person_gets_a_page(client: FlaskClient, language: str, text: str) -> None:
    headers = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Language": language}
    answer = client.get("/nowhere<script>", headers=headers)
    assert answer.status_code == 404
    assert answer.content_type.startswith("text/html")
    assert text in answer.text
    assert f'<html lang="{language}">' in answer.text
    assert "<script" not in answer.text
    assert answer.headers["Content-Language"] == language
    assert client.get("/nowhere?f=json", headers=headers).content_type == PROBLEM_JSON


def test_a_page_for_whoever_must_sign_in_leads_there_and_back(client: FlaskClient) -> None:
    answer = client.get("/raise/signin?a=1&b=2", headers={"Accept": "text/html"}, base_url="http://localhost/map")
    assert answer.status_code == 401
    assert 'href="/map/signin?next=/map/raise/signin%3Fa%3D1%26b%3D2"' in answer.text
