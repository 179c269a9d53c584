"""From columns to stages, and the gate: when a proposal may be public. Pure; everything unknown is denied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sync_service.sync.values import PUBLIC_STAGES, Stage, Visibility

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_STAGES: Mapping[str, Stage] = {
    "предложено": Stage.PROPOSED,
    "backlog": Stage.PROPOSED,
    "на рассмотрении": Stage.REVIEW,
    "review": Stage.REVIEW,
    "ready": Stage.REVIEW,
    "одобрено": Stage.APPROVED,
    "approved": Stage.APPROVED,
    "в работе": Stage.IN_PROGRESS,
    "in progress": Stage.IN_PROGRESS,
    "work in progress": Stage.IN_PROGRESS,
    "выполнено": Stage.DONE,
    "done": Stage.DONE,
    "отклонено": Stage.REJECTED,
    "rejected": Stage.REJECTED,
}
"""Stage of a column by its plain title, until a person says otherwise."""


def plain_title(title: str) -> str:
    """A column title as it is compared: any letter case, any spacing."""
    return " ".join(title.split()).casefold()


def stage_for_title(title: str, stages: Mapping[str, Stage] = DEFAULT_STAGES) -> Stage | None:
    """The stage a column of this title has when first seen, by plain titles; None for one nobody mapped."""
    return stages.get(plain_title(title))


def stage_of(column_stage: Stage | None, *, closed: bool, duplicates: bool) -> Stage | None:
    """The stage of a card from its column's; a closed one is done only where done things stand, and is no duplicate."""
    if not closed:
        return column_stage
    return Stage.DONE if column_stage is Stage.DONE and not duplicates else Stage.CLOSED


def visibility_for(stage: Stage | None, *, watched: bool) -> Visibility:
    """The gate. Public only when all of it holds; whether anything is published at all, the caller adds."""
    if watched and stage in PUBLIC_STAGES:
        return Visibility.PUBLIC
    return Visibility.HIDDEN
