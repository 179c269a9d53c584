"""Clashes as a person sees them: both sides of each field in words and drawn, and what a pressed button chooses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
import shapely

from sync_service.desk.moves import read_shape, say_move, say_place
from sync_service.desk.sketch import draw_sketch
from sync_service.errors import BadRequest
from sync_service.store import clashes
from sync_service.sync.editing import GEOMETRY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sync_service.desk.sketch import Sketch
    from sync_service.desk.wording import Wording
    from sync_service.store.briefs import Brief
    from sync_service.store.clashes import OpenClash
    from sync_service.sync.state import Sides
    from sync_service.sync.values import Value

PLACEMENT = "placement"
SIDES = ("theirs", "mine")
"""The two sides of a clash, in the order in which they are shown."""
CHOICE = "side-"
"""Fields of the form begin with it: `side-address=mine`."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field both sides say differently: what it was, and what each says. `moved` tells how far from what it was."""

    name: str
    label: str
    base: str
    theirs: str
    mine: str
    moved: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Dispute:
    """An open clash in words. `theirs` and `mine` say whose the sides are; the place is drawn once for each side."""

    id: str
    revision: int
    reason: str
    guid: str
    title: str
    brief: Brief | None
    stage: str
    other: Brief | None
    since: str
    theirs: str
    mine: str
    fields: Sequence[Field]
    sketches: Mapping[str, Sketch]
    shapes: str | None

    @property
    def names(self) -> str:
        """What it is about, in one line."""
        return ", ".join(field.label for field in self.fields)


def tell_clash(item: OpenClash, briefs: Mapping[str, Brief], wording: Wording) -> Dispute:
    """An open clash in words."""
    brief = briefs.get(item.guid)
    place = item.fields.get(GEOMETRY)
    return Dispute(
        id=item.id,
        revision=item.revision,
        reason=item.reason,
        guid=item.guid,
        title=(brief.title if brief else None) or wording.say("untitled"),
        brief=brief,
        stage=wording.stage(brief.stage if brief else None),
        other=briefs.get(item.origin.other or ""),
        since=wording.moment(item.opened),
        theirs=_theirs(item, wording),
        mine=_mine(item, wording),
        fields=[_field(name, sides, wording) for name, sides in _in_order(item)],
        sketches=_sketches(place, wording) if place else {},
        shapes=_shapes(place) if place else None,
    )


def _in_order(item: OpenClash) -> list[tuple[str, Sides]]:
    """The place first; its placement is chosen together with it."""
    names = sorted(item.fields, key=lambda name: (name != GEOMETRY, name))
    if GEOMETRY in item.fields:
        names = [name for name in names if name != PLACEMENT]
    return [(name, item.fields[name]) for name in names]


def _field(name: str, sides: Sides, wording: Wording) -> Field:
    if name == GEOMETRY:
        base, theirs, mine = (say_place(value, wording) for value in (sides.base, sides.theirs, sides.mine))
        return Field(name, wording.say("place.title"), base, theirs, mine, _moved(sides, wording))
    base, theirs, mine = (wording.value(name, value) for value in (sides.base, sides.theirs, sides.mine))
    return Field(name, wording.label(name), base, theirs, mine, {})


def _moved(sides: Sides, wording: Wording) -> dict[str, str]:
    """What each side made of the place that was there, if there was one."""
    said = {"theirs": sides.theirs, "mine": sides.mine}
    told = {side: say_move(sides.base, value, wording) for side, value in said.items() if value != sides.base}
    return told if sides.base is not None else {}


def _theirs(item: OpenClash, wording: Wording) -> str:
    words = [wording.say(f"clash.{item.reason}.theirs")]
    if item.origin.theirs_by:
        words.append(wording.who(wording.source(item.origin.theirs_by)))
    if item.origin.theirs_at:
        words.append(wording.moment(item.origin.theirs_at))
    return " · ".join(words)


def _mine(item: OpenClash, wording: Wording) -> str:
    who = wording.who(item.origin.who)
    word = wording.say(f"clash.{item.reason}.mine")
    return f"{word} · {who}" if who and item.reason in {clashes.EDIT, clashes.OVERWRITTEN} else word


def _sketches(place: Sides, wording: Wording) -> dict[str, Sketch]:
    """For each side the same drawing, its own version uppermost."""
    shapes = {"theirs": read_shape(place.theirs), "mine": read_shape(place.mine)}
    orders = {"theirs": ("mine", "theirs"), "mine": ("theirs", "mine")}
    drawn = {side: draw_sketch({name: shapes[name] for name in order}, wording) for side, order in orders.items()}
    return {side: sketch for side, sketch in drawn.items() if sketch is not None}


def _shapes(place: Sides) -> str:
    """Both versions as GeoJSON, for the maps."""
    shapes = {"theirs": read_shape(place.theirs), "mine": read_shape(place.mine)}
    texts = {side: orjson.loads(shapely.to_geojson(shape)) for side, shape in shapes.items() if shape is not None}
    return orjson.dumps(texts).decode()


def read_fields(do: str, form: Mapping[str, Any], item: OpenClash) -> dict[str, Value]:
    """What shall stand: everything of one side (`do` is `theirs` or `mine`), or the sides picked field by field.

    BadRequest for any other answer, and when nothing was picked.
    """
    if do in SIDES:
        return {name: _side(sides, do) for name, sides in item.fields.items()}
    if do != "picked":
        raise BadRequest("do", "not_one_of", choices=", ".join((*SIDES, "picked")))
    picked = {name: str(form.get(f"{CHOICE}{name}", "")) for name, _ in _in_order(item)}
    chosen = {name: side for name, side in picked.items() if side in SIDES}
    if not chosen:
        raise BadRequest("do", "nothing_picked")
    if GEOMETRY in chosen and PLACEMENT in item.fields:
        chosen[PLACEMENT] = chosen[GEOMETRY]
    return {name: _side(item.fields[name], side) for name, side in chosen.items()}


def _side(sides: Sides, side: str) -> Value:
    return sides.theirs if side == "theirs" else sides.mine
