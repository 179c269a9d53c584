"""Counts attempts by address: so many in so many seconds, then none for a while."""

from __future__ import annotations

from collections import OrderedDict, deque
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING

from sync_service.errors import TooMany

if TYPE_CHECKING:
    from collections.abc import Callable

ADDRESSES = 10_000
"""How many addresses are remembered."""


class Attempts:
    """Attempts by address, in this process: `most` in `seconds`."""

    def __init__(self, most: int, seconds: int, clock: Callable[[], float] = monotonic) -> None:
        self._most, self._seconds = most, seconds
        self._clock = clock
        self._lock = Lock()
        self._made: OrderedDict[str, deque[float]] = OrderedDict()

    def check(self, address: str) -> None:
        """TooMany if this address has tried too often lately."""
        with self._lock:
            times = self._recent(address)
            if len(times) >= self._most:
                raise TooMany(retry_after=max(1, round(times[0] + self._seconds - self._clock())))

    def count(self, address: str) -> bool:
        """One more attempt from this address; whether it was the last for a while."""
        with self._lock:
            times = self._recent(address)
            times.append(self._clock())
            self._made[address] = times
            self._made.move_to_end(address)
            while len(self._made) > ADDRESSES:
                self._made.popitem(last=False)
            return len(times) == self._most

    def _recent(self, address: str) -> deque[float]:
        times = self._made.get(address, deque())
        while times and times[0] <= self._clock() - self._seconds:
            times.popleft()
        return times
