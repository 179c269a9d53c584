"""Create the store, or bring an older one up to date. Backs an existing file up first; safe to run twice at once."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from sync_service.errors import Unavailable
from sync_service.store import postgresql, tables
from sync_service.store.collections import COLLECTIONS
from sync_service.store.database import Database, kind_of
from sync_service.store.dialect import insert as upsert
from sync_service.store.folding import make_folding
from sync_service.store.triggers import make_jobs
from sync_service.store.views import drop_views, make_views

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class Migration:
    """What `migrate` did: schema versions before (None: there was no store) and after, and where the backup lies.

    `readable`: whether on a server the role for people with a GIS of their own is there and may read the views.
    """

    before: str | None
    after: str
    backup: Path | None
    readable: bool = True

    @property
    def changed(self) -> bool:
        """Whether anything was done."""
        return self.before != self.after


def newest_version() -> str:
    """The schema version this code works with."""
    head = _scripts().get_current_head()
    assert head is not None
    return head


def migrate(url: str) -> Migration:
    """Make the store at `url` ready for this code. Raises Unavailable when it was made by a newer one.

    A file is backed up first. On a server one transaction does it all, so that whatever fails leaves what was there;
    backups are the server's business.
    """
    return _migrate_server(url) if kind_of(url) is postgresql else _migrate_file(url)


def _migrate_file(url: str) -> Migration:
    newest, path = newest_version(), _file(url)
    before = _version(path)
    if before == newest:
        return Migration(before, newest, None)
    if before is not None:
        _known(before)
    backup = _back_up(path, before) if before is not None else None
    _prepare_file(path)
    _upgrade(url, newest)
    return Migration(before, newest, backup)


def _known(version: str) -> None:
    try:
        _scripts().get_revision(version)
    except CommandError as error:
        raise Unavailable("store_newer", version=version) from error


def _config() -> Config:
    config = Config()
    # As a path, not as package:folder: Alembic's resolution of the latter wants pkg_resources.
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _file(url: str) -> Path:
    name = make_url(url).database
    if not name or name == ":memory:":
        raise Unavailable("store_kind_unknown")
    return Path(name)


def _version(path: Path) -> str | None:
    if not path.exists():
        return None
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone() if found else None
    return None if row is None else str(row[0])


def _back_up(path: Path, version: str) -> Path:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    target = path.with_name(f"{path.name}.{version}-{stamp}.backup")
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
    return target


def _prepare_file(path: Path) -> None:
    # Once, here: connections that switch to WAL as they open race each other into "database is locked". The page size
    # of a new file lets a feature's row lie in one page (measured: pages of features in half the time of 4096).
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, timeout=10)) as connection:
        connection.execute("PRAGMA page_size=8192")
        connection.execute("PRAGMA journal_mode=WAL")


def _upgrade(url: str, newest: str) -> None:
    database = Database(url)
    try:
        with database.writing(gate=False) as connection:
            _run_steps(connection, newest)
    finally:
        database.close()


def _run_steps(connection: Connection, newest: str) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    _fill_rows(connection, newest)


_MIGRATING = 0x706C6163  # whoever migrates holds this lock of the server's: another waits and finds it done


def _migrate_server(url: str) -> Migration:
    newest, database = newest_version(), Database(url)
    try:
        with database.clear_errors(), database.engine.connect() as connection, connection.begin():
            connection.execute(select(func.pg_advisory_xact_lock(_MIGRATING)))
            before = MigrationContext.configure(connection).get_current_revision()
            if before is not None:
                _known(before)
            if before != newest:
                _prepare_server(connection)
                drop_views(connection)
                _run_steps(connection, newest)
            make_folding(connection)  # by the letters this Python knows
            make_jobs(connection)
            readable = make_views(connection)
    finally:
        database.close()
    return Migration(before, newest, None, readable)


def _prepare_server(connection: Connection) -> None:
    """See that the database can hold a store: all letters, and PostGIS, which only its owner can bring in."""
    if connection.execute(text("SHOW server_encoding")).scalar_one() != "UTF8":
        raise Unavailable("store_encoding")
    if connection.execute(text("SELECT 1 FROM pg_extension WHERE extname = 'postgis'")).first() is None:
        try:
            connection.execute(text("CREATE EXTENSION postgis"))
        except DBAPIError as error:
            raise Unavailable("store_postgis") from error


def _fill_rows(connection: Connection, newest: str) -> None:
    """One store row; one row per collection, none lost that already counts."""
    if connection.execute(select(tables.store.c.id)).first() is None:
        connection.execute(
            insert(tables.store).values(
                id=1, guid=str(uuid4()), epoch=1, seq=0, ticket=0, schema_version=newest, gate="open"
            )
        )
    connection.execute(update(tables.store).values(schema_version=newest))
    rows = [{"name": name, "count": 0, "seq": 0} for name in COLLECTIONS]
    connection.execute(upsert(tables.collection).on_conflict_do_nothing(), rows)
