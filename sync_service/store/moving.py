"""Moving a store to PostgreSQL: frozen, copied, compared, and closed for good only when everything has arrived.

The writers' gate of the source is `frozen` from the first row read to the last one compared, so that one moment is
copied. The target fills in one transaction: a failure leaves it empty and the source open. The target is frozen too
until the source's gate says `moved`: at no moment do both take writes.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import orjson
import shapely
from sqlalchemy import Table, func, insert, select, text, update
from sqlalchemy.exc import DataError

from sync_service.errors import Conflict, Unavailable
from sync_service.store import tables
from sync_service.store.database import Database, schema_version
from sync_service.store.home import HOME, keep_home
from sync_service.store.leases import read_note
from sync_service.store.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sqlalchemy import Connection, Result

_BATCH = 500
_LEFT_BEHIND = {tables.lease.name, tables.sweep_request.name, tables.session.name}
"""What concerns only who worked in the old store."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What arrived: rows by table, and one digest over all of them."""

    rows: Mapping[str, int]
    digest: str


def move_store(source_url: str, target_url: str, progress: Callable[[int, int], None]) -> Moved:
    """Move the store of an SQLite file into a PostgreSQL database without proposals, which is made ready here.

    Raises `Conflict` when the target is in use or differs from the source afterwards, `Unavailable` when either cannot
    be worked in. What a process that died left half done is taken up by the same call.
    """
    migrate(target_url)
    source, target = Database(source_url), Database(target_url)
    try:
        if _is_closed(source, target):
            moved = _weigh(target)
        else:
            with _frozen(source), source.reading() as here:
                moved = _fill(here, target, progress)
                _set_gate(source, "moved")
        _set_gate(target, "open")
    finally:
        source.close()
        target.close()
    return moved


def give_up(source_url: str) -> None:
    """Open a store again whose move was broken off. Raises `Unavailable` when it has moved."""
    source = Database(source_url)
    try:
        _shift_gate(source, "open")
    finally:
        source.close()


def _is_closed(source: Database, target: Database) -> bool:
    """Whether everything has arrived and only the target is still to be opened."""
    with source.reading() as here, target.reading() as there:
        if schema_version(here) is None:
            raise Unavailable("store_empty")
        ours, theirs = here.execute(_STATE).one(), there.execute(_STATE).one()
    return bool(ours.gate == "moved" and theirs.guid == ours.guid and theirs.gate == "frozen")


_STATE = select(tables.store.c.gate, tables.store.c.schema_version, tables.store.c.guid, tables.store.c.board)


@contextmanager
def _frozen(source: Database) -> Iterator[None]:
    """Shut the gate to every writer; open it again if anything goes wrong."""
    _shift_gate(source, "frozen")
    try:
        yield
    except BaseException:
        _shift_gate(source, "open")
        raise


def _shift_gate(source: Database, gate: str) -> None:
    """Open or freeze a store of this schema that has not moved."""
    with source.reading() as connection:
        row = connection.execute(_STATE).one()
    if row.schema_version != tables.SCHEMA_VERSION:
        newer = row.schema_version > tables.SCHEMA_VERSION
        raise Unavailable("store_newer" if newer else "store_old", version=row.schema_version)
    if row.gate == "moved":
        raise Unavailable("store_moved")
    _set_gate(source, gate)


def _set_gate(database: Database, gate: str) -> None:
    with database.writing(gate=False) as connection:
        connection.execute(update(tables.store).values(gate=gate))


def _fill(here: Connection, target: Database, progress: Callable[[int, int], None]) -> Moved:
    """Copy every table in one transaction; the target's gate stays as frozen as the source's."""
    rows: dict[str, int] = {}
    digests: dict[str, str] = {}
    total = sum(_count(here, table) for table in _moved_tables())
    with target.writing(gate=False) as there:
        _demand_free(there, here.execute(_STATE).one().guid)
        for table in _moved_tables():
            _copy(here, there, table, partial(_report, progress, sum(rows.values()), total))
            name = str(table.name)
            rows[name], digests[name] = _compared(here, there, table)
        _settle(here, there)
    return Moved(rows, _whole(digests))


def _report(progress: Callable[[int, int], None], before: int, total: int, done: int) -> None:
    progress(before + done, total)


def _copy(here: Connection, there: Connection, table: Table, progress: Callable[[int], None]) -> None:
    done = 0
    there.execute(table.delete())
    for batch in _rows(here, table).partitions():
        try:
            there.execute(insert(table), [dict(row._mapping) for row in batch])  # noqa: SLF001 - SQLAlchemy's public name
        except DataError as error:  # such as a text with a zero byte in it, which only SQLite takes
            raise Conflict("copy_refused", table=table.name, why=str(error.orig)) from error
        done += len(batch)
        progress(done)


def _rows(connection: Connection, table: Table) -> Result[Any]:
    """All rows in an order both databases have, a batch at a time."""
    ordered = select(table).order_by(*table.primary_key)
    return connection.execute(ordered, execution_options={"yield_per": _BATCH})


def _weigh(target: Database) -> Moved:
    with target.reading() as there:
        found = {str(table.name): _digest(there, table) for table in _moved_tables()}
    digests = {name: digest for name, (_, digest) in found.items()}
    return Moved({name: count for name, (count, _) in found.items()}, _whole(digests))


def _whole(digests: Mapping[str, str]) -> str:
    return blake2b(orjson.dumps(digests, option=orjson.OPT_SORT_KEYS), digest_size=12).hexdigest()


def _moved_tables() -> list[Table]:
    return [table for table in tables.metadata.sorted_tables if table.name not in _LEFT_BEHIND]


def _count(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def _demand_free(there: Connection, guid: str) -> None:
    """A database that somebody works with is not overwritten; what a broken-off move of this store left is."""
    present = there.execute(_STATE).one()
    if present.gate == "frozen" and present.guid == guid:
        return
    if present.board is not None or _count(there, tables.feature) or _count(there, tables.history):
        raise Conflict("target_in_use")


def _compared(here: Connection, there: Connection, table: Table) -> tuple[int, str]:
    """Rows and digest of a table that is the same on both sides. Raises `Conflict` when it is not."""
    ours, theirs = _digest(here, table), _digest(there, table)
    if ours != theirs:
        raise Conflict("copy_differs", table=table.name, ours=ours[0], theirs=theirs[0])
    return theirs


def _digest(connection: Connection, table: Table) -> tuple[int, str]:
    """Number of rows, and a digest of their values in an order both databases have."""
    digest, count = blake2b(digest_size=16), 0
    for row in _rows(connection, table):
        digest.update(orjson.dumps([_canonical(value) for value in row]) + b"\n")
        count += 1
    return count, digest.hexdigest()


def _canonical(value: Any) -> Any:
    """A value as both databases give it: a geometry may have been kept with its bytes the other way round."""
    return shapely.from_wkb(value).wkb_hex if isinstance(value, bytes) else value


def _settle(here: Connection, there: Connection) -> None:
    """What differs on purpose: where the store lies, and that the server counts on where the file has stopped."""
    if read_note(there, HOME) is not None:
        keep_home(there)
    for name, last in here.execute(text("SELECT name, seq FROM sqlite_sequence")):
        table = tables.metadata.tables[name]
        assert table.autoincrement_column is not None
        resumed = func.setval(func.pg_get_serial_sequence(name, table.autoincrement_column.name), max(last, 1))
        there.execute(select(resumed))
