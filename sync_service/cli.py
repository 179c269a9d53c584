"""The command `placecard`. Each command is imported when it is called: most need only a part of the service."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import click

from sync_service import __version__
from sync_service.commands.help import Group
from sync_service.commands.shell import Shell

if TYPE_CHECKING:
    from collections.abc import Mapping

COMMANDS: Mapping[str, str] = {
    "init": "looking:init",
    "serve": "running:serve",
    "worker": "running:worker",
    "sync": "syncing:sync",
    "columns": "syncing:columns",
    "waiting": "syncing:waiting_changes",
    "people": "following:people",
    "check": "looking:check",
    "export": "layers:export",
    "districts": "layers:districts",
    "gazetteer": "layers:gazetteer",
    "backup": "saving:backup",
    "restore": "saving:restore",
    "recover": "saving:recover",
    "migrate-store": "moving:migrate_store",
    "demo-data": "layers:demo_data",
}
"""Every command, in the order of the help, and where it is: module of `sync_service.commands` and name."""


class Commands(Group):
    """A group that imports a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names, in the table's order."""
        return list(COMMANDS)

    def topics(self) -> Mapping[str, str]:
        """Told by the table, without importing anything."""
        return {name: place.split(":")[1] for name, place in COMMANDS.items()}

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - likewise
        """The command of this name."""
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name].split(":")
        command = getattr(import_module(f"sync_service.commands.{module}"), name)
        assert isinstance(command, click.Command)
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="placecard", message="%(prog)s %(version)s")
@click.pass_context
def main(context: click.Context) -> None:
    """Carry out `placecard`."""
    context.obj = Shell()
