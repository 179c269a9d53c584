"""With every webhook lost: how long a moved card waits to be seen, beside the period of the short sweep."""

from __future__ import annotations

import random
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from bench.board import APPROVED, BEFORE, SEED, Eye, run_board, run_service, wait_for
from bench.figures import Figure, middle, print_table
from bench.spine import CARDS, ITEMS

if TYPE_CHECKING:
    from bench.board import Board
    from tests.service import Service

PERIODS = {1: 12, 5: 6}
"""Periods of the short sweep in seconds, and how many cards are moved under each."""


def measure() -> list[Figure]:
    """Measure and give the figures."""
    figures = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        print("lost: no webhook arrives …", flush=True)
        board = stack.enter_context(run_board(folder / "board", CARDS))
        cards = iter(board.cards)
        for period, moves in PERIODS.items():
            with run_service(folder / str(period), board, SWEEP_SECONDS=str(period)) as service:
                delays = [delay(board, service, next(cards), period) for _ in range(moves)]
            figures += found(period, delays)
            board.server.execute("DELETE FROM project_has_metadata")  # the next service has a store of its own
    return figures


def delay(board: Board, service: Service, card: str, period: int) -> float:
    """Seconds from the end of a move, at any moment between two sweeps, until the card is seen."""
    time.sleep(random.Random(f"{SEED}{card}").uniform(0, period))
    eye = Eye(service.url, ITEMS)
    board.move(card, APPROVED)
    moved = time.perf_counter()
    wait_for(lambda: eye.sees(card), pause=0.01)
    seen = time.perf_counter() - moved
    board.move(card, BEFORE)
    return seen


def found(period: int, delays: list[float]) -> list[Figure]:
    """The figures under one period. A sweep takes its own time, beyond the period at which they begin."""
    what = f"all webhooks lost, a sweep every {period} s"
    return [
        Figure(f"{what}: median", middle(delays), "s"),
        Figure(f"{what}: longest", max(delays), "s", period, "the period", target=1 + 0.5 / period),
    ]


if __name__ == "__main__":
    print_table(measure())
