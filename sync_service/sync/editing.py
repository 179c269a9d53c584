"""The map speaks: an edit, merged field by field into the feature it is about. Pure.

An edit names what it was made from (its base). Per property, and for the place as one thing:

- what equals the present value, or the base, is no edit;
- what nobody else changed since the base is taken;
- whatever else was changed on both sides: it clashes, and only that; the rest of the edit is applied.

A base that is no longer kept tells nothing: every difference is a clash. Whose edits overwrite takes all of its values,
and learns what they replaced.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING
from uuid import UUID

import shapely

from sync_service.sync.fields import field_table, names_owned
from sync_service.sync.place import set_place
from sync_service.sync.state import Feature, Sides, Values
from sync_service.sync.values import Hand, Owner, Placement, Stage, Value, Visibility

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import numpy.typing as npt

GEOMETRY = "geometry"
"""The name a geometry has among the sides of a clash, where it is base64 of WKB."""

TOLERANCE = 1e-8
"""Degrees: what moves less was not moved."""

_PLACEMENT, _DISTRICT = "placement", "district"
_PARTNER, _DESCRIPTION = "partner", "description"
_SHARED = frozenset(names_owned(Owner.SHARED)) - {_PLACEMENT}
_ON_CREATE = frozenset({"title", "description"})
_NO_VALUE = "∅"  # stands on the card for an empty value
_MOST = {"title": 255, "description": 60_000}

YEARS = range(1000, 10000)
"""What an edit may set as a horizon."""

MOST_CHARACTERS = 255
"""What a text may be set to: as much as a board's metadata holds."""


class EditOp(StrEnum):
    """What an edit does. None deletes: taking the place away is the most."""

    CREATE = "create"
    UPDATE = "update"
    UNPLACE = "unplace"


class EditStatus(StrEnum):
    """What became of an edit."""

    APPLIED = "applied"
    MERGED = "merged"
    UNCHANGED = "unchanged"
    CLASH = "clash"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Edit:
    """An edit of one proposal: `set` holds only the properties it speaks of, `geometry` (WKB, CRS84, 2D) stays if None.

    `rounded`: its coordinates went through a text of so many decimals, so that ours rounded alike are the same.
    """

    op: EditOp
    guid: str
    set: Values = field(default_factory=dict)
    geometry: bytes | None = None
    rounded: int | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an edit was rejected: a code (`rejections.<code>` of the catalogue) and its data."""

    code: str
    data: Mapping[str, object] = field(default_factory=dict)


class _Refused(Exception):
    def __init__(self, code: str, **data: object) -> None:
        super().__init__(code)
        self.refusal = Refusal(code, data)


@dataclass(frozen=True, slots=True)
class Edited:
    """What becomes of an edit: the feature after it, and what clashes (or, when it overwrites, what it replaced).

    `touched` are the names whose value it set.
    """

    status: EditStatus
    feature: Feature
    clashes: Mapping[str, Sides] = field(default_factory=dict)
    touched: frozenset[str] = frozenset()
    refusal: Refusal | None = None


def merge_edit(
    current: Feature,
    base: Feature | None,
    edit: Edit,
    *,
    spoken: frozenset[str] = frozenset(),
    overwrite: bool = False,
) -> Edited:
    """Merge an UPDATE or UNPLACE into `current`, the feature as it is; `base` is the feature the edit was made from.

    `spoken` names what the same hand has set since its base: that cannot clash with it. With `overwrite`, what would
    clash is applied as well and `clashes` tells what it replaced.
    """
    try:
        return _merge(_Eras(current, base, spoken), edit, overwrite=overwrite)
    except _Refused as no:
        return Edited(EditStatus.REJECTED, current, refusal=no.refusal)


@dataclass(frozen=True, slots=True)
class _Place:
    geometry: bytes | None
    placement: Value

    def same(self, other: _Place, rounded: int | None = None) -> bool:
        return self.placement == other.placement and same_geometry(self.geometry, other.geometry, rounded)

    def sides(self) -> dict[str, Value]:
        return {GEOMETRY: geometry_text(self.geometry), _PLACEMENT: self.placement}


@dataclass(frozen=True, slots=True)
class _Eras:
    """The feature now and as it was: what each said of a name."""

    current: Feature
    base: Feature | None
    spoken: frozenset[str]

    @property
    def now(self) -> _Place:
        return _Place(self.current.geometry, self.current.properties.get(_PLACEMENT))

    @property
    def was(self) -> _Place | None:
        if GEOMETRY in self.spoken or _PLACEMENT in self.spoken:
            return self.now
        return None if self.base is None else _Place(self.base.geometry, self.base.properties.get(_PLACEMENT))

    def present(self, name: str) -> Value:
        return self.current.properties.get(name)

    def said(self, name: str) -> tuple[Value, ...]:
        """What stood under a name when the edit was made; nothing when that is not known."""
        if name in self.spoken:
            return (self.present(name),)
        return () if self.base is None else (self.base.properties.get(name),)

    def edited(self, name: str, value: Value) -> bool:
        return value != self.present(name) and value not in self.said(name)


def _merge(eras: _Eras, edit: Edit, *, overwrite: bool) -> Edited:
    if eras.current.visibility is Visibility.RETIRED:
        raise _Refused("gone")
    wanted = {name: value for name, value in edit.set.items() if _is_edited(eras, edit, name, value)}
    if wanted.get(_PLACEMENT, "") is None and edit.geometry is None:
        raise _Refused("bad_value", field=_PLACEMENT)
    place = _wanted_place(eras, edit, wanted.pop(_PLACEMENT, None))
    _check_owners(eras, wanted, place)
    canonical = {name: canonical_value(name, value) for name, value in wanted.items()}
    clashes = _place_clashes(eras, place)
    lost = bool(clashes)
    for name, value in canonical.items():
        stands = eras.edited(name, value) and (eras.present(name),) != eras.said(name)
        if stands or (name == _DISTRICT and lost):
            clashes[name] = Sides(_first(eras.said(name)), eras.present(name), value)
    taken = {n: v for n, v in canonical.items() if (overwrite or n not in clashes) and eras.edited(n, v)}
    placed = None if lost and not overwrite else place
    after = eras.current if placed is None else _set_place(eras.current, placed)
    after = replace(after, properties={**after.properties, **taken})
    touched = frozenset(taken) | (frozenset() if placed is None else {GEOMETRY, _PLACEMENT})
    return Edited(_status(eras, after, clashes, overwrite=overwrite), after, clashes, touched)


def _first(values: tuple[Value, ...]) -> Value:
    return values[0] if values else None


def _status(eras: _Eras, after: Feature, clashes: Mapping[str, Sides], *, overwrite: bool) -> EditStatus:
    if clashes and not overwrite:
        return EditStatus.CLASH
    if after == eras.current:
        return EditStatus.UNCHANGED
    base = eras.base
    moved = base is not None and (base.properties, base.geometry) != (eras.current.properties, eras.current.geometry)
    return EditStatus.MERGED if moved else EditStatus.APPLIED


def _is_edited(eras: _Eras, edit: Edit, name: str, value: Value) -> bool:
    known = field_table().get(name)
    if known is None:
        raise _Refused("unknown_property", field=name)
    if name == "guid":
        return value != edit.guid
    return not known.stored or eras.edited(name, value)


def _check_owners(eras: _Eras, wanted: Values, place: _Place | None) -> None:
    placement = (place or eras.now).placement
    allowed = _SHARED | ({_DISTRICT} if placement == Placement.DISTRICT else set())
    for name in wanted:
        if name not in allowed:
            raise _Refused("read_only", field=name)


def _wanted_place(eras: _Eras, edit: Edit, placement: Value) -> _Place | None:
    """The place the edit asks for; None when it leaves the place alone."""
    if placement is not None:
        canonical_value(_PLACEMENT, placement)
    place = _asked_place(eras, edit, placement)
    known = [era for era in (eras.now, eras.was) if era is not None]
    return None if place is None or any(place.same(era, edit.rounded) for era in known) else place


def _asked_place(eras: _Eras, edit: Edit, placement: Value) -> _Place | None:
    if edit.op is EditOp.UNPLACE:
        if edit.geometry is not None or placement == Placement.PLACED:
            raise _Refused("place_contradicts")
        stays = Placement.UNPLACED.value if eras.now.geometry is not None else eras.now.placement
        return _Place(None, placement or stays)
    moved = edit.geometry is not None and not _is_known(eras, edit.geometry, edit.rounded)
    if placement is None:
        return _Place(edit.geometry, Placement.PLACED.value) if moved else None
    if moved and placement != Placement.PLACED:
        raise _Refused("place_contradicts")
    if placement == Placement.PLACED and edit.geometry is None:
        raise _Refused("placed_without_geometry")
    return _Place(edit.geometry if placement == Placement.PLACED else None, placement)


def _is_known(eras: _Eras, geometry: bytes, rounded: int | None) -> bool:
    before = [eras.now.geometry] if eras.was is None else [eras.now.geometry, eras.was.geometry]
    return any(same_geometry(geometry, known, rounded) for known in before)


def _place_clashes(eras: _Eras, place: _Place | None) -> dict[str, Sides]:
    if place is None or (eras.was is not None and eras.was.same(eras.now)):
        return {}
    base, theirs, mine = (eras.was.sides() if eras.was else {}), eras.now.sides(), place.sides()
    return {name: Sides(base.get(name), theirs[name], mine[name]) for name in mine if mine[name] != theirs[name]}


def _set_place(feature: Feature, place: _Place) -> Feature:
    return set_place(feature, place.geometry, Placement(str(place.placement)))


@dataclass(frozen=True, slots=True)
class Submission:
    """For whom a partner may bring in proposals, and the label of the line that says so on the card."""

    organisations: tuple[str, ...]
    label: str


def draw_feature(edit: Edit, *, may_approve: bool, submission: Submission | None = None) -> Edited:
    """A proposal drawn on the map, from a CREATE. Null means the default. `may_approve`: its author may say so.

    With a `submission` it is a partner's, and says first whose it is.
    """
    nothing = Feature(edit.guid, {}, None, Hand.MAP, None, Visibility.HIDDEN)
    try:
        return Edited(EditStatus.APPLIED, _draw(nothing, edit, submission, may_approve=may_approve))
    except _Refused as no:
        return Edited(EditStatus.REJECTED, nothing, refusal=no.refusal)


def _draw(nothing: Feature, edit: Edit, submission: Submission | None, *, may_approve: bool) -> Feature:
    if not is_guid(edit.guid):
        raise _Refused("bad_guid")
    eras = _Eras(nothing, nothing, frozenset())
    wanted = {name: value for name, value in edit.set.items() if _is_edited(eras, edit, name, value)}
    stage = _first_stage(wanted.pop("stage", None), may_approve=may_approve)
    place = _first_place(edit, wanted.pop(_PLACEMENT, None))
    partner = None if submission is None else _own_organisation(submission, wanted.pop(_PARTNER, None))
    _check_owners(eras, {name: value for name, value in wanted.items() if name not in _ON_CREATE}, place)
    said = {name: canonical_value(name, value) for name, value in wanted.items()}
    if submission is not None and partner is not None:
        said |= _signed(submission.label, partner, said.get(_DESCRIPTION))
    drawn = replace(nothing, properties={"stage": stage, "blocked": False, **said})
    # A place nobody spoke of was not cleared by anybody.
    hand = Hand.CARD if place.placement == Placement.UNPLACED else Hand.MAP
    return replace(_set_place(drawn, place), hand=hand)


def _own_organisation(submission: Submission, named: Value) -> str:
    """Whose the proposal is: the one named, if it is one's own, or the only one there is."""
    if named is None and len(submission.organisations) == 1:
        return submission.organisations[0]
    if named not in submission.organisations:
        raise _Refused("not_your_organisation", organisations=", ".join(submission.organisations) or "–")
    return str(named)


def _signed(label: str, partner: str, description: Value) -> Values:
    """Ahead of the text: of several such lines the first one counts, and the text is the partner's to write."""
    line = f"{label}: {partner}"
    return {_PARTNER: partner, _DESCRIPTION: line if description is None else f"{line}\n\n{description}"}


def _first_stage(stage: Value, *, may_approve: bool) -> str:
    if stage in (None, Stage.PROPOSED):
        return Stage.PROPOSED.value
    if stage != Stage.APPROVED:
        raise _Refused("read_only", field="stage")
    if not may_approve:
        raise _Refused("may_not_approve")
    return Stage.APPROVED.value


def _first_place(edit: Edit, placement: Value) -> _Place:
    if placement is not None:
        canonical_value(_PLACEMENT, placement)
    if edit.geometry is None and placement == Placement.PLACED:
        raise _Refused("placed_without_geometry")
    if edit.geometry is not None and placement not in (None, Placement.PLACED):
        raise _Refused("place_contradicts")
    found = Placement.PLACED if edit.geometry is not None else Placement.UNPLACED
    return _Place(edit.geometry, placement or found.value)


def canonical_value(name: str, value: Value) -> Value:
    """A property's value as both sides keep it. Raises what `merge_edit` turns into a rejection."""
    known = field_table()[name]
    if value is None:
        return None
    if known.type == "integer":
        if isinstance(value, bool) or not isinstance(value, int) or value not in YEARS:
            raise _Refused("bad_value", field=name)
        return value
    if not isinstance(value, str):
        raise _Refused("bad_value", field=name)
    return _canonical_text(name, value.strip(), known.values)


def _canonical_text(name: str, text: str, allowed: tuple[str, ...]) -> Value:
    if len(text) > _MOST.get(name, MOST_CHARACTERS):
        raise _Refused("too_long", field=name, limit=_MOST.get(name, MOST_CHARACTERS))
    unprintable = any(character < " " and character not in "\t\n\r" for character in text)
    if unprintable or text == _NO_VALUE or (allowed and text not in allowed):
        raise _Refused("bad_value", field=name)
    return text or None


def is_guid(text: str) -> bool:
    """Whether a text is a UUID as it is kept: lower case, with hyphens."""
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def geometry_text(wkb: bytes | None) -> str | None:
    """A geometry as it stands among the sides of a clash, and in the history."""
    return None if wkb is None else b64encode(wkb).decode()


def same_geometry(one: bytes | None, other: bytes | None, rounded: int | None = None) -> bool:
    """Whether two geometries (WKB) are the same place: part by part, within the tolerance.

    With `rounded`, also when `other` rounded to so many decimals is `one`.
    """
    if one is None or other is None or one == other:
        return one == other
    mine, theirs = _parts(one), _parts(other)
    if len(mine) != len(theirs):
        return False
    if shapely.equals_exact(mine, theirs, TOLERANCE).all():
        return True
    if rounded is None:
        return False
    coarse = shapely.transform(theirs, lambda points: points.round(rounded))
    return bool(shapely.equals_exact(mine, coarse, TOLERANCE).all())


@lru_cache(maxsize=64)  # one edit is compared with what is there several times
def _parts(wkb: bytes) -> npt.NDArray[np.object_]:
    return shapely.get_parts(shapely.from_wkb(wkb))
