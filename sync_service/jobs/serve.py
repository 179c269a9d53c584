"""`placecard serve`: gunicorn and one job process under one roof. When the roof goes, both go; a dead job is replaced.

Both children are told by the kernel when this process dies (PR_SET_PDEATHSIG), also by SIGKILL.
"""

from __future__ import annotations

import ctypes
import errno
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sync_service.errors import Problem, SettingsError
from sync_service.log import note

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

log = logging.getLogger(__name__)

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)
_GRACE_SECONDS = 20.0
_PORT_SECONDS = 3.0
_CALM_SECONDS = 10.0  # a job that lived so long did not die of its start


def _die_with_parent(sign: signal.Signals) -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, sign, 0, 0, 0)


@dataclass(slots=True)
class Child:
    """A child process of `serve`. `last_word` is the signal it gets when this process dies."""

    name: str
    command: Sequence[str]
    last_word: signal.Signals
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0

    def start(self) -> None:
        """Start it."""
        self.started = time.monotonic()
        self.process = subprocess.Popen(  # noqa: S603 - our own commands
            self.command,
            preexec_fn=lambda: _die_with_parent(self.last_word),  # noqa: PLW1509 - one call of prctl, before any thread
        )

    def alive(self) -> bool:
        """Whether it runs."""
        return self.process is not None and self.process.poll() is None

    def end(self, deadline: float) -> None:
        """Ask it to stop, and insist after the deadline."""
        if self.process is None:
            return
        if self.alive():
            self.process.terminate()
        try:
            self.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@dataclass(slots=True)
class Roof:
    """Runs the children until told to stop, or until the web server ends."""

    web: Child
    job: Child | None
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> int:
        """Serve; the exit code of the web server."""
        for sign in (signal.SIGTERM, signal.SIGINT):
            signal.signal(sign, self._told)
        self.web.start()
        if self.job is not None:
            self.job.start()
        while not self.stop.wait(0.2):
            if not self.web.alive():
                break
            self._tend_job()
        return self._end()

    def _told(self, _sign: int, _frame: FrameType | None) -> None:
        self.stop.set()

    def _tend_job(self) -> None:
        if self.job is None or self.job.alive():
            return
        note(log, "job.died", level=logging.ERROR, code=self.job.process.returncode if self.job.process else None)
        if time.monotonic() - self.job.started < _CALM_SECONDS:
            self.stop.wait(1.0)  # it died young: do not spin
        if not self.stop.is_set():
            self.job.start()

    def _end(self) -> int:
        deadline = time.monotonic() + _GRACE_SECONDS
        for child in (self.web, self.job):
            if child is not None and child.alive() and child.process is not None:
                child.process.terminate()
        for child in (self.web, self.job):
            if child is not None:
                child.end(deadline)
        code = self.web.process.returncode if self.web.process else 1
        return 0 if self.stop.is_set() else (code or 1)


def _require_port(host: str, port: int, key: str) -> None:
    """Raise `SettingsError` when nobody can listen there; one who is just leaving is given time."""
    deadline = time.monotonic() + _PORT_SECONDS
    while (error := _listening_error(host, port)) is not None:
        if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
            why = error.strerror or str(error)
            raise SettingsError([Problem(key, {"host": host, "port": port, "why": why})])
        time.sleep(0.1)


def _listening_error(host: str, port: int) -> OSError | None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            probe.listen(1)
    except OSError as error:
        return error
    return None


def serve(*, host: str, port: int, workers: int, jobs: bool, inner: str = "") -> int:
    """Serve until SIGTERM or SIGINT; the exit code. Raises `SettingsError` when a port is taken.

    `inner` is the address and port of the listener for the inner network, if there is one.
    """
    _require_port(host, port, "cli.port_busy")
    binds = [f"[{host}]:{port}" if ":" in host else f"{host}:{port}"]
    if inner:
        inner_host, _, inner_port = inner.rpartition(":")
        _require_port(inner_host.strip("[]"), int(inner_port), "cli.inner_port_busy")
        binds.append(inner)
    placecard = [sys.executable, "-m", "sync_service"]
    web = Child("web", [sys.executable, "-m", "gunicorn", *_gunicorn(binds, workers)], signal.SIGQUIT)
    # The job may be killed at any moment and loses nothing: so it never outlives this process, whatever it is doing.
    job = Child("job", [*placecard, "worker"], signal.SIGKILL) if jobs else None
    return Roof(web, job).run()


def _gunicorn(binds: Sequence[str], workers: int) -> list[str]:
    return [
        "sync_service.app:from_environment()",
        *(word for bind in binds for word in ("--bind", bind)),
        *("--workers", str(workers)),
        *("--worker-class", "sync_service.webworker.WebWorker"),
        *("--threads", "4"),
        *("--graceful-timeout", "10"),
        *("--timeout", "60"),
        *("--limit-request-line", "8190"),  # a filter may be long
        *("--limit-request-fields", "64"),
        *("--limit-request-field_size", "8190"),
        *("--keep-alive", "15"),
        *("--logger-class", "sync_service.serverlog.ServerLog"),
        "--no-control-socket",
        *(("--worker-tmp-dir", "/dev/shm") if os.path.isdir("/dev/shm") else ()),  # noqa: PTH112, S108 - gunicorn's advice
    ]
