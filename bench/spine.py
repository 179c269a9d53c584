"""A card moved on the board until it is seen on the map: ours beside a bare Node-RED flow, on one board of 100 cards.

Each card is moved once for us and once for Node-RED, in an order that changes from card to card. Then drags with nobody
watching: with our webhook, with Node-RED's, with none. Then what the board itself waits for: the answer to a webhook,
with the bodies the real board sent.
"""

from __future__ import annotations

import http.client
import tempfile
import threading
import time
from collections import deque
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

from bench.board import APPROVED, BEFORE, Board, Eye, rest, run_board, run_service, wait_for
from bench.figures import Figure, middle, percentile, print_table
from bench.nodered import run_node_red

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.service import Service

CARDS, WARM, ROUNDS, DRAGS = 100, 10, 60, 30
POSTS, PAUSE = 300, 0.05
ITEMS = "/ogc/collections/proposals/items"
MS = 1000.0


def measure() -> list[Figure]:
    """Measure and give the figures."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        print(f"spine: a board of {CARDS} cards …", flush=True)
        board = stack.enter_context(run_board(folder / "board", CARDS))
        # No sweep in between: it would see the moves that are meant for the other.
        service = stack.enter_context(run_service(folder / "ours", board, SWEEP_SECONDS="3600"))
        theirs = stack.enter_context(run_node_red(folder / "theirs", board.server, board.project.columns[APPROVED]))
        webhook = f"{service.url}/board/events"
        mine = Side(board, webhook, Eye(service.url, ITEMS), service)
        peer = Side(board, theirs.webhook, Eye(theirs.base, theirs.items))
        seen = move_in_turn(mine, peer)
        drags = drag_in_turn({"ours": mine, "theirs": peer, "bare": None})
        bodies = record_bodies(board)
        answers = post_bodies(service, board, bodies)
    return [*moved(seen, drags), *answered(answers)]


class Side:
    """One of the two that watch the board."""

    def __init__(self, board: Board, webhook: str, eye: Eye, service: Service | None = None) -> None:
        self.board, self.webhook, self.eye, self.service = board, webhook, eye, service

    def watch(self, card: str) -> float:
        """Move a card with this side told, and back with nobody told; the seconds until it was seen."""
        self.board.announce(self.webhook)
        seen = self.eye.watch(self.board, card, APPROVED)
        self.board.announce("")
        if self.service is not None:
            rest(self.service)  # the card link: work of ours that must not burden the next
        self.board.move(card, BEFORE)
        return seen


def move_in_turn(mine: Side, peer: Side) -> dict[str, list[float]]:
    """Seconds until the cards moved for each side were seen."""
    seen: dict[str, list[float]] = {"ours": [], "theirs": []}
    turns = deque({"ours": mine.watch, "theirs": peer.watch}.items())
    for card in mine.board.cards[: WARM + ROUNDS]:
        for name, watch in turns:
            seen[name].append(watch(card))
        turns.rotate()
    return {name: each[WARM:] for name, each in seen.items()}


def drag_in_turn(sides: dict[str, Side | None]) -> dict[str, list[float]]:
    """Seconds that drags took with each side told and nobody watching; None: with nobody told."""
    took: dict[str, list[float]] = {name: [] for name in sides}
    turns = deque(sides.items())
    board = next(side for side in sides.values() if side).board
    for card in board.cards[-DRAGS:]:
        for name, side in turns:
            board.announce(side.webhook if side else "")
            took[name] += [board.move(card, APPROVED), board.move(card, BEFORE)]
            if side and side.service:
                rest(side.service)
        turns.rotate()
    return took


def moved(seen: dict[str, list[float]], drags: dict[str, list[float]]) -> list[Figure]:
    """The figures of the moves, in milliseconds."""
    ours, theirs = ([second * MS for second in seen[name]] for name in ("ours", "theirs"))
    drag = {name: middle(seconds) * MS for name, seconds in drags.items()}
    return [
        Figure("card moved → visible, median", middle(ours), "ms", middle(theirs), "Node-RED", target=2),
        Figure("card moved → visible, p90", percentile(ours, 90), "ms", percentile(theirs, 90), "Node-RED"),
        Figure("… of it the board's own", drag["bare"], "ms"),
        Figure("a drag with our webhook", drag["ours"], "ms", drag["bare"], "no webhook"),
        Figure("a drag with Node-RED's webhook", drag["theirs"], "ms", drag["bare"], "no webhook"),
    ]


@contextmanager
def catching(bodies: list[bytes]) -> Iterator[str]:
    """An address that keeps the webhooks sent there."""

    class Catcher(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Catcher) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def record_bodies(board: Board) -> list[bytes]:
    """What the board sends when cards are moved."""
    bodies: list[bytes] = []
    with catching(bodies) as address:
        board.announce(address)
        for card in board.cards[:WARM]:
            board.move(card, APPROVED)
        wait_for(lambda: len(bodies) >= WARM)
        board.announce("")
    return bodies


def post_bodies(service: Service, board: Board, bodies: list[bytes]) -> list[float]:
    """Send them as the board does, each over a connection of its own; the seconds each was answered in.

    With pauses as between moves of people: the worker reads the board meanwhile, as it does in life.
    """
    answers = []
    for number in range(POSTS):
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=10)
        started = time.perf_counter()
        path = f"/board/events?token={board.server.webhook_token}"
        connection.request("POST", path, bodies[number % len(bodies)], {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        answers.append(time.perf_counter() - started)
        connection.close()
        assert answer.status == http.client.NO_CONTENT, answer.status
        time.sleep(PAUSE)
    return answers[WARM:]


def answered(answers: list[float]) -> list[Figure]:
    """The figures of the webhook, in milliseconds."""
    return [
        Figure("webhook answered, median", middle(answers) * MS, "ms", target=10),
        Figure("webhook answered, p99", percentile(answers, 99) * MS, "ms"),
    ]


if __name__ == "__main__":
    print_table(measure())
