"""A proposal's card as a page of text: what it says, where it stands, comments, history. Pure."""

from __future__ import annotations

from datetime import datetime
from html import escape
from typing import TYPE_CHECKING, Any

from placecard.core.stages import colour_of
from placecard.gui.choices import GEOMETRY, value_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from placecard.core.copyfile.copy import Proposal
    from placecard.core.words import Words

HISTORY = 20
"""Entries shown, newest first."""

QUIET = frozenset({"description", "summary", "row_version", "modified"})
"""Too long to tell, or no news."""


def page(
    words: Words,
    proposal: Proposal,
    card: Mapping[str, Any] | None,
    titles: Mapping[str, str],
    sent: Sequence[str] = (),
) -> str:
    """The whole page as HTML.

    `card` is the service's answer, None before it came or offline; `sent` what was written here and is on its way.
    """
    parts = [*_head(words, proposal), *_text(proposal), *_on_its_way(words, card, sent)]
    if card is not None:
        parts += [*_comments(words, card), *_history(words, card, titles)]
    return "".join(parts)


def _head(words: Words, proposal: Proposal) -> Iterator[str]:
    stage = proposal.stage or ""
    chip = f'<span style="color:{colour_of(stage)}">●</span>&nbsp;{escape(words.say(f"stage.{stage}"))}'
    facts = [escape(fact) for fact in (proposal.district, proposal.direction, proposal.partner) if fact]
    yield f"<p><b>{escape(proposal.title)}</b></p>"
    yield f"<p>{' · '.join([chip, *facts])}</p>"
    if proposal.address:
        yield f"<p>{escape(words.say('card.address', address=proposal.address))}</p>"


def _text(proposal: Proposal) -> Iterator[str]:
    if proposal.text:
        yield f"<p>{_lines(proposal.text)}</p>"


def _comments(words: Words, answer: Mapping[str, Any]) -> Iterator[str]:
    card = answer.get("card") or {}
    comments = card.get("comments")
    if comments is None and card:
        yield _title(words.say("card.comments"))
        yield _quiet(card.get("message") or words.say("card.comments_unread"))
    elif comments:
        yield _title(words.say("card.comments"))
        for each in comments:
            yield _entry(moment(each.get("at")), each.get("who"), _lines(each.get("text") or ""))


def _on_its_way(words: Words, answer: Mapping[str, Any] | None, sent: Sequence[str]) -> Iterator[str]:
    there = [each.get("text") or "" for each in ((answer or {}).get("card") or {}).get("comments") or ()]
    for text in sent:
        if not any(text in each for each in there):
            yield _entry(words.say("card.on_its_way"), None, _lines(text))


def _history(words: Words, answer: Mapping[str, Any], titles: Mapping[str, str]) -> Iterator[str]:
    told = list(answer.get("history") or [])
    if told:
        yield _title(words.say("card.history"))
        for each in told[:HISTORY]:
            yield _entry(moment(each.get("at")), each.get("by"), "; ".join(_turns(words, each, titles)))


def _turns(words: Words, entry: Mapping[str, Any], titles: Mapping[str, str]) -> Iterator[str]:
    before, after = entry.get("before") or {}, entry.get("after") or {}
    if not before:
        yield escape(words.say("card.history.began"))
        return
    for name in (name for name in after if before.get(name) != after[name]):
        if name == GEOMETRY:
            yield escape(words.say("edit.place"))
        elif name in titles and name not in QUIET:
            now, then = value_text(words, name, before.get(name)), value_text(words, name, after[name])
            yield f"{escape(titles[name])}: {escape(now)} → {escape(then)}"


def _title(text: str) -> str:
    return f'<p style="margin-top:10px; margin-bottom:2px"><b>{escape(text)}</b></p>'


def _quiet(text: str) -> str:
    return f'<p style="color:gray">{escape(text)}</p>'


def _entry(at: str | None, who: str | None, body: str) -> str:
    head = " · ".join(part for part in (at, who) if part)
    return f'<p style="margin-top:2px; margin-bottom:4px"><span style="color:gray">{escape(head)}</span><br/>{body}</p>'


def _lines(text: str) -> str:
    return escape(text).replace("\n", "<br/>")


def moment(iso: str | None) -> str:
    """A moment as a person reads it: day and minute, by the clock of this machine."""
    if not iso:
        return ""
    told = datetime.fromisoformat(iso.replace("Z", "+00:00"))
    return (told.astimezone() if told.tzinfo is not None else told).strftime("%Y-%m-%d %H:%M")


def person(words: Words, name: str) -> str:
    """Who did something: a person by name, and what has none of its own (a token, the board) as we call it."""
    key = f"who.{name}"
    text = words.say(key)
    return name if text == key else text
