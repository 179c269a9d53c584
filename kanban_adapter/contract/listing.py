"""Listings: complete, steady, and showing every change that is not declared hidden."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from kanban_adapter.card import Aspect, Relation
from kanban_adapter.errors import Missing, NotPermitted

if TYPE_CHECKING:
    from collections.abc import Callable

    from kanban_adapter.contract.harness import Harness


def _relate(board: Harness, card: str) -> None:
    board.hands.relate(card, Relation.IS_BLOCKED_BY, board.add("Мешает"))


CHANGES: dict[Aspect, Callable[[Harness, str], object]] = {
    Aspect.TITLE: lambda board, card: board.hands.edit_card(card, title="Иначе"),
    Aspect.DESCRIPTION: lambda board, card: board.hands.edit_card(card, description="Иначе"),
    Aspect.REFERENCE: lambda board, card: board.hands.edit_card(card, reference="по-другому"),
    Aspect.COLUMN: lambda board, card: board.hands.drag_card(card, board.column(1)),
    Aspect.DATES: lambda board, card: board.hands.edit_card(card, due=date(2031, 5, 1)),
    Aspect.STATE: lambda board, card: board.hands.close_card(card),
    Aspect.COLOR: lambda board, card: board.hands.edit_card(card, color="red"),
    Aspect.TAGS: lambda board, card: board.hands.set_tags(card, ["стоп"]),
    Aspect.METADATA: lambda board, card: board.hands.set_metadata(card, {"placecard_horizon": "2031"}),
    Aspect.LINKS: lambda board, card: board.hands.add_link(card, "https://example.org/a", "A"),
    Aspect.COMMENTS: lambda board, card: board.hands.add_comment(card, "Когда?"),
    Aspect.RELATED: _relate,
}


class ListingContract:
    """What a listing must tell."""

    def test_lists_every_watched_project(self, board: Harness) -> None:
        """Cards of all watched projects are listed, and of no other."""
        first = board.add()
        second = board.hands.add_card(board.second_id, board.column(0, board.second_id), "Второй")
        away = board.add("Чужой")
        board.hands.move_project(away, board.foreign_id)
        listing = board.adapter.listing()
        assert listing.complete
        assert {key: listed.project_id for key, listed in listing.cards.items()} == {
            first: board.project_id,
            second: board.second_id,
        }

    def test_lists_closed_cards(self, board: Harness) -> None:
        """A closed card is listed as closed, a reopened one as open."""
        closed, opened = board.add("Закрыта"), board.add("Открыта")
        board.hands.close_card(closed)
        board.hands.close_card(opened)
        board.hands.reopen_card(opened)
        listing = board.adapter.listing()
        assert (listing.cards[closed].closed, listing.cards[opened].closed) == (True, False)
        assert listing.doubled == frozenset()

    def test_two_listings_are_equal(self, board: Harness) -> None:
        """Reading and listing change nothing that a listing shows."""
        card = board.add("Ничего не меняется")
        before = board.adapter.listing()
        board.adapter.read([card])
        assert board.adapter.listing() == before

    def test_reading_and_listing_agree(self, board: Harness) -> None:
        """A card that was read carries the fingerprint, project and creation time it is listed with."""
        card = board.add("Одно и то же", "строка\r\nещё строка")
        listed, read = board.adapter.listing().cards[card], board.card(card)
        assert (listed.fingerprint, listed.created) == (read.fingerprint, read.created)
        assert (listed.project_id, listed.closed) == (read.project_id, read.closed)

    @pytest.mark.parametrize("aspect", CHANGES, ids=str)
    def test_change_is_seen_or_declared(self, board: Harness, aspect: Aspect) -> None:
        """A person's change shows in the listing unless declared blind, and in the card's detail in any case."""
        card = board.add()
        listed, detail = board.adapter.listing().cards[card], board.card(card).detail
        CHANGES[aspect](board, card)
        assert board.card(card).detail != detail
        seen = board.adapter.listing().cards[card].fingerprint != listed.fingerprint
        assert seen or aspect in board.adapter.capabilities.listing_blind

    def test_removed_card_is_not_listed(self, board: Harness) -> None:
        """A removed card is neither listed nor read; the others are."""
        gone, stays = board.add("Уйдёт"), board.add("Останется")
        board.hands.remove_card(gone)
        assert set(board.adapter.listing().cards) == {stays}
        reading = board.adapter.read([gone, stays])
        assert reading.cards[gone] is None
        assert reading.cards[stays] is not None

    def test_vanished_project_is_no_empty_project(self, board: Harness) -> None:
        """A watched project that vanished is an error everywhere, and never a listing without cards."""
        card = board.hands.add_card(board.second_id, board.column(0, board.second_id), "Пропадёт")
        board.hands.remove_project(board.second_id)
        asked: list[Callable[[], object]] = [
            board.adapter.listing,
            board.adapter.projects,
            board.adapter.columns,
            lambda: board.adapter.read([card]),
        ]
        for ask in asked:
            with pytest.raises((Missing, NotPermitted)):
                ask()

    def test_listing_costs_the_same_for_any_size(self, board: Harness) -> None:
        """The number of requests does not grow with the number of cards."""
        board.add()
        start = board.requests()
        board.adapter.listing()
        few = board.requests() - start
        board.fill(300)
        start = board.requests()
        assert len(board.adapter.listing().cards) == 301
        assert board.requests() - start == few
