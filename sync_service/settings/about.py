"""How a setting is declared: its default, its chapter in the reference, and what it is for in both languages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

if TYPE_CHECKING:
    from pydantic.config import JsonDict

GROUPS = {
    "service": ("Служба", "The service"),
    "board": ("Доска", "The board"),
    "sync": ("Сведение", "Syncing"),
    "places": ("Места", "Places"),
    "map": ("Карта", "The map"),
    "access": ("Доступ", "Access"),
    "network": ("Сеть", "The network"),
}
"""Chapters of the settings reference, with their Russian and English titles."""


def told(default: Any, group: str, ru: str, en: str, *, sample: str = "", **limits: Any) -> Any:
    """A setting: its default (or a function of the settings above it), chapter, and what it is for in both languages.

    `sample` is its line in the sample config where the default would say nothing, as TOML.
    """
    given = {"default_factory": default} if callable(default) else {"default": default}
    about: JsonDict = {"group": group, "ru": ru, "en": en, "sample": sample}
    return Field(**given, description=en, json_schema_extra=about, validate_default=True, **limits)
