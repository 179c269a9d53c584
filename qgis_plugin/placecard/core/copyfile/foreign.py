"""Taking back what another GIS made of exported proposals: as edits, through the same merge as those made here.

A row names the version it was exported at. Where the copy has moved on since, its edits are said to be made from that
version: the service then merges them with what others did meanwhile, or shows the clash.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from placecard.core.copyfile.difference import IS_PLACED, IS_UNPLACED, ON_CREATE, PLACEMENT
from placecard.core.copyfile.rows import Image, insert_row, keep_before, read_states, remove_row, rewrite_row
from placecard.core.copyfile.values import canonical
from placecard.core.errors import BadGeometry
from placecard.core.geometry import join_parts, kind_of, same_place

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from placecard.core.copyfile.copy import WorkingCopy
    from placecard.core.copyfile.rows import Book, State
    from placecard.core.wire import Value


@dataclass(frozen=True)
class Foreign:
    """A feature of the other file: properties by name as it has them, the place as WKB (CRS84)."""

    guid: str
    version: str | None
    values: Mapping[str, Any]
    geometry: bytes | None


@dataclass
class Imported:
    """Guids of proposals: `changed`, `added`, let be as they were (`same`), and left out.

    `unknown` are not here; the place of `broken` ones is none; `edited` ones were edited here from another version than
    the file's, so that a push must come between.
    """

    changed: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    edited: list[str] = field(default_factory=list)


def take_foreign(copy: WorkingCopy, features: Iterable[Foreign]) -> Imported:
    """Take features back in one transaction, tracked as a person's own edits. What a file lacks is not deleted."""
    together: dict[str, list[Foreign]] = {}
    imported = Imported()
    with copy.tracked() as book:
        for feature in features:
            if feature.guid:
                together.setdefault(feature.guid, []).append(feature)
            else:
                _add(book, feature, imported)
        states = read_states(book, together)
        for guid, parts in together.items():
            _take(book, states[guid], parts, imported)
    return imported


def _take(book: Book, state: State, parts: Sequence[Foreign], imported: Imported) -> None:
    try:
        place = _joined(parts)
    except BadGeometry:
        imported.broken.append(state.guid)
        return
    first = parts[0]
    if not state.rows and state.base is None:
        if first.version is None:
            _add(book, replace(first, geometry=place), imported)
        else:
            imported.unknown.append(state.guid)  # retired since, or not for this person to see
        return
    if state.kept and state.base is not None and first.version not in (None, state.base.version):
        imported.edited.append(state.guid)
        return
    rows = state.rows or ((state.base,) if state.base is not None else ())
    image = _image(book, state.base or rows[0], rows[0], first, place)
    if image is None:
        imported.same.append(state.guid)
        return
    _speak_from(book, state, first.version)
    for row in rows[1:]:
        remove_row(book, row)
    if state.rows:
        rewrite_row(book, rows[0], image)
    else:
        insert_row(book, image)
    imported.changed.append(state.guid)


def _joined(parts: Sequence[Foreign]) -> bytes | None:
    places = [part.geometry for part in parts if part.geometry is not None]
    for place in places:
        kind_of(place)
    return None if not places else places[0] if len(places) == 1 else join_parts(places)


def _image(book: Book, base: Image, row: Image, told: Foreign, place: bytes | None) -> Image | None:
    """The row with what the other file says otherwise than it was (`base`); None if that is nothing new."""
    told_values = _values(book, told.values, book.layout.writable)
    said = {name: value for name, value in told_values.items() if value != base.values.get(name)}
    moved = not same_place(base.geometry, place) and not same_place(row.geometry, place)
    if moved and PLACEMENT not in said:
        said[PLACEMENT] = IS_UNPLACED if place is None else IS_PLACED
    values = {name: value for name, value in said.items() if value != row.values.get(name)}
    if not values and not moved:
        return None
    return row.with_values(row.version, values, place if moved else row.geometry)


def _speak_from(book: Book, state: State, version: str | None) -> None:
    base = state.base
    if base is not None and not state.kept and version is not None and version != base.version:
        keep_before(book, replace(base, raw=(base.raw[0], version, *base.raw[2:])))


def _add(book: Book, told: Foreign, imported: Imported) -> None:
    allowed = (*book.layout.writable, *ON_CREATE)
    values = _values(book, told.values, allowed)
    values[PLACEMENT] = IS_UNPLACED if told.geometry is None else IS_PLACED
    empty = Image(book.layout, "unplaced", None, (told.guid or None, *(None for _ in book.layout.columns[1:])))
    try:
        insert_row(book, empty.with_values(None, values, told.geometry))
    except BadGeometry:
        imported.broken.append(told.guid)
        return
    imported.added.append(told.guid)


def _values(book: Book, told: Mapping[str, Any], allowed: Iterable[str]) -> dict[str, Value]:
    kinds = book.layout.kinds
    return {name: canonical(kinds[name], told[name]) for name in allowed if name in told and name in kinds}
