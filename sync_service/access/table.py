"""Who may do what: the one table. What is not in it is refused."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Action(StrEnum):
    """Something a person may or may not do."""

    READ_PUBLIC = "read_public"
    """See what is published."""
    READ_WORKING = "read_working"
    """See proposals at every stage, with what is not for the public."""
    EDIT = "edit"
    """Change places and shared fields, draw new proposals, say what stands where two sides differ."""
    MODERATE = "moderate"
    """Approve, return and close; confirm what waits; end what lost its card."""
    OPERATE = "operate"
    """Run sweeps, see the state of the service."""
    METRICS = "metrics"
    """Read the measurements."""


class Role(StrEnum):
    """What somebody is to the service."""

    ANONYMOUS = "anonymous"
    STAFF = "staff"
    """Holds the token, or sits at the machine while there is none."""


EVERYBODY = frozenset(Role)
STAFF = frozenset({Role.STAFF})

RIGHTS: Mapping[Action, frozenset[Role]] = {
    Action.READ_PUBLIC: EVERYBODY,
    Action.READ_WORKING: STAFF,
    Action.EDIT: STAFF,
    Action.MODERATE: STAFF,
    Action.OPERATE: STAFF,
    Action.METRICS: STAFF,
}


def is_allowed(role: Role, action: Action) -> bool:
    """Whether the table has this role in the row of this action."""
    return role in RIGHTS.get(action, frozenset())
