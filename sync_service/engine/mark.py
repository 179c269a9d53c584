"""The mark left on the board, by which going back in time is noticed before anything is believed or written.

Store and board both keep {store, epoch, seq, turn, nonce, highest card}: a new mark, with the next turn, is left after
a sweep that changed something and after whatever else was written to the board. A backup put back on either side brings
an older mark back, and the two no longer agree. Each process that leaves marks has a nonce of its own, by which a mark
of ours from before is told from one that a copy of this store left. And the store knows where it lies: a copy judges
itself before it writes anything. What to do about it is a person's business (`placecard recover`).
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

import orjson

from kanban_adapter.card import MARK_NOTE
from sync_service.errors import PersonNeeded
from sync_service.http import TOTAL_TIMEOUT
from sync_service.store import counter
from sync_service.store.home import is_strange, keep_home
from sync_service.store.leases import drop_lease, read_note, take_lease, write_note

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import Connection

    from kanban_adapter.port import BoardAdapter
    from sync_service.engine.parts import Parts

REGRESSION = "regression"
"""Note that stops the engine until `placecard recover`; its value is the verdict."""

_MOST_NONCES = 100
_LOOKS = 5
MARKING = "mark"
"""Lease of who leaves a mark this moment."""
_MARKING_LENGTH = timedelta(seconds=4 * TOTAL_TIMEOUT)


class Verdict(StrEnum):
    """What the two marks, and the place where the store lies, say."""

    FINE = "fine"
    BOARD_WENT_BACK = "board_went_back"
    STORE_WENT_BACK = "store_went_back"
    OTHER_STORE = "other_store"
    OTHER_COPY = "other_copy"
    STORE_COPIED = "store_copied"


@dataclass(frozen=True, slots=True)
class Mark:
    """One mark. `turn` numbers the marks of a store; `nonce` is of the process that left it."""

    store: str
    epoch: int = 0
    seq: int = 0
    turn: int = 0
    nonce: str = ""
    card: int = 0

    @property
    def age(self) -> tuple[int, int, int]:
        """By which marks of one store are ordered."""
        return self.epoch, self.seq, self.turn

    def dump(self) -> str:
        """As left on the board."""
        return orjson.dumps(asdict(self)).decode()

    @classmethod
    def load(cls, text: str) -> Mark:
        """From the board, where anybody may have written anything."""
        try:
            found = orjson.loads(text)
        except orjson.JSONDecodeError:
            found = None
        said = found if isinstance(found, dict) else {}
        numbers = {name: int(said[name]) for name in _NUMBERS if str(said.get(name)).isdecimal()}
        return cls(str(said.get("store")), nonce=str(said.get("nonce") or ""), **numbers)


_NUMBERS = ("epoch", "seq", "turn", "card")


@dataclass(frozen=True, slots=True)
class Kept:
    """What the store keeps of the mark: the present one, and the one before while the board may not have it yet.

    `nonces` are those of the marks it has left so far, the newest last. A mark is `spent` when something else was
    written to the board after it: a backup made in between would not know.
    """

    current: str
    previous: str | None = None
    nonces: tuple[str, ...] = ()
    spent: bool = False

    def dump(self) -> str:
        """As kept in the counter row."""
        return orjson.dumps(asdict(self)).decode()

    @classmethod
    def load(cls, text: str | None) -> Kept | None:
        """From the counter row."""
        if text is None:
            return None
        said = orjson.loads(text)
        return cls(said["current"], said["previous"], tuple(said.get("nonces", ())), said.get("spent", False))

    def follow(self, mark: Mark) -> Kept:
        """With a new mark, which the board may not have yet."""
        others = tuple(nonce for nonce in self.nonces if nonce != mark.nonce)
        return Kept(mark.dump(), self.current, (*others, mark.nonce)[-_MOST_NONCES:])

    def settled(self) -> Kept:
        """When the board has it."""
        return replace(self, previous=None)


def judge(kept: Kept | None, found: str | None, store: str) -> Verdict:
    """Compare the store's mark with the one found on the board."""
    if kept is None:
        return Verdict.FINE if found is None else Verdict.OTHER_STORE
    if found in (kept.current, kept.previous) and found is not None:
        return Verdict.FINE
    if found is None:
        # Between keeping the first mark and leaving it there is nothing on the board yet.
        return Verdict.FINE if kept.previous == "" else Verdict.BOARD_WENT_BACK
    theirs, ours = Mark.load(found), Mark.load(kept.current)
    if theirs.store != store:
        return Verdict.OTHER_STORE
    if theirs.age > ours.age:
        return Verdict.STORE_WENT_BACK
    # The store keeps the nonces of many years; marks of older programs have none.
    ours_once = not theirs.nonce or theirs.nonce in kept.nonces or len(kept.nonces) == _MOST_NONCES
    return Verdict.BOARD_WENT_BACK if ours_once else Verdict.OTHER_COPY


def check_mark(parts: Parts, found: str | None) -> None:
    """Raise `PersonNeeded` (reason: the verdict) when a side went back in time, now or earlier without `recover`."""
    with parts.database.reading() as connection:
        verdict = weigh_mark(connection, found)
    stop_unless_fine(parts, verdict)


def weigh_mark(connection: Connection, found: str | None) -> Verdict:
    """What the mark found on the board says, or what an earlier one said that nobody has recovered from."""
    if known := read_note(connection, REGRESSION):
        return Verdict(known)
    verdict = compare_marks(connection, found)
    return Verdict.STORE_COPIED if verdict is Verdict.FINE and is_strange(connection) else verdict


def compare_marks(connection: Connection, found: str | None) -> Verdict:
    """What the two marks alone say now."""
    return judge(Kept.load(counter.read_mark(connection)), found, counter.identity(connection).guid)


def stop_unless_fine(parts: Parts, verdict: Verdict) -> None:
    """Keep a verdict that is not fine until `recover`, and raise `PersonNeeded` for it."""
    if verdict is Verdict.FINE or (verdict := _look_again(parts)) is Verdict.FINE:
        return
    with parts.database.writing() as connection:
        write_note(connection, REGRESSION, verdict.value)
    raise PersonNeeded(reason=verdict.value)


def _look_again(parts: Parts) -> Verdict:
    """The verdict when no mark was left while looking: another worker may have left one between board and store."""
    for _ in range(_LOOKS):
        with parts.database.reading() as connection:
            if known := read_note(connection, REGRESSION):
                return Verdict(known)
            before = counter.read_mark(connection)
        found = mark_on(parts.board)
        with parts.database.reading() as connection:
            verdict, after = weigh_mark(connection, found), counter.read_mark(connection)
        if verdict is Verdict.FINE or before == after:
            break
    return verdict


def mark_on(board: BoardAdapter) -> str | None:
    """The mark on the board. A project that is gone has none and did not go back: `Missing`, or `NotPermitted`."""
    found = board.read(()).mark
    if found is None:
        board.projects()
    return found


def leave_mark(parts: Parts, card_ids: Iterable[str] = ()) -> bool:
    """Leave a new mark if anything changed since the last; True when the board was written.

    The store keeps the new mark beside the old before the board gets it, so that dying in between is no regression. A
    mark of which it is not known whether the board got it is left once more before another is made: never are there
    more than two that the board may rightly have. Only one process leaves marks at a time; another leaves it be.
    """
    with parts.database.reading() as connection:
        kept = Kept.load(counter.read_mark(connection))
        if kept is not None and kept.previous is None and _is_current(connection, kept):
            return False
    with _marking(parts) as mine:
        if not mine:
            return False
        left = _settle_mark(parts)
        with parts.database.writing() as connection:
            kept = Kept.load(counter.read_mark(connection))
            if kept is not None and _is_current(connection, kept):
                return left
            follow_mark(connection, parts, card_ids)
        return _settle_mark(parts)


def catch_up_mark(parts: Parts) -> None:
    """Leave the mark that had to follow an earlier write and could not: before anything else is written."""
    with parts.database.reading() as connection:
        kept = Kept.load(counter.read_mark(connection))
    if kept is not None and (kept.spent or kept.previous is not None):
        leave_mark(parts)


@contextmanager
def _marking(parts: Parts) -> Iterator[bool]:
    """Being the only one who leaves marks; false when somebody else is."""
    name_process(parts)
    with parts.database.writing() as connection:
        mine = take_lease(connection, MARKING, parts.nonce, parts.now(), _MARKING_LENGTH)
    try:
        yield mine
    finally:
        if mine:
            with parts.database.writing(lasting=False) as connection:
                drop_lease(connection, MARKING, parts.nonce)


def name_process(parts: Parts) -> None:
    """Give this process its nonce."""
    parts.nonce = parts.nonce or f"{parts.jitter.getrandbits(64):016x}"


def spend_mark(connection: Connection) -> None:
    """Something was written to the board: a new mark has to follow."""
    kept = Kept.load(counter.read_mark(connection))
    if kept is not None and not kept.spent:
        counter.write_mark(connection, replace(kept, spent=True).dump())


def _is_current(connection: Connection, kept: Kept) -> bool:
    me, mark = counter.identity(connection), Mark.load(kept.current)
    return not kept.spent and (mark.epoch, mark.seq) == (me.epoch, me.seq)


def accept_mark(connection: Connection, found: str | None) -> None:
    """Take what is on the board for right until the board has the next mark, whatever it is."""
    kept = Kept.load(counter.read_mark(connection)) or Kept("")
    counter.write_mark(connection, replace(kept, previous=found or "").dump())


def follow_mark(connection: Connection, parts: Parts, card_ids: Iterable[str] = ()) -> None:
    """Make the next mark, which the board has to get."""
    keep_home(connection)
    me, kept = counter.identity(connection), Kept.load(counter.read_mark(connection))
    last = Mark(me.guid) if kept is None else Mark.load(kept.current)
    highest = max((int(card) for card in card_ids if card.isdecimal()), default=last.card)
    name_process(parts)
    mark = Mark(me.guid, me.epoch, me.seq, last.turn + 1, parts.nonce, highest)
    counter.write_mark(connection, (kept or Kept("")).follow(mark).dump())


def _settle_mark(parts: Parts) -> bool:
    """Write the mark to the board unless it is known to be there."""
    with parts.database.reading() as connection:
        kept = Kept.load(counter.read_mark(connection))
    if kept is None or kept.previous is None:
        return False
    parts.board.write_project_notes({MARK_NOTE: kept.current})
    with parts.database.writing() as connection:
        now = Kept.load(counter.read_mark(connection))
        if now is not None and now.current == kept.current:
            counter.write_mark(connection, now.settled().dump())
    return True


def settle_mark(parts: Parts) -> None:
    """See that the board has the newest mark."""
    _settle_mark(parts)
