"""The plugin's core against the real exchange: a transport to a Flask application, working copies, and the hands of
somebody who edits a GeoPackage with tools of his own."""

from __future__ import annotations

import json
import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import shapely

from placecard.core.copyfile.copy import WorkingCopy
from placecard.core.copyfile.database import open_file
from placecard.core.errors import Unreachable
from placecard.core.geometry import from_blob, to_blob
from placecard.core.pulling import Pulled, pull
from placecard.core.pushing import Checked, Pushed, check, push
from placecard.core.service import Service
from placecard.core.transport import Reply, Request
from placecard.core.wire import read_capabilities
from tests.ogc import HOME, TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from flask import Flask
    from shapely.geometry.base import BaseGeometry

    from tests.exchange import Exchange

LAYERS = ("points", "lines", "areas", "unplaced")


@dataclass
class FlaskTransport:
    """Requests to an application in this process. `lose` is asked what becomes of each: "request" or "answer" is lost
    on the way, with what was done or not done at the service."""

    app: Flask
    lose: Callable[[Request], str | None] = lambda request: None
    asked: list[Request] = field(default_factory=list)
    token: str = TOKEN

    def send(self, request: Request) -> Reply:
        """The answer."""
        self.asked.append(request)
        lost = self.lose(request)
        if lost == "request":
            raise Unreachable(detail="lost on the way there")
        parts = urlsplit(request.url)
        path = parts.path.removeprefix(urlsplit(HOME).path)
        answer = self.app.test_client().open(
            path,
            method=request.method,
            query_string=parts.query,
            headers={**request.headers, "Authorization": f"Bearer {self.token}"},
            data=request.body,
        )
        if lost == "answer":
            raise Unreachable(detail="lost on the way back")
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Reply(answer.status_code, headers, answer.data)


@dataclass
class Seat:
    """Somebody with a working copy: the plugin's core, and any tool that opens the file."""

    service: Service
    transport: FlaskTransport
    copy: WorkingCopy

    def pull(self) -> Pulled:
        """Have what changed."""
        return pull(self.service, self.copy, lambda done, key: None, lambda: False)

    def push(self, *guids: str) -> Pushed:
        """Send what was edited."""
        return push(self.service, self.copy, lambda done, key: None, lambda: False, guids or None)

    def check(self, *guids: str) -> Checked:
        """Ask what that would do."""
        return check(self.service, self.copy, guids or None)

    @contextmanager
    def tool(self) -> Iterator[sqlite3.Connection]:
        """The file in the hands of another program, which knows GeoPackage and nothing of us: each statement is saved
        at once."""
        with open_file(self.copy.file) as connection:
            connection.row_factory = sqlite3.Row
            yield connection

    def edit(self, guid: str, /, **values: Any) -> None:
        """Attributes in the attribute table."""
        sets = ", ".join(f'"{name}" = ?' for name in values)
        self._everywhere(f"UPDATE {{table}} SET {sets} WHERE guid = ?", *values.values(), guid)

    def move(self, guid: str, shape: BaseGeometry) -> None:
        """Vertices dragged."""
        blob = to_blob(shape.wkb)[1]
        for layer in LAYERS[:3]:
            with self.tool() as connection:
                connection.execute(f"UPDATE placecard_{layer} SET geom = ? WHERE guid = ?", (blob, guid))

    def delete(self, guid: str) -> None:
        """The feature deleted."""
        self._everywhere("DELETE FROM {table} WHERE guid = ?", guid)

    def draw(self, shape: BaseGeometry | None, guid: str | None = None, **values: Any) -> str:
        """A feature drawn or pasted; its guid, whoever made it."""
        layer, blob = ("unplaced", None) if shape is None else to_blob(shape.wkb)[:2]
        columns = {"guid": guid, **({} if blob is None else {"geom": blob}), **values}
        names, marks = ", ".join(f'"{name}"' for name in columns), ", ".join("?" * len(columns))
        with self.tool() as connection:
            made = connection.execute(
                f"INSERT INTO placecard_{layer} ({names}) VALUES ({marks})", list(columns.values())
            )
            found = connection.execute(f"SELECT guid FROM placecard_{layer} WHERE fid = ?", (made.lastrowid,))
            return str(found.fetchone()["guid"])

    def _everywhere(self, statement: str, *values: Any) -> None:
        with self.tool() as connection:
            for layer in LAYERS:
                connection.execute(statement.format(table=f"placecard_{layer}"), values)

    def rows(self, guid: str | None = None) -> list[dict[str, Any]]:
        """What the layers hold: properties, `layer`, and `geometry` as shapely has it."""
        found = []
        with self.tool() as connection:
            for layer in LAYERS:
                for row in connection.execute(f"SELECT * FROM placecard_{layer}"):
                    told = dict(row)
                    wkb = from_blob(told.pop("geom", None))
                    found.append({**told, "layer": layer, "geometry": None if wkb is None else simplest(wkb)})
        return [row for row in found if guid is None or row["guid"] == guid]

    def row(self, guid: str) -> dict[str, Any]:
        """The only feature of a proposal."""
        (row,) = self.rows(guid)
        return row


def simplest(wkb: bytes) -> BaseGeometry:
    """A geometry, single where it has one part."""
    shape = shapely.from_wkb(wkb)
    parts = shapely.get_parts(shape)
    found: BaseGeometry = parts[0] if len(parts) == 1 else shape
    return found


class Office:
    """Working copies of one exchange."""

    def __init__(self, exchange: Exchange, folder: Path) -> None:
        self.exchange = exchange
        self.folder = folder
        self._numbers = count(1)

    def seat(self, name: str | None = None, *, box: str = "", without: str | None = None) -> Seat:
        """A new working copy, pulled once; `without` a property that the service has told since."""
        seat = self.empty(name, box=box, without=without)
        seat.pull()
        if without is not None:
            told = dict(seat.copy.capabilities.document)
            with seat.copy.writing() as book:
                book.keep(capabilities=json.dumps({**told, "schema_rev": "as it was"}))
        return seat

    def empty(self, name: str | None = None, *, box: str = "", without: str | None = None) -> Seat:
        """A new working copy, not pulled yet."""
        path = self.folder / f"{name or f'копия {next(self._numbers)}'}.gpkg"
        transport = FlaskTransport(self.exchange.client.application)
        service = Service(transport, HOME)
        told = dict(service.capabilities().document)
        told["properties"] = [each for each in told["properties"] if each["name"] != without]
        copy = WorkingCopy.create(path, read_capabilities(told), HOME, "ru", box=box)
        return Seat(service, transport, copy)

    def again(self, seat: Seat) -> Seat:
        """The same file, opened by a plugin that has just been started."""
        transport = FlaskTransport(self.exchange.client.application)
        return Seat(Service(transport, HOME), transport, WorkingCopy.open(seat.copy.path))


@pytest.fixture
def office(exchange: Exchange, tmp_path: Path) -> Office:
    """Seats around an empty store."""
    return Office(exchange, tmp_path)


@pytest.fixture
def full_office(full: Exchange, tmp_path: Path) -> Office:
    """Seats around a store with a proposal of every kind."""
    return Office(full, tmp_path)
