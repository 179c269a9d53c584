"""How the results of a push are told: groups, their order, and a line for each edit. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from placecard.gui.choices import GEOMETRY, value_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from placecard.core.copyfile.edits import LocalEdit
    from placecard.core.wire import Clash, PutBack, Result
    from placecard.core.words import Words

ORDER = ("rejected", "clash", "merged", "applied", "unchanged")
"""What wants a person first."""

TOLD = ("applied", "merged", "unchanged", "clash", "rejected")
"""In a sentence the good news comes first."""


def group(results: Iterable[Result]) -> dict[str, list[Result]]:
    """The results by status, in the order in which they are shown; statuses without any are left out."""
    given = list(results)
    sorted_ = {status: [each for each in given if each.status == status] for status in ORDER}
    return {status: found for status, found in sorted_.items() if found}


def headline(words: Words, results: Sequence[Result], done: bool) -> str:
    """One sentence of what was pushed, or would be: how many of each."""
    groups = group(results)
    if not groups:
        return words.say("push.nothing")
    tense = "done" if done else "would"
    told = [words.say(f"push.count.{status}.{tense}", n=len(groups[status])) for status in TOLD if status in groups]
    sentence = ", ".join(told)
    return f"{sentence[0].upper()}{sentence[1:]}."


def describe(words: Words, result: Result, titles: Mapping[str, str]) -> str:
    """Why this result is what it is; empty where the status says all."""
    if result.status == "rejected":
        return result.message or words.say("push.rejected.unknown", code=result.code)
    if result.status == "clash" and result.clash:
        return words.say("push.clash.in", names=", ".join(clashing(words, result.clash, titles)))
    return ""


def clashing(words: Words, clash: Clash, titles: Mapping[str, str]) -> list[str]:
    """The names of what clashes, as people call them."""
    names = [titles.get(name, name) for name in clash.fields]
    return [*names, *([words.say("edit.place")] if clash.geometry is not None else [])]


def tell_edit(words: Words, edit: LocalEdit, titles: Mapping[str, str]) -> str:
    """What an edit changes: the place, and the properties by name."""
    if edit.kind == "unplaced":
        return words.say("edit.unplaced")
    named = [_name(words, name, value, titles) for name, value in edit.set.items()]
    placed = edit.geometry is not None
    parts = [words.say("edit.place"), *named] if placed else named
    parts = [part for part in parts if part]
    if not parts and edit.clashing:
        return words.say("push.clash.in", names=", ".join(_waiting(words, edit, titles)))
    told = ", ".join(parts) or words.say("edit.nothing")
    return words.say("edit.added", what=told) if edit.kind == "added" else told


def _waiting(words: Words, edit: LocalEdit, titles: Mapping[str, str]) -> list[str]:
    """What of an edit waits for a clash to be solved."""
    names = [titles.get(name, name) for name in edit.clashing if name != GEOMETRY]
    return [*names, *([words.say("edit.place")] if GEOMETRY in edit.clashing else [])]


def _name(words: Words, name: str, value: Any, titles: Mapping[str, str]) -> str:
    # What is said instead of a place is the news itself; that it is placed goes without saying.
    if name == "placement":
        return "" if value == "placed" else words.say(f"placement.{value}")
    return titles.get(name, name)


def property_titles(properties: Iterable[Any], language: str) -> dict[str, str]:
    """What people call the properties, by name."""
    return {each.name: each.titles.get(language, each.name) for each in properties}


def tell_put_back(words: Words, told: PutBack, titles: Mapping[str, str]) -> str:
    """What putting a push back does to one proposal."""
    if told.gone:
        return words.say("undo.gone")
    parts = [*([words.say("edit.place")] if told.geometry is not None else [])]
    for name, (now, then) in told.fields.items():
        if name != "placement" or told.geometry is None:
            turn = f"{value_text(words, name, now)} → {value_text(words, name, then)}"
            parts.append(f"{titles.get(name, name)}: {turn}")
    if told.spared:
        spared = [words.say("edit.place") if name == GEOMETRY else titles.get(name, name) for name in told.spared]
        parts.append(words.say("undo.spared", names=", ".join(spared)))
    return "; ".join(parts) or words.say("edit.nothing")
