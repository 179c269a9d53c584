"""What somebody sees of the working data, and what holds for their edits, by what the table lets them do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sync_service.access.table import Action
from sync_service.editing.rules import edit_rules

if TYPE_CHECKING:
    from sync_service.access.person import Person
    from sync_service.editing.applying import EditRules
    from sync_service.settings import Settings
    from sync_service.store.database import Database


def own_only(person: Person) -> tuple[str, ...] | None:
    """The organisations, without letter case, whose proposals are all that this person sees; None: they see all."""
    if person.may(Action.READ_WORKING):
        return None
    return tuple(sorted(name.casefold() for name in person.organisations))


def rules_for(person: Person, database: Database, settings: Settings) -> EditRules:
    """The rules as of now. Who may bring in proposals and edit none speaks for their organisations alone."""
    return edit_rules(
        database,
        settings,
        may_approve=person.may(Action.MODERATE),
        shared_name=person.is_shared,
        organisations=None if person.may(Action.EDIT) else person.organisations,
    )
