"""What must hold when both sides are at rest: each card and its feature say the same, and nothing is there twice."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import orjson

from tests.simulation.words import SHARED, said, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kanban_adapter.memory import Held
    from tests.simulation.rig import Rig

_STAGES = {
    "Предложено": "proposed",
    "На рассмотрении": "review",
    "Одобрено": "approved",
    "В работе": "in_progress",
    "Выполнено": "done",
    "Отклонено": "rejected",
    "Склад": None,
}
_PUBLIC = {"approved", "in_progress", "done"}
_MARKER = re.compile(r"\[placecard:([0-9a-f-]+)\]")


def unrest(rig: Rig) -> list[str]:
    """Everything that is not at rest."""
    wrong = []
    away = [card.id for card in rig.world.state.cards.values() if card.project_id != rig.project]
    marks = ",".join("?" * len(away))
    owed = (
        f"SELECT e.* FROM effect e LEFT JOIN pair p USING (guid) WHERE p.card_id IS NULL OR p.card_id NOT IN ({marks})"
    )
    for rows in (rig.store.raw.execute("SELECT * FROM inbox").fetchall(), rig.store.raw.execute(owed, away).fetchall()):
        wrong += [f"unrest: {row} waits" for row in rows]
    pairs = _pairs(rig)
    for card in rig.world.state.cards.values():
        wrong += [f"card {card.id}: {line}" for line in _card(rig, card, pairs.get((card.id, card.created)))]
    return [*wrong, *_gone(rig, pairs), *_twins(rig)]


def unheard(rig: Rig) -> list[str]:
    """Cards whose title or column nobody has read, although it was announced."""
    pairs, wrong = _pairs(rig), []
    for card in rig.world.state.cards.values():
        feature = pairs.get((card.id, card.created))
        if card.project_id == rig.project and (feature is None or feature["title"] != card.title):
            wrong.append(
                f"unheard: card {card.id} is called {card.title!r}, its feature {feature and feature['title']!r}"
            )
    return wrong


def _pairs(rig: Rig) -> dict[tuple[str, int], dict[str, Any]]:
    cursor = rig.store.raw.execute("SELECT f.*, p.card_id, p.card_created FROM pair p JOIN feature f USING (guid)")
    names = [column[0] for column in cursor.description]
    rows = [dict(zip(names, row, strict=True)) for row in cursor]
    return {(row["card_id"], row["card_created"]): row for row in rows}


def _card(rig: Rig, card: Held, feature: dict[str, Any] | None) -> Iterator[str]:
    if card.project_id != rig.project:
        if feature is not None and not _may_be(rig, feature, "hidden"):
            yield f"left the project, and its feature is {feature['visibility']}"
        return
    if feature is None:
        yield "has no feature"
        return
    if feature["title"] != card.title or feature["description"] != card.description:
        yield f"is called {card.title!r}, its feature {feature['title']!r}"
    stage = _stage(rig, card)
    if feature["stage"] != stage:
        yield f"is at stage {stage}, its feature at {feature['stage']}"
    wanted = "public" if stage in _PUBLIC else "hidden"
    if not _may_be(rig, feature, wanted):
        yield f"should be {wanted}, and is {feature['visibility']}"
    yield from _fields(rig, card, feature)
    yield from _own(card, feature)


def _stage(rig: Rig, card: Held) -> str | None:
    stage = _STAGES[rig.world.state.columns[card.column_id].title]
    if not card.closed:
        return stage
    duplicates = any(relation == "duplicates" for relation, _ in card.related)
    return "done" if stage == "done" and not duplicates else "closed"


def _may_be(rig: Rig, feature: dict[str, Any], wanted: str, *, held: bool = False) -> bool:
    """Whether it is so, or waits for a person (or was refused); `held`: only the latter."""
    if not held and feature["visibility"] == wanted:
        return True
    query = "SELECT 1 FROM waiting WHERE guid = ? AND topic = 'visibility' AND change = ?"
    return rig.store.raw.execute(query, (feature["guid"], wanted)).fetchone() is not None


def _fields(rig: Rig, card: Held, feature: dict[str, Any]) -> Iterator[str]:
    query = "SELECT fields FROM clash WHERE guid = ? AND resolved IS NULL AND reason = 'fields'"
    clashing = {name for (text,) in rig.store.raw.execute(query, (feature["guid"],)) for name in orjson.loads(text)}
    for name in SHARED:
        if name not in clashing and said(card, name) != feature[name]:
            yield f"says {name} = {shown(said(card, name))}, its feature {shown(feature[name])}"


def _own(card: Held, feature: dict[str, Any]) -> Iterator[str]:
    ours = [link.url for link in card.links if "/board/cards/" in link.url]
    if len(ours) > 1:
        yield f"has the links {ours}"
    markers = Counter(marker for comment in card.comments for marker in _MARKER.findall(comment.text))
    twice = [marker for marker, count in markers.items() if count > 1]
    if twice:
        yield f"was told twice: {twice}"
    if feature["place_check"] is not None and not any(tag.casefold() == "проверить место" for tag in card.tags):
        yield f"has no tag for {feature['place_check']}"


def _gone(rig: Rig, pairs: dict[tuple[str, int], dict[str, Any]]) -> Iterator[str]:
    cards = {(card.id, card.created) for card in rig.world.state.cards.values()}
    for card, feature in pairs.items():
        if card in cards:
            continue
        query = "SELECT 1 FROM clash WHERE guid = ? AND reason = 'gone' AND resolved IS NULL"
        clash = rig.store.raw.execute(query, (feature["guid"],)).fetchone() is not None
        wanted = "hidden" if clash else "retired"
        if not (_may_be(rig, feature, wanted) or _may_be(rig, feature, "hidden", held=True)):
            yield f"card {card[0]} is gone, and its feature is {feature['visibility']}"


def _twins(rig: Rig) -> Iterator[str]:
    here = [card for card in rig.world.state.cards.values() if card.project_id == rig.project]
    known = {guid for (guid,) in rig.store.raw.execute("SELECT guid FROM feature")}  # the others are a lost life's
    references = Counter(card.reference for card in here if card.reference in known)
    for reference, count in references.items():
        if count > 1:
            yield f"twins: {count} cards bear the reference {reference}"
    titles = Counter(card.title for card in here if card.title.startswith("Нарисовано"))
    for title, count in titles.items():
        if count > 1 and title not in rig.oracle.strays:
            yield f"twins: {count} cards are called {title!r}"
    query = "SELECT guid, stage FROM feature WHERE visibility <> 'retired' AND guid NOT IN (SELECT guid FROM pair)"
    for guid, stage in rig.store.raw.execute(query):
        yield f"unrest: {guid} at stage {stage} has no card"
