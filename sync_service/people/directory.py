"""What the identity provider knows of people, as far as it matters to the board."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sync_service.people.standing import belongs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sync_service.access.table import Role


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a role. `subject` is what no renaming changes; `organisations` are ids."""

    subject: str
    name: str
    roles: frozenset[Role]
    enabled: bool = True
    organisations: frozenset[str] = frozenset()

    @property
    def is_welcome(self) -> bool:
        """Whether the board is open to this person."""
        return self.enabled and belongs(self.roles)


@dataclass(frozen=True, slots=True)
class Directory:
    """Everybody with a role, disabled ones included, and the names of the organisations by their ids."""

    people: Sequence[Person]
    organisations: Mapping[str, str] = field(default_factory=dict)
