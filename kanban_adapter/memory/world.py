"""What stands on a board in memory: shared by the adapters and the people working at it."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kanban_adapter.card import Card, Column, Comment, Listed, Project, Related, Relation, WebLink, digest
from kanban_adapter.errors import Missing, Reason, Unreachable

if TYPE_CHECKING:
    from datetime import date

Listener = Callable[[str], None]
"""Gets the id of a card that changed, as a webhook would say it."""

Hook = Callable[[str, str], None]
"""Gets the name of an operation and its phase. May change the board, or raise.

Every operation begins with "look". A write that has something to change goes on with "write", before it, and "answer",
after it. A listing and a reading are of two halves, as with Kanboard: open and closed cards, cards and what hangs on
them. "amid" is between the halves, "taken" while the answer is on its way.
"""


@dataclass(slots=True)
class Held:
    """A card as the board holds it."""

    id: str
    project_id: str
    column_id: str
    created: int
    modified: int
    title: str = ""
    description: str = ""
    reference: str = ""
    closed: bool = False
    start: date | None = None
    due: date | None = None
    responsible: str | None = None
    category: str | None = None
    swimlane: str | None = "Default swimlane"
    color: str | None = "yellow"
    tags: set[str] = field(default_factory=set)
    metadata: dict[str, str] = field(default_factory=dict)
    links: list[WebLink] = field(default_factory=list)
    related: list[tuple[Relation, str]] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)

    @property
    def fingerprint(self) -> str:
        """Digest of what a listing shows."""
        return digest(
            [self.id, self.project_id, self.column_id, self.created, self.modified, self.closed, self.title],
            [self.description, self.reference, str(self.start), str(self.due), self.responsible, self.category],
            [self.swimlane, self.color],
        )

    def listed(self) -> Listed:
        """The card in a listing."""
        return Listed(self.id, self.project_id, self.created, self.fingerprint, self.closed)


@dataclass(slots=True)
class State:
    """Everything that a backup of the board would hold."""

    projects: dict[str, Project] = field(default_factory=dict)
    columns: dict[str, Column] = field(default_factory=dict)
    notes: dict[str, dict[str, str]] = field(default_factory=dict)
    cards: dict[str, Held] = field(default_factory=dict)
    last_number: int = 0


@dataclass(slots=True)
class Faults:
    """What goes wrong at the moment, for adapters only: people always reach their board.

    unreachable      nothing is answered, nothing is done
    losing_answers   writes are done, and the answer is lost
    hidden           ids that listings leave out
    incomplete       listings say that they are not complete
    doubled          ids that listings name as seen twice
    hook             called in each phase of each operation
    """

    unreachable: bool = False
    losing_answers: bool = False
    hidden: frozenset[str] = frozenset()
    incomplete: bool = False
    doubled: frozenset[str] = frozenset()
    hook: Hook | None = None


class World:
    """The board itself. `clock` gives unix seconds. Ids are reused as SQLite does it: the highest one plus one."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.state = State()
        self.faults = Faults()
        self.listeners: list[Listener] = []
        self.requests = 0

    def now(self) -> int:
        """The board's time in whole unix seconds."""
        return int(self.clock())

    def number(self) -> str:
        """A number for something that is not a card: never used twice."""
        self.state.last_number += 1
        return str(self.state.last_number)

    def snapshot(self) -> State:
        """A backup."""
        return copy.deepcopy(self.state)

    def restore(self, backup: State) -> None:
        """Put a backup back: the board goes back in time, and nobody is told."""
        self.state = copy.deepcopy(backup)

    def announce(self, *card_ids: str) -> None:
        """Tell the listeners, as webhooks would."""
        for card_id in card_ids:
            for listener in self.listeners:
                listener(card_id)

    def phase(self, operation: str, phase: str) -> None:
        """Let go wrong what goes wrong in this phase of an adapter's operation."""
        if phase == "look" and self.faults.unreachable:
            raise Unreachable(operation, "out of reach")
        if self.faults.hook:
            self.faults.hook(operation, phase)
        if phase == "answer" and self.faults.losing_answers:
            raise Unreachable(operation, "the answer was lost")

    def held(self, card_id: str) -> Held:
        """The card, or `Missing`."""
        if card_id not in self.state.cards:
            raise Missing("card", card_id)
        return self.state.cards[card_id]

    def column(self, column_id: str, project_id: str) -> Column:
        """A column of this project, or `Missing`."""
        column = self.state.columns.get(column_id)
        if column is None or column.project_id != project_id:
            raise Missing("column", reason=Reason.ELSEWHERE, column=column_id, project=project_id)
        return column

    def add_project(self, name: str, titles: tuple[str, ...]) -> str:
        """Create a project with these columns; gives its id."""
        project = self.number()
        self.state.projects[project] = Project(project, name)
        self.state.notes[project] = {}
        for title in titles:
            self.add_column(project, title)
        return project

    def add_column(self, project_id: str, title: str) -> str:
        """Append a column; gives its id."""
        column = self.number()
        position = 1 + sum(other.project_id == project_id for other in self.state.columns.values())
        self.state.columns[column] = Column(column, project_id, title, position)
        return column

    def add_card(self, project_id: str, column_id: str, title: str, description: str, **fields: Any) -> Held:
        """Put a new card down and announce it. `fields` are further ones of `Held`."""
        self.column(column_id, project_id)
        number = str(1 + max(map(int, self.state.cards), default=0))
        now = self.now()
        card = Held(number, project_id, column_id, now, now, to_lines(title), to_lines(description), **fields)
        self.state.cards[number] = card
        self.announce(number)
        return card

    def touch(self, card: Held) -> None:
        """Note and announce a change that listings show."""
        card.modified = self.now()
        self.announce(card.id)

    def drop_card(self, card_id: str) -> None:
        """Remove a card and every relation to it; nobody is told."""
        self.held(card_id)
        del self.state.cards[card_id]
        for other in self.state.cards.values():
            other.related = [pair for pair in other.related if pair[1] != card_id]

    def row(self, card_id: str) -> Held | None:
        """The card as it stands now, for `detailed`; None when it is not there."""
        held = self.state.cards.get(card_id)
        return None if held is None else copy.copy(held)

    def detailed(self, row: Held) -> Held:
        """The card as its row was read, with what hangs on it now; one removed since has nothing left."""
        now = self.state.cards.get(row.id)
        for name, empty in _HANGING.items():
            setattr(row, name, empty() if now is None or now.created != row.created else getattr(now, name))
        return row

    def shown(self, held: Held) -> Card:
        """A card with everything on it, as the port wants it."""
        return Card(
            **{name: getattr(held, name) for name in _PLAIN},
            url=f"https://board.example/card/{held.id}",
            fingerprint=held.fingerprint,
            tags=frozenset(held.tags),
            metadata={name: value for name, value in held.metadata.items() if value},
            links=tuple(held.links),
            related=tuple(Related(kind, other, not self.held(other).closed) for kind, other in sorted(held.related)),
            comments=tuple(held.comments),
        )


_HANGING: dict[str, Callable[[], object]] = {
    "tags": set,
    "metadata": dict,
    "links": list,
    "related": list,
    "comments": list,
}

_PLAIN = (
    *("id", "project_id", "column_id", "created", "modified", "closed", "title", "description", "reference"),
    *("start", "due", "responsible", "category", "swimlane", "color"),
)


def to_lines(text: str) -> str:
    r"""Text with \n as its only line end, and without zero bytes."""
    return text.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n")
