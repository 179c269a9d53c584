"""What edits need: versions in the history, who is against whom in a clash, pushes and their edits, merged cards."""

from __future__ import annotations

from base64 import b64encode

import orjson
import shapely
import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _history()
    _clash()
    _push()
    _edit()
    _merged()


def _history() -> None:
    op.add_column("history", sa.Column("version", sa.Integer(), nullable=True))
    op.create_index("history_at", "history", ["at", "id"], unique=False)
    op.create_index("history_push", "history", ["push", "id"], unique=False)
    _number_versions()
    _keep_exact_geometries()


def _number_versions() -> None:
    """Every write of a feature left one row: counted from its present version backwards."""
    op.execute(
        "UPDATE history SET version ="
        " (SELECT feature.version FROM feature WHERE feature.guid = history.guid)"
        " - (SELECT count(*) FROM history AS later WHERE later.guid = history.guid AND later.id > history.id)"
    )
    op.execute("UPDATE history SET version = NULL WHERE version < 1")


def _keep_exact_geometries() -> None:
    """Geometries were kept as text of six decimals; from now on as base64 of WKB, which says all of them."""
    connection = op.get_bind()
    history = sa.table("history", *(sa.column(name) for name in ("id", "before", "after")))
    change = (
        sa.update(history)
        .where(history.c.id == sa.bindparam("this"))
        .values(before=sa.bindparam("old"), after=sa.bindparam("new"))
    )
    kept = '%"geometry":"%'
    rows = connection.execute(sa.select(history).where(history.c.before.like(kept) | history.c.after.like(kept))).all()
    for row in rows:
        connection.execute(change, {"this": row.id, "old": _exact(row.before), "new": _exact(row.after)})


def _exact(text: str | None) -> str | None:
    if text is None:
        return None
    values = orjson.loads(text)
    if values.get("geometry"):
        values["geometry"] = b64encode(shapely.to_wkb(shapely.from_wkt(values["geometry"]), flavor="iso")).decode()
    return orjson.dumps(values).decode()


def _clash() -> None:
    for name in ("who", "theirs_by", "theirs_at", "push", "client", "other", "resolved_by"):
        op.add_column("clash", sa.Column(name, sa.Text(), nullable=True))


def _push() -> None:
    op.create_table(
        "push",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("body_hash", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("undone", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("push_at", "push", ["at"], unique=False)


def _edit() -> None:
    op.create_table(
        "edit",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("change_id", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("guid", sa.Text(), nullable=False),
        sa.Column("push", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", "change_id"),
    )


def _merged() -> None:
    op.create_table(
        "merged",
        sa.Column("guid", sa.Text(), nullable=False),
        sa.Column("survivor", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("guid"),
    )
    op.create_index("merged_survivor", "merged", ["survivor"], unique=False)
