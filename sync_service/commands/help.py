"""Help and refusals of the command line in the language of the rest: the classes every command is made of.

Help stands in the catalogue under `help.<function of the command>`: `about`, and each option by its parameter's name.
What click says by itself it looks up through gettext; ours is `config/locale/`, made from `config/words/click.*.toml`.
"""

from __future__ import annotations

import gettext
import os
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sync_service.settings import language_asked
from sync_service.words import say

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sync_service.words import Language

DOMAIN = "placecard"
"""Our domain of gettext: the name of the files under `config/locale/`."""

_CHOOSER = "LANGUAGE"
"""The variable that gettext heeds before LANG."""


def language_here() -> Language:
    """The language of the command line in this environment and working directory."""
    return language_asked(os.environ, Path.cwd())


class Command(click.Command):
    """A command whose help is in the catalogue."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Find the words first: parsing is where help is shown and wrong use is told."""
        _put_into_words(self, ctx, language_here())
        return super().parse_args(ctx, args)


class Group(click.Group):
    """A group whose help is in the catalogue, and its list of commands too: none is loaded for it."""

    command_class = Command

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run a command line; click speaks its language until it has ended."""
        with _click_speaking(language_here()):
            return super().main(*args, **extra)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Likewise."""
        language = language_here()
        _put_into_words(self, ctx, language)
        self.subcommand_metavar = say("help.subcommand", language)
        return super().parse_args(ctx, args)

    def topics(self) -> Mapping[str, str]:
        """The name of each command's function, by the command's name, in the order of the help."""
        return {name: _topic(command) for name, command in self.commands.items()}

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """Write what each command is for: the first sentence of its help."""
        language = language_here()
        with formatter.section(say("click.commands", language)):
            rows = [(name, say(f"help.{topic}.about", language)) for name, topic in self.topics().items()]
            formatter.write_dl([(name, _first_sentence(about)) for name, about in rows])


def _topic(command: click.Command) -> str:
    assert command.callback is not None, "every command is a function"
    return command.callback.__name__


def _first_sentence(text: str) -> str:
    return text.strip().split("\n\n")[0].split(". ")[0].rstrip(".")


def _put_into_words(command: click.Command, context: click.Context, language: Language) -> None:
    topic = f"help.{_topic(command)}"
    command.help = say(f"{topic}.about", language)
    command.options_metavar = say("help.options", language)
    for parameter in command.params:
        _name_kind(parameter, language)
        if isinstance(parameter, click.Option):
            parameter.help = say(f"{topic}.{parameter.name}", language)
    asking = command.get_help_option(context)
    assert asking is not None, "every command has --help"
    asking.help = say("help.help", language)


def _name_kind(parameter: click.Parameter, language: Language) -> None:
    """Say in words what kind of value a parameter takes, where click has a word of its own for it."""
    kind = parameter.type
    if isinstance(kind, click.IntRange):
        kind.name, parameter.metavar = say("help.kinds.integer", language), say("help.kinds.number", language)
    elif isinstance(kind, click.Path):
        kind.name = say(f"help.kinds.{'path' if kind.dir_okay else 'file'}", language)
    elif isinstance(parameter, click.Option) and kind is click.STRING and not parameter.multiple:
        parameter.metavar = say("help.kinds.text", language)


@contextmanager
def _click_speaking(language: Language) -> Iterator[None]:
    """Have gettext, which click asks, answer from our files in this language; afterwards as before."""
    domain, chosen = gettext.textdomain(), os.environ.get(_CHOOSER)
    gettext.bindtextdomain(DOMAIN, str(files("config").joinpath("locale")))
    gettext.textdomain(DOMAIN)
    os.environ[_CHOOSER] = language
    try:
        yield
    finally:
        gettext.textdomain(domain)
        os.environ.pop(_CHOOSER)
        os.environ.update({} if chosen is None else {_CHOOSER: chosen})
