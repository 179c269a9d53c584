"""What holds for every decision and every course of events: the gate, rest, and that no edit is ever lost.

The machine has people at both sides, a board that is written late, twice or not at all, and readings that are believed
only while nothing newer was worked (tickets). Every edit has a value of its own, so that none hides behind another.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sync_service.sync.decide import Bearer, Besides, Rules, decide
from sync_service.sync.decision import Effect, EffectKind, Outcome
from sync_service.sync.place import hand_back, set_place
from sync_service.sync.state import CardGone, CardPlace, CardRef, CardView, Feature, Owed, Pair, Sides
from sync_service.sync.values import PUBLIC_STAGES, Hand, Placement, Stage, Value, Visibility
from tests.builders import (
    BOARD,
    HERE,
    PUBLISHING,
    REF,
    THERE,
    both,
    edit,
    make_card,
    make_place,
    send,
    settle,
    with_lines,
    with_metadata,
)

LINED = ("address", "horizon", "cadastral_number")
SHARED = (*LINED, "placement", "place_check")
PROFILE = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])

# --- any state at all ------------------------------------------------------------------------------------------------

VALUES = st.sampled_from([None, "a", "b", "c"])
PLACES = st.sampled_from([None, HERE, THERE])
WORDS = st.sampled_from([p.value for p in Placement])


def fields(names: tuple[str, ...], values: st.SearchStrategy[Value] = VALUES) -> st.SearchStrategy[dict[str, Value]]:
    return st.fixed_dictionaries({}, optional=dict.fromkeys(names, values))


@st.composite
def card_places(draw: st.DrawFn) -> CardPlace:
    geometry = draw(PLACES)
    placement = Placement.PLACED if geometry else draw(st.sampled_from([p for p in Placement if p != "placed"]))
    settled = draw(st.booleans()) or geometry is not None
    return CardPlace(draw(st.sampled_from(["a/1", "a/2", "b/1"])), settled, placement, geometry)


@st.composite
def cards(draw: st.DrawFn) -> CardView:
    stage = draw(st.none() | st.sampled_from(Stage))
    lines = {name: draw(VALUES) for name in (*LINED, "district")}
    return CardView(
        ref=REF,
        project_id=draw(st.sampled_from("12")),
        watched=draw(st.booleans()),
        stage=stage,
        board={"title": draw(st.text(max_size=3)), "stage": stage},
        lines=lines,
        metadata={**draw(fields((*LINED, "district"))), **draw(fields(("placement",), WORDS))},
        place=draw(st.none() | card_places()),
        tagged=draw(st.booleans()),
        heard=draw(st.frozensets(st.sampled_from(["x-1", "y-2"]))),
        strayed_link=draw(st.booleans()),
    )


@st.composite
def features(draw: st.DrawFn) -> Feature:
    geometry, hand = draw(PLACES), draw(st.sampled_from(Hand))
    shared = {name: draw(VALUES) for name in (*LINED, "district", "place_check")}
    placement = "placed" if geometry else draw(WORDS.filter(lambda word: word != "placed"))
    visibility = draw(st.sampled_from(Visibility))
    return Feature(REF.guid, {**shared, "placement": placement}, geometry, hand, None, visibility)


@st.composite
def pairs(draw: st.DrawFn) -> Pair:
    names = (*LINED, "district")
    owed = draw(st.dictionaries(st.sampled_from(names), st.builds(Owed, VALUES, VALUES)))
    clashing = draw(st.dictionaries(st.sampled_from(names), st.builds(Sides, VALUES, VALUES, VALUES)))
    return Pair(
        REF.guid,
        REF,
        draw(st.sampled_from("12")),
        agreed={**draw(fields((*names, "place_check"))), **draw(fields(("placement",), WORDS))},
        owed={name: value for name, value in owed.items() if name not in clashing},
        replaced=draw(fields(names)),
        lines=draw(fields(names)),
        noted=draw(fields(names)),
        clashing=clashing,
        place_text=draw(st.sampled_from([None, "a/1", "a/2", "a/?", "b/1"])),
        told=draw(st.sampled_from([None, "x"])),
        gone=draw(st.booleans()),
    )


ANYTHING = {"card": cards(), "feature": features(), "pair": pairs(), "publishing": st.booleans()}


@PROFILE
@given(**ANYTHING)
def test_gate_denies_by_default(card: CardView, feature: Feature, pair: Pair, publishing: bool) -> None:
    rules = Rules(publishing)
    for decision in (
        decide(card, feature, pair, rules),
        decide(card, None, None, rules),
        decide(card, None, None, rules, bearer=Bearer.PAIRED),
        decide(card, replace(feature, visibility=Visibility.HIDDEN), None, rules, bearer=Bearer.UNPAIRED),
        decide(CardGone(REF, confirmed=True), feature, pair, rules),
    ):
        if decision.wants is Visibility.PUBLIC:
            assert card.watched
            assert card.stage in PUBLIC_STAGES
            assert publishing or feature.visibility is Visibility.PUBLIC


@PROFILE
@given(**ANYTHING)
def test_deciding_again_finds_nothing(card: CardView, feature: Feature, pair: Pair, publishing: bool) -> None:
    rules = Rules(publishing)
    first = decide(card, feature, pair, rules)
    decided, new_pair = both(first)
    second = decide(card, replace(decided, visibility=first.wants), new_pair, rules)
    assert both(second) == (replace(decided, visibility=first.wants), new_pair)
    assert second.outcome is Outcome.NOTHING
    assert all(effect in first.effects for effect in second.effects), "only what was owed already is said again"


@PROFILE
@given(**ANYTHING)
def test_geometry_and_placement_agree(card: CardView, feature: Feature, pair: Pair, publishing: bool) -> None:
    decided = both(decide(replace(card, watched=True), feature, pair, Rules(publishing)))[0]
    assert (decided.geometry is not None) == (decided.properties["placement"] == "placed")


@PROFILE
@given(card=cards(), feature=features(), pair=pairs())
def test_a_place_of_the_map_is_never_moved(card: CardView, feature: Feature, pair: Pair) -> None:
    ours = replace(feature, hand=Hand.MAP)
    decided = both(decide(card, ours, pair, PUBLISHING))[0]
    assert (decided.geometry, decided.hand) == (ours.geometry, Hand.MAP)


@PROFILE
@given(card=cards(), feature=features(), pair=pairs())
def test_a_map_edit_is_in_the_feature_and_owed_or_agreed_or_clashing(
    card: CardView, feature: Feature, pair: Pair
) -> None:
    decided, new_pair = both(decide(replace(card, watched=True), feature, pair, PUBLISHING))
    for name in LINED:
        mine = feature.properties[name]
        if mine != pair.agreed.get(name) and name not in pair.owed:
            assert decided.properties[name] == mine
            agreed = new_pair.agreed[name] == mine
            assert agreed or name in new_pair.clashing or new_pair.owed[name].target == mine


@PROFILE
@given(card=cards(), feature=features(), pair=pairs())
def test_an_edited_line_is_in_the_feature_or_clashing(card: CardView, feature: Feature, pair: Pair) -> None:
    pair = replace(pair, gone=False)  # what a card says that came back with its board is older
    decided, new_pair = both(decide(replace(card, watched=True), feature, pair, PUBLISHING))
    for name in LINED:
        line = card.lines[name]
        if name in pair.lines and line not in (pair.lines[name], pair.agreed.get(name)):
            clash = new_pair.clashing.get(name)
            assert decided.properties[name] == line or (clash is not None and clash.theirs == line)


@PROFILE
@given(card=cards(), feature=features(), pair=pairs())
def test_a_clash_blocks_only_its_own_field(card: CardView, feature: Feature, pair: Pair) -> None:
    here = replace(card, watched=True)
    held = decide(here, feature, pair, PUBLISHING)
    free_pair = replace(pair, clashing={})
    free = decide(here, feature, free_pair, PUBLISHING)
    assert held.wants is free.wants
    for name in set(LINED) - pair.clashing.keys():
        assert both(held)[0].properties[name] == both(free)[0].properties[name]
        assert both(held)[1].owed.get(name) == both(free)[1].owed.get(name)


@PROFILE
@given(feature=features(), pair=pairs(), settled=st.booleans())
def test_gone_with_an_edit_owed_is_never_retired(feature: Feature, pair: Pair, settled: bool) -> None:
    live = replace(feature, visibility=Visibility.HIDDEN)
    decision = decide(CardGone(REF, confirmed=True, settled=settled), live, pair, PUBLISHING)
    edited = any(feature.properties[name] != pair.agreed.get(name) for name in LINED)
    if edited or pair.clashing:
        assert (decision.gone_clash, decision.wants) == (True, Visibility.HIDDEN)


@given(card=st.text(min_size=1, max_size=6), created=st.integers(0, 2**32))
def test_guid_is_of_the_card_alone(card: str, created: int) -> None:
    assert CardRef(BOARD, card, created).guid == CardRef(BOARD, card, created).guid


# --- two sides and a board that is slow ------------------------------------------------------------------------------


@dataclass
class Sending:
    """An effect somebody is sending: `done` when the board has it and only the note of it is missing."""

    effect: Effect
    done: bool = False


@dataclass
class Heard:
    """A reading of the card, and the last writing that had ended when its ticket was drawn."""

    card: CardView
    after: int


@dataclass
class World:
    """Board, store and outbox. `ended` numbers the writings that came to an end."""

    card: CardView
    feature: Feature
    pair: Pair
    outbox: dict[str, Effect] = field(default_factory=dict)
    sending: dict[str, Sending] = field(default_factory=dict)
    ended: int = 0

    def read(self) -> Heard:
        return Heard(self.card, self.ended)

    def work(self, heard: Heard) -> bool:
        """Decide by a reading, unless it is overtaken."""
        if heard.after < self.ended:
            return False
        decision = decide(
            heard.card, self.feature, self.pair, PUBLISHING, besides=Besides(flying=frozenset(self.sending))
        )
        feature, self.pair = both(decision)
        changed = feature != self.feature
        self.feature = replace(feature, visibility=decision.wants, version=self.feature.version + changed)
        for key in decision.cancelled:
            self.outbox.pop(key, None)
        self.outbox.update({effect.key: effect for effect in decision.effects})
        return True

    def claim(self, key: str) -> None:
        self.sending.setdefault(key, Sending(self.outbox[key]))

    def write(self, key: str) -> None:
        """The sender looks, and writes; neither expected nor wanted: it gives the effect up."""
        item = self.sending[key]
        if not self._outdated(item.effect):
            self.card = send(self.card, item.effect)
        item.done = True

    def _outdated(self, effect: Effect) -> bool:
        name = effect.body.get("field")
        present = self.card.metadata
        both_sides = (effect.body.get("expected"), effect.body.get("target"))
        return effect.kind is EffectKind.METADATA and name in present and present[str(name)] not in both_sides

    def end(self, key: str) -> None:
        """The sender notes the end; what replaced the effect meanwhile stays owed."""
        item = self.sending.pop(key)
        self.ended += 1
        if self.outbox.get(key) == item.effect and item.done:
            del self.outbox[key]

    def die(self, key: str) -> None:
        """The sender dies; its lease runs out, and the effect is sent again."""
        del self.sending[key]
        self.ended += 1

    def settle(self) -> None:
        """Everything comes to its end: no more edits, every writing gets through."""
        for _ in range(12):
            for key in list(self.sending):
                self.write(key)
                self.end(key)
            self.work(self.read())
            for key in list(self.outbox):
                self.claim(key)


class Bridge(RuleBasedStateMachine):
    """People edit both sides while writings are late, twice or lost."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.waiting: list[Heard] = []
        self.board_edits: dict[str, Value] = {}
        self.map_edits: dict[str, Value] = {}

    @initialize(metadata=st.booleans())
    def start(self, metadata: bool) -> None:
        card = with_lines(make_card(Stage.APPROVED), address="a0", horizon=2000)
        self.world = World(*settle(with_metadata(card, address="m0") if metadata else card))

    def fresh(self, name: str) -> Value:
        self.count += 1
        return 2000 + self.count if name == "horizon" else f"{name[0]}{self.count}"

    @rule(name=st.sampled_from(LINED), clear=st.booleans())
    def edit_map(self, name: str, clear: bool) -> None:
        value = None if clear else self.fresh(name)
        self.world.feature = edit(self.world.feature, **{name: value})
        self.map_edits[name] = value
        if value == self.world.pair.agreed.get(name):
            del self.map_edits[name]  # what both sides say already is no edit

    @rule(name=st.sampled_from(LINED))
    def revert_map(self, name: str) -> None:
        value = self.world.pair.agreed.get(name)
        self.world.feature = edit(self.world.feature, **{name: value})
        self.map_edits.pop(name, None)

    @rule(name=st.sampled_from(LINED))
    def edit_line(self, name: str) -> None:
        value = self.fresh(name)
        self.world.card = with_lines(self.world.card, **{name: value})
        self.board_edits[name] = value

    @rule(name=st.sampled_from(LINED))
    def edit_metadata(self, name: str) -> None:
        if self.board_edits.get(name) == self.world.card.lines[name]:
            return  # of two edits on the card between readings, the line is the one that counts
        value = self.fresh(name)
        self.world.card = with_metadata(self.world.card, **{name: value})
        self.board_edits[name] = value

    @rule()
    def toggle_tag(self) -> None:
        self.world.card = replace(self.world.card, tagged=not self.world.card.tagged)

    @rule(text=st.sampled_from(["a", "b", "c"]), geometry=PLACES)
    def edit_text(self, text: str, geometry: bytes | None) -> None:
        self.world.card = replace(self.world.card, place=make_place(f"{text}{geometry!r}", geometry))

    @rule(placement=WORDS)
    def edit_placement(self, placement: str) -> None:
        self.world.card = with_metadata(self.world.card, placement=placement)

    @rule(geometry=PLACES)
    def move(self, geometry: bytes | None) -> None:
        self.world.feature = set_place(edit(self.world.feature), geometry)

    @rule()
    def back(self) -> None:
        self.world.feature, self.world.pair = hand_back(edit(self.world.feature), self.world.pair)

    @rule()
    def read(self) -> None:
        self.waiting.append(self.world.read())

    @precondition(lambda self: self.waiting)
    @rule(keep=st.booleans())
    def work(self, keep: bool) -> None:
        heard = self.waiting[-1]
        if not keep:
            self.waiting.clear()  # what was read earlier is overtaken by this one's ticket
        flying = frozenset(self.world.sending)
        if self.world.work(heard):
            self.check(heard.card, flying)

    def check(self, card: CardView, flying: frozenset[str]) -> None:
        feature, pair = self.world.feature, self.world.pair
        for name in LINED:
            if f"metadata:{name}" in flying:
                continue
            clash = pair.clashing.get(name)
            stood = feature.properties.get(name)
            board = self.board_edits.get(name)
            if board is not None and board in (card.lines[name], card.metadata.get(name)):
                assert stood == board or (clash and clash.theirs == board), f"the board's {name} is lost"
                del self.board_edits[name]
            if name in self.map_edits:
                mine = self.map_edits.pop(name)
                assert stood == mine, f"the map's {name} is lost"
                owed = pair.owed.get(name)
                assert clash or pair.agreed[name] == mine or (owed and owed.target == mine)

    @precondition(lambda self: self.world.outbox)
    @rule(data=st.data())
    def claim(self, data: st.DataObject) -> None:
        self.world.claim(data.draw(st.sampled_from(sorted(self.world.outbox))))

    def at_work(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(sorted(self.world.sending)))

    @precondition(lambda self: self.world.sending)
    @rule(data=st.data())
    def write(self, data: st.DataObject) -> None:
        self.world.write(self.at_work(data))

    @precondition(lambda self: self.world.sending)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        self.world.end(self.at_work(data))

    @precondition(lambda self: self.world.sending)
    @rule(data=st.data())
    def die(self, data: st.DataObject) -> None:
        self.world.die(self.at_work(data))

    @invariant()
    def nothing_is_both_owed_and_clashing(self) -> None:
        assert not self.world.pair.owed.keys() & self.world.pair.clashing.keys()

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        self.world.settle()
        card, feature, pair = self.world.card, self.world.feature, self.world.pair
        assert (self.world.outbox, pair.owed) == ({}, {})
        assert decide(card, feature, pair, PUBLISHING).outcome is Outcome.NOTHING
        for name in set(LINED) - pair.clashing.keys():
            said = card.metadata.get(name, card.lines[name])
            assert feature.properties[name] == said, f"{name} differs at rest"
        assert card.tagged == (feature.properties["place_check"] is not None)
        assert (feature.geometry is not None) == (feature.properties["placement"] == "placed")
        if "placement" in card.metadata and "placement" not in pair.clashing:
            assert feature.properties["placement"] == card.metadata["placement"]


TestBridge = Bridge.TestCase
TestBridge.settings = settings(max_examples=80, stateful_step_count=30, deadline=None)
