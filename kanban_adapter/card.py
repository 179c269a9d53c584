"""Values that cross the board port: all frozen, all canonical, none of them knows HTTP."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from kanban_adapter.errors import BoardError

MARK_NOTE = "placecard_mark"
"""Key of the project's metadata under which the mark lives."""

BOARD_NOTE = "placecard_board"
"""Key of the project's metadata under which the board's identity lives."""


class Aspect(StrEnum):
    """Parts of a card that a listing may not show, or whose change may send no webhook."""

    TITLE = "title"
    DESCRIPTION = "description"
    REFERENCE = "reference"
    COLUMN = "column"
    DATES = "dates"
    STATE = "state"
    COLOR = "color"
    TAGS = "tags"
    METADATA = "metadata"
    LINKS = "links"
    RELATED = "related"
    RELATED_STATE = "related state"
    COMMENTS = "comments"
    NAMES = "names"
    REMOVAL = "removal"


class Relation(StrEnum):
    """Internal links between cards that mean something to a proposal, seen from the card that carries them."""

    DUPLICATES = "duplicates"
    IS_DUPLICATED_BY = "is duplicated by"
    IS_BLOCKED_BY = "is blocked by"
    BLOCKS = "blocks"


@dataclass(frozen=True, slots=True)
class Project:
    """A project of the board."""

    id: str
    name: str
    active: bool = True


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a project. `position` counts from 1."""

    id: str
    project_id: str
    title: str
    position: int


@dataclass(frozen=True, slots=True)
class Related:
    """A link to another card. `open` tells whether that other card is still open."""

    relation: Relation
    card_id: str
    open: bool


@dataclass(frozen=True, slots=True)
class WebLink:
    """An external link on a card. `id` is the board's handle for removing it."""

    id: str
    url: str
    title: str


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment on a card, text verbatim, `created` in unix seconds."""

    id: str
    text: str
    author: str | None
    created: int


class Listed(NamedTuple):
    """What a listing tells of a card: enough to see whether it must be read. A tuple: listings make them by thousands.

    `created` is in unix seconds: with `card_id` it identifies the card, since boards reuse ids. `fingerprint` is a
    digest of the listed content: equal fingerprints mean equal content, and content a listing cannot see (tags,
    metadata, links, comments: `Capabilities.listing_blind`) is not in it. `closed` is the card's own state.
    """

    card_id: str
    project_id: str
    created: int
    fingerprint: str
    closed: bool


@dataclass(frozen=True, slots=True)
class Listing:
    """Every card of the watched projects, open and closed.

    `cards` has one entry per card id; `doubled` names ids seen more than once while listing (a card that was moved or
    closed between the two reads): they are looked up one by one. `complete` is false when any part was missing;
    an incomplete listing proves no absence.
    """

    cards: Mapping[str, Listed]
    doubled: frozenset[str]
    complete: bool


@dataclass(frozen=True, slots=True)
class Card:
    """A card with everything on it, values canonical.

    Text is verbatim (NFC is not applied); an absent value is None; `start` and `due` are dates in the board's time
    zone; `created`, `modified` are unix seconds. `url` is where a person's browser opens the card. `fingerprint` is
    the digest that a listing taken now would carry. `detail` is a digest of everything, tags to comments included.
    `responsible`, `category` and `swimlane` are names; on a card outside the watched projects they may be None.
    """

    id: str
    project_id: str
    column_id: str
    created: int
    modified: int
    closed: bool
    title: str
    description: str
    reference: str
    url: str
    start: date | None
    due: date | None
    responsible: str | None
    category: str | None
    swimlane: str | None
    color: str | None
    fingerprint: str
    tags: frozenset[str] = frozenset()
    metadata: Mapping[str, str] = field(default_factory=dict)
    links: tuple[WebLink, ...] = ()
    related: tuple[Related, ...] = ()
    comments: tuple[Comment, ...] = ()

    @property
    def detail(self) -> str:
        """Digest of all content: equal for equal content, whatever was written or touched in between.

        When the card was last modified, where its page is and what a listing shows of it are not content.
        """
        return digest(
            [self.id, self.project_id, self.column_id, self.created, self.closed, self.title, self.description],
            [self.reference, str(self.start), str(self.due), self.responsible, self.category, self.swimlane],
            [self.color, sorted(self.tags), sorted(self.metadata.items())],
            sorted((link.id, link.url, link.title) for link in self.links),
            sorted((other.relation, other.card_id, other.open) for other in self.related),
            sorted((comment.id, comment.text, comment.author) for comment in self.comments),
        )


def digest(*parts: object) -> str:
    """Short digest of plain values (text, numbers, None, lists and tuples of them)."""
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Reading:
    """An answer to "read these cards": the cards, those that are not there as None, and the mark.

    `mark` is the text the service last left on the first watched project (None: never left). It comes in the same
    request, so that a board put back from a backup is noticed before its cards are believed. A card the board itself
    could not deliver (a damaged row) is in `failed` with the reason, not in `cards`: it neither is there nor is gone.
    """

    cards: Mapping[str, Card | None]
    mark: str | None
    failed: Mapping[str, BoardError] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewCard:
    """A card to create. `reference` is found before a second one is made."""

    project_id: str
    column_id: str
    title: str
    description: str
    reference: str
    start: date | None = None
    due: date | None = None
    tags: frozenset[str] = frozenset()


class Ailment(StrEnum):
    """What can be wrong with a board that answers. Words for a person are the caller's."""

    UNTESTED_VERSION = "untested version"
    DIFFERENT_TIMEZONE = "different time zone"
    RELATION_UNKNOWN = "relation unknown"


@dataclass(frozen=True, slots=True)
class Problem:
    """An ailment and what it is about: the version, the bot's time zone, the label that is missing."""

    ailment: Ailment
    about: str


@dataclass(frozen=True, slots=True)
class Health:
    """What `check` could find out. `clock_skew` is seconds the board is ahead of us."""

    version: str
    timezone: str
    clock_skew: float
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a board can and cannot do, declared so that nobody finds out by losing an edit.

    conditional_write   the board compares before it sets (Kanboard does not: a small window remains)
    listing_blind       aspects a listing does not show: a change there is seen by a full sweep or a hint only
    silent              aspects whose change sends no webhook
    date_granularity    "day" or "second": what a date keeps when written and read back
    reuses_ids          a removed card's id may come back as another card
    max_metadata_value  characters a metadata value may have; None: no limit known
    max_metadata_name   likewise for a metadata key
    max_reference       likewise for the reference
    max_title           likewise for the title
    sees_unwatched      a card moved out of the watched projects can still be read; otherwise it reads as missing
    requests_per_1000   HTTP requests a full reading of 1,000 cards may take
    """

    conditional_write: bool
    listing_blind: frozenset[Aspect]
    silent: frozenset[Aspect]
    date_granularity: str
    reuses_ids: bool
    max_metadata_value: int | None
    max_metadata_name: int | None
    max_reference: int | None
    max_title: int | None
    sees_unwatched: bool
    requests_per_1000: int
