"""The board of a run: the board in memory, watched for the one window that a board without conditional writes leaves.

The window is from the last reading that a sender has of a card to its write. A person's word said within it is
overwritten by a write that did not know of it: nobody can help that on such a board, and it is counted, never guessed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kanban_adapter.memory import MemoryBoard
from tests.simulation.words import LABELS, from_metadata, line_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kanban_adapter.card import Reading
    from kanban_adapter.memory import World
    from tests.simulation.oracle import Oracle

WINDOW = "said within the window of a board without conditional writes"
_PREFIX = "placecard_"


class WatchedBoard(MemoryBoard):
    """Remembers per process (`frames`, the innermost last) what it last read of each card."""

    oracle: Oracle

    def __init__(self, world: World, projects: tuple[str, ...]) -> None:
        super().__init__(world, projects)
        self.frames: list[dict[tuple[str, int], tuple[dict[str, str], frozenset[str]]]] = [{}]
        self.ours: dict[tuple[str, int, str], str] = {}
        self._writing: tuple[str, Mapping[str, str]] | None = None

    def forget(self) -> None:
        """A process begins anew: it has read nothing."""
        self.frames[-1].clear()
        self._writing = None

    def read(self, card_ids: Iterable[str]) -> Reading:
        reading = super().read(card_ids)
        for card in reading.cards.values():
            if card is not None:
                self.frames[-1][card.id, card.created] = dict(card.metadata), card.tags
        return reading

    def set_metadata(self, card_id: str, values: Mapping[str, str]) -> bool:
        before, self._writing = self._writing, (card_id, values)
        try:
            return super().set_metadata(card_id, values)
        finally:
            self._writing = before

    def before_write(self, operation: str) -> None:
        """The moment before a write reaches the board: what it overwrites unseen may be lost."""
        if operation != "set_metadata" or self._writing is None:
            return
        card_id, values = self._writing
        card = self.world.state.cards.get(card_id)
        if card is None:
            return
        read, _ = self.frames[-1].get((card.id, card.created), ({}, frozenset()))
        for name, value in values.items():
            present = card.metadata.get(name, "")
            field = name.removeprefix(_PREFIX)
            if present not in (read.get(name, ""), value):
                # Taken off, the word went back to the line.
                said = (
                    from_metadata(field, present)
                    if present or field not in LABELS
                    else line_of(card.description, field)
                )
                self.oracle.excuse(("card", card.id, str(card.created)), field, said, WINDOW)
            self.ours[card.id, card.created, field] = value
