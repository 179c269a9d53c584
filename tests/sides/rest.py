"""The end of a day: everybody comes to rest, and then store, copies and cards say the same."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from placecard.core.copyfile.clashes import kept_clashes
from placecard.core.copyfile.edits import local_edits
from sync_service.store.clashes import GONE, open_clashes
from sync_service.store.features import find_features
from sync_service.sync.disputes import CLASH_TAG
from sync_service.sync.shared import CHECK_TAG
from tests.copies import shape_of
from tests.ogc import HOME
from tests.simulation.words import SHARED, said

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sync_service.sync.state import Feature
    from tests.sides.day import Day
    from tests.sides.desktop import Desktop

ROUNDS = 8
_STAGES = {
    "Предложено": "proposed",
    "На рассмотрении": "review",
    "Одобрено": "approved",
    "В работе": "in_progress",
    "Выполнено": "done",
    "Отклонено": "rejected",
}
_PUBLIC = {"approved", "in_progress", "done"}
_MARKER = re.compile(r"\[placecard:([0-9a-f-]+)\]")
_COMPARED = ("title", "description", "stage", "placement", "place_check", *SHARED)

Rows = dict[str, dict[str, Any]]


def settle(day: Day, desktops: Sequence[Desktop]) -> list[str]:
    """Everybody pushes, resolves, pulls, and the service sweeps, until nobody has anything to say."""
    for _ in range(ROUNDS):
        for desktop in desktops:
            desktop.finish()
        day.trace.append(day.sweep_fully())
        for desktop in desktops:
            desktop.seat.pull()
        if not any(local_edits(desktop.seat.copy) or desktop.open_clashes() for desktop in desktops):
            break
    day.sweep(full=True)
    last = day.sweep(full=True)
    for desktop in desktops:
        desktop.seat.pull()
    written = (last.board_writes, last.created, last.updated)
    return [] if written == (0, 0, 0) else [f"unrest: the last sweep wrote {written}"]


def differences(day: Day, desktops: Sequence[Desktop]) -> list[str]:
    """Where the store, the copies and the cards do not say the same."""
    stored = served(day)
    wrong = [line for desktop in desktops for line in _copy(desktop, stored)]
    return [*wrong, *_clashes(day, desktops), *_board(day, stored)]


def served(day: Day) -> Rows:
    """What the service tells anybody whose copy is new, by guid."""
    fresh = day.office.exchange.copy().take().rows
    return {
        guid: {**row["properties"], "version": row["version"], "geometry": shape_of(row["geometry"])}
        for guid, row in fresh.items()
    }


def _copy(desktop: Desktop, stored: Rows) -> Iterator[str]:
    who, seat = desktop.name, desktop.seat
    yield from (f"copy {who}: {edit} is left" for edit in local_edits(seat.copy))
    rows = seat.rows()
    for guid, count in Counter(row["guid"] for row in rows).items():
        if count > 1:
            yield f"copy {who}: {guid} stands there {count} times"
    copied = {row["guid"]: row for row in rows}
    for guid in sorted(copied.keys() | stored.keys()):
        ours, theirs = copied.get(guid), stored.get(guid)
        if ours is None or theirs is None:
            yield f"copy {who}: {guid} is {ours}, in the store {theirs}"
            continue
        for name in (*_COMPARED, "version", "geometry"):
            if ours[name] != theirs[name]:
                yield f"copy {who}: {name} of {guid} is {ours[name]!r}, in the store {theirs[name]!r}"


def _clashes(day: Day, desktops: Sequence[Desktop]) -> Iterator[str]:
    with day.parts.database.reading() as connection:
        standing = {clash.id: clash for clash in open_clashes(connection)}
    yield from (f"clash {each} is left" for each in standing.values() if each.reason != GONE)
    for desktop in desktops:
        kept = {clash.id for clash in kept_clashes(desktop.seat.copy)}
        if kept != standing.keys():
            yield f"copy {desktop.name}: clashes {kept}, in the store {standing}"


def _board(day: Day, stored: Rows) -> Iterator[str]:
    columns = {column_id: title for title, column_id in day.project.columns.items()}
    cards = day.look(day.cards())
    with day.parts.database.reading() as connection:
        features = find_features(connection, list(stored))
        gone = {clash.guid for clash in open_clashes(connection) if clash.reason == GONE}
    proposals: dict[str, Feature] = {}
    for guid, feature in features.items():
        card_id = str(feature.properties["card_id"])
        if card_id not in cards and guid not in gone:
            yield f"{guid} has no card: {feature}"
        if card_id in cards and guid not in gone:
            if card_id in proposals:
                yield f"card {card_id} has two proposals"
            proposals[card_id] = feature
    for card_id, card in cards.items():
        lines = ["has no proposal"] if card_id not in proposals else _card(card, proposals[card_id], columns)
        yield from (f"card {card_id} {line}" for line in lines)
    references = Counter(card.reference for card in cards.values() if card.reference)
    yield from (f"{count} cards bear the reference {name}" for name, count in references.items() if count > 1)


def _card(card: Any, feature: Feature, columns: Mapping[str, str]) -> Iterator[str]:
    column = columns[card.column_id]
    stage = _STAGES[column] if not card.closed or column == "Выполнено" else "closed"
    shown = {"title": card.title, "description": card.description, "stage": stage}
    shown |= {name: said(card, name) for name in SHARED}
    for name, value in shown.items():
        if value != feature.properties[name]:
            yield f"says {name} = {value!r}, the store {feature.properties[name]!r}"
    if feature.visibility != ("public" if stage in _PUBLIC else "hidden"):
        yield f"is {stage}, and {feature.visibility}"
    check = feature.properties["place_check"]
    tags = {tag.casefold() for tag in card.tags}
    if tags & {CHECK_TAG, CLASH_TAG} != (set() if check is None else {CHECK_TAG}):
        yield f"has the tags {tags}, no clash, and its place is to be checked: {check}"
    links = [link.url for link in card.links if link.url.startswith(f"{HOME}/board/cards/")]
    if links != ([f"{HOME}/board/cards/{card.id}"] if feature.published else []):
        yield f"has the links {links}"
    markers = Counter(marker for comment in card.comments for marker in _MARKER.findall(comment.text))
    yield from (f"was told {marker} {count} times" for marker, count in markers.items() if count > 1)
