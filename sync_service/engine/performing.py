"""Bringing about what is owed to the board, one effect at a time: look whether it is so already, then make it so."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from kanban_adapter.card import NewCard
from sync_service.engine.interpret import METADATA_PREFIX, card_metadata, marked, marker_text, to_metadata
from sync_service.engine.parts import known_board
from sync_service.engine.telling import tell_clash, tell_place, tell_words
from sync_service.store import bindings
from sync_service.sync.decision import EffectKind
from sync_service.sync.values import Stage
from sync_service.words import say

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kanban_adapter.card import Card, Reading
    from sync_service.engine.parts import Parts
    from sync_service.store.outbox import OwedEffect
    from sync_service.sync.values import Value
    from sync_service.words import Language

_CONFIRM = {
    *(EffectKind.METADATA, EffectKind.CARD, EffectKind.REFERENCE, EffectKind.TAG, EffectKind.COMMENT),
    *(EffectKind.MOVE, EffectKind.CLOSE),
}
"""Kinds after which the card is read back."""

NO_COLUMN = "no column is bound to "
"""What an effect says that waits for a column, followed by the stage."""


class Outdated(Exception):
    """The card is neither as expected nor as wanted, or is another one: nothing is sent."""


class Waits(Exception):
    """It cannot be done until a person changes something on the board; nothing is wrong with it."""


def perform(parts: Parts, owed: OwedEffect, reading: Reading) -> tuple[bool, str | None]:
    """Bring the wanted state about; whether the board was written, and the card to read back.

    Raises `Outdated`, `Waits`, and what the board raises.
    """
    if owed.kind is EffectKind.CARD:
        return True, parts.board.create_card(_new_card(parts, owed))
    if owed.card_id is None:
        raise Outdated  # the card is gone, and its proposal waits for a new one
    if owed.card_id in reading.failed:
        raise reading.failed[owed.card_id]
    card = reading.cards.get(owed.card_id)
    if card is None or card.created != owed.card_created:
        raise Outdated
    wrote = _PERFORM[owed.kind](parts, card, owed.body)
    return wrote, owed.card_id if owed.kind in _CONFIRM else None


def _link(parts: Parts, card: Card, _body: Mapping[str, Value]) -> bool:
    interpreter = parts.interpreter
    title = say("card.link", parts.policy.language)
    return parts.board.ensure_link(card.id, interpreter.link_of(card.id), title, ours=interpreter.link_base)


def _no_link(parts: Parts, card: Card, _body: Mapping[str, Value]) -> bool:
    return parts.board.drop_links(card.id, ours=parts.interpreter.link_base)


def _reference(parts: Parts, card: Card, body: Mapping[str, Value]) -> bool:
    return parts.board.set_reference(card.id, str(body["reference"]))


def _metadata(parts: Parts, card: Card, body: Mapping[str, Value]) -> bool:
    name = str(body["field"])
    said = {key: value for key, value in card_metadata(card).items() if key == name}
    # Metadata that says "nothing" is a word; metadata that is not there is none.
    spoken = body.get("spoken", body["expected"] is not None)
    if said not in ({name: body["expected"]} if spoken else {}, {name: body["target"]}):
        raise Outdated
    return parts.board.set_metadata(card.id, {METADATA_PREFIX + name: to_metadata(body["target"])})


def _tag(parts: Parts, card: Card, body: Mapping[str, Value]) -> bool:
    return parts.board.set_tag(card.id, str(body["tag"]), present=bool(body["present"]))


def _comment(parts: Parts, card: Card, body: Mapping[str, Value]) -> bool:
    text = tell_clash(parts, body) if body["text"] == "clash" else tell_place(body, parts.policy.language)
    if text is None:
        raise Outdated
    return _ensure_comment(parts, card, text, str(body["marker"]))


def _say(parts: Parts, card: Card, body: Mapping[str, Value]) -> bool:
    if card.project_id not in known_board(parts).projects:
        raise Waits("the card is outside the watched projects")
    return _ensure_comment(parts, card, tell_words(body, parts.policy.language), str(body["marker"]))


def _ensure_comment(parts: Parts, card: Card, text: str, marker: str) -> bool:
    return parts.board.ensure_comment(card.id, marked(text, marker), marker=marker_text(marker))


def _move(parts: Parts, card: Card, body: Mapping[str, Value]) -> bool:
    """Move the card, then reopen it if it was closed for whoever asked: what is left half done is gone on with."""
    board = known_board(parts)
    target, expected = body["stage"], body["expected"]
    there = board.stages.get(card.column_id) == target
    if card.project_id not in board.projects:
        raise Outdated
    if not there and parts.interpreter.stage(card, board) != expected:
        raise Outdated
    _, column = _column_for(parts, str(target), card.project_id)
    moved = not there and parts.board.move_card(card.id, column)
    if card.closed and expected in (Stage.CLOSED, Stage.DONE) and target != Stage.CLOSED:
        return parts.board.set_closed(card.id, closed=False) or moved
    return moved


def _close(parts: Parts, card: Card, body: Mapping[str, Value]) -> bool:
    board = known_board(parts)
    if card.closed:
        return False
    if card.project_id not in board.projects or parts.interpreter.stage(card, board) != body["expected"]:
        raise Outdated
    return parts.board.set_closed(card.id, closed=True)


_PERFORM: Mapping[EffectKind, Callable[[Parts, Card, Mapping[str, Value]], bool]] = {
    EffectKind.LINK: _link,
    EffectKind.NO_LINK: _no_link,
    EffectKind.REFERENCE: _reference,
    EffectKind.METADATA: _metadata,
    EffectKind.TAG: _tag,
    EffectKind.COMMENT: _comment,
    EffectKind.MOVE: _move,
    EffectKind.CLOSE: _close,
    EffectKind.SAY: _say,
}


def _new_card(parts: Parts, owed: OwedEffect) -> NewCard:
    """The card to be made for a feature drawn on the map: in the first column bound to its stage."""
    project, column = _column_for(parts, str(owed.body["stage"]))
    return NewCard(
        project_id=project,
        column_id=column,
        title=_title(owed, parts.policy.language),
        description=str(owed.body["description"] or ""),
        reference=str(owed.body["reference"]),
        start=_day(owed.body.get("start")),
        due=_day(owed.body.get("due")),
    )


def _title(owed: OwedEffect, language: Language) -> str:
    """The title of the card. What was drawn without one stands under its guid until it is put into words here."""
    title = str(owed.body["title"])
    return say("card.untitled", language) if title == owed.guid else title


def _day(text: Value) -> date | None:
    return None if text is None else date.fromisoformat(str(text))


def _column_for(parts: Parts, stage: str, project: str | None = None) -> tuple[str, str]:
    """Project and id of the first column bound to a stage, in any watched project or in this one. Raises `Waits`."""
    watched = known_board(parts).projects
    with parts.database.reading() as connection:
        bound = [c for c in bindings.bindings(connection) if c.stage == stage and not c.missing]
    for column in bound:
        if column.project_id == project or (project is None and column.project_id in watched):
            return column.project_id, column.column_id
    raise Waits(NO_COLUMN + stage)
