"""`people`: the board's people follow the identity provider, now and at a person's word."""

from __future__ import annotations

import click

from sync_service.app import create_follower
from sync_service.commands.help import Command
from sync_service.commands.shell import Shell, leave, pass_shell
from sync_service.errors import ExitCode


@click.command(cls=Command)
@click.option("--confirm", is_flag=True)
@pass_shell
def people(shell: Shell, *, confirm: bool) -> None:
    """Carry out `placecard people`."""
    with shell.ending():
        shell.log()
        follower = create_follower(shell.settings, shell.parts.database)
        if follower is None:
            shell.say("people_not_set")
            leave(ExitCode.WRONG_USE)
        plan = follower.follow(confirmed=confirm)
        shell.say("people_followed", changes=len(plan.changes), known=plan.known)
        if plan.withheld:
            shell.say("people_withheld", withheld=plan.withheld, known=plan.known)
        leave(ExitCode.WAITING if plan.withheld else ExitCode.DONE)
