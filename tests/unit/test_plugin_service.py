"""The service as the plugin asks it: addresses as people type them, statuses as errors, answers as values."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from placecard.core.errors import (
    BadAnswer,
    CursorVoid,
    NotAllowed,
    Outdated,
    PlacecardError,
    Refused,
    SignInNeeded,
    Unreachable,
)
from placecard.core.service import Service, read_address
from placecard.core.transport import Reply, Request
from placecard.core.wire import read_capabilities
from sync_service.exchange.capabilities import MOST_CHANGES, capabilities
from tests.ogc import HOME, settings_for

TOLD = capabilities(settings_for("sqlite:///somewhere.db"), 1_000_000, None)


def problem(status: int, **more: Any) -> Reply:
    told = {"type": "urn:placecard:problem:x", "title": "Нет", "status": status, "detail": "Почему нет", "code": "x"}
    return Reply(status, {}, json.dumps({**told, **more}).encode())


@dataclass
class Scripted:
    """A transport that answers as it is told to, after the capabilities."""

    replies: list[Reply] = field(default_factory=list)
    told: dict[str, Any] = field(default_factory=lambda: TOLD)
    asked: list[Request] = field(default_factory=list)

    def send(self, request: Request) -> Reply:
        self.asked.append(request)
        if request.url.endswith("/capabilities"):
            return Reply(200, {}, json.dumps(self.told).encode())
        return self.replies.pop(0)


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("map.city.example", "https://map.city.example"),
        (" https://map.city.example/ ", "https://map.city.example"),
        ("http://map.city.example/dev/", "http://map.city.example/dev"),
        ("HTTPS://map.city.example/sync/v1/capabilities", "https://map.city.example"),
        ("map.city.example/dev/sync/v1", "https://map.city.example/dev"),
        ("localhost:8000", "http://localhost:8000"),
        ("127.0.0.1:8000/", "http://127.0.0.1:8000"),
        ("[::1]:8000", "http://[::1]:8000"),
        ("карта.рф", "https://карта.рф"),
        ("https://map.example/?a=b#c", "https://map.example"),
    ],
)
def test_address_is_read_as_people_type_it(typed: str, address: str) -> None:
    assert read_address(typed) == address


def test_addresses_are_the_services_own_under_the_one_that_was_typed() -> None:
    transport = Scripted([Reply(200, {}, b'{"clashes": []}')])
    assert Service(transport, "http://10.0.0.5:8000").clashes() == []
    assert HOME not in transport.asked[1].url
    assert transport.asked[1].url == "http://10.0.0.5:8000/sync/v1/clashes"


def test_guid_and_key_stand_in_the_address_as_text() -> None:
    transport = Scripted([Reply(200, {}, b'{"guid": "a", "version": null}')] * 2)
    service = Service(transport, HOME, "en")
    assert service.act("a/b c", "comment", "Хорошо", key="k") is None
    asked = transport.asked[1]
    assert asked.url == f"{HOME}/sync/v1/proposals/a%2Fb%20c/actions"
    assert json.loads(asked.body or b"") == {"action": "comment", "reason": "Хорошо"}
    assert (asked.headers["Idempotency-Key"], asked.headers["Accept-Language"]) == ("k", "en")


@pytest.mark.parametrize(
    ("reply", "error", "data"),
    [
        (problem(401), SignInNeeded, {}),
        (problem(403), NotAllowed, {"detail": "Почему нет"}),
        (problem(404, reason="gone"), Refused, {"status": 404, "why": "gone"}),
        (problem(409, reason="clash_moved"), Refused, {"status": 409, "why": "clash_moved"}),
        (problem(409, reason="schema_rev_stale", schema_rev="b"), Outdated, {"reason": "schema", "schema_rev": "b"}),
        (problem(410, reason="cursor_epoch"), CursorVoid, {"why": "cursor_epoch"}),
        (problem(422, field="#/changes/3"), Refused, {"status": 422, "field": "#/changes/3"}),
        (problem(429, retry_after=7), Unreachable, {"retry_after": 7}),
        (problem(503), Unreachable, {"detail": "Почему нет"}),
        (Reply(502, {}, b"<html>Bad gateway"), Unreachable, {"detail": "HTTP 502"}),
        (Reply(404, {}, b"<html>not here"), BadAnswer, {}),
        (Reply(302, {}, b""), BadAnswer, {}),
        (Reply(200, {}, b"<html>Welcome to the hotel's network"), BadAnswer, {}),
        (Reply(200, {}, b"[]"), BadAnswer, {}),
        (Reply(200, {}, b'{"clashes": [{}]}'), BadAnswer, {}),
    ],
)
def test_status_is_told_as_an_error(reply: Reply, error: type[PlacecardError], data: dict[str, Any]) -> None:
    with pytest.raises(PlacecardError) as caught:
        Service(Scripted([reply]), HOME).clashes()
    assert type(caught.value) is error
    assert {name: caught.value.data[name] for name in data} == data


def test_capabilities_are_asked_once_or_anew() -> None:
    transport = Scripted()
    service = Service(transport, HOME)
    assert service.capabilities() is service.capabilities()
    service.capabilities(anew=True)
    assert len(transport.asked) == 2


def test_other_protocol_is_no_ground_to_go_on() -> None:
    with pytest.raises(Outdated) as caught:
        Service(Scripted(told={**TOLD, "protocol": 2}), HOME).capabilities()
    assert caught.value.key == "error.outdated.service"


def test_what_an_older_service_has_not_is_told() -> None:
    with pytest.raises(Outdated):
        Service(Scripted(told={name: each for name, each in TOLD.items() if name != "me"}), HOME).me()


@pytest.mark.parametrize("broken", [{}, {"limits": {}}, {"service": None}, {"properties": [{}]}, {"area": [1, 2]}])
def test_capabilities_that_are_none_say_so(broken: dict[str, Any]) -> None:
    with pytest.raises(BadAnswer):
        read_capabilities({**TOLD, **broken} if broken else {})


def test_capabilities_have_what_the_service_tells() -> None:
    found = read_capabilities({**TOLD, "area": [49, 53, 50, 54], "something": "new"})
    assert (found.area, found.limits.changes, found.protocol) == ((49.0, 53.0, 50.0, 54.0), MOST_CHANGES, 1)
    stage = found.property("stage")
    assert stage is not None
    assert (stage.type, stage.writable, stage.titles["ru"]) == ("string", False, "Стадия")
    assert stage.values is not None
    assert "approved" in stage.values
    assert found.property("nothing") is None


@pytest.mark.parametrize(
    ("version", "fits"),
    [
        ("0.1.0", True),
        ("0.0.9", False),
        ("0.1", True),
        ("0.10.0", True),
        ("0.1.0-beta.1", False),
        ("0.2.0-beta.1", True),
        ("1.0.0", False),
        ("1.0.0-rc.1", True),
        ("2.0.0", False),
    ],
)
def test_versions_of_the_plugin_are_ordered_by_number(version: str, fits: bool) -> None:
    told = replace(read_capabilities(TOLD), plugin_from="0.1.0", plugin_below="1.0.0")
    assert told.accepts(version) is fits
