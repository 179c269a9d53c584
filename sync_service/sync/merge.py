"""Merging one shared field of a proposal: what both sides had agreed on, and what each says now. Pure.

The rules, in order:

- a target read back from the card is agreed, and what it replaced is remembered;
- both sides saying the same agree, and nothing is owed: so a revert cancels a debt;
- a card that says what was agreed is owed the map's newest value;
- a map that says what was agreed takes the card's value – unless it is the one our own last write replaced: that is an
  old form posted again, and a clash, never a silent win;
- whatever else differs is a clash, and stays one until both sides say the same or a person resolves it;
- once resolved, what the card said counts as agreed: the map's word is owed to it, or both say the same and rest.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sync_service.sync.state import Owed, Sides

if TYPE_CHECKING:
    from sync_service.sync.state import Pair, Values
    from sync_service.sync.values import Value

ASKED = "asked_on_card"
"""`place_check` when a moderator put the tag on the card."""


@dataclass(frozen=True, slots=True)
class FieldState:
    """One shared field: the agreed value, the map's value, and the memory of writing to the card.

    `replaced` is a one-tuple so that "replaced nothing" and "replaced an empty value" stay apart.
    """

    agreed: Value
    mine: Value
    owed: Owed | None = None
    replaced: tuple[Value] | None = None
    clash: Sides | None = None


def merge_field(state: FieldState, card: Value) -> FieldState:
    """Merge what the card says now into the field's state."""
    if state.clash is not None:
        return _while_clashing(state, state.clash, card)
    if state.owed is not None and card == state.owed.target:
        state = replace(state, agreed=card, replaced=(_replaced_by(state.owed, state.agreed),))
    return _compare(replace(state, owed=None), card)


def _while_clashing(state: FieldState, clash: Sides, card: Value) -> FieldState:
    if card == state.mine:
        return FieldState(agreed=card, mine=card)
    return replace(state, clash=replace(clash, theirs=card, mine=state.mine))


def _replaced_by(owed: Owed, agreed: Value) -> Value:
    """What the card said before our write: what was agreed, or older metadata that had only to follow the line."""
    return owed.expected if agreed == owed.target else agreed


def _compare(state: FieldState, card: Value) -> FieldState:
    if card == state.mine:
        return replace(state, agreed=card)
    if card == state.agreed:
        return replace(state, owed=Owed(expected=card, target=state.mine))
    if state.mine == state.agreed and state.replaced != (card,):
        return FieldState(agreed=card, mine=card)
    return replace(state, clash=Sides(base=state.agreed, theirs=card, mine=state.mine))


def acknowledge(pair: Pair, theirs: Values) -> Pair:
    """A person has resolved clashes knowing that the card says `theirs`; what shall stand, the map says."""
    return replace(
        pair,
        agreed={**pair.agreed, **theirs},
        clashing={name: sides for name, sides in pair.clashing.items() if name not in theirs},
        replaced={name: value for name, value in pair.replaced.items() if name not in theirs},
        owed={name: owed for name, owed in pair.owed.items() if name not in theirs},
    )


def merge_check(state: FieldState, *, tagged: bool) -> FieldState:
    """Merge `place_check`, which is a reason on the map and a mere tag on the card: it never clashes."""
    if state.owed is not None and tagged == (state.owed.target is not None):
        state = replace(state, agreed=state.owed.target)
    if tagged == (state.mine is not None):
        return FieldState(agreed=state.mine, mine=state.mine)
    if state.mine != state.agreed:
        return replace(state, owed=Owed(expected=state.agreed, target=state.mine))
    said = ASKED if tagged else None
    return FieldState(agreed=said, mine=said)
