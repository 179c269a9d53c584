"""What changed, in words: the history of one proposal or of many, by day and proposal, before and after. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sync_service.desk.moves import say_move, say_place
from sync_service.sync.fields import field_table, names_owned
from sync_service.sync.values import Owner

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from sync_service.desk.wording import Wording
    from sync_service.store.briefs import Brief
    from sync_service.store.history import Past
    from sync_service.sync.values import Value

GEOMETRY = "geometry"
_UNTOLD = frozenset({"summary", "card_id", "card_url", "place_reason"})
"""Follow from others, or mean nothing to people."""
_NAMES = (*(name for name in field_table() if name not in _UNTOLD), "visibility", "hand", GEOMETRY)
_AT_FIRST = ("stage", "visibility", GEOMETRY)
"""What is told of a proposal that came into being: the rest is all new."""
_REVERSIBLE = frozenset({GEOMETRY, *names_owned(Owner.SHARED)})
_LONG = 160
_CONTEXT = 40


@dataclass(frozen=True, slots=True)
class Line:
    """One field of a change in words. A place has only `after`: what became of it."""

    name: str
    label: str
    before: str | None
    after: str


@dataclass(frozen=True, slots=True)
class Change:
    """One change in words. `shapes` are the place before and after, if that changed.

    `reversible`: the map may have a word in it, so that it can be put back.
    """

    id: int
    time: str
    day: date
    source: str
    who: str
    push: str | None
    new: bool
    lines: Sequence[Line]
    reversible: bool
    shapes: tuple[Value, Value] | None


@dataclass(frozen=True, slots=True)
class Changed:
    """The changes of one proposal on one day."""

    guid: str
    title: str
    brief: Brief | None
    stage: str
    changes: Sequence[Change]


@dataclass(frozen=True, slots=True)
class Day:
    """A day and what changed on it."""

    title: str
    proposals: Sequence[Changed]


def by_day(entries: Iterable[Past], briefs: Mapping[str, Brief], wording: Wording) -> list[Day]:
    """Entries, newest first, by day and within it by proposal, the one changed last first."""
    told = [(entry, change) for entry in entries if (change := tell(entry, wording)).lines or change.new]
    days = groupby(told, key=lambda pair: pair[1].day)
    return [Day(wording.long_day(day), _by_proposal(list(pairs), briefs, wording)) for day, pairs in days]


def _by_proposal(pairs: Sequence[tuple[Past, Change]], briefs: Mapping[str, Brief], wording: Wording) -> list[Changed]:
    found: dict[str, list[Change]] = {}
    for entry, change in pairs:
        found.setdefault(entry.guid, []).append(change)
    return [_changed(guid, briefs.get(guid), changes, wording) for guid, changes in found.items()]


def _changed(guid: str, brief: Brief | None, changes: Sequence[Change], wording: Wording) -> Changed:
    title = (brief.title if brief else None) or wording.say("untitled")
    return Changed(guid, title, brief, wording.stage(brief.stage if brief else None), changes)


def tell(entry: Past, wording: Wording) -> Change:
    """An entry of the history in words."""
    moment = wording.local(entry.at)
    moved = GEOMETRY in entry.after
    return Change(
        id=entry.id,
        time=f"{moment:%H:%M}",
        day=moment.date(),
        source=wording.source(entry.source),
        who=wording.who(entry.who),
        push=entry.push,
        new=entry.before is None,
        lines=list(_lines(entry, wording)),
        reversible=entry.before is not None and not _REVERSIBLE.isdisjoint(entry.after),
        shapes=((entry.before or {}).get(GEOMETRY), entry.after[GEOMETRY]) if moved else None,
    )


def _lines(entry: Past, wording: Wording) -> Iterator[Line]:
    before = entry.before or {}
    names = _AT_FIRST if entry.before is None else _NAMES
    for name in names:
        if name in entry.after and entry.after[name] != before.get(name) and not _is_said(name, entry):
            yield tell_field(name, before.get(name), entry.after[name], wording)


def _is_said(name: str, entry: Past) -> bool:
    """Whether another line says it already: a place that comes or goes turns the placement, and its hand."""
    if name == "hand":
        return GEOMETRY in entry.after or entry.before is None
    if name == "visibility":
        return entry.before is None and entry.after[name] == "hidden"
    turns = {entry.after[name], (entry.before or {}).get(name)}
    return name == "placement" and GEOMETRY in entry.after and turns <= {"placed", "unplaced", None}


def tell_field(name: str, before: Value, after: Value, wording: Wording) -> Line:
    """One field before and after."""
    if name == GEOMETRY:
        return Line(name, wording.say("place.title"), None, say_move(before, after, wording))
    one, other = wording.value(name, before), wording.value(name, after)
    if max(len(one), len(other)) > _LONG:
        one, other = _where_differing(one, other)
    return Line(name, wording.label(name), one, other)


def _where_differing(one: str, other: str) -> tuple[str, str]:
    """Long texts cut down to where they differ, with a little around it."""
    start = _common(one, other)
    end = min(_common(one[::-1], other[::-1]), min(len(one), len(other)) - start)
    return _cut(one, start, end), _cut(other, start, end)


def _common(one: str, other: str) -> int:
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _cut(text: str, start: int, end: int) -> str:
    first, last = max(0, start - _CONTEXT), min(len(text), len(text) - end + _CONTEXT)
    return f"{'…' if first else ''}{text[first:last]}{'…' if last < len(text) else ''}"


def headings(wording: Wording) -> list[str]:
    """Headings of the exported table."""
    names = (
        "when",
        "proposal",
        "card",
        "direction",
        "stage",
        "source",
        "who",
        "field",
        "before",
        "after",
        "push",
        "guid",
    )
    return [wording.say(f"changes.column_{name}") for name in names]


def table(entries: Iterable[Past], briefs: Mapping[str, Brief], wording: Wording) -> Iterator[list[Any]]:
    """The same as rows of a table, one for each field that changed, texts whole and places as points."""
    for entry in entries:
        brief = briefs.get(entry.guid)
        moment = f"{wording.local(entry.at):%Y-%m-%d %H:%M:%S}"
        about = [brief.title, brief.card_id, brief.direction] if brief else [None, None, None]
        stage = wording.stage(brief.stage if brief else None)
        origin = [wording.source(entry.source), wording.who(entry.who)]
        for line in _rows(entry, wording):
            yield [moment, *about, stage, *origin, *line, entry.push, entry.guid]


def _rows(entry: Past, wording: Wording) -> Iterator[list[str]]:
    before = entry.before or {}
    if entry.before is None:
        yield [wording.say("changes.new"), "", ""]
    for name in _NAMES if entry.before is not None else _AT_FIRST:
        if name not in entry.after or entry.after[name] == before.get(name):
            continue
        shown = say_place if name == GEOMETRY else _value_of(name)
        label = wording.say("place.title") if name == GEOMETRY else wording.label(name)
        yield [label, shown(before.get(name), wording), shown(entry.after[name], wording)]


def _value_of(name: str) -> Any:
    return lambda value, wording: "" if value is None else wording.value(name, value)
