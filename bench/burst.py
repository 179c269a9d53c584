"""A thousand cards moved one after the other, as fast as the board lets them: how soon all are seen, at what cost.

The same cards are moved back with nobody told, so that a move beside our webhook is compared with one without.
"""

from __future__ import annotations

import http.client
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import orjson

from bench.board import APPROVED, BEFORE, rest, run_board, run_service, wait_for
from bench.figures import Figure, middle, percentile, print_table
from bench.spine import ITEMS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.board import Board
    from tests.service import Service

CARDS, SURGE = 1000, 2000
TOLD = 4
"""Cards moved on end with the webhook, and as many without, in turn."""
MS = 1000.0


def measure() -> list[Figure]:
    """Measure and give the figures."""
    print(f"burst: {CARDS:,} cards …", flush=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        board = stack.enter_context(run_board(folder / "board", CARDS))
        settings = {"SURGE_LIMIT": str(SURGE), "SWEEP_SECONDS": "3600"}
        service = stack.enter_context(run_service(folder / "ours", board, **settings))
        board.announce(f"{service.url}/board/events")
        told = [board.move(card, APPROVED) for card in board.cards]
        seen = until_seen(service, CARDS)
        rest(service)
        board.announce("")
        alone = [board.move(card, BEFORE) for card in board.cards]
        board.announce(f"{service.url}/board/events")
        slower = in_turn(board, service)
    return [
        Figure(f"{CARDS:,} moves: all seen after the last", seen, "s", target=15),
        Figure("a move meanwhile, median", middle(told) * MS, "ms"),
        Figure("… of those moved back, nobody told", middle(alone) * MS, "ms"),
        Figure("… told beside untold, in turn", slower * MS, "ms slower", target=10),
        Figure("a move meanwhile, p99", percentile(told, 99) * MS, "ms", percentile(alone, 99) * MS, "nobody told"),
    ]


def until_seen(service: Service, wanted: int) -> float:
    """Seconds until so many features are public."""
    started = time.perf_counter()
    connection = http.client.HTTPConnection(urlsplit(service.url).netloc, timeout=60)

    def found() -> bool:
        connection.request("GET", f"{ITEMS}?limit=1")
        return int(orjson.loads(connection.getresponse().read())["numberMatched"]) == wanted

    wait_for(found)
    connection.close()
    return time.perf_counter() - started


def in_turn(board: Board, service: Service) -> float:
    """By how many seconds a move is slower, at the median, when it is announced and worked while others follow.

    A few with the webhook and a few without, in turn, so that the column's length and the machine's load are alike.
    """
    took: dict[bool, list[float]] = {True: [], False: []}
    for start in range(0, CARDS, TOLD):
        tell = start // TOLD % 2 == 0
        board.announce(f"{service.url}/board/events" if tell else "")
        took[tell] += moves(board, board.cards[start : start + TOLD])
    return middle(took[True]) - middle(took[False])


def moves(board: Board, cards: Sequence[str]) -> list[float]:
    """Seconds that moving each took."""
    return [board.move(card, APPROVED) for card in cards]


if __name__ == "__main__":
    print_table(measure())
