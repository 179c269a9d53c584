"""Webhooks taken in, durably: ours beside a bare inbox, both on two workers, over the body that the real board sends.

Every announcement is of another card, so that none may be folded into another: as many hints are kept as were answered.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import tempfile
import time
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from bench.bare import make_store, run_bare
from bench.figures import Figure, middle, print_table
from bench.items import WORKERS, free_port, running
from bench.load import NUMBER, install_wrk, post
from sync_service.store.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.load import Measured

SECONDS, ROUNDS = 5.0, 5
TOKEN = "w" * 40
SAMPLES = Path(__file__).parents[1] / "tests" / "data" / "kanboard_events.json"


def measure() -> list[Figure]:
    """Measure and give the figures."""
    install_wrk()
    print("intake: webhooks, as fast as they are taken …", flush=True)
    body = moved_body()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ours = stack.enter_context(run_events(folder / "ours.db"))
        make_store(folder / "bare.db", (), {})
        bare = stack.enter_context(run_bare(folder / "bare.db"))
        rounds = []
        for number in range(ROUNDS):
            first = number * 10_000_000
            mine = post(ours, f"/board/events?token={TOKEN}", body, SECONDS, first=first)
            rounds.append((mine, post(bare, "/inbox", body, SECONDS, first=first)))
        kept = settled(folder / "ours.db")
    return figures(rounds, kept)


def moved_body() -> str:
    """What the board sends when a card is moved, with a number in the place of the card's."""
    moved = orjson.loads(SAMPLES.read_bytes())["task.move.column"]["body"]
    card = moved["event_data"]["task_id"]
    text = orjson.dumps(moved).decode()
    for written in (f'"task_id":{card}', f'"task_id":"{card}"'):
        text = text.replace(written, f'"task_id":{NUMBER}')
    return text


def figures(rounds: list[tuple[Measured, Measured]], kept: int) -> list[Figure]:
    """The figures: of both the middle round, and of ours the worst latency and what was lost."""
    mine, theirs = ([pair[side] for pair in rounds] for side in (0, 1))
    answered, failed = sum(each.requests for each in mine), sum(each.failed for each in mine)
    ours, bare = (middle(each.per_second for each in side) for side in (mine, theirs))
    slow, bare_slow = (middle(each.worst_ms for each in side) for side in (mine, theirs))
    return [
        Figure("webhooks kept a second", ours, "1/s", bare, "Flask + SQLite (FULL)", target=0.8, at_least=True),
        Figure("… answered, p99", slow, "ms", target=25),
        Figure("… the bare one's, p99", bare_slow, "ms"),
        Figure("… refused, of all", failed, "webhooks", target=0),
        Figure(f"… lost, of {answered:,} answered", max(0, answered - failed - kept), "webhooks", target=0),
    ]


def settled(store: Path) -> int:
    """How many hints are kept when no more come: what met a busy store is written a little later."""
    before, now = -1, 0
    with closing(sqlite3.connect(store)) as connection:
        while now > before:
            before = now
            time.sleep(1)
            now = int(connection.execute("SELECT count(*) FROM inbox").fetchone()[0])
    return now


@contextmanager
def run_events(store: Path) -> Iterator[str]:
    """Our web service alone, run as `placecard serve` runs it; its address. Nobody works the hints."""
    url = f"sqlite:///{store}"
    migrate(url)
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    settings = {"STORE_URL": url, "WEBHOOK_TOKEN": TOKEN, "LOG_LEVEL": "WARNING", "PORT": str(port)}
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PLACECARD_")}
    environ = clean | {f"PLACECARD_{name}": value for name, value in settings.items()}
    command = [sys.executable, "-m", "sync_service", "serve", "--no-jobs", "--workers", str(WORKERS)]
    with running(command, environ, f"{base}/healthz"):
        yield base


if __name__ == "__main__":
    print_table(measure())
