"""Files that are no layer, and what stands in for them. Apart from what reads layers, which takes long to load."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sync_service.words import say

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from sync_service.places.finding import Finding
    from sync_service.words import Language


class LayerUnreadableError(Exception):
    """A file cannot be used as a layer. `path` is the file, `problem` why: a key under `layer`; `data` say more."""

    def __init__(self, path: Path, problem: str, **data: object) -> None:
        super().__init__(path, problem)
        self.path = path
        self.problem = problem
        self.data = data

    def say(self, language: Language) -> str:
        """The file and why, in words."""
        return f"{self.path}: {say(f'layer.{self.problem}', language, **self.data)}"

    def __str__(self) -> str:
        return self.say("en")


@dataclass(frozen=True, slots=True)
class UnreadableLayer:
    """A layer of the settings that cannot be read just now: nothing is found in it, and nothing is not found either.

    What was found in it before must not be lost for that, so it answers every question with its error.
    """

    error: LayerUnreadableError
    settlements: Collection[str] = frozenset()
    provider: str = "gazetteer"

    def known(self, _asked: object) -> Finding | None:
        """Raise the error."""
        raise self.error

    def find(self, _asked: object) -> Finding:
        """Raise the error."""
        raise self.error
