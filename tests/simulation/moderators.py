"""People at the board. Each doing is one method; it says what it did, or None when there was nothing to do it to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kanban_adapter.card import Relation
from tests.simulation.oracle import BOARD, LOOKED
from tests.simulation.words import (
    LABELS,
    SHARED,
    faces,
    from_metadata,
    line_of,
    said,
    shown,
    to_metadata,
    told_last,
    told_places,
    with_line,
)

if TYPE_CHECKING:
    from kanban_adapter.memory import Held
    from kanban_adapter.memory.person import Form
    from tests.simulation.oracle import Edit, Key
    from tests.simulation.rig import Rig

STALE = "changed by a form that was open since before"
PUT_BACK = "put back to what was read last, before it was read again"
OLDER_FORM = "brought back by a form from before what our last write replaced"
SAID_ALREADY = "taken off a line or the metadata, and the card says nothing else than before"
REMOVED = "wiped off by an old form, and the card removed before it was read again"
TWO_CHANNELS = "said by line and by metadata between two readings"
ORDER = "said by line and by metadata since the backup of the store that was put back"

_CHECK_TAG = "проверить место"
_STAGES = ("Предложено", "На рассмотрении", "Одобрено", "В работе", "Выполнено", "Отклонено", "Склад")


DOINGS = {
    "add": 4,
    "drag": 8,
    "retitle": 3,
    "edit_line": 7,
    "edit_metadata": 5,
    "clear_metadata": 1,
    "open_form": 3,
    "save_form": 3,
    "close": 2,
    "reopen": 1,
    "remove": 1,
    "duplicate": 1,
    "move_away": 1,
    "move_back": 1,
    "tag": 2,
    "comment": 1,
    "unlink": 1,
    "look_at_place": 2,
    "word_place": 1,
    "relate": 1,
}
"""What they do, and how often."""


def key_of(card: Held) -> Key:
    """Which proposal a card is, to the oracle."""
    return "card", card.id, str(card.created)


class Moderators:
    """Everybody at the board."""

    doings = DOINGS

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._world = rig.world
        self._hand = rig.board.as_person
        self.forms: list[tuple[Form, int]] = []

    # --- choosing

    def _cards(self, *, here: bool = True) -> list[Held]:
        wanted = self._rig.project if here else self._rig.foreign
        return [card for card in self._world.state.cards.values() if card.project_id == wanted]

    def _card(self, *, here: bool = True) -> Held | None:
        cards = self._cards(here=here)
        return self._rig.random.choice(cards) if cards else None

    def _new(self, field: str) -> Any:
        return self._rig.fresh(field)

    def _value(self, field: str) -> Any:
        return None if self._rig.random.random() < 0.12 else self._new(field)

    # --- doing

    def add(self) -> str | None:
        if len(self._cards()) >= 6:
            return None
        random = self._rig.random
        values = {field: self._new(field) for field in LABELS if random.random() < 0.5}
        text = "Просьба жителей"
        for field, value in values.items():
            text = with_line(text, field, value)
        self._rig.number += 1
        column = self._rig.columns[random.choice(_STAGES)]
        card = self._world.held(self._hand.add_card(self._rig.project, column, f"Сквер {self._rig.number}", text))
        for field, value in values.items():
            self._record(card, field, value, ())
        return f"adds card {card.id} in {self._title(card)}: {text!r}"

    def _record(self, card: Held, field: str, value: Any, saw: Any) -> Edit:
        written = self._rig.board.ours.get((card.id, card.created, field))
        if written is not None and from_metadata(field, written) not in saw:
            # An old form has wiped our word off the board, and nobody who reads only the end of it can tell.
            self._rig.oracle.excuse(key_of(card), field, from_metadata(field, written), STALE)
        edit = self._rig.oracle.record(BOARD, key_of(card), field, value, saw)
        if (card.id, card.created, field) in self._rig.board.ours and self._is_put_back(card, field, value):
            edit.excuse = PUT_BACK
        if field in SHARED:
            self._rig.board.ours.pop((card.id, card.created, field), None)
        return edit

    def _is_put_back(self, card: Held, field: str, value: Any) -> bool:
        """Whether a write of ours is not read back yet, and the card says again what was agreed before it: so it would
        if the write had never reached it."""
        known = self._rig.remembered(card) or {}
        return field in known.get("owed", {}) and known["agreed"].get(field) == value

    def store_back(self, moment: int, *, noticed: bool) -> None:
        """The store was put back to what it was at `moment`.

        With it went in which order lines and metadata were written since, and that a line which says what the backup
        had read last ever said anything else.
        """
        for card in self._cards():
            self._weigh_channels(card, why=ORDER)
            self._weigh_silence(card, moment)
        for card in self._rig.world.state.cards.values():
            self._may_stray(card)
            if not noticed and card.reference and self._rig.guid_of(key_of(card)) is None:
                self._rig.oracle.strays.add(card.title)  # nothing tells that its reference is a guid of ours

    def _weigh_silence(self, card: Held, moment: int) -> None:
        known = self._known_or_made(card)
        if known is None:
            return
        for field in SHARED:
            line = line_of(card.description, field)
            if line == known["lines"].get(field):
                self._rig.oracle.excuse(key_of(card), field, line, PUT_BACK, since=moment)

    def _weigh_channels(self, card: Held, spoken: str = "", channel: str = "", why: str = TWO_CHANNELS) -> None:
        """Where line and metadata both say something that nobody has read yet, nobody can tell which came later."""
        known = self._known_or_made(card)
        for field in LABELS:
            name = "placement" if field == "geometry" else field
            line, text = line_of(card.description, field), card.metadata.get(f"placecard_{name}", "")
            if known is None:
                taken_off = why == ORDER or (spoken, "line") == (field, channel)
                both = text != "" and (line is not None or taken_off)
            else:
                noted = to_metadata(known["noted"][name]) if name in known["noted"] else ""
                line_moved = (
                    field == "geometry" or line != known["lines"].get(field) or (spoken, "line") == (field, channel)
                )
                both = line_moved and (text != noted or (spoken, "metadata") == (field, channel))
                if channel and field == spoken and field != "geometry":
                    self._weigh_return(card, field, as_read=line == known["lines"].get(field), same=text == noted)
            if both:
                for value in (line, from_metadata(field, text) if field in SHARED else line):
                    self._rig.oracle.excuse(key_of(card), field, value, why)

    def _weigh_return(self, card: Held, field: str, *, as_read: bool, same: bool) -> None:
        """A card that says again what was read last, or whose line does while its metadata speaks, shows no edit."""
        if as_read and (same or card.metadata.get(f"placecard_{field}")):
            for value in (line_of(card.description, field), said(card, field)):
                self._rig.oracle.excuse(key_of(card), field, value, PUT_BACK)

    def _title(self, card: Held) -> str:
        return self._world.state.columns[card.column_id].title

    def drag(self) -> str | None:
        if (card := self._card()) is None:
            return None
        column = self._rig.random.choice(_STAGES)
        self._hand.drag_card(card.id, self._rig.columns[column])
        return f"drags card {card.id} to {column}"

    def retitle(self) -> str | None:
        if (card := self._card()) is None:
            return None
        self._rig.number += 1
        self._hand.edit_card(card.id, title=f"Сквер {self._rig.number}")
        return f"calls card {card.id} {card.title!r}"

    def edit_line(self) -> str | None:
        if (card := self._card()) is None:
            return None
        field = self._rig.random.choice(tuple(LABELS))
        value, saw, before = self._value(field), faces(card, field), said(card, field)
        if line_of(card.description, field) == value:
            return None
        self._hand.edit_card(card.id, description=with_line(card.description, field, value))
        edit = self._record(card, field, value, saw)
        if value == before:
            edit.excuse = SAID_ALREADY
        self._weigh_channels(card, field, "line")
        return f"writes on card {card.id} the line {field} = {shown(value)}"

    def edit_metadata(self) -> str | None:
        if (card := self._card()) is None:
            return None
        field = self._rig.random.choice(SHARED)
        value, saw = self._value(field), faces(card, field)
        if card.metadata.get(f"placecard_{field}") == to_metadata(value) or said(card, field) == value:
            return None
        self._hand.set_metadata(card.id, {f"placecard_{field}": to_metadata(value)})
        self._record(card, field, value, saw)
        self._weigh_channels(card, field, "metadata")
        return f"sets in the metadata of card {card.id} {field} = {shown(value)}"

    def clear_metadata(self) -> str | None:
        """Takes a key out: the word goes back to the line."""
        if (card := self._card()) is None:
            return None
        field = self._rig.random.choice(SHARED)
        if not card.metadata.get(f"placecard_{field}"):
            return None
        saw, value, before = faces(card, field), line_of(card.description, field), said(card, field)
        del card.metadata[f"placecard_{field}"]
        edit = self._record(card, field, value, saw)
        if value == before or value == (self._rig.remembered(card) or {"agreed": {}})["agreed"].get(field, before):
            edit.excuse = SAID_ALREADY
        self._weigh_channels(card, field, "metadata")
        return f"takes {field} out of the metadata of card {card.id}, whose line says {shown(value)}"

    def open_form(self) -> str | None:
        if (card := self._card()) is None:
            return None
        self.forms.append((self._hand.open_form(card.id), card.created))
        return f"opens the form of card {card.id}"

    def save_form(self) -> str | None:
        """Saves a form opened some time ago, perhaps with one line changed in it."""
        if not self.forms:
            return None
        form, created = self.forms.pop(self._rig.random.randrange(len(self.forms)))
        card = self._world.state.cards.get(form.card_id)
        if card is None or card.created != created:
            return None
        changes: dict[str, Any] = {}
        posted = str(form.fields["description"])
        if self._rig.random.random() < 0.5:
            field = self._rig.random.choice(tuple(LABELS))
            changes[field] = self._new(field)
            posted = with_line(posted, field, changes[field])
        whole = self._rig.chances.metadata_in_forms
        self._weigh(card, form, posted, changes, whole=whole)
        if _CHECK_TAG in card.tags - form.tags:
            # The form posts the tags too: ours, that asks for a look, is taken off as by anybody who has looked.
            self._rig.oracle.excuse(key_of(card), "geometry", line_of(card.description, "geometry"), STALE)
        self._hand.save_form(form, with_metadata=whole, description=posted, title=card.title)
        for field, value in changes.items():
            saw = {line_of(str(form.fields["description"]), field)}
            if text := form.metadata.get(f"placecard_{field}"):
                saw.add(from_metadata(field, text))
            self._record(card, field, value, saw)
        self._weigh_channels(card)
        said = ", ".join(f"{field} = {shown(value)}" for field, value in changes.items()) or "nothing changed"
        return f"saves the old form of card {card.id}{' with its metadata' if whole else ''}: {said}"

    def _weigh(self, card: Held, form: Form, posted: str, changes: dict[str, Any], *, whole: bool) -> None:
        """What a stale form wipes off the board itself never was the service's to keep.

        What people wrote since is overwritten by other people, on the board. A write of the service's own may be lost
        only where the form's hand changed that very field.
        """
        for field in LABELS:
            key = f"placecard_{field}"
            gone = set()
            line = line_of(card.description, field)
            present = card.metadata.get(key, "")
            ours = self._rig.board.ours.get((card.id, card.created, field)) == present
            if field in SHARED and ours and present:
                self._weigh_older(card, form, field, line_of(posted, field), whole=whole)
            if line_of(posted, field) != line:
                gone.add(line)
                if present and not ours:
                    gone.add(from_metadata(field, present))
            if field in SHARED and whole and form.metadata.get(key, "") != present and not (ours and present):
                gone.add(from_metadata(field, present) if present else line)
            if field in changes and present:
                gone.add(from_metadata(field, present))
            for value in gone:
                self._rig.oracle.excuse(key_of(card), field, value, STALE)

    def _weigh_older(self, card: Held, form: Form, field: str, line: Any, *, whole: bool) -> None:
        """Only the value that our last write replaced is known for an old form's; an older one looks like an edit."""
        state = self._rig.remembered(card) or {"replaced": {}, "owed": {}, "agreed": {}}
        replaced = state["replaced"] if field not in state["owed"] else state["agreed"]
        key = f"placecard_{field}"
        said_then = {line} if line != line_of(card.description, field) else set()
        if whole and form.metadata.get(key, "") != card.metadata.get(key, ""):
            said_then.add(from_metadata(field, form.metadata.get(key, "")) if form.metadata.get(key) else line)
        if said_then - ({replaced[field]} if field in replaced else set()):
            self._rig.oracle.excuse(key_of(card), field, from_metadata(field, card.metadata[key]), OLDER_FORM)

    def close(self) -> str | None:
        if (card := self._card()) is None or card.closed:
            return None
        self._hand.close_card(card.id)
        return f"closes card {card.id}"

    def reopen(self) -> str | None:
        if (card := self._card()) is None or not card.closed:
            return None
        self._hand.reopen_card(card.id)
        return f"reopens card {card.id}"

    def remove(self) -> str | None:
        if (card := self._card()) is None:
            return None
        self._weigh_removal(card)
        self._hand.remove_card(card.id)
        shown_then = {field: faces(card, field) for field in LABELS}
        shown_then["geometry"] |= self._told(card)
        self._rig.oracle.remove(key_of(card), shown_then)
        return f"removes card {card.id}"

    def _weigh_removal(self, card: Held) -> None:
        """What an old form has wiped off a card, nobody hears of when it is removed before it was read again."""
        known = self._rig.remembered(card) or {"noted": {}}
        for field in SHARED:
            ours = self._rig.board.ours.get((card.id, card.created, field))
            present = card.metadata.get(f"placecard_{field}")
            read_back = field in known["noted"] and to_metadata(known["noted"][field]) == ours
            if ours is not None and ours != present and read_back:
                self._rig.oracle.excuse(key_of(card), field, from_metadata(field, ours), REMOVED)

    def _known_or_made(self, card: Held) -> dict[str, Any] | None:
        """What the store remembers of a card; one made for a drawn proposal and not read yet, as it was made."""
        known = self._rig.remembered(card)
        return {"noted": {}, "lines": {}} if known is None and card.reference else known

    def _told(self, card: Held) -> set[Any]:
        """The place the card's last comment of ours tells of: whoever looks at the card knows it."""
        guid = self._rig.oracle.proposal(key_of(card))
        edits = [edit for edit in self._rig.oracle.edits if edit.field == "geometry" and edit.value is not LOOKED]
        return told_last(card, {edit.value for edit in edits if self._rig.oracle.proposal(edit.key) == guid})

    def duplicate(self) -> str | None:
        if (card := self._card()) is None or len(self._cards()) >= 6:
            return None
        copy = self._world.held(self._hand.duplicate_card(card.id))
        for field in LABELS:
            if (value := line_of(copy.description, field)) is not None:
                self._record(copy, field, value, ())
        return f"duplicates card {card.id} as {copy.id}"

    def move_away(self) -> str | None:
        if (card := self._card()) is None:
            return None
        self._hand.move_project(card.id, self._rig.foreign)
        self._may_stray(card)
        return f"moves card {card.id} out of the project"

    def _may_stray(self, card: Held) -> None:
        """Nobody looks elsewhere for a card that nobody knows: what it was made for is made again."""
        if card.project_id != self._rig.project and self._rig.guid_of(key_of(card)) is None:
            self._rig.oracle.strays.add(card.title)

    def move_back(self) -> str | None:
        if (card := self._card(here=False)) is None:
            return None
        self._hand.move_project(card.id, self._rig.project)
        return f"moves card {card.id} back into the project"

    def tag(self) -> str | None:
        if (card := self._card()) is None:
            return None
        tag = self._rig.random.choice(("срочно", "стоп", "осень"))
        own = card.tags ^ {tag}
        self._hand.set_tags(card.id, own)
        return f"turns the tag {tag} of card {card.id}"

    def comment(self) -> str | None:
        if (card := self._card()) is None:
            return None
        self._hand.add_comment(card.id, "Видел")
        return f"comments on card {card.id}"

    def unlink(self) -> str | None:
        if (card := self._card()) is None or not card.links:
            return None
        self._hand.remove_links(card.id)
        return f"takes the links off card {card.id}"

    def look_at_place(self) -> str | None:
        """Takes the tag off that asks for another look at the place."""
        if (card := self._card()) is None or _CHECK_TAG not in card.tags:
            return None
        self._hand.set_tags(card.id, card.tags - {_CHECK_TAG})
        self._rig.oracle.looked(key_of(card), "geometry", self._places(card))
        return f"has looked at the place of card {card.id}"

    def word_place(self) -> str | None:
        """Says that there is no one place."""
        if (card := self._card()) is None:
            return None
        word = self._rig.random.choice(("citywide", "none", "unplaced"))
        self._hand.set_metadata(card.id, {"placecard_placement": word})
        self._rig.oracle.looked(key_of(card), "geometry", self._places(card))
        self._weigh_channels(card)
        return f"says in the metadata of card {card.id} that its place is {word}"

    def _places(self, card: Held) -> set[Any]:
        """The places that whoever looks at the card reads of: in its line, and in comments of a lost life."""
        lost = [edit.value for edit in self._rig.oracle.edits if edit.carried and edit.field == "geometry"]
        return {line_of(card.description, "geometry"), *told_places(card, lost)}

    def relate(self) -> str | None:
        """Links a card to another as its duplicate."""
        if (card := self._card()) is None or (other := self._card()) is None or card is other:
            return None
        self._hand.relate(card.id, Relation.DUPLICATES, other.id)
        if self._rig.random.random() < 0.7:
            self._hand.close_card(card.id)
        return f"says that card {card.id} duplicates {other.id}"
