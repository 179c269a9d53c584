"""From a card as the board gives it to the words of a proposal. Pure but for the place, which the resolver finds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

from kanban_adapter.card import Card, Relation
from sync_service.places.lines import lines_labelled, looks_personal, summary
from sync_service.settings.kinds import CardSource
from sync_service.sync.disputes import CLASH_TAG
from sync_service.sync.fields import field_table
from sync_service.sync.shared import CHECK_TAG, LINE_NAMES, METADATA_NAMES
from sync_service.sync.stages import stage_of
from sync_service.sync.state import CardPlace, CardRef, CardView

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from sync_service.sync.values import Stage, Value

METADATA_PREFIX = "placecard_"
BLOCKING_TAGS = frozenset({"заблокировано", "стоп", "blocked"})
_LINE = CardSource("line")
_DEFAULT_SOURCES: Mapping[str, CardSource] = {"start": CardSource("native"), "due": CardSource("native")}
_NO_VALUE = "∅"  # boards forget a key that is set to the empty text
_MARKER = re.compile(r"\[placecard:([0-9a-f-]+)\]")
_WHOLE = re.compile(r"-?[0-9]{1,9}")
_YEAR = re.compile(r"(?<!\d)(\d{4})(?!\d)")


@dataclass(frozen=True, slots=True)
class Board:
    """What interpreting needs to know of the board: its identity, watched projects by id, and each column's stage."""

    identity: str
    projects: Mapping[str, str]
    stages: Mapping[str, Stage | None]


@dataclass(frozen=True, slots=True)
class Said:
    """What a card's text says of where: the place (None: as looked up before), and what else the text names.

    `pending` are addresses that wait for a remote geocoder.
    """

    place: CardPlace | None
    district: str | None
    cadastral_number: str | None
    pending: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Interpreter:
    """Reads cards by the settings: where each property stands, and what our own card links begin with."""

    sources: Mapping[str, CardSource]
    link_base: str

    def view(self, card: Card, board: Board, said: Said, released: str | None) -> CardView:
        """The card in the words of a proposal.

        `said` is what its text says of the place, `released` the digest of texts a moderator has looked at.
        """
        values = self._board_values(card, board)
        stage = self.stage(card, board)
        return CardView(
            ref=CardRef(board.identity, card.id, card.created),
            project_id=card.project_id,
            watched=card.project_id in board.projects,
            stage=stage,
            board={**values, "stage": stage, "held": held_texts(values, released)},
            lines=self.lines(card, said),
            metadata=card_metadata(card),
            place=said.place,
            reference=card.reference,
            tagged=any(tag.casefold() == CHECK_TAG for tag in card.tags),
            disputed=any(tag.casefold() == CLASH_TAG for tag in card.tags),
            heard=frozenset(found for comment in card.comments for found in _MARKER.findall(comment.text)),
            strayed_link=self._strayed(card),
            duplicates=_originals(card) if card.closed else (),
        )

    def stage(self, card: Card, board: Board) -> Stage | None:
        """How far the card has come, by the column it stands in."""
        return stage_of(board.stages.get(card.column_id), closed=card.closed, duplicates=bool(_originals(card)))

    def address(self, card: Card) -> str | None:
        """What the card says of the address, for finding the place."""
        value = self._read(card, "address")
        return None if value is None else str(value)

    def link_of(self, card_id: str) -> str:
        """The card link of a card."""
        return f"{self.link_base}{card_id}"

    def _strayed(self, card: Card) -> bool:
        ours = [link.url for link in card.links if link.url.startswith(self.link_base)]
        return any(url != self.link_of(card.id) for url in ours)

    def _board_values(self, card: Card, board: Board) -> dict[str, Value]:
        return {
            "title": card.title,
            "description": card.description,
            "summary": summary(card.description, drop=_service_labels()) or None,
            "board": board.projects.get(card.project_id),
            "card_id": card.id,
            "card_url": card.url,
            "direction": self._read(card, "direction"),
            "partner": self._read(card, "partner"),
            "start": self._read(card, "start"),
            "due": self._read(card, "due"),
            "responsible": self._read(card, "responsible") or card.responsible,
            "blocked": _blocked(card),
        }

    def lines(self, card: Card, said: Said) -> dict[str, Value]:
        """The shared fields as the labelled lines of a card's text say them."""
        lines = {name: self._shared_line(card, name) for name in LINE_NAMES}
        district = lines["district"] or said.district
        return lines | {"district": district, "cadastral_number": said.cadastral_number}

    def _shared_line(self, card: Card, name: str) -> Value:
        value = self._read(card, name)
        if name != "horizon":
            return value
        year = _YEAR.search(str(value or ""))
        return int(year[1]) if year else None

    def _read(self, card: Card, name: str) -> Value:
        source = self.sources.get(name) or _DEFAULT_SOURCES.get(name, _LINE)
        return _READERS[source.kind](card, name, source.name)


def _originals(card: Card) -> tuple[str, ...]:
    """The cards this one says it duplicates."""
    return tuple(item.card_id for item in card.related if item.relation is Relation.DUPLICATES)


def _line(card: Card, name: str, label: str) -> Value:
    labels = (label,) if label else field_table()[name].labels
    texts = [line.text for line in lines_labelled(card.description, labels) if line.text]
    return texts[0] if texts else None


def _tag(card: Card, _name: str, beginning: str) -> Value:
    ours = {CHECK_TAG, CLASH_TAG, *BLOCKING_TAGS}
    tags = sorted(tag for tag in card.tags if tag.startswith(beginning) and tag.casefold() not in ours)
    return tags[0][len(beginning) :].strip() or None if tags else None


def _metadata_key(card: Card, name: str, key: str) -> Value:
    return card.metadata.get(key or name) or None


def _native(card: Card, name: str, field: str) -> Value:
    value: date | str | None = getattr(card, field or name, None)
    return None if value is None else str(value)


def _category(card: Card, _name: str, _unused: str) -> Value:
    return card.category


def _swimlane(card: Card, _name: str, _unused: str) -> Value:
    return card.swimlane


_READERS = {
    "line": _line,
    "tag": _tag,
    "metadata": _metadata_key,
    "native": _native,
    "category": _category,
    "swimlane": _swimlane,
}


def _service_labels() -> list[str]:
    """Labels whose lines have a property of their own, or are not for the public."""
    return [label for field in field_table().values() for label in field.labels]


def _blocked(card: Card) -> bool:
    tagged = any(tag.casefold() in BLOCKING_TAGS for tag in card.tags)
    return tagged or any(item.relation is Relation.IS_BLOCKED_BY and item.open for item in card.related)


def card_metadata(card: Card) -> dict[str, Value]:
    """The shared fields that the card's metadata has; a text that cannot be the field's value says nothing."""
    texts = {name: card.metadata.get(METADATA_PREFIX + name, "").strip() for name in METADATA_NAMES}
    return {name: _from_metadata(name, text) for name, text in texts.items() if _speaks(name, text)}


def _speaks(name: str, text: str) -> bool:
    field = field_table()[name]
    if field.values:
        return text in field.values
    return text == _NO_VALUE or bool(_WHOLE.fullmatch(text) if field.type == "integer" else text)


def _from_metadata(name: str, text: str) -> Value:
    if text == _NO_VALUE:
        return None
    return int(text) if field_table()[name].type == "integer" else text


def to_metadata(value: Value) -> str:
    """The metadata text of a shared field's value."""
    return _NO_VALUE if value is None else str(value)


def marked(text: str, marker: str) -> str:
    """A comment's text with the marker by which it is found again."""
    return f"{text} {marker_text(marker)}"


def unmarked(text: str) -> str:
    """What a comment says to people."""
    return _MARKER.sub("", text).strip()


def marker_text(marker: str) -> str:
    """How a marker stands in a comment."""
    return f"[placecard:{marker}]"


_PUBLIC_TEXTS = ("title", "summary", "direction", "partner")


def held_texts(values: Mapping[str, Value], released: str | None) -> str | None:
    """Names of public texts that look personal and that no moderator has released, comma separated."""
    held = [name for name in _PUBLIC_TEXTS if values.get(name) and looks_personal(str(values[name]))]
    return ",".join(held) if held and released != texts_digest(values) else None


def texts_digest(values: Mapping[str, Value]) -> str:
    """Digest of the texts the public would read: a release holds for exactly these."""
    text = "\0".join(str(values.get(name)) for name in _PUBLIC_TEXTS)
    return blake2b(text.encode(), digest_size=12).hexdigest()
