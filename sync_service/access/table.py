"""Who may do what: the one table. What is not in it is refused."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Action(StrEnum):
    """Something a person may or may not do."""

    READ_PUBLIC = "read_public"
    """See what is published."""
    READ_OWN = "read_own"
    """See the proposals of one's own organisations at every stage; those who may see all of them, all."""
    SUBMIT = "submit"
    """Bring in a new proposal: a partner, for their own organisation."""
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
    """What somebody is to the service. All but the first and the last are given by the identity provider."""

    ANONYMOUS = "anonymous"
    """Everybody is that, whatever else they are."""
    VIEWER = "viewer"
    """Works for the city and looks on."""
    PARTNER = "partner"
    """Belongs to an organisation that takes part."""
    MODERATOR = "moderator"
    """Sorts the cards."""
    GIS_EDITOR = "gis_editor"
    """Places and draws in QGIS."""
    EXPERT = "expert"
    """Is asked for an opinion."""
    PROJECT_GROUP = "project_group"
    """Answers for the whole, and tracks every change."""
    OPERATOR = "operator"
    """Keeps the service running, by hand or as its nightly job."""
    STAFF = "staff"
    """Holds the token, or sits at the machine while nobody can sign in: all of these at once."""


GIVEN = frozenset(Role) - {Role.ANONYMOUS, Role.STAFF}
"""Roles that an identity provider may give."""

_EDITORS = frozenset({Role.MODERATOR, Role.GIS_EDITOR, Role.STAFF})

RIGHTS: Mapping[Action, frozenset[Role]] = {
    Action.READ_PUBLIC: frozenset(Role),
    Action.READ_OWN: frozenset(Role) - {Role.ANONYMOUS},
    Action.SUBMIT: _EDITORS | {Role.PARTNER},
    Action.READ_WORKING: frozenset(Role) - {Role.ANONYMOUS, Role.PARTNER},
    Action.EDIT: _EDITORS,
    Action.MODERATE: frozenset({Role.MODERATOR, Role.STAFF}),
    Action.OPERATE: frozenset({Role.OPERATOR, Role.STAFF}),
    Action.METRICS: frozenset({Role.OPERATOR, Role.STAFF}),
}


def is_allowed(roles: Iterable[Role], action: Action) -> bool:
    """Whether the table has one of these roles in the row of this action."""
    return not RIGHTS.get(action, frozenset()).isdisjoint(roles)
