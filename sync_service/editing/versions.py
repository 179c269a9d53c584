"""Versions of a proposal as they go over the wire: opaque, and worth nothing in another store or another epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sync_service.store.history import features_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from sync_service.store.counter import Identity
    from sync_service.sync.state import Feature


def version_text(me: Identity, version: int) -> str:
    """The text of a version: `{store}.{epoch}.{version}`."""
    return f"{me.guid}.{me.epoch}.{version}"


def version_of(me: Identity, text: str | None) -> int | None:
    """The version a text stands for; None for one of another store or epoch, or none at all."""
    store, _, rest = (text or "").partition(".")
    epoch, _, version = rest.partition(".")
    ours = store == me.guid and epoch == str(me.epoch)
    return int(version) if ours and version.isascii() and version.isdigit() else None


def base_of(connection: Connection, me: Identity, current: Feature, text: str | None) -> Feature | None:
    """The feature as it was at the version an edit was made from; None when that is no longer kept."""
    return bases_of(connection, me, [(current, text)]).get(current.guid)


def bases_of(
    connection: Connection, me: Identity, wanted: Sequence[tuple[Feature, str | None]]
) -> dict[str, Feature | None]:
    """The features as they were at the versions that edits were made from, by guid, as `base_of` gives each."""
    versions = [(feature, version_of(me, text)) for feature, text in wanted]
    return features_at(connection, [(feature, version) for feature, version in versions if version is not None])
