"""Waking the worker at once when a hint arrives: a datagram on this machine, carrying nothing.

Nothing depends on it arriving: the worker looks by itself every second.
"""

from __future__ import annotations

import contextlib
import select
import socket
from functools import cache
from hashlib import blake2b


@cache
def _address(store_url: str) -> str:
    # An abstract address: no file to leave behind, no limit on the length of the store's path, gone with its process.
    return f"\0placecard-{blake2b(store_url.encode(), digest_size=16).hexdigest()}"


def wake_worker(store_url: str) -> None:
    """Tell the worker of this store that there is something to do. Never blocks, never fails."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        sender.sendto(b"", _address(store_url))


class Alarm:
    """Where the worker waits to be woken. Only one process per store can hold it."""

    def __init__(self, store_url: str) -> None:
        self._address = _address(store_url)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._bound = False

    def _bind(self) -> None:
        with contextlib.suppress(OSError):  # the one who led before has not let go yet: asked again at the next wait
            self._socket.bind(self._address)
            self._bound = True

    def wait(self, seconds: float) -> None:
        """Wait until woken, at most so long."""
        if not self._bound:
            self._bind()
        ready, _, _ = select.select([self._socket], [], [], max(0.0, seconds))
        while ready:
            try:
                self._socket.recv(1)
            except OSError:
                return

    def close(self) -> None:
        """Let go of the address."""
        self._socket.close()
