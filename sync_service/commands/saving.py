"""`backup`, `restore`, `recover`: a copy of the store, a copy in the store's place, and going on from there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sync_service.commands.help import Command
from sync_service.commands.shell import Shell, leave, pass_shell, progress_bar
from sync_service.engine.mark import Verdict
from sync_service.engine.recovery import Situation, look_around, rehearse
from sync_service.engine.recovery import recover as go_on
from sync_service.errors import ExitCode
from sync_service.jobs.wake import wake_worker
from sync_service.store.backup import back_up, store_file
from sync_service.store.clock import utc_now
from sync_service.store.restore import put_back

if TYPE_CHECKING:
    from sync_service.engine.mark import Mark

_MEGABYTE = 1024 * 1024


@click.command(cls=Command)
@click.argument("path", type=click.Path(path_type=Path))
@pass_shell
def backup(shell: Shell, path: Path) -> None:
    """Carry out `placecard backup`."""
    with shell.ending():
        made = back_up(store_file(shell.settings.store_url), path, utc_now())
        size = f"{made.size / _MEGABYTE:.1f}"
        shell.say("backup_made", path=made.path, count=made.features, version=made.version, seq=made.seq, size=size)


@click.command(cls=Command)
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@pass_shell
def restore(shell: Shell, path: Path) -> None:
    """Carry out `placecard restore`."""
    with shell.ending():
        done = put_back(path, store_file(shell.settings.store_url), utc_now())
        if done.aside is not None:
            shell.say("kept_aside", path=done.aside)
        shell.say("restored", path=path, count=done.features, epoch=done.epoch, version=done.version)


@click.command(cls=Command)
@click.option("--dry-run", is_flag=True)
@pass_shell
def recover(shell: Shell, *, dry_run: bool) -> None:
    """Carry out `placecard recover`."""
    with shell.ending():
        situation = look_around(shell.parts)
        if situation.verdict is Verdict.FINE:
            shell.say("nothing_went_back")
            leave(ExitCode.DONE)
        _foretell(shell, situation)
        if dry_run:
            leave(ExitCode.WAITING)
        go_on(shell.parts)
        wake_worker(shell.settings.store_url)
        shell.say("moved_in" if situation.verdict is Verdict.STORE_COPIED else "recovered")


def _foretell(shell: Shell, situation: Situation) -> None:
    click.echo(shell.words(f"reasons.{situation.verdict}"))
    shell.say("mark_here", **_told(situation.ours))
    if situation.theirs is not None:
        shell.say("mark_there", **_told(situation.theirs))
    for act, card in situation.acts:
        shell.say(f"drops_{act}", card=card)
    if shell.settings.store_url.startswith("sqlite"):
        with progress_bar() as progress:
            would = rehearse(shell.parts, progress)
        shell.say("would_recover", **{**would.as_json(), "errors": len(would.errors)})


def _told(mark: Mark) -> dict[str, object]:
    return {"store": mark.store[:8], "epoch": mark.epoch, "seq": mark.seq}
