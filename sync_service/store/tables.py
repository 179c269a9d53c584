"""The store's tables. SQLAlchemy Core, the same on every database; migrations build them, a test compares the two.

Times are ISO text in UTC with seconds or finer; dates ISO text; geometry is WKB in CRS84. `seq` numbers changes in
commit order. JSON columns hold text made by orjson.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from sync_service.store import signons
from sync_service.store.dialect import GEOMETRY, WHOLE, partly
from sync_service.sync.fields import Field, field_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.types import TypeEngine

metadata = signons.metadata

SCHEMA_VERSION = "0003"
"""The schema these tables are; the newest migration leads there."""

_LONG = "description"
_TYPES: Mapping[str, TypeEngine[Any]] = {
    "string": Text(),
    "integer": WHOLE,
    "boolean": Boolean(),
    "date": Text(),
    "datetime": Text(),
}


def _stored(field: Field) -> Column[object]:
    if field.name == "blocked":
        return Column(field.name, Boolean, nullable=False, server_default=false())
    return Column(field.name, _TYPES[field.type])


store = Table(
    # The counter row, locked by every writing transaction: the feed has no holes, writers pass its gate.
    "store",
    metadata,
    Column("id", WHOLE, primary_key=True),
    Column("guid", Text, nullable=False),
    Column("epoch", WHOLE, nullable=False),
    Column("seq", WHOLE, nullable=False),
    Column("ticket", WHOLE, nullable=False),
    Column("schema_version", Text, nullable=False),
    Column("gate", Text, nullable=False),  # open, frozen or moved
    Column("board", Text),  # the board's identity, a UUID
    Column("projects", Text),  # JSON: the watched project ids as pinned at init
    Column("mark", Text),  # what we last left on the board
)

column_binding = Table(
    "column_binding",
    metadata,
    Column("column_id", Text, primary_key=True),
    Column("project_id", Text, nullable=False),
    Column("title", Text, nullable=False),  # as confirmed
    Column("stage", Text),  # as confirmed; null: unmapped
    Column("position", WHOLE, nullable=False),
    Column("seen_title", Text, nullable=False),  # as the board says now
    Column("offered_stage", Text),  # what the settings would make of it now
    Column("waits", Boolean, nullable=False),  # a person must confirm seen_title and offered_stage
    Column("missing", Boolean, nullable=False),
)

feature = Table(
    "feature",
    metadata,
    Column("fid", WHOLE, primary_key=True, autoincrement=True),
    Column("guid", Text, nullable=False, unique=True),
    Column("version", WHOLE, nullable=False),
    Column("seq", WHOLE, nullable=False),
    Column("created", Text, nullable=False),
    Column("modified", Text, nullable=False),
    Column("published", Text),
    Column("visibility", Text, nullable=False),
    Column("kind", Text),
    Column("west", Float),
    Column("south", Float),
    Column("east", Float),
    Column("north", Float),
    # Kept texts: answers join them. `properties_json` is the public properties object without its closing brace.
    Column("geometry_json", Text),
    Column("multi_json", Text),
    Column("properties_json", Text, nullable=False),
    Column("place_hand", Text, nullable=False),  # card or map
    Column("place_source", Text),
    # SQLite reads a row from its beginning: what can be long and no answer joins stands last.
    *(_stored(field) for field in field_table().values() if field.stored and field.name != _LONG),
    Column("geometry", GEOMETRY),
    Column(_LONG, Text),
    Index("feature_public", "fid", **partly("visibility = 'public'")),
    Index("feature_public_kind", "kind", "fid", **partly("visibility = 'public'")),
    Index("feature_kind", "kind", "fid"),
    Index("feature_card", "card_id"),
    Index("feature_seq", "seq"),
    sqlite_autoincrement=True,
)

pair = Table(
    "pair",
    metadata,
    Column("guid", Text, primary_key=True),
    Column("card_id", Text, nullable=False),
    Column("card_created", WHOLE, nullable=False),
    Column("project_id", Text, nullable=False),
    Column("ticket", WHOLE, nullable=False),  # of the reading this pair was last decided from
    Column("fingerprint", Text, nullable=False),  # of the listing; empty: read again
    Column("detail", Text, nullable=False),  # of the full card
    Column("state", Text, nullable=False),  # JSON of sync.pair.PairState
    Column("gone_since", Text),
    UniqueConstraint("card_id", "card_created"),
)

inbox = Table(
    "inbox",
    metadata,
    Column("card_id", Text, primary_key=True),
    Column("generation", WHOLE, nullable=False),  # grows with every hint
    Column("since", Text, nullable=False),
    Column("attempts", WHOLE, nullable=False),
    Column("run_after", Text, nullable=False),
    Column("error", Text),
    Index("inbox_due", "run_after"),
)

effect = Table(
    "effect",
    metadata,
    Column("id", WHOLE, primary_key=True, autoincrement=True),
    Column("guid", Text, nullable=False),
    Column("key", Text, nullable=False),  # what it sets: one per guid and key
    Column("kind", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("version", WHOLE, nullable=False),  # grows when the desired state is replaced while in flight
    Column("state", Text, nullable=False),  # pending or dead; done ones are removed
    Column("attempts", WHOLE, nullable=False),
    Column("run_after", Text, nullable=False),
    Column("lease_until", Text),
    Column("created", Text, nullable=False),
    Column("error", Text),
    UniqueConstraint("guid", "key"),
    Index("effect_due", "state", "run_after"),
    sqlite_autoincrement=True,
)

change = Table(
    "change",
    metadata,
    Column("seq", WHOLE, primary_key=True, autoincrement=False),
    Column("guid", Text, nullable=False),
    Column("op", Text, nullable=False),  # upsert or delete
    Column("visibility", Text),  # published, hidden or retired, when that changed
    Column("by_person", Boolean, nullable=False),  # confirmed by a person: no part of a surge
    Column("at", Text, nullable=False),
    Index("change_guid", "guid", "seq"),
    Index("change_visibility", "at", **partly("visibility IS NOT NULL")),
)

history = Table(
    "history",
    metadata,
    Column("id", WHOLE, primary_key=True, autoincrement=True),
    Column("guid", Text, nullable=False),
    Column("seq", WHOLE, nullable=False),
    Column("at", Text, nullable=False),
    Column("source", Text, nullable=False),  # board, qgis, ogc, import, job or page
    Column("who", Text),
    Column("push", Text),
    Column("before", Text),  # JSON of what differs; null: the feature was not there; geometry is base64 of WKB
    Column("after", Text),
    Column("version", WHOLE),  # of the feature after it; null where an older release did not count
    Column("who_id", Text),  # what tells the person from all others; null where an older release kept only the name
    Index("history_guid", "guid", "id"),
    Index("history_at", "at", "id"),
    Index("history_push", "push", "id"),
    sqlite_autoincrement=True,
)

clash = Table(
    "clash",
    metadata,
    Column("id", Text, primary_key=True),
    Column("guid", Text, nullable=False),
    Column("revision", WHOLE, nullable=False),
    Column("reason", Text, nullable=False),  # fields, gone, edit, overwritten or duplicate
    Column("fields", Text, nullable=False),  # JSON {name: {base, theirs, mine}}; a geometry is base64 of WKB
    Column("opened", Text, nullable=False),
    Column("resolved", Text),
    Column("who", Text),  # whose edit stands against what is there
    Column("theirs_by", Text),
    Column("theirs_at", Text),
    Column("push", Text),  # the edit came in
    Column("client", Text),
    Column("other", Text),  # guid of the other proposal, of a duplicate
    Column("resolved_by", Text),
    Column("who_id", Text),
    Index("clash_guid", "guid"),
)

push = Table(
    # What came in together, by its Idempotency-Key.
    "push",
    metadata,
    Column("key", Text, primary_key=True),
    Column("body_hash", Text, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("who", Text),
    Column("source", Text, nullable=False),
    Column("answer", Text),  # JSON
    Column("undone", Text),  # when it was put back
    Column("who_id", Text),
    Index("push_at", "at"),
)

edit = Table(
    # Each change of a push by the name its client gave it, so that the same one again does nothing.
    "edit",
    metadata,
    Column("client_id", Text, nullable=False),
    Column("change_id", Text, nullable=False),
    Column("hash", Text, nullable=False),  # of the content
    Column("result", Text, nullable=False),  # JSON
    Column("guid", Text, nullable=False),
    Column("push", Text, nullable=False),
    Column("at", Text, nullable=False),
    PrimaryKeyConstraint("client_id", "change_id"),
)

merged = Table(
    # Proposals whose card was closed as a duplicate, and the one that stands for them.
    "merged",
    metadata,
    Column("guid", Text, primary_key=True),
    Column("survivor", Text, nullable=False),
    Column("at", Text, nullable=False),
    Index("merged_survivor", "survivor"),
)

waiting = Table(
    "waiting",
    metadata,
    Column("id", WHOLE, primary_key=True, autoincrement=True),
    Column("guid", Text, nullable=False),
    Column("topic", Text, nullable=False),  # visibility, or text: words that look personal
    Column("change", Text, nullable=False),  # the visibility wanted; for text the digest a person releases
    Column("since", Text, nullable=False),
    Column("refused", Text),  # when a person refused it; asked again only when the card changes
    UniqueConstraint("guid", "topic"),
    sqlite_autoincrement=True,
)

collection = Table(
    "collection",
    metadata,
    Column("name", Text, primary_key=True),
    Column("count", WHOLE, nullable=False),
    Column("seq", WHOLE, nullable=False),  # of the last change that touched it
)

lease = Table(
    "lease",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("until", Text, nullable=False),
)

note = Table(
    "note",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

sweep_request = Table(
    "sweep_request",
    metadata,
    Column("id", Text, primary_key=True),
    Column("full", Boolean, nullable=False),
    Column("force", Boolean, nullable=False),
    Column("asked", Text, nullable=False),
    Column("result", Text),  # JSON report when done
    Column("who", Text),  # the person or the job that asked over the wire
)

geocode = Table(
    # Answers of a remote geocoder, kept so that no address is asked twice.
    "geocode",
    metadata,
    Column("provider", Text, nullable=False),
    Column("query", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("at", Text, nullable=False),
    PrimaryKeyConstraint("provider", "query"),
)

lookup = Table(
    # Addresses that wait for a remote geocoder, and the card each stands on.
    "lookup",
    metadata,
    Column("address", Text, nullable=False),
    Column("card_id", Text, nullable=False),
    Column("attempts", WHOLE, nullable=False),
    Column("run_after", Text, nullable=False),
    PrimaryKeyConstraint("address", "card_id"),
)

district = Table(
    "district",
    metadata,
    Column("name", Text, primary_key=True),
    Column("geometry", GEOMETRY, nullable=False),
)

session, ended, logout_token = signons.session, signons.ended, signons.logout_token

BOX_TABLE = "feature_box"
"""SQLite's R-tree beside `feature`: fid, west, east, south, north (32-bit, rounded outward)."""
SHAPE_INDEX = "feature_geometry"
"""PostgreSQL's index over the geometries themselves. Both are made by migrations alone."""
