"""Who did something, in words: a person by name, and what has no name of its own (a token, a program) as we call it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sync_service.words import knows, say

if TYPE_CHECKING:
    from sync_service.words import Language


def say_source(name: str, language: Language) -> str:
    """Where a change came from."""
    return _known(f"hands.source.{name}", name, language)


def say_person(name: str, language: Language) -> str:
    """Who made a change."""
    return _known(f"hands.who.{name}", name, language)


def _known(key: str, name: str, language: Language) -> str:
    return say(key, language) if knows(key) else name
