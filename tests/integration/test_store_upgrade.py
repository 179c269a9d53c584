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

import sync_service.store.migrate
from sync_service.store.clashes import open_clashes
from sync_service.store.database import Database
from sync_service.store.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Iterator

LAST_RELEASE = "0001"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store as the last release left it: one proposal placed, moved and published, and an open clash."""
    path = tmp_path / "store.db"
    database = Database(f"sqlite:///{path}")
    with database.writing(gate=False) as connection:
        config = Config()
        folder = Path(sync_service.store.migrate.__file__).with_name("migrations")
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, LAST_RELEASE)
    database.close()
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
