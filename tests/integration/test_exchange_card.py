"""One proposal with what is around it: its card, what is said there at this moment, and what happened to it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
import shapely

from kanban_adapter.kanboard import KanboardBoard
from kanban_adapter.memory import MemoryBoard
from sync_service.app import create_beyond
from sync_service.engine.listening import Listener, Silence
from sync_service.exchange.beyond import Beyond
from sync_service.exchange.telling import LATEST
from sync_service.http import session_for
from sync_service.sync.state import CardRef
from sync_service.sync.values import Visibility
from tests.copies import PROPOSALS, ROOT, expect, shape_of
from tests.exchange import Exchange, change, open_exchange, wkb
from tests.ogc import POINT, Town, settings_for
from tests.postgres import both_stores
from tools.kanboard import free_port

if TYPE_CHECKING:
    from collections.abc import Callable

    from sync_service.engine.listening import Heard
    from tests.desk import Desk


@pytest.fixture
def bridged(desk: Desk) -> Exchange:
    """The protocol over a store whose engine and board are at hand, the board heard."""
    return over(desk, Listener(desk.parts.database, lambda: desk.board).hear)


def over(desk: Desk, hear: Callable[[CardRef], Heard]) -> Exchange:
    town = Town(desk.parts.database, settings_for(desk.parts.database.url), desk.now)
    return open_exchange(town, Beyond(hear=hear))


def told(exchange: Exchange, guid: str, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    status, document = exchange.ask("GET", f"{ROOT}/proposals/{guid}", headers=named)
    assert status == 200, document
    return expect("proposal", document)


def planted(desk: Desk, title: str = "Сквер у школы") -> tuple[str, str]:
    """A card on the board and the guid of its proposal."""
    card = desk.add(title)
    desk.work()
    return card, desk.known(card).guid


# --- the proposal itself


@both_stores
def test_proposal_is_told_as_a_copy_has_it(bridged: Exchange, desk: Desk) -> None:
    _, guid = planted(desk)
    row = bridged.row(guid)
    assert {name: told(bridged, guid)[name] for name in row} == row


@both_stores
def test_history_is_told_newest_first_with_who_and_what(bridged: Exchange, desk: Desk) -> None:
    _, guid = planted(desk)
    there = shapely.Point(49.4, 53.4)
    version = bridged.row(guid)["version"]
    bridged.send(change(guid, base_version=version, set={"horizon": 2031}, geometry=wkb(there)), key="a-push")
    document = told(bridged, guid, Accept_Language="en")
    latest, first = document["history"]
    assert (latest["source"], latest["who"], latest["by"], latest["push"]) == (
        *("qgis", "token"),
        *("signed in by token", "a-push"),
    )
    assert (latest["before"]["horizon"], latest["after"]["horizon"]) == (None, 2031)
    assert [shape_of(latest[end]["geometry"]) for end in ("before", "after")] == [POINT, there]
    assert (latest["version"], first["version"]) == (document["version"], version)
    assert (first["source"], first["by"], first["before"]) == ("board", "board", None)
    assert told(bridged, guid, Accept_Language="ru")["history"][1]["by"] == "доска"
    assert not document["more"]


def test_long_history_is_cut_and_says_so(exchange: Exchange) -> None:
    guid = exchange.town.plant(horizon=2000)
    for year in range(2001, 2001 + LATEST):
        exchange.town.change(guid, horizon=year)
    document = told(exchange, guid)
    assert (len(document["history"]), document["more"]) == (LATEST, True)
    assert document["history"][0]["after"]["horizon"] == 2000 + LATEST
    assert document["card"] is None


@pytest.mark.parametrize("guid", ["x", "0b6f8c1e-2f0e-4d0a-8a51-6f6f4f0f9d01", "%00", "%D0%B9"])
def test_proposal_that_is_not_there(exchange: Exchange, guid: str) -> None:
    assert exchange.ask("GET", f"{ROOT}/proposals/{guid}")[0] == 404


def test_retired_proposal_is_not_told_and_hidden_one_is(exchange: Exchange) -> None:
    retired = exchange.town.plant(visibility=Visibility.RETIRED)
    hidden = exchange.town.plant(visibility=Visibility.HIDDEN)
    status, problem = exchange.ask("GET", f"{ROOT}/proposals/{retired}")
    assert (status, expect("problem", problem)["code"]) == (404, "not_found")
    assert told(exchange, hidden)["guid"] == hidden


def test_nobody_is_told_of_a_proposal(exchange: Exchange) -> None:
    guid = exchange.town.plant()
    assert exchange.client.get(f"{ROOT}/proposals/{guid}").status_code == 401
    assert exchange.ask("GET", f"{ROOT}/proposals/{guid}?x=1")[1]["field"] == "x"


# --- what is said on its card


def test_comments_are_read_from_the_board_now(bridged: Exchange, desk: Desk) -> None:
    card, guid = planted(desk)
    desk.person.add_comment(card, "Скамейки у входа?")
    moment = desk.board.world.clock() + 100
    desk.board.world.clock = lambda: moment
    desk.person.add_comment(card, "И фонари")
    found = told(bridged, guid)["card"]
    assert (found["id"], found["column"], found["code"], found["message"]) == (card, "Предложено", None, None)
    assert [each["text"] for each in found["comments"]] == ["Скамейки у входа?", "И фонари"]
    assert {each["who"] for each in found["comments"]} == {desk.person.name}
    desk.drag(card, "Одобрено")
    desk.person.add_comment(card, "Одобряем")
    found = told(bridged, guid)["card"]
    assert (found["column"], found["comments"][-1]["text"]) == ("Одобрено", "Одобряем")
    assert found["url"] == bridged.row(guid)["properties"]["card_url"]


def test_our_own_comments_are_told_without_their_marker(bridged: Exchange, desk: Desk) -> None:
    _, guid = planted(desk)
    said = {"action": "comment", "reason": "Нужен тротуар"}
    assert bridged.post(f"{ROOT}/proposals/{guid}/actions", said)[0] == 200
    desk.work()
    (comment,) = told(bridged, guid)["card"]["comments"]
    assert "Нужен тротуар" in comment["text"]
    assert "placecard:" not in comment["text"]


def silence_of(exchange: Exchange, guid: str, language: str = "en") -> tuple[str, str]:
    card = told(exchange, guid, Accept_Language=language)["card"]
    assert card["comments"] is None
    assert card["column"] is None
    return card["code"], card["message"]


def test_card_that_is_gone_or_another_is_not_heard(bridged: Exchange, desk: Desk) -> None:
    card, guid = planted(desk)
    desk.person.remove_card(card)
    assert silence_of(bridged, guid) == ("gone", "The card is no longer on the board.")
    desk.board.world.clock = lambda: desk.now.timestamp() + 100_000
    assert desk.add("Другое предложение") == card, "the board gives the id again"
    desk.person.add_comment(card, "Не о том")
    assert silence_of(bridged, guid)[0] == "gone"


def test_what_is_said_elsewhere_on_the_board_is_not_for_our_readers(bridged: Exchange, desk: Desk) -> None:
    card, guid = planted(desk)
    other = desk.board.world.add_project("Кадры", ("Разное",))
    desk.person.add_comment(card, "Личное")
    desk.person.move_project(card, other)
    assert silence_of(bridged, guid)[0] == "elsewhere"


@pytest.mark.parametrize(("language", "said"), [("en", "does not answer"), ("ru", "не отвечает")])
def test_board_that_is_away_takes_nothing_but_the_comments(
    bridged: Exchange, desk: Desk, language: str, said: str
) -> None:
    _, guid = planted(desk)
    desk.board.world.faults.unreachable = True
    code, message = silence_of(bridged, guid, language)
    assert code == "away"
    assert said in message
    assert told(bridged, guid)["history"]
    desk.board.world.faults.unreachable = False
    assert told(bridged, guid)["card"]["comments"] == []


def test_real_board_that_nobody_listens_at_is_away(desk: Desk) -> None:
    _, guid = planted(desk)
    settings = settings_for(desk.parts.database.url)
    address = f"http://127.0.0.1:{free_port()}"

    def open_board() -> KanboardBoard:
        return KanboardBoard(session_for("board", settings), url=address, projects=["1"], token="x", timeout=(0.2, 0.2))

    assert silence_of(over(desk, Listener(desk.parts.database, open_board).hear), guid)[0] == "away"
    # As the application is wired, for settings that name no board at all.
    assert silence_of(over(desk, create_beyond(settings, desk.parts.database).hear), guid)[0] == "away"


def test_one_card_is_read_at_a_time_and_nobody_waits_for_ever(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    card, guid = planted(desk)
    begun, go_on = threading.Event(), threading.Event()

    class Slow(MemoryBoard):
        def read(self, card_ids: Any) -> Any:
            begun.set()
            assert go_on.wait(30)
            return desk.board.read(card_ids)

    monkeypatch.setattr("sync_service.engine.listening.PATIENCE", 0.05)
    listener = Listener(desk.parts.database, Slow)
    ref = CardRef("", card, desk.board.read([card]).cards[card].created)  # type: ignore[union-attr]  # it is there
    heard: list[Heard] = []
    first = threading.Thread(target=lambda: heard.append(listener.hear(ref)))
    first.start()
    assert begun.wait(30)
    assert silence_of(over(desk, listener.hear), guid)[0] == Silence.BUSY
    go_on.set()
    first.join()
    assert heard[0].silence is None


def test_proposal_whose_card_is_still_owed_has_none(bridged: Exchange) -> None:
    guid = "0b6f8c1e-2f0e-4d0a-8a51-6f6f4f0f9d01"
    drawn = change(guid, op="create", set={"title": "Беседка"}, geometry=wkb(POINT))
    assert bridged.send(drawn)["results"][0]["status"] == "applied"
    assert told(bridged, guid)["card"] is None
    assert bridged.ask("GET", f"{PROPOSALS}/snapshot")[0] == 200
