"""Texts for people, in Russian and English: `words/<language>.json`, flat keys by area, filled with data."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

LANGUAGES = ("ru", "en")
_FOLDER = Path(__file__).resolve().parents[1] / "words"


class Words:
    """The texts of one language."""

    def __init__(self, language: str) -> None:
        self.language = language if language in LANGUAGES else "en"
        self._texts = load_words(self.language)

    def say(self, key: str, **data: Any) -> str:
        """The text of a key. Where it depends on a number, `n` in the data chooses; an unknown key is its own text."""
        text = self._texts.get(key)
        if text is None:
            return key
        if isinstance(text, dict):
            text = text[plural(self.language, int(data.get("n", 0)))]
        return text.format_map(_Given(data))


class _Given(dict):  # type: ignore[type-arg]  # what fills a text is anything
    """What a text wants and was not given stays to be seen: an error's text must never be another error."""

    def __missing__(self, name: str) -> str:
        return f"{{{name}}}"


@cache
def load_words(language: str) -> dict[str, str | dict[str, str]]:
    """All texts of a language: by key, a text or its plural forms (one, few, many; English: one, many)."""
    found: dict[str, str | dict[str, str]] = json.loads((_FOLDER / f"{language}.json").read_text(encoding="utf-8"))
    return found


def plural(language: str, number: int) -> str:
    """Which form a number wants."""
    if language != "ru":
        return "one" if number == 1 else "many"
    tens, ones = abs(number) % 100, abs(number) % 10
    if ones == 1 and tens != 11:
        return "one"
    return "few" if ones in (2, 3, 4) and tens not in (12, 13, 14) else "many"


def choose_language(locale: str) -> str:
    """The language of a locale's name: Russian for `ru`, `ru_RU`…, otherwise English."""
    return "ru" if locale.lower().startswith("ru") else "en"
