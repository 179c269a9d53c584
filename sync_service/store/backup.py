"""Copies of the SQLite store: one taken while it is in use, and one put in the store's place.

A copy appears whole or not at all, and never over a file that is there. It is one plain SQLite file of one moment. What
stands beside the store (the key that signs cookies, the gazetteer) is not in it.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import tempfile
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.engine import make_url

from sync_service.errors import BadRequest, Unavailable
from sync_service.store.sqlite import machine_fault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

_HELD_SECONDS = 2.0
"""How long a store that is about to be replaced may be held by a command that is just ending."""


@dataclass(frozen=True, slots=True)
class Copied:
    """A copy of a store: where it lies, its schema, how many proposals are in it, its last change, its bytes."""

    path: Path
    version: str
    features: int
    seq: int
    size: int


def store_file(url: str) -> Path:
    """The file of an SQLite store. Another kind of store has its own tools: `BadRequest` names them."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        raise BadRequest("PLACECARD_STORE_URL", "backup_by_server")
    return Path(parsed.database)


def back_up(store: Path, target: Path, now: datetime) -> Copied:
    """Copy the store as it is at this moment, however busy it is, to `target`; into a folder under a dated name.

    Raises `BadRequest` when `target` is there already or cannot be written, `Unavailable` when the store is not there
    or is damaged.
    """
    if not store.is_file():
        raise Unavailable(reason="store_empty")
    place = target / f"{store.stem}-{stamp_of(now)}{store.suffix}" if target.is_dir() else target
    with drafting(place) as draft:
        copy_store(store, draft)
        keep_draft(draft, place)
    return look_into(place)


def stamp_of(now: datetime) -> str:
    """A moment as it stands in file names."""
    return now.strftime("%Y%m%dT%H%M%SZ")


@contextmanager
def drafting(place: Path) -> Iterator[Path]:
    """A file beside `place`, readable by its owner only, that is gone afterwards unless it was kept there."""
    if place.exists():
        raise BadRequest("PATH", "backup_exists", path=str(place))
    try:
        handle, name = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.")
    except OSError as error:
        raise _refused(error, place) from error
    os.close(handle)
    draft = Path(name)
    try:
        with clear_faults(place):
            yield draft
    finally:
        for each in (draft, *sidecars(draft)):
            each.unlink(missing_ok=True)


@contextmanager
def clear_faults(place: Path) -> Iterator[None]:
    """What the machine does to files, as one clear error."""
    try:
        yield
    except sqlite3.Error as error:
        raise Unavailable(reason=machine_fault(error) or "store_damaged") from error
    except OSError as error:
        raise _refused(error, place) from error


def _refused(error: OSError, place: Path) -> Exception:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Unavailable(reason="disk_full")
    return BadRequest("PATH", "backup_unwritable", path=str(place), why=error.strerror or str(error))


def sidecars(path: Path) -> list[Path]:
    """The files that SQLite keeps beside a store in use."""
    return [path.with_name(f"{path.name}{suffix}") for suffix in ("-wal", "-shm", "-journal")]


def copy_store(source: Path, target: Path) -> None:
    """Copy a store of one moment and see that everything arrived. `target` is one file with nothing beside it."""
    with closing(_open(source)) as here, closing(_open(target)) as there:
        here.execute("BEGIN")  # what is counted and what is copied are of one moment
        counts = _counts(here)
        here.backup(there)
        there.execute("PRAGMA journal_mode=DELETE")
        sound = there.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if sound != "ok" or _counts(there) != counts:
            raise Unavailable(reason="store_damaged")
    _to_disk(target)


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=_HELD_SECONDS)


def _counts(connection: sqlite3.Connection) -> dict[str, int]:
    names = [str(row[0]) for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    count = "SELECT count(*) FROM {}"
    return {name: int(connection.execute(count.format(f'"{name}"')).fetchone()[0]) for name in names}


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def keep_draft(draft: Path, place: Path) -> None:
    """Give the finished draft its name. A link is made whole or not at all, and never over another file."""
    try:
        place.hardlink_to(draft)
    except FileExistsError as error:
        raise BadRequest("PATH", "backup_exists", path=str(place)) from error
    except OSError:  # some file systems know no links
        draft.rename(place)
    _to_disk(place.parent)


def look_into(path: Path) -> Copied:
    """What a copy holds. Raises `BadRequest` for a file that is no store of ours, `Unavailable` for a damaged one."""
    try:
        with closing(_open(path)) as connection:
            row = connection.execute(_ABOUT).fetchone()
            sound = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        fault = machine_fault(error)
        if fault == "store_empty" or error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
            raise BadRequest("PATH", "backup_foreign", path=str(path)) from error
        raise Unavailable(reason=fault or "store_damaged") from error
    if row is None:
        raise BadRequest("PATH", "backup_foreign", path=str(path))
    if sound != "ok":
        raise Unavailable(reason="store_damaged")
    version, seq, features = row
    return Copied(path, str(version), int(features), int(seq), path.stat().st_size)


_ABOUT = "SELECT version_num, seq, (SELECT count(*) FROM feature) FROM alembic_version, store"


def set_aside(store: Path, aside: Path) -> int:
    """Keep the present store under another name, closed to writers; its epoch, 0 if there is none to read.

    Raises `Unavailable` (`store_held`) while another process has it open.
    """
    if not store.exists():
        return 0
    epoch = _close_gate(store)
    if epoch is None:  # damaged: it is kept with everything beside it
        for part, kept in zip(sidecars(store), sidecars(aside), strict=True):
            if part.exists():
                part.rename(kept)
    aside.hardlink_to(store)
    _to_disk(aside.parent)
    return epoch or 0


def _close_gate(store: Path) -> int | None:
    """Bring the store into its one file, with its gate shut; its epoch, None if it cannot be read."""
    try:
        with closing(_open(store)) as connection:
            _demand_free(connection)
            row = connection.execute("UPDATE store SET gate = 'moved' RETURNING epoch").fetchone()
    except sqlite3.Error as error:
        if machine_fault(error) == "store_busy":
            raise Unavailable(reason="store_held") from error
        return None
    return None if row is None else int(row[0])


def _demand_free(connection: sqlite3.Connection) -> None:
    """Leaving the write-ahead log is possible only for who has the store alone."""
    mode = connection.execute("PRAGMA journal_mode=DELETE").fetchone()[0]
    if mode != "delete":
        raise Unavailable(reason="store_held")


def replace_store(draft: Path, store: Path) -> None:
    """Put the draft in the store's place, in one step."""
    _to_disk(draft)
    with suppress(FileNotFoundError):
        for part in sidecars(store):
            part.unlink()
    draft.replace(store)
    _to_disk(store.parent)
