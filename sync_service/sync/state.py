"""What a decision is made from: the card as read, the feature as stored, and the pair that remembers. Pure values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID, uuid5

from sync_service.sync.values import Hand, Placement, Stage, Value, Visibility

Values = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class CardRef:
    """Which card: the board's identity (a UUID), the card's id there, and its creation time in unix seconds."""

    board: str
    id: str
    created: int

    @property
    def guid(self) -> str:
        """The guid of the proposal born with this card: the same on every reading, and nothing is written on it."""
        return str(uuid5(UUID(self.board), f"{self.id}:{self.created}"))

    @property
    def other_guid(self) -> str:
        """The guid of the proposal it becomes when it comes back after its own was given another card."""
        return str(uuid5(UUID(self.board), f"{self.id}:{self.created}:again"))


@dataclass(frozen=True, slots=True)
class CardPlace:
    """Where a card's text says it is.

    `digest` is of the text that decides, a slash, and a digest of the rules it was looked up by; `settled` is false
    while an address still waits for its geocoder. `geometry` is WKB in CRS84; `reason` says why there is none.
    """

    digest: str
    settled: bool
    placement: Placement
    geometry: bytes | None = None
    source: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class CardView:
    """A card as read, in the words of a proposal.

    `board` holds the board-owned fields and those computed from its text; `lines` the shared fields as the labelled
    lines say them; `metadata` the shared fields the card's metadata has, as far as they can be read (an absent key
    leaves the word to the line); `place` is None when the text that decides the place is the one last read. `tagged`:
    the card bears our tag, that its place should be looked at again; `disputed`: our tag that both sides differ.
    `heard` are the markers of our own comments on it. `strayed_link` tells that the card bears a card link of another
    card (a duplicate carries the original's). `duplicates` are the cards that it, being closed, says it duplicates.
    """

    ref: CardRef
    project_id: str
    watched: bool
    stage: Stage | None
    board: Values
    lines: Values = field(default_factory=dict)
    metadata: Values = field(default_factory=dict)
    place: CardPlace | None = None
    reference: str = ""
    tagged: bool = False
    disputed: bool = False
    heard: frozenset[str] = frozenset()
    strayed_link: bool = False
    duplicates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CardGone:
    """A card that was known and is not there. `confirmed`: absent from a complete listing and from a look-up.

    `settled` says that it was already gone at an earlier full sweep, so that it may be retired.
    """

    ref: CardRef
    confirmed: bool
    settled: bool = False


@dataclass(frozen=True, slots=True)
class Feature:
    """The map's record of a proposal. `properties` has every stored field; `geometry` is WKB in CRS84."""

    guid: str
    properties: Values
    geometry: bytes | None
    hand: Hand
    source: str | None
    visibility: Visibility
    version: int = 0
    published: bool = False


@dataclass(frozen=True, slots=True)
class Owed:
    """What a field on the card shall become, and what its metadata (or tag) is expected to say until then."""

    expected: Value
    target: Value


@dataclass(frozen=True, slots=True)
class Sides:
    """A field edited differently on both sides: what both had agreed on, the board's value, the map's value."""

    base: Value
    theirs: Value
    mine: Value


@dataclass(frozen=True, slots=True)
class Dispute:
    """An open clash that the card must show, by its id (a UUID) in the store, and its reason.

    `fields`: board against map; `edit`: a person's edit against the map; `duplicate`: two places offered.
    """

    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Setter:
    """Who set the place on the map, if known, and by what: qgis, ogc, import and so on."""

    who: str | None
    source: str


@dataclass(frozen=True, slots=True)
class Pair:
    """A card and a feature that are one proposal, and what both sides know of each other.

    agreed     shared fields as both sides last had them
    owed       shared fields on their way to the card
    replaced   the card's value that our last confirmed write replaced: seen again it is an old form, not an edit
    lines      shared fields as the labelled lines last said them
    noted      shared fields as the metadata last said them
    clashing   shared fields with an open clash
    place_text digest of the place text last looked up; None: look it up again
    told       digest of the place the card is known to have been told about
    telling    marker of the comment that is to tell the card of the present place
    voiced     ids of the open clashes the card is known to have been told about
    tagging    the tag that says so is on its way to the card, or off it
    gone       the card was found gone
    doubted    those of `clashing` of which only the next reading can tell (`sync.doubt`)
    rewound    the board was put back since the card was read: it may be older now, or not be there
    recalled   the store was put back: the feature's version that it surely knew then; later ones may be of a lost life
    """

    guid: str
    card: CardRef
    project_id: str
    agreed: Values = field(default_factory=dict)
    owed: Mapping[str, Owed] = field(default_factory=dict)
    replaced: Values = field(default_factory=dict)
    lines: Values = field(default_factory=dict)
    noted: Values = field(default_factory=dict)
    clashing: Mapping[str, Sides] = field(default_factory=dict)
    place_text: str | None = None
    told: str | None = None
    telling: str | None = None
    voiced: tuple[str, ...] = ()
    tagging: bool = False
    gone: bool = False
    doubted: tuple[str, ...] = ()
    rewound: bool = False
    recalled: int | None = None
