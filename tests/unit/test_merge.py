"""One shared field: every way in which the card and the map can come to differ, and what becomes of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sync_service.sync.merge import ASKED, FieldState, acknowledge, merge_check, merge_field
from sync_service.sync.state import Owed, Sides
from tests.builders import make_pair

A, B, C = "Мира, 1", "Мира, 2", "Мира, 3"
REST = FieldState(agreed=A, mine=A)
OWING = FieldState(agreed=A, mine=B, owed=Owed(A, B))
CONFIRMED = FieldState(agreed=B, mine=B, replaced=(A,))
CLASHING = FieldState(agreed=A, mine=B, clash=Sides(A, C, B))


@pytest.mark.parametrize(
    ("state", "card", "after"),
    [
        pytest.param(REST, A, REST, id="nobody changed anything"),
        pytest.param(REST, B, FieldState(B, B), id="the board changed it"),
        pytest.param(REST, None, FieldState(None, None), id="the board cleared it"),
        pytest.param(replace(REST, mine=B), A, OWING, id="the map changed it"),
        pytest.param(replace(REST, mine=None), A, FieldState(A, None, Owed(A, None)), id="the map cleared it"),
        pytest.param(replace(REST, mine=B), B, FieldState(B, B), id="both changed it alike"),
        pytest.param(replace(REST, mine=B), C, CLASHING, id="both changed it differently"),
        pytest.param(OWING, A, OWING, id="not written yet"),
        pytest.param(OWING, B, CONFIRMED, id="read back"),
        pytest.param(OWING, C, CLASHING, id="the board was faster"),
        pytest.param(replace(OWING, mine=A), A, REST, id="a revert cancels the debt"),
        pytest.param(replace(OWING, mine=C), A, FieldState(A, C, Owed(A, C)), id="edited again before it was written"),
        pytest.param(
            replace(OWING, mine=C), B, FieldState(B, C, Owed(B, C), (A,)), id="edited again while it was written"
        ),
        pytest.param(replace(OWING, mine=A), B, FieldState(B, A, Owed(B, A), (A,)), id="reverted while it was written"),
        pytest.param(CONFIRMED, A, replace(CONFIRMED, clash=Sides(B, A, B)), id="what our write replaced, seen again"),
        pytest.param(CONFIRMED, C, FieldState(C, C), id="a true edit after our write"),
        pytest.param(
            FieldState(None, None, replaced=(A,)), None, FieldState(None, None, replaced=(A,)), id="cleared and at rest"
        ),
        pytest.param(
            FieldState(A, A, replaced=(None,)),
            None,
            FieldState(A, A, None, (None,), Sides(A, None, A)),
            id="an empty value that our write replaced",
        ),
        pytest.param(CLASHING, C, CLASHING, id="a clash stays"),
        pytest.param(CLASHING, A, replace(CLASHING, clash=Sides(A, A, B)), id="a clash follows the board"),
        pytest.param(
            replace(CLASHING, mine=A), C, replace(CLASHING, mine=A, clash=Sides(A, C, A)), id="a clash follows the map"
        ),
        pytest.param(CLASHING, B, FieldState(B, B), id="a clash ends when both say the same"),
        pytest.param(FieldState(None, None), A, FieldState(A, A), id="first read from the card"),
        pytest.param(
            FieldState(None, A), None, FieldState(None, A, Owed(None, A)), id="drawn on the map, new to the card"
        ),
        pytest.param(FieldState(A, A, Owed(C, A)), A, FieldState(A, A, None, (C,)), id="older metadata brought up"),
    ],
)
def test_field(state: FieldState, card: str | None, after: FieldState) -> None:
    assert merge_field(state, card) == after
    again = merge_field(after, card)
    assert (again.mine, again.clash, again.agreed) == (after.mine, after.clash, after.agreed)


@pytest.mark.parametrize(
    ("state", "tagged", "after"),
    [
        pytest.param(FieldState(None, None), False, FieldState(None, None), id="nothing to look at"),
        pytest.param(FieldState(None, "why"), False, FieldState(None, "why", Owed(None, "why")), id="tag is owed"),
        pytest.param(FieldState(None, "why", Owed(None, "why")), True, FieldState("why", "why"), id="tag is there"),
        pytest.param(FieldState("why", "why"), False, FieldState(None, None), id="a moderator took the tag off"),
        pytest.param(FieldState(None, None), True, FieldState(ASKED, ASKED), id="a moderator put the tag on"),
        pytest.param(
            FieldState("why", None), True, FieldState("why", None, Owed("why", None)), id="cleared on the map"
        ),
        pytest.param(FieldState("why", None, Owed("why", None)), False, FieldState(None, None), id="cleared on both"),
        pytest.param(FieldState("why", "else"), True, FieldState("else", "else"), id="another reason, the same tag"),
        pytest.param(
            FieldState("why", "else"), False, FieldState("why", "else", Owed("why", "else")), id="asked anew meanwhile"
        ),
    ],
)
def test_place_check(state: FieldState, tagged: bool, after: FieldState) -> None:
    assert merge_check(state, tagged=tagged) == after


@pytest.mark.parametrize(
    ("chosen", "card", "after"),
    [
        pytest.param(C, C, FieldState(C, C), id="theirs: both rest"),
        pytest.param(B, C, FieldState(C, B, Owed(C, B)), id="mine: owed to the card"),
        pytest.param(A, C, FieldState(C, A, Owed(C, A)), id="neither: owed to the card"),
        pytest.param(C, A, FieldState(A, A), id="theirs, and the board moved on"),
        pytest.param(B, A, FieldState(C, B, clash=Sides(C, A, B)), id="mine, and the board moved on: a clash again"),
        pytest.param(B, B, FieldState(B, B), id="mine, and the board came to say so"),
    ],
)
def test_resolved(chosen: str, card: str, after: FieldState) -> None:
    pair = make_pair(agreed={"address": A}, replaced={"address": C}, clashing={"address": Sides(A, C, B)})
    known = acknowledge(pair, {"address": C})
    assert (known.clashing, known.replaced, known.owed) == ({}, {}, {})
    assert merge_field(FieldState(agreed=known.agreed["address"], mine=chosen), card) == after
