"""What the contract suite needs of a board: the adapter, a person's hands at it, and a count of requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from kanban_adapter.card import Card, Relation
    from kanban_adapter.port import BoardAdapter


class Hands(Protocol):
    """A person at the board, who may do anything a person may, by the means a person has."""

    def add_card(self, project_id: str, column_id: str, title: str, description: str = "") -> str:
        """Create a card; gives its id."""

    def edit_card(self, card_id: str, **fields: Any) -> None:
        """Set any of title, description, reference, start, due, color."""

    def drag_card(self, card_id: str, column_id: str) -> None:
        """Drag the card to a column of its project."""

    def close_card(self, card_id: str) -> None:
        """Close the card."""

    def reopen_card(self, card_id: str) -> None:
        """Open a closed card."""

    def remove_card(self, card_id: str) -> None:
        """Remove the card for good."""

    def duplicate_card(self, card_id: str) -> str:
        """Duplicate the card within its project; gives the copy's id."""

    def move_project(self, card_id: str, project_id: str) -> None:
        """Move the card to another project."""

    def set_tags(self, card_id: str, tags: Iterable[str]) -> None:
        """Replace all tags."""

    def set_metadata(self, card_id: str, values: Mapping[str, str]) -> None:
        """Merge values into the metadata."""

    def add_comment(self, card_id: str, text: str) -> str:
        """Write a comment; gives its id."""

    def add_link(self, card_id: str, url: str, title: str) -> str:
        """Put an external link on the card; gives its id."""

    def relate(self, card_id: str, relation: Relation, other_id: str) -> None:
        """Link the card to another."""

    def unrelate(self, card_id: str, relation: Relation, other_id: str) -> None:
        """Take such a link off again."""

    def add_column(self, project_id: str, title: str) -> str:
        """Append a column; gives its id."""

    def rename_column(self, column_id: str, title: str) -> None:
        """Give a column another title."""

    def remove_column(self, column_id: str) -> None:
        """Remove an empty column."""

    def remove_project(self, project_id: str) -> None:
        """Remove a project with everything in it."""


@dataclass(frozen=True, slots=True)
class Harness:
    """A board made ready for one test.

    `project_id` and `second_id` are watched, in this order; `foreign_id` is not. Each has at least three columns.
    `requests` tells how many requests were sent so far, `next_second` waits until the board's clock shows another one,
    `fill` puts many cards into the first project quickly and gives their ids.
    """

    adapter: BoardAdapter
    hands: Hands
    project_id: str
    second_id: str
    foreign_id: str
    requests: Callable[[], int]
    next_second: Callable[[], None]
    fill: Callable[[int], list[str]]

    def column(self, index: int = 0, project_id: str | None = None) -> str:
        """Id of a column of a watched project, by its place from the left."""
        wanted = project_id or self.project_id
        return [column.id for column in self.adapter.columns() if column.project_id == wanted][index]

    def add(self, title: str = "Сквер у школы", description: str = "") -> str:
        """Have a person create a card in the first column."""
        return self.hands.add_card(self.project_id, self.column(), title, description)

    def card(self, card_id: str) -> Card:
        """Read a card that must be there."""
        card = self.adapter.read([card_id]).cards[card_id]
        assert card is not None
        return card
