"""Somebody at the real Kanboard: each doing is one method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sync_service.sync.shared import CHECK_TAG
from tests.sides.day import PLACE, key_of
from tests.simulation.oracle import BOARD, LOOKED
from tests.simulation.words import (
    LABELS,
    SHARED,
    faces,
    line_of,
    said,
    shown,
    to_metadata,
    told_places,
    with_line,
)

if TYPE_CHECKING:
    from tests.boards import KanboardHands
    from tests.sides.day import Day, Doings

MOST_CARDS = 9
_TAGS = ("срочно", "стоп", "осень")
_WORDS = ("citywide", "none", "unplaced")


@dataclass
class Moderator:
    """A person at the board. What is written twice before it is read, the service cannot tell from what came last; so
    a second channel, or taking a word back, waits until the first was read."""

    day: Day

    @property
    def doings(self) -> Doings:
        return {
            self.add: 2,
            self.drag: 3,
            self.rename: 2,
            self.edit_line: 6,
            self.edit_metadata: 4,
            self.word_place: 1,
            self.turn_tag: 2,
            self.look_at_place: 1,
            self.close: 1,
            self.reopen: 1,
            self.remove: 1,
        }

    @property
    def hands(self) -> KanboardHands:
        return self.day.project.hands

    def _card(self) -> Any | None:
        cards = self.day.cards()
        if not cards:
            return None
        card_id = self.day.dice.choice(cards)
        return self.day.look([card_id])[card_id]

    def _column(self, other: str | None = None) -> str:
        return self.day.dice.choice([title for title, of in self.day.project.columns.items() if of != other])

    def add(self) -> str | None:
        if len(self.day.cards()) >= MOST_CARDS:
            return None
        text = "Просьба жителей"
        values = {name: self.day.fresh(name) for name in LABELS if self.day.dice.random() < 0.5}
        for name, value in values.items():
            text = with_line(text, name, value)
        self.day.number += 1
        card_id = self.day.project.add(f"Сквер {self.day.number}", text, self._column())
        key = key_of(self.day.look([card_id])[card_id])
        for name, value in values.items():
            self.day.oracle.record(BOARD, key, name, value, ())
        self.day.hear(card_id)
        return f"moderator adds card {card_id}: {text!r}"

    def drag(self) -> str | None:
        if (card := self._card()) is None or card.closed:  # Kanboard shows a closed card in no column
            return None
        column = self._column(other=card.column_id)
        self.day.project.drag(card.id, column)
        self.day.hear(card.id)
        return f"moderator drags card {card.id} to {column}"

    def rename(self) -> str | None:
        if (card := self._card()) is None:
            return None
        self.day.number += 1
        self.hands.edit_card(card.id, title=f"Сквер {self.day.number}")
        self.day.hear(card.id)
        return f"moderator calls card {card.id} Сквер {self.day.number}"

    def edit_line(self) -> str | None:
        if (card := self._card()) is None:
            return None
        name = self.day.dice.choice(list(LABELS))
        value = None if self.day.dice.random() < 0.15 else self.day.fresh(name)
        card = self._ready(card, name, "line", value)
        if value == said(card, name) or value == line_of(card.description, name):
            return None
        self.hands.edit_card(card.id, description=with_line(card.description, name, value))
        self._note(card, name, "line", value)
        return f"moderator writes on card {card.id} the line {name} = {shown(value)}"

    def edit_metadata(self) -> str | None:
        if (card := self._card()) is None:
            return None
        name = self.day.dice.choice(SHARED)
        value = None if self.day.dice.random() < 0.15 else self.day.fresh(name)
        card = self._ready(card, name, "metadata", value)
        if value == said(card, name):
            return None
        self.hands.set_metadata(card.id, {f"placecard_{name}": to_metadata(value)})
        self._note(card, name, "metadata", value)
        return f"moderator sets in the metadata of card {card.id} {name} = {shown(value)}"

    def _ready(self, card: Any, name: str, channel: str, value: Any) -> Any:
        if value is None or self.day.unread.get((card.id, name), channel) != channel:
            self.day.read(card.id)
            return self.day.look([card.id])[card.id]
        return card

    def _note(self, card: Any, name: str, channel: str, value: Any) -> None:
        self.day.oracle.record(BOARD, key_of(card), name, value, faces(card, name))
        self._wrote(card, name, channel)

    def _wrote(self, card: Any, name: str, channel: str) -> None:
        self.day.unread[card.id, name] = channel
        self.day.hear(card.id)

    def word_place(self) -> str | None:
        """Says that there is no one place."""
        if (card := self._card()) is None:
            return None
        card = self._ready(card, PLACE, "metadata", None)
        word = self.day.dice.choice(_WORDS)
        self.hands.set_metadata(card.id, {"placecard_placement": word})
        self._looked(card)
        self._wrote(card, PLACE, "metadata")
        return f"moderator says in the metadata of card {card.id} that its place is {word}"

    def turn_tag(self) -> str | None:
        if (card := self._card()) is None:
            return None
        tag = self.day.dice.choice(_TAGS)
        self.hands.set_tags(card.id, card.tags ^ {tag})
        self.day.hear(card.id)
        return f"moderator turns the tag {tag} of card {card.id}"

    def look_at_place(self) -> str | None:
        """Takes the tag off that asks for another look at the place."""
        if (card := self._card()) is None or CHECK_TAG not in card.tags:
            return None
        self.hands.set_tags(card.id, card.tags - {CHECK_TAG})
        self._looked(card)
        self.day.hear(card.id)
        return f"moderator has looked at the place of card {card.id}"

    def _looked(self, card: Any) -> None:
        self.day.oracle.looked(key_of(card), PLACE, {line_of(card.description, PLACE)})

    def close(self) -> str | None:
        if (card := self._card()) is None or card.closed:
            return None
        self.hands.close_card(card.id)
        self.day.hear(card.id)
        return f"moderator closes card {card.id}"

    def reopen(self) -> str | None:
        if (card := self._card()) is None or not card.closed:
            return None
        self.hands.reopen_card(card.id)
        self.day.hear(card.id)
        return f"moderator reopens card {card.id}"

    def remove(self) -> str | None:
        """Removes a card, but never the newest: its id would come again within the second, and be the same card."""
        card = self._card()
        if card is None or card.id == self.day.cards()[-1]:
            return None
        faced = {name: faces(card, name) for name in LABELS}
        places = {edit.value for edit in self.day.oracle.edits if edit.field == PLACE} - {LOOKED}
        faced[PLACE] |= told_places(card, places)
        self.hands.remove_card(card.id)
        self.day.oracle.remove(key_of(card), faced)
        return f"moderator removes card {card.id}"
