"""What the service says to people, in Russian and English: the one catalogue of messages.

The texts stand in `config/words/`: `ru.toml` and `en.toml`, and one pair `<topic>.ru.toml`, `<topic>.en.toml` for each
further topic. A table is a group of keys (`[settings] unknown` is the key `settings.unknown`); a table with the key
`many` is one message in its plural forms (`one`, `few`, `many`), chosen by the value `n`.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Literal

from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Language = Literal["ru", "en"]
LANGUAGES: tuple[Language, ...] = ("ru", "en")
DEFAULT_LANGUAGE: Language = "ru"

Message = str | dict[str, str]
"""One text, or its plural forms."""


class _Gaps(dict[str, object]):
    """Data of a message; a value nobody gave stays visible as its placeholder instead of hiding the message."""

    def __missing__(self, name: str) -> str:
        return "{" + name + "}"


def say(key: str, language: Language, **data: object) -> str:
    """The message `key` in this language with `data` filled in. An unknown key is a KeyError: a mistake in the code."""
    message = catalogue(language)[key]
    if isinstance(message, dict):
        message = _plural_form(message, language, data.get("n"))
    return message.format_map(_Gaps(data))


def knows(key: str) -> bool:
    """Whether the catalogue has this message."""
    return key in catalogue(DEFAULT_LANGUAGE)


def _plural_form(forms: dict[str, str], language: Language, number: object) -> str:
    count = abs(number) if isinstance(number, int) else 0
    return forms.get(_plural_name(count, language), forms["many"])


def _plural_name(count: int, language: Language) -> str:
    """Name of the plural form for whole numbers, as the Unicode CLDR rules give it."""
    if language == "en":
        return "one" if count == 1 else "many"
    if count % 10 == 1 and count % 100 != 11:
        return "one"
    return "few" if count % 10 in {2, 3, 4} and count % 100 not in {12, 13, 14} else "many"


@cache
def catalogue(language: Language) -> Mapping[str, Message]:
    """Every message of a language by key. Two files with one key are a ValueError."""
    found: dict[str, Message] = {}
    for name, text in _topics(language):
        for key, message in _flat(tomllib.loads(text)):
            if key in found:
                raise ValueError(f"config/words/{name}: the message {key} stands in another file too")
            found[key] = message
    return found


def _topics(language: Language) -> Iterator[tuple[str, str]]:
    folder = files("config").joinpath("words")
    for entry in sorted(folder.iterdir(), key=lambda each: each.name):
        if entry.name == f"{language}.toml" or entry.name.endswith(f".{language}.toml"):
            yield entry.name, entry.read_text("utf-8")


def _flat(table: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, Message]]:
    for name, value in table.items():
        if isinstance(value, dict) and "many" not in value:
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, dict):
            yield prefix + name, {form: str(text) for form, text in value.items()}
        else:
            yield prefix + name, str(value)


def language_wanted(accept_language: str | None) -> Language:
    """The language of an `Accept-Language` header, of any country; Russian where it names neither."""
    # Not by best_match: of "ru-RU,en", as Qt sends it, it takes the second for the exact match.
    wanted = (name for name, quality in parse_accept_header(accept_language, LanguageAccept) if quality)
    known = (_known(name.lower().partition("-")[0]) for name in wanted)
    return next(filter(None, known), DEFAULT_LANGUAGE)


def language_spoken(environ: Mapping[str, str]) -> Language:
    """The language of a terminal, by POSIX: LC_ALL, LC_MESSAGES, LANG; Russian where they name neither."""
    locale = environ.get("LC_ALL") or environ.get("LC_MESSAGES") or environ.get("LANG") or ""
    return _known(locale[:2].lower()) or DEFAULT_LANGUAGE


def _known(name: str | None) -> Language | None:
    return next((language for language in LANGUAGES if language == name), None)
