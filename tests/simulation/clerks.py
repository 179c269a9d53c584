"""The person at the list of what waits: looks at it, and answers what was seen, which may have moved on since."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sync_service.engine.settling import Answer, settle_waiting
from sync_service.store import waiting
from sync_service.store.features import Author

if TYPE_CHECKING:
    from sync_service.store.waiting import Waiting
    from tests.simulation.rig import Rig

_WHO = Author("desk", "clerk", confirmed=True)


class Clerk:
    """Confirms and refuses."""

    doings: dict[str, int] = {"look_at_list": 1, "confirm_seen": 1, "refuse_seen": 1}  # noqa: RUF012 - read only

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._seen: list[Waiting] = []

    def look_at_list(self) -> str | None:
        with self._rig.server(), self._rig.store.reading() as connection:
            self._seen = list(waiting.waiting_items(connection))
        return f"sees {len(self._seen)} things waiting" if self._seen else None

    def confirm_seen(self) -> str | None:
        return self._answer(Answer.CONFIRM)

    def refuse_seen(self) -> str | None:
        return self._answer(Answer.REFUSE)

    def _answer(self, answer: Answer) -> str | None:
        if not self._seen:
            return None
        seen, self._seen = self._seen, []
        self._rig.say(f"answers {answer} to {[(item.guid, item.change) for item in seen]}")
        with self._rig.server():
            settle_waiting(self._rig.store, seen, answer, _WHO, lambda: self._rig.now)
        return "has answered"

    def confirm_all(self) -> int:
        """Confirms whatever waits now; how many."""
        with self._rig.store.reading() as connection:
            seen = waiting.waiting_items(connection)
        return settle_waiting(self._rig.store, seen, Answer.CONFIRM, _WHO, lambda: self._rig.now).done
