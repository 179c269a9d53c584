"""Small makers of the values that tests are about, each with defaults that stand for an ordinary proposal at rest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import shapely

from sync_service.sync.decide import Besides, Rules, decide
from sync_service.sync.decision import Decision, Effect, EffectKind
from sync_service.sync.disputes import CLASH_TAG
from sync_service.sync.state import CardGone, CardPlace, CardRef, CardView, Feature, Pair
from sync_service.sync.values import Hand, Placement, Stage, Value, Visibility

BOARD = "6f1f3a52-0d7e-4b0a-9f3c-0d2f5a1c9b11"
REF = CardRef(BOARD, "7", 1_700_000_000)
PUBLISHING = Rules(publishing=True)
NOTHING_BESIDES = Besides()
HERE = shapely.to_wkb(shapely.Point(49.3461, 53.5303))
THERE = shapely.to_wkb(shapely.Point(49.4, 53.51))


def make_card(stage: Stage | None = Stage.PROPOSED, **changes: Any) -> CardView:
    """A card of the watched project, its text saying nothing of the place."""
    card = CardView(
        ref=REF,
        project_id="1",
        watched=True,
        stage=stage,
        board={"title": "Сквер", "description": "", "stage": stage, "board": "Предложения"},
        lines={"address": None, "horizon": None, "cadastral_number": None, "district": None},
        place=make_place(),
    )
    return replace(card, **changes)


def make_place(text: str = "nothing", geometry: bytes | None = None, **changes: Any) -> CardPlace:
    """What a card's text says of the place: nothing, or a geometry."""
    placement = Placement.UNPLACED if geometry is None else Placement.PLACED
    return replace(CardPlace(f"{text}/rules", settled=True, placement=placement, geometry=geometry), **changes)


def with_lines(card: CardView, **lines: Value) -> CardView:
    """The card, with these labelled lines edited by a moderator."""
    return replace(card, lines={**card.lines, **lines})


def with_metadata(card: CardView, **metadata: Value) -> CardView:
    """The card, with these fields of its metadata set."""
    return replace(card, metadata={**card.metadata, **metadata})


def make_feature(geometry: bytes | None = None, hand: Hand = Hand.CARD, **properties: Value) -> Feature:
    """A hidden feature; with a geometry it is placed."""
    placement = Placement.UNPLACED if geometry is None else Placement.PLACED
    said: dict[str, Value] = {"title": "Сквер", "placement": placement.value}
    return Feature(REF.guid, {**said, **properties}, geometry, hand, None, Visibility.HIDDEN)


def make_pair(**changes: Any) -> Pair:
    """A pair that remembers nothing yet."""
    return replace(Pair(REF.guid, REF, "1"), **changes)


def make_gone(*, settled: bool = False, confirmed: bool = True) -> CardGone:
    """A card that was looked up and is not there."""
    return CardGone(REF, confirmed=confirmed, settled=settled)


def edit(feature: Feature, **properties: Value) -> Feature:
    """A person edits these properties on the map."""
    return replace(feature, properties={**feature.properties, **properties}, version=feature.version + 1)


def settle(card: CardView, rules: Rules = PUBLISHING) -> tuple[CardView, Feature, Pair]:
    """The card read for the first time, with the feature and pair that came of it, at rest."""
    return carry_on(card, *both(decide(card, None, None, rules)), rules)


def carry_on(
    card: CardView, feature: Feature, pair: Pair, rules: Rules = PUBLISHING, *, besides: Besides = NOTHING_BESIDES
) -> tuple[CardView, Feature, Pair]:
    """Decide, let the board have what is owed and read it back, until there is nothing left to do."""
    for _ in range(5):
        decision = decide(card, feature, pair, rules, besides=besides)
        feature, pair = both(decision)
        feature = replace(feature, visibility=decision.wants)
        if not decision.effects:
            break
        card = send(card, *decision.effects)
    return card, feature, pair


def send(card: CardView, *effects: Effect) -> CardView:
    """The card after these effects have reached the board."""
    for effect in effects:
        body = effect.body
        if effect.kind is EffectKind.METADATA:
            card = with_metadata(card, **{str(body["field"]): body["target"]})
        elif effect.kind is EffectKind.TAG:
            present = bool(body["present"])
            card = replace(card, disputed=present) if body["tag"] == CLASH_TAG else replace(card, tagged=present)
        elif effect.kind is EffectKind.COMMENT:
            card = replace(card, heard=card.heard | {str(body["marker"])})
        elif effect.kind in (EffectKind.LINK, EffectKind.NO_LINK):
            card = replace(card, strayed_link=False)
    return card


def both(decision: Decision) -> tuple[Feature, Pair]:
    """The feature and the pair of a decision that has both."""
    assert decision.feature is not None
    assert decision.pair is not None
    return decision.feature, decision.pair


def owed_to(decision: Decision) -> dict[str, Effect]:
    """A decision's effects by key."""
    return {effect.key: effect for effect in decision.effects}
