"""What is sent: frozen in the copy before it goes, settled there when it is answered.

A batch that was sent and not answered is sent again, byte for byte, before anything else: the service knows each of
its changes by name, and does none of them twice. What is edited meanwhile stays an edit, made from what was frozen.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from placecard.core.copyfile.edits import ADDED, CHANGED, edits_in
from placecard.core.copyfile.rows import image_of, local_guids, read_states
from placecard.core.copyfile.settling import Frozen, settle_one
from placecard.core.wire import APPLIED, MERGED, text_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from placecard.core.copyfile.copy import WorkingCopy
    from placecard.core.copyfile.edits import LocalEdit
    from placecard.core.copyfile.rows import Book
    from placecard.core.wire import Limits, Result

_OPS = {ADDED: "create", CHANGED: "update"}
_ROOM = 0.9
"""Of the largest body: the rest is for what stands around the changes."""


@dataclass(frozen=True)
class Batch:
    """What is sent under one key. `guids` are in the order of the changes."""

    key: str
    body: bytes
    guids: tuple[str, ...]


def change_of(edit: LocalEdit) -> dict[str, Any]:
    """An edit as one change of a push, with a name of its own."""
    change: dict[str, Any] = {"change_id": str(uuid4()), "guid": edit.guid, "op": _OPS.get(edit.kind, "unplace")}
    if edit.base_version is not None:
        change["base_version"] = edit.base_version
    if edit.set:
        change["set"] = dict(edit.set)
    if edit.geometry is not None:
        change["geometry"] = text_of(edit.geometry)
    return change


def pack(edits: Iterable[LocalEdit], limits: Limits) -> list[dict[str, Any]]:
    """As many changes as one push may have."""
    changes: list[dict[str, Any]] = []
    room = limits.body_bytes * _ROOM
    for edit in edits:
        change = change_of(edit)
        room -= len(json.dumps(change))
        if len(changes) == limits.changes or (room < 0 and changes):
            break
        changes.append(change)
    return changes


def body_of(changes: Sequence[Mapping[str, Any]], client_id: str, schema_rev: str, *, check: bool = False) -> bytes:
    """The body of a push."""
    told = {"client_id": client_id, "schema_rev": schema_rev, "mode": "each", "changes": list(changes)}
    return json.dumps({**told, "check_only": True} if check else told).encode()


def freeze(copy: WorkingCopy, guids: Collection[str] | None = None, skip: Collection[str] = ()) -> Batch | None:
    """Freeze what was edited, of these proposals or of all; None if nothing is left to send.

    It is in the file before anything is sent.
    """
    limits, facts = copy.capabilities.limits, copy.facts
    with copy.writing() as book:
        wanted = sorted(guid for guid in local_guids(book) if (guids is None or guid in guids) and guid not in skip)
        changes = pack((edit for edit in edits_in(book, wanted) if edit.sendable), limits)
        if not changes:
            return None
        batch = Batch(str(uuid4()), body_of(changes, facts.client_id, facts.schema_rev), _guids(changes))
        _keep(book, batch, changes)
    return batch


def _guids(changes: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(change["guid"] for change in changes)


def _keep(book: Book, batch: Batch, changes: Sequence[Mapping[str, Any]]) -> None:
    now = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
    book.run("INSERT INTO placecard_batch (key, body, made) VALUES (?, ?, $now)", batch.key, batch.body, now=now)
    states = read_states(book, batch.guids)
    for change in changes:
        told = json.dumps([row.told() for row in states[change["guid"]].rows])
        values = (batch.key, change["change_id"], change["guid"], told)
        book.run("INSERT INTO placecard_frozen VALUES (?, ?, ?, ?)", *values)
        book.run("DELETE FROM placecard_result WHERE guid = ?", change["guid"])


def unanswered(copy: WorkingCopy) -> Batch | None:
    """The batch that was frozen and not settled, the oldest if there are several."""
    with copy.reading() as book:
        found = book.run("SELECT key, body FROM placecard_batch ORDER BY made, key LIMIT 1").fetchone()
    if found is None:
        return None
    key, body = found
    return Batch(key, bytes(body), _guids(json.loads(body)["changes"]))


def note_sending(copy: WorkingCopy, batch: Batch) -> None:
    """The batch is about to be sent: from now on what it says may have been done."""
    with copy.writing() as book:
        book.run("UPDATE placecard_batch SET sent = sent + 1 WHERE key = ?", batch.key)


def renew(copy: WorkingCopy, batch: Batch, schema_rev: str) -> Batch:
    """The same batch for a service whose properties are others now: the changes keep their names and contents."""
    told = {**json.loads(batch.body), "schema_rev": schema_rev}
    renewed = Batch(batch.key, json.dumps(told).encode(), batch.guids)
    with copy.writing() as book:
        book.run("UPDATE placecard_batch SET body = ? WHERE key = ?", renewed.body, batch.key)
    return renewed


def settle(copy: WorkingCopy, batch: Batch, results: Sequence[Result]) -> None:
    """What became of a batch, in one transaction: afterwards it is as if it had never been frozen."""
    answered = {result.change_id: result for result in results}
    with copy.writing() as book:
        images = dict(book.run("SELECT change_id, image FROM placecard_frozen WHERE key = ?", batch.key).fetchall())
        if not images:
            return  # settled before, by another hand
        states = read_states(book, batch.guids)
        for change in json.loads(batch.body)["changes"]:
            rows = tuple(image_of(book.layout, told) for told in json.loads(images[change["change_id"]]))
            result = answered.get(change["change_id"])
            if result is not None:
                settle_one(book, states[change["guid"]], Frozen(rows, change), result)
        _forget(book, batch, sum(result.status in {APPLIED, MERGED} for result in results))


def drop(copy: WorkingCopy, batch: Batch) -> None:
    """The service will not read this batch, whatever is sent: its edits stay edits."""
    with copy.writing() as book:
        _forget(book, batch, 0)


def _forget(book: Book, batch: Batch, applied: int) -> None:
    if applied:
        keep = "INSERT OR REPLACE INTO placecard_push SELECT key, made, ? FROM placecard_batch WHERE key = ?"
        book.run(keep, applied, batch.key)
    for name in ("batch", "frozen"):
        book.run("DELETE FROM $table WHERE key = ?", batch.key, table=f"placecard_{name}")
