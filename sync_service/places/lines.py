"""Labelled lines of a card's description («Адрес: …», "Place 2: …") and the summary the public may read.

The text is the moderator's: it is read here and never altered.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from sync_service.places.personal import looks_personal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

__all__ = ["Line", "fold_label", "labelled_lines", "lines_labelled", "looks_personal", "summary"]

SERVICE_LABELS = frozenset({"служебно", "internal"})
"""Labels after which nothing is for the public."""

_MARKS = r"[*_~`]{0,3}"
_BULLET = r"(?:(?:[-*+•–—·]|\d{1,3}[.)])[ \t]{1,8}+(?:\[[ xXхХ]\][ \t]{1,8}+)?)?+"
_LINE = re.compile(
    rf"[ \t>#]{{0,16}}+{_BULLET}{_MARKS}(?P<label>[^\W\d_][^:\n]{{0,59}}?)[ \t]{{0,8}}{_MARKS}[ \t]{{0,8}}"
    rf"(?<!https)(?<!http):(?!//){_MARKS}(?P<text>[^\n]*)"
)
_NUMBERED = re.compile(r"(?P<label>.{1,55}?)[ \t\u00a0]{0,4}(?:№[ \t]{0,2})?(?P<number>\d{1,4})\Z")
_LABEL_LENGTH = 40


@dataclass(frozen=True, slots=True)
class Line:
    """One labelled line: the label folded for comparing, its number if it has one, the text after the colon."""

    label: str
    number: int | None
    text: str


@lru_cache(maxsize=16)  # each property of a card asks for its lines
def labelled_lines(description: str) -> tuple[Line, ...]:
    """Read every line of the form "label: text", in order. Bullets, quotes, headings and bold marks are tolerated.

    A label begins with a letter, has at most 40 characters and stands at the start of its line; it is given folded
    (see `fold_label`), a number at its end apart. Never raises.
    """
    return tuple(line for raw in description.splitlines() if (line := _read_line(raw)) is not None)


def lines_labelled(description: str, labels: Iterable[str]) -> tuple[Line, ...]:
    """Give the labelled lines that carry one of these labels, in whatever case they are written."""
    wanted = {fold_label(label) for label in labels}
    return tuple(line for line in labelled_lines(description) if line.label in wanted)


@lru_cache(maxsize=256)  # the labels that are looked for are few, and the same for every card
def fold_label(label: str) -> str:
    """Fold a label for comparing: letter case, ё and е, repeated spaces and emphasis marks do not matter."""
    return " ".join(label.casefold().replace("ё", "е").translate(_NO_MARKS).split())


def summary(description: str, *, drop: Collection[str] = ()) -> str:
    """Give what the public may read: the text before a line «Служебно:» or "Internal:", less the lines to `drop`.

    `drop` names labels (in any case) whose lines are for the service and say nothing to the public.
    """
    dropped = {fold_label(label) for label in drop}
    kept: list[str] = []
    for raw in description.splitlines():
        line = _read_line(raw)
        if line is not None and line.label in SERVICE_LABELS:
            break
        if line is None or line.label not in dropped:
            kept.append(raw.rstrip())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()


_NO_MARKS = str.maketrans("", "", "*_~`")


def _read_line(raw: str) -> Line | None:
    match = _LINE.match(raw)
    if match is None:
        return None
    label, number = fold_label(match["label"]), None
    numbered = _NUMBERED.match(label)
    if numbered is not None:
        label, number = numbered["label"].rstrip(), int(numbered["number"])
    if not label or len(label) > _LABEL_LENGTH:
        return None
    return Line(label, number, match["text"].strip(" \t*_~`\u00a0"))
