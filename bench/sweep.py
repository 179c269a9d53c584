"""Sweeps over a board of 10,000 cards: ours beside what the board takes to list them for anybody.

The engine sweeps in a process of its own, whose peak of memory is that of a service that does nothing else. The board's
part is two bare `getAllTasks` calls, open and closed cards, bodies read and not looked at.
"""

from __future__ import annotations

import multiprocessing
import resource
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

from bench.board import Board, run_board
from bench.figures import Figure, middle, print_table
from kanban_adapter.kanboard import KanboardBoard
from sync_service.app import create_parts
from sync_service.engine.sweep import SweepOptions, sweep
from sync_service.http import session_for
from sync_service.operation.setup import set_up
from sync_service.settings import load_settings
from sync_service.store.answers import StoredAnswers
from sync_service.store.database import Database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

CARDS, ROUNDS, ALONE = 10_000, 9, 5
OPEN, CLOSED = 1, 0
MEGABYTE = 1024.0  # kilobytes, as the system counts a process's memory
MS = 1000.0


@dataclass(frozen=True, slots=True)
class Swept:
    """One sweep: its seconds, the requests it made, the cards it read, and the process's peak so far in megabytes."""

    seconds: float
    requests: int
    read: int
    peak: float


def measure() -> list[Figure]:
    """Measure and give the figures."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        print(f"sweep: a board of {CARDS:,} cards …", flush=True)
        board = stack.enter_context(run_board(folder / "board", CARDS, spread=True))
        return measure_sweeps(folder, board)


def measure_sweeps(folder: Path, board: Board) -> list[Figure]:
    """The first sweep, short ones beside the bare listing, and a full one."""
    with sweeping(environment(folder, board)) as ask:
        first = ask(False)
        ask(False)
        turns = [(list_bare(board), ask(False)) for _ in range(ROUNDS)]
    alone = []
    for _ in range(ALONE):
        bare_again = list_bare(board)
        with sweeping(environment(folder, board)) as ask:
            short = ask(False)
        alone.append((bare_again, short.seconds))
    with sweeping(environment(folder, board)) as ask:
        full = ask(True)
    assert first.read == full.read == len(board.cards), (first, full)
    assert {swept.read for _, swept in turns} == {0}, "a short sweep with nothing changed reads nothing"
    beyond = max(swept.requests for _, swept in turns) - 2
    bare_once, once = middle(bare for bare, _ in alone), middle(mine for _, mine in alone)
    bare, ours = middle(seconds for seconds, _ in turns), middle(swept.seconds for _, swept in turns)
    return [
        Figure("short sweep of 10,000, nothing changed", ours * MS, "ms", bare * MS, "two getAllTasks", target=2),
        Figure("… requests beyond those two", beyond, "requests", target=4),
        Figure("… peak of memory", short.peak, "MB", target=300),
        Figure("short sweep by a process of its own", once * MS, "ms", bare_once * MS, "two getAllTasks", target=2),
        *reported("full sweep of 10,000", full),
        *reported("first sync of 10,000", first),
    ]


def reported(what: str, swept: Swept) -> list[Figure]:
    """Figures without a target."""
    return [
        Figure(what, swept.seconds, "s"),
        Figure("… requests", swept.requests, "requests"),
        Figure("… peak of memory", swept.peak, "MB"),
    ]


def list_bare(board: Board) -> float:
    """Seconds of the board's own two listings."""
    server = board.server
    started = time.perf_counter()
    for state in (OPEN, CLOSED):
        params = {"project_id": int(board.project.id), "status_id": state}
        body = {"jsonrpc": "2.0", "id": 1, "method": "getAllTasks", "params": params}
        answer = requests.post(f"{server.url}/jsonrpc.php", json=body, auth=("jsonrpc", server.api_token), timeout=60)
        assert answer.content.startswith(b"{")
    return time.perf_counter() - started


def environment(folder: Path, board: Board) -> dict[str, str]:
    """Settings of the service."""
    return {
        "PLACECARD_STORE_URL": f"sqlite:///{folder / 'placecard.db'}",
        "PLACECARD_BOARD_URL": board.server.url,
        "PLACECARD_BOARD_TOKEN": board.server.api_token,
        "PLACECARD_BOARD_PROJECT": board.project.id,
        "PLACECARD_PUBLISH": "on",
        "PLACECARD_SURGE_LIMIT": "1000000",
    }


class Asking:
    """Has the process at the other end sweep."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def __call__(self, full: bool) -> Swept:
        self._pipe.send(full)
        swept: Swept = self._pipe.recv()
        return swept


@contextmanager
def sweeping(environ: dict[str, str]) -> Iterator[Asking]:
    """A fresh process that sweeps when asked."""
    fresh = multiprocessing.get_context("spawn")
    here, there = fresh.Pipe()
    process = fresh.Process(target=sweep_when_asked, args=(there, environ))
    process.start()
    there.close()
    try:
        yield Asking(here)
    finally:
        here.close()
        process.join()


def sweep_when_asked(pipe: Connection, environ: dict[str, str]) -> None:
    """The process: sweeps for every word that comes, until there is nobody at the other end."""
    settings = load_settings(environ, Path.cwd())
    sent: list[int] = []
    session = session_for("board", settings)
    session.hooks["response"].append(lambda answer, **_: sent.append(answer.status_code))
    token = environ["PLACECARD_BOARD_TOKEN"]
    projects = [environ["PLACECARD_BOARD_PROJECT"]]
    shelf = StoredAnswers(Database(settings.store_url))
    board = KanboardBoard(session, url=environ["PLACECARD_BOARD_URL"], token=token, projects=projects, shelf=shelf)
    parts = create_parts(settings, board)
    if not Path(settings.store_url.removeprefix("sqlite:///")).exists():
        set_up(parts, settings.store_url)
    while (full := _next(pipe)) is not None:
        sent.clear()
        started = time.perf_counter()
        report = sweep(parts, SweepOptions(full=full))
        seconds = time.perf_counter() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEGABYTE
        pipe.send(Swept(seconds, len(sent), report.read, peak))


def _next(pipe: Any) -> bool | None:
    try:
        return bool(pipe.recv())
    except EOFError:
        return None


if __name__ == "__main__":
    print_table(measure())
