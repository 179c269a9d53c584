"""What one seed decides: which things go wrong in a run and how often, and which people are about. Pure.

Every run has some troubles switched off altogether: a mixture of everything hides what two of them do together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random


@dataclass(frozen=True, slots=True)
class Chances:
    """How likely what is, at each point where it may happen. `surge_limit` is the setting."""

    crash: float
    board_fault: float
    answer_lost: float
    store_fault: float
    commit_lost: float
    meddling: float  # somebody does something between two steps of the engine
    second_worker: float  # that somebody is another worker
    webhook_lost: float
    webhook_doubled: float
    prompt: bool  # webhooks arrive at once
    answer_to_editor_lost: float
    metadata_in_forms: bool
    surge_limit: int
    board_restores: bool
    store_restores: bool
    absent: frozenset[str]  # what nobody does in this run


_NEVER = 0.0


def draw_chances(random: random.Random, doings: tuple[str, ...]) -> Chances:
    """Draw the chances of a run; `doings` are the names of what can be done in it."""

    def some(rate: float, *, of_runs: float = 0.5) -> float:
        return rate * random.random() if random.random() < of_runs else _NEVER

    return Chances(
        crash=some(0.02),
        board_fault=some(0.06),
        answer_lost=some(0.06),
        store_fault=some(0.02),
        commit_lost=some(0.01),
        meddling=some(0.10, of_runs=0.75),
        second_worker=some(0.5),
        webhook_lost=some(1.0),
        webhook_doubled=some(0.5),
        prompt=random.random() < 0.2,
        answer_to_editor_lost=some(0.4),
        metadata_in_forms=random.random() < 0.4,
        surge_limit=random.choice((1000, 1000, 1000, 2)),
        board_restores=random.random() < 0.2,
        store_restores=random.random() < 0.2,
        absent=frozenset(name for name in doings if random.random() < 0.25),
    )
