"""The store is made and brought up to date, whole and with a backup."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, select

from sync_service.errors import Unavailable
from sync_service.store import tables
from sync_service.store.collections import COLLECTIONS
from sync_service.store.database import Database, integrity
from sync_service.store.migrate import migrate, newest_version

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "store.db"


def url_of(path: Path) -> str:
    return f"sqlite:///{path}"


def run_sql(path: Path, statement: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute(statement).fetchall()
        connection.commit()
        return found


def test_new_store_has_exactly_the_tables_of_the_code(path: Path) -> None:
    migrate(url_of(path))
    database = Database(url_of(path))

    def ours(_object: Any, name: str | None, kind: str, *_rest: Any) -> bool:
        return kind != "table" or not (name or "").startswith(tables.BOX_TABLE)

    with database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": ours, "compare_server_default": True})
        assert compare_metadata(context, tables.metadata) == []
        assert columns_made(connection) == columns_written()
        assert indexes_made(path) == indexes_written()
    database.close()


def columns_made(connection: Any) -> dict[str, list[tuple[str, bool]]]:
    """Columns in their order (long ones last matters) with what may be null."""
    seen = inspect(connection)
    return {
        name: [(each["name"], bool(each["nullable"])) for each in seen.get_columns(name)]
        for name in tables.metadata.tables
    }


def columns_written() -> dict[str, list[tuple[str, bool]]]:
    return {
        name: [(column.name, bool(column.nullable)) for column in table.columns]
        for name, table in tables.metadata.tables.items()
    }


def indexes_made(path: Path) -> dict[str, bool]:
    """Indexes by name, and whether each is partial: Alembic does not compare that."""
    rows = run_sql(path, "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
    return {name: "WHERE" in text for name, text in rows}


def indexes_written() -> dict[str, bool]:
    indexes = [index for table in tables.metadata.tables.values() for index in table.indexes]
    return {str(index.name): index.dialect_options["sqlite"]["where"] is not None for index in indexes}


def test_new_store_is_open_counts_nothing_and_is_in_wal(path: Path) -> None:
    done = migrate(url_of(path))
    assert (done.before, done.after, done.backup, done.changed) == (None, newest_version(), None, True)
    assert run_sql(path, "PRAGMA journal_mode") == [("wal",)]
    assert run_sql(path, "SELECT gate, epoch, seq, schema_version FROM store") == [("open", 1, 0, newest_version())]
    assert run_sql(path, "SELECT sum(count), sum(seq), count(*) FROM collection") == [(0, 0, len(COLLECTIONS))]
    assert run_sql(path, "SELECT * FROM feature_box") == []


def test_second_run_changes_nothing(path: Path) -> None:
    migrate(url_of(path))
    before = run_sql(path, "SELECT guid FROM store")
    done = migrate(url_of(path))
    assert not done.changed
    assert run_sql(path, "SELECT guid FROM store") == before
    assert list(path.parent.glob("*.backup")) == []


def test_older_store_is_backed_up_before_it_is_touched(path: Path) -> None:
    path.parent.mkdir()
    run_sql(path, "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
    run_sql(path, "CREATE TABLE keepsake (text TEXT)")
    run_sql(path, "INSERT INTO keepsake VALUES ('дорого')")
    done = migrate(url_of(path))
    assert done.backup is None, "no version recorded: nothing of ours to save"
    assert run_sql(path, "SELECT text FROM keepsake") == [("дорого",)]


def test_backup_holds_what_was_there(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    migrate(url_of(path))
    run_sql(path, "UPDATE store SET seq = 77")
    monkeypatch.setattr("sync_service.store.migrate.newest_version", lambda: "9999")
    done = migrate(url_of(path))
    assert done.backup is not None
    assert done.backup.parent == path.parent
    assert run_sql(done.backup, "SELECT seq FROM store") == [(77,)]


def test_newer_store_is_refused_untouched(path: Path) -> None:
    migrate(url_of(path))
    run_sql(path, "UPDATE alembic_version SET version_num = '9000'")
    with pytest.raises(Unavailable) as refused:
        migrate(url_of(path))
    assert refused.value.data["reason"] == "store_newer"
    assert list(path.parent.glob("*.backup")) == []


def test_migrated_store_is_sound_and_writable(path: Path) -> None:
    migrate(url_of(path))
    database = Database(url_of(path))
    with database.writing() as connection:
        assert connection.execute(select(tables.store.c.guid)).scalar_one()
        assert integrity(connection) == "ok"
    database.close()
