"""Going on after one side went back in time, or after the store was moved: a person's decision (`placecard recover`).

A new epoch begins and every card is read again. What was written meanwhile on the side that is newer is neither undone
nor lost: what cannot be told from an edit becomes a clash (`sync.doubt`).
"""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from sync_service.engine.lostlife import last_known, lose_life, versions_since
from sync_service.engine.mark import (
    REGRESSION,
    Kept,
    Mark,
    Verdict,
    accept_mark,
    compare_marks,
    follow_mark,
    settle_mark,
    weigh_mark,
)
from sync_service.engine.sweep import SweepOptions, sweep
from sync_service.store import counter, outbox, pairs, tables
from sync_service.store.backup import copy_store, store_file
from sync_service.store.database import Database
from sync_service.store.features import find_feature
from sync_service.store.home import keep_home
from sync_service.store.leases import write_note
from sync_service.sync.decision import LINK, EffectKind
from sync_service.sync.doubt import doubt_agreed, doubt_debts
from sync_service.sync.values import Visibility

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sqlalchemy import Connection

    from sync_service.engine.parts import Parts
    from sync_service.engine.report import Report
    from sync_service.sync.state import Feature, Pair

_DERIVED = (EffectKind.METADATA, EffectKind.TAG)
"""Effects that the next reading of their card owes again, if they are owed still."""
ACTS = (EffectKind.MOVE, EffectKind.CLOSE)
"""Effects that may have been done after the backup, and undone on the board since: they are not done again."""


@dataclass(frozen=True, slots=True)
class Situation:
    """How store and board stand to each other: the verdict, the store's own mark, and the one found on the board.

    `acts` are the moves and closings that are owed and will not be done: what it is, and the card's id.
    """

    verdict: Verdict
    ours: Mark
    theirs: Mark | None
    found: str | None
    acts: tuple[tuple[str, str], ...] = ()


def look_around(parts: Parts) -> Situation:
    """Compare both sides as they are now. Raises what the board's reading raises.

    What was noticed earlier holds even if the marks agree again, and what they say now is the newer.
    """
    found = parts.board.read(()).mark
    with parts.database.reading() as connection:
        now = compare_marks(connection, found)
        verdict = weigh_mark(connection, found) if now is Verdict.FINE else now
        me, kept = counter.identity(connection), Kept.load(counter.read_mark(connection))
    last = Mark(me.guid) if kept is None else Mark.load(kept.current)
    theirs = None if found is None else Mark.load(found)
    acts = _owed_acts(parts) if verdict in _FORGETS else ()
    return Situation(verdict, replace(last, epoch=me.epoch, seq=me.seq), theirs, found, acts)


def _owed_acts(parts: Parts) -> tuple[tuple[str, str], ...]:
    e, p = tables.effect.c, tables.pair.c
    owed = select(e.kind, p.card_id).join(tables.pair, p.guid == e.guid).where(e.kind.in_(ACTS)).order_by(e.id)
    with parts.database.reading() as connection:
        return tuple((str(row.kind), str(row.card_id)) for row in connection.execute(owed))


def recover(parts: Parts) -> Situation:
    """Go on from here; what was found. Nothing is done where nothing went back."""
    situation = look_around(parts)
    if situation.verdict is not Verdict.FINE:
        with parts.database.writing() as connection:
            _go_on(connection, parts, situation)
        settle_mark(parts)
    return situation


def _go_on(connection: Connection, parts: Parts, situation: Situation) -> None:
    if situation.verdict is not Verdict.STORE_COPIED:
        _begin_anew(connection, parts, situation)
    keep_home(connection)
    write_note(connection, REGRESSION, None)
    follow_mark(connection, parts)
    accept_mark(connection, situation.found)  # a worker may look before the board has ours


def _begin_anew(connection: Connection, parts: Parts, situation: Situation) -> None:
    for doubt in _doubts(connection, situation):
        _doubt_pairs(connection, doubt)
    if situation.verdict is Verdict.BOARD_WENT_BACK:
        _owe_links(connection, parts)
    if situation.verdict in _FORGETS:
        connection.execute(delete(tables.effect).where(tables.effect.c.kind.in_((*_DERIVED, *ACTS))))
        _recall_versions(connection)
        lose_life(connection, parts.now())
    theirs = situation.theirs
    counter.begin_epoch(connection, 0 if theirs is None or theirs.store != situation.ours.store else theirs.epoch)
    pairs.forget_fingerprints(connection)


_DOUBTS: dict[Verdict, tuple[Callable[[Feature, Pair], Pair], ...]] = {
    Verdict.BOARD_WENT_BACK: (doubt_agreed,),
    Verdict.STORE_WENT_BACK: (doubt_debts,),
    Verdict.OTHER_STORE: (doubt_debts,),
    Verdict.OTHER_COPY: (doubt_debts, doubt_agreed),
}


def _doubts(connection: Connection, situation: Situation) -> Iterable[Callable[[Feature, Pair], Pair]]:
    """What to doubt. Somebody recovered in the life that a store has lost: then the board may have gone back in it."""
    kept, theirs = Kept.load(counter.read_mark(connection)), situation.theirs
    again = kept is not None and theirs is not None and theirs.epoch > Mark.load(kept.current).epoch
    if again and situation.verdict is Verdict.STORE_WENT_BACK:
        return _DOUBTS[Verdict.OTHER_COPY]
    return _DOUBTS[situation.verdict]


_FORGETS = frozenset({Verdict.STORE_WENT_BACK, Verdict.OTHER_STORE, Verdict.OTHER_COPY})
"""Verdicts by which what is owed may have been done already, by the store as it was or by another."""


def _doubt_pairs(connection: Connection, doubt: Callable[[Feature, Pair], Pair]) -> None:
    board = counter.identity(connection).board or ""
    # Retired ones too: their cards may be there again.
    for guid in connection.execute(select(tables.pair.c.guid)).scalars().all():
        stored, feature = pairs.pair_of(connection, board, guid), find_feature(connection, guid)
        assert stored is not None, "read in this transaction"
        assert feature is not None, "likewise"
        doubted = doubt(feature, stored.pair)
        if doubted != stored.pair:
            pairs.write_pair(connection, replace(stored, pair=doubted))


def _recall_versions(connection: Connection) -> None:
    """Versions that a proposal has come to since the store was put back are not those that its card was told of."""
    board = counter.identity(connection).board or ""
    for guid, version in versions_since(connection, last_known(connection)).items():
        stored = pairs.pair_of(connection, board, guid)
        if stored is not None:
            pairs.write_pair(connection, replace(stored, pair=replace(stored.pair, recalled=version - 1)))


def _owe_links(connection: Connection, parts: Parts) -> None:
    """The links made since the board's backup are gone with it; those that are there are found."""
    f = tables.feature.c
    public = select(f.guid).where(f.visibility == Visibility.PUBLIC)
    for guid in connection.execute(public).scalars().all():
        outbox.owe(connection, guid, [LINK], parts.now())


def rehearse(parts: Parts, progress: Callable[[int, int], None]) -> Report:
    """What going on would change: recovering and a full sweep, on a copy of the store that is thrown away.

    Raises `BadRequest` for a store that is no file.
    """
    with _copied(parts) as trial:
        situation = look_around(trial)
        with trial.database.writing(gate=False) as connection:
            _go_on(connection, trial, situation)
            counter.write_mark(connection, None if situation.found is None else Kept(situation.found).dump())
        return sweep(trial, SweepOptions(full=True, dry_run=True), progress=progress)


@contextmanager
def _copied(parts: Parts) -> Iterator[Parts]:
    store = store_file(parts.database.url)
    with tempfile.TemporaryDirectory(dir=store.parent, prefix=".recover-") as folder:
        copy = Path(folder) / store.name
        copy.touch(mode=0o600)
        copy_store(store, copy)
        database = Database(f"sqlite:///{copy}")
        try:
            yield replace(parts, database=database)
        finally:
            database.close()
