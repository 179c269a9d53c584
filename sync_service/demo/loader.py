"""Loading the sample proposals onto a board: what is already there is left as people have made it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sync_service.demo.samples import read_samples
from sync_service.errors import NotFound
from sync_service.sync.stages import DEFAULT_STAGES, stage_for_title
from sync_service.sync.values import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import date

    from kanban_adapter.card import Card, Column
    from kanban_adapter.port import BoardAdapter


class ColumnsMissing(NotFound):
    """The board has no column for some stages of the samples; nothing was loaded. `titles` would do."""

    code = "columns_missing"

    def __init__(self, stages: Collection[Stage]) -> None:
        titles = [_title_of(stage) for stage in Stage if stage in stages]
        super().__init__("column", titles=", ".join(titles))


@dataclass(frozen=True, slots=True)
class Loaded:
    """What loading did: `count` cards made, out of `total` samples (the others were there)."""

    count: int
    total: int


def load_demo(
    board: BoardAdapter,
    columns: Sequence[Column],
    today: date,
    progress: Callable[[int, int], None],
) -> Loaded:
    """Put every sample that is not yet on the board into the column of its stage, in the first project of `columns`.

    A sample is known by its reference. One that is there stays as it is, wherever it was moved to; nothing is made
    twice. `today` is the day from which the samples' dates count; `progress` hears (samples settled, all samples).
    Raises `ColumnsMissing` before writing anything, and what the board raises.
    """
    samples = read_samples()
    by_stage = _columns_by_stage(columns)
    missing = {sample.stage for sample in samples} - by_stage.keys()
    if missing:
        raise ColumnsMissing(missing)
    there = _standing(board)
    made = 0
    for settled, sample in enumerate(samples, start=1):
        card = there.get(sample.reference)
        card_id = card.id if card else board.create_card(sample.as_card(by_stage[sample.stage], today))
        if sample.closed and _untouched(card):
            board.set_closed(card_id, closed=True)
        made += card is None
        progress(settled, len(samples))
    return Loaded(made, len(samples))


def _columns_by_stage(columns: Sequence[Column]) -> Mapping[Stage, Column]:
    """The leftmost column of each stage in the first project, by the titles that are understood without a setting."""
    found: dict[Stage, Column] = {}
    for column in columns:
        stage = stage_for_title(column.title)
        if stage is not None and column.project_id == columns[0].project_id:
            found.setdefault(stage, column)
    return found


def _standing(board: BoardAdapter) -> Mapping[str, Card]:
    """All cards of the watched projects by reference, read together rather than asked for one by one."""
    cards = board.read(board.listing().cards).cards.values()
    return {card.reference: card for card in cards if card is not None}


def _untouched(card: Card | None) -> bool:
    """Whether nobody has had a hand on the card since we made it: then a loading that broke off is carried on."""
    return card is None or (not card.closed and card.modified == card.created)


def _title_of(stage: Stage) -> str:
    """The Russian column title that is bound to the stage by itself."""
    return next(title for title, bound in DEFAULT_STAGES.items() if bound is stage).capitalize()
