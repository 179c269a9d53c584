"""A push: edits that came in together, in one transaction.

Each is kept by the name its client gave it, with what became of it: the same one again does nothing and gets the same
answer, whatever died in between.
"""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from dataclasses import dataclass, field, replace
from enum import StrEnum
from hashlib import blake2b
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import orjson

from sync_service.editing.applying import EditRules, Incoming, Outcome, apply_edits
from sync_service.editing.versions import version_text
from sync_service.errors import Unprocessable
from sync_service.store.clock import stamp
from sync_service.store.counter import identity
from sync_service.store.pushes import KeptEdit, KeptPush, find_edits, find_push, keep_edits, keep_push
from sync_service.sync.editing import Edit, EditStatus, Refusal
from sync_service.words import say

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from sync_service.store.counter import Identity
    from sync_service.store.database import Database
    from sync_service.store.features import Author
    from sync_service.words import Language


class Mode(StrEnum):
    """Whether each edit stands for itself, or all are kept or none."""

    EACH = "each"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Change:
    """One edit of a push: its name (None: it may be done twice), the version it was made from, as on the wire.

    With `overwrite` it takes what it clashes with, and what it replaced of another hand's is offered back.
    """

    change_id: str | None
    edit: Edit
    base_version: str | None = None
    overwrite: bool = False


@dataclass(frozen=True, slots=True)
class Push:
    """What a client sends at once. `source` stands in the history: qgis, ogc, import, map and so on.

    `key` is the client's Idempotency-Key; without one a push has a key of ours, by which it can be put back.
    """

    key: str | None
    client_id: str
    source: str
    changes: Sequence[Change]
    mode: Mode = Mode.EACH
    check_only: bool = False


@dataclass(frozen=True, slots=True)
class EditResult:
    """What became of one change. `clash` is ready for JSON; `replayed`: it was answered before and nothing was done."""

    change_id: str | None
    guid: str
    status: EditStatus
    version: str | None
    refusal: Refusal | None = None
    clash: Mapping[str, Any] | None = None
    replayed: bool = False

    @property
    def failed(self) -> bool:
        """Whether not all of it was applied."""
        return self.status in (EditStatus.CLASH, EditStatus.REJECTED)

    def message(self, language: Language) -> str | None:
        """Why it was rejected, in words."""
        return None if self.refusal is None else say(f"rejections.{self.refusal.code}", language, **self.refusal.data)


@dataclass(frozen=True, slots=True)
class PushAnswer:
    """One result per change, in order. `kept`: it was written, and the worker has something to do."""

    key: str
    results: Sequence[EditResult] = field(default_factory=tuple)
    kept: bool = True

    @property
    def failed(self) -> bool:
        """Whether not all of it was applied."""
        return any(result.failed for result in self.results)


class _NotKept(Exception):
    pass


def apply_push(
    database: Database,
    push: Push,
    author: Author,
    rules: EditRules,
    now: datetime,
    *,
    guard: Callable[[Connection], None] | None = None,
) -> PushAnswer:
    """Apply a push. Raises `Unprocessable` when its key came with another content before.

    With `check_only`, and when one fails where all must stand, nothing is kept: the answer tells what would be.
    `guard` looks at the store inside the transaction first, and raises if nothing may be done.
    """
    signed = replace(author, source=push.source, push=push.key or str(uuid4()))
    try:
        with database.writing() as connection:
            if guard is not None:
                guard(connection)
            answer = _apply(connection, push, signed, rules, now)
            _keep_or_not(push, answer)
    except _NotKept:
        return _taken_back(push, answer)
    return answer


def _keep_or_not(push: Push, answer: PushAnswer) -> None:
    if push.check_only or (push.mode is Mode.ALL and answer.failed):
        raise _NotKept


def _apply(connection: Connection, push: Push, author: Author, rules: EditRules, now: datetime) -> PushAnswer:
    assert author.push is not None, "signed by apply_push"
    me = identity(connection)
    before = _known_push(connection, push, author.push)
    known = find_edits(connection, push.client_id, [c.change_id for c in push.changes if c.change_id is not None])
    fresh = _fresh(push, known)
    incoming = [_incoming(push, push.changes[position]) for position in fresh]
    outcomes = apply_edits(connection, incoming, author, rules, now)
    done = {n: _result(me, push.changes[n], outcome) for n, outcome in zip(fresh, outcomes, strict=True)}
    edits = [_kept_edit(push.changes[n], result) for n, result in done.items() if result.change_id is not None]
    counts = Counter(result.status.value for result in done.values())
    digest, by = _push_digest(push), author.who_id
    this = KeptPush(author.push, digest, push.client_id, stamp(now), author.who, push.source, counts, who_id=by)
    if before is None:
        keep_push(connection, this)
    keep_edits(connection, this, edits)
    known |= {edit.change_id: edit for edit in edits}
    results = [done.get(n) or _replay(change, known) for n, change in enumerate(push.changes)]
    return PushAnswer(author.push, tuple(results), kept=bool(done))


def _known_push(connection: Connection, push: Push, key: str) -> KeptPush | None:
    kept = find_push(connection, key)
    if kept is not None and kept.body_hash != _push_digest(push):
        raise Unprocessable("Idempotency-Key", "key_reused")
    return kept


def _fresh(push: Push, known: Mapping[str, KeptEdit]) -> list[int]:
    """Positions of the changes that were not answered before, nor named twice in this push."""
    seen = set(known)
    fresh = []
    for position, change in enumerate(push.changes):
        if change.change_id is None or change.change_id not in seen:
            fresh.append(position)
        if change.change_id is not None:
            seen.add(change.change_id)
    return fresh


def _incoming(push: Push, change: Change) -> Incoming:
    return Incoming(change.edit, change.base_version, change.overwrite, push.client_id)


def _result(me: Identity, change: Change, outcome: Outcome) -> EditResult:
    version = None if outcome.version is None else version_text(me, outcome.version)
    clash = None if outcome.clash is None else outcome.clash.document()
    return EditResult(change.change_id, outcome.guid, outcome.status, version, outcome.refusal, clash)


def _kept_edit(change: Change, result: EditResult) -> KeptEdit:
    return KeptEdit(str(change.change_id), _digest(_content(change)), _document(result), result.guid)


def _replay(change: Change, known: Mapping[str, KeptEdit]) -> EditResult:
    kept = known[str(change.change_id)]
    if kept.hash != _digest(_content(change)):
        reused = Refusal("change_id_reused")
        return EditResult(change.change_id, change.edit.guid, EditStatus.REJECTED, None, reused)
    told = kept.result
    refusal = None if told["code"] is None else Refusal(told["code"], told["data"])
    status = EditStatus(told["status"])
    return EditResult(change.change_id, kept.guid, status, told["version"], refusal, told["clash"], replayed=True)


def _document(result: EditResult) -> dict[str, Any]:
    refusal = result.refusal or Refusal("")
    return {
        "status": result.status.value,
        "version": result.version,
        "code": refusal.code or None,
        "data": dict(refusal.data),
        "clash": result.clash,
    }


def _taken_back(push: Push, answer: PushAnswer) -> PushAnswer:
    """What would have been: clashes bear no name, and where all must stand, none of the others does."""
    spoiled = push.mode is Mode.ALL and answer.failed and not push.check_only
    results = [_unmade(result, spoiled=spoiled) for result in answer.results]
    return PushAnswer(answer.key, tuple(results), kept=False)


def _unmade(result: EditResult, *, spoiled: bool) -> EditResult:
    if result.replayed:
        return result
    if result.clash is not None:
        result = replace(result, clash={**result.clash, "id": None, "revision": None})
    if result.status not in (EditStatus.UNCHANGED, EditStatus.REJECTED):
        # That version may still come to be another's.
        result = replace(result, version=None)
    if result.failed or not spoiled:
        return result
    return replace(result, status=EditStatus.REJECTED, refusal=Refusal("all_or_nothing"))


def _content(change: Change) -> list[Any]:
    edit = change.edit
    geometry = None if edit.geometry is None else b64encode(edit.geometry).decode()
    return [edit.op, edit.guid, dict(edit.set), geometry, edit.rounded, change.base_version, change.overwrite]


def _push_digest(push: Push) -> str:
    changes = [[change.change_id, _content(change)] for change in push.changes]
    return _digest([push.client_id, push.source, push.mode, changes])


def _digest(content: Any) -> str:
    return blake2b(orjson.dumps(content, option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()
