"""What a side that is put back may take along: what was said on it since its backup, and had reached it alone.

Whatever had reached the other side must be there afterwards like any edit. And what was taken along replaces nothing
that is still, or again, there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.simulation.moderators import key_of
from tests.simulation.oracle import BOARD, LOOKED, known_to, stand
from tests.simulation.words import SHARED, faces, from_metadata, line_of, to_metadata, told_places

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kanban_adapter.memory import Held
    from tests.simulation.oracle import Edit
    from tests.simulation.rig import Rig

TAKEN = "said after the backup on the side that was put back, and known to that side alone"
UNNOTICED = "said after a backup of the board that was put back before the next mark was left"


class Restores:
    """Tells the oracle what went with a side."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._other: tuple[int, int] | None = None  # the moments the other side went back to and from, if it did

    def on_cards(self) -> set[int]:
        """The numbers of what was said on the map and is on a card now."""
        edits = [edit for edit in self._rig.oracle.edits if edit.who != BOARD and edit.value is not LOOKED]
        return {edit.number for edit in edits if self._on_card(edit)}

    def board_back(self, moment: int, before: Iterable[int], *, noticed: bool) -> None:
        """The board was put back to what it was at `moment`; `before` is what was said on the map and on a card then.

        Where nothing tells so (`noticed`), its older words are believed as if somebody had said them, and a card that
        it does not have as if somebody had removed it.
        """
        for edit in () if noticed else self._rig.oracle.edits:
            if edit.number in before and self._is_undone(edit):
                self._take(edit, UNNOTICED)
        for edit in self._concerned(moment, board=True):
            since, known = edit.number > moment, self._known(edit)
            if known and since and edit.who == BOARD and not noticed:
                self._take(edit, UNNOTICED)
            elif not known and (since or not self._shown(edit)):
                self._take(edit, TAKEN)
        for card in () if noticed else self._rig.world.state.cards.values():
            self._weigh_lines(card)
        self._rig.oracle.unremove(key_of(card) for card in self._rig.world.state.cards.values())
        self._other = moment, self._rig.oracle.moment

    def _weigh_lines(self, card: Held) -> None:
        """A line that the card lacks counts as taken off, and takes along what the metadata says."""
        known = self._rig.remembered(card)
        lines = {} if known is None else known["lines"]
        for field in SHARED:
            text = card.metadata.get(f"placecard_{field}")
            if text and lines.get(field) is not None and line_of(card.description, field) is None:
                self._rig.oracle.excuse(key_of(card), field, from_metadata(field, text), UNNOTICED)

    def arrived(self, moment: int) -> set[int]:
        """The numbers of what is on a card, of what may go, before the store is put back."""
        for card in self._rig.world.state.cards.values():
            self._rig.oracle.proposal(key_of(card))  # the store may never hear of it again
        return {edit.number for edit in self._concerned(moment, board=False) if self._on_card(edit)}

    def store_back(self, moment: int, arrived: Iterable[int]) -> None:
        """The store was put back to what it was at `moment`. That there was a place is known to the card told of it."""
        for edit in self._concerned(moment, board=False):
            if edit.number not in arrived and (edit.number > moment or not self._known(edit)):
                self._take(edit, TAKEN)
            edit.carried = edit.who != BOARD and edit.number in arrived
        for edit in self._rig.oracle.edits:
            edit.saw |= edit.was  # what was put back since may be there again
        self._other = moment, self._rig.oracle.moment

    def _concerned(self, moment: int, *, board: bool) -> list[Edit]:
        """What was said on this side since, or, where the other went back too, on either since the earlier one.

        What was said on the other side after it was put back is there, whatever becomes of this one.
        """
        back, until = self._other or (moment, 0)
        since = min(moment, back)
        edits = [each for each in self._rig.oracle.edits if each.number > since and each.value is not LOOKED]
        concerned = [each for each in edits if (each.who == BOARD) == board or each.number <= until]
        return sorted(concerned, key=lambda edit: edit.number)

    def _take(self, edit: Edit, why: str) -> None:
        """It is gone, and has replaced nothing that is there. Whoever has seen it has seen what it had replaced."""
        for heir in self._rig.oracle.edits:
            if heir.number > edit.number and edit.value in heir.saw and self._same(heir, edit):
                heir.saw |= edit.saw
        proposal = self._rig.oracle.proposal
        for key, shown in self._rig.oracle.removed.items():
            if proposal(key) == proposal(edit.key) is not None and edit.value in shown[edit.field]:
                shown[edit.field].update(edit.saw)
        edit.taken, edit.saw = why, edit.saw - self._there(edit)

    def _same(self, one: Edit, other: Edit) -> bool:
        """Whether both are of the same field of the same proposal."""
        proposal = self._rig.oracle.proposal
        keys = one.key == other.key or proposal(one.key) == proposal(other.key) is not None
        return keys and one.field == other.field

    def _known(self, edit: Edit) -> bool:
        """Whether the store has heard of it: a word that was said before, and again, is two."""
        guid = self._rig.oracle.proposal(edit.key)
        return guid is not None and edit.value in known_to(self._rig.store.raw, guid, edit.field, edit.at)

    def _shown(self, edit: Edit) -> bool:
        card = self._card(edit)
        return card is not None and edit.value in faces(card, edit.field)

    def _is_undone(self, edit: Edit) -> bool:
        """Whether its card is not there, or says another word; a place that the map has set no card takes away."""
        return self._card(edit) is None or (edit.field != "geometry" and not self._on_card(edit))

    def _there(self, edit: Edit) -> set[Any]:
        """What stands in the field now, on both sides."""
        card, guid = self._card(edit), self._rig.oracle.proposal(edit.key)
        shown = set() if card is None else faces(card, edit.field)
        if guid is None:
            return shown
        standing = stand(self._rig.store.raw, guid, edit.field)
        return shown | standing.clashing | {standing.present}

    def _on_card(self, edit: Edit) -> bool:
        """Whether it is on its card, as a value or, for a place, in a comment."""
        card = self._card(edit)
        if card is None:
            return False
        if edit.field == "geometry" and edit.who != BOARD:
            return edit.value in told_places(card, [edit.value])
        if edit.value is None:  # not told apart from others that say nothing
            return card.metadata.get(f"placecard_{edit.field}") == to_metadata(None)
        return edit.value in faces(card, edit.field)

    def _card(self, edit: Edit) -> Held | None:
        """The card of an edit's proposal, as far as there is one."""
        query = "SELECT card_id, card_created FROM pair WHERE guid = ?"
        paired = self._rig.store.raw.execute(query, (self._rig.oracle.proposal(edit.key),)).fetchone()
        named = (edit.key[1], int(edit.key[2])) if edit.key[0] == "card" else None
        card_id, created = paired or named or ("", 0)
        card = self._rig.world.state.cards.get(card_id)
        return card if card is not None and card.created == created else None
