"""The first tables, and the R-tree over the features' boxes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync_service.store.dialect import GEOMETRY, POSTGRESQL, partly

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _change()
    _clash()
    _collection()
    _column_binding()
    _district()
    _effect()
    _feature()
    _geocode()
    _history()
    _inbox()
    _lease()
    _lookup()
    _note()
    _pair()
    _store()
    _sweep_request()
    _waiting()
    if op.get_context().dialect.name == POSTGRESQL:
        op.create_index("feature_geometry", "feature", ["geometry"], postgresql_using="gist")
    else:
        op.execute("CREATE VIRTUAL TABLE feature_box USING rtree(fid, west, east, south, north)")


def _change() -> None:
    op.create_table(
        "change",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("guid", sa.Text(), nullable=False),
        sa.Column("op", sa.Text(), nullable=False),
        sa.Column("visibility", sa.Text(), nullable=True),
        sa.Column("by_person", sa.Boolean(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index("change_guid", "change", ["guid", "seq"], unique=False)
    op.create_index("change_visibility", "change", ["at"], unique=False, **partly("visibility IS NOT NULL"))


def _clash() -> None:
    op.create_table(
        "clash",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("guid", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("opened", sa.Text(), nullable=False),
        sa.Column("resolved", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("clash_guid", "clash", ["guid"], unique=False)


def _collection() -> None:
    op.create_table(
        "collection",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def _column_binding() -> None:
    op.create_table(
        "column_binding",
        sa.Column("column_id", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("seen_title", sa.Text(), nullable=False),
        sa.Column("offered_stage", sa.Text(), nullable=True),
        sa.Column("waits", sa.Boolean(), nullable=False),
        sa.Column("missing", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("column_id"),
    )


def _district() -> None:
    op.create_table(
        "district",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("geometry", GEOMETRY, nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def _effect() -> None:
    op.create_table(
        "effect",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("guid", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("run_after", sa.Text(), nullable=False),
        sa.Column("lease_until", sa.Text(), nullable=True),
        sa.Column("created", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("guid", "key"),
        sqlite_autoincrement=True,
    )
    op.create_index("effect_due", "effect", ["state", "run_after"], unique=False)


def _feature() -> None:
    op.create_table(
        "feature",
        sa.Column("fid", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("guid", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("created", sa.Text(), nullable=False),
        sa.Column("modified", sa.Text(), nullable=False),
        sa.Column("published", sa.Text(), nullable=True),
        sa.Column("visibility", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("west", sa.Float(), nullable=True),
        sa.Column("south", sa.Float(), nullable=True),
        sa.Column("east", sa.Float(), nullable=True),
        sa.Column("north", sa.Float(), nullable=True),
        sa.Column("geometry_json", sa.Text(), nullable=True),
        sa.Column("multi_json", sa.Text(), nullable=True),
        sa.Column("properties_json", sa.Text(), nullable=False),
        sa.Column("place_hand", sa.Text(), nullable=False),
        sa.Column("place_source", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("summary", sa.Text(), nullable=True),
        sa.Column("stage", sa.Text(), nullable=True),
        sa.Column("board", sa.Text(), nullable=True),
        sa.Column("card_id", sa.Text(), nullable=True),
        sa.Column("card_url", sa.Text(), nullable=True),
        sa.Column("direction", sa.Text(), nullable=True),
        sa.Column("partner", sa.Text(), nullable=True),
        sa.Column("start", sa.Text(), nullable=True),
        sa.Column("due", sa.Text(), nullable=True),
        sa.Column("responsible", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("horizon", sa.Integer(), nullable=True),
        sa.Column("placement", sa.Text(), nullable=True),
        sa.Column("cadastral_number", sa.Text(), nullable=True),
        sa.Column("place_check", sa.Text(), nullable=True),
        sa.Column("place_reason", sa.Text(), nullable=True),
        sa.Column("held", sa.Text(), nullable=True),
        sa.Column("district", sa.Text(), nullable=True),
        sa.Column("blocked", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("geometry", GEOMETRY, nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("fid"),
        sa.UniqueConstraint("guid"),
        sqlite_autoincrement=True,
    )
    op.create_index("feature_card", "feature", ["card_id"], unique=False)
    op.create_index("feature_kind", "feature", ["kind", "fid"], unique=False)
    op.create_index("feature_public", "feature", ["fid"], unique=False, **partly("visibility = 'public'"))
    op.create_index("feature_public_kind", "feature", ["kind", "fid"], unique=False, **partly("visibility = 'public'"))
    op.create_index("feature_seq", "feature", ["seq"], unique=False)


def _geocode() -> None:
    op.create_table(
        "geocode",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("provider", "query"),
    )


def _history() -> None:
    op.create_table(
        "history",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("guid", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=True),
        sa.Column("push", sa.Text(), nullable=True),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("history_guid", "history", ["guid", "id"], unique=False)


def _inbox() -> None:
    op.create_table(
        "inbox",
        sa.Column("card_id", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("since", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("run_after", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("card_id"),
    )
    op.create_index("inbox_due", "inbox", ["run_after"], unique=False)


def _lease() -> None:
    op.create_table(
        "lease",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("until", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def _lookup() -> None:
    op.create_table(
        "lookup",
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("card_id", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("run_after", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("address", "card_id"),
    )


def _note() -> None:
    op.create_table(
        "note",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )


def _pair() -> None:
    op.create_table(
        "pair",
        sa.Column("guid", sa.Text(), nullable=False),
        sa.Column("card_id", sa.Text(), nullable=False),
        sa.Column("card_created", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("ticket", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("gone_since", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("guid"),
        sa.UniqueConstraint("card_id", "card_created"),
    )


def _store() -> None:
    op.create_table(
        "store",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("guid", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("ticket", sa.Integer(), nullable=False),
        sa.Column("schema_version", sa.Text(), nullable=False),
        sa.Column("gate", sa.Text(), nullable=False),
        sa.Column("board", sa.Text(), nullable=True),
        sa.Column("projects", sa.Text(), nullable=True),
        sa.Column("mark", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )


def _sweep_request() -> None:
    op.create_table(
        "sweep_request",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("full", sa.Boolean(), nullable=False),
        sa.Column("force", sa.Boolean(), nullable=False),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )


def _waiting() -> None:
    op.create_table(
        "waiting",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("guid", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("since", sa.Text(), nullable=False),
        sa.Column("refused", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("guid", "topic"),
        sqlite_autoincrement=True,
    )
