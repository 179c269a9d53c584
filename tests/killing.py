"""The plugin's process killed at a statement of its choice: a child is forked, and kills itself there.

A power cut is not simulated: what was committed is taken to be on the disk."""

from __future__ import annotations

import http.client
import os
import signal
import traceback
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from placecard.core.copyfile import database
from placecard.core.transport import Reply, Request
from tests.ogc import BEARER

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

_WRITES = ("BEGIN", "COMMIT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "ALTER")
NEVER = 10**9


@dataclass
class HttpTransport:
    """Requests over a socket: what a forked child may use."""

    def send(self, request: Request) -> Reply:
        """The answer."""
        parts = urlsplit(request.url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=60)
        target = parts._replace(scheme="", netloc="").geturl()
        connection.request(request.method, target, request.body, {**BEARER, **request.headers})
        answer = connection.getresponse()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        found = Reply(answer.status, headers, answer.read())
        connection.close()
        return found


def run_killed(work: Callable[[], object], at: int) -> int | None:
    """Do the work in a child that kills itself when it comes to its write number `at`; None if it was killed, otherwise
    how many writes there were."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _be_killed(work, at, writing)
    os.close(writing)
    with os.fdopen(reading) as stream:
        told = stream.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return None
    assert os.WEXITSTATUS(status) == 0, told
    return int(told)


def _be_killed(work: Callable[[], object], at: int, writing: int) -> None:
    numbers, last = count(1), 0
    give = database._give_functions

    def watch(statement: str) -> None:
        nonlocal last
        if statement.lstrip(" \n-").startswith(_WRITES):
            last = next(numbers)
            if last == at:
                os.kill(os.getpid(), signal.SIGKILL)

    def watched(connection: sqlite3.Connection) -> None:
        give(connection)
        connection.set_trace_callback(watch)

    database._give_functions = watched
    try:
        work()
        os.write(writing, str(last).encode())
    except BaseException:  # noqa: BLE001 - a child of the test runner must end here, whatever happens
        os.write(writing, traceback.format_exc().encode())
        os._exit(1)
    os._exit(0)


def points(writes: int, most: int) -> list[int]:
    """Numbers of writes at which to kill: all of them if there are not too many, otherwise evenly, with both ends."""
    if writes <= most:
        return list(range(1, writes + 1))
    return sorted({1 + round(number * (writes - 1) / (most - 1)) for number in range(most)})
