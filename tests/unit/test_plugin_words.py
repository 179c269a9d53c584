"""The plugin's texts: both languages say the same things, and every error has its text."""

from __future__ import annotations

import re
from string import Formatter
from typing import TYPE_CHECKING

import pytest

from placecard.core import errors
from placecard.core.copyfile.edits import NoProposal
from placecard.core.words import LANGUAGES, Words, choose_language, load_words, plural

if TYPE_CHECKING:
    from collections.abc import Iterator

FORMS = {"ru": {"one", "few", "many"}, "en": {"one", "many"}}


def texts(language: str, key: str) -> list[str]:
    found = load_words(language)[key]
    return list(found.values()) if isinstance(found, dict) else [found]


def wanted(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_both_languages_have_the_same_keys() -> None:
    ru, en = (load_words(language) for language in LANGUAGES)
    assert set(ru) == set(en)


@pytest.mark.parametrize("key", sorted(load_words("en")))
def test_both_languages_want_the_same_data(key: str) -> None:
    told = [set().union(*map(wanted, texts(language, key))) for language in LANGUAGES]
    assert told[0] == told[1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_plurals_have_every_form_and_no_text_is_empty(language: str) -> None:
    for key, text in load_words(language).items():
        if isinstance(text, dict):
            assert set(text) == FORMS[language], key
        assert all(each.strip() for each in texts(language, key)), key


def test_russian_texts_are_russian() -> None:
    told = {key: texts("ru", key) for key in load_words("ru")}
    plain = [key for key, each in told.items() if not any(re.search("[а-яё]", text, re.IGNORECASE) for text in each)]
    assert [key for key in plain if texts("ru", key) != texts("en", key)] == []


def every_error() -> Iterator[type[errors.PlacecardError]]:
    waiting: list[type[errors.PlacecardError]] = [errors.PlacecardError]
    while waiting:
        error = waiting.pop()
        waiting.extend(error.__subclasses__())
        if error.__module__.startswith("placecard.core"):
            yield error


@pytest.mark.parametrize("error", [*every_error()], ids=lambda error: error.__name__)
def test_every_error_has_a_text(error: type[errors.PlacecardError]) -> None:
    keys = [key for key in load_words("en") if key == error.word or key.startswith(f"{error.word}.")]
    assert keys != []


@pytest.mark.parametrize("reason", ["missing", "foreign", "newer", "damaged"])
def test_reasons_have_texts_of_their_own(reason: str) -> None:
    error = errors.NotACopy(path="/дом/карта.gpkg", reason=reason, detail="почему")
    assert "/дом/карта.gpkg" in Words("ru").say(error.key, **error.data)


def test_text_of_an_error_is_filled_with_its_data() -> None:
    error = NoProposal(guid="17")
    assert "17" in Words("en").say(error.key, **error.data)


@pytest.mark.parametrize(
    ("language", "forms"),
    [
        (
            "ru",
            {
                1: "one",
                2: "few",
                4: "few",
                5: "many",
                11: "many",
                12: "many",
                21: "one",
                22: "few",
                111: "many",
                0: "many",
            },
        ),
        ("en", {1: "one", 0: "many", 2: "many", 21: "many"}),
    ],
)
def test_numbers_choose_their_form(language: str, forms: dict[int, str]) -> None:
    assert {number: plural(language, number) for number in forms} == forms


def test_number_is_said_in_its_form() -> None:
    words = Words("ru")
    assert words.say("warning.outside_area", n=3).startswith("3 места")
    assert words.say("warning.outside_area", n=21).startswith("21 место")


def test_unknown_key_is_its_own_text_and_what_is_not_given_stays_to_be_seen() -> None:
    assert Words("en").say("no.such.key") == "no.such.key"
    assert "{path}" in Words("en").say("error.exists")


@pytest.mark.parametrize(
    ("locale", "language"), [("ru", "ru"), ("ru_RU", "ru"), ("en_US", "en"), ("", "en"), ("de", "en")]
)
def test_language_is_chosen_by_the_locale(locale: str, language: str) -> None:
    assert choose_language(locale) == language
