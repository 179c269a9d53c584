"""Why a board did not do what was asked, put into words: adapters give data and know none of our sentences."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING, NamedTuple

import pytest

from kanban_adapter.errors import BadCredentials, Failed, Missing, Reason, Unreachable, Unsupported
from sync_service.errors import BadRequest, why_in_words, worded
from sync_service.words import LANGUAGES, Language, catalogue, knows

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
ADAPTERS = [*(ROOT / "kanban_adapter").glob("*.py"), *(ROOT / "kanban_adapter/kanboard").glob("*.py")]
KINDS = {"Unreachable", "BadCredentials", "NotPermitted", "Missing", "Unsupported", "Failed"}

languages = pytest.mark.parametrize("language", LANGUAGES)


class Raised(NamedTuple):
    """An error as an adapter makes it: its positional arguments, the name of its reason, the names of its data."""

    place: str
    given: list[ast.expr]
    reason: str | None
    data: set[str]


def raised() -> Iterator[Raised]:
    for path in ADAPTERS:
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") in KINDS:
                named = {str(each.arg): each.value for each in call.keywords if each.arg != "retry_after"}
                reason = named.pop("reason", None)
                name = reason.attr if isinstance(reason, ast.Attribute) else None
                yield Raised(f"{path.name}:{call.lineno}", call.args, name, set(named))


def placeholders(key: str, language: Language) -> set[str]:
    message = catalogue(language)[key]
    texts = message.values() if isinstance(message, dict) else [message]
    return {name for text in texts for _, name, _, _ in Formatter().parse(text) if name}


@languages
def test_every_reason_is_in_use_with_the_data_its_words_need(language: Language) -> None:
    used = [each for each in raised() if each.reason is not None]
    assert {each.reason for each in used} == set(Reason.__members__)
    wrong = [e.place for e in used if placeholders(f"board.{Reason[str(e.reason)]}", language) != e.data]
    assert wrong == []


@languages
def test_no_words_about_boards_are_idle(language: Language) -> None:
    assert {key for key in catalogue(language) if key.startswith("board.")} == {f"board.{reason}" for reason in Reason}


def test_adapters_write_no_sentences() -> None:
    prose = [
        each.place
        for each in raised()
        for part in ast.walk(ast.Tuple(each.given[1:]))
        if isinstance(part, ast.Constant) and re.search(r"[a-z]", str(part.value))
    ]
    assert prose == []


def test_things_that_fail_have_names() -> None:
    """What is no procedure of the board, which has capitals inside, is a thing of ours."""
    whats = {str(each.given[0].value) for each in raised() if isinstance(each.given[0], ast.Constant)}
    assert {what for what in whats if what.islower() and not knows(f"things.{what}")} == set()
    assert "project" in whats


@pytest.mark.parametrize(
    ("error", "english", "russian"),
    [
        (
            Missing("project", reason=Reason.NOT_ONE, n=2, name="Карта"),
            "project: 2 projects are named Карта", "проект: 2 проекта с названием Карта",
        ),
        (
            Missing("project", reason=Reason.NOT_ONE, n=0, name="Карта"),
            "project: 0 projects are named Карта", "проект: 0 проектов с названием Карта",
        ),
        (Missing("project", "7"), "project: 7", "проект: 7"),
        (BadCredentials("getMe", reason=Reason.ACCOUNT, user="bot"), "getMe: account bot", "getMe: учётная запись bot"),
        (
            Unreachable("getTask", reason=Reason.QUIET, retry_after=3),
            "getTask: busy before and not asked again yet", "getTask: была занята раньше, снова пока не спрашиваем",
        ),
        (
            Unsupported("title", reason=Reason.TOO_LONG, length=300, limit=255),
            "title: 300 characters, 255 are possible", "название: знаков 300, помещается 255",
        ),
        (Failed("getAllTasks", "Internal error"), "getAllTasks: Internal error", "getAllTasks: Internal error"),
        (Failed("getAllTasks"), "getAllTasks", "getAllTasks"),
        (BadRequest("PATH", "no_folder", folder="/x"), BadRequest("PATH", "no_folder", folder="/x").say("en")[:-1],
         BadRequest("PATH", "no_folder", folder="/x").say("ru")[:-1]),
        (ValueError("as it came"), "as it came", "as it came"),
    ],
)  # fmt: skip
def test_why_is_said_in_both_languages(error: Exception, english: str, russian: str) -> None:
    assert [why_in_words(error, language) for language in LANGUAGES] == [russian, english]


def test_a_command_puts_it_in_brackets() -> None:
    error = Missing("project", reason=Reason.NOT_ONE, n=0, name="Карта")
    assert "(проект: 0 проектов с названием Карта)" in worded(error, "ru")
    assert "(project: 0 projects are named Карта)" in worded(error, "en")


def test_the_log_has_the_data() -> None:
    missing = Missing("project", reason=Reason.NOT_ONE, n=2, name="X")
    assert (str(missing), missing.detail) == ("project: not_one, n=2, name=X", "not_one, n=2, name=X")
    assert str(Unreachable("getTask", "HTTP 500", retry_after=3)) == "getTask: HTTP 500"
    assert str(Failed("getTask")) == "getTask"
