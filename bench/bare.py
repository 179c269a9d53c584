"""What the service is measured against where there is no other: the least that does as much durably, Flask on SQLite.

`/rows` writes the rows of a push, and what each was before, in one transaction; `/inbox` keeps what is posted. WAL and
FULL, as the service: an answer means that it is on the disk. It checks, merges and announces nothing.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from base64 import b64decode
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import orjson
from flask import Flask, Response, request

from bench.items import free_port, gunicorn, running

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

STORE = "BARE_STORE"
_TABLES = """
CREATE TABLE row (guid TEXT PRIMARY KEY, version INTEGER NOT NULL, properties TEXT NOT NULL, geometry BLOB);
CREATE TABLE history (id INTEGER PRIMARY KEY, guid TEXT NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL);
CREATE TABLE inbox (id INTEGER PRIMARY KEY, body BLOB NOT NULL);
"""


def make_store(path: Path, guids: Iterable[str], properties: dict[str, object]) -> None:
    """A store with these rows."""
    with closing(sqlite3.connect(path)) as store:
        store.execute("PRAGMA journal_mode=WAL")
        store.executescript(_TABLES)
        text = orjson.dumps(properties).decode()
        store.executemany("INSERT INTO row VALUES (?, 1, ?, NULL)", ((guid, text) for guid in guids))
        store.commit()


def create_app() -> Flask:
    """The application, on the store that the environment names."""
    app = Flask("bare")
    store = sqlite3.connect(os.environ[STORE], isolation_level=None, timeout=10, check_same_thread=False)
    store.execute("PRAGMA synchronous=FULL")

    @app.get("/")
    def here() -> str:
        return "here"

    @app.post("/rows")
    def rows() -> Response:
        changes = orjson.loads(request.get_data())["changes"]
        with writing(store):
            results = [_write(store, change) for change in changes]
        return Response(orjson.dumps({"results": results}), content_type="application/json")

    @app.post("/inbox")
    def inbox() -> Response:
        with writing(store):
            store.execute("INSERT INTO inbox (body) VALUES (?)", (request.get_data(),))
        return Response(status=204)

    return app


@contextmanager
def writing(store: sqlite3.Connection) -> Iterator[None]:
    """One immediate transaction."""
    store.execute("BEGIN IMMEDIATE")
    yield
    store.execute("COMMIT")


def _write(store: sqlite3.Connection, change: dict[str, object]) -> dict[str, object]:
    guid = str(change["guid"])
    version, before = store.execute("SELECT version, properties FROM row WHERE guid = ?", (guid,)).fetchone()
    said = change["set"]
    assert isinstance(said, dict)
    after = orjson.dumps(orjson.loads(before) | said).decode()
    geometry = b64decode(str(change["geometry"]))
    store.execute(
        "UPDATE row SET version = ?, properties = ?, geometry = ? WHERE guid = ?", (version + 1, after, geometry, guid)
    )
    store.execute("INSERT INTO history (guid, before, after) VALUES (?, ?, ?)", (guid, before, after))
    return {"change_id": change["change_id"], "status": "applied", "version": version + 1}


@contextmanager
def run_bare(path: Path) -> Iterator[str]:
    """It, on this store; its address."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "gunicorn", *gunicorn(port), "bench.bare:create_app()"]
    with running(command, {**os.environ, STORE: str(path)}, f"{base}/"):
        yield base
