"""A real Kanboard full of cards, a hand that moves them, and an eye that sees when a card is on the map."""

from __future__ import annotations

import base64
import http.client
import sqlite3
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson

from bench.cards import many_cards
from tests.boards import make_kanboard_project
from tests.service import make_service
from tools.kanboard import KanboardServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from tests.boards import KanboardProject
    from tests.service import Service

SEED = 20261122
BEFORE, APPROVED = "На рассмотрении", "Одобрено"
STRANGER = "s" * 40  # with a token set, loopback is nobody: we are asked as the public asks
PATIENCE = 60.0
MOST_TRIES = 50


@dataclass(frozen=True, slots=True)
class Board:
    """A project with cards, all in the column before «Одобрено» unless they were spread."""

    project: KanboardProject
    cards: Sequence[str]

    @property
    def server(self) -> KanboardServer:
        """The Kanboard."""
        return self.project.server

    def announce(self, address: str) -> None:
        """Have the board call this address with its webhooks; none if empty."""
        self.server.set_setting("webhook_url", address)

    def move(self, card: str, column: str) -> float:
        """Move a card to the top of a column, as a person's drag does; the seconds it took.

        Kanboard's SQLite refuses a writer that meets another; then it is done again, as a person would.
        """
        column_id = int(self.project.columns[column])
        where = {"project_id": int(self.project.id), "column_id": column_id, "swimlane_id": 0, "position": 1}
        params = {"task_id": int(card), **where}
        body = orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": "moveTaskPosition", "params": params})
        account = base64.b64encode(f"jsonrpc:{self.server.api_token}".encode()).decode()
        headers = {"Content-Type": "application/json", "Authorization": f"Basic {account}"}
        started = time.perf_counter()
        tries = 0
        while _met_another(answer := self._post(body, headers)) and tries < MOST_TRIES:
            if self._stands_in(card, column_id):
                break  # the move was made, and only its answer was spoilt
            tries += 1
        took = time.perf_counter() - started
        assert answer.get("result") is True or self._stands_in(card, column_id), answer
        return took

    def _stands_in(self, card: str, column_id: int) -> bool:
        return int(self.server.call("getTask", task_id=int(card))["column_id"]) == column_id

    def _post(self, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=PATIENCE)
        connection.request("POST", "/jsonrpc.php", body, headers)
        answer: dict[str, Any] = orjson.loads(connection.getresponse().read())
        connection.close()
        return answer


def _met_another(answer: dict[str, Any]) -> bool:
    return answer.get("result") is False or "database is locked" in str(answer)


@contextmanager
def run_board(folder: Path, count: int, *, spread: bool = False) -> Iterator[Board]:
    """A Kanboard with so many cards; `spread`: over all columns, each in that of its stage."""
    with KanboardServer(folder) as server:
        project = make_kanboard_project(server)
        yield Board(project, fill_board(project, count, spread=spread))


def fill_board(project: KanboardProject, count: int, *, spread: bool) -> list[str]:
    """Make the cards; their ids."""
    columns = list(project.columns.values())
    calls = []
    for number, made in enumerate(many_cards(count, SEED)):
        column = columns[number % len(columns)] if spread else project.columns[BEFORE]
        sample = {"title": made.sample.title, "description": made.sample.description}
        where = {"project_id": int(project.id), "column_id": int(column)}
        calls.append(("createTask", {**where, **sample, "reference": made.sample.reference}))
    return [str(card) for card in project.server.call_many(calls)]


@contextmanager
def run_service(folder: Path, board: Board, **settings: str) -> Iterator[Service]:
    """`placecard serve` beside this board, asked from outside, its first sweep done."""
    folder.mkdir(exist_ok=True)
    quiet = {"API_TOKEN": STRANGER, "LOG_LEVEL": "WARNING", "SURGE_LIMIT": "1000000", **settings}
    service = make_service(folder, board.project, **quiet)
    try:
        assert service.run("sync").returncode == 0
        service.start()
        rest(service)
        yield service
    finally:
        service.stop()


def rest(service: Service) -> None:
    """Wait until the worker has nothing left to do."""
    store = sqlite3.connect(f"file:{service.folder}/var/placecard.db?mode=ro", uri=True)
    waiting = "SELECT (SELECT count(*) FROM inbox) + (SELECT count(*) FROM effect)"
    wait_for(lambda: store.execute(waiting).fetchone() == (0,))
    store.close()


def wait_for(condition: Callable[[], bool], pause: float = 0.005) -> None:
    """Poll until it holds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(pause)


class Eye:
    """Asks a server for one card's features over one connection, again and again."""

    def __init__(self, base: str, items: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(base).netloc, timeout=PATIENCE)
        self._items = items

    def sees(self, card: str) -> bool:
        """Whether the card is among the features."""
        self._connection.request("GET", f"{self._items}?card_id={card}")
        answer = self._connection.getresponse()
        body = answer.read()
        assert answer.status == http.client.OK, body
        return bool(orjson.loads(body)["features"])

    def watch(self, board: Board, card: str, column: str) -> float:
        """Move a card and look without a pause until it is there; seconds from the beginning of the move."""
        assert not self.sees(card)
        hand = threading.Thread(target=board.move, args=(card, column))
        started = time.perf_counter()
        hand.start()
        wait_for(lambda: self.sees(card), pause=0)
        seen = time.perf_counter() - started
        hand.join()
        return seen
