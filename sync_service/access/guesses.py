"""Slows down whoever guesses at the token: so many wrong ones from one address, then none for a while."""

from __future__ import annotations

from collections import OrderedDict, deque
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING

from sync_service.errors import TooMany

if TYPE_CHECKING:
    from collections.abc import Callable

MOST = 10
SECONDS = 60
ADDRESSES = 10_000
"""Wrong tokens that one address may send in so many seconds; how many addresses are remembered."""


class Guesses:
    """Wrong tokens by address, in this process."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()

    def check(self, address: str) -> None:
        """TooMany if this address has guessed wrong too often lately."""
        with self._lock:
            times = self._recent(address)
            if len(times) >= MOST:
                raise TooMany(retry_after=max(1, round(times[0] + SECONDS - self._clock())))

    def count(self, address: str) -> None:
        """One more wrong token from this address."""
        with self._lock:
            times = self._recent(address)
            times.append(self._clock())
            self._wrong[address] = times
            self._wrong.move_to_end(address)
            while len(self._wrong) > ADDRESSES:
                self._wrong.popitem(last=False)

    def _recent(self, address: str) -> deque[float]:
        times = self._wrong.get(address, deque())
        while times and times[0] <= self._clock() - SECONDS:
            times.popleft()
        return times
