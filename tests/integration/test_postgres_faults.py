"""What a server can do to a store: each has its reason, nothing is lost, and work goes on when it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from sync_service.errors import Unavailable
from sync_service.store.database import Database
from sync_service.store.leases import read_note, write_note
from sync_service.store.migrate import migrate
from tests.postgres import Cluster, name_of
from tools.kanboard import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def store(cluster: Cluster) -> Iterator[Database]:
    url = cluster.lend()
    database = Database(url)
    yield database
    database.close()
    cluster.take_back(url)


def reason(url: str) -> str:
    """Why nothing can be written there."""
    database = Database(url)
    try:
        with pytest.raises(Unavailable) as refused, database.writing() as connection:
            write_note(connection, "a", "b")
    finally:
        database.close()
    return str(refused.value.data["reason"])


def test_server_that_is_not_there(cluster: Cluster) -> None:
    assert reason(f"postgresql://placecard@127.0.0.1:{free_port()}/x") == "store_unreachable"
    assert reason(cluster.url("nothing")) == "store_refused"
    assert reason(cluster.url("postgres", "nobody")) == "store_refused"
    assert reason(cluster.url("postgres")) == "store_empty"


@pytest.mark.parametrize(
    ("setting", "over", "expected"),
    [
        ("SET default_transaction_read_only = on", "RESET default_transaction_read_only", "store_read_only"),
        ("CONNECTION LIMIT 0", "CONNECTION LIMIT -1", "store_crowded"),
    ],
)
def test_trouble_has_its_reason_and_passes(
    store: Database, cluster: Cluster, setting: str, over: str, expected: str
) -> None:
    name = name_of(store.url)
    cluster.run(f"ALTER DATABASE {name} {setting}")
    try:
        assert reason(store.url) == expected
    finally:
        cluster.run(f"ALTER DATABASE {name} {over}")
    with store.writing() as connection:
        write_note(connection, "a", "b")


def test_full_disk_is_said_to_be_full(store: Database) -> None:
    with pytest.raises(Unavailable) as refused, store.writing() as connection:
        connection.execute(text("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '53100'; END $$"))
    assert refused.value.data["reason"] == "disk_full"


def test_lost_connection_is_made_anew(store: Database, cluster: Cluster) -> None:
    with pytest.raises(Unavailable) as refused:
        write_while_lost(store, cluster)
    assert refused.value.data["reason"] == "store_unreachable"
    with store.reading() as connection:
        assert read_note(connection, "a") is None
    lose(store, cluster)
    with store.writing() as connection:
        write_note(connection, "a", "b")


def write_while_lost(store: Database, cluster: Cluster) -> None:
    with store.writing() as connection:
        write_note(connection, "a", "lost")
        lose(store, cluster)
        write_note(connection, "b", "lost")


def lose(store: Database, cluster: Cluster) -> None:
    cluster.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name_of(store.url)}'")


def test_reader_cannot_write(store: Database) -> None:
    with pytest.raises(Unavailable), store.reading() as connection:
        write_note(connection, "a", "b")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("", "store_postgis"),
        ("TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'", "store_encoding"),
    ],
)
def test_database_that_cannot_hold_a_store_is_named(cluster: Cluster, options: str, expected: str) -> None:
    cluster.run(f"CREATE DATABASE bare OWNER placecard {options}")
    try:
        with pytest.raises(Unavailable) as refused:
            migrate(cluster.url("bare"))
        assert refused.value.data["reason"] == expected
    finally:
        cluster.run("DROP DATABASE bare WITH (FORCE)")


def test_init_says_when_nobody_may_read_the_views(store: Database, cluster: Cluster) -> None:
    cluster.run("ALTER ROLE gis_reader RENAME TO away")
    try:
        assert not migrate(store.url).readable
    finally:
        cluster.run("ALTER ROLE away RENAME TO gis_reader")
    assert migrate(store.url).readable
