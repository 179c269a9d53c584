"""Writing: by the state asked for, so that twice is once, and nothing that is not ours is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kanban_adapter.card import NewCard
from kanban_adapter.errors import Missing

if TYPE_CHECKING:
    from collections.abc import Callable

    from kanban_adapter.contract.harness import Harness

OURS = "https://map.example/board/cards/"


class WritingContract:
    """What writing must do, and do only once."""

    def test_create_is_once_per_reference(self, board: Harness) -> None:
        """A card whose reference is there is found, not made again, also when it is closed or elsewhere."""
        new = NewCard(board.project_id, board.column(1), "Новая", "Текст", "5c7bd1f0-0000-4000-8000-000000000001")
        card = board.adapter.create_card(new)
        board.hands.close_card(card)
        board.hands.drag_card(card, board.column(2))
        assert board.adapter.create_card(new) == card
        board.hands.move_project(card, board.second_id)
        assert board.adapter.create_card(new) == card
        assert len(board.adapter.listing().cards) == 1

    def test_create_needs_a_column_of_the_project(self, board: Harness) -> None:
        """A column of another project is missing here."""
        foreign = board.column(0, board.second_id)
        with pytest.raises(Missing):
            board.adapter.create_card(NewCard(board.project_id, foreign, "Новая", "", "ref-in-no-column"))
        assert board.adapter.find_reference("ref-in-no-column") == []

    @pytest.mark.parametrize("reference", ["none", "a*b", "100%", "guid_1", 'ка"вычки', "5C7BD1F0-aa"])
    def test_reference_is_found_exactly(self, board: Harness, reference: str) -> None:
        """Characters that mean something to a search find nothing else."""
        card, other = board.add("Эта"), board.add("Другая")
        board.adapter.set_reference(card, reference)
        board.adapter.set_reference(other, f"x{reference.lower()}x")
        assert board.adapter.find_reference(reference) == [card]
        assert board.adapter.find_reference("") == []

    def test_link_is_once(self, board: Harness) -> None:
        """One link of ours; a person's links stay; a changed address replaces the old one."""
        card = board.add()
        board.hands.add_link(card, "https://example.org/doc", "Документ")
        assert board.adapter.ensure_link(card, f"{OURS}1", "На карте", ours=OURS) is True
        assert board.adapter.ensure_link(card, f"{OURS}1", "На карте", ours=OURS) is False
        assert board.adapter.ensure_link(card, f"{OURS}2", "На карте", ours=OURS) is True
        assert sorted(link.url for link in board.card(card).links) == ["https://example.org/doc", f"{OURS}2"]

    def test_link_twins_are_removed(self, board: Harness) -> None:
        """Of several links of ours one is left, whoever doubled them."""
        card = board.add()
        for number in (1, 1, 2):
            board.hands.add_link(card, f"{OURS}{number}", "На карте")
        assert board.adapter.ensure_link(card, f"{OURS}1", "На карте", ours=OURS) is True
        assert [link.url for link in board.card(card).links] == [f"{OURS}1"]

    def test_links_are_dropped(self, board: Harness) -> None:
        """Only ours go."""
        card = board.add()
        board.hands.add_link(card, "https://example.org/doc", "Документ")
        board.adapter.ensure_link(card, f"{OURS}1", "На карте", ours=OURS)
        assert board.adapter.drop_links(card, ours=OURS) is True
        assert board.adapter.drop_links(card, ours=OURS) is False
        assert [link.url for link in board.card(card).links] == ["https://example.org/doc"]

    def test_comment_is_once(self, board: Harness) -> None:
        """One comment per marker, beside whatever people wrote."""
        card = board.add()
        board.hands.add_comment(card, "Когда?")
        for marker in ("e1", "e2"):
            text = f"Место изменено 🗺 [{marker}]"
            assert board.adapter.ensure_comment(card, text, marker=f"[{marker}]") is True
            assert board.adapter.ensure_comment(card, text, marker=f"[{marker}]") is False
        texts = [comment.text for comment in board.card(card).comments]
        assert texts == ["Когда?", "Место изменено 🗺 [e1]", "Место изменено 🗺 [e2]"]

    def test_quoted_comment_is_kept(self, board: Harness) -> None:
        """A person who quotes our comment has not doubled it."""
        card = board.add()
        board.adapter.ensure_comment(card, "Место изменено [e1]", marker="[e1]")
        board.hands.add_comment(card, "> Место изменено [e1]\nСпасибо")
        assert board.adapter.ensure_comment(card, "Место изменено [e1]", marker="[e1]") is False
        assert len(board.card(card).comments) == 2

    def test_metadata_is_merged(self, board: Harness) -> None:
        """Keys set stay beside others; the empty string clears; the same again changes nothing."""
        card = board.add()
        board.hands.set_metadata(card, {"theirs": "x"})
        assert board.adapter.set_metadata(card, {"a": "1", "b": "2"}) is True
        assert board.adapter.set_metadata(card, {"a": "1"}) is False
        assert board.adapter.set_metadata(card, {"a": "", "b": "3"}) is True
        assert board.adapter.set_metadata(card, {"a": ""}) is False
        assert dict(board.card(card).metadata) == {"theirs": "x", "b": "3"}

    def test_tag_leaves_others_alone(self, board: Harness) -> None:
        """A tag comes and goes among the others; letter case makes no second one."""
        card = board.add()
        board.hands.set_tags(card, ["Детям", "blocked"])
        assert board.adapter.set_tag(card, "проверить", present=True) is True
        assert board.adapter.set_tag(card, "проверить", present=True) is False
        assert board.adapter.set_tag(card, "BLOCKED", present=True) is False
        assert board.card(card).tags == {"Детям", "blocked", "проверить"}
        assert board.adapter.set_tag(card, "проверить", present=False) is True
        assert board.adapter.set_tag(card, "проверить", present=False) is False
        assert board.card(card).tags == {"Детям", "blocked"}

    def test_move_is_once(self, board: Harness) -> None:
        """A card moves, open or closed; where it already stands nothing happens."""
        card = board.add()
        assert board.adapter.move_card(card, board.column(2)) is True
        assert board.adapter.move_card(card, board.column(2)) is False
        assert board.card(card).column_id == board.column(2)
        board.hands.close_card(card)
        assert board.adapter.move_card(card, board.column(1)) is True
        assert board.card(card).column_id == board.column(1)

    def test_move_keeps_to_its_project(self, board: Harness) -> None:
        """A column of another project, or none, is missing, and the card stays."""
        card = board.add()
        for column in (board.column(0, board.second_id), "999999"):
            with pytest.raises(Missing):
                board.adapter.move_card(card, column)
        assert board.card(card).column_id == board.column(0)

    def test_close_is_once(self, board: Harness) -> None:
        """Closing and reopening, each once."""
        card = board.add()
        done = [board.adapter.set_closed(card, closed=state) for state in (False, True, True, False)]
        assert done == [False, True, False, True]
        assert board.card(card).closed is False

    def test_reference_is_set(self, board: Harness) -> None:
        """A reference is replaced, and can be taken away."""
        card = board.add()
        done = [board.adapter.set_reference(card, reference) for reference in ("guid-1", "guid-1", "", "")]
        assert done == [True, False, True, False]
        assert board.card(card).reference == ""

    def test_writes_to_a_missing_card(self, board: Harness) -> None:
        """Every write says that the card is gone, and other cards are not touched."""
        card, other = board.add(), board.add("Другая")
        column = board.column(1)
        detail = board.card(other).detail
        board.hands.remove_card(card)
        writes: list[Callable[[str], object]] = [
            lambda gone: board.adapter.ensure_link(gone, f"{OURS}1", "На карте", ours=OURS),
            lambda gone: board.adapter.drop_links(gone, ours=OURS),
            lambda gone: board.adapter.ensure_comment(gone, "[e1]", marker="[e1]"),
            lambda gone: board.adapter.set_metadata(gone, {"a": "1"}),
            lambda gone: board.adapter.set_tag(gone, "стоп", present=True),
            lambda gone: board.adapter.set_reference(gone, "guid-1"),
            lambda gone: board.adapter.move_card(gone, column),
            lambda gone: board.adapter.set_closed(gone, closed=True),
        ]
        for write in writes:
            for gone in (card, "999999", "не номер"):
                with pytest.raises(Missing):
                    write(gone)
        assert board.card(other).detail == detail

    def test_no_write_that_changes_nothing_is_seen(self, board: Harness) -> None:
        """Writes that find their state in place leave no trace in a listing."""
        card = board.add()
        board.adapter.set_reference(card, "guid-1")
        board.adapter.set_metadata(card, {"a": "1"})
        board.adapter.ensure_link(card, f"{OURS}1", "На карте", ours=OURS)
        listing, detail = board.adapter.listing(), board.card(card).detail
        board.next_second()
        board.adapter.set_reference(card, "guid-1")
        board.adapter.set_metadata(card, {"a": "1"})
        board.adapter.ensure_link(card, f"{OURS}1", "На карте", ours=OURS)
        board.adapter.move_card(card, board.column(0))
        board.adapter.set_closed(card, closed=False)
        assert board.adapter.listing() == listing
        assert board.card(card).detail == detail
