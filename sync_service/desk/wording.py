"""Values, moments and people in words, in the reader's language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sync_service.hands import say_person, say_source
from sync_service.store.clock import moment_of
from sync_service.sync.fields import field_table
from sync_service.words import knows, say

if TYPE_CHECKING:
    from datetime import date, datetime, tzinfo

    from sync_service.sync.values import Value
    from sync_service.words import Language

NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Wording:
    """Puts what the store holds into words: in this language, at this clock."""

    language: Language
    timezone: tzinfo

    def say(self, key: str, **data: object) -> str:
        """Words of the desk."""
        return say(f"desk.{key}", self.language, **data)

    def label(self, name: str) -> str:
        """What people call a field."""
        known = field_table().get(name)
        return known.title(self.language) if known else self.say(f"field.{name}")

    def value(self, name: str, value: Value) -> str:
        """A field's value."""
        if value is None or value == "":
            return NOTHING
        for key in (f"features.value.{name}.{value}", f"desk.value.{name}.{value}"):
            if knows(key.lower()):
                return say(key.lower(), self.language)
        if name == "held":
            return ", ".join(self.label(each) for each in str(value).split(","))
        known = field_table().get(name)
        return self.day(str(value)) if known and known.type == "date" else str(value)

    def stage(self, value: str | None) -> str:
        """A stage; a card in an unmapped column has none."""
        return self.say("no_stage") if value is None else self.value("stage", value)

    def day(self, text: str) -> str:
        """An ISO date in numbers."""
        year, month, day = text[:10].split("-")
        return f"{day}.{month}.{year}" if self.language == "ru" else text[:10]

    def local(self, stamp: str) -> datetime:
        """A stamp of the store on the clock of the place."""
        return moment_of(stamp).astimezone(self.timezone)

    def moment(self, stamp: str) -> str:
        """A stamp of the store: day and time of day."""
        moment = self.local(stamp)
        return f"{self.day(moment.date().isoformat())} {moment:%H:%M}"

    def long_day(self, day: date) -> str:
        """A date as people say it."""
        return self.say("day", day=day.day, month=self.say(f"month.{day.month}"), year=day.year)

    def source(self, name: str) -> str:
        """Where a change came from."""
        return say_source(name, self.language)

    def who(self, name: str | None) -> str:
        """Who made a change."""
        return say_person(name, self.language) if name else ""
