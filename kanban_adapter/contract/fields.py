"""Fields: each comes back as it was written, and what cannot is refused before it is sent."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from kanban_adapter.card import NewCard
from kanban_adapter.errors import Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable

    from kanban_adapter.contract.harness import Harness

DATES = [date(1970, 1, 2), date(2023, 3, 26), date(2024, 2, 29), date(2055, 12, 31), date(2105, 1, 1)]
LETTER = "Ж"


class FieldContract:
    """What can be stored, and what is refused."""

    def new(self, board: Harness, **fields: object) -> NewCard:
        """A card to create."""
        blank = NewCard(board.project_id, board.column(), "Новая", "", "5c7bd1f0-0000-4000-8000-00000000000f")
        return replace(blank, **fields)  # type: ignore[arg-type]  # the tests name the fields

    def test_every_field_comes_back(self, board: Harness) -> None:
        """A card created is read as it was meant."""
        wanted = self.new(
            board,
            title="Сквер 🌳",
            description="Адрес: ул. Мира, 1\nГоризонт: 2031",
            start=date(2026, 5, 1),
            due=date(2031, 9, 30),
            tags=frozenset({"детям", "парк"}),
        )
        card = board.card(board.adapter.create_card(wanted))
        names = ("project_id", "column_id", "title", "description", "reference", "start", "due", "tags")
        assert {name: getattr(card, name) for name in names} == {name: getattr(wanted, name) for name in names}

    @pytest.mark.parametrize("day", DATES, ids=str)
    def test_dates_come_back(self, board: Harness, day: date) -> None:
        """A date written by us and one written by a person are read as that date."""
        ours = board.adapter.create_card(self.new(board, due=day))
        assert (board.card(ours).start, board.card(ours).due) == (None, day)
        theirs = board.add()
        board.hands.edit_card(theirs, due=day)
        assert board.card(theirs).due == day

    def test_absent_is_none(self, board: Harness) -> None:
        """What was never set is None, and what was taken away too."""
        card = board.add()
        blank = board.card(card)
        assert (blank.start, blank.due, blank.responsible, blank.category) == (None, None, None, None)
        assert (blank.reference, blank.description) == ("", "")
        board.hands.edit_card(card, due=date(2031, 1, 1))
        board.hands.edit_card(card, due=None)
        assert board.card(card).due is None

    def test_limits_are_what_they_say(self, board: Harness) -> None:
        """As long as the limit comes back whole."""
        limits = board.adapter.capabilities
        name, value = "n" * (limits.max_metadata_name or 500), LETTER * (limits.max_metadata_value or 5000)
        card = board.adapter.create_card(self.new(board, reference=LETTER * (limits.max_reference or 500)))
        board.adapter.set_metadata(card, {name: value})
        read = board.card(card)
        assert read.metadata == {name: value}
        assert read.reference == LETTER * (limits.max_reference or 500)

    def test_beyond_the_limits_nothing_is_sent(self, board: Harness) -> None:
        """One character more is refused without a request."""
        limits, card = board.adapter.capabilities, board.add()
        writes: list[Callable[[], object]] = []
        if limits.max_metadata_value:
            values = {"a": LETTER * (limits.max_metadata_value + 1)}
            writes += [
                lambda: board.adapter.set_metadata(card, values),
                lambda: board.adapter.write_project_notes(values),
            ]
        if limits.max_metadata_name:
            names = {"n" * (limits.max_metadata_name + 1): "1"}
            writes += [lambda: board.adapter.set_metadata(card, names)]
        if limits.max_reference:
            longer = self.new(board, reference=LETTER * (limits.max_reference + 1))
            writes += [
                lambda: board.adapter.set_reference(card, longer.reference),
                lambda: board.adapter.create_card(longer),
            ]
        self._refuses(board, writes)

    def test_impossible_values_are_not_sent(self, board: Harness) -> None:
        """What no board can hold is refused without a request."""
        card = board.add()
        impossible = [
            self.new(board, title=" "),
            self.new(board, due=date(1969, 12, 31)),
            self.new(board, start=date(2031, 1, 2), due=date(2031, 1, 1)),
        ]
        writes: list[Callable[[], object]] = [
            lambda: board.adapter.ensure_link(card, "qgis://project", "QGIS", ours="qgis://"),
            lambda: board.adapter.ensure_comment(card, "без метки", marker="[e1]"),
            lambda: board.adapter.set_metadata(card, {"": "1"}),
            *[lambda new=new: board.adapter.create_card(new) for new in impossible],
        ]
        self._refuses(board, writes)

    def _refuses(self, board: Harness, writes: list[Callable[[], object]]) -> None:
        before = board.requests()
        for write in writes:
            with pytest.raises(Unsupported):
                write()
        assert board.requests() == before
