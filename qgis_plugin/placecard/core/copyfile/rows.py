"""Rows of the copy: read as they are, written as the service has them.

A *state* is all that the copy holds of one proposal: the rows that bear its guid, and what it was when the service
last spoke of it (its *base*), if the service knows it at all.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from placecard.core.copyfile.layout import LAYERS, PLACED, UNPLACED, Layout, table
from placecard.core.copyfile.sql import fill, listed, marks
from placecard.core.copyfile.values import canonical, moment, stored
from placecard.core.errors import BadGeometry
from placecard.core.geometry import from_blob, to_blob

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from placecard.core.geometry import Envelope
    from placecard.core.wire import Row, Value


@dataclass(frozen=True)
class Book:
    """A copy that is open: the connection, and the columns it has."""

    connection: sqlite3.Connection
    layout: Layout

    def run(self, template: str, *values: Any, **names: str) -> sqlite3.Cursor:
        """A statement with names filled in and values beside it."""
        return self.connection.execute(fill(template, columns=self.layout.column_list, **names), values)

    def run_many(self, template: str, rows: Iterable[Sequence[Any]], **names: str) -> None:
        """The same statement for many rows."""
        self.connection.executemany(fill(template, columns=self.layout.column_list, **names), rows)

    def fact(self, name: str) -> str | None:
        """What the copy knows of itself under a name."""
        found = self.connection.execute("SELECT value FROM placecard_facts WHERE name = ?", (name,)).fetchone()
        return None if found is None else found[0]

    def keep(self, **facts: str | None) -> None:
        """Keep such facts."""
        self.connection.executemany("INSERT OR REPLACE INTO placecard_facts VALUES (?, ?)", list(facts.items()))


@dataclass(frozen=True)
class Image:
    """What a row is or was. `raw` are its columns in the order of the layout, as they stand in the file."""

    layout: Layout = field(repr=False, compare=False)
    layer: str
    blob: bytes | None
    raw: tuple[Any, ...]
    fid: int | None = None
    added: bool = False
    bounds: Envelope | None = field(default=None, repr=False, compare=False)
    """Of a row that has just come; not read again."""

    @property
    def guid(self) -> str:
        """The proposal's."""
        return str(self.raw[0] or "")

    @property
    def version(self) -> str | None:
        """The one that the service gave it."""
        return None if self.raw[1] is None else str(self.raw[1])

    @cached_property
    def values(self) -> dict[str, Value]:
        """The properties, canonical."""
        kinds = self.layout.kinds.items()
        return {name: canonical(kind, raw) for (name, kind), raw in zip(kinds, self.raw[2:])}

    @cached_property
    def geometry(self) -> bytes | None:
        """The place: WKB, Multi. BadGeometry if the tool that wrote it left none that can be read."""
        return from_blob(self.blob)

    @property
    def broken(self) -> bool:
        """Whether the place cannot be read."""
        try:
            _ = self.geometry
        except BadGeometry:
            return True
        return False

    def told(self) -> list[Any]:
        """For JSON; `image_of` reads it again."""
        blob = None if self.blob is None else b64encode(self.blob).decode("ascii")
        named = dict(zip(self.layout.columns, self.raw))
        return [self.layer, self.fid, self.added, blob, named]

    def with_values(self, version: str | None, values: Mapping[str, Value], wkb: bytes | None) -> Image:
        """The same row with other properties, another place and another version."""
        named = {**dict(zip(self.layout.columns, self.raw)), "version": version}
        kinds = self.layout.kinds
        named.update({name: stored(kinds[name], value) for name, value in values.items() if name in kinds})
        layer, blob = (UNPLACED, None) if wkb is None else to_blob(wkb)[:2]
        raw = tuple(named[name] for name in self.layout.columns)
        return Image(self.layout, layer, blob, raw, self.fid, self.added)


@dataclass(frozen=True)
class State:
    """A proposal in the copy. The rows are those that were there before, then those that tools added.

    Of one whose features were deleted, the row is what they said last, without a place and without a number (`fid`).
    """

    guid: str
    base: Image | None
    rows: tuple[Image, ...]
    kept: bool = False
    """Whether the base stands in `placecard_before`: otherwise it is the first row, untouched."""


def image_of(layout: Layout, told: Sequence[Any]) -> Image:
    """What `Image.told` told. Columns that came since are empty."""
    layer, fid, added, blob, named = told
    raw = tuple(named.get(name) for name in layout.columns)
    return Image(layout, layer, None if blob is None else b64decode(blob), raw, fid, bool(added))


def image_from(layout: Layout, row: Row) -> Image:
    """A proposal of the service as a row."""
    layer, blob, bounds = (UNPLACED, None, None) if row.geometry is None else to_blob(row.geometry)
    values: list[Any] = list(map(row.properties.get, layout.kinds))
    for number in layout.moments:
        if values[number] is not None:
            values[number] = moment(values[number])
    return Image(layout, layer, blob, (row.guid, row.version, *values), bounds=bounds)


_LOCAL = "SELECT guid FROM placecard_before"
_ADDED = "SELECT t.guid FROM placecard_added AS a JOIN $table AS t ON t.fid = a.fid WHERE a.layer = '$layer'"
_THOSE = "SELECT value FROM json_each(?)"


def local_guids(book: Book) -> set[str]:
    """Proposals that tools have touched since the service spoke of them; those new here too."""
    added = (fill(_ADDED, table=table(layer), layer=layer) for layer in LAYERS)
    statement = " UNION ".join([_LOCAL, *added])
    return {row[0] for row in book.connection.execute(statement) if row[0]}


def read_states(book: Book, guids: Iterable[str]) -> dict[str, State]:
    """The states of these proposals, by guid; of unknown ones an empty state."""
    wanted = sorted(set(guids))
    those = json.dumps(wanted)
    bases = {image.guid: image for image in _before(book, those)}
    rows: dict[str, list[Image]] = {guid: [] for guid in wanted}
    for image in _present(book, those):
        rows[image.guid].append(image)
    for image in _removed(book, those):
        if image.guid in bases and not rows[image.guid]:
            rows[image.guid].append(image)
    return {guid: _state(guid, bases.get(guid), rows[guid]) for guid in wanted}


def _state(guid: str, before: Image | None, rows: list[Image]) -> State:
    rows.sort(key=lambda image: (image.added, LAYERS.index(image.layer), image.fid))
    clean = next((row for row in rows if not row.added), None)
    return State(guid, before or clean, tuple(rows), kept=before is not None)


def _before(book: Book, those: str) -> Iterator[Image]:
    found = book.run(
        "SELECT layer, geom, $columns FROM placecard_before WHERE guid IN (SELECT value FROM json_each(?))", those
    )
    return (Image(book.layout, row[0], row[1], tuple(row[2:])) for row in found)


def _removed(book: Book, those: str) -> Iterator[Image]:
    found = book.run("SELECT $columns FROM placecard_removed WHERE guid IN (SELECT value FROM json_each(?))", those)
    return (Image(book.layout, UNPLACED, None, tuple(row)) for row in found)


_PRESENT = """$rows WHERE guid IN (SELECT value FROM json_each(?))"""


def _present(book: Book, those: str) -> Iterator[Image]:
    added = set(book.connection.execute("SELECT layer, fid FROM placecard_added"))
    for layer in LAYERS:
        for row in book.connection.execute(fill(_PRESENT, rows=book.layout.rows_of(layer)), (those,)).fetchall():
            known = (row[0], row[1]) in added
            yield Image(book.layout, row[0], row[2], tuple(row[3:]), row[1], known)


def insert_row(book: Book, image: Image) -> int:
    """A new row, in the layer of the image; its fid."""
    if image.layer in PLACED:
        template, values = "INSERT INTO $table (geom, $columns) VALUES ($marks)", (image.blob, *image.raw)
    else:
        template, values = "INSERT INTO $table ($columns) VALUES ($marks)", image.raw
    made = book.run(template, *values, table=table(image.layer), marks=marks(len(values)))
    return int(made.lastrowid or 0)


def update_row(book: Book, fid: int, image: Image, *, moved: bool = True) -> None:
    """Write over a row of the image's layer; its place too if it `moved` (an R-tree is slow to be told nothing)."""
    sets = listed(book.layout.columns, "$name = ?")
    geometry = moved and image.layer in PLACED
    values = (*((image.blob,) if geometry else ()), *image.raw, fid)
    book.run(
        "UPDATE $table SET $geom $sets WHERE fid = ?",
        *values,
        table=table(image.layer),
        geom="geom = ?," if geometry else "",
        sets=sets,
    )


def delete_row(book: Book, layer: str, fid: int) -> None:
    """Take a row away."""
    book.run("DELETE FROM $table WHERE fid = ?", fid, table=table(layer))


def remove_row(book: Book, row: Image) -> None:
    """Take away a row that was read."""
    if row.fid is not None:
        delete_row(book, row.layer, row.fid)


def rewrite_row(book: Book, row: Image, image: Image) -> tuple[str, int]:
    """Let a row be this, in the layer that its place wants; where it stands then."""
    if row.fid is not None and row.layer == image.layer:
        update_row(book, row.fid, image, moved=row.blob != image.blob)
        return row.layer, row.fid
    remove_row(book, row)
    return image.layer, insert_row(book, image)


def put_rows(book: Book, rows: Sequence[Image], image: Image | None) -> None:
    """Let one row stand where these stood, in its place if it can: `image`, or none."""
    stays = next((row for row in rows if image is not None and row.layer == image.layer), None)
    for row in rows:
        if row is not stays:
            remove_row(book, row)
    if image is None:
        return
    if stays is None or stays.fid is None:
        insert_row(book, image)
    else:
        update_row(book, stays.fid, image, moved=stays.blob != image.blob)
        book.run("DELETE FROM placecard_added WHERE layer = ? AND fid = ?", image.layer, stays.fid)


def keep_before(book: Book, image: Image) -> None:
    """Let this be what the proposal was: the base of its edits from now on."""
    values = (image.layer, image.blob, *image.raw)
    book.run(
        "INSERT OR REPLACE INTO placecard_before (layer, geom, $columns) VALUES ($marks)",
        *values,
        marks=marks(len(values)),
    )


def forget_edit(book: Book, guid: str) -> None:
    """Nothing of this proposal is edited any more."""
    for name in ("before", "removed", "result", "joined"):
        book.run("DELETE FROM $table WHERE guid = ?", guid, table=f"placecard_{name}")
