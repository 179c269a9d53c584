"""`serve` and `worker`: what runs until it is told to stop."""

from __future__ import annotations

import signal
import threading
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import click

from sync_service.app import create_follower, create_parts, create_placing, place_rules
from sync_service.commands.help import Command
from sync_service.commands.shell import Shell, leave, pass_shell
from sync_service.errors import ExitCode
from sync_service.jobs.leader import Leadership, is_alone
from sync_service.jobs.lookups import Lookups
from sync_service.jobs.schedule import Schedule
from sync_service.jobs.serve import serve as serve_until_told
from sync_service.jobs.wake import Alarm
from sync_service.jobs.worker import Worker

if TYPE_CHECKING:
    from types import FrameType

    from sync_service.engine.parts import Parts
    from sync_service.engine.placing import Placing
    from sync_service.settings import Settings


@click.command(cls=Command)
@click.option("--host")
@click.option("--port", type=click.IntRange(1, 65535))
@click.option("--workers", type=click.IntRange(1, 64))
@click.option("--no-jobs", is_flag=True)
@pass_shell
def serve(shell: Shell, host: str | None, port: int | None, workers: int | None, *, no_jobs: bool) -> None:
    """Carry out `placecard serve`."""
    with shell.ending():
        settings = shell.settings
        shell.log()
        code = serve_until_told(
            host=host or settings.host,
            port=settings.port if port is None else port,
            workers=workers or settings.workers,
            jobs=not no_jobs,
            inner=settings.internal_bind,
        )
        raise SystemExit(code)


@click.command(cls=Command)
@pass_shell
def worker(shell: Shell) -> None:
    """Carry out `placecard worker`."""
    with shell.ending():
        settings = shell.settings
        shell.log()
        if is_alone(shell.parts.database):
            _work(settings, shell)
        else:
            _join_crew(settings, shell)
        leave(ExitCode.DONE)


def _work(settings: Settings, shell: Shell) -> None:
    schedule = Schedule(timedelta(seconds=settings.sweep_seconds), settings.nightly, settings.timezone)
    alarm = Alarm(settings.store_url)
    with Leadership(settings.store_url) as leadership:
        working = Worker(shell.parts, schedule, leadership, alarm, renewed=partial(_renewed, settings, shell.parts))
        asking = Lookups(create_parts(settings), working.stop)
        _stop_on_signals(working.stop)
        threading.Thread(target=asking.run, name="lookups", daemon=True).start()
        _follow_people(settings, shell.parts, working.stop)
        working.run()
    alarm.close()


def _join_crew(settings: Settings, shell: Shell) -> None:
    from sync_service.jobs.crew import HANDS, Crew  # noqa: PLC0415 - an extra: only where such a store is

    schedule = Schedule(timedelta(seconds=settings.sweep_seconds), settings.nightly, settings.timezone)
    hands = [shell.parts, *(create_parts(settings) for _ in range(HANDS - 1))]
    crew = Crew(hands, schedule, renewed=partial(_renewed, settings))
    _stop_on_signals(crew.stop)
    asking = Lookups(create_parts(settings), crew.stop)
    threading.Thread(target=asking.run, name="lookups", daemon=True).start()
    _follow_people(settings, shell.parts, crew.stop)
    crew.run()


def _follow_people(settings: Settings, parts: Parts, stop: threading.Event) -> None:
    """Have the board's people follow the identity provider, in a thread of its own: the board's cards do not wait."""
    follower = create_follower(settings, parts.database)
    if follower is not None:
        follower.stop = stop
        threading.Thread(target=follower.run, name="people", daemon=True).start()


def _renewed(settings: Settings, parts: Parts) -> Placing | None:
    """What reads places with the layers as they are now, if they changed since it was made."""
    return create_placing(settings, parts.database) if place_rules(settings) != parts.placing.rules else None


def _stop_on_signals(stop: threading.Event) -> None:
    def told(_sign: int, _frame: FrameType | None) -> None:
        stop.set()

    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, told)
