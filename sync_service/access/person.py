"""Somebody who asks the service for something."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sync_service.access.table import GIVEN, RIGHTS, Role, is_allowed

if TYPE_CHECKING:
    from sync_service.access.table import Action
    from sync_service.access.tokens import Claims


class Proof(StrEnum):
    """How we know who it is."""

    NOTHING = "nothing"
    TOKEN = "token"  # noqa: S105 - a kind of proof, not a secret
    COOKIE = "cookie"
    LOOPBACK = "loopback"
    OIDC = "oidc"


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks: the name that stands in the history of a proposal, what they are, and how we know.

    `identity` is what nobody else has and no renaming changes, "" for a name that is shared or nobody's;
    `organisations` are the partners they belong to.
    """

    name: str
    roles: frozenset[Role]
    proof: Proof
    identity: str = ""
    organisations: tuple[str, ...] = ()

    @property
    def is_nobody(self) -> bool:
        """Whether nobody is known to ask."""
        return self.proof is Proof.NOTHING

    @property
    def is_shared(self) -> bool:
        """Whether the name is of many: of everybody who holds the one token, or sits at the machine."""
        return not (self.identity or self.is_nobody)

    @property
    def key(self) -> str:
        """By which this person is told from all others, as far as they can be."""
        return self.identity or self.name

    def may(self, action: Action) -> bool:
        """Whether this person may do it."""
        return is_allowed(self.roles, action)

    @property
    def rights(self) -> list[Action]:
        """All that this person may do, in the order of the table."""
        return [action for action in RIGHTS if self.may(action)]


_ANYBODY = frozenset({Role.ANONYMOUS})
_STAFF = frozenset({Role.STAFF})

ANONYMOUS = Person("", _ANYBODY, Proof.NOTHING)
TOKEN_HOLDER = Person("token", _STAFF, Proof.TOKEN)
SIGNED_IN = Person("token", _STAFF, Proof.COOKIE)
LOCAL = Person("local", _STAFF, Proof.LOOPBACK)


def person_from(claims: Claims) -> Person:
    """Whom a token of the identity provider is about. Roles it has and we know none of give nothing."""
    roles = frozenset(role for role in GIVEN if role in claims.roles) | _ANYBODY
    return Person(claims.name, roles, Proof.OIDC, claims.identity, claims.organisations)
