"""Tables of who is signed in and what is signed out. With `store.tables` they are one schema."""

from __future__ import annotations

from sqlalchemy import Column, Index, MetaData, PrimaryKeyConstraint, Table, Text

from sync_service.store.dialect import WHOLE

metadata = MetaData()
"""Of every table of the store."""

session = Table(
    # Who is signed in with a browser. The cookie's secret is not here: only its digest is.
    "session",
    metadata,
    Column("digest", Text, primary_key=True),  # SHA-256 of the secret
    Column("kind", Text, nullable=False),  # token, or issuer: who let them in
    Column("person", Text, nullable=False),  # JSON: name, roles and organisations as last heard
    Column("created", Text, nullable=False),
    Column("used", Text, nullable=False),  # to within a minute
    Column("ends", Text, nullable=False),  # then at the latest, however much it is used
    Column("mark", Text),  # of the token it was given for: another token ends it
    Column("identity", Text),  # issuer and subject
    Column("sign_in", Text),  # the issuer's session
    Column("held", Text),  # refresh token and ID token, encrypted
    Column("heard", Text),  # when the issuer last said who this is
    Column("asking", Text),  # until when one process asks it again
    Index("session_ends", "ends"),
    Index("session_sign_in", "sign_in"),
    Index("session_identity", "identity"),
)

ended = Table(
    # What the issuer says is signed out, until no token of that sign-in is valid any more.
    "ended",
    metadata,
    Column("kind", Text, nullable=False),  # sign_in, or identity: all of somebody's
    Column("name", Text, nullable=False),
    Column("at", WHOLE, nullable=False),  # Unix seconds: tokens issued until then are void
    Column("until", Text, nullable=False),
    PrimaryKeyConstraint("kind", "name"),
    Index("ended_until", "until"),
)

logout_token = Table(
    # Logout tokens that were taken: each counts once.
    "logout_token",
    metadata,
    Column("id", Text, primary_key=True),
    Column("until", Text, nullable=False),
    Index("logout_token_until", "until"),
)
