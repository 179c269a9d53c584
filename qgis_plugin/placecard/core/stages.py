"""The colour of each stage, as on the public map."""

from __future__ import annotations

COLOURS = {
    "proposed": "#8a8f98",
    "review": "#7a5ea8",
    "approved": "#17479e",
    "in_progress": "#c25e00",
    "done": "#138a5e",
    "rejected": "#a33327",
    "closed": "#5d6470",
}


def colour_of(stage: str) -> str:
    """As #rrggbb; grey for a stage this version does not know."""
    return COLOURS.get(stage, "#8a8f98")
