"""Putting back, and what is asked of a card, as they go over the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sync_service.editing.actions import Act, Asked
from sync_service.sync.editing import GEOMETRY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sync_service.editing.undoing import PutBack, Undoing


def undone_document(undoing: Undoing) -> dict[str, Any]:
    """What was, or would be, put back."""
    return {"push": undoing.key, "proposals": [_put_back(each) for each in undoing.proposals]}


def _put_back(told: PutBack) -> dict[str, Any]:
    turns = {name: {"from": now, "to": then} for name, (now, then) in told.fields.items()}
    geometry = turns.pop(GEOMETRY, None)
    return {
        "guid": told.guid,
        "fields": turns,
        "geometry": geometry,
        "spared": list(told.spared),
        "gone": told.gone,
    }


def read_action(document: Mapping[str, Any], key: str | None) -> Asked:
    """What is asked by a document that is what `action.json` wants."""
    return Asked(Act(document["action"]), document.get("reason"), document.get("base_version"), key)
