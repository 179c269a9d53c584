"""Somebody who asks the service for something."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sync_service.access.table import RIGHTS, Role, is_allowed

if TYPE_CHECKING:
    from sync_service.access.table import Action


class Proof(StrEnum):
    """How we know who it is."""

    NOTHING = "nothing"
    TOKEN = "token"  # noqa: S105 - a kind of proof, not a secret
    COOKIE = "cookie"
    LOOPBACK = "loopback"


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks: the name that stands in the history of a proposal, what they are, and how we know."""

    name: str
    role: Role
    proof: Proof

    @property
    def is_shared(self) -> bool:
        """Whether the name is of many: of everybody who holds the one token, or sits at the machine."""
        return self.name in _SHARED

    def may(self, action: Action) -> bool:
        """Whether this person may do it."""
        return is_allowed(self.role, action)

    @property
    def rights(self) -> list[Action]:
        """All that this person may do, in the order of the table."""
        return [action for action in RIGHTS if self.may(action)]


ANONYMOUS = Person("", Role.ANONYMOUS, Proof.NOTHING)
TOKEN_HOLDER = Person("token", Role.STAFF, Proof.TOKEN)
SIGNED_IN = Person("token", Role.STAFF, Proof.COOKIE)
LOCAL = Person("local", Role.STAFF, Proof.LOOPBACK)
_SHARED = frozenset({TOKEN_HOLDER.name, LOCAL.name})
