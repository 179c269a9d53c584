"""The place between the card's text and the map: who may move it, when it is asked about, what the card is told."""

from __future__ import annotations

from dataclasses import replace

import pytest
import shapely

from sync_service.sync.decide import Besides, Rules, decide
from sync_service.sync.decision import LINK, EffectKind, Outcome
from sync_service.sync.place import (
    COMMENT_KEY,
    PLACEMENT_CHANGED,
    TEXT_CHANGED,
    WAITS_FOR_GEOCODER,
    hand_back,
    same_text,
    set_place,
)
from sync_service.sync.state import CardView, Feature, Owed, Pair, Setter
from sync_service.sync.values import Hand, Placement, Stage
from tests.builders import (
    HERE,
    PUBLISHING,
    THERE,
    both,
    carry_on,
    edit,
    make_card,
    make_place,
    owed_to,
    send,
    settle,
    with_lines,
    with_metadata,
)

SAYS_HERE = make_card(place=make_place("here", HERE))


def stands(feature: Feature) -> tuple[bytes | None, str]:
    return feature.geometry, str(feature.properties["placement"])


# --- the card's text -------------------------------------------------------------------------------------------------


def test_text_places_and_moves_until_the_map_does() -> None:
    card, feature, pair = settle(SAYS_HERE)
    assert stands(feature) == (HERE, "placed")
    _, moved, _ = carry_on(replace(card, place=make_place("there", THERE)), feature, pair)
    assert stands(moved) == (THERE, "placed")
    assert feature.hand is Hand.CARD


def test_text_that_names_no_place_any_more_takes_it_away() -> None:
    _, feature, _ = carry_on(make_card(place=make_place("gone", None, reason="nothing")), *settle(SAYS_HERE)[1:])
    assert stands(feature) == (None, "unplaced")
    assert feature.properties["place_reason"] == "nothing"


@pytest.mark.parametrize("placement", [Placement.CITYWIDE, Placement.DISTRICT, Placement.NONE])
def test_words_set_the_placement(placement: Placement) -> None:
    _, feature, pair = settle(make_card(place=make_place("words", None, placement=placement)))
    assert stands(feature) == (None, placement.value)
    assert pair.owed == {}, "the card's own words are not written back to it"


def test_text_as_last_read_changes_nothing() -> None:
    card, feature, pair = settle(SAYS_HERE)
    assert decide(replace(card, place=None), feature, pair, PUBLISHING).outcome is Outcome.NOTHING


# --- an address on its way through the geocoder ----------------------------------------------------------------------


def test_new_address_waits_unplaced() -> None:
    waiting = make_place("address", None, settled=False)
    decision = decide(make_card(place=waiting), None, None, PUBLISHING)
    feature, pair = both(decision)
    assert (stands(feature), feature.properties["place_reason"]) == ((None, "unplaced"), WAITS_FOR_GEOCODER)
    assert pair.place_text != waiting.digest, "it is asked about again"
    _, found, pair = carry_on(make_card(place=make_place("address", HERE)), feature, pair)
    assert (stands(found), pair.place_text) == ((HERE, "placed"), "address/rules")


def test_changed_address_does_not_leave_the_old_place_standing() -> None:
    _, feature, pair = settle(SAYS_HERE)
    waiting = make_card(place=make_place("address", None, settled=False))
    feature, pair = both(decide(waiting, feature, pair, PUBLISHING))
    assert stands(feature) == (None, "unplaced")
    again = decide(waiting, feature, pair, PUBLISHING)
    assert again.outcome is Outcome.NOTHING


def test_waiting_says_nothing_against_the_metadata() -> None:
    waiting = with_metadata(make_card(place=make_place("address", settled=False)), placement="citywide")
    card, feature, pair = settle(waiting)
    assert (stands(feature), card.metadata["placement"]) == ((None, "citywide"), "citywide")
    assert decide(card, feature, pair, PUBLISHING).outcome is Outcome.NOTHING


def test_same_address_keeps_its_place_while_new_layers_are_asked() -> None:
    _, feature, pair = settle(SAYS_HERE)
    waiting = replace(make_place("here", None, settled=False), digest="here/other rules")
    feature, pair = both(decide(make_card(place=waiting), feature, pair, PUBLISHING))
    assert stands(feature) == (HERE, "placed")
    assert same_text(pair.place_text, "here/rules")


# --- the map ---------------------------------------------------------------------------------------------------------


def test_place_set_on_the_map_stays_when_the_text_changes() -> None:
    card, feature, pair = settle(SAYS_HERE)
    card, feature, pair = carry_on(card, set_place(edit(feature), THERE), pair)
    card, feature, pair = carry_on(replace(card, place=make_place("elsewhere", HERE)), feature, pair)
    assert stands(feature) == (THERE, "placed")
    assert (feature.properties["place_check"], card.tagged) == (TEXT_CHANGED, True)


@pytest.mark.parametrize("settled", [True, False])
def test_changed_text_asks_once(settled: bool) -> None:
    card, feature, pair = settle(SAYS_HERE)
    card, feature, pair = carry_on(card, set_place(edit(feature), THERE), pair)
    card = replace(card, place=make_place("elsewhere", HERE if settled else None, settled=settled))
    card, feature, pair = carry_on(card, feature, pair)
    looked_at = replace(card, tagged=False)
    _, feature, pair = carry_on(looked_at, feature, pair)
    assert feature.properties["place_check"] is None
    assert (pair.clashing, pair.owed) == ({}, {})


def test_text_changed_and_tag_taken_off_at_once_asks_again() -> None:
    card, feature, pair = settle(SAYS_HERE)
    card, feature, pair = carry_on(card, set_place(edit(feature), THERE), pair)
    card, feature, pair = carry_on(replace(card, place=make_place("second", HERE)), feature, pair)
    card, feature, pair = carry_on(replace(card, tagged=False, place=make_place("third", HERE)), feature, pair)
    assert (feature.properties["place_check"], card.tagged) == (TEXT_CHANGED, True)


def test_new_layers_ask_nothing_of_a_place_set_on_the_map() -> None:
    card, feature, pair = settle(SAYS_HERE)
    card, feature, pair = carry_on(card, set_place(edit(feature), THERE), pair)
    relooked = replace(make_place("here", HERE), digest="here/other rules")
    _, feature, _ = carry_on(replace(card, place=relooked), feature, pair)
    assert (stands(feature), feature.properties["place_check"]) == ((THERE, "placed"), None)


@pytest.mark.parametrize("text", ["here", "there"])
def test_place_cleared_on_the_map_stays_cleared(text: str) -> None:
    card, feature, pair = settle(SAYS_HERE)
    card, feature, pair = carry_on(card, set_place(edit(feature), None), pair)
    relooked = replace(make_place(text, HERE), digest=f"{text}/other rules")
    _, feature, _ = carry_on(replace(card, place=relooked), feature, pair)
    assert stands(feature) == (None, "unplaced")


def test_place_handed_back_is_the_cards_again() -> None:
    card, feature, pair = settle(SAYS_HERE)
    card, feature, pair = carry_on(card, set_place(edit(feature), THERE), pair)
    card, feature, pair = carry_on(card, *hand_back(edit(feature), pair))
    assert (stands(feature), feature.hand) == ((HERE, "placed"), Hand.CARD)
    _, feature, pair = carry_on(replace(card, place=make_place("gone")), feature, pair)
    assert (stands(feature), pair.owed) == ((None, "unplaced"), {})


def test_placement_set_on_the_map_reaches_the_metadata() -> None:
    card, feature, pair = settle(SAYS_HERE)
    decision = decide(card, set_place(edit(feature), None, Placement.CITYWIDE), pair, PUBLISHING)
    assert both(decision)[1].owed["placement"] == Owed(None, "citywide")
    card, feature, pair = carry_on(card, *both(decision))
    assert card.metadata["placement"] == "citywide"
    assert stands(feature) == (None, "citywide")


def test_geometry_has_the_last_word_over_a_stale_placement() -> None:
    card, feature, pair = settle(make_card())
    drawn = replace(edit(feature), geometry=HERE, hand=Hand.MAP)
    assert stands(both(decide(card, drawn, pair, PUBLISHING))[0]) == (HERE, "placed")


# --- the card's metadata ---------------------------------------------------------------------------------------------


def test_metadata_takes_a_place_of_the_text_away_for_good() -> None:
    card, feature, pair = settle(SAYS_HERE)
    card, feature, pair = carry_on(with_metadata(card, placement="citywide"), feature, pair)
    assert stands(feature) == (None, "citywide")
    relooked = replace(make_place("here", HERE), digest="here/other rules")
    _, feature, _ = carry_on(replace(card, place=relooked), feature, pair)
    assert stands(feature) == (None, "citywide")


def test_metadata_takes_no_place_of_the_map_away_but_asks() -> None:
    card, feature, pair = settle(SAYS_HERE)
    card, feature, pair = carry_on(card, set_place(edit(feature), THERE), pair)
    card, feature, pair = carry_on(with_metadata(card, placement="citywide"), feature, pair)
    assert (stands(feature), feature.properties["place_check"]) == ((THERE, "placed"), PLACEMENT_CHANGED)
    assert (card.metadata["placement"], card.tagged) == ("placed", True)
    _, feature, _ = carry_on(replace(card, tagged=False), feature, pair)
    assert feature.properties["place_check"] is None


def test_metadata_cannot_place() -> None:
    card, feature, pair = settle(make_card())
    card, feature, pair = carry_on(with_metadata(card, placement="placed"), feature, pair)
    assert stands(feature) == (None, "unplaced")
    assert card.metadata["placement"] == "unplaced"


def test_words_changed_after_metadata_are_obeyed_and_written() -> None:
    card, feature, pair = settle(SAYS_HERE)
    card, feature, pair = carry_on(with_metadata(card, placement="citywide"), feature, pair)
    card, feature, _ = carry_on(replace(card, place=make_place("there", THERE)), feature, pair)
    assert (stands(feature), card.metadata["placement"]) == ((THERE, "placed"), "placed")


# --- the district ----------------------------------------------------------------------------------------------------

JOINS = Rules(publishing=True, district_of=lambda _: "Комсомольский")
DISTRICTWIDE = make_card(place=make_place("words", None, placement=Placement.DISTRICT))


def test_district_of_a_placed_proposal_is_computed() -> None:
    card, feature, pair = settle(with_lines(SAYS_HERE, district="Центральный"), JOINS)
    assert feature.properties["district"] == "Комсомольский"
    card, feature, pair = carry_on(card, edit(feature, district="Мой"), pair, JOINS)
    assert (feature.properties["district"], pair.owed) == ("Комсомольский", {})
    assert settle(with_lines(SAYS_HERE, district="Центральный"))[1].properties["district"] == "Центральный"


def test_district_is_shared_while_the_placement_is_district() -> None:
    card, feature, pair = settle(with_lines(DISTRICTWIDE, district="Центральный"), JOINS)
    assert feature.properties["district"] == "Центральный"
    card, feature, pair = carry_on(card, edit(feature, district="Автозаводский"), pair, JOINS)
    assert card.metadata["district"] == "Автозаводский"
    _, feature, pair = carry_on(with_metadata(card, district="Комсомольский"), feature, pair, JOINS)
    assert feature.properties["district"] == "Комсомольский"
    assert pair.clashing == {}


def test_district_edited_on_both_sides_clashes() -> None:
    card, feature, pair = settle(with_lines(DISTRICTWIDE, district="Центральный"))
    _, _, pair = carry_on(with_lines(card, district="Северный"), edit(feature, district="Южный"), pair)
    assert set(pair.clashing) == {"district"}


def test_words_that_make_it_a_districts_take_the_cards_district() -> None:
    card, feature, pair = settle(SAYS_HERE, JOINS)
    words = make_place("words", None, placement=Placement.DISTRICT)
    card, feature, pair = carry_on(with_lines(replace(card, place=words), district="Центральный"), feature, pair, JOINS)
    assert (feature.properties["district"], pair.clashing) == ("Центральный", {})


def test_map_that_makes_it_a_districts_names_it() -> None:
    card, feature, pair = settle(with_lines(SAYS_HERE, district="Центральный"), JOINS)
    whole = edit(set_place(feature, None, Placement.DISTRICT), district="Автозаводский")
    card, feature, pair = carry_on(card, whole, pair, JOINS)
    assert (card.metadata["district"], feature.properties["district"]) == ("Автозаводский", "Автозаводский")


# --- telling the card ------------------------------------------------------------------------------------------------


def test_card_is_told_once_per_place_and_until_it_is_read_back() -> None:
    card, feature, pair = settle(SAYS_HERE)
    told = decide(card, set_place(edit(feature), THERE), pair, PUBLISHING)
    comment = owed_to(told)[COMMENT_KEY]
    assert (comment.kind, comment.body["text"]) == (EffectKind.COMMENT, "place_placed")
    again = decide(card, *both(told), PUBLISHING)
    assert (again.outcome, owed_to(again)[COMMENT_KEY]) == (Outcome.NOTHING, comment)
    heard = decide(send(card, comment), *both(again), PUBLISHING)
    assert COMMENT_KEY not in owed_to(heard)
    assert COMMENT_KEY in heard.cancelled
    deleted = decide(card, *both(heard), PUBLISHING)
    assert COMMENT_KEY not in owed_to(deleted), "a comment a person deleted is not written again"


def test_place_set_again_where_it_once_was_is_told_again() -> None:
    card, feature, pair = settle(make_card())
    for place in (HERE, THERE, HERE, THERE):
        card, feature, pair = carry_on(card, set_place(edit(feature), place), pair)
    assert len(card.heard) == 4


def test_place_put_back_before_the_card_was_told_is_not_told() -> None:
    card, feature, pair = settle(make_card())
    card, feature, pair = carry_on(card, set_place(edit(feature), HERE), pair)
    moved = both(decide(card, set_place(edit(feature), THERE), pair, PUBLISHING))
    back = decide(card, set_place(edit(moved[0]), HERE), moved[1], PUBLISHING)
    assert COMMENT_KEY not in owed_to(back)
    assert COMMENT_KEY in back.cancelled


def test_clearing_is_told_as_such() -> None:
    card, feature, pair = settle(SAYS_HERE)
    decision = decide(card, set_place(edit(feature), None), pair, PUBLISHING)
    assert owed_to(decision)[COMMENT_KEY].body["text"] == "place_unplaced"


def test_what_the_cards_own_text_says_is_not_told() -> None:
    assert COMMENT_KEY not in owed_to(decide(replace(SAYS_HERE, stage=Stage.APPROVED), None, None, PUBLISHING))


def test_comment_says_where_by_whom_and_by_what() -> None:
    card, feature, pair = settle(SAYS_HERE, JOINS)
    besides = Besides(setter=Setter("editor", "qgis"))
    body = owed_to(decide(card, set_place(edit(feature), THERE), pair, JOINS, besides=besides))[COMMENT_KEY].body
    assert (body["where"], body["who"], body["source"]) == ("53.51000, 49.40000, Комсомольский", "editor", "qgis")


def test_comment_names_a_point_of_a_line_or_area() -> None:
    card, feature, pair = settle(make_card())
    area = shapely.to_wkb(shapely.box(49.2, 53.4, 49.4, 53.6))
    body = owed_to(decide(card, set_place(edit(feature), area), pair, PUBLISHING))[COMMENT_KEY].body
    assert body["where"] == "53.50000, 49.30000"


def test_a_place_set_again_brings_the_link_back_when_it_was_public() -> None:
    card, feature, pair = settle(make_card(Stage.APPROVED))
    moved = set_place(edit(feature), THERE)
    assert "link" not in owed_to(decide(card, moved, pair, PUBLISHING))
    assert owed_to(decide(card, replace(moved, published=True), pair, PUBLISHING))["link"] == LINK


def test_card_is_not_told_what_it_has_said_itself() -> None:
    card, feature, pair = carry_on(*cleared())
    said = with_metadata(card, placement="citywide")
    decision = decide(said, feature, pair, PUBLISHING)
    assert both(decision)[0].properties["placement"] == "citywide"
    assert COMMENT_KEY not in owed_to(decision)
    assert decide(said, *both(decision), PUBLISHING).outcome is Outcome.NOTHING


def cleared() -> tuple[CardView, Feature, Pair]:
    card, feature, pair = settle(SAYS_HERE)
    return card, set_place(edit(feature), None), pair
