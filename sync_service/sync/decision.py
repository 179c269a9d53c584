"""What a decision is: a value that says what must be done to one proposal, without doing it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from sync_service.sync.values import Stage, Value, Visibility

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sync_service.sync.state import Feature, Pair, Sides


class Outcome(StrEnum):
    """The rows of the decision table."""

    NOTHING = "nothing"
    CREATE_FEATURE = "create_feature"
    CREATE_CARD = "create_card"
    ADOPT = "adopt"
    NEW_FROM_COPY = "new_from_copy"
    MERGE = "merge"
    MOVE_PROJECT = "move_project"
    LEAVE = "leave"
    VANISH = "vanish"
    RETIRE = "retire"
    VANISH_WITH_EDIT = "vanish_with_edit"
    JOIN = "join"
    PART = "part"


class EffectKind(StrEnum):
    """What can be owed to the board. Each is a desired state; the outbox looks before it writes."""

    CARD = "card"
    LINK = "link"
    NO_LINK = "no_link"
    REFERENCE = "reference"
    METADATA = "metadata"
    TAG = "tag"
    COMMENT = "comment"
    MOVE = "move"
    CLOSE = "close"
    SAY = "say"


@dataclass(frozen=True, slots=True)
class Effect:
    """Something owed to the board.

    `key` names what it sets: another body under the same key replaces what was owed, the same body only says it again.
    `body` is JSON-able: for METADATA `field`, `expected`, `target`, `spoken` (it was the metadata that said what is
    expected, not the line); for TAG `tag`, `present`; for COMMENT `marker`,
    `text` (a key of the words) and what the words need; for REFERENCE `reference`; for CARD `stage`, `title`,
    `description`, `reference`, `start`, `due`; for MOVE `stage`, `expected`; for CLOSE `expected`; for SAY `marker`,
    `words`, `who`; LINK and NO_LINK carry nothing.
    """

    kind: EffectKind
    key: str
    body: Mapping[str, Value] = field(default_factory=dict)


LINK = Effect(EffectKind.LINK, "link")
NO_LINK = Effect(EffectKind.NO_LINK, "link")


def move_to(stage: Stage, expected: Stage | None) -> Effect:
    """Owe the card a move to the first column bound to `stage`.

    Dropped when the card is found at another stage than `expected`: somebody was faster. A closed card is reopened only
    when it was closed already for whoever asked.
    """
    return Effect(EffectKind.MOVE, _STAGE_KEY, {"stage": stage.value, "expected": _text(expected)})


def close_at(expected: Stage | None) -> Effect:
    """Owe the card its closing, unless it is found at another stage than `expected`. The last wish is what counts."""
    return Effect(EffectKind.CLOSE, _STAGE_KEY, {"expected": _text(expected)})


def say_words(marker: str, words: str, who: str | None) -> Effect:
    """Owe the card what a person says. `marker` (hexadecimal digits and hyphens) is what it is found again by."""
    return Effect(EffectKind.SAY, f"say:{marker}", {"marker": marker, "words": words, "who": who})


_STAGE_KEY = "stage"


def _text(stage: Stage | None) -> str | None:
    return None if stage is None else stage.value


@dataclass(frozen=True, slots=True)
class Decision:
    """What must be done to one proposal.

    `feature` and `pair` are as they shall stand, None where there is none; the feature's own `visibility` is still the
    present one. `wants` is the visibility that should come: the engine lets it pass or makes it wait (surges).
    `effects` is everything owed now, also what was owed before, so that a lost one comes back. `clashes` are the fields
    that stand against each other now; `gone_clash` that a card went with an edit still owed.
    `cancelled` are keys of effects no longer owed. `lost` are words that a restored card says no more, each to be kept
    against what the map says. `survivor` is the guid of the proposal that this one, a duplicate,
    leads to.
    """

    outcome: Outcome
    feature: Feature | None = None
    pair: Pair | None = None
    wants: Visibility = Visibility.HIDDEN
    effects: tuple[Effect, ...] = ()
    cancelled: frozenset[str] = frozenset()
    clashes: Mapping[str, Sides] = field(default_factory=dict)
    gone_clash: bool = False
    lost: Mapping[str, Sides] = field(default_factory=dict)
    survivor: str | None = None
