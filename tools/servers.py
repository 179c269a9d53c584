"""Somebody else's program as a server of ours: started, waited for, and ended with the process that started it."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING, Self

import requests

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

_LOOK_SECONDS = 0.05


class NotStarted(RuntimeError):
    """A server did not come up; the message says why, or ends with what it logged."""


class Server:
    """One process. Use as a context manager, or call `start`, which is each program's own, and `stop`.

    After `stop_seconds` of being asked to end it is made to.
    """

    stop_seconds = 30

    def __init__(self, data_dir: Path, log_name: str) -> None:
        self.data_dir = data_dir.resolve()
        self.log = self.data_dir / log_name
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process_id(self) -> int | None:
        """Of the server, while it runs."""
        return self._process.pid if self._process else None

    def start(self) -> Self:
        """Start and wait until it answers. Raises `NotStarted`."""
        raise NotImplementedError

    def launch(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Begin the process, in its folder. What it says goes to its log."""
        # The kernel tells it when whoever started it is gone. The thread that starts it must live as long as that.
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", *command],
                cwd=self.data_dir,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
            )

    def await_answer(self, answers: Callable[[], bool], seconds: float) -> None:
        """Wait until it answers; NotStarted when it ends before that, or takes too long."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self._process and self._process.poll() is None:
            try:
                if answers():
                    return
            except (requests.ConnectionError, requests.Timeout):
                pass
            time.sleep(_LOOK_SECONDS)
        self.stop()
        raise NotStarted(self.log.read_text(errors="replace")[-2000:])

    def stop(self) -> None:
        """End it. Does nothing when it is not running."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(timeout=self.stop_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
