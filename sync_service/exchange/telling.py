"""One proposal with what is around it, as a document: its card, what is said there, and what happened to it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sync_service.engine.interpret import unmarked
from sync_service.errors import NotFound
from sync_service.exchange.copying import row_document
from sync_service.hands import say_person, say_source
from sync_service.store.clock import stamp
from sync_service.store.feed import row_with
from sync_service.store.history import pasts_of
from sync_service.store.pairs import pair_of
from sync_service.words import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kanban_adapter.card import Comment
    from sync_service.engine.listening import Heard
    from sync_service.exchange.copying import Reading
    from sync_service.store.counter import Identity
    from sync_service.store.history import Past
    from sync_service.sync.state import CardRef
    from sync_service.words import Language

LATEST = 50
"""Changes that are told of a proposal: the newest."""


def proposal_document(reading: Reading, guid: str, language: Language) -> dict[str, Any]:
    """The proposal as a working copy has it, and its history, newest first. NotFound if there is none, or no longer."""
    row = row_with(reading.connection, guid, today=reading.today)
    if row is None:
        raise NotFound("feature", guid=guid)
    pasts = pasts_of(reading.connection, guid, limit=LATEST + 1)
    return {
        **row_document(reading, row),
        "history": [_past(reading, past, language) for past in pasts[:LATEST]],
        "more": len(pasts) > LATEST,
    }


def card_of(reading: Reading, store: Identity, guid: str) -> CardRef | None:
    """The proposal's card; None while it has none."""
    stored = None if store.board is None else pair_of(reading.connection, store.board, guid)
    return None if stored is None else stored.pair.card


def card_document(card: CardRef, url: str | None, heard: Heard, language: Language) -> dict[str, Any]:
    """A card and what is said on it, or why nothing was heard."""
    silence = heard.silence
    return {
        "id": card.id,
        "url": url,
        "column": heard.column,
        "comments": _comments(heard.comments) if silence is None else None,
        "code": None if silence is None else silence.value,
        "message": None if silence is None else say(f"comments.{silence.value}", language),
    }


def _comments(comments: Sequence[Comment]) -> list[dict[str, Any]]:
    return [{"who": each.author, "at": _moment(each.created), "text": unmarked(each.text)} for each in comments]


def _moment(seconds: int) -> str:
    return stamp(datetime.fromtimestamp(seconds, UTC))


def _past(reading: Reading, past: Past, language: Language) -> dict[str, Any]:
    return {
        "at": past.at,
        "source": past.source,
        "who": past.who,
        "by": say_person(past.who, language) if past.who else say_source(past.source, language),
        "push": past.push,
        "version": None if past.version is None else reading.version(past.version),
        "before": None if past.before is None else dict(past.before),
        "after": dict(past.after),
    }
