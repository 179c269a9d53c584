"""`init` and `check`: setting up, and seeing at a glance whether it works."""

from __future__ import annotations

from functools import partial

import click
import orjson

from sync_service.app import issuer_trouble, signin_flaws
from sync_service.commands.help import Command
from sync_service.commands.shell import Shell, leave, pass_shell
from sync_service.commands.syncing import column_line
from sync_service.errors import ExitCode
from sync_service.operation.check import Checked, Finding, run_checks
from sync_service.operation.setup import FirstContact, set_up
from sync_service.publicmap.basemap import base_map
from sync_service.settings import doubts_about


@click.command(cls=Command)
@pass_shell
def init(shell: Shell) -> None:
    """Carry out `placecard init`."""
    with shell.ending():
        contact = set_up(shell.parts, shell.settings.store_url, shell.settings.board_project)
        _report(shell, contact)
        leave(ExitCode.DONE)


def _report(shell: Shell, contact: FirstContact) -> None:
    migration = contact.migration
    if migration.backup is not None:
        shell.say("backed_up", path=migration.backup)
    shell.say("store_ready" if not migration.changed else "store_made", version=migration.after)
    if not migration.readable:
        shell.say("no_gis_reader")
    shell.say("watched", projects=", ".join(contact.projects))
    for row in contact.columns:
        click.echo(f"  {column_line(shell, row)}")
    shell.say("first_contact", read=contact.would.read, public=contact.public)
    for line in contact.would.errors:
        click.echo(line, err=True)
    limit = shell.settings.surge_limit
    if not shell.settings.publish:
        shell.say("publishing_off")
    elif contact.public > limit:
        shell.say("surge_ahead", limit=limit, waiting=contact.public - limit)


@click.command(cls=Command)
@click.option("--json", "as_json", is_flag=True)
@pass_shell
def check(shell: Shell, *, as_json: bool) -> None:
    """Carry out `placecard check`."""
    with shell.ending():
        parts = shell.parts
        trouble = base_map(shell.settings).trouble
        troubles = parts.placing.resolver.troubles()
        issuer, signin = partial(issuer_trouble, shell.settings), partial(signin_flaws, shell.settings)
        findings = run_checks(
            Checked(shell.settings, parts.database, parts.board, parts.now(), trouble, troubles, issuer, signin),
        )
        ok = all(finding.ok for finding in findings)
        if as_json:
            rows = [finding.as_json(shell.language) for finding in findings]
            click.echo(orjson.dumps({"ok": ok, "checks": rows}).decode())
        else:
            _print(shell, findings)
        leave(ExitCode.DONE if ok else _worst(findings))


def _print(shell: Shell, findings: list[Finding]) -> None:
    for finding in findings:
        click.echo(f"{'ok' if finding.ok else '!!'}  {finding.name:<9} {finding.say(shell.language)}")
    for doubt in doubts_about(shell.settings):
        click.echo(f"?   {'settings':<9} {doubt.say(shell.language)}")


_AWAY = frozenset({"board", "store"})
_FOR_A_PERSON = frozenset({"time", "waiting", "columns", "listing", "clashes"})


def _worst(findings: list[Finding]) -> ExitCode:
    names = {finding.name for finding in findings if not finding.ok}
    if names & _AWAY:
        return ExitCode.UNREACHABLE
    return ExitCode.WAITING if names & _FOR_A_PERSON else ExitCode.ERRORS
