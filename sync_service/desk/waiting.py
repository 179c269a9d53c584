"""What waits for a moderator, as the page shows it, and which of it a pressed button means. Pure but for reading."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sync_service.engine.settling import Answer
from sync_service.errors import BadRequest
from sync_service.places.personal import looks_personal
from sync_service.store import waiting
from sync_service.store.briefs import briefs_of
from sync_service.store.waiting import Topic
from sync_service.words import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from sync_service.desk.wording import Wording
    from sync_service.store.briefs import Brief
    from sync_service.store.waiting import Waiting

PAGE = 100
"""Items shown at a time."""

KINDS = ("public", "hidden", "retired", "text")
"""What an item would do, in the order of the page."""


@dataclass(frozen=True, slots=True)
class HeldText:
    """A text kept back: what people call it, what it says, and what it looks like."""

    label: str
    text: str
    why: str


@dataclass(frozen=True, slots=True)
class Item:
    """A waiting change in words. `ref` names it in the form, as it was when the page was made."""

    ref: str
    kind: str
    guid: str
    title: str
    card_id: str | None
    card_url: str | None
    direction: str | None
    stage: str
    before: str
    after: str
    since: str
    texts: Sequence[HeldText]


@dataclass(frozen=True, slots=True)
class Shown:
    """The page: how many wait by kind, a page of them, the refused ones, and the moment up to which all were seen."""

    counts: Sequence[tuple[str, int]]
    items: Sequence[Item]
    refused: Sequence[Item]
    upto: str
    kind: str | None
    next: int | None

    @property
    def total(self) -> int:
        """How many wait."""
        return sum(count for _, count in self.counts)


def kind_of(item: Waiting) -> str:
    """What an item would do."""
    return "text" if item.topic is Topic.TEXT else item.change


def ref_of(item: Waiting) -> str:
    """An item's name in the form: another wish of the same card gets another."""
    return f"{item.id} {item.since}"


def read_waiting(connection: Connection, wording: Wording, *, kind: str | None, after: int) -> Shown:
    """A page of what waits, of one kind or all, after the item with this id."""
    everything, refused = waiting.waiting_items(connection), waiting.refused_items(connection)[:PAGE]
    counts = Counter(kind_of(item) for item in everything)
    wanted = [item for item in everything if (kind is None or kind_of(item) == kind) and item.id > after]
    shown = wanted[:PAGE]
    briefs = briefs_of(connection, [item.guid for item in (*shown, *refused)])
    return Shown(
        counts=[(name, counts[name]) for name in KINDS if counts[name]],
        items=[_item(each, briefs.get(each.guid), wording) for each in shown],
        refused=[_item(each, briefs.get(each.guid), wording) for each in refused],
        upto=max((item.since for item in everything), default=""),
        kind=kind,
        next=shown[-1].id if len(wanted) > PAGE else None,
    )


def _item(item: Waiting, brief: Brief | None, wording: Wording) -> Item:
    kind = kind_of(item)
    present = brief.visibility if brief else "hidden"
    return Item(
        ref=ref_of(item),
        kind=kind,
        guid=item.guid,
        title=item.title or wording.say("untitled"),
        card_id=item.card_id,
        card_url=brief.card_url if brief else None,
        direction=brief.direction if brief else None,
        stage=wording.stage(brief.stage if brief else None),
        before=wording.say("text_held") if kind == "text" else wording.value("visibility", present),
        after=wording.say("text_shown") if kind == "text" else wording.value("visibility", item.change),
        since=wording.moment(item.since),
        texts=_held_texts(brief, wording) if kind == "text" and brief else (),
    )


def _held_texts(brief: Brief, wording: Wording) -> list[HeldText]:
    names = [name for name in (brief.held or "").split(",") if name]
    return [_held_text(name, str(getattr(brief, name, "") or ""), wording) for name in names]


def _held_text(name: str, text: str, wording: Wording) -> HeldText:
    reason = looks_personal(text)
    return HeldText(wording.label(name), text, say(reason.code, wording.language) if reason else "")


def read_choice(do: str, chosen: Sequence[str], items: Sequence[Waiting]) -> tuple[Answer, list[Waiting], int]:
    """What a pressed button means: the answer, the items it is for, and how many it named that are no longer there.

    `do` is the answer and then `chosen` (the ticked ones), `item` with a ref, or `kind` with a kind and the moment up
    to which its items had been seen. BadRequest for anything else.
    """
    word, _, rest = do.partition(" ")
    whom, _, name = rest.partition(" ")
    try:
        answer = Answer(word)
    except ValueError as error:
        raise BadRequest("do", "not_one_of", choices=", ".join(Answer)) from error
    if whom == "kind":
        kind, _, upto = name.partition(" ")
        return answer, [item for item in items if kind_of(item) == kind and item.since <= upto], 0
    if whom not in {"chosen", "item"}:
        raise BadRequest("do", "not_one_of", choices="chosen, item, kind")
    refs = set(chosen) if whom == "chosen" else {name}
    found = [item for item in items if ref_of(item) in refs]
    return answer, found, len(refs) - len(found)
