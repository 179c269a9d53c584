"""Where a store lies, by which a copy of it is told from the store itself.

On SQLite: the machine (unless it is a container, whose machine is made anew every day), the device and number of the
file. A file keeps its number when it or its folder is renamed, when the service restarts and when its container is made
anew; a copy has another. On PostgreSQL: the cluster and the number of the database.

After the machine was started anew (`boot`) devices may be numbered otherwise, so that they are not compared.
"""

from __future__ import annotations

import os
import socket
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
from sqlalchemy import text

from sync_service.store.leases import read_note, write_note

if TYPE_CHECKING:
    from sqlalchemy import Connection

HOME = "home"
"""Note of where the store lay when it last spoke with the board."""
_CONTAINER = ("/.dockerenv", "/run/.containerenv", "/var/run/secrets/kubernetes.io")


@dataclass(frozen=True, slots=True)
class Home:
    """Where a store lies. `host` and `path` are for people: they are shown and never compared."""

    machine: str
    boot: str
    device: str
    number: str
    host: str
    path: str

    def is_of(self, other: Home) -> bool:
        """Whether both are one store, as far as can be told from outside."""
        if self.number != other.number or (self.machine and other.machine and self.machine != other.machine):
            return False
        return self.boot != other.boot or self.device == other.device


def present_home(connection: Connection) -> Home | None:
    """Where the open store lies; None when it cannot be told."""
    if connection.dialect.name == "sqlite":
        return _of_file(Path(str(connection.engine.url.database)))
    row = connection.execute(_OF_CLUSTER).one()
    return Home(str(row.cluster), str(row.started), "", str(row.number), str(row.host or ""), str(row.name))


_OF_CLUSTER = text(
    "SELECT (SELECT system_identifier FROM pg_control_system()) AS cluster, pg_postmaster_start_time() AS started, "
    "oid AS number, inet_server_addr() AS host, datname AS name FROM pg_database WHERE datname = current_database()"
)


def _of_file(path: Path) -> Home | None:
    try:
        found = path.stat()
    except OSError:
        return None  # it was taken away under an open connection: whoever writes says so
    return Home(
        _machine(),
        _boot(),
        str(found.st_dev),
        str(found.st_ino),
        socket.gethostname(),
        os.path.abspath(path),  # noqa: PTH100 - links in the path are the operator's own
    )


@lru_cache(maxsize=1)
def _machine() -> str:
    if any(Path(sign).exists() for sign in _CONTAINER):
        return ""
    return _line("/etc/machine-id")


@lru_cache(maxsize=1)
def _boot() -> str:
    return _line("/proc/sys/kernel/random/boot_id")


def _line(path: str) -> str:
    try:
        return Path(path).read_text("ascii").strip()
    except OSError:
        return ""


def kept_home(connection: Connection) -> Home | None:
    """Where the store lay when it last spoke with the board; None when it never did."""
    noted = read_note(connection, HOME)
    return None if noted is None else Home(**orjson.loads(noted))


def keep_home(connection: Connection) -> None:
    """The store is at home where it lies now."""
    here = present_home(connection)
    if here is not None and here != kept_home(connection):
        write_note(connection, HOME, orjson.dumps(asdict(here)).decode())


def is_strange(connection: Connection) -> bool:
    """Whether the store lies elsewhere than when it last spoke with the board: it was copied, or moved."""
    kept = kept_home(connection)
    here = present_home(connection) if kept is not None else None
    return kept is not None and here is not None and not here.is_of(kept)
