"""The working copy as a whole: made, opened, counted, listed."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from placecard.core.copyfile import database
from placecard.core.copyfile.database import PATIENCE, open_file, run_scripts
from placecard.core.copyfile.layout import DISTRICTS, FORMAT, LAYERS, Layout, table
from placecard.core.copyfile.rows import Book, local_guids
from placecard.core.errors import AlreadyThere, NotACopy
from placecard.core.geometry import from_blob
from placecard.core.wire import read_capabilities

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from placecard.core.wire import Capabilities

APPROVED = ("approved", "in_progress", "done")
"""Stages from which on a proposal wants a place."""

_UNPLACED = "placement = 'unplaced' AND stage IN ('approved', 'in_progress', 'done')"
_TO_CHECK = "trim(coalesce(place_check, '')) <> ''"
_SEARCHED = ("title", "address", "description", "summary", "district", "card_id", "cadastral_number")


@dataclass(frozen=True)
class Facts:
    """What a copy is of. `box` is west,south,east,north as the service takes it, None for everywhere."""

    address: str
    client_id: str
    cursor: str | None
    schema_rev: str
    box: str | None
    language: str
    authcfg: str


@dataclass(frozen=True)
class Counts:
    """How many proposals are edited here, clash, wait for a place, and should be looked at; and how many there are."""

    local: int
    clashing: int
    unplaced: int
    to_check: int
    all: int


@dataclass(frozen=True)
class Proposal:
    """A proposal for a list. `text` is the description, or the summary; geometry is WKB, CRS84."""

    guid: str
    title: str
    text: str
    address: str | None
    stage: str | None
    district: str | None
    card_url: str | None
    direction: str | None
    partner: str | None
    placement: str | None
    place_check: str | None
    geometry: bytes | None
    local: bool


class WorkingCopy:
    """A working copy at `path`. Each call opens the file anew and leaves it: any thread may ask."""

    def __init__(self, path: Path, file: Path) -> None:
        self.path = path
        self.file = file
        """Where it is now: under a temporary name until its first pull is whole."""

    @classmethod
    def create(
        cls, path: Path, capabilities: Capabilities, address: str, language: str, *, authcfg: str = "", box: str = ""
    ) -> WorkingCopy:
        """An empty copy under a temporary name beside `path`; the first pull gives it its name. AlreadyThere."""
        path = Path(path)
        if path.exists():
            raise AlreadyThere(path=str(path))
        made = cls(path, path.with_name(f"{path.name}.part"))
        for name in (made.file.name, f"{made.file.name}-journal"):
            made.file.with_name(name).unlink(missing_ok=True)
        layout = Layout(capabilities.properties)
        with open_file(made.file, new=True, safe=False) as connection, database.tracked(connection):
            run_scripts(connection, layout.make_tables())
            book = Book(connection, layout)
            book.keep(format=str(FORMAT), address=address, client_id=str(uuid4()), box=box or None, authcfg=authcfg)
            book.keep(language=language, capabilities=json.dumps(capabilities.document, ensure_ascii=False))
        return made

    @classmethod
    def open(cls, path: Path) -> WorkingCopy:
        """The copy in this file. NotACopy with the reason."""
        path = Path(path)
        with open_file(path) as connection:
            found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'placecard_facts'").fetchone()
            kept = found and connection.execute("SELECT value FROM placecard_facts WHERE name = 'format'").fetchone()
        if not kept:
            raise NotACopy(path=str(path), reason="foreign")
        if int(kept[0]) > FORMAT:
            raise NotACopy(path=str(path), reason="newer")
        return cls(path, path)

    @property
    def whole(self) -> bool:
        """Whether the first pull is done."""
        return self.file == self.path

    def finish(self) -> None:
        """The first pull is whole: let the file have its name, and be on the disk under it."""
        with self.file.open("rb") as file:
            os.fsync(file.fileno())
        self.file.replace(self.path)
        self.file = self.path
        with suppress(OSError):  # a folder cannot be opened everywhere, and then needs no such care
            folder = os.open(self.path.parent, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)

    @contextmanager
    def reading(self) -> Iterator[Book]:
        """The file as it is at one moment."""
        with open_file(self.file) as connection:
            connection.execute("BEGIN")
            yield Book(connection, _layout_in(connection))

    @contextmanager
    def writing(self, *, wait: float = PATIENCE) -> Iterator[Book]:
        """One transaction in which the service speaks: not tracked."""
        with open_file(self.file, wait=wait, safe=self.whole) as connection, database.writing(connection):
            yield Book(connection, _layout_in(connection))

    @contextmanager
    def tracked(self, *, wait: float = PATIENCE) -> Iterator[Book]:
        """One transaction of edits, tracked as the user's own."""
        with open_file(self.file, wait=wait, safe=self.whole) as connection, database.tracked(connection):
            yield Book(connection, _layout_in(connection))

    @property
    def facts(self) -> Facts:
        """What it is of."""
        with self.reading() as book:
            found = dict(book.connection.execute("SELECT name, value FROM placecard_facts"))
        capabilities = json.loads(found["capabilities"])
        return Facts(
            address=found["address"],
            client_id=found["client_id"],
            cursor=found.get("cursor"),
            schema_rev=capabilities["schema_rev"],
            box=found.get("box"),
            language=found.get("language", "ru"),
            authcfg=found.get("authcfg", ""),
        )

    @property
    def capabilities(self) -> Capabilities:
        """The service's as of the last pull."""
        with self.reading() as book:
            return read_capabilities(json.loads(book.fact("capabilities") or "{}"))

    def remember(self, **facts: str) -> None:
        """Keep another address, language or authcfg."""
        with self.writing() as book:
            book.keep(**facts)

    def counts(self) -> Counts:
        """How many there are of what matters."""
        with self.reading() as book:
            clashing = _number(book.run("SELECT count(DISTINCT guid) FROM placecard_clash"))
            unplaced = _number(book.run("SELECT count(*) FROM placecard_unplaced WHERE $so", so=_UNPLACED))
            checks = (book.run("SELECT count(*) FROM $table WHERE $so", table=table(n), so=_TO_CHECK) for n in LAYERS)
            all_ = (book.run("SELECT count(*) FROM $table", table=table(n)) for n in LAYERS)
            return Counts(
                len(local_guids(book)), clashing, unplaced, sum(map(_number, checks)), sum(map(_number, all_))
            )

    def proposals(self, kind: str, search: str = "") -> list[Proposal]:
        """`unplaced` (approved or further, and no place), `check` (to be looked at), `local` or `all`; by a text."""
        with self.reading() as book:
            local = local_guids(book)
            where = {"unplaced": f"({_UNPLACED}) AND geom IS NULL", "check": _TO_CHECK}.get(kind, "1")
            return [each for each in _proposals(book, where, local, search) if kind != "local" or each.guid in local]

    def proposal(self, guid: str) -> Proposal | None:
        """One of them."""
        with self.reading() as book:
            return next(_proposals(book, "guid = ?", local_guids(book), "", guid), None)

    def standing(self, guid: str) -> set[tuple[str, int]]:
        """Layer and fid of each feature of a proposal."""
        with self.reading() as book:
            return set(book.run("SELECT layer, fid FROM ($rows) WHERE guid = ?", guid, rows=book.layout.rows))

    def districts(self) -> list[tuple[str, bytes]]:
        """Names and outlines (WKB) of the districts, for reference."""
        with self.reading() as book:
            rows = book.run("SELECT name, geom FROM $table ORDER BY name", table=DISTRICTS).fetchall()
        return [(name, place) for name, place in ((name, from_blob(blob)) for name, blob in rows) if place is not None]

    def pushes(self) -> list[tuple[str, str, int]]:
        """Pushes made from here, newest first: key, when (ISO, UTC), how many changes."""
        with self.reading() as book:
            return list(book.connection.execute("SELECT key, made, changes FROM placecard_push ORDER BY made DESC"))


def _layout_in(connection: sqlite3.Connection) -> Layout:
    found = connection.execute("SELECT value FROM placecard_facts WHERE name = 'capabilities'").fetchone()
    return _layout(found[0])


@lru_cache(maxsize=4)
def _layout(document: str) -> Layout:
    return Layout(read_capabilities(json.loads(document)).properties)


def _number(found: sqlite3.Cursor) -> int:
    return int(found.fetchone()[0])


_LISTED = "SELECT layer, fid, geom, $columns FROM ($rows) WHERE $so$found ORDER BY placecard_fold(title), guid"
_FOUND = " AND instr(placecard_fold($texts), placecard_fold(?)) > 0"


def _proposals(book: Book, where: str, local: set[str], search: str, *values: Any) -> Iterator[Proposal]:
    words = search.split()
    texts = " || ' ' || ".join(f"coalesce({name}, '')" for name in _SEARCHED if name in book.layout.kinds)
    found = "".join(_FOUND.replace("$texts", texts) for _ in words)
    rows = book.run(_LISTED, *values, *words, rows=book.layout.rows, so=where, found=found).fetchall()
    for row in rows:
        told = dict(zip(book.layout.columns, row[3:]))
        yield _proposal(told, row[2], local=told["guid"] in local)


def _proposal(told: dict[str, Any], blob: bytes | None, *, local: bool) -> Proposal:
    named = {name: told.get(name) for name in _SHOWN}
    text = told.get("description") or told.get("summary") or ""
    return Proposal(
        guid=told["guid"], title=told.get("title") or "", text=text, geometry=from_blob(blob), local=local, **named
    )


_SHOWN = ("address", "stage", "district", "card_url", "direction", "partner", "placement", "place_check")
