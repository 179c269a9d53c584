"""The decision table: what must be done to one proposal, row by row, and the rules that keep edits.

Each row says what is there – card, feature, pair – and what is decided. "At rest" is a proposal whose sides are equal.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from sync_service.sync.decide import Bearer, Besides, Rules, decide, renew_card, retire_gone
from sync_service.sync.decision import LINK, NO_LINK, Decision, EffectKind, Outcome
from sync_service.sync.disputes import CLASH_TAG, EDIT, FIELDS, TAG_KEY, dispute_key
from sync_service.sync.doubt import doubt_agreed
from sync_service.sync.merge import ASKED, acknowledge
from sync_service.sync.place import COMMENT_KEY, TEXT_CHANGED, set_place
from sync_service.sync.state import CardRef, Dispute, Owed, Sides
from sync_service.sync.values import PUBLIC_STAGES, Hand, Stage, Visibility
from tests.builders import (
    HERE,
    NOTHING_BESIDES,
    PUBLISHING,
    REF,
    THERE,
    both,
    carry_on,
    edit,
    make_card,
    make_feature,
    make_gone,
    make_pair,
    make_place,
    owed_to,
    send,
    settle,
    with_lines,
    with_metadata,
)

if TYPE_CHECKING:
    from sync_service.sync.state import CardGone, CardView, Feature, Pair

PUBLIC, HIDDEN, RETIRED = Visibility.PUBLIC, Visibility.HIDDEN, Visibility.RETIRED
CARD, FEATURE, PAIR = settle(with_lines(make_card(Stage.APPROVED), address="Мира, 1", horizon=2030))
ALONE = settle(make_card())
DRAWN = replace(
    set_place(make_feature(address="Мира, 9", stage="proposed", description="Тень и скамьи"), HERE), guid="drawn"
)
MADE = make_card(reference="drawn")
MADE = replace(MADE, board={**MADE.board, "description": DRAWN.properties["description"]})
EDITED = edit(FEATURE, horizon=2040)
OUTSIDE = replace(CARD, watched=False, project_id="9", board={**CARD.board, "stage": None, "board": None}, stage=None)
DUPLICATE = replace(CARD, stage=Stage.CLOSED, board={**CARD.board, "stage": Stage.CLOSED}, duplicates=("8",))
DISPUTE = Dispute("c1", EDIT)


@dataclass(frozen=True)
class Row:
    card: CardView | CardGone | None
    feature: Feature | None
    pair: Pair | None
    outcome: Outcome
    wants: Visibility
    effects: frozenset[str] = frozenset()
    bearer: Bearer = Bearer.NOBODY
    besides: Besides = NOTHING_BESIDES


def row(row_id: str, *parts: Any, **more: Any) -> Any:
    return pytest.param(Row(*parts, **more), id=row_id)


TABLE = [
    row("nothing at all", None, None, None, Outcome.NOTHING, HIDDEN),
    row("new card: feature", make_card(), None, None, Outcome.CREATE_FEATURE, HIDDEN),
    row("new card, approved: public feature", make_card(Stage.APPROVED), None, None, Outcome.CREATE_FEATURE, PUBLIC),
    row("new card elsewhere: nothing", OUTSIDE, None, None, Outcome.NOTHING, HIDDEN),
    row("drawn feature: card", None, DRAWN, None, Outcome.CREATE_CARD, HIDDEN, frozenset({"card"})),
    row(
        "drawn feature that was retired: nothing",
        None,
        replace(DRAWN, visibility=RETIRED),
        None,
        Outcome.NOTHING,
        RETIRED,
    ),
    row("paired feature, card not read: nothing", None, FEATURE, PAIR, Outcome.NOTHING, PUBLIC),
    row(
        "card with the guid of an unpaired feature: adopt",
        *(MADE, DRAWN, None, Outcome.ADOPT, HIDDEN, frozenset({"metadata:address", "metadata:placement", COMMENT_KEY})),
        bearer=Bearer.UNPAIRED,
    ),
    row(
        "card with a guid paired elsewhere: a new proposal",
        *(
            replace(MADE, strayed_link=True),
            None,
            None,
            Outcome.NEW_FROM_COPY,
            HIDDEN,
            frozenset({"reference", "link"}),
        ),
        bearer=Bearer.PAIRED,
    ),
    row("both there, at rest: nothing", CARD, FEATURE, PAIR, Outcome.NOTHING, PUBLIC),
    row(
        "both there, the card bears a guid paired elsewhere: it loses it",
        *(CARD, FEATURE, PAIR, Outcome.NOTHING, PUBLIC, frozenset({"reference"})),
        bearer=Bearer.PAIRED,
    ),
    row("both there, the board edited", with_lines(CARD, horizon=2035), FEATURE, PAIR, Outcome.MERGE, PUBLIC),
    row("both there, the map edited", CARD, EDITED, PAIR, Outcome.MERGE, PUBLIC, frozenset({"metadata:horizon"})),
    row(
        "both there, both edited: the card shows it",
        *(with_lines(CARD, horizon=2035), EDITED, PAIR, Outcome.MERGE, PUBLIC, frozenset({TAG_KEY})),
    ),
    row(
        "an open clash of edits on the map: the card shows and says it",
        *(CARD, FEATURE, PAIR, Outcome.MERGE, PUBLIC, frozenset({TAG_KEY, dispute_key("c1")})),
        besides=Besides(disputes=(DISPUTE,)),
    ),
    row(
        "our tag without a clash: taken off",
        *(replace(CARD, disputed=True), FEATURE, PAIR, Outcome.MERGE, PUBLIC, frozenset({TAG_KEY})),
    ),
    row(
        "closed as a duplicate: leads to the survivor",
        *(DUPLICATE, FEATURE, PAIR, Outcome.JOIN, HIDDEN),
        besides=Besides(survivor="the other"),
    ),
    row(
        "a duplicate at rest: nothing",
        *settle(DUPLICATE),
        *(Outcome.NOTHING, HIDDEN),
        besides=Besides(survivor="the other", leads_to="the other"),
    ),
    row(
        "no duplicate any more: stands for itself",
        *(CARD, FEATURE, PAIR, Outcome.PART, PUBLIC),
        besides=Besides(leads_to="the other"),
    ),
    row(
        "back after its proposal was given another card: a proposal of its own",
        *(make_card(), None, None, Outcome.CREATE_FEATURE, HIDDEN),
        bearer=Bearer.RETURNED,
    ),
    row(
        "back before its proposal was given another card: adopt",
        *(make_card(), replace(DRAWN, guid=REF.guid), None, Outcome.ADOPT, HIDDEN),
        frozenset({"metadata:address", "metadata:placement", COMMENT_KEY}),
        bearer=Bearer.UNPAIRED,
    ),
    row(
        "gone with an open clash of edits on the map: hide, clash",
        *(make_gone(), FEATURE, PAIR, Outcome.VANISH_WITH_EDIT, HIDDEN),
        besides=Besides(disputes=(DISPUTE,)),
    ),
    row("moved to another watched project", replace(CARD, project_id="2"), FEATURE, PAIR, Outcome.MOVE_PROJECT, PUBLIC),
    row("outside the watched projects: hide, keep", OUTSIDE, FEATURE, PAIR, Outcome.LEAVE, HIDDEN),
    row("gone, not confirmed: nothing", make_gone(confirmed=False), FEATURE, PAIR, Outcome.NOTHING, PUBLIC),
    row("gone: hide", make_gone(), FEATURE, PAIR, Outcome.VANISH, HIDDEN),
    row(
        "gone, seen for the first time by a full sweep: hide only",
        make_gone(settled=True),
        FEATURE,
        PAIR,
        Outcome.VANISH,
        HIDDEN,
    ),
    row(
        "gone, hidden since: wait",
        *(make_gone(), replace(FEATURE, visibility=HIDDEN), replace(PAIR, gone=True), Outcome.NOTHING, HIDDEN),
    ),
    row(
        "still gone at a full sweep: retire",
        *(make_gone(settled=True), replace(FEATURE, visibility=HIDDEN), replace(PAIR, gone=True)),
        *(Outcome.RETIRE, RETIRED),
    ),
    row(
        "still gone, but its hiding waits for a person: no retirement",
        *(make_gone(settled=True), FEATURE, replace(PAIR, gone=True), Outcome.VANISH, HIDDEN),
    ),
    row(
        "gone and retired: nothing",
        make_gone(settled=True),
        replace(FEATURE, visibility=RETIRED),
        PAIR,
        Outcome.NOTHING,
        RETIRED,
    ),
    row("gone with a person's edit owed: hide, clash", make_gone(), EDITED, PAIR, Outcome.VANISH_WITH_EDIT, HIDDEN),
    row(
        "still gone with a person's edit owed: never retired",
        *(
            make_gone(settled=True),
            replace(EDITED, visibility=HIDDEN),
            replace(PAIR, gone=True),
            Outcome.NOTHING,
            HIDDEN,
        ),
    ),
    row("gone, never known: nothing", make_gone(), None, None, Outcome.NOTHING, HIDDEN),
]


@pytest.mark.parametrize("given", TABLE)
def test_table(given: Row) -> None:
    decision = decide(given.card, given.feature, given.pair, PUBLISHING, bearer=given.bearer, besides=given.besides)
    assert (decision.outcome, decision.wants) == (given.outcome, given.wants)
    assert owed_to(decision).keys() == given.effects


def test_every_outcome_has_a_row() -> None:
    assert {param.values[0].outcome for param in TABLE} == set(Outcome)


def test_a_pair_without_its_feature_is_refused() -> None:
    for card in (CARD, make_gone()):
        with pytest.raises(ValueError, match="has no feature"):
            decide(card, None, PAIR, PUBLISHING)


# --- the gate --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", [None, *Stage])
@pytest.mark.parametrize("was", [PUBLIC, HIDDEN, RETIRED])
@pytest.mark.parametrize("publishing", [True, False])
def test_gate(stage: Stage | None, was: Visibility, publishing: bool) -> None:
    decision = decide(make_card(stage), replace(FEATURE, visibility=was), PAIR, Rules(publishing))
    public = stage in PUBLIC_STAGES and (publishing or was is PUBLIC)
    assert decision.wants is (PUBLIC if public else HIDDEN)


def test_a_card_that_came_back_leaves_its_retirement() -> None:
    decision = decide(CARD, replace(FEATURE, visibility=RETIRED), replace(PAIR, gone=True), PUBLISHING)
    assert (decision.wants, both(decision)[1].gone) == (PUBLIC, False)


# --- cards made, adopted, copied, moved ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stage", "expected"),
    [("proposed", "proposed"), ("approved", "approved"), ("done", "proposed"), (None, "proposed")],
)
def test_card_for_a_drawn_feature(stage: str | None, expected: str) -> None:
    decision = decide(None, edit(DRAWN, stage=stage, title="  "), None, PUBLISHING)
    assert dict(owed_to(decision)["card"].body) == {
        "stage": expected,
        "title": "drawn",
        "description": "Тень и скамьи",
        "reference": "drawn",
        "start": None,
        "due": None,
    }


@pytest.mark.parametrize(
    "card",
    [
        pytest.param(MADE, id="as we made it"),
        pytest.param(replace(MADE, place=make_place("words", THERE)), id="its text names another place"),
        pytest.param(
            replace(MADE, place=make_place("address", settled=False)), id="its address waits for the geocoder"
        ),
        pytest.param(with_lines(MADE, address="Ленина, 4"), id="its text has another address"),
    ],
)
def test_adopting_neither_moves_nor_relabels(card: CardView) -> None:
    decision = decide(card, DRAWN, None, PUBLISHING, bearer=Bearer.UNPAIRED)
    feature, pair = both(decision)
    assert (feature.guid, feature.geometry, feature.hand) == ("drawn", HERE, Hand.MAP)
    assert (feature.properties["address"], feature.properties["place_check"]) == ("Мира, 9", None)
    assert pair.owed["address"] == Owed(None, "Мира, 9")
    assert "card" in decision.cancelled
    assert pair.clashing == {}
    card, feature, pair = carry_on(card, feature, pair)
    assert (card.metadata["address"], feature.properties["address"]) == ("Мира, 9", "Мира, 9")


def test_what_was_emptied_is_not_filled_because_somebody_was_at_another_line() -> None:
    emptied = edit(DRAWN, address=None, horizon=None, summary="Тень и скамьи")
    touched = replace(MADE, board={**MADE.board, "description": "Адрес: Мира, 9\nГоризонт: 2045"})
    card = with_lines(touched, address="Мира, 9", horizon=2045)
    known = Besides(drawn={"address": "Мира, 9", "horizon": 2040})
    decision = decide(card, emptied, None, PUBLISHING, bearer=Bearer.UNPAIRED, besides=known)
    feature, pair = both(decision)
    assert (feature.properties["address"], pair.owed["address"]) == (None, Owed(None, None))
    assert pair.clashing["horizon"] == Sides(2040, 2045, None)


def test_text_that_nobody_has_read_is_asked_about_once_the_map_has_set_the_place() -> None:
    unplaced = replace(edit(DRAWN, placement="unplaced"), geometry=None, hand=Hand.CARD)
    away = replace(MADE, watched=False, project_id="9", board={**MADE.board, "description": "Место: там"})
    card = replace(away, place=make_place("words", THERE))
    feature, pair = both(decide(card, unplaced, None, PUBLISHING, bearer=Bearer.UNPAIRED))
    back = replace(card, watched=True, project_id=MADE.project_id)
    placed, _ = both(decide(back, set_place(feature, HERE), pair, PUBLISHING))
    assert (placed.geometry, placed.properties["place_check"]) == (HERE, TEXT_CHANGED)


def test_adopting_reads_lines_the_feature_has_no_word_for() -> None:
    decision = decide(with_lines(MADE, horizon=2045), DRAWN, None, PUBLISHING, bearer=Bearer.UNPAIRED)
    assert both(decision)[0].properties["horizon"] == 2045


@pytest.mark.parametrize(
    "card", [make_gone(), make_gone(confirmed=False), OUTSIDE], ids=["gone", "perhaps gone", "outside"]
)
def test_clash_without_a_card_follows_the_map(card: CardView | CardGone) -> None:
    pair = replace(PAIR, clashing={"horizon": Sides(2030, 2035, 2040)})
    decision = decide(card, edit(FEATURE, horizon=2041), pair, PUBLISHING)
    assert decision.clashes["horizon"] == Sides(2030, 2035, 2041)


def test_new_card_for_one_that_is_gone_does_not_fill_what_was_emptied() -> None:
    emptied = edit(DRAWN, address=None, summary="Тень и скамьи")
    decision = decide(with_lines(MADE, address="Мира, 9"), emptied, None, PUBLISHING, bearer=Bearer.UNPAIRED)
    feature, pair = both(decision)
    assert (feature.properties["address"], pair.owed["address"]) == (None, Owed(None, None))
    card, feature, _ = carry_on(with_lines(MADE, address="Мира, 9"), feature, pair)
    assert (card.metadata["address"], feature.properties["address"]) == (None, None)


def test_what_is_emptied_after_a_card_was_made_with_it_is_written_on_the_card() -> None:
    card = with_lines(MADE, address="Мира, 9")
    feature, pair = both(decide(card, DRAWN, None, PUBLISHING, bearer=Bearer.UNPAIRED))
    assert "address" not in pair.owed, "the line says it"
    feature, pair = both(decide(card, edit(feature, address=None), pair, PUBLISHING))
    assert pair.owed["address"] == Owed(None, None)


def test_what_was_emptied_before_its_card_was_read_stands_against_what_somebody_set_there() -> None:
    card = with_metadata(MADE, address="Ленина, 4")
    known = Besides(emptied={"address": "Мира, 9"})
    feature, pair = both(
        decide(card, edit(DRAWN, address=None), None, PUBLISHING, bearer=Bearer.UNPAIRED, besides=known)
    )
    assert feature.properties["address"] is None
    assert pair.clashing["address"] == Sides("Мира, 9", "Ленина, 4", None)


def test_card_that_comes_back_says_what_it_says_and_not_what_was_settled_while_it_was_away() -> None:
    settled = replace(PAIR, gone=True, agreed={**PAIR.agreed, "address": "Мира, 9"}, lines={"address": "Ленина, 4"})
    card = with_lines(CARD, address="Ленина, 4")
    _, pair = both(decide(card, edit(FEATURE, address="Мира, 9"), settled, PUBLISHING))
    assert (pair.clashing["address"].theirs, pair.clashing["address"].mine) == ("Ленина, 4", "Мира, 9")


def test_adopting_asks_about_a_text_that_somebody_was_at_before_us() -> None:
    edited = replace(MADE, board={**MADE.board, "description": "Тень\nАдрес: Ленина, 4"})
    feature, pair = both(
        decide(with_lines(edited, address="Ленина, 4"), DRAWN, None, PUBLISHING, bearer=Bearer.UNPAIRED)
    )
    assert (feature.properties["address"], pair.clashing["address"]) == ("Мира, 9", Sides(None, "Ленина, 4", "Мира, 9"))
    moved = replace(edited, place=make_place("words", THERE))
    feature, _ = both(decide(moved, DRAWN, None, PUBLISHING, bearer=Bearer.UNPAIRED))
    assert (feature.geometry, feature.properties["place_check"]) == (HERE, TEXT_CHANGED)
    unplaced = replace(DRAWN, geometry=None, hand=Hand.CARD, properties={**DRAWN.properties, "placement": "unplaced"})
    assert both(decide(moved, unplaced, None, PUBLISHING, bearer=Bearer.UNPAIRED))[0].geometry == THERE


def test_a_copy_is_its_own_proposal() -> None:
    original = with_metadata(make_card(reference="drawn", strayed_link=True), address="Мира, 9", placement="placed")
    decision = decide(original, None, None, PUBLISHING, bearer=Bearer.PAIRED)
    feature, pair = both(decision)
    assert feature.guid == REF.guid
    assert (feature.properties["address"], feature.properties["placement"]) == ("Мира, 9", "unplaced")
    assert owed_to(decision)["reference"].body == {"reference": ""}
    assert owed_to(decision)["link"] == NO_LINK
    assert pair.clashing == {}


@pytest.mark.parametrize(("published", "effect"), [(True, LINK), (False, NO_LINK)])
def test_a_strayed_link_is_corrected(published: bool, effect: object) -> None:
    decision = decide(replace(CARD, strayed_link=True), replace(FEATURE, published=published), PAIR, PUBLISHING)
    assert owed_to(decision)["link"] == effect


def test_another_project_is_remembered() -> None:
    feature, pair = both(decide(replace(CARD, project_id="2"), FEATURE, PAIR, PUBLISHING))
    assert (pair.project_id, feature.guid) == ("2", FEATURE.guid)


def test_outside_nothing_is_read_and_nothing_written() -> None:
    owing = both(decide(CARD, EDITED, PAIR, PUBLISHING))
    foreign = replace(with_lines(OUTSIDE, address="чужое"), place=make_place("there", THERE), strayed_link=True)
    decision = decide(foreign, *owing, PUBLISHING)
    feature, pair = both(decision)
    assert decision.effects == ()
    assert "metadata:horizon" in decision.cancelled
    assert (feature.properties["address"], feature.geometry, feature.properties["stage"]) == ("Мира, 1", None, None)
    assert (pair.owed, pair.project_id) == (owing[1].owed, "9")
    back = decide(CARD, feature, pair, PUBLISHING)
    assert owed_to(back)["metadata:horizon"].body["target"] == 2040
    assert (back.outcome, back.wants) == (Outcome.MOVE_PROJECT, PUBLIC)


def test_outside_and_at_rest_there() -> None:
    decision = decide(OUTSIDE, FEATURE, PAIR, PUBLISHING)
    feature, pair = both(decision)
    assert decide(OUTSIDE, replace(feature, visibility=HIDDEN), pair, PUBLISHING).outcome is Outcome.NOTHING


# --- clashes shown on the card ---------------------------------------------------------------------------------------


def disputed(*disputes: Dispute) -> Besides:
    return Besides(disputes=disputes)


def test_a_clash_is_told_once_and_its_comment_not_written_again() -> None:
    besides = disputed(DISPUTE)
    first = decide(CARD, FEATURE, PAIR, PUBLISHING, besides=besides)
    again = decide(CARD, *both(first), PUBLISHING, besides=besides)
    assert again.effects == first.effects
    card = send(CARD, *again.effects)
    heard = decide(card, *both(again), PUBLISHING, besides=besides)
    assert (heard.effects, heard.cancelled) == ((), frozenset({TAG_KEY, dispute_key("c1")}))
    deleted = decide(replace(card, heard=frozenset()), *both(heard), PUBLISHING, besides=besides)
    assert (deleted.outcome, deleted.effects, deleted.cancelled) == (Outcome.NOTHING, (), frozenset())


def test_each_clash_is_told_and_the_tag_is_one() -> None:
    other = Dispute("c2", "duplicate")
    owed = owed_to(decide(CARD, FEATURE, PAIR, PUBLISHING, besides=disputed(DISPUTE, other)))
    assert owed.keys() == {TAG_KEY, dispute_key("c1"), dispute_key("c2")}
    assert owed[TAG_KEY].body == {"tag": CLASH_TAG, "present": True}


def test_a_moderator_who_takes_the_tag_off_has_resolved_nothing() -> None:
    card, feature, pair = carry_on(CARD, FEATURE, PAIR, besides=disputed(DISPUTE))
    assert card.disputed
    decision = decide(replace(card, disputed=False), feature, pair, PUBLISHING, besides=disputed(DISPUTE))
    assert owed_to(decision).keys() == {TAG_KEY}


def test_the_tag_goes_with_the_last_clash() -> None:
    card, feature, pair = carry_on(CARD, FEATURE, PAIR, besides=disputed(DISPUTE))
    decision = decide(card, feature, pair, PUBLISHING)
    assert owed_to(decision)[TAG_KEY].body["present"] is False
    card, _, pair = carry_on(card, *both(decision))
    assert (card.disputed, pair.voiced, pair.tagging) == (False, (), False)


def test_a_clash_of_fields_is_shown_while_the_fields_clash() -> None:
    feature, pair = both(clashing())
    told = disputed(Dispute("c3", FIELDS))
    assert dispute_key("c3") in owed_to(decide(with_lines(CARD, horizon=2035), feature, pair, PUBLISHING, besides=told))
    ended = decide(with_lines(CARD, horizon=2040), feature, pair, PUBLISHING, besides=told)
    assert (owed_to(ended), ended.clashes) == ({}, {})


def test_outside_the_card_is_shown_nothing() -> None:
    owing = both(decide(CARD, FEATURE, PAIR, PUBLISHING, besides=disputed(DISPUTE)))
    decision = decide(OUTSIDE, *owing, PUBLISHING, besides=disputed(DISPUTE))
    assert decision.effects == ()
    assert {TAG_KEY, dispute_key("c1")} <= decision.cancelled


# --- duplicates ------------------------------------------------------------------------------------------------------


def test_a_duplicate_says_where_it_leads_as_long_as_it_is_one() -> None:
    besides = Besides(survivor="the other", leads_to="the other")
    for decision in (
        decide(DUPLICATE, FEATURE, PAIR, PUBLISHING, besides=Besides(survivor="the other")),
        decide(DUPLICATE, FEATURE, PAIR, PUBLISHING, besides=besides),
        decide(replace(DUPLICATE, watched=False), FEATURE, PAIR, PUBLISHING, besides=besides),
    ):
        assert decision.survivor == "the other"
    assert decide(CARD, FEATURE, PAIR, PUBLISHING, besides=Besides(leads_to="the other")).survivor is None


def test_a_duplicate_leads_elsewhere_when_its_card_says_so() -> None:
    besides = Besides(survivor="the third", leads_to="the other")
    decision = decide(DUPLICATE, FEATURE, PAIR, PUBLISHING, besides=besides)
    assert (decision.outcome, decision.survivor) == (Outcome.JOIN, "the third")


# --- gone ------------------------------------------------------------------------------------------------------------

GONE_EDITS = [
    pytest.param(EDITED, PAIR, id="not agreed"),
    pytest.param(*both(decide(CARD, EDITED, PAIR, PUBLISHING)), id="owed"),
    pytest.param(edit(FEATURE, address=None), PAIR, id="cleared"),
    pytest.param(*both(decide(with_lines(CARD, horizon=2035), EDITED, PAIR, PUBLISHING)), id="clashing"),
    pytest.param(set_place(edit(FEATURE), HERE), PAIR, id="placed"),
    pytest.param(*both(decide(CARD, set_place(edit(FEATURE), HERE), PAIR, PUBLISHING)), id="placed, not read back"),
    pytest.param(edit(FEATURE, place_check="нет такого дома"), PAIR, id="place questioned by a person"),
]


@pytest.mark.parametrize(("feature", "pair"), GONE_EDITS)
def test_gone_with_an_edit_is_a_clash_and_hidden_for_ever(feature: Feature, pair: Pair) -> None:
    for settled in (False, True, True):
        decision = decide(make_gone(settled=settled), feature, pair, PUBLISHING)
        assert (decision.gone_clash, decision.wants) == (True, HIDDEN)
        assert decision.clashes == pair.clashing, "what clashed before clashes still"
        feature, pair = both(decision)
        feature = replace(feature, visibility=decision.wants)


NO_EDITS = [
    pytest.param(FEATURE, PAIR, id="at rest"),
    pytest.param(*settle(make_card(place=make_place("here", HERE)))[1:], id="placed by its text"),
    pytest.param(*both(decide(with_lines(CARD, horizon=2035), FEATURE, PAIR, PUBLISHING)), id="edited on the board"),
    pytest.param(
        *both(decide(with_lines(with_metadata(CARD, horizon=2030), horizon=2035), FEATURE, PAIR, PUBLISHING)),
        id="metadata behind an edited line",
    ),
    pytest.param(edit(FEATURE, place_check=TEXT_CHANGED), PAIR, id="place questioned by us"),
    pytest.param(*carry_on(CARD, EDITED, PAIR)[1:], id="edit read back"),
    pytest.param(*carry_on(CARD, set_place(edit(FEATURE), HERE), PAIR)[1:], id="place told"),
]


@pytest.mark.parametrize(("feature", "pair"), NO_EDITS)
def test_gone_without_an_edit_is_no_clash(feature: Feature, pair: Pair) -> None:
    decision = decide(make_gone(), feature, pair, PUBLISHING)
    assert (decision.gone_clash, decision.wants) == (False, HIDDEN)


def test_an_edit_reverted_after_the_card_went_is_a_clash_no_more() -> None:
    gone, pair = both(decide(make_gone(), EDITED, PAIR, PUBLISHING))
    reverted = replace(edit(gone, horizon=2030), visibility=HIDDEN)
    assert decide(make_gone(settled=True), reverted, pair, PUBLISHING).outcome is Outcome.RETIRE


@pytest.mark.parametrize(
    ("stage", "expected"), [("in_progress", "approved"), ("rejected", "proposed"), (None, "proposed")]
)
def test_gone_is_resolved_by_a_new_card(stage: str | None, expected: str) -> None:
    feature, _ = both(decide(make_gone(), EDITED, PAIR, PUBLISHING))
    decision = renew_card(edit(feature, stage=stage, card_id="7", card_url="https://…", due="2027-05-01"))
    assert (decision.outcome, decision.pair) == (Outcome.CREATE_CARD, None)
    body = owed_to(decision)["card"].body
    assert (body["stage"], body["reference"], body["due"]) == (expected, feature.guid, "2027-05-01")
    assert decision.feature is not None
    assert [decision.feature.properties[name] for name in ("card_id", "card_url", "board")] == [None] * 3
    card = make_card(reference=feature.guid, ref=CardRef(REF.board, "8", REF.created + 5))
    card, renewed, pair = carry_on(card, *both(adopted(card, decision.feature)))
    assert (renewed.guid, renewed.properties["horizon"], card.metadata["horizon"]) == (feature.guid, 2040, 2040)
    assert (pair.card.id, pair.clashing) == ("8", {})


def adopted(card: CardView, feature: Feature) -> Decision:
    return decide(card, feature, None, PUBLISHING, bearer=Bearer.UNPAIRED)


@pytest.mark.parametrize(("feature", "pair"), GONE_EDITS)
def test_gone_is_resolved_by_retiring(feature: Feature, pair: Pair) -> None:
    decision = retire_gone(*both(decide(make_gone(), feature, pair, PUBLISHING)))
    assert (decision.outcome, decision.wants, decision.effects) == (Outcome.RETIRE, RETIRED, ())
    feature, pair = both(decision)
    after = decide(make_gone(settled=True), replace(feature, visibility=RETIRED), pair, PUBLISHING)
    assert (after.outcome, after.gone_clash, after.wants) == (Outcome.NOTHING, False, RETIRED)


# --- the card's two channels -----------------------------------------------------------------------------------------


def test_lines_are_read_first() -> None:
    assert (FEATURE.properties["address"], FEATURE.properties["horizon"]) == ("Мира, 1", 2030)
    assert PAIR.owed == {}


def test_metadata_of_a_card_never_read_is_newer_than_its_line() -> None:
    feature, pair = settle(with_metadata(with_lines(make_card(), horizon=2030), horizon=2050))[1:]
    assert (feature.properties["horizon"], pair.clashing) == (2050, {})


def test_unchanged_line_says_nothing_against_metadata() -> None:
    card, feature, pair = carry_on(CARD, EDITED, PAIR)
    assert (card.lines["horizon"], card.metadata["horizon"]) == (2030, 2040)
    assert decide(card, feature, pair, PUBLISHING).outcome is Outcome.NOTHING


def test_edited_line_wins_over_older_metadata_which_follows() -> None:
    synced = carry_on(CARD, EDITED, PAIR)
    card = with_lines(synced[0], horizon=2055)
    decision = decide(card, *synced[1:], PUBLISHING)
    assert both(decision)[0].properties["horizon"] == 2055
    assert owed_to(decision)["metadata:horizon"].body == {
        "field": "horizon",
        "expected": 2040,
        "target": 2055,
        "spoken": True,
    }
    card, feature, pair = carry_on(card, *both(decision))
    assert (card.metadata["horizon"], feature.properties["horizon"], pair.agreed["horizon"]) == (2055, 2055, 2055)


def test_line_that_a_restored_board_lacks_leaves_the_word_to_its_metadata() -> None:
    older = with_metadata(make_card(), horizon=2040)
    _, feature, pair = carry_on(with_lines(older, horizon=2055), *settle(older)[1:])
    decision = decide(older, feature, doubt_agreed(feature, pair), PUBLISHING)
    assert decision.clashes == {"horizon": Sides(2055, 2040, 2055)}
    feature, pair = both(decision)
    feature, pair = edit(feature, horizon=2040), acknowledge(pair, {"horizon": 2040})
    assert "metadata:horizon" not in owed_to(decide(older, feature, pair, PUBLISHING)), "what the card says already"


def test_line_taken_off_a_restored_card_is_taken_off() -> None:
    synced = carry_on(CARD, EDITED, PAIR)
    card, feature, pair = carry_on(with_lines(synced[0], horizon=2055), *synced[1:])
    decision = decide(with_lines(card, horizon=None), feature, doubt_agreed(feature, pair), PUBLISHING)
    assert decision.clashes == {"horizon": Sides(2055, None, 2055)}


def test_older_metadata_is_replaced_only_when_read_back() -> None:
    synced = carry_on(CARD, EDITED, PAIR)
    card = with_lines(synced[0], horizon=2055)
    following = both(decide(card, *synced[1:], PUBLISHING))
    assert decide(card, *following, PUBLISHING).outcome is Outcome.NOTHING
    decision = decide(with_lines(card, horizon=2040), *following, PUBLISHING)
    assert (both(decision)[0].properties["horizon"], decision.clashes) == (2040, {})


def test_edited_line_beside_an_edit_on_its_way_is_a_clash_that_keeps_the_line() -> None:
    synced = carry_on(CARD, EDITED, PAIR)
    owing = both(decide(synced[0], edit(synced[1], horizon=2041), synced[2], PUBLISHING))
    card = with_lines(synced[0], horizon=2055)
    clashing = both(decide(card, *owing, PUBLISHING))
    again = both(decide(card, *clashing, PUBLISHING))
    assert again[1].clashing == {"horizon": Sides(2040, 2055, 2041)}


def test_line_that_says_what_was_owed_once_is_no_echo_of_ours() -> None:
    feature, pair = both(decide(CARD, EDITED, PAIR, PUBLISHING))
    decision = decide(with_lines(CARD, horizon=2040), edit(feature, horizon=2030), pair, PUBLISHING)
    assert both(decision)[0].properties["horizon"] == 2040


def test_map_that_comes_to_say_what_older_metadata_says_is_agreed() -> None:
    synced = carry_on(CARD, EDITED, PAIR)
    card = with_lines(synced[0], horizon=2055)
    feature, pair = both(decide(card, *synced[1:], PUBLISHING))
    decision = decide(card, edit(feature, horizon=2040), pair, PUBLISHING)
    assert (both(decision)[1].agreed["horizon"], decision.effects, decision.clashes) == (2040, (), {})


def test_metadata_taken_off_leaves_the_word_to_the_line() -> None:
    card, feature, pair = settle(with_metadata(with_lines(make_card(), horizon=2030), horizon=2050))
    _, feature, _ = carry_on(replace(card, metadata={}), feature, pair)
    assert feature.properties["horizon"] == 2030


def test_cleared_on_the_map_is_written_as_cleared() -> None:
    card, feature, pair = carry_on(CARD, edit(FEATURE, horizon=None), PAIR)
    assert (card.metadata["horizon"], pair.agreed["horizon"]) == (None, None)
    assert decide(card, feature, pair, PUBLISHING).outcome is Outcome.NOTHING


# --- rule 1: what is owed --------------------------------------------------------------------------------------------


def test_agreed_moves_only_when_read_back() -> None:
    owing = both(decide(CARD, EDITED, PAIR, PUBLISHING))
    assert (owing[1].agreed["horizon"], owing[1].owed) == (2030, {"horizon": Owed(None, 2040)})
    read = both(decide(with_metadata(CARD, horizon=2040), *owing, PUBLISHING))
    assert (read[1].agreed["horizon"], read[1].owed) == (2040, {})


def test_read_back_cancels_what_is_left_in_the_outbox() -> None:
    owing = both(decide(CARD, EDITED, PAIR, PUBLISHING))
    assert "metadata:horizon" in decide(with_metadata(CARD, horizon=2040), *owing, PUBLISHING).cancelled


def test_revert_cancels() -> None:
    feature, pair = both(decide(CARD, EDITED, PAIR, PUBLISHING))
    decision = decide(CARD, edit(feature, horizon=2030), pair, PUBLISHING)
    assert (decision.effects, decision.cancelled) == ((), frozenset({"metadata:horizon"}))


def test_what_is_owed_is_said_again_until_the_card_has_it() -> None:
    first = decide(CARD, EDITED, PAIR, PUBLISHING)
    again = decide(CARD, *both(first), PUBLISHING)
    assert (again.outcome, again.effects) == (Outcome.NOTHING, first.effects)


FLYING = frozenset({"metadata:horizon"})
TAG_FLYING = Besides(flying=frozenset({"tag:place_check"}))


@pytest.mark.parametrize("later", [2030, 2041], ids=["reverted", "edited again"])
def test_a_write_under_way_is_no_edit_of_a_person(later: int) -> None:
    feature, pair = both(decide(CARD, EDITED, PAIR, PUBLISHING))
    feature = edit(feature, horizon=later)
    feature, pair = both(decide(CARD, feature, pair, PUBLISHING, besides=Besides(flying=FLYING)))
    landed = with_metadata(CARD, horizon=2040)
    decision = decide(landed, feature, pair, PUBLISHING)
    assert both(decision)[0].properties["horizon"] == later
    assert both(decision)[1].clashing == {}
    assert owed_to(decision)["metadata:horizon"].body == {
        "field": "horizon",
        "expected": 2040,
        "target": later,
        "spoken": True,
    }


def test_a_write_under_way_is_not_owed_anew_by_a_card_that_may_have_it_or_not() -> None:
    """Somebody took the metadata off that it is to replace: what it expects stays what it was."""
    spoken = with_metadata(CARD, horizon=2030)
    feature, pair = both(decide(spoken, FEATURE, PAIR, PUBLISHING))
    first = decide(spoken, edit(feature, horizon=2040), pair, PUBLISHING)
    assert owed_to(first)["metadata:horizon"].body["spoken"] is True
    feature, pair = both(first)
    assert "metadata:horizon" not in owed_to(decide(CARD, feature, pair, PUBLISHING, besides=Besides(flying=FLYING)))


def test_a_write_under_way_holds_up_only_its_own_field() -> None:
    feature, pair = both(decide(CARD, EDITED, PAIR, PUBLISHING))
    card = with_lines(CARD, address="Мира, 2", horizon=2055)
    feature, pair = both(decide(card, feature, pair, PUBLISHING, besides=Besides(flying=FLYING)))
    assert (feature.properties["address"], feature.properties["horizon"]) == ("Мира, 2", 2040)
    feature, pair = both(decide(with_metadata(card, horizon=2040), feature, pair, PUBLISHING))
    assert pair.clashing["horizon"].theirs == 2055, "the line edited meanwhile is not forgotten"


def test_changed_text_asks_though_the_tag_is_under_way() -> None:
    card, feature, pair = settle(make_card(place=make_place("here", HERE)))
    card, feature, pair = carry_on(card, set_place(edit(feature), THERE), pair)
    card = replace(card, place=make_place("elsewhere"))
    feature, pair = both(decide(card, feature, pair, PUBLISHING, besides=TAG_FLYING))
    card, feature, _ = carry_on(card, feature, pair)
    assert (feature.properties["place_check"], card.tagged) == (TEXT_CHANGED, True)


def test_our_own_tag_is_no_question_of_a_moderator() -> None:
    """The place was found right before it was seen that the tag had arrived; and the other way round."""
    card, feature, pair = settle(make_card(place=make_place("here", HERE)))
    card, feature, pair = carry_on(card, set_place(edit(feature), THERE), pair)
    asked = decide(replace(card, place=make_place("elsewhere")), feature, pair, PUBLISHING)
    feature, pair = both(asked)
    tagged = replace(card, place=make_place("elsewhere"), tagged=True)
    found_right = decide(tagged, edit(feature, place_check=None), pair, PUBLISHING)
    assert owed_to(found_right)["tag:place_check"].body["present"] is False
    feature, pair = both(found_right)
    assert feature.properties["place_check"] is None
    untagged = replace(tagged, tagged=False)
    feature, _ = both(decide(untagged, edit(feature, place_check=TEXT_CHANGED), pair, PUBLISHING))
    assert feature.properties["place_check"] == TEXT_CHANGED


# --- rule 4: an old form posted again --------------------------------------------------------------------------------


def test_replaced_value_seen_again_is_a_clash() -> None:
    card, feature, pair = carry_on(with_metadata(CARD, horizon=2030), EDITED, PAIR)
    decision = decide(with_metadata(card, horizon=2030), feature, pair, PUBLISHING)
    assert decision.clashes == {"horizon": Sides(2040, 2030, 2040)}
    assert both(decision)[0].properties["horizon"] == 2040


# --- clashes ---------------------------------------------------------------------------------------------------------


def clashing() -> Decision:
    return decide(with_lines(CARD, horizon=2035), EDITED, PAIR, PUBLISHING)


def test_a_clash_keeps_both_sides_and_owes_nothing() -> None:
    decision = clashing()
    assert decision.clashes == {"horizon": Sides(2030, 2035, 2040)}
    assert (both(decision)[0].properties["horizon"], set(owed_to(decision))) == (2040, {TAG_KEY})


def test_a_clash_blocks_only_its_own_field() -> None:
    feature, pair = both(clashing())
    card = with_lines(make_card(Stage.DONE), horizon=2035, address="Мира, 3")
    decision = decide(card, edit(feature, cadastral_number="63:09:0101:1"), pair, PUBLISHING)
    merged = both(decision)[0].properties
    assert (merged["address"], merged["stage"], decision.wants) == ("Мира, 3", Stage.DONE, PUBLIC)
    assert owed_to(decision).keys() == {"metadata:cadastral_number", TAG_KEY}
    assert decision.clashes.keys() == {"horizon"}


def test_stage_and_visibility_follow_the_board_while_clashing() -> None:
    feature, pair = both(clashing())
    decision = decide(with_lines(make_card(Stage.REJECTED), horizon=2035), feature, pair, PUBLISHING)
    assert decision.wants is HIDDEN


def test_a_clash_ends_when_both_say_the_same() -> None:
    feature, pair = both(clashing())
    decision = decide(with_lines(CARD, horizon=2035), edit(feature, horizon=2035), pair, PUBLISHING)
    assert (decision.clashes, both(decision)[1].agreed["horizon"]) == ({}, 2035)


def test_board_fields_are_the_boards() -> None:
    decision = decide(CARD, edit(FEATURE, title="Моё"), PAIR, PUBLISHING)
    assert both(decision)[0].properties["title"] == "Сквер"


# --- the place to check ----------------------------------------------------------------------------------------------


def test_place_to_check_is_a_tag() -> None:
    card, feature, pair = ALONE
    decision = decide(card, edit(feature, place_check="нет такого дома"), pair, PUBLISHING)
    assert owed_to(decision)["tag:place_check"].kind is EffectKind.TAG
    card, feature, pair = carry_on(card, *both(decision))
    assert card.tagged
    card, feature, pair = carry_on(replace(card, tagged=False), feature, pair)
    assert (feature.properties["place_check"], pair.clashing) == (None, {})
    card, feature, pair = carry_on(replace(card, tagged=True), feature, pair)
    assert feature.properties["place_check"] == ASKED
    card, feature, pair = carry_on(card, edit(feature, place_check=None), pair)
    assert not card.tagged


def test_sending_brings_rest() -> None:
    feature, pair = set_place(edit(EDITED, address=None, cadastral_number="63:09:0101:1"), HERE), PAIR
    decision = decide(CARD, feature, pair, PUBLISHING)
    read = decide(send(CARD, *decision.effects), *both(decision), PUBLISHING)
    assert (read.effects, both(read)[1].owed) == ((), {})


def test_a_fresh_pair_remembers_nothing() -> None:
    assert decide(make_card(), make_feature(), make_pair(), PUBLISHING).clashes == {}
