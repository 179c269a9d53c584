"""The plain words of a proposal: stages, placements, owners. Pure, no I/O."""

from __future__ import annotations

from enum import StrEnum

Value = str | int | bool | None
"""A canonical property value: text, whole number, yes/no, or nothing. Dates are ISO text, `YYYY-MM-DD`."""


class Stage(StrEnum):
    """How far a proposal has come. A card in an unmapped column has none."""

    PROPOSED = "proposed"
    REVIEW = "review"
    APPROVED = "approved"
    IN_PROGRESS = "in_progress"
    DONE = "done"
    REJECTED = "rejected"
    CLOSED = "closed"


PUBLIC_STAGES = frozenset({Stage.APPROVED, Stage.IN_PROGRESS, Stage.DONE})
"""The only stages at which a proposal may be public."""


class Placement(StrEnum):
    """How a proposal stands to the map. Only `unplaced` waits in the queue."""

    PLACED = "placed"
    UNPLACED = "unplaced"
    DISTRICT = "district"
    CITYWIDE = "citywide"
    NONE = "none"


class Visibility(StrEnum):
    """Whether the public may see a feature. A retired one is kept only so that its guid is never reused."""

    HIDDEN = "hidden"
    PUBLIC = "public"
    RETIRED = "retired"


class Owner(StrEnum):
    """Who decides a field."""

    BOARD = "board"
    MAP = "map"
    SHARED = "shared"
    COMPUTED = "computed"


class Hand(StrEnum):
    """Who set a feature's place last: the card's text, or a person on the map."""

    CARD = "card"
    MAP = "map"


class Kind(StrEnum):
    """Kind of a geometry, as QGIS wants its layers apart."""

    POINT = "point"
    LINE = "line"
    AREA = "area"
