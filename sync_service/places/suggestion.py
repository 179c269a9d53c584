"""Where something may be: offered to a person who accepts one or none, and never believed by itself. Values."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import shapely

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shapely.geometry.base import BaseGeometry

MOST_SUGGESTIONS = 10
"""More pins than that help nobody."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A place that may be meant: what it is called, its geometry (CRS84), and who offers it."""

    label: str
    geometry: BaseGeometry
    source: str


class Suggester(Protocol):
    """Whatever can say where a text may mean."""

    def suggest(self, text: str) -> Sequence[Suggestion]:
        """The likeliest first; nothing if it has no idea. Raises `GeocoderDown` if it must ask and gets no answer."""


def dump_suggestions(found: Sequence[Suggestion]) -> str:
    """Suggestions as JSON text for a cache."""
    rows = [[each.label, shapely.to_wkb(each.geometry, hex=True), each.source] for each in found]
    return json.dumps(rows, ensure_ascii=False)


def load_suggestions(text: str) -> list[Suggestion] | None:
    """Read what `dump_suggestions` wrote; None for anything else, so that an old cache entry is merely a miss."""
    try:
        return [Suggestion(label, shapely.from_wkb(shape), source) for label, shape, source in json.loads(text)]
    except (ValueError, TypeError, shapely.errors.ShapelyError):
        return None
