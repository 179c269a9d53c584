"""Help and wrong use of the command line, in both languages: nothing of it stays in the other one."""

from __future__ import annotations

import ast
import gettext
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner

from sync_service.cli import main
from sync_service.commands.help import Command, Group
from sync_service.errors import ExitCode
from sync_service.settings import language_asked
from sync_service.words import LANGUAGES, Language, catalogue, say
from tools.translations import FILE, compiled, translations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from click.testing import Result

languages = pytest.mark.parametrize("language", LANGUAGES)


def run(language: Language, *words: str) -> Result:
    return CliRunner().invoke(main, words, prog_name="placecard", env={"PLACECARD_LANGUAGE": language})


def plain(text: str) -> str:
    """The text with its lines joined, however they were broken."""
    return " ".join(text.split())


# --- every command and option has its words


def walk(found: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, found
    if isinstance(found, click.Group):
        context = click.Context(found)
        for name in found.list_commands(context):
            inner = found.get_command(context, name)
            assert inner is not None
            yield from walk(inner, (*path, name))


COMMANDS = dict(walk(main))
every_command = pytest.mark.parametrize("path", COMMANDS, ids=" ".join)


def options(path: tuple[str, ...]) -> list[click.Option]:
    return [each for each in COMMANDS[path].params if isinstance(each, click.Option)]


def keys(path: tuple[str, ...]) -> list[str]:
    callback = COMMANDS[path].callback
    assert callback is not None
    return [f"help.{callback.__name__}.{name}" for name in ("about", *(option.name for option in options(path)))]


@languages
def test_every_command_and_option_has_its_words_and_no_words_are_idle(language: Language) -> None:
    told = [key for key in catalogue(language) if re.fullmatch(r"help\.(?!kinds)\w+\.\w+", key)]
    assert sorted(told) == sorted(key for path in COMMANDS for key in keys(path))


@every_command
@languages
def test_help_says_all_of_it(language: Language, path: tuple[str, ...]) -> None:
    said = run(language, *path, "--help")
    assert said.exit_code == 0
    assert [key for key in keys(path) if plain(say(key, language)) not in plain(said.output)] == []
    assert plain(say("help.help", language)) in plain(said.output)


@every_command
def test_help_in_russian_has_no_english(path: tuple[str, ...]) -> None:
    said = run("ru", *path, "--help").output
    params = [name for each in COMMANDS[path].params for name in (*each.opts, each.metavar, str(each.name).upper())]
    words = [str(text) for key, text in catalogue("ru").items() if key.startswith("help.")]
    names = [name for command in COMMANDS for name in command]
    allowed = latin(" ".join(filter(None, [*words, *names, *params, "placecard --help"])))
    assert set(latin(said)) <= set(allowed)


def latin(text: str) -> list[str]:
    return re.findall(r"[A-Za-z]{2,}", text)


def test_the_words_themselves_are_russian() -> None:
    """Latin words in them are names, which have capitals, suffixes of files, or stand in code and in gaps."""
    messages = {key: each for key, each in catalogue("ru").items() if key.startswith(("help.", "click."))}
    texts = {key: " ".join(each.values()) if isinstance(each, dict) else each for key, each in messages.items()}
    plain_words = {key: re.sub(r"`[^`]*`|{[^}]*}", "", text) for key, text in texts.items()}
    assert {key: text for key, text in plain_words.items() if re.search(r"(?<![\w.])[a-z]{2,}", text)} == {}


def test_help_in_english_has_no_russian() -> None:
    assert [path for path in COMMANDS if re.search(r"[а-яё]", run("en", *path, "--help").output.lower())] == []


# --- wrong use

WRONG = (
    ("nope", "Error: No such command 'nope'.", "Ошибка: Нет такой команды: 'nope'."),
    ("districts imprt", "Did you mean 'import'?", "Может быть, 'import'?"),
    ("sync --fool", "No such option '--fool'.", "Нет такого параметра: '--fool'."),
    (
        "sync --fool",
        "(Did you mean one of: '--force', '--full'?)",
        "(Может быть, что-то из этого: '--force', '--full'?)",
    ),
    ("sync --full=1", "Option '--full' does not take a value.", "Параметр '--full' не принимает значения."),
    ("serve --host", "Option '--host' requires an argument.", "Параметр '--host' требует значения."),
    ("serve --port x", "Invalid value for '--port': 'x' is not a valid", "Недопустимое значение '--port': 'x' – не"),
    ("serve --port x", "whole number.", "целое число."),
    ("serve --port 0", "0 is not in the range 1<=x<=65535.", "0 не входит в пределы 1<=x<=65535."),
    ("export", "Error: Missing argument 'PATH'.", "Ошибка: Не задан аргумент 'PATH'."),
    ("export", "Usage: placecard export [OPTIONS] PATH", "Использование: placecard export [ПАРАМЕТРЫ] PATH"),
    ("export", "Try 'placecard export --help' for help.", "Справка: 'placecard export --help'."),
    ("districts import /nowhere", "File '/nowhere' does not exist.", "Файл '/nowhere' не существует."),
    ("export /", "File '/' is a directory.", "Файл '/' – это папка."),
    ("check a", "Got unexpected extra argument (a)", "Лишний аргумент (a)"),
    ("check a b", "Got unexpected extra arguments (a b)", "Лишние аргументы (a b)"),
    ("waiting 3", say("cli.waiting_which", "en"), say("cli.waiting_which", "ru")),
    ("districts", "Commands:", "Команды:"),
)


@pytest.mark.parametrize(("line", "english", "russian"), WRONG)
def test_wrong_use_is_told_in_the_language_asked_for(line: str, english: str, russian: str) -> None:
    for language, words in zip(LANGUAGES, (russian, english), strict=True):
        said = run(language, *line.split())
        assert words in said.stderr
        assert said.exit_code == ExitCode.WRONG_USE


def test_a_command_broken_off_says_so() -> None:
    @click.group(cls=Group, name="placecard")
    def group() -> None: ...

    @click.command(cls=Command)
    def check() -> None:
        raise KeyboardInterrupt

    group.callback = main.callback  # its words
    group.add_command(check)
    said = [CliRunner().invoke(group, ["check"], env={"PLACECARD_LANGUAGE": language}) for language in LANGUAGES]
    assert [(each.stderr.strip(), each.exit_code) for each in said] == [("Прервано!", 1), ("Aborted!", 1)]


# --- what click says of itself

SPEAKING = ("core", "exceptions", "formatting", "parser", "types", "decorators")
"""The modules of click that speak to whoever types a command. Others speak of prompts, editors and pagers."""

NEVER_SAID = {
    # to whoever writes commands, not to whoever types them
    "Could not determine name for option with declarations {decls!r}",
    "Name '{name}' defined twice",
    "Boolean option {decl!r} cannot use the same flag for true/false.",
    "Arguments take exactly one parameter declaration, got {length}: {decls}.",
    (
        "No options defined but a name was passed ({name})."
        " Did you mean to declare an argument instead? Did you mean to pass '--{name}'?"
    ),
    "Invalid start character for option ({option})",
    # of what none of our commands has: prompts, choices, dates, defaults, arguments with help, things of yesterday
    "Do you want to continue?", "Confirm the action without prompting.", "Choose from:\n\t{choices}",
    "Choice({choices})", "{value!r} is not {choice}.", "{value!r} is not one of {choices}.",
    "{value!r} does not match the format {format}.", "{value!r} does not match the formats {formats}.",
    "{value!r} is not a valid boolean. Recognized values: {states}", "{value!r} is not a valid UUID.",
    "{len_type} values are required, but {len_value} was given.",
    "{len_type} values are required, but {len_value} were given.",
    "deprecated", "DeprecationWarning: The command {name!r} is deprecated.{extra_message}",
    "DeprecationWarning: The {param_type} {name!r} is deprecated.{extra_message}",
    "env var: {var}", "default: {default}", "(dynamic)", "Positional arguments",
    "{name} {filename!r} is not executable.",
    "Missing {param_type}", "Missing parameter: {param_name}",
    # what we say in its place: options' help, kinds of paths, the version
    "Show this message and exit.", "Show the version and exit.", "%(prog)s, version %(version)s",
    "file", "directory", "path",
}  # fmt: skip


def said_by_click() -> set[str]:
    found = set()
    for name in SPEAKING:
        spec = find_spec(f"click.{name}")
        assert spec is not None
        assert spec.origin is not None
        for call in ast.walk(ast.parse(Path(spec.origin).read_text("utf-8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") in {"_", "ngettext"}:
                found |= {str(text.value) for text in call.args if isinstance(text, ast.Constant)}
    return found


def test_all_that_click_can_say_has_its_words_and_no_words_are_idle() -> None:
    messages = [message for key, message in catalogue("en").items() if key.startswith("click.")]
    ours = {text for each in messages for text in (each.values() if isinstance(each, dict) else [each])}
    assert said_by_click() - NEVER_SAID == ours


def test_the_file_of_gettext_is_made_from_the_words() -> None:
    assert FILE.read_bytes() == compiled(translations())


# --- whose language


@pytest.mark.parametrize(
    ("asked", "file", "terminal", "language"),
    [
        ("ru", "en", "en_GB.UTF-8", "ru"), ("en", "ru", "ru_RU.UTF-8", "en"), (None, "en", "ru_RU.UTF-8", "en"),
        ("", "en", "ru_RU.UTF-8", "en"), (None, None, "en_GB.UTF-8", "en"), (None, None, "C.UTF-8", "ru"),
        ("de", None, "en_GB.UTF-8", "en"), (None, "de", "en_GB.UTF-8", "en"),
    ],
)  # fmt: skip
def test_language_is_the_one_of_the_settings_else_of_the_terminal(
    tmp_path: Path, asked: str | None, file: str | None, terminal: str, language: Language
) -> None:
    (tmp_path / "own.toml").write_text("" if file is None else f'language = "{file}"\n', "utf-8")
    environ = {"LANG": terminal, "PLACECARD_CONFIG": "own.toml"} | (
        {} if asked is None else {"PLACECARD_LANGUAGE": asked}
    )
    assert language_asked(environ, tmp_path) == language


@pytest.mark.parametrize(
    "wrong", [{"PLACECARD_NONSENSE": "1"}, {"PLACECARD_PORT": "x"}, {"PLACECARD_CONFIG": "/nowhere/at.toml"}]
)
def test_help_needs_no_settings(wrong: dict[str, str]) -> None:
    said = CliRunner().invoke(main, ["serve", "--help"], env={**wrong, "PLACECARD_LANGUAGE": "en"})
    assert (said.exit_code, "Port to listen on" in said.output) == (0, True)


def test_help_loads_no_command() -> None:
    script = (
        "import sys\nfrom sync_service.cli import main\nmain(['--help'], standalone_mode=False)\n"
        "print(*(name for name in sys.modules if name.startswith('sync_service.commands.')))"
    )
    ran = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert ran.stdout.splitlines()[-1].split() == ["sync_service.commands.help", "sync_service.commands.shell"]


def test_gettext_is_as_before_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE", "de:fr")
    before = gettext.textdomain("elsewhere")
    try:
        assert run("ru", "--help").exit_code == 0
        assert (gettext.textdomain(), os.environ["LANGUAGE"]) == ("elsewhere", "de:fr")
    finally:
        gettext.textdomain(before)
