"""The page's words, Russian and English, and which of them a reader gets.

They are not in `config/words/` because the page itself reads these files too.
"""

from __future__ import annotations

import json
from functools import cache

from sync_service.publicmap.assets import FOLDER
from sync_service.words import LANGUAGES, Language, language_wanted


@cache
def words(language: Language) -> dict[str, str]:
    """Every text of the page by its key."""
    known: dict[str, str] = json.loads((FOLDER / "strings" / f"{language}.json").read_text("utf-8"))
    return known


def choose_language(asked: str | None, accept_language: str | None) -> Language:
    """What the address asks for (`?lang=`), else what the browser prefers."""
    named = next((language for language in LANGUAGES if language == asked), None)
    return named or language_wanted(accept_language)
