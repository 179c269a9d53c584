"""What every command needs: the settings, the parts, the words, and one way to end with the right exit code."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from kanban_adapter.errors import BoardError
from sync_service.app import create_parts
from sync_service.commands.help import language_here
from sync_service.errors import ExitCode, PlacecardError, exit_code, worded
from sync_service.log import note, run, start_log
from sync_service.settings import load_settings
from sync_service.words import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sync_service.engine.parts import Parts
    from sync_service.settings import Settings
    from sync_service.words import Language

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Shell:
    """A command's surroundings. Settings are loaded and parts are wired when first asked for."""

    _settings: Settings | None = None
    _parts: Parts | None = None
    language: Language = field(default_factory=language_here)

    @property
    def settings(self) -> Settings:
        """The settings from config file and environment."""
        if self._settings is None:
            self._settings = load_settings(os.environ, Path.cwd())
        return self._settings

    @property
    def parts(self) -> Parts:
        """The engine's parts."""
        if self._parts is None:
            self._parts = create_parts(self.settings)
        return self._parts

    def log(self) -> None:
        """Log to standard error from here on."""
        start_log(self.settings)

    def say(self, key: str, **data: object) -> None:
        """Print a message of the catalogue."""
        click.echo(say(f"cli.{key}", self.language, **data))

    def words(self, key: str, **data: object) -> str:
        """A message of the catalogue."""
        return say(key, self.language, **data)

    @contextmanager
    def ending(self) -> Iterator[None]:
        """Turn what goes wrong into words on standard error and the exit code of the contract."""
        with run():
            try:
                yield
            except (PlacecardError, BoardError) as error:
                self._fail(error)
            except (click.ClickException, click.exceptions.Exit, click.Abort):
                raise
            except Exception as error:  # noqa: BLE001 - the edge of the process
                self._keep_trace()
                self._fail(error)

    def _fail(self, error: Exception) -> NoReturn:
        click.echo(worded(error, self.language), err=True)
        leave(exit_code(error))

    def _keep_trace(self) -> None:
        """Log the exception being handled, which nobody thought of, without secrets."""
        if self._settings is not None:
            start_log(self._settings)
        note(log, "command.crashed", level=logging.ERROR, error=True)


def leave(code: ExitCode) -> NoReturn:
    """End the command."""
    raise SystemExit(int(code))


@contextmanager
def progress_bar(*, quiet: bool = False, label: str = "") -> Iterator[Callable[[int, int], None]]:
    """A progress bar on a terminal, told how much is done of how much; nothing elsewhere."""
    if quiet or not sys.stderr.isatty():
        yield _unseen
        return
    with click.progressbar(length=1, label=label, file=sys.stderr) as bar:
        yield partial(_step, bar)


def _step(bar: Any, done: int, total: int) -> None:
    bar.length = total
    bar.update(done - bar.pos)


def _unseen(_done: int, _total: int) -> None:
    return


pass_shell = click.make_pass_decorator(Shell, ensure=True)
"""Hands the command its surroundings."""
