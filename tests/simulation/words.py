"""How people write the fields of a proposal on a card, and how to read them there. Pure, and no code of the service."""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import shapely

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kanban_adapter.memory import Held

LABELS = {"horizon": "Горизонт", "address": "Адрес", "cadastral_number": "Кадастровый номер", "geometry": "Место"}
SHARED = ("horizon", "address", "cadastral_number")
_NOTHING = "∅"


def shown(value: Any) -> str:
    """A value as the trace shows it."""
    return value.hex()[-16:] if isinstance(value, bytes) else repr(value)


def new_value(field: str, number: int) -> Any:
    """A value of this field that no other number gives."""
    if field == "horizon":
        return 2000 + number
    if field == "address":
        return f"улица Мира, {number}"
    if field == "cadastral_number":
        return f"63:09:0101161:{number}"
    return point(number)


def point(number: int) -> bytes:
    """A place of its own."""
    latitude, longitude = _coordinates(number)
    return bytes(shapely.to_wkb(shapely.Point(float(longitude), float(latitude))))


def _coordinates(number: int) -> tuple[str, str]:
    return f"{53.5 + number * 0.0001:.4f}", f"{49.3 + number * 0.0002:.4f}"


def to_line(field: str, value: Any) -> str:
    """The line that says this."""
    if field == "geometry":
        where = shapely.from_wkb(value)
        return f"{LABELS[field]}: {where.y:.4f}, {where.x:.4f}"
    return f"{LABELS[field]}: {value}"


def line_of(description: str, field: str) -> Any:
    """What the card's line says of a field; None without one."""
    found = re.search(rf"^{LABELS[field]}: (.*)$", description, re.MULTILINE)
    if found is None:
        return None
    if field == "horizon":
        return int(found[1])
    if field == "geometry":
        latitude, longitude = found[1].split(", ")
        return bytes(shapely.to_wkb(shapely.Point(float(longitude), float(latitude))))
    return found[1]


def with_line(description: str, field: str, value: Any) -> str:
    """The description with this line instead of the old one, or without any for None."""
    rest = [line for line in description.split("\n") if not line.startswith(f"{LABELS[field]}:")]
    return "\n".join(rest if value is None else [*rest, to_line(field, value)])


def to_metadata(value: Any) -> str:
    """The metadata text of a value."""
    return _NOTHING if value is None else str(value)


def from_metadata(field: str, text: str) -> Any:
    """What a metadata text says."""
    if text in ("", _NOTHING):
        return None
    return int(text) if field == "horizon" else text


def faces(card: Held, field: str) -> set[Any]:
    """What whoever looks at the card sees of a field: its line and its metadata."""
    seen = {line_of(card.description, field)}
    if text := card.metadata.get(f"placecard_{field}"):
        seen.add(from_metadata(field, text))
    return seen


def told_places(card: Held, places: Iterable[Any]) -> set[Any]:
    """Those of these places that a comment of the service on the card tells of."""
    markers = set(_place_markers(card))
    return {place for place in places if _digest(place) in markers}


def told_last(card: Held, places: Iterable[Any]) -> set[Any]:
    """Those of these places that the last comment of the service about a place tells of."""
    last = _place_markers(card)[-1:]
    return {place for place in places if _digest(place) in last}


def _place_markers(card: Held) -> list[str]:
    return [found for comment in card.comments for found in re.findall(r"\[placecard:([0-9a-f]{16})-", comment.text)]


def _digest(place: Any) -> str:
    placement = b"placed" if place is not None else b"unplaced"
    return blake2b(placement + b"\0" + (place or b""), digest_size=8).hexdigest()


def said(card: Held, field: str) -> Any:
    """What the card says of a field at rest: its metadata, else its line."""
    text = card.metadata.get(f"placecard_{field}")
    return from_metadata(field, text) if text else line_of(card.description, field)
