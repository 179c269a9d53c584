"""Sessions in the store: who is signed in with a browser. The cookie's secret is only known here by its digest."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, insert, or_, select, update

from sync_service.store.clock import stamp
from sync_service.store.tables import session as table

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

IDLE = timedelta(hours=4)
"""A session that is not used for so long is over."""
LIFE = timedelta(hours=12)
"""No session lasts longer, however much it is used."""
ASKING = timedelta(seconds=10)
"""How long one process has for asking the issuer, and how long nobody asks again after it did not answer."""


@dataclass(frozen=True, slots=True)
class Session:
    """A session as the table has it; `person` and `held` are those of whoever made it."""

    digest: str
    kind: str
    person: str
    created: str
    used: str
    ends: str
    mark: str | None = None
    identity: str | None = None
    sign_in: str | None = None
    held: str | None = None
    heard: str | None = None
    asking: str | None = None


def find_session(connection: Connection, digest: str, now: datetime) -> Session | None:
    """The session of this digest, unless it is over."""
    row = connection.execute(_FIND, {"this": digest, "now": stamp(now), "idle": stamp(now - IDLE)}).one_or_none()
    return None if row is None else Session(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name


_c = table.c
_FIND = select(table).where(_c.digest == bindparam("this"), _c.ends > bindparam("now"), _c.used > bindparam("idle"))


def add_session(connection: Connection, session: Session, now: datetime) -> None:
    """Keep a new one, and forget those that are over."""
    forget_sessions(connection, now)
    connection.execute(insert(table).values(asdict(session)))


def forget_sessions(connection: Connection, now: datetime) -> None:
    """Forget those that are over."""
    connection.execute(delete(table).where(or_(_c.ends <= stamp(now), _c.used <= stamp(now - IDLE))))


def touch_session(connection: Connection, digest: str, now: datetime) -> None:
    """Keep that it is used."""
    connection.execute(update(table).where(_c.digest == digest).values(used=stamp(now)))


def claim_session(connection: Connection, session: Session, now: datetime) -> bool:
    """Be the one that asks the issuer about it: False while another does, or if it was just heard of."""
    since = _c.heard == session.heard
    free = or_(_c.asking.is_(None), _c.asking <= stamp(now), _c.asking > stamp(now + 2 * ASKING))
    claimed = update(table).where(_c.digest == session.digest, since, free).values(asking=stamp(now + ASKING))
    return connection.execute(claimed.returning(_c.digest)).first() is not None


def renew_session(connection: Connection, session: Session) -> None:
    """Keep what the issuer has just said of it. One that has ended meanwhile stays ended."""
    values = {"person": session.person, "held": session.held, "heard": session.heard, "asking": None}
    connection.execute(update(table).where(_c.digest == session.digest).values(values))


def drop_session(connection: Connection, digest: str) -> None:
    """End it."""
    connection.execute(delete(table).where(_c.digest == digest))


def drop_sign_in(connection: Connection, sign_in: str) -> int:
    """End those of one sign-in at the issuer; how many there were."""
    return connection.execute(delete(table).where(_c.sign_in == sign_in)).rowcount


def drop_identity(connection: Connection, identity: str) -> int:
    """End all of one person; how many there were."""
    return connection.execute(delete(table).where(_c.identity == identity)).rowcount
