"""How the stages look on the map and in its legend."""

from __future__ import annotations

from dataclasses import dataclass

from sync_service.sync.values import PUBLIC_STAGES, Stage


@dataclass(frozen=True, slots=True)
class StageLook:
    """A stage's colours and titles.

    `colour` is for a light page and `dark` for a dark one, both as `#rrggbb`. The colours differ in lightness as well
    as in hue and stay apart for the three kinds of colour blindness; `mark` (`dot`, `play`, `check`) tells them apart
    without any colour.
    """

    stage: Stage
    colour: str
    dark: str
    mark: str
    ru: str
    en: str


LOOKS = (
    StageLook(Stage.APPROVED, "#17479e", "#4f97ee", "dot", "Одобрено", "Approved"),
    StageLook(Stage.IN_PROGRESS, "#c25e00", "#f0a04b", "play", "В работе", "In progress"),
    StageLook(Stage.DONE, "#138a5e", "#7fe0b0", "check", "Выполнено", "Done"),
)
"""In the order in which a proposal passes them."""

assert {look.stage for look in LOOKS} == PUBLIC_STAGES
