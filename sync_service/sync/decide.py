"""`decide`: what must be done to one proposal, from its card, its feature and their pair. Pure.

It reads no clock, no database and no network: whatever it needs to know comes in as a value. Everything that syncing
can do is a row of its table test.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from sync_service.sync.decision import LINK, NO_LINK, Decision, Effect, EffectKind, Outcome
from sync_service.sync.disputes import EDIT, hide_disputes, show_disputes
from sync_service.sync.fields import names_owned
from sync_service.sync.place import (
    COMMENT_KEY,
    PLACE_LOST,
    PLACEMENT_CHANGED,
    TEXT_CHANGED,
    is_told,
    lost_version,
    place_feature,
    tell_card,
)
from sync_service.sync.shared import CHECK, LINE_NAMES, Asked, effect_key, merge_shared
from sync_service.sync.stages import visibility_for
from sync_service.sync.state import CardGone, CardView, Feature, Pair, Sides
from sync_service.sync.values import PUBLIC_STAGES, Hand, Owner, Placement, Stage, Visibility

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sync_service.sync.state import Dispute, Setter, Values
    from sync_service.sync.values import Value


class Bearer(StrEnum):
    """Whose guid a card's reference bears."""

    NOBODY = "nobody"
    UNPAIRED = "unpaired"  # a feature drawn on the map whose card is still owed
    PAIRED = "paired"  # a proposal that has another card: this one is a copy
    LOST = "lost"  # a proposal drawn on the map that this store, put back from a backup, does not know
    RETURNED = "returned"  # no reference: its own proposal was given another card while it was gone


@dataclass(frozen=True, slots=True)
class Rules:
    """What the settings and imported layers add.

    With `publishing` off nothing becomes public; what was stays as it is, unserved (the gate of every answer says so).
    `district_of` joins a geometry (WKB, CRS84) with the imported districts; None when there are none, and then the
    card's own line names the district.
    """

    publishing: bool
    district_of: Callable[[bytes], str | None] | None = None


@dataclass(frozen=True, slots=True)
class Besides:
    """What the store knows of a proposal besides its feature and pair.

    flying     keys of the effects that are being sent to the board this moment
    disputes   the open clashes its card must show
    setter     who set its place on the map; None: nobody, or unknown
    leads_to   guid of the proposal that this one, a duplicate, leads to now
    survivor   guid of the proposal that its card, closed as a duplicate, says it should lead to
    drawn      shared fields as the labelled lines of its own text say them, while it has no card
    emptied    what shared fields were that the map has emptied, likewise
    """

    flying: frozenset[str] = frozenset()
    disputes: tuple[Dispute, ...] = ()
    setter: Setter | None = None
    leads_to: str | None = None
    survivor: str | None = None
    drawn: Values = field(default_factory=dict)
    emptied: Values = field(default_factory=dict)


_NOTHING_BESIDES = Besides()


def decide(
    card: CardView | CardGone | None,
    feature: Feature | None,
    pair: Pair | None,
    rules: Rules,
    *,
    bearer: Bearer = Bearer.NOBODY,
    besides: Besides = _NOTHING_BESIDES,
) -> Decision:
    """Decide what must be done to one proposal.

    With `bearer` UNPAIRED, `feature` is the one whose guid the card bears, or that was born with it. An impossible
    combination (a pair without its feature) raises ValueError: the store is damaged, and guessing would hide it.
    """
    if card is None:
        return _decide_drawn(feature, pair)
    if pair is not None and feature is None:
        raise ValueError(f"pair {pair.guid} has no feature")
    if isinstance(card, CardGone):
        return _decide_gone(card, feature, pair, besides)
    if feature is not None and pair is not None:
        return _disown(card, _decide_pair(card, feature, pair, rules, besides), bearer)
    if feature is not None and bearer is Bearer.UNPAIRED:
        return _adopt(card, feature, rules, besides)
    return _decide_new(card, rules, bearer)


def _decide_drawn(feature: Feature | None, pair: Pair | None) -> Decision:
    """A feature without a card: one drawn on the map is owed its card."""
    if feature is None:
        return Decision(Outcome.NOTHING)
    if pair is not None or feature.visibility is Visibility.RETIRED:
        return _rest(feature, pair)
    approved = feature.properties.get("stage") == Stage.APPROVED
    title = str(feature.properties.get("title") or "").strip()
    body = {
        "stage": Stage.APPROVED.value if approved else Stage.PROPOSED.value,
        "title": title or feature.guid,
        "description": feature.properties.get("description") or "",
        "reference": feature.guid,
        "start": feature.properties.get("start"),
        "due": feature.properties.get("due"),
    }
    return Decision(Outcome.CREATE_CARD, feature, None, feature.visibility, (Effect(EffectKind.CARD, "card", body),))


def renew_card(feature: Feature) -> Decision:
    """A person resolves that a card is gone by giving its proposal a new one.

    The pair is to be dropped; the new card, which bears the guid, is adopted when it is read. It begins at `approved`
    if the proposal was public by its stage, else at `proposed`.
    """
    stage = Stage.APPROVED if feature.properties.get("stage") in PUBLIC_STAGES else Stage.PROPOSED
    orphan = {"stage": stage.value, "board": None, "card_id": None, "card_url": None}
    return _decide_drawn(replace(feature, properties={**feature.properties, **orphan}), None)


def retire_gone(feature: Feature, pair: Pair) -> Decision:
    """A person resolves that a card is gone by retiring its proposal, with what was still owed to the card."""
    gone = replace(
        pair,
        gone=True,
        agreed={**pair.agreed, **_spoken(feature)},
        owed={},
        clashing={},
        doubted=(),
        rewound=False,
    )
    return Decision(Outcome.RETIRE, feature, gone, Visibility.RETIRED)


def _spoken(feature: Feature) -> dict[str, Value]:
    return {name: feature.properties.get(name) for name in (*names_owned(Owner.SHARED), "district")}


def _rest(feature: Feature, pair: Pair | None) -> Decision:
    clashing = _standing(feature, pair).clashing if pair is not None else {}
    return Decision(Outcome.NOTHING, feature, pair, feature.visibility, clashes=clashing)


def _standing(feature: Feature, pair: Pair) -> Pair:
    """The pair with the map's side of every clash as the map says it now: it may have moved since a card was read."""
    clashing = {name: replace(sides, mine=feature.properties.get(name)) for name, sides in pair.clashing.items()}
    return replace(pair, clashing=clashing)


def _decide_new(card: CardView, rules: Rules, bearer: Bearer) -> Decision:
    if not card.watched:
        return Decision(Outcome.NOTHING)
    guids = {Bearer.RETURNED: card.ref.other_guid, Bearer.LOST: card.reference}
    guid = guids.get(bearer, card.ref.guid)
    fresh = Feature(guid, {}, None, Hand.CARD, None, Visibility.HIDDEN)
    decision = _merge_card(card, fresh, Pair(guid, card.ref, card.project_id), rules)
    outcome = Outcome.NEW_FROM_COPY if bearer is Bearer.PAIRED else Outcome.CREATE_FEATURE
    return _disown(card, replace(decision, outcome=outcome), bearer)


def _disown(card: CardView, decision: Decision, bearer: Bearer) -> Decision:
    """A card that bears the guid of another card's proposal is to lose it."""
    if bearer is not Bearer.PAIRED or not card.watched:
        return decision
    return replace(decision, effects=(_NO_REFERENCE, *decision.effects))


_NO_REFERENCE = Effect(EffectKind.REFERENCE, "reference", {"reference": ""})


def _adopt(card: CardView, feature: Feature, rules: Rules, besides: Besides) -> Decision:
    """Pair a feature with the card made for it: the map's values stand and are owed, its text was read when drawn.

    Unless somebody was at the text before us: then what a line says otherwise is that person's word.
    """
    # One that had a card before was read from it: what is empty now was emptied, and is owed to the old text.
    had_card = feature.properties.get("summary") is not None
    emptied = besides.emptied
    drawn = [n for n in LINE_NAMES if had_card or n in emptied or feature.properties.get(n) is not None]
    as_drawn = card.board.get("description") == (feature.properties.get("description") or "")
    lines = card.lines if as_drawn else besides.drawn
    read = {name: lines.get(name) for name in drawn}
    pair = Pair(
        feature.guid,
        card.ref,
        card.project_id,
        agreed={**read, **{name: value for name, value in emptied.items() if read[name] is None}},
        lines=read,
        place_text=_adopted_text(card, feature, as_drawn=as_drawn),
    )
    decision = _decide_pair(card, feature, pair, rules, besides)
    return replace(decision, outcome=Outcome.ADOPT, cancelled=decision.cancelled | {"card"})


def _adopted_text(card: CardView, feature: Feature, *, as_drawn: bool) -> str | None:
    """Digest of the place text that counts as read; one of no text at all has what the text says asked about."""
    if card.place is None:
        return None
    if as_drawn or (feature.hand is Hand.MAP and card.place.geometry is None):
        return card.place.digest
    return ""  # also where the map has set no place: it may before the text is read, while the card is away


def _decide_pair(card: CardView, feature: Feature, pair: Pair, rules: Rules, besides: Besides) -> Decision:
    if card.watched:
        decision = _merge_card(card, feature, pair, rules, besides)
    else:
        decision = _leave(card, feature, pair, besides)
    if besides.survivor != besides.leads_to:
        return replace(decision, outcome=Outcome.PART if besides.survivor is None else Outcome.JOIN)
    if decision.feature == feature and decision.pair == pair and decision.wants is feature.visibility:
        return replace(decision, outcome=Outcome.NOTHING)
    return decision


def _merge_card(
    card: CardView, feature: Feature, pair: Pair, rules: Rules, besides: Besides = _NOTHING_BESIDES
) -> Decision:
    # Nobody brings a removed card back but a board that was put back.
    pair = replace(pair, rewound=pair.rewound or pair.gone)
    lost = lost_version(card, feature, feature.version if pair.recalled is None else pair.recalled)
    # Versions never go back: what the card was told of is noticed once.
    version = max(lost or 0, feature.version)
    taken = replace(feature, properties={**feature.properties, **card.board}, version=version)
    placed = place_feature(card, taken, pair)
    asked = Asked(placed.check or (PLACE_LOST if lost else None), rules.district_of, besides.flying)
    merged = merge_shared(card, placed.feature, feature, replace(placed.pair, gone=False), asked)
    told_pair, told = tell_card(card, merged.feature, feature, merged.pair, besides.setter)
    shown = show_disputes(card, replace(told_pair, project_id=card.project_id), besides.disputes)
    silenced = {COMMENT_KEY} if pair.telling and not shown.pair.telling else set()
    return Decision(
        outcome=Outcome.MERGE if card.project_id == pair.project_id else Outcome.MOVE_PROJECT,
        feature=merged.feature,
        pair=shown.pair,
        wants=_wanted(card, feature, rules),
        effects=(*_link_effects(card, feature), *merged.effects, *told, *shown.effects),
        cancelled=merged.cancelled | shown.cancelled | silenced,
        clashes=shown.pair.clashing,
        lost=merged.lost,
        survivor=besides.survivor,
    )


def _leave(card: CardView, feature: Feature, pair: Pair, besides: Besides) -> Decision:
    """Outside the watched projects a card is none of ours: nothing of it is read, and nothing written on it."""
    pair = _standing(feature, pair)
    return Decision(
        outcome=Outcome.LEAVE,
        feature=replace(feature, properties={**feature.properties, "stage": None, "board": None}),
        pair=replace(pair, project_id=card.project_id, gone=False),
        wants=Visibility.HIDDEN,
        cancelled=frozenset({COMMENT_KEY, *map(effect_key, pair.owed), *hide_disputes(besides.disputes)}),
        clashes=_certain(pair),
        survivor=besides.survivor,
    )


def _wanted(card: CardView, feature: Feature, rules: Rules) -> Visibility:
    may = visibility_for(card.stage, watched=card.watched)
    keeps = feature.visibility is Visibility.PUBLIC
    return may if rules.publishing or keeps else Visibility.HIDDEN


def _link_effects(card: CardView, feature: Feature) -> tuple[Effect, ...]:
    if not card.strayed_link:
        return ()
    return (LINK,) if feature.published else (NO_LINK,)


def _decide_gone(card: CardGone, feature: Feature | None, pair: Pair | None, besides: Besides) -> Decision:
    if feature is None or pair is None:
        return Decision(Outcome.NOTHING)
    if not card.confirmed or feature.visibility is Visibility.RETIRED:
        return _rest(feature, pair)
    pair = _standing(feature, pair)
    clashes = _certain(pair)
    gone = Decision(Outcome.VANISH, feature, replace(pair, gone=True), Visibility.HIDDEN, clashes=clashes)
    hidden = pair.gone and feature.visibility is Visibility.HIDDEN
    if pair.rewound or _edit_owed(feature, pair, clashes) or any(each.reason == EDIT for each in besides.disputes):
        outcome = Outcome.NOTHING if hidden else Outcome.VANISH_WITH_EDIT
        return replace(gone, outcome=outcome, gone_clash=True)
    if not hidden:
        return gone
    if card.settled:
        return replace(gone, outcome=Outcome.RETIRE, wants=Visibility.RETIRED)
    return replace(gone, outcome=Outcome.NOTHING)


def _certain(pair: Pair) -> dict[str, Sides]:
    """The clashes that a reading of the card has shown."""
    return {name: sides for name, sides in pair.clashing.items() if name not in pair.doubted}


def _edit_owed(feature: Feature, pair: Pair, clashes: Mapping[str, Sides]) -> bool:
    """Whether a person's edit on the map has not reached the card yet: it is not agreed, or the card was not told."""
    edited = any(feature.properties.get(name) != pair.agreed.get(name) for name in _hand_set(feature))
    return edited or bool(clashes) or not is_told(feature, pair)


def _hand_set(feature: Feature) -> set[str]:
    """The fields whose present value a person may have set on the map."""
    names = set(names_owned(Owner.SHARED))
    if feature.properties.get(CHECK) in (TEXT_CHANGED, PLACEMENT_CHANGED, PLACE_LOST):
        names -= {CHECK}
    if feature.hand is Hand.CARD:
        names -= {"placement"}
    return names | ({"district"} if feature.properties.get("placement") == Placement.DISTRICT else set())
