"""Columns, stages and the gate: everything that is not expressly public is hidden."""

from __future__ import annotations

import pytest

from sync_service.sync.stages import DEFAULT_STAGES, plain_title, stage_for_title, stage_of, visibility_for
from sync_service.sync.values import Stage, Visibility

PUBLIC = {Stage.APPROVED, Stage.IN_PROGRESS, Stage.DONE}


@pytest.mark.parametrize("stage", [None, *Stage])
@pytest.mark.parametrize("watched", [True, False])
def test_gate(stage: Stage | None, watched: bool) -> None:
    expected = Visibility.PUBLIC if watched and stage in PUBLIC else Visibility.HIDDEN
    assert visibility_for(stage, watched=watched) is expected


@pytest.mark.parametrize(
    ("column", "closed", "duplicates", "stage"),
    [
        (Stage.APPROVED, False, False, Stage.APPROVED),
        (Stage.APPROVED, False, True, Stage.APPROVED),
        (None, False, False, None),
        (Stage.DONE, True, False, Stage.DONE),
        (Stage.DONE, True, True, Stage.CLOSED),
        (Stage.APPROVED, True, False, Stage.CLOSED),
        (Stage.REJECTED, True, False, Stage.CLOSED),
        (None, True, False, Stage.CLOSED),
    ],
)
def test_closed_card(column: Stage | None, closed: bool, duplicates: bool, stage: Stage | None) -> None:
    assert stage_of(column, closed=closed, duplicates=duplicates) is stage


@pytest.mark.parametrize(
    ("title", "stage"),
    [
        ("Предложено", Stage.PROPOSED),
        ("BACKLOG", Stage.PROPOSED),
        ("  На   рассмотрении ", Stage.REVIEW),
        ("Ready", Stage.REVIEW),
        ("одобрено", Stage.APPROVED),
        ("Work in progress", Stage.IN_PROGRESS),
        ("ВЫПОЛНЕНО", Stage.DONE),
        ("Отклонено", Stage.REJECTED),
        ("Архив", None),
        ("", None),
    ],
)
def test_title_by_itself(title: str, stage: Stage | None) -> None:
    assert stage_for_title(title) is stage


def test_title_by_a_setting() -> None:
    stages = {**DEFAULT_STAGES, plain_title(" Согласовано  Советом"): Stage.APPROVED}
    assert stage_for_title("согласовано советом", stages) is Stage.APPROVED


def test_no_title_means_closed() -> None:
    assert Stage.CLOSED not in DEFAULT_STAGES.values()
