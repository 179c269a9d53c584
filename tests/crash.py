"""Dying on purpose: a child process that is killed by SIGKILL at its n-th write point, be it store or board.

A write point is the moment before and the moment after a commit, and before and after a request to the board.
"""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import requests

from sync_service.store.database import Database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

_SURVIVED = 0


@dataclass(slots=True)
class Fuse:
    """Counts write points down and kills the process at the last."""

    left: int

    def burn(self) -> None:
        """Pass one write point."""
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class FusedDatabase(Database):
    """A store whose commits are write points."""

    def __init__(self, url: str, fuse: Fuse) -> None:
        super().__init__(url)
        self._fuse = fuse

    @contextmanager
    def writing(self, **options: Any) -> Iterator[Connection]:
        with super().writing(**options) as connection:
            yield connection
            self._fuse.burn()
        self._fuse.burn()


class FusedSession(requests.Session):
    """A session whose requests are write points."""

    def __init__(self, fuse: Fuse) -> None:
        super().__init__()
        self.trust_env = False
        self._fuse = fuse

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        self._fuse.burn()
        answer = super().send(request, **options)
        self._fuse.burn()
        return answer


def dies_at(point: int, work: Callable[[Fuse], None]) -> bool:
    """Do the work in a child that dies at this write point; false when it came to its end alive."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work(Fuse(point))
            code = _SURVIVED
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == _SURVIVED, "the child failed"
    return False
