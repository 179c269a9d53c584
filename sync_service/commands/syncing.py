"""`sync`, `columns`, `waiting`: what an operator and a moderator do about syncing."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click
import orjson

from sync_service.commands.help import Command
from sync_service.commands.shell import Shell, leave, pass_shell, progress_bar
from sync_service.engine.adapting import adapt_to_settings
from sync_service.engine.parts import refresh_columns
from sync_service.engine.settling import Answer, settle_waiting
from sync_service.engine.sweep import SweepOptions, sweep
from sync_service.errors import BadRequest, ExitCode
from sync_service.jobs.leader import Leadership, somebody_leads
from sync_service.jobs.wake import wake_worker
from sync_service.jobs.worker import drain, swept_now
from sync_service.store import bindings, pairs, requests, waiting
from sync_service.store.features import Author
from sync_service.store.waiting import Topic, Waiting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sync_service.engine.report import Report


_ASK_AGAIN_SECONDS = 0.05
_BY_HAND = Author("job", who="operator", confirmed=True, who_id="operator")


@click.command(cls=Command)
@click.option("--full", is_flag=True)
@click.option("--dry-run", is_flag=True)
@click.option("--force", is_flag=True)
@click.option("--json", "as_json", is_flag=True)
@pass_shell
def sync(shell: Shell, *, full: bool, dry_run: bool, force: bool, as_json: bool) -> None:
    """Carry out `placecard sync`."""
    with shell.ending():
        shell.log()
        if not dry_run:
            adapt_to_settings(shell.parts)
        result = _sweep(shell, SweepOptions(full=full, force=force, dry_run=dry_run), quiet=as_json)
        _show(shell, result, as_json=as_json)
        leave(_code(shell, result))


def _sweep(shell: Shell, options: SweepOptions, *, quiet: bool) -> dict[str, Any]:
    """Sweep here, or let the worker that leads do it and wait for its report."""
    with Leadership(shell.settings.store_url) as leadership:
        while not options.dry_run and not leadership.take():
            answer = _ask_worker(shell, options)
            if answer is not None:
                return answer
        report: dict[str, Any] = _sweep_here(shell, options, quiet=quiet).as_json()
    return report


def _sweep_here(shell: Shell, options: SweepOptions, *, quiet: bool) -> Report:
    with progress_bar(quiet=quiet) as progress:
        report = sweep(shell.parts, options, progress=progress)
    if not options.dry_run:
        drain(shell.parts, report)
        swept_now(shell.parts)
    return report


def _ask_worker(shell: Shell, options: SweepOptions) -> dict[str, Any] | None:
    """Have the worker sweep and wait for its report; None when the worker went away meanwhile."""
    database = shell.parts.database
    with database.writing() as connection:
        request = requests.ask_sweep(connection, shell.parts.now(), full=options.full, force=options.force)
    wake_worker(shell.settings.store_url)
    while True:
        with database.reading() as connection:
            answer = requests.sweep_answer(connection, request)
        if answer is not None:
            return answer
        if not somebody_leads(database):
            with database.writing() as connection:
                requests.withdraw_sweep(connection, request)
            return None
        time.sleep(_ASK_AGAIN_SECONDS)


def _show(shell: Shell, result: dict[str, Any], *, as_json: bool) -> None:
    if "failed" in result:
        click.echo(result["why"], err=True)
        return
    if as_json:
        click.echo(orjson.dumps(result).decode())
        return
    shell.say("swept", **{**result, "errors": len(result["errors"])})
    for line in result["errors"]:
        click.echo(line, err=True)


def _code(shell: Shell, result: dict[str, Any]) -> ExitCode:
    if "failed" in result:
        return ExitCode(result["code"])
    with shell.parts.database.reading() as connection:
        waits = any(item.topic is Topic.VISIBILITY for item in waiting.waiting_items(connection))
    if waits:
        return ExitCode.WAITING
    return ExitCode.ERRORS if result["errors"] else ExitCode.DONE


@click.command(cls=Command)
@click.option("--confirm", is_flag=True)
@pass_shell
def columns(shell: Shell, *, confirm: bool) -> None:
    """Carry out `placecard columns`."""
    with shell.ending():
        refresh_columns(shell.parts)
        if confirm:
            _confirm_columns(shell)
        with shell.parts.database.reading() as connection:
            rows = bindings.bindings(connection)
        for row in rows:
            click.echo(column_line(shell, row))
        leave(ExitCode.WAITING if any(row.waits and not row.missing for row in rows) else ExitCode.DONE)


def _confirm_columns(shell: Shell) -> None:
    with shell.parts.database.writing() as connection:
        if bindings.confirm_columns(connection):
            pairs.forget_fingerprints(connection)
    wake_worker(shell.settings.store_url)


def column_line(shell: Shell, row: bindings.Binding) -> str:
    """One column as a line: its title, its stage, and what waits."""
    none = shell.words("cli.no_stage")
    line = f"{row.column_id}\t{row.title}\t{row.stage or none}"
    if row.missing:
        return f"{line}\t{shell.words('cli.column_missing')}"
    if row.waits:
        change = shell.words("cli.column_waits", title=row.seen_title, stage=row.offered_stage or none)
        return f"{line}\t{change}"
    return line


@click.command(cls=Command)
@click.option("--confirm", multiple=True, metavar="ID…|all")
@click.option("--refuse", multiple=True, metavar="ID…|all")
@click.argument("ids", nargs=-1)
@pass_shell
def waiting_changes(shell: Shell, confirm: tuple[str, ...], refuse: tuple[str, ...], ids: tuple[str, ...]) -> None:
    """Carry out `placecard waiting`."""
    with shell.ending():
        if ids and bool(confirm) == bool(refuse):
            raise click.UsageError(shell.words("cli.waiting_which"))
        confirm, refuse = (confirm + ids if confirm else (), refuse + ids if refuse else ())
        database = shell.parts.database
        for wanted, answer in ((confirm, Answer.CONFIRM), (refuse, Answer.REFUSE)):
            settle_waiting(database, _chosen(_waiting(shell), wanted), answer, _BY_HAND, shell.parts.now)
        wake_worker(shell.settings.store_url)
        left = _waiting(shell)
        for item in left:
            what = shell.words(f"cli.waits_{item.change if item.topic is Topic.VISIBILITY else 'text'}")
            click.echo(f"{item.id}\t{what}\t№ {item.card_id}\t{item.title}")
        leave(ExitCode.WAITING if left else ExitCode.DONE)


def _waiting(shell: Shell) -> Sequence[Waiting]:
    with shell.parts.database.reading() as connection:
        return waiting.waiting_items(connection)


def _chosen(items: Sequence[Waiting], wanted: tuple[str, ...]) -> list[Waiting]:
    names = {name.strip() for part in wanted for name in part.split(",") if name.strip()}
    unknown = names - {"all"} - {str(item.id) for item in items}
    if unknown:
        raise BadRequest("ID", "nothing_waits", ids=", ".join(sorted(unknown)))
    return [item for item in items if "all" in names or str(item.id) in names]
