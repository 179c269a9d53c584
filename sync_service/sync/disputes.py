"""Open clashes as the card shows them: one tag while there are any, and one comment for each. Pure.

The tag is a mirror, not content: a moderator who takes it off has resolved nothing, and it comes back; put on by hand
where nothing clashes, it goes. A comment that a person deleted is not written again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sync_service.sync.decision import Effect, EffectKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sync_service.sync.state import CardView, Dispute, Pair

CLASH_TAG = "расхождение"
"""The tag by which a card shows that something on it was edited differently in two places."""

FIELDS, EDIT, DUPLICATE = "fields", "edit", "duplicate"
"""Reasons of the clashes that a card shows."""

TAG_KEY = "tag:clash"


@dataclass(frozen=True, slots=True)
class Shown:
    """The pair that knows what the card was told, what is owed to it for that, and the keys no longer owed."""

    pair: Pair
    effects: tuple[Effect, ...]
    cancelled: frozenset[str]


def show_disputes(card: CardView, pair: Pair, disputes: Iterable[Dispute]) -> Shown:
    """Owe the card its tag, and a comment for every open clash it was not told about."""
    standing = [each for each in disputes if each.reason != FIELDS or pair.clashing]
    voiced = sorted(each.id for each in standing if each.id in pair.voiced or each.id in card.heard)
    wanted = bool(standing) or bool(pair.clashing)
    tag = Effect(EffectKind.TAG, TAG_KEY, {"tag": CLASH_TAG, "present": wanted})
    comments = tuple(_comment(each) for each in standing if each.id not in voiced)
    settled = card.disputed == wanted
    return Shown(
        pair=replace(pair, voiced=tuple(voiced), tagging=not settled),
        effects=comments if settled else (tag, *comments),
        cancelled=frozenset(_silenced(pair, voiced, settled=settled)),
    )


def _silenced(pair: Pair, voiced: Iterable[str], *, settled: bool) -> Iterator[str]:
    if settled and pair.tagging:
        yield TAG_KEY
    yield from (dispute_key(each) for each in voiced if each not in pair.voiced)


def hide_disputes(disputes: Iterable[Dispute]) -> Iterator[str]:
    """Keys of everything that could be owed to show these."""
    yield TAG_KEY
    yield from (dispute_key(each.id) for each in disputes)


def dispute_key(clash: str) -> str:
    """Key of the comment by which the card is told of a clash."""
    return f"clash:{clash}"


def _comment(dispute: Dispute) -> Effect:
    body = {"marker": dispute.id, "text": "clash", "reason": dispute.reason}
    return Effect(EffectKind.COMMENT, dispute_key(dispute.id), body)
