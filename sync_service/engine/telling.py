"""The comments the service writes on cards: where a place was set and by whom, what clashes, what a person says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sync_service.hands import say_person, say_source
from sync_service.store import clashes
from sync_service.sync.fields import field_table
from sync_service.words import say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sync_service.engine.parts import Parts
    from sync_service.sync.state import Sides
    from sync_service.sync.values import Value
    from sync_service.words import Language

CLASHES_PATH = "/desk/clashes/"
"""Below the service's address: where a clash is settled."""

_GEOMETRY = "geometry"


def tell_place(body: Mapping[str, Value], language: Language) -> str:
    """Where, who, and by what."""
    told = say(f"card.{body['text']}", language, where=body["where"])
    who, source = str(body["who"] or ""), str(body["source"] or "")
    signed = ", ".join(filter(None, (say_person(who, language), say_source(source, language))))
    return f"{told} — {signed}" if signed else told


def tell_clash(parts: Parts, body: Mapping[str, Value]) -> str | None:
    """What clashes, with both sides as they are now; None when it has been resolved."""
    language = parts.policy.language
    with parts.database.reading() as connection:
        clash = next((item for item in clashes.open_clashes(connection) if item.id == body["marker"]), None)
    if clash is None:
        return None
    sides = "; ".join(_sides(name, side, language) for name, side in clash.fields.items())
    link = f"{parts.policy.home}{CLASHES_PATH}{clash.id}"
    return say(f"card.clash_{clash.reason}", language, sides=sides, link=link)


def _sides(name: str, side: Sides, language: Language) -> str:
    if name == _GEOMETRY:
        return say("card.clash_place", language)
    said = {"theirs": _shown(side.theirs, language), "mine": _shown(side.mine, language)}
    return say("card.clash_field", language, name=field_table()[name].title(language), **said)


def _shown(value: Value, language: Language) -> str:
    return say("card.empty", language) if value is None else f"«{value}»"


def tell_words(body: Mapping[str, Value], language: Language) -> str:
    """What a person says through us. It cannot pass for a comment of our own."""
    words = str(body["words"]).replace("[placecard:", "[placecard :")
    who = say_person(str(body["who"] or ""), language)
    return say("card.said", language, words=words, who=who) if who else words
