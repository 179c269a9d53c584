"""Who did something: whether two are the same, and in words, a token or a program as we call it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sync_service.words import knows, say

if TYPE_CHECKING:
    from sync_service.words import Language


def same_hand(identity: str | None, name: str | None, other_identity: str | None, other_name: str | None) -> bool:
    """Whether two are one: by what tells them from all others where both have that, otherwise by name."""
    if identity is not None and other_identity is not None:
        return identity == other_identity
    return name == other_name


def say_source(name: str, language: Language) -> str:
    """Where a change came from."""
    return _known(f"hands.source.{name}", name, language)


def say_person(name: str, language: Language) -> str:
    """Who made a change."""
    return _known(f"hands.who.{name}", name, language)


def _known(key: str, name: str, language: Language) -> str:
    return say(key, language) if knows(key) else name
