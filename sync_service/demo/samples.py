"""The sample proposals (`config/demo/proposals.json`) as values. Their dates count from the day they are loaded."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from importlib.resources import files
from typing import TYPE_CHECKING

from kanban_adapter.card import NewCard
from sync_service.sync.values import Stage

if TYPE_CHECKING:
    from datetime import date

    from kanban_adapter.card import Column


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample: a card to be, at a stage.

    `start_in_days` and `due_in_days` count from the day of loading, so that what is overdue stays overdue.
    """

    reference: str
    stage: Stage
    closed: bool
    title: str
    description: str
    start_in_days: int | None
    due_in_days: int | None
    tags: frozenset[str]

    def as_card(self, column: Column, today: date) -> NewCard:
        """The card this sample makes in `column` on that day."""
        return NewCard(
            project_id=column.project_id,
            column_id=column.id,
            title=self.title,
            description=self.description,
            reference=self.reference,
            start=_day(today, self.start_in_days),
            due=_day(today, self.due_in_days),
            tags=self.tags,
        )


def read_samples() -> tuple[Sample, ...]:
    """All samples, in the order in which they are put on the board."""
    text = files("config.demo").joinpath("proposals.json").read_text("utf-8")
    return tuple(
        Sample(
            reference=row["reference"],
            stage=Stage(row["stage"]),
            closed=row["closed"],
            title=row["title"],
            description="\n".join(row["description"]),
            start_in_days=row["start_in_days"],
            due_in_days=row["due_in_days"],
            tags=frozenset(row["tags"]),
        )
        for row in json.loads(text)["proposals"]
    )


def _day(today: date, days: int | None) -> date | None:
    return None if days is None else today + timedelta(days=days)
