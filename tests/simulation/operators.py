"""Whoever runs the service: makes backups of both sides, puts them back, shuts the gate, and recovers."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import orjson

from kanban_adapter.card import MARK_NOTE
from kanban_adapter.errors import BoardError
from sync_service.engine.mark import REGRESSION
from sync_service.engine.recovery import recover
from sync_service.store.leases import read_note
from sync_service.store.restore import begin_life
from tests.simulation.restores import Restores
from tests.simulation.store import Image

if TYPE_CHECKING:
    from kanban_adapter.memory.world import State
    from tests.simulation.editors import Editors
    from tests.simulation.moderators import Moderators
    from tests.simulation.rig import Rig


class Operator:
    """Each side is put back at most once in a run, by a backup made in it."""

    doings: ClassVar[dict[str, int]] = {
        "back_up_board": 3,
        "back_up_store": 3,
        "restore_board": 2,
        "restore_store": 2,
        "recover": 4,
        "shut_gate": 1,
        "open_gate": 2,
    }

    def __init__(self, rig: Rig, moderators: Moderators, editors: Editors) -> None:
        self._rig = rig
        self._moderators = moderators
        self._editors = editors
        self._board: tuple[State, int] | None = None
        self._store: tuple[Image, int] | None = None
        self._restores = Restores(rig)
        self._restored = {"board": not rig.chances.board_restores, "store": not rig.chances.store_restores}

    def idle(self) -> set[str]:
        """What is not done in this run."""
        return {
            f"{doing}_{side}" for side, never in self._restored.items() if never for doing in ("back_up", "restore")
        }

    def back_up_board(self) -> str | None:
        if self._rig.depth or self._restored["board"]:
            return None
        self._board = self._rig.world.snapshot(), self._rig.oracle.moment
        return "makes a backup of the board"

    def back_up_store(self) -> str | None:
        if self._rig.depth or self._restored["store"]:
            return None
        if self._store is not None:
            self._store[0].close()
        self._store = Image(self._rig.store.raw), self._rig.oracle.moment
        return "makes a backup of the store"

    def restore_board(self) -> str | None:
        rig = self._rig
        if rig.depth or self._board is None:
            return None
        (state, moment), self._board = self._board, None
        self._restored["board"] = True
        noticed, before = self._is_older_mark(state), self._restores.on_cards()
        rig.world.restore(state)
        self._restores.board_back(moment, before, noticed=noticed)
        rig.board.ours.clear()
        self._moderators.forms.clear()
        rig.feed.forget(rig.world.state.cards)
        rig.unheard = True
        return f"puts the board's backup back{'' if noticed else ', in which the mark is the present one'}"

    def _is_older_mark(self, state: State) -> bool:
        """Whether the mark in this backup is another than the store has left since, or is leaving."""
        (text,) = self._rig.store.raw.execute("SELECT mark FROM store").fetchone()
        kept = {"current": None, "previous": None} if text is None else orjson.loads(text)
        leaving = kept["current"] if kept["previous"] is None else kept["previous"] or None
        return state.notes[self._rig.project].get(MARK_NOTE) not in (kept["current"], leaving)

    def restore_store(self) -> str | None:
        rig = self._rig
        if rig.depth or self._store is None:
            return None
        (image, moment), self._store = self._store, None
        self._restored["store"] = True
        arrived = self._restores.arrived(moment)
        (past,) = rig.store.raw.execute("SELECT epoch FROM store").fetchone()
        image.pour(rig.store.raw)
        image.close()
        with rig.undisturbed(), rig.store.writing(gate=False) as connection:
            begin_life(connection, past)
        self._restores.store_back(moment, arrived)
        rig.restart()
        self._moderators.store_back(moment, noticed=self._is_older_mark(rig.world.state))
        for editor in self._editors.both:
            editor.sent = [sent for sent in editor.sent if sent.answer is None]
        rig.feed.forget(rig.world.state.cards)
        rig.unheard = True
        return "puts the store's backup back"

    def recover(self) -> str | None:
        """Goes on, where something went back."""
        with self._rig.server(), self._rig.store.reading() as connection:
            if read_note(connection, REGRESSION) is None:
                return None
            self._rig.say("recovers")
        with self._rig.server():
            try:
                recover(self._rig.process)
            except BoardError as error:
                return f"cannot leave the mark: {error}"
            finally:
                self._rig.feed.forget(self._rig.world.state.cards)
        return "has recovered"

    def shut_gate(self) -> str | None:
        """Keeps everybody from writing for a while."""
        return self._turn_gate("open", "frozen")

    def open_gate(self) -> str | None:
        return self._turn_gate("frozen", "open")

    def _turn_gate(self, before: str, after: str) -> str | None:
        if self._rig.depth:
            return None
        turned = self._rig.store.raw.execute("UPDATE store SET gate = ? WHERE gate = ?", (after, before)).rowcount
        return f"the store's gate is {after}" if turned else None
