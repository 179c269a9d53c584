"""What a person decides about a clash, field by field, and what is sent of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from placecard.core.wire import Clash
    from placecard.core.words import Words

GEOMETRY = "geometry"
BASE, THEIRS, MINE, OWN = "base", "theirs", "mine", "own"
SIDES = (BASE, THEIRS, MINE)


@dataclass(frozen=True)
class Choice:
    """What shall stand: the value of a side, or one of the person's own."""

    side: str
    value: Any


@dataclass
class Choices:
    """The choices made so far. What is not chosen is left for later, and stays a clash."""

    clash: Clash
    made: dict[str, Choice] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """What clashes: the fields in their order, and the geometry last."""
        return [*self.clash.fields, *([GEOMETRY] if self.clash.geometry is not None else [])]

    def value(self, name: str, side: str) -> Any:
        """What a side says; a geometry is WKB in CRS84 or None."""
        sides = self.clash.geometry if name == GEOMETRY else self.clash.fields[name]
        return getattr(sides, side)

    def pick(self, name: str, side: str) -> None:
        """Let this side stand."""
        self.made[name] = Choice(side, self.value(name, side))

    def write(self, name: str, value: Any) -> None:
        """Let a value of the person's own stand; what equals a side is that side's."""
        equal = (side for side in (THEIRS, MINE, BASE) if self.value(name, side) == value)
        self.made[name] = Choice(next(equal, OWN), value)

    def forget(self, name: str) -> None:
        """Leave this for later."""
        self.made.pop(name, None)

    def pick_all(self, side: str) -> None:
        """Let this side stand in everything."""
        for name in self.names:
            self.pick(name, side)

    def chosen(self, name: str) -> Choice | None:
        """What is chosen, or None."""
        return self.made.get(name)

    def open_names(self) -> Iterator[str]:
        """What nothing is chosen for yet."""
        return (name for name in self.names if name not in self.made)

    def fields(self) -> dict[str, Any]:
        """What is sent of the fields."""
        return {name: choice.value for name, choice in self.made.items() if name != GEOMETRY}


def show(value: Any) -> str:
    """A value as a person reads it; nothing is a dash."""
    if value is None or value == "":
        return "—"
    return str(value)


def value_text(words: Words, name: str, value: Any) -> str:
    """A property's value as a person reads it: what is from a closed list has its words."""
    key = f"{name}.{value}"
    text = words.say(key)
    return show(value) if text == key else text


def read(text: str, sample: Any) -> Any:
    """What a person wrote, in the kind of value the sides have: a whole number stays one, an empty text is nothing."""
    stripped = text.strip()
    if not stripped:
        return None
    if isinstance(sample, int) and not isinstance(sample, bool) and stripped.lstrip("-").isdigit():
        return int(stripped)
    return stripped


def sample_of(choices: Choices, name: str) -> Any:
    """A value of a side that is there, for its kind."""
    values = (choices.value(name, side) for side in (THEIRS, MINE, BASE))
    return next((value for value in values if value is not None), None)
