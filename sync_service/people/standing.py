"""Who belongs on the board, and as what: the one table. Apache's configuration is held to it by a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kanban_adapter.people import ProjectRole
from sync_service.access.table import Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

STANDING: Mapping[Role, ProjectRole | None] = {
    Role.PARTNER: None,
    Role.VIEWER: ProjectRole.VIEWER,
    Role.EXPERT: ProjectRole.VIEWER,
    Role.GIS_EDITOR: ProjectRole.VIEWER,
    Role.PROJECT_GROUP: ProjectRole.VIEWER,
    Role.MODERATOR: ProjectRole.MEMBER,
    Role.OPERATOR: ProjectRole.MANAGER,
}
"""What each role may in the watched projects; None comes to the board, and there to what its organisation was given.

To drag a card to another column is to approve: so only moderators work on the cards. A partner sees what is their own
organisation's, and the watched projects hold everybody's.
"""

RANKS = tuple(ProjectRole)


def belongs(roles: Iterable[Role]) -> bool:
    """Whether somebody with these roles may come to the board."""
    return not STANDING.keys().isdisjoint(roles)


def board_role(roles: Iterable[Role]) -> ProjectRole | None:
    """The most that these roles give in the watched projects."""
    given = {STANDING[role] for role in roles if role in STANDING}
    return max((role for role in given if role is not None), key=RANKS.index, default=None)
