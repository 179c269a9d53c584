r"""The port every kanban board is driven through.

BOARD      one installation, with one address. Its identity is a UUID the service leaves in the first watched project.
PROJECT    a set of columns and cards. The adapter watches one or several, by id; others do not exist for it.
COLUMN     a named place a card stands in. The id stays when the title changes.
CARD       (board, id, creation time): ids are reused by some boards.
LISTING    all cards of the watched projects, cheaply: ids, creation times, fingerprints.
READING    some cards in full. A card that is not there is None, never an error for the others.
TEXT       with \n as its only line end and without zero bytes, whatever the board keeps.
MARK       a short text the service leaves on the first watched project, read back with every reading.
HINT       the id of a card about which something may have changed: all a webhook is ever trusted for.

Every write is idempotent by the state it asks for: it looks, and then writes only what differs. Every write returns
True when it changed the board and False when the board already was so. Writes raise `Missing` for a card that is gone,
`Unsupported` before sending what the board cannot hold, and otherwise the errors of `kanban_adapter.errors`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from kanban_adapter.card import Capabilities, Card, Column, Health, Listing, NewCard, Project, Reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class BoardAdapter(Protocol):
    """A kanban board as the service sees it. Not thread-safe: one adapter per thread."""

    @property
    def capabilities(self) -> Capabilities:
        """What this board can and cannot do."""

    def check(self) -> Health:
        """Ask the board for version, time zone and clock, and try the credentials. Raises as any read does."""

    def projects(self) -> Sequence[Project]:
        """The watched projects, in the order of the settings. A vanished one raises `NotPermitted` or `Missing`."""

    def columns(self) -> Sequence[Column]:
        """All columns of the watched projects, by project and position."""

    def listing(self) -> Listing:
        """List every open and closed card of the watched projects."""

    def read(self, card_ids: Iterable[str]) -> Reading:
        """Read cards in full, wherever they stand (also outside the watched projects), in as few requests as may be.

        A card the account cannot see counts as missing (None).
        """

    def read_project_notes(self) -> Mapping[str, str]:
        """Metadata of the first watched project: where the board's identity and the mark live."""

    def write_project_notes(self, values: Mapping[str, str]) -> bool:
        """Merge values into the metadata of the first watched project."""

    def find_reference(self, reference: str) -> Sequence[str]:
        """Ids of the cards in the watched projects that carry this reference, oldest first (it is not unique)."""

    def create_card(self, new: NewCard) -> str:
        """Create the card unless one with its reference is there; give its id."""

    def ensure_link(self, card_id: str, url: str, title: str, *, ours: str) -> bool:
        """Leave exactly one link to `url` among the links whose address begins with `ours`; others stay."""

    def drop_links(self, card_id: str, *, ours: str) -> bool:
        """Remove every link whose address begins with `ours`."""

    def ensure_comment(self, card_id: str, text: str, *, marker: str) -> bool:
        """Leave exactly one comment that contains `marker` (a short id, part of `text`); own twins are removed."""

    def set_metadata(self, card_id: str, values: Mapping[str, str]) -> bool:
        """Set these keys; others stay. The empty string clears."""

    def set_tag(self, card_id: str, tag: str, *, present: bool) -> bool:
        """Add or remove one tag, read again just before; other tags stay."""

    def set_reference(self, card_id: str, reference: str) -> bool:
        """Replace the card's reference."""

    def move_card(self, card_id: str, column_id: str) -> bool:
        """Put the card at the top of a column of its own project. False when it already stands there."""

    def set_closed(self, card_id: str, *, closed: bool) -> bool:
        """Close or reopen the card."""


__all__ = ["BoardAdapter", "Card"]
