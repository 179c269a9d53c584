"""`export`, `districts import`, `gazetteer import`, `demo-data`: data in and out."""

from __future__ import annotations

from pathlib import Path

import click

from sync_service.commands.help import Command, Group
from sync_service.commands.shell import Shell, leave, pass_shell, progress_bar
from sync_service.demo.loader import load_demo
from sync_service.engine.districts import import_districts
from sync_service.errors import BadRequest, ExitCode
from sync_service.export.writing import export_features
from sync_service.jobs.wake import wake_worker
from sync_service.places.builder import build_gazetteer
from sync_service.places.districts import find_overlaps
from sync_service.places.outlines import read_districts
from sync_service.places.unreadable import LayerUnreadableError

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(cls=Command)
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path))
@pass_shell
def export(shell: Shell, path: Path) -> None:
    """Carry out `placecard export`."""
    with shell.ending():
        if not path.parent.is_dir():
            raise BadRequest("PATH", "no_folder", folder=path.parent)
        today = shell.parts.now().astimezone(shell.settings.timezone).date()
        with shell.parts.database.reading() as connection:
            count = export_features(connection, path, today)
        shell.say("exported", count=count, path=path)


@click.group(cls=Group)
def districts() -> None:
    """Hold the commands of `placecard districts`."""


@districts.command("import")
@click.argument("path", type=FILE)
@click.option("--column")
@pass_shell
def districts_import(shell: Shell, path: Path, column: str | None) -> None:
    """Carry out `placecard districts import`."""
    with shell.ending():
        try:
            found = read_districts(path, column=column)
        except LayerUnreadableError as error:
            raise BadRequest("PATH", error.say(shell.language)) from error
        for overlap in find_overlaps(found):
            shell.say("districts_overlap", first=overlap.first, second=overlap.second)
        changed = import_districts(shell.parts, found)
        wake_worker(shell.settings.store_url)
        shell.say("districts_imported", count=len(found), changed=changed)


@click.group(cls=Group)
def gazetteer() -> None:
    """Hold the commands of `placecard gazetteer`."""


@gazetteer.command("import")
@click.argument("path", type=FILE)
@click.option("--layer")
@click.option("--settlement")
@pass_shell
def gazetteer_import(shell: Shell, path: Path, layer: str | None, settlement: str | None) -> None:
    """Carry out `placecard gazetteer import`."""
    with shell.ending():
        shell.settings.demand("gazetteer")
        target = shell.settings.gazetteer
        assert target is not None, "demanded"
        target.parent.mkdir(parents=True, exist_ok=True)
        home = settlement or shell.settings.home_settlement or None
        try:
            counts = build_gazetteer(path, target, layer=layer, settlement=home)
        except LayerUnreadableError as error:
            raise BadRequest("PATH", error.say(shell.language)) from error
        shell.say("gazetteer_imported", houses=counts.houses, streets=counts.streets, skipped=counts.skipped)


@click.command("demo-data", cls=Command)
@pass_shell
def demo_data(shell: Shell) -> None:
    """Carry out `placecard demo-data`."""
    with shell.ending():
        board, today = shell.parts.board, shell.parts.now().astimezone(shell.settings.timezone).date()
        with progress_bar(label=shell.words("demo.loading")) as progress:
            loaded = load_demo(board, board.columns(), today, progress)
        kept = loaded.total - loaded.count
        click.echo(shell.words("demo.loaded", n=loaded.count, kept=kept, total=loaded.total))
        leave(ExitCode.DONE)
