"""`backup` and `restore`: a whole copy or none, of one moment, and never in the way of what is there."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from sync_service.errors import BadRequest, Unavailable
from sync_service.jobs.leader import Leadership
from sync_service.store import backup as copying
from sync_service.store import tables
from sync_service.store.backup import back_up, store_file
from sync_service.store.counter import identity
from sync_service.store.database import Database
from sync_service.store.leases import write_note
from sync_service.store.migrate import newest_version
from sync_service.store.restore import put_back
from tests.desk import START

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.desk import Desk


def store_of(desk: Desk) -> Path:
    return desk.folder / "placecard.db"


def run_sql(path: Path, statement: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute(statement).fetchall()
        connection.commit()
        return found


@pytest.fixture
def backup(desk: Desk) -> Path:
    """A backup of a store with two proposals; a third came later."""
    for title in ("Первое", "Второе"):
        desk.add(title, column="Одобрено")
    desk.sweep()
    path = desk.folder / "copy.db"
    back_up(store_of(desk), path, START)
    desk.add("Третье", column="Одобрено")
    desk.sweep()
    return path


def test_backup_is_one_file_with_everything(desk: Desk) -> None:
    desk.add(column="Одобрено")
    desk.sweep()
    made = back_up(store_of(desk), desk.folder / "copy.db", START)
    assert sorted(path.name for path in desk.folder.iterdir() if path.name.startswith(("copy", "."))) == ["copy.db"]
    assert (made.features, made.version, made.size) == (1, newest_version(), made.path.stat().st_size)
    assert made.path.stat().st_mode & 0o077 == 0, "it holds everything, also what is not public"
    same = "SELECT guid, version, title FROM feature"
    assert run_sql(made.path, same) == run_sql(store_of(desk), same)


def test_backup_into_a_folder_is_dated_and_twice_is_refused(desk: Desk) -> None:
    made = back_up(store_of(desk), desk.folder, START)
    assert made.path.name == f"placecard-{START:%Y%m%dT%H%M%SZ}.db"
    before = made.path.read_bytes()
    with pytest.raises(BadRequest) as refused:
        back_up(store_of(desk), desk.folder, START)
    assert refused.value.data["reason"] == "backup_exists"
    assert made.path.read_bytes() == before
    back_up(store_of(desk), desk.folder, START + timedelta(seconds=1))


def test_backup_over_the_store_itself_is_refused(desk: Desk) -> None:
    with pytest.raises(BadRequest):
        back_up(store_of(desk), store_of(desk), START)


def test_file_that_appears_meanwhile_is_kept(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    target, copy = desk.folder / "copy.db", copying.copy_store

    def meanwhile(source: Path, draft: Path) -> None:
        copy(source, draft)
        target.write_text("чужое")

    monkeypatch.setattr(copying, "copy_store", meanwhile)
    with pytest.raises(BadRequest):
        back_up(store_of(desk), target, START)
    assert target.read_text() == "чужое"
    assert list(desk.folder.glob(".*")) == []


def test_backup_of_a_busy_store_is_of_one_moment(desk: Desk) -> None:
    """Two notes always change together: a copy of one moment has them alike."""
    stop, writes = threading.Event(), [0]

    def write() -> None:
        database = Database(desk.parts.database.url)
        while not stop.is_set():
            writes[0] += 1
            with database.writing(lasting=False) as connection:
                for key in ("one", "other"):
                    write_note(connection, key, str(writes[0]) * 500)
        database.close()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for number in range(20):
            made = back_up(store_of(desk), desk.folder / f"{number}.db", START)
            notes = run_sql(made.path, "SELECT DISTINCT value FROM note WHERE key IN ('one', 'other')")
            assert len(notes) <= 1
    finally:
        stop.set()
        thread.join()
    assert writes[0] > 20, "the store was written meanwhile"


@pytest.mark.parametrize("target", ["nowhere/copy.db", "/proc/copy.db"])
def test_place_that_cannot_be_written_is_said(desk: Desk, target: str) -> None:
    with pytest.raises(BadRequest) as refused:
        back_up(store_of(desk), desk.folder / target, START)
    assert refused.value.data["reason"] == "backup_unwritable"


def test_nothing_is_left_of_a_backup_that_failed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def lossy(source: Path, target: Path) -> None:
        full = sqlite3.OperationalError("database or disk is full")
        full.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise full

    monkeypatch.setattr(copying, "copy_store", lossy)
    with pytest.raises(Unavailable) as refused:
        back_up(store_of(desk), desk.folder / "copy.db", START)
    assert refused.value.data["reason"] == "disk_full"
    assert [path.name for path in desk.folder.iterdir() if "copy" in path.name] == []


def test_damaged_store_gives_no_backup(desk: Desk) -> None:
    desk.parts.database.close()
    path = store_of(desk)
    run_sql(path, "PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(path.read_bytes())
    content[8192 * 3 : 8192 * 12] = b"\xff" * 8192 * 9
    path.write_bytes(content)
    with pytest.raises(Unavailable) as refused:
        back_up(path, desk.folder / "copy.db", START)
    assert refused.value.data["reason"] == "store_damaged"
    assert not (desk.folder / "copy.db").exists()


def test_store_that_is_no_file_names_the_tools_of_its_server() -> None:
    with pytest.raises(BadRequest) as refused:
        store_file("postgresql://placecard@db/placecard")
    assert "pg_dump" in refused.value.say("en")


# --- restore


def restore(desk: Desk, backup: Path) -> Any:
    """The service is stopped, the backup put back; what works afterwards has opened the store anew."""
    desk.parts.database.close()
    return put_back(backup, store_of(desk), desk.now)


def test_restore_begins_an_epoch_and_keeps_the_store_of_before(desk: Desk, backup: Path) -> None:
    done = restore(desk, backup)
    assert (done.epoch, done.features, desk.count(tables.feature)) == (2, 2, 2)
    assert run_sql(done.aside, "SELECT count(*), max(gate) FROM feature, store") == [(3, "moved")]
    assert run_sql(backup, "SELECT epoch FROM store") == [(1,)], "the backup itself is left as it is"
    assert run_sql(store_of(desk), "PRAGMA journal_mode") == [("wal",)]


def test_epochs_never_come_again(desk: Desk, backup: Path) -> None:
    assert restore(desk, backup).epoch == 2
    desk.later(seconds=1)
    assert restore(desk, backup).epoch == 3


def test_nobody_is_signed_in_after_a_restore(desk: Desk) -> None:
    """Who has signed out, or was dismissed, since the backup must not be in again."""
    made = "INSERT INTO session (digest, kind, person, created, used, ends) VALUES ('d', 'token', '{}', '1', '1', '9')"
    run_sql(store_of(desk), made)
    copy = desk.folder / "copy.db"
    back_up(store_of(desk), copy, START)
    restore(desk, copy)
    assert run_sql(store_of(desk), "SELECT * FROM session") == []


def test_restore_is_refused_while_a_worker_leads(desk: Desk, backup: Path) -> None:
    before = store_of(desk).read_bytes()
    with Leadership(desk.parts.database.url) as leadership:
        assert leadership.take()
        with pytest.raises(Unavailable) as refused:
            put_back(backup, store_of(desk), desk.now)
    assert refused.value.data["reason"] == "store_held"
    assert len(before) == store_of(desk).stat().st_size


def test_restore_is_refused_while_any_process_has_the_store_open(desk: Desk, backup: Path) -> None:
    desk.parts.database.close()
    with closing(sqlite3.connect(store_of(desk))) as somebody:
        somebody.execute("SELECT count(*) FROM feature").fetchone()
        with pytest.raises(Unavailable) as refused:
            put_back(backup, store_of(desk), desk.now)
        assert refused.value.data["reason"] == "store_held"
        assert somebody.execute("SELECT gate FROM store").fetchone() == ("open",)
    assert run_sql(store_of(desk), "PRAGMA journal_mode") == [("wal",)]
    assert restore(desk, backup).features == 2


@pytest.mark.parametrize("present", [True, False], ids=["with a store", "without one"])
def test_restore_where_the_store_is_lost_or_damaged(desk: Desk, backup: Path, present: bool) -> None:
    desk.parts.database.close()
    if present:
        store_of(desk).write_bytes(b"no database at all" * 1000)
    else:
        store_of(desk).unlink()
    done = restore(desk, backup)
    assert desk.count(tables.feature) == 2
    assert (done.aside is not None) is present


@pytest.mark.parametrize(
    ("content", "reason"),
    [("CREATE TABLE cake (layers INTEGER)", "backup_foreign"), (None, "backup_foreign")],
    ids=["another database", "no database"],
)
def test_file_that_is_no_backup_is_refused(desk: Desk, content: str | None, reason: str) -> None:
    other = desk.folder / "other.db"
    if content is None:
        other.write_text("письмо в редакцию" * 100)
    else:
        run_sql(other, content)
    with pytest.raises(BadRequest) as refused:
        restore(desk, other)
    assert refused.value.data["reason"] == reason
    assert desk.parts.database.reading().__enter__() is not None


def test_newer_backup_is_refused_and_nothing_has_changed(desk: Desk, backup: Path) -> None:
    run_sql(backup, "UPDATE alembic_version SET version_num = '9000'")
    with pytest.raises(Unavailable) as refused:
        restore(desk, backup)
    assert refused.value.data["reason"] == "store_newer"
    assert (desk.count(tables.feature), run_sql(store_of(desk), "SELECT gate FROM store")) == (3, [("open",)])
    assert sorted(path.name for path in desk.folder.glob("*.backup")) == []


def test_restored_store_works_on_with_the_board_where_nothing_was_written_since(
    make: Callable[..., Desk],
) -> None:
    desk = make()
    card = desk.add(column="Одобрено")
    desk.sweep()
    path = desk.folder / "copy.db"
    back_up(store_of(desk), path, START)
    restore(desk, path)
    desk.drag(card, "Отклонено")
    assert desk.sweep().errors == []
    with desk.parts.database.reading() as connection:
        assert identity(connection).epoch == 2
