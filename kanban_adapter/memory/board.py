"""The adapter to a board in memory. It has Kanboard's limits and habits, so that what passes here can pass there."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from kanban_adapter.card import (
    MARK_NOTE,
    Aspect,
    Capabilities,
    Column,
    Comment,
    Health,
    Listed,
    Listing,
    NewCard,
    Project,
    Reading,
    WebLink,
)
from kanban_adapter.errors import Missing
from kanban_adapter.limits import check_length, check_marker, check_new, check_notes, check_web_address, same_tags
from kanban_adapter.memory.person import Person
from kanban_adapter.memory.world import Held, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from kanban_adapter.memory.world import State

COLUMNS: Final = ("Предложено", "На рассмотрении", "Одобрено", "В работе", "Выполнено", "Отклонено")
PER_REQUEST: Final = 150

CAPABILITIES: Final = Capabilities(
    conditional_write=False,
    listing_blind=frozenset(
        {Aspect.TAGS, Aspect.METADATA, Aspect.LINKS, Aspect.RELATED, Aspect.RELATED_STATE, Aspect.COMMENTS}
    ),
    silent=frozenset({Aspect.TAGS, Aspect.METADATA, Aspect.LINKS, Aspect.RELATED_STATE, Aspect.REMOVAL}),
    date_granularity="day",
    reuses_ids=True,
    max_metadata_value=255,
    max_metadata_name=50,
    max_reference=191,
    max_title=65535,
    sees_unwatched=True,
    requests_per_1000=-(-1000 // PER_REQUEST),
)


class MemoryBoard:
    """A board in memory. Without `projects` a project named "Карта" with the usual columns is made and watched.

    Several adapters may share one `world`. `as_person` is a moderator at it.
    """

    def __init__(
        self,
        world: World | None = None,
        projects: Sequence[str] = (),
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.world = world or World(clock)
        self.as_person = Person(self.world)
        self._watched = tuple(projects) or (self.world.add_project("Карта", COLUMNS),)

    @property
    def capabilities(self) -> Capabilities:
        """What this board can and cannot do: as much as Kanboard."""
        return CAPABILITIES

    def listen(self, listener: Callable[[str], None]) -> None:
        """Have the ids of changed cards told, as webhooks would."""
        self.world.listeners.append(listener)

    def snapshot(self) -> State:
        """A backup of the board."""
        return self.world.snapshot()

    def restore(self, backup: State) -> None:
        """Put a backup back."""
        self.world.restore(backup)

    def check(self) -> Health:
        """Always well, when it can be reached."""
        self.projects()
        return Health(version="memory", timezone="UTC", clock_skew=0.0)

    def projects(self) -> list[Project]:
        """The watched projects."""
        self._ask("projects")
        return [self._project(project) for project in self._watched]

    def _project(self, project_id: str) -> Project:
        if project_id not in self.world.state.projects:
            raise Missing("project", project_id)
        return self.world.state.projects[project_id]

    def _ask(self, operation: str, requests: int = 1) -> None:
        self.world.requests += requests
        self.world.phase(operation, "look")

    def _answer(self, operation: str) -> None:
        self.world.requests += 1
        self.world.phase(operation, "answer")

    def columns(self) -> list[Column]:
        """All columns of the watched projects."""
        self.projects()
        columns = [column for column in self.world.state.columns.values() if column.project_id in self._watched]
        return sorted(columns, key=lambda column: (self._watched.index(column.project_id), column.position))

    def listing(self) -> Listing:
        """List every card of the watched projects, less what the faults hide."""
        self.projects()
        faults = self.world.faults
        still_open = self._listed(closed=False)
        self.world.phase("listing", "amid")
        closed = self._listed(closed=True)
        cards = still_open | closed
        doubled = (faults.doubled & cards.keys()) | (still_open.keys() & closed.keys())
        self.world.phase("listing", "taken")
        return Listing(cards=cards, doubled=frozenset(doubled), complete=not faults.incomplete)

    def _listed(self, *, closed: bool) -> dict[str, Listed]:
        hidden = self.world.faults.hidden
        cards = [card for card in self.world.state.cards.values() if card.closed is closed and card.id not in hidden]
        return {card.id: card.listed() for card in cards if card.project_id in self._watched}

    def read(self, card_ids: Iterable[str]) -> Reading:
        """Read cards in full."""
        wanted = list(dict.fromkeys(card_ids))
        self._ask("read", max(1, -(-len(wanted) // PER_REQUEST)))
        if any(card_id not in self.world.state.cards for card_id in wanted):
            self.projects()
        rows = {card_id: self.world.row(card_id) for card_id in wanted}
        self.world.phase("read", "amid")
        cards = {card_id: self.world.shown(self.world.detailed(row)) if row else None for card_id, row in rows.items()}
        reading = Reading(cards=cards, mark=self._notes().get(MARK_NOTE))
        self.world.phase("read", "taken")
        return reading

    def _notes(self) -> dict[str, str]:
        self._project(self._watched[0])
        return self.world.state.notes[self._watched[0]]

    def read_project_notes(self) -> Mapping[str, str]:
        """Metadata of the first watched project."""
        self._ask("read_project_notes")
        return dict(self._notes())

    def write_project_notes(self, values: Mapping[str, str]) -> bool:
        """Merge values into the metadata of the first watched project."""
        check_notes(values, CAPABILITIES)
        self._ask("write_project_notes")
        return self._merge("write_project_notes", self._notes, values)

    def _merge(self, operation: str, current: Callable[[], dict[str, str]], values: Mapping[str, str]) -> bool:
        differing = {name: value for name, value in values.items() if current().get(name, "") != value}
        if not differing:
            return False
        self.world.phase(operation, "write")
        notes = current()
        notes.update(differing)
        for name in [name for name, value in differing.items() if not value]:
            notes.pop(name, None)
        self._answer(operation)
        return True

    def find_reference(self, reference: str) -> list[str]:
        """Ids of the cards in the watched projects that carry this reference, oldest first."""
        self._ask("find_reference")
        cards = [card for card in self.world.state.cards.values() if card.project_id in self._watched]
        found = [card for card in cards if reference and card.reference == reference]
        return [card.id for card in sorted(found, key=lambda card: (card.created, int(card.id)))]

    def create_card(self, new: NewCard) -> str:
        """Create the card unless one with its reference is there; give its id."""
        check_new(new, CAPABILITIES)
        if found := self.find_reference(new.reference):
            return found[0]
        self.world.column(new.column_id, new.project_id)
        self.world.phase("create_card", "write")
        dates = {"start": new.start, "due": new.due}
        carried = {"reference": new.reference, "tags": set(new.tags), **dates}
        card = self.world.add_card(new.project_id, new.column_id, new.title, new.description, **carried)
        self._answer("create_card")
        return card.id

    def ensure_link(self, card_id: str, url: str, title: str, *, ours: str) -> bool:
        """Leave exactly one link to `url` among the links whose address begins with `ours`."""
        check_web_address(url)
        self._ask("ensure_link")
        links = self._our_links(card_id, ours)
        kept = next((link for link in links if link.url == url), None)
        if kept and len(links) == 1:
            return False
        self.world.phase("ensure_link", "write")
        card = self.world.held(card_id)
        kept = kept or WebLink(self.world.number(), url, title)
        card.links = [link for link in card.links if not link.url.startswith(ours)] + [kept]
        self._answer("ensure_link")
        return True

    def _our_links(self, card_id: str, ours: str) -> list[WebLink]:
        return [link for link in self.world.held(card_id).links if link.url.startswith(ours)]

    def drop_links(self, card_id: str, *, ours: str) -> bool:
        """Remove every link whose address begins with `ours`."""
        self._ask("drop_links")
        if not self._our_links(card_id, ours):
            return False
        self.world.phase("drop_links", "write")
        card = self.world.held(card_id)
        card.links = [link for link in card.links if not link.url.startswith(ours)]
        self._answer("drop_links")
        return True

    def ensure_comment(self, card_id: str, text: str, *, marker: str) -> bool:
        """Leave exactly one comment that contains `marker`; own twins are removed."""
        check_marker(text, marker)
        self._ask("ensure_comment")
        marked = [comment for comment in self.world.held(card_id).comments if marker in comment.text]
        twins = [comment.id for comment in marked if comment.author is None][1:]
        if marked and not twins:
            return False
        self.world.phase("ensure_comment", "write")
        card = self.world.held(card_id)
        added = [] if marked else [Comment(self.world.number(), text, None, self.world.now())]
        card.comments = [comment for comment in card.comments if comment.id not in twins] + added
        self.world.announce(card_id)
        self._answer("ensure_comment")
        return True

    def set_metadata(self, card_id: str, values: Mapping[str, str]) -> bool:
        """Set these keys; the empty string clears."""
        check_notes(values, CAPABILITIES)
        self._ask("set_metadata")
        return self._merge("set_metadata", lambda: self.world.held(card_id).metadata, values)

    def set_tag(self, card_id: str, tag: str, *, present: bool) -> bool:
        """Add or remove one tag, whatever its letter case; other tags stay."""
        self._ask("set_tag")
        tags = self.world.held(card_id).tags
        same = same_tags(tags, tag)
        if bool(same) == present:
            return False
        changed = tags | {tag} if present else tags - same
        self.world.phase("set_tag", "write")
        # All at once, as Kanboard does it: a tag that came in between is lost.
        self.world.held(card_id).tags = changed
        self._answer("set_tag")
        return True

    def set_reference(self, card_id: str, reference: str) -> bool:
        """Replace the card's reference."""
        check_length("reference", reference, CAPABILITIES.max_reference)
        self._ask("set_reference")
        return self._set("set_reference", card_id, "reference", reference)

    def _set(self, operation: str, card_id: str, name: str, value: object) -> bool:
        if getattr(self.world.held(card_id), name) == value:
            return False
        self.world.phase(operation, "write")
        card: Held = self.world.held(card_id)
        setattr(card, name, value)
        self.world.touch(card)
        self._answer(operation)
        return True

    def move_card(self, card_id: str, column_id: str) -> bool:
        """Put the card into a column of its own project."""
        self._ask("move_card")
        self.world.column(column_id, self.world.held(card_id).project_id)
        return self._set("move_card", card_id, "column_id", column_id)

    def set_closed(self, card_id: str, *, closed: bool) -> bool:
        """Close or reopen the card."""
        self._ask("set_closed")
        return self._set("set_closed", card_id, "closed", closed)
