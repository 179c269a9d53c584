"""`migrate-store`: from the file to the server."""

from __future__ import annotations

import click
from sqlalchemy.engine import make_url

from sync_service.commands.help import Command
from sync_service.commands.shell import Shell, pass_shell, progress_bar
from sync_service.store import postgresql, sqlite
from sync_service.store.database import kind_of
from sync_service.store.moving import give_up, move_store


@click.command("migrate-store", cls=Command)
@click.argument("target_url", required=False)
@click.option("--give-up", "giving_up", is_flag=True)
@pass_shell
def migrate_store(shell: Shell, target_url: str | None, *, giving_up: bool) -> None:
    """Carry out `placecard migrate-store`."""
    with shell.ending():
        source = shell.settings.store_url
        if kind_of(source) is not sqlite:
            raise click.UsageError(shell.words("cli.move_from_file"))
        if giving_up:
            give_up(source)
            shell.say("move_given_up")
            return
        if target_url is None or kind_of(target_url) is not postgresql:
            raise click.UsageError(shell.words("cli.move_to_server"))
        with progress_bar() as progress:
            moved = move_store(source, target_url, progress)
        address = make_url(target_url).render_as_string(hide_password=True)
        shell.say("store_moved", rows=sum(moved.rows.values()), digest=moved.digest, url=address)
