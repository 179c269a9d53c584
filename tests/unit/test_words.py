from __future__ import annotations

from string import Formatter
from typing import TYPE_CHECKING

import pytest

from sync_service.words import LANGUAGES, catalogue, language_spoken, language_wanted, say

if TYPE_CHECKING:
    from sync_service.words import Language, Message


def placeholders(message: Message) -> set[str]:
    texts = message.values() if isinstance(message, dict) else [message]
    return {name for text in texts for _, name, _, _ in Formatter().parse(text) if name}


def test_both_languages_say_the_same_things() -> None:
    assert set(catalogue("ru")) == set(catalogue("en"))


@pytest.mark.parametrize("key", sorted(catalogue("ru")))
def test_placeholders_are_the_same(key: str) -> None:
    russian, english = (catalogue(language)[key] for language in LANGUAGES)
    assert placeholders(russian) == placeholders(english)
    assert isinstance(russian, dict) == isinstance(english, dict)


@pytest.mark.parametrize("language", LANGUAGES)
def test_plural_forms_are_complete(language: Language) -> None:
    forms = {"ru": {"one", "few", "many"}, "en": {"one", "many"}}[language]
    plurals = {key: message for key, message in catalogue(language).items() if isinstance(message, dict)}
    assert not [key for key, message in plurals.items() if not forms <= set(message)]


@pytest.mark.parametrize(
    ("n", "russian", "english"),
    [
        (0, "0 настроек", "0 settings"), (1, "1 настройка", "1 setting"), (2, "2 настройки", "2 settings"),
        (5, "5 настроек", "5 settings"), (11, "11 настроек", "11 settings"), (12, "12 настроек", "12 settings"),
        (21, "21 настройка", "21 settings"),
        (104, "104 настройки", "104 settings"), (111, "111 настроек", "111 settings"),
    ],
)  # fmt: skip
def test_plurals(n: int, russian: str, english: str) -> None:
    assert say("settings.count", "ru", n=n) == russian
    assert say("settings.count", "en", n=n) == english


def test_data_is_filled_in_and_a_gap_shows() -> None:
    assert say("settings.unknown", "en", name="X") == "X: there is no such setting; remove it."
    assert say("settings.unknown", "en").startswith("{name}: ")


def test_unknown_key_is_an_error() -> None:
    with pytest.raises(KeyError):
        say("settings.nothing", "ru")


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "ru"), ("", "ru"), ("en", "en"), ("en-US,en;q=0.9", "en"), ("ru-RU,ru;q=0.9,en;q=0.8", "ru"),
        ("de-DE,de", "ru"), ("de,en;q=0.5", "en"), ("en;q=0.4,ru;q=0.5", "ru"), ("*", "ru"), ("\x00;;q=x", "ru"),
        ("ru-RU,en,*", "ru"), ("en-GB,ru;q=0.9", "en"), ("de,RU;q=0.7,en;q=0.4", "ru"), ("ru;q=0,en;q=0.4", "en"),
    ],
)  # fmt: skip
def test_language_wanted(header: str | None, language: str) -> None:
    assert language_wanted(header) == language


def test_language_spoken() -> None:
    assert language_spoken({"LANG": "en_GB"}) == "en"
    assert language_spoken({"LC_ALL": "", "LC_MESSAGES": "ru_RU", "LANG": "en_GB"}) == "ru"
