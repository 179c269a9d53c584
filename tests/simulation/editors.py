"""Two people with working copies of the map: they edit what they saw, push it later, push it again, and draw."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson

from sync_service.editing.actions import Act, Asked, act_on
from sync_service.editing.applying import EditRules
from sync_service.editing.pushes import Change, Mode, Push, apply_push
from sync_service.editing.undoing import undo_push
from sync_service.editing.versions import version_text
from sync_service.errors import Conflict, Gone, NotFound, PlacecardError
from sync_service.store.counter import identity
from sync_service.store.features import Author
from sync_service.store.feed import DELETE, change_rows
from sync_service.sync.editing import Edit as MapEdit
from sync_service.sync.editing import EditOp, EditStatus
from sync_service.sync.fields import field_table
from tests.simulation.words import SHARED, shown

if TYPE_CHECKING:
    from sync_service.editing.pushes import PushAnswer
    from tests.simulation.oracle import Edit
    from tests.simulation.rig import Rig

TWICE_BACK = "kept in a clash, replaced there by another word of its author, who then put that one back"
SAID_BY_TWO = "said by two, and put back by one of them"
TAKEN_BACK = "taken back on the map to what both had agreed on, before it reached the card"

_NAMES = tuple(field_table())
_TODAY = "2026-03-02"
_FIELDS = (*SHARED, "geometry", "geometry")
DOINGS = {
    "pull": 8,
    "edit": 12,
    "draw": 2,
    "unplace": 1,
    "push": 8,
    "push_again": 3,
    "try_push": 1,
    "put_back": 1,
    "act": 2,
}
"""What they do, and how often."""


@dataclass(slots=True)
class Row:
    """A proposal as a working copy has it."""

    version: str
    values: dict[str, Any]


@dataclass(slots=True)
class Draft:
    """An edit not pushed yet, the version it is made from, and what its author saw of each field."""

    op: EditOp
    base: str | None
    values: dict[str, Any] = field(default_factory=dict)
    saw: dict[str, set[Any]] = field(default_factory=dict)


@dataclass(slots=True)
class Sent:
    """A push that went out, and what the oracle knows of its edits, by change. `answer`: as last heard."""

    push: Push
    records: dict[str, list[Edit]]
    epoch: tuple[str, int]
    answer: PushAnswer | None = None


class Editor:
    """One of them. `rows` is the working copy, up to the number `cursor`."""

    def __init__(self, rig: Rig, name: str) -> None:
        self._rig = rig
        self.name = name
        self.rows: dict[str, Row] = {}
        self.cursor = 0
        self.epoch: tuple[str, int] = ("", 0)
        self.drafts: dict[str, Draft] = {}
        self.sent: list[Sent] = []
        self.own: dict[tuple[str, str], set[Any]] = {}
        self._number = 0

    def _name(self, what: str) -> str:
        self._number += 1
        return f"{self.name}-{what}-{self._number}"

    # --- the working copy

    def pull(self, limit: int = 3) -> str | None:
        with self._rig.server():
            taken = self._pull(limit)
            return f"{self.name} pulls {taken}" if taken else None
        return None

    def _pull(self, limit: int) -> int:
        with self._rig.store.reading() as connection:
            me = identity(connection)
            if (me.guid, me.epoch) != self.epoch:
                self.rows, self.cursor, self.epoch = {}, 0, (me.guid, me.epoch)
            rows = change_rows(connection, None, today=_TODAY, since=self.cursor, limit=limit)
        for row in rows:
            self.cursor = row[0]
            if row[1] == DELETE:
                self.rows.pop(row[2], None)
                continue
            named = dict(zip(_NAMES, row[5:], strict=True))
            values = {name: named[name] for name in SHARED} | {"geometry": row[4]}
            self.rows[row[2]] = Row(version_text(me, row[3]), values)
        return len(rows)

    def differs(self) -> list[str]:
        """Where the working copy is not what the store has, once everything was pulled."""
        while self._pull(50):
            continue
        query = "SELECT guid, horizon, address, cadastral_number, geometry FROM feature WHERE visibility <> 'retired'"
        stored = {
            guid: dict(zip((*SHARED, "geometry"), row, strict=True))
            for guid, *row in self._rig.store.raw.execute(query)
        }
        copy = {guid: row.values for guid, row in self.rows.items()}
        if copy == stored:
            return []
        wrong = [guid for guid in copy.keys() | stored.keys() if copy.get(guid) != stored.get(guid)]
        return [
            f"copy: {self.name} has {copy.get(guid)} of {guid}, the store {stored.get(guid)}" for guid in sorted(wrong)
        ]

    # --- editing

    def edit(self) -> str | None:
        if not self.rows:
            return None
        random = self._rig.random
        guid = random.choice(sorted(self.rows))
        draft = self._draft(guid, EditOp.UPDATE)
        if draft is None:
            return None
        name = random.choice(_FIELDS)
        value = None if name != "geometry" and random.random() < 0.1 else self._rig.fresh(name)
        if value == self.rows[guid].values[name]:
            return None
        draft.values[name] = value
        draft.saw.setdefault(name, set()).add(self.rows[guid].values[name])
        return f"{self.name} edits {guid}: {name} = {shown(value)} over {shown(self.rows[guid].values[name])}"

    def _draft(self, guid: str, op: EditOp) -> Draft | None:
        present = self.drafts.get(guid)
        if present is None:
            present = self.drafts[guid] = Draft(op, self.rows[guid].version)
        # What was drafted from an older copy stays so: a client pushes what its person saw.
        fresh = present.base == self.rows[guid].version
        return present if present.op is op and fresh else None

    def unplace(self) -> str | None:
        placed = [guid for guid, row in sorted(self.rows.items()) if row.values["geometry"] is not None]
        if not placed:
            return None
        guid = self._rig.random.choice(placed)
        if guid in self.drafts:
            return None
        draft = self._draft(guid, EditOp.UNPLACE)
        assert draft is not None
        draft.values["geometry"] = None
        draft.saw["geometry"] = {self.rows[guid].values["geometry"]}
        return f"{self.name} takes the place of {guid} away"

    def draw(self) -> str | None:
        guid = str(UUID(bytes=self._rig.random.randbytes(16), version=4))
        draft = self.drafts[guid] = Draft(EditOp.CREATE, None)
        for name in (*SHARED, "geometry"):
            if self._rig.random.random() < 0.5:
                draft.values[name] = self._rig.fresh(name)
                draft.saw[name] = set()
        return f"{self.name} draws {guid}: {', '.join(f'{n} = {shown(v)}' for n, v in draft.values.items())}"

    # --- pushing

    def push(self) -> str | None:
        if not self.drafts:
            return None
        random = self._rig.random
        guids = [guid for guid in self.drafts if random.random() < 0.8] or list(self.drafts)[:1]
        mode = Mode.ALL if random.random() < 0.2 else Mode.EACH
        changes, records = [], {}
        for guid in guids:
            draft = self.drafts.pop(guid)
            name = self._name("change")
            changes.append(_change(name, guid, draft, approved=random.random() < 0.3))
            records[name] = [self._record(guid, field, value, draft) for field, value in draft.values.items()]
        push = Push(self._name("push"), self.name, "qgis", changes, mode)
        sent = Sent(push, records, self.epoch)
        self.sent.append(sent)
        self._rig.say(f"{self.name} pushes {push.key} ({mode}): {[(c.change_id, c.edit.guid) for c in changes]}")
        self._send(sent)
        return "has pushed"

    def _record(self, guid: str, field: str, value: Any, draft: Draft) -> Edit:
        own = self.own.setdefault((guid, field), set())
        saw = draft.saw.get(field, set()) | own
        own.add(value)
        return self._rig.oracle.record(self.name, ("guid", guid), field, value, saw)

    def push_again(self) -> str | None:
        """Sends a push once more: one nobody answered, or one that was answered long ago."""
        unanswered = [sent for sent in self.sent if sent.answer is None]
        kept = [sent for sent in self.sent if sent.answer is not None and sent.answer.kept]
        if not unanswered and not kept:
            return None
        sent = unanswered[0] if unanswered else self._rig.random.choice(kept)
        self._rig.say(f"{self.name} pushes {sent.push.key} again")
        self._send(sent)
        return "has pushed"

    def _send(self, sent: Sent) -> None:
        answer, heard = None, sent.answer
        with self._rig.server():
            answer = self._apply(sent.push)
        if answer is None:
            return
        self._note(sent, answer)
        told = [(result.change_id, result.status.value, result.replayed) for result in answer.results]
        self._rig.say(f"answered {told}{'' if answer.kept else ' and kept nothing'}")
        if heard is not None and sent.epoch == self.epoch:
            self._compare(sent.push, heard, answer)
        elif self._rig.happens(self._rig.chances.answer_to_editor_lost):
            self._rig.say("which nobody hears")
        else:
            self._hear(sent, answer)

    def _apply(self, push: Push) -> PushAnswer:
        return apply_push(self._rig.store, push, Author("qgis", self.name), EditRules(may_approve=True), self._rig.now)

    def _note(self, sent: Sent, answer: PushAnswer) -> None:
        """What was done now, and not at an earlier try, came about now; its author knows all own words."""
        for result in answer.results:
            for record in () if result.replayed else sent.records[str(result.change_id)]:
                self._rig.oracle.happened(record)
                record.clashed = result.status is EditStatus.CLASH
                if self._is_taken_back(record):
                    record.excuse = TAKEN_BACK
                record.saw |= self.own.get((record.key[1], record.field), set()) - {record.value}

    def _is_taken_back(self, record: Edit) -> bool:
        """Whether the map says again what both had agreed on: its value in between has not been read back."""
        row = self._rig.store.raw.execute("SELECT state FROM pair WHERE guid = ?", (record.key[1],)).fetchone()
        agreed = {} if row is None else orjson.loads(row[0])["agreed"]
        return record.field in agreed and bool(agreed[record.field] == record.value)

    def _compare(self, push: Push, heard: PushAnswer, answer: PushAnswer) -> None:
        before = [(r.change_id, r.status, r.version) for r in heard.results]
        now = [(r.change_id, r.status, r.version) for r in answer.results]
        if before != now or not all(r.replayed for r in answer.results):
            self._rig.failures.append(f"twice: push {push.key} was answered {before}, and then {now}")

    def _hear(self, sent: Sent, answer: PushAnswer) -> None:
        sent.answer = answer
        for result in answer.results:
            assert result.change_id is not None
            nothing = result.status in (EditStatus.REJECTED, EditStatus.UNCHANGED)
            refused = nothing or (sent.push.mode is Mode.ALL and answer.failed)
            for record in sent.records[result.change_id]:
                record.refused |= refused
                row = self.rows.get(result.guid)
                if row is not None and result.status is EditStatus.APPLIED and result.version and not result.replayed:
                    row.values[record.field] = record.value
                    row.version = result.version

    def try_push(self) -> str | None:
        """Asks what would become of the drafts. Nothing may."""
        if not self.drafts:
            return None
        changes = [_change(self._name("try"), guid, draft, approved=False) for guid, draft in self.drafts.items()]
        before = self._rig.store.content()
        with self._rig.alone(), self._rig.server():
            self._apply(Push(None, self.name, "qgis", changes, check_only=True))
        if self._rig.store.content() != before:
            self._rig.failures.append(f"check_only: {self.name} changed something")
        return f"{self.name} asks what would become of the drafts"

    def put_back(self) -> str | None:
        """Puts back what one of the own pushes did."""
        kept = [sent for sent in self.sent if sent.answer is not None and sent.answer.kept]
        if not kept:
            return None
        sent = self._rig.random.choice(kept)
        with self._rig.undisturbed():
            assert sent.answer is not None
            try:
                done = undo_push(
                    self._rig.store, sent.answer.key, Author("qgis", self.name), self._rig.now, dry_run=False
                )
            except PlacecardError as error:
                return f"{self.name} cannot put {sent.push.key} back: {error}"
        back = {(each.guid, name) for each in done.proposals for name in each.fields}
        clashed = {r.guid for r in sent.answer.results if r.status is EditStatus.CLASH}
        for record in (record for records in sent.records.values() for record in records):
            guid = record.key[1]
            if (guid, record.field) in back:
                self._withdraw(record)
            record.refused |= guid in clashed
        told = [(each.guid, sorted(each.fields), each.spared) for each in done.proposals]
        return f"{self.name} puts {sent.push.key} back: {told}"

    def _withdraw(self, record: Edit) -> None:
        """A clash that an edit had settled does not come back when it is put back; who said the same is not told."""
        proposal = self._rig.oracle.proposal
        for other in self._rig.oracle.edits:
            same = (other.who, other.key, other.field) == (self.name, record.key, record.field)
            if same and other.clashed and other.value in record.saw:
                other.excuse = TWICE_BACK
            alike = other is not record and (other.field, other.value) == (record.field, record.value)
            if alike and proposal(other.key) == proposal(record.key):
                other.excuse = SAID_BY_TWO
        record.withdraw()

    def act(self) -> str | None:
        """Asks of the board what people may."""
        if not self.rows:
            return None
        guid = self._rig.random.choice(sorted(self.rows))
        act = self._rig.random.choice([each for each in Act if each is not Act.HAND_BACK])
        with self._rig.server():
            try:
                asked = Asked(act, "потому что", self.rows[guid].version, self._name("act"))
                act_on(self._rig.store, guid, asked, Author("qgis", self.name), self._rig.now)
            except (Conflict, Gone, NotFound) as error:
                return f"{self.name} may not {act} {guid}: {error}"
        return f"{self.name} asks to {act} {guid}"

    def finish(self) -> None:
        """Push again whatever was not answered, until it is."""
        for sent in self.sent:
            if sent.answer is None:
                self._rig.say(f"{self.name} pushes {sent.push.key} again")
                answer = self._apply(sent.push)
                self._note(sent, answer)
                self._hear(sent, answer)


def _change(name: str, guid: str, draft: Draft, *, approved: bool) -> Change:
    geometry = draft.values.get("geometry")
    said = {field: value for field, value in draft.values.items() if field != "geometry"}
    if draft.op is EditOp.CREATE:
        said["title"] = f"Нарисовано {name}"
        if approved:
            said["stage"] = "approved"
    return Change(name, MapEdit(draft.op, guid, said, geometry), draft.base)


class Editors:
    """Both of them: each doing is one of either's."""

    doings = DOINGS

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self.both = (Editor(rig, "anna"), Editor(rig, "boris"))

    def __getattr__(self, name: str) -> Any:
        def of_either() -> Any:
            return getattr(self._rig.random.choice(self.both), name)()

        return of_either
