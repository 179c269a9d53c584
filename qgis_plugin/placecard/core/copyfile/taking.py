"""What the service says, taken into the copy. What is edited here is neither written over nor removed."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from placecard.core.copyfile.database import run_scripts
from placecard.core.copyfile.difference import is_clean
from placecard.core.copyfile.following import be_sure, follow, unsure
from placecard.core.copyfile.held import hold, release
from placecard.core.copyfile.layout import DISTRICTS, LAYERS, PLACED, Layout, table
from placecard.core.copyfile.rows import (
    Image,
    delete_row,
    forget_edit,
    image_from,
    insert_row,
    local_guids,
    read_states,
    update_row,
)
from placecard.core.copyfile.sql import marks
from placecard.core.copyfile.waiting import waiting
from placecard.core.geometry import to_blob
from placecard.core.wire import DELETE, UPSERT, Change, Row

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from placecard.core.copyfile.copy import WorkingCopy
    from placecard.core.copyfile.rows import Book
    from placecard.core.geometry import Envelope
    from placecard.core.wire import Capabilities


@dataclass(frozen=True)
class Taken:
    """How many proposals were written, removed, and held back."""

    taken: int = 0
    removed: int = 0
    held: int = 0

    def __add__(self, other: Taken) -> Taken:
        return Taken(self.taken + other.taken, self.removed + other.removed, self.held + other.held)


# --- the first pull, into an empty file: no triggers yet, everything at once


def begin_first(copy: WorkingCopy) -> None:
    """A first pull that was broken off is begun again: nothing of it stays."""
    with copy.writing() as book:
        for layer in LAYERS:
            book.run("DELETE FROM $table", table=table(layer))
            if layer in PLACED:
                book.run("DELETE FROM rtree_${table}_geom", table=table(layer))


def take_first(copy: WorkingCopy, rows: Sequence[Row]) -> Taken:
    """A page of the first snapshot. No place of it stands in an R-tree's triggers' way: all are entered here."""
    with copy.writing() as book:
        by_layer: dict[str, list[Image]] = defaultdict(list)
        for row in rows:
            image = image_from(book.layout, row)
            by_layer[image.layer].append(image)
        for layer, images in by_layer.items():
            _insert_all(book, layer, images)
    return Taken(taken=len(rows))


def _insert_all(book: Book, layer: str, images: Sequence[Image]) -> None:
    last = book.run("SELECT coalesce(max(fid), 0) FROM $table", table=table(layer)).fetchone()[0]
    numbered = [(last + number, image) for number, image in enumerate(images, start=1)]
    if layer not in PLACED:
        rows = [(fid, *image.raw) for fid, image in numbered]
        _insert_many(book, "INSERT INTO $table (fid, $columns) VALUES ($marks)", layer, rows)
        return
    rows = [(fid, image.blob, *image.raw) for fid, image in numbered]
    _insert_many(book, "INSERT INTO $table (fid, geom, $columns) VALUES ($marks)", layer, rows)
    bounds = [(fid, *image.bounds) for fid, image in numbered if image.bounds is not None]
    _insert_many(book, "INSERT INTO rtree_${table}_geom VALUES ($marks)", layer, bounds)


def _insert_many(book: Book, template: str, layer: str, rows: Sequence[tuple[object, ...]]) -> None:
    if rows:
        book.run_many(template, rows, table=table(layer), marks=marks(len(rows[0])))


def finish_first(copy: WorkingCopy, cursor: str) -> None:
    """The first snapshot is whole: indexes, triggers, and the name."""
    with copy.writing() as book:
        run_scripts(book.connection, book.layout.make_rest())
        book.keep(cursor=cursor)
        note_bounds(book)
    copy.finish()


# --- later on


def take_changes(copy: WorkingCopy, changes: Sequence[Change], cursor: str | None, *, last: bool = False) -> Taken:
    """Changes in one transaction, with where the copy stands then (None: where it stood). `last`: none follow."""
    with copy.writing() as book:
        tidy(book)
        taken = take(book, changes)
        if cursor is not None:
            book.keep(cursor=cursor)
        if last:
            be_sure(book)
        note_bounds(book)
    return taken


def take_rows(copy: WorkingCopy, rows: Iterable[Row]) -> Taken:
    """A page of a later snapshot."""
    return take_changes(copy, [Change(UPSERT, row) for row in rows], None)


def finish_snapshot(copy: WorkingCopy, seen: Collection[str], cursor: str) -> Taken:
    """A later snapshot is whole: what it did not name is gone."""
    with copy.writing() as book:
        gone = _known(book) - set(seen)
        taken = take(book, [Change(DELETE, Row(guid, "", None, {})) for guid in sorted(gone)])
        be_sure(book)
        book.keep(cursor=cursor)
        note_bounds(book)
    return taken


def _known(book: Book) -> set[str]:
    """Every proposal that the copy has from the service."""
    tables = (*map(table, LAYERS), "placecard_before")
    named = {row[0] for name in tables for row in book.run("SELECT guid FROM $table", table=name) if row[0]}
    local = read_states(book, local_guids(book))
    return named - {guid for guid, state in local.items() if state.base is None}


def take(book: Book, changes: Sequence[Change]) -> Taken:
    """Changes: those of proposals that are edited here are held, the others written."""
    local = local_guids(book)
    states = read_states(book, [change.row.guid for change in changes if change.row.guid in local])
    there = _there(book, [change.row.guid for change in changes if change.row.guid not in local])
    waits, strange = waiting(book), unsure(book)
    counts = {"taken": 0, "removed": 0, "held": 0}
    for change in changes:
        guid = change.row.guid
        if guid in states:
            if not follow(book, change, states[guid], waits.get(guid, {}), strange=guid in strange):
                hold(book, change, states[guid])
                counts["held"] += 1
        elif change.op == UPSERT:
            _write(book, there.get(guid, []), image_from(book.layout, change.row))
            counts["taken"] += 1
        else:
            for layer, fid, _ in there.get(guid, []):
                delete_row(book, layer, fid)
            counts["removed"] += guid in there
    be_sure(book, [change.row.guid for change in changes])
    return Taken(**counts)


def _there(book: Book, guids: Sequence[str]) -> dict[str, list[tuple[str, int, bytes | None]]]:
    """Where these proposals stand now, and their places."""
    found: dict[str, list[tuple[str, int, bytes | None]]] = defaultdict(list)
    those = json.dumps(guids)
    for layer in LAYERS:
        rows = book.run(_STANDING, those, table=table(layer), geom="geom" if layer in PLACED else "NULL")
        for guid, fid, blob in rows:
            found[guid].append((layer, fid, blob))
    return found


_STANDING = "SELECT guid, fid, $geom FROM $table WHERE guid IN (SELECT value FROM json_each(?))"


def _write(book: Book, there: Sequence[tuple[str, int, bytes | None]], image: Image) -> None:
    stays = next(((fid, blob) for layer, fid, blob in there if layer == image.layer), None)
    for layer, fid, _ in there:
        if stays is None or (layer, fid) != (image.layer, stays[0]):
            delete_row(book, layer, fid)
    if stays is None:
        insert_row(book, image)
    else:
        update_row(book, stays[0], image, moved=stays[1] != image.blob)


def tidy(book: Book) -> None:
    """Proposals that were edited and are as they were again are edited no more; what is held of them stands."""
    local = local_guids(book)
    held = {row[0] for row in book.connection.execute("SELECT guid FROM placecard_held")}
    for guid, state in read_states(book, local | held).items():
        # One whose copy has become another proposal was held for nothing.
        if guid not in local or is_clean(state, book.layout):
            release(book, state)
            forget_edit(book, guid)


def set_districts(copy: WorkingCopy, districts: Mapping[str, bytes], tag: str) -> None:
    """Names and outlines of the districts, for reference, and by which of the service's answers they are."""
    with copy.writing() as book:
        book.run("DELETE FROM $table", table=DISTRICTS)
        for name, wkb in districts.items():
            book.run("INSERT INTO $table (geom, name) VALUES (?, ?)", to_blob(wkb)[1], name, table=DISTRICTS)
        book.keep(districts=tag)


def take_capabilities(copy: WorkingCopy, capabilities: Capabilities) -> None:
    """The service tells other properties now: columns are added, the triggers made anew."""
    with copy.writing() as book:
        layout = Layout(capabilities.properties)
        run_scripts(book.connection, book.layout.drop_tracking())
        there = {row[1] for row in book.run("PRAGMA table_info($table)", table=table(LAYERS[0]))}
        run_scripts(book.connection, layout.add_columns(there))
        run_scripts(book.connection, layout.make_tracking())
        book.keep(capabilities=json.dumps(capabilities.document, ensure_ascii=False))


def note_bounds(book: Book) -> None:
    """Tell GeoPackage's books how far the layers reach, and that they changed."""
    for layer in LAYERS:
        bounds: Envelope | tuple[None, ...] = (None,) * 4
        if layer in PLACED:
            bounds = book.run(_REACH, table=table(layer)).fetchone()
        book.run(_NOTE, *bounds, table(layer))


_REACH = "SELECT min(minx), min(miny), max(maxx), max(maxy) FROM rtree_${table}_geom"
_NOTE = """UPDATE gpkg_contents SET min_x = ?, min_y = ?, max_x = ?, max_y = ?,
  last_change = strftime('%Y-%m-%dT%H:%M:%fZ', 'now') WHERE table_name = ?"""
