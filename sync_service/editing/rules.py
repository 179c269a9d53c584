"""What the settings and the imported districts add to every edit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sync_service.editing.applying import EditRules
from sync_service.places.area import Area
from sync_service.store.districts import district_finder

if TYPE_CHECKING:
    from sync_service.settings import Settings
    from sync_service.store.database import Database


def edit_rules(database: Database, settings: Settings, *, may_approve: bool, shared_name: bool) -> EditRules:
    """The rules as of now for somebody who may, or may not, approve, and whose name is, or is not, of many."""
    with database.reading() as connection:
        return EditRules(Area(*settings.area), may_approve, district_finder(connection), shared_name)
