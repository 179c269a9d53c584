"""Pushing: what was edited goes to the service, once, whatever dies in between."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Callable
from uuid import uuid4

from placecard.core.copyfile.batch import body_of, drop, freeze, note_sending, pack, renew, settle, unanswered
from placecard.core.copyfile.edits import local_edits
from placecard.core.copyfile.following import unsure
from placecard.core.copyfile.mending import heal, mend
from placecard.core.errors import Cancelled, CursorVoid, Outdated, Refused
from placecard.core.pulling import pull
from placecard.core.warnings import warn

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from placecard.core.copyfile.batch import Batch
    from placecard.core.copyfile.copy import WorkingCopy
    from placecard.core.copyfile.edits import LocalEdit
    from placecard.core.copyfile.mending import Mended
    from placecard.core.pulling import Progress
    from placecard.core.service import Service
    from placecard.core.warnings import Warning_
    from placecard.core.wire import PushAnswer, Result

_UNREADABLE = {400, 413, 422}
"""Statuses that a batch gets as it is, however often it is sent: nothing of it was done."""


@dataclass(frozen=True)
class Checked:
    """What a push would do. `edits` are what would be sent; `mended.doubtful` are not, before a person has said."""

    results: list[Result]
    warnings: list[Warning_]
    edits: list[LocalEdit]
    mended: Mended

    @property
    def splits(self) -> list[str]:
        """Guids of several features that go as one proposal unless separated."""
        return self.mended.splits


@dataclass(frozen=True)
class Pushed:
    """What became of it: a result for each edit, and the keys by which it can be put back."""

    results: list[Result] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)


def check(
    service: Service,
    copy: WorkingCopy,
    guids: Collection[str] | None = None,
    progress: Progress = lambda _done, _key: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Checked:
    """Ask what a push would do, and keep nothing. Mends first."""
    progress(0.0, "push.mending")
    mended = mend(copy)
    edits = [edit for edit in local_edits(copy) if guids is None or edit.guid in guids]
    waiting = [edit for edit in edits if edit.sendable]
    results: list[Result] = []
    while len(results) < len(waiting):
        _go_on(cancelled)
        progress(len(results) / len(waiting), "push.checking")
        results.extend(_try(service, copy, waiting[len(results) :]).results)
    warnings = warn(waiting, service.capabilities().area, copy.districts())
    return Checked(results, warnings, edits, mended)


def _try(service: Service, copy: WorkingCopy, edits: Sequence[LocalEdit]) -> PushAnswer:
    facts = copy.facts
    changes = pack(edits, service.capabilities().limits)
    return service.push(str(uuid4()), body_of(changes, facts.client_id, facts.schema_rev, check=True))


def push(
    service: Service,
    copy: WorkingCopy,
    progress: Progress,
    cancelled: Callable[[], bool],
    guids: Collection[str] | None = None,
) -> Pushed:
    """Send what was edited: first what was frozen before and not answered, then the rest, a batch at a time.

    Each batch is in the file before it is sent, and settled in one transaction: whatever fails in between, the next
    push sends the same again, and nothing is done twice or lost.
    """
    progress(0.0, "push.mending")
    pushed = Pushed()
    while (batch := unanswered(copy)) is not None:
        _send(service, copy, batch, pushed)
    if _is_unsure(copy):
        # What was merged unseen, and edited since, is told from what the service has first.
        pull(service, copy, progress, cancelled)
    splits = mend(copy).splits
    heal(copy, [guid for guid in splits if guids is None or guid in guids])
    done: set[str] = set()
    total = len(local_edits(copy)) if guids is None else len(guids)
    while True:
        _go_on(cancelled)
        batch = freeze(copy, guids, done)
        if batch is None:
            progress(1.0, "push.sending")
            return pushed
        progress(len(done) / max(total, len(done), 1), "push.sending")
        _send(service, copy, batch, pushed)
        done.update(batch.guids)


def _is_unsure(copy: WorkingCopy) -> bool:
    with copy.reading() as book:
        return bool(unsure(book))


def _go_on(cancelled: Callable[[], bool]) -> None:
    if cancelled():
        raise Cancelled


def _send(service: Service, copy: WorkingCopy, batch: Batch, pushed: Pushed) -> None:
    note_sending(copy, batch)
    answer = _answer(service, copy, batch)
    settle(copy, batch, answer.results)
    pushed.results.extend(answer.results)
    pushed.keys.append(answer.key)


def _answer(service: Service, copy: WorkingCopy, batch: Batch) -> PushAnswer:
    try:
        return service.push(batch.key, batch.body)
    except Outdated as error:
        if error.data.get("reason") != "schema":
            raise
        # The changes keep their names: what was done under the old properties is not done again.
        return service.push(batch.key, renew(copy, batch, service.capabilities(anew=True).schema_rev).body)
    except CursorVoid:
        raise
    except Refused as error:
        if error.data["status"] in _UNREADABLE:
            drop(copy, batch)
        raise
