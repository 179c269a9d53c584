"""What the plugin's protocol says of itself, and to whoever asks wrongly: where it is, and what to do."""

from __future__ import annotations

import json
from base64 import b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import SecretStr

from sync_service.exchange.wire import wire_schemas
from sync_service.sync.fields import field_table
from tests.copies import PROPOSALS, ROOT, expect
from tests.exchange import Exchange, open_exchange
from tests.ogc import HOME, Town

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def exchange(full_town: Town) -> Exchange:
    return open_exchange(full_town)


# --- capabilities


def test_capabilities_are_told_to_anybody_and_tell_no_data(exchange: Exchange) -> None:
    answer = exchange.client.get(f"{ROOT}/capabilities")
    offered = expect("capabilities", answer.json)
    assert offered["collections"]["proposals"]["snapshot"] == f"{HOME}{PROPOSALS}/snapshot"
    assert [each["name"] for each in offered["properties"]] == list(field_table())
    assert {each["name"] for each in offered["properties"] if each["writable"]} == {
        *("address", "horizon", "placement", "cadastral_number", "place_check"),
    }
    for guid in exchange.town.planted:
        assert guid not in answer.text
    assert answer.headers["Cache-Control"] == "public, no-cache"


@pytest.mark.parametrize(
    ("settings", "ways"),
    [
        ({}, ["token"]),
        ({"api_token": None}, ["local"]),
        ({"oidc_issuer": "https://sso.test", "oidc_audience": "placecard"}, ["oidc", "token"]),
        ({"oidc_issuer": "https://sso.test", "oidc_audience": "placecard", "api_token": None}, ["oidc"]),
    ],
)
def test_capabilities_say_how_to_sign_in(full_town: Town, settings: dict[str, Any], ways: list[str]) -> None:
    full_town.settings = full_town.settings.model_copy(update=settings)
    offered = open_exchange(full_town).client.get(f"{ROOT}/capabilities").json
    assert offered
    assert offered["sign_in"] == ways
    assert "a-token" not in json.dumps(offered)


def test_schema_rev_is_the_same_everywhere(exchange: Exchange) -> None:
    copy = exchange.copy().take()
    pages = [("snapshot", {}), ("changes", {"since": copy.cursor})]
    told = {exchange.ask("GET", f"{PROPOSALS}/{name}", query=query)[1]["schema_rev"] for name, query in pages}
    assert told == {exchange.ask("GET", f"{ROOT}/capabilities")[1]["schema_rev"]}


# --- the schemas


@pytest.mark.parametrize("name", sorted(wire_schemas()))
def test_schemas_are_schemas(name: str) -> None:
    schema = wire_schemas()[name]
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:placecard:wire:{name}"


def test_schemas_refer_only_to_each_other() -> None:
    def references(part: Any) -> list[str]:
        if isinstance(part, dict):
            own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
            return own + [found for each in part.values() for found in references(each)]
        return [found for each in part for found in references(each)] if isinstance(part, list) else []

    for schema in wire_schemas().values():
        for reference in references(schema):
            document, _, pointer = reference.partition("#")
            target: Any = wire_schemas()[document.rsplit(":", 1)[1]] if document else schema
            for step in pointer.strip("/").split("/"):
                target = target[step]


# --- asking wrongly


def cursor_of(make: Callable[[list[Any]], object], exchange: Exchange) -> str:
    text = exchange.copy().take().cursor
    parts = json.loads(b64decode(text + "=" * (-len(text) % 4), altchars=b"-_"))
    return urlsafe_b64encode(json.dumps(make(parts)).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("address", "field", "reason"),
    [
        ("capabilities?x=1", "x", "parameter_unknown"),
        ("snapshot?nonsense=1", "nonsense", "parameter_unknown"),
        ("snapshot?limit=1&limit=2", "limit", "parameter_twice"),
        ("snapshot?limit=0", "limit", "parameter_limit"),
        ("snapshot?limit=-1", "limit", "parameter_limit"),
        ("snapshot?limit=ten", "limit", "parameter_limit"),
        ("snapshot?bbox=1,2,3", "bbox", "parameter_box"),
        ("snapshot?bbox=1,5,3,4", "bbox", "parameter_box"),
        ("snapshot?bbox=nan,1,2,3", "bbox", "parameter_box"),
        ("snapshot?bbox=0,0,181,1", "bbox", "parameter_box"),
        ("snapshot?bbox=0,-91,1,1", "bbox", "parameter_box"),
        ("snapshot?next=x", "next", "cursor_unknown"),
        ("changes", "since", "cursor_wanted"),
        ("changes?since=", "since", "cursor_unknown"),
        ("changes?since=AAAA", "since", "cursor_unknown"),
        ("changes?since=%D0%B9", "since", "cursor_unknown"),
        (f"changes?since={'A' * 500}", "since", "cursor_unknown"),
    ],
)
def test_wrong_parameters_are_named(exchange: Exchange, address: str, field: str, reason: str) -> None:
    path = f"{ROOT}/{address}" if address.startswith("capabilities") else f"{PROPOSALS}/{address}"
    status, problem = exchange.ask("GET", path)
    expect("problem", problem)
    assert (status, problem["field"], problem["reason"]) == (400, field, reason)
    assert reason not in problem["detail"]


@pytest.mark.parametrize(
    "change",
    [
        lambda parts: parts[:-1],
        lambda parts: [*parts, 1],
        lambda parts: {"a": parts},
        lambda parts: [1, *parts[1:]],
        lambda parts: [parts[0], "1", *parts[2:]],
        lambda parts: [parts[0], True, *parts[2:]],
        lambda parts: [*parts[:4], -1, None],
        lambda parts: [*parts[:4], 2**70, None],
        lambda parts: [*parts[:3], [1, 2], *parts[4:]],
        lambda parts: [*parts[:3], [1, 2, 3, "x"], *parts[4:]],
        lambda parts: [*parts[:3], "abcd", *parts[4:]],
        lambda parts: [*parts[:3], [9e999, 0, 1, 1], *parts[4:]],
        lambda parts: [*parts[:5], "x"],
    ],
)
def test_made_up_cursor_is_none(exchange: Exchange, change: Callable[[list[Any]], object]) -> None:
    status, problem = exchange.ask("GET", f"{PROPOSALS}/changes", query={"since": cursor_of(change, exchange)})
    assert (status, problem["reason"]) == (400, "cursor_unknown")


def test_cursors_are_not_mixed_up(exchange: Exchange) -> None:
    page = exchange.ask("GET", f"{PROPOSALS}/snapshot", query={"limit": "1"})[1]
    for name, parameter, cursor in (("changes", "since", page["next"]), ("snapshot", "next", page["cursor"])):
        status, problem = exchange.ask("GET", f"{PROPOSALS}/{name}", query={parameter: cursor})
        assert (status, problem["reason"]) == (400, "cursor_other")


@pytest.mark.parametrize(("language", "said"), [("ru", "возьмите новый снимок"), ("en", "take a new snapshot")])
def test_what_to_do_is_said_in_the_reader_s_language(exchange: Exchange, language: str, said: str) -> None:
    query = {"since": cursor_of(lambda parts: ["another", *parts[1:]], exchange)}
    status, problem = exchange.ask("GET", f"{PROPOSALS}/changes", query=query, headers={"Accept-Language": language})
    assert status == 410
    assert said in problem["detail"]


def test_page_size_is_bounded(exchange: Exchange) -> None:
    assert exchange.ask("GET", f"{PROPOSALS}/snapshot", query={"limit": "999999999999"})[0] == 200


def test_token_is_wanted_where_one_is_set(full_town: Town) -> None:
    full_town.settings = full_town.settings.model_copy(update={"api_token": SecretStr("another-long-token")})
    assert open_exchange(full_town).ask("GET", f"{PROPOSALS}/snapshot")[0] == 401
