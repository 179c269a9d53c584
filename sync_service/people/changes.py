"""What must be done to a board's people, one thing each. Accounts are named by login, groups by key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kanban_adapter.people import ProjectRole


@dataclass(frozen=True, slots=True)
class Disable:
    """Keep somebody out from this moment."""

    login: str


@dataclass(frozen=True, slots=True)
class Enable:
    """Let somebody in again."""

    login: str


@dataclass(frozen=True, slots=True)
class AddAccount:
    """Somebody new, before they first come."""

    login: str
    name: str


@dataclass(frozen=True, slots=True)
class RenameAccount:
    """Somebody is called something else now."""

    login: str
    name: str


@dataclass(frozen=True, slots=True)
class AddGroup:
    """An organisation that the board does not know."""

    key: str
    name: str


@dataclass(frozen=True, slots=True)
class RenameGroup:
    """An organisation is called something else now."""

    key: str
    name: str


@dataclass(frozen=True, slots=True)
class Join:
    """Somebody belongs to an organisation."""

    login: str
    key: str


@dataclass(frozen=True, slots=True)
class Leave:
    """And does no longer."""

    login: str
    key: str


@dataclass(frozen=True, slots=True)
class SetRole:
    """What somebody may in a watched project; None is nothing."""

    login: str
    project: str
    role: ProjectRole | None


Change = Disable | Enable | AddAccount | RenameAccount | AddGroup | RenameGroup | Join | Leave | SetRole
