"""The shared fields of a proposal: what the card says of each, merged with the map. Pure.

A card speaks through two channels. A labelled line is the moderator's text: it counts as an edit only when it differs
from the same line as last read. Metadata is what both sides write: it counts as an edit when it differs from what it
said last, and is what our own writes are read back from. An edited line wins over older metadata, which is then owed
the new value. Where the card's metadata never spoke, the line is what it says.

The placement is first said by the words that decide the place (`sync.place`), and the district is shared only while the
placement is `district`; `place_check` is a tag.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sync_service.sync.decision import Effect, EffectKind
from sync_service.sync.fields import names_owned
from sync_service.sync.merge import FieldState, merge_check, merge_field
from sync_service.sync.place import PLACE_LOST, PLACEMENT_CHANGED
from sync_service.sync.state import CardView, Feature, Owed, Pair, Sides
from sync_service.sync.values import Hand, Owner, Placement, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CHECK_TAG = "проверить место"
"""The tag by which a card shows that its place should be looked at again; a moderator takes it off."""

CHECK = "place_check"
_LINED = tuple(name for name in names_owned(Owner.SHARED) if name not in {"placement", CHECK})
LINE_NAMES = (*_LINED, "district")
"""The fields that a labelled line may say; the line that says the placement is read as words about the place."""

METADATA_NAMES = (*LINE_NAMES, "placement")
"""The fields that stand in a card's metadata once one side wrote them there."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What merging is told besides: why to look at the place again, how to join districts, which effects are under way.

    A field whose write is under way to the board this moment is left alone: what the card says of it cannot be told
    from an echo. When the write has ended, the card is read again.
    """

    check: str | None = None
    district_of: Callable[[bytes], str | None] | None = None
    flying: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Merged:
    """The feature and pair after merging, what is owed to the card, the keys no longer owed, and what the card lost.

    `lost` are the words of open clashes that a card said last and, put back with its board, says no more.
    """

    feature: Feature
    pair: Pair
    effects: tuple[Effect, ...]
    cancelled: frozenset[str]
    lost: Mapping[str, Sides]


def merge_shared(card: CardView, feature: Feature, before: Feature, pair: Pair, asked: Asked) -> Merged:
    """Merge every shared field, and join the district. `before` is the feature as the map has it."""
    still = frozenset(name for name in (*METADATA_NAMES, CHECK) if effect_key(name) in asked.flying)
    states = {name: _merge_lined(name, card, feature, pair) for name in _LINED}
    states["placement"], refused = _merge_placement(card, feature, pair)
    if _lost_place(card, feature, asked):
        states["placement"] = FieldState(agreed=card.metadata["placement"], mine=states["placement"].mine)
    placed = feature if "placement" in still else _obey_placement(feature, states["placement"].mine)
    states["district"] = _merge_district(card, placed, before, pair, asked.district_of)
    check = PLACEMENT_CHANGED if refused and "placement" not in still else asked.check
    states[CHECK] = _merge_check(card, feature, pair, check)
    states |= {name: _recall(name, feature, pair) for name in still}
    if check is not None:
        states[CHECK] = replace(states[CHECK], mine=check)
    properties = {**placed.properties, **{name: state.mine for name, state in states.items()}}
    merged_pair = _remember(card, pair, states, still)
    owed = {name: debt for name, debt in merged_pair.owed.items() if name not in still}
    return Merged(
        feature=replace(placed, properties=properties),
        pair=merged_pair,
        effects=tuple(_owe(name, debt, spoken=name in card.metadata) for name, debt in owed.items()),
        cancelled=frozenset(effect_key(name) for name in pair.owed if name not in merged_pair.owed),
        lost=_lost_words(pair, states) if pair.rewound else {},
    )


def _lost_words(pair: Pair, states: Mapping[str, FieldState]) -> dict[str, Sides]:
    """The card's sides of clashes that it says no more, each against what the map says now."""
    certain = {name: sides for name, sides in pair.clashing.items() if name in _LINED and name not in pair.doubted}
    said = {name: state.mine if state.clash is None else state.clash.theirs for name, state in states.items()}
    return {
        name: Sides(sides.base, states[name].mine, sides.theirs)
        for name, sides in certain.items()
        if sides.theirs not in (said[name], states[name].mine)
    }


def _remember(card: CardView, pair: Pair, states: Mapping[str, FieldState], still: frozenset[str]) -> Pair:
    return replace(
        pair,
        agreed={name: state.agreed for name, state in states.items()},
        owed={name: state.owed for name, state in states.items() if state.owed is not None},
        replaced={name: state.replaced[0] for name, state in states.items() if state.replaced is not None},
        clashing={name: state.clash for name, state in states.items() if state.clash is not None},
        lines=_except(still, card.lines, pair.lines),
        noted=_except(still, card.metadata, pair.noted),
        doubted=tuple(name for name in pair.doubted if name in still),
        rewound=pair.rewound and bool(still),
        recalled=None,
    )


def _except(still: frozenset[str], new: Mapping[str, Value], old: Mapping[str, Value]) -> dict[str, Value]:
    kept = {name: old[name] for name in still if name in old}
    return {name: value for name, value in new.items() if name not in still} | kept


def _recall(name: str, feature: Feature, pair: Pair) -> FieldState:
    return FieldState(
        agreed=pair.agreed.get(name),
        mine=feature.properties.get(name),
        owed=pair.owed.get(name),
        replaced=(pair.replaced[name],) if name in pair.replaced else None,
        clash=pair.clashing.get(name),
    )


def _merge_lined(name: str, card: CardView, feature: Feature, pair: Pair) -> FieldState:
    return _merge_value(_recall(name, feature, pair), name, card, pair)


def _merge_value(state: FieldState, name: str, card: CardView, pair: Pair) -> FieldState:
    if pair.rewound and state.clash is None and state.mine == state.agreed and name in pair.agreed:
        # What both had agreed on: if a restored card says something else, that is older, and no edit.
        state = replace(state, clash=Sides(state.agreed, state.agreed, state.mine))
    if _never_spoke(name, card, pair):
        state = replace(state, clash=None)
    if state.owed is not None and (_line_edited(name, card, pair) or not _is_written(name, card, state.owed)):
        state = replace(state, owed=None)
    return _through_metadata(merge_field(state, _card_value(name, card, pair)), card, name)


def _never_spoke(name: str, card: CardView, pair: Pair) -> bool:
    """Whether a doubt (`sync.doubt`) is idle: the card's metadata never had the field, so that nothing was written."""
    silent = name not in card.metadata and name not in pair.noted
    return name in pair.doubted and silent and not _line_edited(name, card, pair)


def _is_written(name: str, card: CardView, owed: Owed) -> bool:
    """Whether our write can be read back: it goes to the metadata, a line never is one."""
    return name in card.metadata and card.metadata[name] == owed.target


def _line_edited(name: str, card: CardView, pair: Pair) -> bool:
    return name in pair.lines and card.lines.get(name) != pair.lines[name]


def _card_value(name: str, card: CardView, pair: Pair) -> Value:
    """What the card says now: the newest edit of either channel, or what it said before.

    A line that a restored board lacks, and metadata that is another: both are of before, and nobody took the line off.
    """
    line, spoken = card.lines.get(name), name in card.metadata
    rewritten = spoken and (name not in pair.noted or card.metadata[name] != pair.noted[name])
    if _line_edited(name, card, pair) and not (pair.rewound and rewritten and line is None):
        return line
    if rewritten:
        return card.metadata[name]
    if not spoken and (pair.rewound or name in pair.noted or name not in pair.lines):
        return line
    clash = pair.clashing.get(name)
    return pair.agreed.get(name) if clash is None else clash.theirs


def _through_metadata(state: FieldState, card: CardView, name: str) -> FieldState:
    """Writing goes to the metadata, so that is what is compared before; it may say something older than the line."""
    if state.clash is not None:
        return state
    if name not in card.metadata:
        return replace(state, owed=None if state.owed is None else Owed(None, state.mine))
    present = card.metadata[name]
    if present == state.mine:
        return replace(state, agreed=present, owed=None)
    return replace(state, owed=Owed(present, state.mine))


def _merge_placement(card: CardView, feature: Feature, pair: Pair) -> tuple[FieldState, bool]:
    """The placement, and whether the card's metadata wanted to take away a place that the map has set."""
    state = _standing(feature, pair)
    if "placement" not in card.metadata:
        return _unspoken(state, feature), False
    said = _card_value("placement", card, pair)
    if state.clash is None and not _may_say(said, feature):
        refused = said != pair.agreed.get("placement") and feature.geometry is not None
        return _through_metadata(replace(state, agreed=said), card, "placement"), refused
    return _merge_value(state, "placement", card, pair), False


def _lost_place(card: CardView, feature: Feature, asked: Asked) -> bool:
    """Whether the card knows of a place that a restored store has not: its word stands until a person has looked."""
    lost = PLACE_LOST in (asked.check, feature.properties.get(CHECK))
    return lost and feature.geometry is None and card.metadata.get("placement") == Placement.PLACED


def _standing(feature: Feature, pair: Pair) -> FieldState:
    """The placement as it stands. A geometry has the last word: it cannot be drawn by accident."""
    state = _recall("placement", feature, pair)
    if feature.geometry is not None:
        state = replace(state, mine=Placement.PLACED.value)
    elif state.mine in (None, Placement.PLACED):
        state = replace(state, mine=Placement.UNPLACED.value)
    if "placement" not in pair.agreed and feature.hand is Hand.CARD:
        return replace(state, agreed=state.mine)
    return state


def _unspoken(state: FieldState, feature: Feature) -> FieldState:
    """Without metadata the card's words about the place have spoken already; a map's word is owed to the metadata."""
    if feature.hand is Hand.CARD or state.mine == state.agreed:
        return FieldState(agreed=state.mine, mine=state.mine)
    return replace(state, owed=Owed(None, state.mine)) if state.clash is None else state


def _may_say(said: Value, feature: Feature) -> bool:
    """Metadata cannot place a proposal, nor take a place away that the map has set."""
    if feature.geometry is None:
        return said != Placement.PLACED
    return said == Placement.PLACED or feature.hand is Hand.CARD


def _obey_placement(feature: Feature, placement: Value) -> Feature:
    properties = {**feature.properties, "placement": placement}
    if feature.geometry is None or placement == Placement.PLACED:
        return replace(feature, properties=properties)
    return replace(feature, properties=properties, geometry=None, source=None)


def _merge_district(
    card: CardView, feature: Feature, before: Feature, pair: Pair, district_of: Callable[[bytes], str | None] | None
) -> FieldState:
    said = _card_value("district", card, pair)
    if feature.properties.get("placement") != Placement.DISTRICT:
        return FieldState(agreed=said, mine=_join_district(card, feature, district_of))
    if before.properties.get("placement") != Placement.DISTRICT:
        # The card has just turned it into a district's: what was computed until now is nobody's word.
        return _through_metadata(FieldState(agreed=said, mine=said), card, "district")
    return _merge_lined("district", card, feature, pair)


def _join_district(card: CardView, feature: Feature, district_of: Callable[[bytes], str | None] | None) -> Value:
    if feature.geometry is None or district_of is None:
        return card.lines.get("district")
    return district_of(feature.geometry)


def _merge_check(card: CardView, feature: Feature, pair: Pair, check: str | None) -> FieldState:
    merged = merge_check(_recall(CHECK, feature, pair), tagged=card.tagged)
    return merged if check is None else merge_check(replace(merged, mine=check), tagged=card.tagged)


def effect_key(name: str) -> str:
    """Key of the effect by which a shared field reaches the card."""
    return f"tag:{name}" if name == CHECK else f"metadata:{name}"


def _owe(name: str, owed: Owed, *, spoken: bool) -> Effect:
    if name == CHECK:
        return Effect(EffectKind.TAG, effect_key(name), {"tag": CHECK_TAG, "present": owed.target is not None})
    body: dict[str, Value] = {"field": name, "expected": owed.expected, "target": owed.target, "spoken": spoken}
    return Effect(EffectKind.METADATA, effect_key(name), body)
