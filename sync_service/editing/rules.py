"""What the settings and the imported districts add to every edit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sync_service.editing.applying import EditRules
from sync_service.places.area import Area
from sync_service.store.districts import district_finder
from sync_service.sync.editing import Submission
from sync_service.sync.fields import field_table

if TYPE_CHECKING:
    from sync_service.settings import Settings
    from sync_service.store.database import Database


def edit_rules(
    database: Database,
    settings: Settings,
    *,
    may_approve: bool,
    shared_name: bool,
    organisations: tuple[str, ...] | None = None,
) -> EditRules:
    """The rules as of now for somebody who may, or may not, approve, and whose name is, or is not, of many.

    With `organisations` they speak for these and bring in new proposals only.
    """
    submission = None if organisations is None else Submission(organisations, _partner_label(settings))
    with database.reading() as connection:
        return EditRules(Area(*settings.area), may_approve, district_finder(connection), shared_name, submission)


def _partner_label(settings: Settings) -> str:
    source = settings.fields.get("partner")
    own = source.name if source is not None and source.kind == "line" else ""
    return own or field_table()["partner"].labels[0]
