"""What sign-on needs: who is signed in and what is signed out, and in the history who somebody is beside the name."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("history", "push", "clash"):
        op.add_column(table, sa.Column("who_id", sa.Text(), nullable=True))
    op.add_column("sweep_request", sa.Column("who", sa.Text(), nullable=True))
    _session()
    _ended()
    _logout_token()


def _session() -> None:
    op.create_table(
        "session",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("created", sa.Text(), nullable=False),
        sa.Column("used", sa.Text(), nullable=False),
        sa.Column("ends", sa.Text(), nullable=False),
        sa.Column("mark", sa.Text(), nullable=True),
        sa.Column("identity", sa.Text(), nullable=True),
        sa.Column("sign_in", sa.Text(), nullable=True),
        sa.Column("held", sa.Text(), nullable=True),
        sa.Column("heard", sa.Text(), nullable=True),
        sa.Column("asking", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_index("session_ends", "session", ["ends"], unique=False)
    op.create_index("session_sign_in", "session", ["sign_in"], unique=False)
    op.create_index("session_identity", "session", ["identity"], unique=False)


def _ended() -> None:
    op.create_table(
        "ended",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", sa.Integer(), nullable=False),
        sa.Column("until", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "name"),
    )
    op.create_index("ended_until", "ended", ["until"], unique=False)


def _logout_token() -> None:
    op.create_table(
        "logout_token",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("until", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("logout_token_until", "logout_token", ["until"], unique=False)
