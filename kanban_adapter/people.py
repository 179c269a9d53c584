"""The port for the people of a board: who has an account, in which groups they are, what they may in the projects.

ACCOUNT    somebody who can come to the board, told by a login that never changes. It is disabled, never removed: the
           board's history names it.
GROUP      several accounts under one name, told by a key that the board shows to nobody.
ROLE       what an account may in one watched project. What a group may there is the board's administrator's affair.
OURS       accounts whose login begins with a word that only we use, or that are in a group whose key does. All others
           are left out of what is read, and nobody can mean them in a write.

As in `kanban_adapter.port`, every write is idempotent by the state it asks for and returns whether it changed the
board; errors are those of `kanban_adapter.errors`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class ProjectRole(StrEnum):
    """What an account may in a project, from the least to the most."""

    VIEWER = "viewer"
    """Looks on."""
    MEMBER = "member"
    """Works on the cards."""
    MANAGER = "manager"
    """Sets up the project too."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account of ours. `groups` are ids of groups of ours, `roles` those in the watched projects, by their ids.

    `governs` tells that it may do anything on the whole board, which is never our doing.
    """

    id: str
    login: str
    name: str
    active: bool = True
    groups: frozenset[str] = frozenset()
    roles: Mapping[str, ProjectRole] = field(default_factory=dict)
    governs: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """A group. `key` is empty for one that somebody made by hand."""

    id: str
    key: str
    name: str


@dataclass(frozen=True, slots=True)
class Roster:
    """Accounts of ours, all groups (their names are unique on the board), and ids of the watched projects."""

    accounts: Sequence[Account]
    groups: Sequence[Group]
    projects: Sequence[str]
    longest_group_name: int = 100


class PeopleAdapter(Protocol):
    """The people of a board as the service sees them. Not thread-safe: one adapter per thread."""

    def roster(self, *, logins: str, keys: str) -> Roster:
        """Read everybody whose login begins with `logins`, or who is in a group whose key begins with `keys`."""

    def add_account(self, login: str, name: str) -> str:
        """Make an account that nobody can sign in to by a password, unless it is there; give its id."""

    def rename_account(self, account_id: str, name: str) -> bool:
        """Change what people call somebody."""

    def set_active(self, account_id: str, *, active: bool) -> bool:
        """Let an account come in, or keep it out from this moment, sessions and keys of its own included."""

    def add_group(self, key: str, name: str) -> str:
        """Make the group unless one with its key is there; give its id."""

    def rename_group(self, group_id: str, name: str) -> bool:
        """Change what people call a group."""

    def set_member(self, group_id: str, account_id: str, *, present: bool) -> bool:
        """Put an account into a group, or take it out."""

    def set_role(self, project_id: str, account_id: str, role: ProjectRole | None) -> bool:
        """Give an account this role in a watched project and no other; None takes it out of the project."""


__all__ = ["Account", "Group", "PeopleAdapter", "ProjectRole", "Roster"]
