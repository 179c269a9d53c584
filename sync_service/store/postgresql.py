"""The store in PostgreSQL with PostGIS. The driver is an extra of the package: imported only where such a store is."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.engine import make_url

from sync_service.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import URL

BUSY_SECONDS = 10.0
"""How long a writer waits for another."""
_IDLE_SECONDS = 60.0
"""A transaction whose process stands still so long is broken off: it holds the write lock against all others."""

READING: Mapping[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
"""Options of a connection that reads: all its statements see one snapshot."""

WRITING: Mapping[str, Any] = {}
"""Options of a connection that writes: none, the row it locks first keeps the others waiting."""

_SETTINGS = {
    "lock_timeout": round(BUSY_SECONDS * 1000),
    "idle_in_transaction_session_timeout": round(_IDLE_SECONDS * 1000),
}
_CONNECTING = {
    "connect_timeout": 5,
    "application_name": "placecard",
    # A server that vanished without a word is noticed within half a minute.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}


def driver_url(url: str) -> URL:
    """The address as SQLAlchemy wants it, with our driver."""
    return make_url(url).set(drivername="postgresql+psycopg")


def open_engine(url: str) -> Engine:
    """The engine of the store at `url`. A connection lost while it lay idle is replaced when it is wanted next."""
    if find_spec("psycopg") is None:
        raise Unavailable(reason="store_driver")
    parsed = driver_url(url)
    asked = parsed.query.get("options", ())
    options = " ".join([*((asked,) if isinstance(asked, str) else asked), *_session_settings()])
    return create_engine(parsed, pool_pre_ping=True, connect_args={**_CONNECTING, "options": options})


def _session_settings() -> list[str]:
    return [f"-c {name}={value}" for name, value in _SETTINGS.items()]


def begin(_connection: Connection) -> None:
    """Nothing to do: the driver begins a transaction with its first statement."""


def lock(connection: Connection, patience: float, *, lasting: bool) -> None:
    """Set how long the transaction just begun waits for the lock it takes next, and whether its end for the disk."""
    told = [] if lasting else ["SET LOCAL synchronous_commit=off"]
    if patience != BUSY_SECONDS:
        told.append(f"SET LOCAL lock_timeout={max(1, round(patience * 1000))}")
    if told:
        connection.exec_driver_sql("; ".join(told))


_FAULTS = {
    "08": "store_unreachable",
    "25006": "store_read_only",
    "28": "store_refused",
    "3D000": "store_refused",
    "40001": "store_busy",
    "40P01": "store_busy",
    "42501": "store_forbidden",
    "42P01": "store_empty",  # no statement of ours names a table that a store of this schema lacks
    "53100": "disk_full",
    "53200": "store_crowded",
    "53300": "store_crowded",
    "55P03": "store_busy",
    "57014": "store_busy",
    "57P": "store_unreachable",
    "25P03": "store_unreachable",
    "58030": "disk_error",
    "XX001": "store_damaged",
    "XX002": "store_damaged",
}


def machine_fault(origin: BaseException | None) -> str | None:
    """The reason of `Unavailable` for what the driver says; None: it is no fault of the machine."""
    import psycopg  # noqa: PLC0415 - an extra: only where such a store is

    if not isinstance(origin, psycopg.Error):
        return None
    state = origin.sqlstate
    if state is None:  # the server said nothing: it is not there, or went away
        gone = isinstance(origin, psycopg.OperationalError)
        return _unsaid(str(origin)) if gone else None
    return next((_FAULTS[state[:size]] for size in (5, 3, 2) if state[:size] in _FAULTS), None)


def _unsaid(text: str) -> str:
    """Why no connection was made: libpq gives the server's refusal as text only."""
    for words, reason in _REFUSALS.items():
        if words in text:
            return reason
    return "store_unreachable"


_REFUSALS = {
    "password authentication failed": "store_refused",
    "no password supplied": "store_refused",
    "no pg_hba.conf entry": "store_refused",
    "does not exist": "store_refused",
    "too many connections": "store_crowded",
    "too many clients": "store_crowded",
    "remaining connection slots": "store_crowded",
}


def free_bytes(_url: str) -> float:
    """The server's disk is the server's."""
    return float("nan")


def integrity(_connection: Connection) -> str:
    """PostgreSQL checks its pages as it reads them."""
    return "ok"
