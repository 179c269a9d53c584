"""Ways to break the engine, at least one for each of the twelve rules that keep edits. The storms must notice each."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from kanban_adapter.memory import MemoryBoard
from sync_service.editing import applying, pushes
from sync_service.engine import gathering, mark, performing, proposal, reading, recovery
from sync_service.engine.interpret import to_metadata
from sync_service.store import database, features, inbox
from sync_service.store.counter import next_seq
from sync_service.sync import decide, merge
from sync_service.sync.editing import merge_edit
from sync_service.sync.merge import FieldState
from sync_service.sync.state import Owed, Sides
from sync_service.sync.values import Visibility
from tests.simulation.storm import Aim

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Mutation:
    """A broken engine: which rule it breaks (0: the gate of what is public), in words, how, and the storms for it."""

    rule: int
    words: str
    where: Any
    name: str
    instead: Any
    aim: Aim

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The engine is broken this way meanwhile."""
        assert hasattr(self.where, self.name), f"{self.where} has no {self.name} any more"
        with patch.object(self.where, self.name, self.instead):
            yield


def _agrees_at_once(state: FieldState, card: Any) -> FieldState:
    if card == state.mine:
        return replace(state, agreed=card)
    if card == state.agreed:
        return replace(state, agreed=state.mine, owed=Owed(expected=card, target=state.mine))
    if state.mine == state.agreed:
        return FieldState(agreed=card, mine=card)
    return replace(state, clash=Sides(base=state.agreed, theirs=card, mine=state.mine))


def _forgets_forms(state: FieldState, card: Any) -> FieldState:
    if state.mine == state.agreed and card != state.mine:
        return FieldState(agreed=card, mine=card)
    return _COMPARE(state, card)


def _newest_wins(state: FieldState, card: Any) -> FieldState:
    done = _COMPARE(state, card)
    return done if done.clash is None else FieldState(agreed=card, mine=card)


_COMPARE = merge._compare
_MERGE_EDIT = merge_edit
_NEXT = next_seq


def _without_base(current: Any, _base: Any, edit: Any, **options: Any) -> Any:
    return _MERGE_EDIT(current, current, edit, **options)


def _with_holes(connection: Any, count: int = 1) -> int:
    _NEXT(connection)
    return _NEXT(connection, count)


def _always(*_given: Any, **_options: Any) -> bool:
    return True


def _nothing(*_given: Any, **_options: Any) -> None:
    return None


def _settles_all(connection: Any, hint: Any) -> None:
    connection.exec_driver_sql("DELETE FROM inbox WHERE card_id = ?", (hint.card_id,))


def _shortens(value: Any) -> str:
    return str(to_metadata(value))[:-1]


def _finds_nothing(*_given: Any) -> list[str]:
    return []


def _public(*_given: Any, **_options: Any) -> Visibility:
    return Visibility.PUBLIC


def _fine(*_given: Any) -> mark.Verdict:
    return mark.Verdict.FINE


_WHOLE: dict[str, Any] = {"crash": 0.0, "board_fault": 0.0, "answer_lost": 0.0, "store_fault": 0.0, "commit_lost": 0.0}
_NO_DOUBTS: dict[mark.Verdict, tuple[()]] = dict.fromkeys(mark.Verdict, ())
_CALM: dict[str, Any] = {**_WHOLE, "board_restores": False, "store_restores": False}
_QUIET: dict[str, Any] = {**_CALM, "meddling": 0.0}
_BUSY: dict[str, Any] = {**_CALM, "meddling": 0.25, "webhook_lost": 0.0}
_PUSHING = Aim(_QUIET, {"edit": 40, "push": 30, "pull": 15, "edit_metadata": 15})
_RACING = Aim({**_BUSY, "meddling": 0.4, "second_worker": 0.6}, {"retitle": 60})
_REUSING = Aim(_QUIET, {"remove": 25, "add": 25})
_FORMS = Aim(
    {**_QUIET, "metadata_in_forms": True, "webhook_lost": 0.0},
    {"add": 1, "draw": 0, "edit": 30, "push": 30, "pull": 20, "open_form": 20, "save_form": 10, "edit_line": 1},
    steps=250,
)
_DRAWING = Aim({**_QUIET, "answer_lost": 0.6, "webhook_lost": 1.0}, {"draw": 40, "push": 40})
_HEARING = Aim({**_BUSY, "meddling": 0.15, "second_worker": 0.0, "prompt": True}, {"retitle": 200}, steps=40)
_SURGING = Aim({**_QUIET, "surge_limit": 2}, {"drag": 60, "add": 20})
_GATED = Aim(_QUIET, {"shut_gate": 20, "open_gate": 5, "retitle": 20})
_REPEATING = Aim({**_QUIET, "answer_to_editor_lost": 0.3}, {"edit": 40, "push": 30, "push_again": 30})
_RESTORING = Aim({**_QUIET, "board_restores": True}, {"back_up_board": 60, "restore_board": 15, "draw": 60, "push": 90})
_EDITING = {"edit": 60, "push": 60, "pull": 30, "edit_metadata": 30, "recover": 10}
_BOARD_BACK = Aim({**_QUIET, "board_restores": True}, {**_EDITING, "back_up_board": 20, "restore_board": 8})
_DRAGGING = Aim(_QUIET, {"drag": 30})

MUTATIONS = (
    Mutation(1, "a value is agreed as soon as it is owed", merge, "_compare", _agrees_at_once, _PUSHING),
    Mutation(2, "an older reading is believed after a newer one", gathering, "check_ticket", _nothing, _RACING),
    Mutation(3, "a card is its id, whenever it was made", reading, "ids_reused", _finds_nothing, _REUSING),
    Mutation(4, "an old form's value is an edit", merge, "_compare", _forgets_forms, _FORMS),
    Mutation(5, "a value is not written as it is read", performing, "to_metadata", _shortens, _PUSHING),
    Mutation(6, "a card is made without looking for it", MemoryBoard, "find_reference", _finds_nothing, _DRAWING),
    Mutation(7, "a hint that came meanwhile is settled too", inbox, "settle_hint", _settles_all, _HEARING),
    Mutation(8, "numbers of changes are left out", features, "next_seq", _with_holes, _DRAGGING),
    Mutation(9, "a board that went back is not noticed", mark, "judge", _fine, _RESTORING),
    Mutation(9, "an older board is believed", recovery, "_DOUBTS", _NO_DOUBTS, _BOARD_BACK),
    Mutation(10, "a surge does not wait", proposal, "within_surge", _always, _SURGING),
    Mutation(11, "writers pass a shut gate", database, "_pass_gate", _nothing, _GATED),
    Mutation(12, "an edit is merged with what it never saw", applying, "merge_edit", _without_base, _PUSHING),
    Mutation(12, "whatever differs, the card wins", merge, "_compare", _newest_wins, _PUSHING),
    Mutation(12, "a push that comes again is applied again", pushes, "keep_edits", _nothing, _REPEATING),
    Mutation(0, "every stage is public", decide, "visibility_for", _public, _DRAGGING),
)
