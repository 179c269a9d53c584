"""The contract every board passes, shipped for whoever adds one.

    class TestMyBoard(BoardContract):
        @pytest.fixture
        def board(self) -> Harness: ...

A board whose people can follow an identity provider passes `PeopleContract` too. Nothing of either is to be overridden:
what a board cannot do it declares in its capabilities. Have pytest rewrite the asserts with
`pytest.register_assert_rewrite("kanban_adapter.contract")` before it is imported.
"""

from __future__ import annotations

from kanban_adapter.contract.fields import FieldContract
from kanban_adapter.contract.harness import Hands, Harness
from kanban_adapter.contract.listing import ListingContract
from kanban_adapter.contract.people import Others, PeopleContract
from kanban_adapter.contract.reading import ReadingContract
from kanban_adapter.contract.writing import WritingContract


class BoardContract(ListingContract, ReadingContract, WritingContract, FieldContract):
    """All of it."""


__all__ = ["BoardContract", "Hands", "Harness", "Others", "PeopleContract"]
