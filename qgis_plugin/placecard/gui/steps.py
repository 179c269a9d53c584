"""The placings of this session that can be taken back, newest last. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from placecard.core.copyfile.edits import Kept

KEPT = 200


@dataclass(frozen=True)
class Step:
    """What the copy held of a proposal before it was placed."""

    before: Kept
    title: str


class Steps:
    """The steps there are; as long as a session lasts."""

    def __init__(self) -> None:
        self._steps: list[Step] = []

    def add(self, before: Kept, title: str) -> None:
        """A proposal is about to be placed."""
        self._steps = [*self._steps[-KEPT + 1 :], Step(before, title)]

    def pop(self) -> Step | None:
        """The newest, which is taken back now."""
        return self._steps.pop() if self._steps else None

    def clear(self) -> None:
        """After a push or a pull there is nothing to take back here: a push is undone as a whole."""
        self._steps = []

    def __len__(self) -> int:
        return len(self._steps)
