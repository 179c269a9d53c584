"""A store of the last release, with data in it, is brought up to date and loses nothing."""

from __future__ import annotations

import json
import sqlite3
from base64 import b64decode
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import shapely
from alembic import command
from alembic.config import Config
from sqlalchemy import func, select

import sync_service.store.migrate
from sync_service.store import tables
from sync_service.store.clashes import open_clashes
from sync_service.store.database import Database
from sync_service.store.history import pasts_of
from sync_service.store.migrate import migrate
from sync_service.store.pushes import find_push
from tests.postgres import both_stores, name_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.postgres import Cluster

LAST_RELEASE = "0001"


def make_old(url: str, version: str) -> None:
    """Make the tables that a store had at this version of the schema."""
    database = Database(url)
    with database.engine.connect() as connection, connection.begin():
        config = Config()
        folder = Path(sync_service.store.migrate.__file__).with_name("migrations")
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, version)
    database.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store as the last release left it: one proposal placed, moved and published, and an open clash."""
    path = tmp_path / "store.db"
    make_old(f"sqlite:///{path}", LAST_RELEASE)
    with closing(sqlite3.connect(path)) as old:
        old.execute("INSERT INTO store VALUES (1, 'mine', 1, 4, 9, '0001', 'open', NULL, NULL, NULL)")
        old.execute(
            "INSERT INTO feature"
            " (guid, version, seq, created, modified, visibility, properties_json, place_hand, blocked)"
            " VALUES ('a', 4, 4, 'c', 'm', 'public', '{', 'card', 0)"
        )
        for before, after in HISTORY:
            texts = [json.dumps(values, separators=(",", ":")) for values in (before, after)]
            old.execute(
                "INSERT INTO history (guid, seq, at, source, before, after) VALUES ('a', 1, 't', 'board', ?, ?)", texts
            )
        old.execute("INSERT INTO history (guid, seq, at, source, after) VALUES ('lost', 1, 't', 'board', '{}')")
        old.execute("INSERT INTO clash VALUES ('c1', 'a', 2, 'fields', ?, 'o', NULL)", (json.dumps(SIDES),))
        old.commit()
    return path


HISTORY: list[tuple[dict[str, Any], dict[str, Any]]] = [
    # The first row of all was pruned by hand: the versions are counted from the present one backwards.
    ({"title": "Сквер"}, {"title": "Сквер у школы"}),
    ({"geometry": None}, {"geometry": "POINT (49.3461 53.5303)"}),
    ({"geometry": "POINT (49.3461 53.5303)"}, {"geometry": None}),
]
SIDES = {"address": {"base": None, "theirs": "Мира, 1", "mine": "Мира, 2"}}


@pytest.fixture
def rows(path: Path) -> Iterator[Any]:
    assert migrate(f"sqlite:///{path}").before == LAST_RELEASE
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        yield lambda query: connection.execute(query).fetchall()


def test_history_is_numbered_backwards_from_the_present_version(rows: Any) -> None:
    found = rows("SELECT guid, version FROM history ORDER BY id")
    assert [tuple(row) for row in found] == [("a", 2), ("a", 3), ("a", 4), ("lost", None)]


def test_geometries_in_the_history_become_exact_ones(rows: Any) -> None:
    texts = [json.loads(row["after"]).get("geometry") for row in rows("SELECT after FROM history WHERE guid = 'a'")]
    assert texts[0] is None
    assert shapely.from_wkb(b64decode(texts[1])).equals(shapely.Point(49.3461, 53.5303))
    assert texts[2] is None
    last = json.loads(rows("SELECT before FROM history WHERE version = 4")[0]["before"])
    assert last["geometry"] == texts[1]


def test_an_open_clash_stays_open(rows: Any, path: Path) -> None:
    rows("SELECT 1")
    database = Database(f"sqlite:///{path}")
    with database.reading() as connection:
        (only,) = open_clashes(connection)
    database.close()
    assert (only.id, only.revision, only.fields["address"].mine) == ("c1", 2, "Мира, 2")


def test_the_store_as_it_was_is_kept_beside(rows: Any, path: Path) -> None:
    rows("SELECT 1")
    (backup,) = path.parent.glob("*.backup")
    with closing(sqlite3.connect(backup)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (LAST_RELEASE,)


# --- from 0002: names stay names, and nobody is told apart by what was not kept

NAMED = (
    "INSERT INTO store VALUES (1, 'mine', 1, 4, 9, '0002', 'open', NULL, NULL, NULL)",
    "INSERT INTO history (guid, seq, at, source, who, after) VALUES ('a', 1, 't', 'qgis', 'anna', '{}')",
    "INSERT INTO push (key, body_hash, client_id, at, who, source) VALUES ('p1', 'h', 'c', 't', 'anna', 'qgis')",
    "INSERT INTO clash VALUES ('c', 'a', 1, 'edit', '{}', 'o', NULL, 'anna', NULL, NULL, NULL, 'c', NULL, NULL)",
)


@pytest.fixture
def named(store_kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """A store of before people had identities, with something of somebody's in each table."""
    if store_kind == "sqlite":
        url = f"sqlite:///{tmp_path / 'named.db'}"
    else:
        cluster: Cluster = request.getfixturevalue("cluster")
        url = cluster.make()
        cluster.run("CREATE EXTENSION postgis", name_of(url))
    make_old(url, "0002")
    database = Database(url)
    with database.engine.connect() as connection, connection.begin():
        for statement in NAMED:
            connection.exec_driver_sql(statement)
    database.close()
    return url


@both_stores
def test_names_stay_and_identities_are_unknown(named: str) -> None:
    assert migrate(named).before == "0002"
    database = Database(named)
    with database.reading() as connection:
        (past,) = pasts_of(connection, "a")
        (clash,) = open_clashes(connection)
        push = find_push(connection, "p1")
        signed_in = connection.execute(select(func.count()).select_from(tables.session)).scalar_one()
    with database.writing():
        pass  # the gate knows this schema
    database.close()
    assert push is not None
    assert [(each.who, each.who_id) for each in (past, clash.origin, push)] == [("anna", None)] * 3
    assert (clash.origin.client, signed_in) == ("c", 0)
