"""Sweeps asked for over the wire, by an operator or a job: whose word it was, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sync_service.access.table import RIGHTS, Action, Role
from sync_service.store.requests import answer_sweep, asked_sweeps
from tests.copies import expect
from tests.postgres import both_stores

if TYPE_CHECKING:
    from tests.exchange import Exchange

pytestmark = both_stores
SWEEPS = "/sync/v1/sweeps"


@pytest.mark.parametrize(("body", "full"), [({}, False), ({"full": True}, True)])
def test_sweep_that_was_asked_for_waits_for_the_worker(
    exchange: Exchange, body: dict[str, bool], *, full: bool
) -> None:
    status, told = exchange.post(SWEEPS, body)
    assert (status, expect("swept", told)["state"], told["who"], told["full"]) == (202, "asked", "token", full)
    with exchange.town.database.reading() as connection:
        (waits,) = asked_sweeps(connection)
    assert (waits.id, waits.full, waits.force) == (told["id"], full, False)
    assert exchange.ask("GET", f"{SWEEPS}/{told['id']}") == (200, told)


@pytest.mark.parametrize(
    ("result", "state"),
    [
        pytest.param({"read": 3, "errors": []}, "done", id="done"),
        pytest.param({"failed": "Unreachable", "why": "the board is away", "code": 3}, "failed", id="failed"),
    ],
)
def test_what_came_of_it_is_told(exchange: Exchange, result: dict[str, object], state: str) -> None:
    request = exchange.post(SWEEPS, {})[1]["id"]
    with exchange.town.database.writing() as connection:
        answer_sweep(connection, request, result)
    told = expect("swept", exchange.ask("GET", f"{SWEEPS}/{request}")[1])
    assert (told["state"], told["why"]) == (state, result.get("why"))
    assert told["report"] == (result if state == "done" else None)


def test_it_is_for_operators(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    request = exchange.post(SWEEPS, {})[1]["id"]
    assert exchange.client.post(SWEEPS, json={}).status_code == 401
    monkeypatch.setitem(RIGHTS, Action.OPERATE, frozenset({Role.OPERATOR}))
    assert exchange.post(SWEEPS, {})[0] == 403
    assert exchange.ask("GET", f"{SWEEPS}/{request}")[0] == 403


def test_nonsense_is_refused(exchange: Exchange) -> None:
    assert exchange.post(SWEEPS, {"force": True})[0] == 400
    assert exchange.ask("GET", f"{SWEEPS}/none")[0] == 404
