"""Over the plugin's protocol: a push is put back, sparing what came later; something is asked of a card."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from sync_service.access import Action, Role
from sync_service.access.table import RIGHTS
from tests.copies import PROPOSALS, ROOT, expect, shape_of
from tests.exchange import Exchange, change, open_exchange, wkb
from tests.ogc import AREA, LINE, POINT, Town, settings_for

if TYPE_CHECKING:
    from kanban_adapter.card import Card
    from tests.desk import Desk


def undo(exchange: Exchange, key: str, **how: Any) -> Any:
    status, answer = exchange.post(f"{ROOT}/pushes/{key}/undo", expect("undo", how))
    assert status == 200, answer
    return expect("undone", answer)


# --- putting back


def pushed(exchange: Exchange) -> str:
    """A proposal, edited and moved by the push `a-push`."""
    guid = exchange.town.plant(POINT, horizon=2030, address="ул. Мира, 5")
    sent = {"horizon": 2031, "address": "ул. Мира, 7"}
    version = exchange.row(guid)["version"]
    exchange.send(change(guid, base_version=version, set=sent, geometry=wkb(LINE)), key="a-push")
    return guid


def test_dry_run_tells_and_puts_nothing_back(exchange: Exchange) -> None:
    guid = pushed(exchange)
    before = exchange.row(guid)
    told = undo(exchange, "a-push", dry_run=True)
    (one,) = told["proposals"]
    assert (told["push"], one["guid"], one["spared"], one["gone"]) == (None, guid, [], False)
    assert one["fields"] == {
        "horizon": {"from": 2031, "to": 2030},
        "address": {"from": "ул. Мира, 7", "to": "ул. Мира, 5"},
    }
    assert [shape_of(one["geometry"][end]) for end in ("from", "to")] == [LINE, POINT]
    assert exchange.row(guid) == before


@pytest.mark.parametrize("how", [{}, {"dry_run": False}])
def test_push_is_put_back_and_that_can_be_put_back(exchange: Exchange, how: dict[str, bool]) -> None:
    guid = pushed(exchange)
    done = undo(exchange, "a-push", **how)
    found = exchange.row(guid)
    assert (found["properties"]["horizon"], shape_of(found["geometry"])) == (2030, POINT)
    undo(exchange, done["push"])
    again = exchange.row(guid)
    assert (again["properties"]["horizon"], shape_of(again["geometry"])) == (2031, LINE)


def test_later_edits_are_spared(exchange: Exchange) -> None:
    guid = pushed(exchange)
    exchange.town.change(guid, horizon=2044)
    (one,) = undo(exchange, "a-push")["proposals"]
    assert one["spared"] == ["horizon"]
    found = exchange.row(guid)["properties"]
    assert (found["horizon"], found["address"]) == (2044, "ул. Мира, 5")


def test_put_back_twice_is_put_back_once(exchange: Exchange) -> None:
    guid = pushed(exchange)
    undo(exchange, "a-push")
    before = exchange.row(guid)
    assert undo(exchange, "a-push")["push"] is None
    assert exchange.row(guid) == before


def test_push_nobody_made_is_not_found(exchange: Exchange) -> None:
    assert exchange.post(f"{ROOT}/pushes/{uuid4()}/undo", {})[0] == 404


@pytest.mark.parametrize(("document", "field"), [([], "#"), ({"dry": True}, "#"), ({"dry_run": "yes"}, "#/dry_run")])
def test_wrong_undo_is_told(exchange: Exchange, document: Any, field: str) -> None:
    pushed(exchange)
    status, problem = exchange.post(f"{ROOT}/pushes/a-push/undo", document)
    assert (status, problem["field"]) == (400, field)


# --- asking something of a card


@pytest.fixture
def bridged(desk: Desk) -> Exchange:
    """The protocol over a store whose engine and board are at hand."""
    return open_exchange(Town(desk.parts.database, settings_for(desk.parts.database.url), desk.now))


def ask(exchange: Exchange, guid: str, action: str, **more: Any) -> tuple[int, Any]:
    headers = more.pop("headers", {})
    return exchange.post(f"{ROOT}/proposals/{guid}/actions", expect("action", {"action": action, **more}), **headers)


def card_of(desk: Desk, card_id: str) -> Card:
    card = desk.board.read([card_id]).cards[card_id]
    assert card is not None
    return card


@pytest.mark.parametrize(
    ("action", "reason", "stage"),
    [("approve", None, "approved"), ("return", "Уточните место", "proposed"), ("close", "Уже есть", "closed")],
)
def test_stage_is_asked_of_the_board_and_follows_it(
    desk: Desk, bridged: Exchange, action: str, reason: str | None, stage: str
) -> None:
    card = desk.add(column="На рассмотрении")
    desk.work()
    guid = desk.known(card).guid
    status, answer = ask(bridged, guid, action, reason=reason, base_version=bridged.row(guid)["version"])
    assert status == 200
    assert expect("acted", answer) == {"guid": guid, "version": bridged.row(guid)["version"]}
    desk.work()
    assert bridged.row(guid)["properties"]["stage"] == stage
    assert len([each for each in card_of(desk, card).comments if reason and reason in each.text]) == bool(reason)


@pytest.mark.parametrize("action", ["comment", "suggest"])
def test_words_are_said_once_under_one_key(desk: Desk, bridged: Exchange, action: str) -> None:
    card = desk.add()
    desk.work()
    guid = desk.known(card).guid
    for key in ("one", "one", "two"):
        assert ask(bridged, guid, action, reason="Скамейки у входа", headers={"Idempotency-Key": key})[0] == 200
        desk.work()
    assert len([each for each in card_of(desk, card).comments if "Скамейки" in each.text]) == 2


def test_place_is_handed_back_to_the_card(desk: Desk, bridged: Exchange) -> None:
    card = desk.add(column="Одобрено")
    desk.work()
    guid = desk.known(card).guid
    bridged.send(change(guid, base_version=bridged.row(guid)["version"], geometry=wkb(AREA)))
    desk.work()
    assert ask(bridged, guid, "hand_back")[0] == 200
    desk.work()
    assert shape_of(bridged.row(guid)["geometry"]) == POINT


def test_stage_that_moved_since_is_told(desk: Desk, bridged: Exchange) -> None:
    card = desk.add(column="На рассмотрении")
    desk.work()
    guid = desk.known(card).guid
    seen = bridged.row(guid)["version"]
    desk.drag(card, "В работе")
    desk.work()
    status, problem = ask(bridged, guid, "close", reason="Уже есть", base_version=seen)
    assert (status, expect("problem", problem)["reason"]) == (409, "stage_moved")


@pytest.mark.parametrize(
    ("document", "field", "reason"),
    [
        ({}, "#", "wire_required"),
        ({"action": "delete"}, "#/action", "wire_enum"),
        ({"action": "close"}, "#/reason", "reason_missing"),
        ({"action": "close", "reason": "  "}, "#/reason", "reason_missing"),
        ({"action": "comment", "reason": "x" * 5000}, "#/reason", "reason_long"),
        ({"action": "close", "reason": 5}, "#/reason", "wire_type"),
    ],
)
def test_wrong_action_is_told(exchange: Exchange, document: Any, field: str, reason: str) -> None:
    guid = exchange.town.plant()
    status, problem = exchange.post(f"{ROOT}/proposals/{guid}/actions", document)
    assert (status, expect("problem", problem)["field"], problem["reason"]) == (400, field, reason)


def test_unknown_proposal_and_one_without_a_card(exchange: Exchange) -> None:
    assert ask(exchange, str(uuid4()), "approve")[0] == 404
    status, problem = ask(exchange, exchange.town.plant(), "approve")
    assert (status, problem["reason"]) == (409, "no_card")


# --- who may


ACTIONS = f"{ROOT}/proposals/x/actions"
WRITES = {
    f"{PROPOSALS}/push": {"client_id": "c", "schema_rev": "r", "changes": []},
    f"{ROOT}/clashes/x": {"revision": 1},
    f"{ROOT}/pushes/x/undo": {},
    ACTIONS: {"action": "comment", "reason": "x"},
}


@pytest.mark.parametrize("path", WRITES)
def test_nothing_is_written_without_the_right_to_edit(
    exchange: Exchange, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert exchange.client.post(path, json=WRITES[path]).status_code == 401
    for action in (Action.EDIT, Action.SUBMIT):
        monkeypatch.setitem(RIGHTS, action, frozenset())
    assert exchange.post(path, WRITES[path], **{"Idempotency-Key": "k"})[0] == 403


@pytest.mark.parametrize(
    ("path", "document", "status"),
    [
        *((ACTIONS, {"action": each, "reason": "x"}, 403) for each in ("approve", "return", "close")),
        *((ACTIONS, {"action": each, "reason": "x"}, 404) for each in ("comment", "suggest", "hand_back")),
        (f"{ROOT}/clashes/x", {"revision": 1, "renew": False}, 403),
        (f"{ROOT}/clashes/x", {"revision": 1, "fields": {"horizon": 1}}, 404),
        (f"{ROOT}/pushes/others/undo", {}, 403),
        (f"{ROOT}/pushes/others/undo", {"dry_run": True}, 200),
        (f"{ROOT}/pushes/namesake/undo", {}, 403),
        (f"{ROOT}/pushes/older/undo", {}, 200),
        (f"{ROOT}/pushes/mine/undo", {}, 200),
    ],
)
def test_editors_do_not_moderate(
    exchange: Exchange, path: str, document: Any, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    guid = exchange.town.plant()
    exchange.send(change(guid, set={"horizon": 2031}), key="mine")
    exchange.send(change(guid, set={"horizon": 2032}), key="others")
    exchange.send(change(guid, set={"horizon": 2033}), key="namesake")
    exchange.send(change(guid, set={"horizon": 2034}), key="older")
    with exchange.town.database.writing() as connection:
        connection.exec_driver_sql("UPDATE push SET who = 'anna', who_id = NULL WHERE key = 'others'")
        connection.exec_driver_sql("UPDATE push SET who_id = 'https://sso.test 1' WHERE key = 'namesake'")
        connection.exec_driver_sql("UPDATE push SET who_id = NULL WHERE key = 'older'")
    monkeypatch.setitem(RIGHTS, Action.MODERATE, frozenset[Role]())
    assert exchange.post(path, document)[0] == status
