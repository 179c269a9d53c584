"""A store moves from its file to PostgreSQL: whole, compared, and never open on both sides."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, insert, select, text, update

from sync_service.errors import Conflict, Unavailable
from sync_service.store import moving, tables
from sync_service.store.database import Database
from sync_service.store.moving import Moved, give_up, move_store
from tests.ogc import open_town, plant_everything

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.desk import Desk
    from tests.postgres import Cluster


@pytest.fixture
def target(cluster: Cluster) -> Iterator[str]:
    """An empty store on the server."""
    url = cluster.lend()
    yield url
    cluster.take_back(url)


@pytest.fixture
def source(tmp_path: Path) -> str:
    """A file with a proposal of every kind, and a row of history for each."""
    town = open_town(tmp_path / "store.db")
    plant_everything(town)
    town.change(town.planted[0], title="Сквер у фонтана")
    with town.database.writing() as connection:
        connection.execute(update(tables.store).values(board="b", mark="m"))
    town.database.close()
    return town.settings.store_url


def move(source: str, target: str) -> Moved:
    return move_store(source, target, lambda _done, _total: None)


def gate(url: str) -> str:
    return str(ask(url, "SELECT gate FROM store")[0][0])


def ask(url: str, statement: str) -> list[Any]:
    database = Database(url)
    try:
        with database.reading() as connection:
            return list(connection.execute(text(statement)))
    finally:
        database.close()


def write(url: str) -> None:
    database = Database(url)
    try:
        with database.writing() as connection:
            connection.execute(update(tables.store).values(ticket=tables.store.c.ticket + 1))
    finally:
        database.close()


def test_everything_arrives_and_only_the_new_store_is_open(source: str, target: str) -> None:
    before = {url: ask(url, "SELECT guid, epoch, seq, ticket, board, mark FROM store") for url in (source, target)}
    moved = move(source, target)
    assert moved.rows["feature"] == 7
    assert moved.rows["history"] == 8
    assert (gate(source), gate(target)) == ("moved", "open")
    assert ask(target, "SELECT guid, epoch, seq, ticket, board, mark FROM store") == before[source] != before[target]
    assert "session" not in moved.rows, "people sign in once more: the key may be another one"
    write(target)
    with pytest.raises(Unavailable) as refused:
        write(source)
    assert refused.value.data["reason"] == "store_moved"


def test_answers_are_the_same_on_both_sides(source: str, target: str) -> None:
    old = open_town(source)
    asked = "/ogc/collections/proposals/items?bbox=49.3,53.4,49.5,53.6&filter=CASEI(title) LIKE CASEI('%сквер%')"
    answer = old.json(asked)
    old.database.close()
    move(source, target)
    new = open_town(target)
    assert new.json(asked)["features"] == answer["features"] != []
    guid = new.plant(title="Новое")
    with new.database.reading() as connection:
        newest = connection.execute(select(func.max(tables.feature.c.fid))).scalar_one()
        assert (
            connection.execute(select(tables.feature.c.guid).where(tables.feature.c.fid == newest)).scalar_one() == guid
        )
    new.database.close()


def test_store_in_use_is_not_overwritten(source: str, target: str) -> None:
    town = open_town(target)
    town.plant()
    town.database.close()
    with pytest.raises(Conflict) as refused:
        move(source, target)
    assert refused.value.data["reason"] == "target_in_use"
    assert (gate(source), gate(target)) == ("open", "open")
    assert ask(target, "SELECT count(*) FROM feature") == [(1,)]


def test_what_the_server_does_not_take_leaves_the_source_open_and_the_target_empty(source: str, target: str) -> None:
    database = Database(source)
    with database.writing() as connection:
        connection.execute(insert(tables.note).values(key="nothing", value="a\0b"))
    database.close()
    with pytest.raises(Conflict) as refused:
        move(source, target)
    assert refused.value.data["table"] == "note"
    assert (gate(source), gate(target)) == ("open", "open")
    assert ask(target, "SELECT count(*) FROM feature") == [(0,)]


def test_copy_that_differs_is_not_kept(source: str, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    copied: Any = moving._copy

    def lossy(here: Any, there: Any, table: Any, progress: Any) -> None:
        copied(here, there, table, progress)
        if table.name == "history":
            there.execute(text("UPDATE history SET who = 'nobody' WHERE id = 3"))

    monkeypatch.setattr(moving, "_copy", lossy)
    with pytest.raises(Conflict) as refused:
        move(source, target)
    assert (refused.value.data["reason"], refused.value.data["table"]) == ("copy_differs", "history")
    assert (gate(source), gate(target)) == ("open", "open")
    assert ask(target, "SELECT count(*) FROM history") == [(0,)]


@pytest.mark.parametrize("step", ["copying", "copied", "closed"])
def test_killed_move_is_taken_up(source: str, target: str, step: str) -> None:
    killed(lambda: move(source, target), step)
    assert gate(source) == ("moved" if step == "closed" else "frozen")
    assert gate(target) == ("open" if step == "copying" else "frozen")
    for url in (source, target) if step != "copying" else (source,):
        with pytest.raises(Unavailable):
            write(url)
    assert move(source, target).rows["feature"] == 7
    assert (gate(source), gate(target)) == ("moved", "open")


def test_killed_move_can_be_given_up(source: str, target: str) -> None:
    killed(lambda: move(source, target), "copied")
    give_up(source)
    write(source)
    with pytest.raises(Unavailable):
        write(target)
    move(source, target)
    with pytest.raises(Unavailable) as refused:
        give_up(source)
    assert refused.value.data["reason"] == "store_moved"


def killed(work: Callable[[], object], step: str) -> None:
    """Do the work in a process that dies by SIGKILL: copying, with everything copied, or before the new store opens."""
    child = os.fork()
    if child == 0:
        try:
            _lay_mine(step)
            work()
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == signal.SIGKILL


def _lay_mine(step: str) -> None:
    def die(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    there: Any = moving
    if step == "copying":
        there._settle = die
        return
    shift, gates = moving._set_gate, {"copied": "moved", "closed": "open"}

    def dying(database: Database, wanted: str) -> None:
        if wanted == gates[step]:
            die()
        shift(database, wanted)

    there._set_gate = dying


def test_moved_store_goes_on_with_its_board(make: Callable[..., Desk], target: str) -> None:
    desk = make()
    card = desk.add(column="Одобрено")
    desk.sweep()
    was = desk.known(card)
    desk.webhooks = False  # the service beside the old store is stopped
    move(desk.parts.database.url, target)
    desk.parts.database.close()
    new = make(desk.board, STORE_URL=target)
    assert new.known(card) == was
    new.drag(card, "Выполнено")
    report = new.sweep()
    assert report.errors == []
    assert new.known(card).properties["stage"] == "done"
