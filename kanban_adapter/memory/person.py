"""What people do at a board in memory. They are never refused and need no network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kanban_adapter.card import Column, Comment, Relation, WebLink
from kanban_adapter.errors import Failed
from kanban_adapter.memory.world import to_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kanban_adapter.memory.world import World


_COPIED = ("reference", "due", "category", "swimlane", "color", "responsible")
"""What a duplicate takes over as it is, beside title and description; metadata and comments stay behind."""


_OPPOSITE = {
    Relation.IS_BLOCKED_BY: Relation.BLOCKS,
    Relation.BLOCKS: Relation.IS_BLOCKED_BY,
    Relation.DUPLICATES: Relation.IS_DUPLICATED_BY,
    Relation.IS_DUPLICATED_BY: Relation.DUPLICATES,
}
"""What the other card of a link carries, where that means something."""


@dataclass(frozen=True, slots=True)
class Form:
    """A card's form as it was opened: whoever saves it posts every field, also those that have changed since."""

    card_id: str
    fields: Mapping[str, Any]
    tags: frozenset[str]
    metadata: Mapping[str, str]


_POSTED = ("title", "description", "start", "due", "responsible", "category", "swimlane", "color")


class Person:
    """A person at the board. Announces what Kanboard would announce, and nothing else."""

    def __init__(self, world: World, name: str = "moderator") -> None:
        self._world = world
        self.name = name

    def add_card(self, project_id: str, column_id: str, title: str, description: str = "") -> str:
        """Create a card; gives its id."""
        return self._world.add_card(project_id, column_id, title, description).id

    def edit_card(self, card_id: str, **fields: Any) -> None:
        """Set any of title, description, reference, start, due, color, responsible, category, swimlane."""
        card = self._world.held(card_id)
        for name, value in fields.items():
            setattr(card, name, to_lines(value) if isinstance(value, str) else value)
        self._world.touch(card)

    def open_form(self, card_id: str) -> Form:
        """Open the card's form. With some plugins it has the metadata too."""
        card = self._world.held(card_id)
        fields = {name: getattr(card, name) for name in _POSTED}
        return Form(card_id, fields, frozenset(card.tags), dict(card.metadata))

    def save_form(self, form: Form, *, with_metadata: bool = False, **fields: Any) -> None:
        """Save a form opened before, with these fields changed in it. Raises `Missing` when the card is gone."""
        card = self._world.held(form.card_id)
        card.tags = set(form.tags)
        if with_metadata:
            card.metadata = dict(form.metadata)
        self.edit_card(form.card_id, **{**form.fields, **fields})

    def drag_card(self, card_id: str, column_id: str) -> None:
        """Drag a card to a column of its project."""
        card = self._world.held(card_id)
        self._world.column(column_id, card.project_id)
        card.column_id = column_id
        self._world.touch(card)

    def close_card(self, card_id: str) -> None:
        """Close a card."""
        self.edit_card(card_id, closed=True)

    def reopen_card(self, card_id: str) -> None:
        """Open a closed card."""
        self.edit_card(card_id, closed=False)

    def remove_card(self, card_id: str) -> None:
        """Remove a card for good. No webhook tells."""
        self._world.drop_card(card_id)

    def duplicate_card(self, card_id: str) -> str:
        """Duplicate a card within its project: reference, tags and links are carried along, and it says of what."""
        source = self._world.held(card_id)
        copied = {name: getattr(source, name) for name in _COPIED}
        copied["tags"] = set(source.tags)
        copied["links"] = [replace(link, id=self._world.number()) for link in source.links]
        copied["related"] = [(Relation.DUPLICATES, source.id)]
        where = source.project_id, source.column_id
        copy = self._world.add_card(*where, f"[DUPLICATE] {source.title}", source.description, **copied)
        source.related.append((Relation.IS_DUPLICATED_BY, copy.id))
        return copy.id

    def move_project(self, card_id: str, project_id: str) -> None:
        """Move a card to another project, into its first column."""
        card = self._world.held(card_id)
        columns = (column for column in self._world.state.columns.values() if column.project_id == project_id)
        card.project_id, card.column_id = project_id, min(columns, key=lambda column: column.position).id
        self._world.touch(card)

    def set_tags(self, card_id: str, tags: Iterable[str]) -> None:
        """Replace all tags."""
        self._world.held(card_id).tags = set(tags)

    def set_metadata(self, card_id: str, values: Mapping[str, str]) -> None:
        """Merge values into the metadata."""
        self._world.held(card_id).metadata.update(values)

    def add_comment(self, card_id: str, text: str) -> str:
        """Write a comment; gives its id."""
        comment = Comment(self._world.number(), text, self.name, self._world.now())
        self._world.held(card_id).comments.append(comment)
        self._world.announce(card_id)
        return comment.id

    def remove_comment(self, card_id: str, comment_id: str) -> None:
        """Remove a comment, whoever wrote it."""
        card = self._world.held(card_id)
        card.comments = [comment for comment in card.comments if comment.id != comment_id]
        self._world.announce(card_id)

    def add_link(self, card_id: str, url: str, title: str) -> str:
        """Put an external link on the card; gives its id."""
        link = WebLink(self._world.number(), url, title)
        self._world.held(card_id).links.append(link)
        return link.id

    def remove_links(self, card_id: str) -> None:
        """Take every external link off the card."""
        self._world.held(card_id).links = []

    def relate(self, card_id: str, relation: Relation, other_id: str) -> None:
        """Link a card to another; both are announced."""
        other = self._world.held(other_id)
        self._world.held(card_id).related.append((relation, other_id))
        other.related.append((_OPPOSITE[relation], card_id))
        self._world.announce(card_id, other_id)

    def unrelate(self, card_id: str, relation: Relation, other_id: str) -> None:
        """Take such a link off again; both are announced."""
        self._world.held(card_id).related.remove((relation, other_id))
        self._world.held(other_id).related.remove((_OPPOSITE[relation], card_id))
        self._world.announce(card_id, other_id)

    def add_column(self, project_id: str, title: str) -> str:
        """Append a column; gives its id."""
        return self._world.add_column(project_id, title)

    def rename_column(self, column_id: str, title: str) -> None:
        """Give a column another title. No webhook tells."""
        columns = self._world.state.columns
        columns[column_id] = replace(columns[column_id], title=title)

    def remove_column(self, column_id: str) -> None:
        """Remove a column that holds no card."""
        if any(card.column_id == column_id for card in self._world.state.cards.values()):
            raise Failed("remove column", "cards stand in it")
        removed: Column = self._world.state.columns.pop(column_id)
        for column in [c for c in self._world.state.columns.values() if c.project_id == removed.project_id]:
            if column.position > removed.position:
                self._world.state.columns[column.id] = replace(column, position=column.position - 1)

    def remove_project(self, project_id: str) -> None:
        """Remove a project with everything in it. No webhook tells."""
        state = self._world.state
        for card_id in [card.id for card in state.cards.values() if card.project_id == project_id]:
            self._world.drop_card(card_id)
        state.columns = {key: column for key, column in state.columns.items() if column.project_id != project_id}
        del state.projects[project_id]
        del state.notes[project_id]
