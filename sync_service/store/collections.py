"""Which collections a feature stands in: the one place that knows. Pure; the queries derive their filters from it."""

from __future__ import annotations

from dataclasses import dataclass

from sync_service.sync.values import PUBLIC_STAGES, Kind, Placement, Visibility


@dataclass(frozen=True, slots=True)
class Collection:
    """A set of features under one address.

    `public` ones show public features with public properties; the others show every feature that is not retired, to
    whoever may read working data. `kind` narrows to one kind of geometry and makes it always Multi; `placed` tells
    whether members have a geometry.
    """

    name: str
    public: bool
    placed: bool
    kind: Kind | None
    ru: str
    en: str


COLLECTIONS: dict[str, Collection] = {
    c.name: c
    for c in (
        Collection("proposals", True, True, None, "Предложения", "Proposals"),
        Collection("proposals_points", True, True, Kind.POINT, "Предложения: точки", "Proposals: points"),
        Collection("proposals_lines", True, True, Kind.LINE, "Предложения: линии", "Proposals: lines"),
        Collection("proposals_areas", True, True, Kind.AREA, "Предложения: площади", "Proposals: areas"),
        Collection("proposals_noplace", True, False, None, "Предложения без точки", "Proposals without a point"),
        Collection("unplaced", False, False, None, "Ждут места на карте", "Waiting for a place"),
        Collection("working_points", False, True, Kind.POINT, "Все стадии: точки", "All stages: points"),
        Collection("working_lines", False, True, Kind.LINE, "Все стадии: линии", "All stages: lines"),
        Collection("working_areas", False, True, Kind.AREA, "Все стадии: площади", "All stages: areas"),
    )
}

QUEUE = "unplaced"
NOPLACE_PLACEMENTS = frozenset({Placement.DISTRICT, Placement.CITYWIDE, Placement.NONE})


@dataclass(frozen=True, slots=True)
class Standing:
    """What decides membership: visibility, stage, placement and the kind of the geometry (None: no geometry)."""

    visibility: Visibility
    stage: str | None
    placement: str | None
    kind: Kind | None


def collections_of(standing: Standing) -> frozenset[str]:
    """Names of all collections a feature of this standing is in; none when it is retired."""
    return frozenset(c.name for c in COLLECTIONS.values() if _holds(c, standing))


def _holds(collection: Collection, standing: Standing) -> bool:
    if standing.visibility is Visibility.RETIRED:
        return False
    if collection.public and standing.visibility is not Visibility.PUBLIC:
        return False
    if collection.placed:
        return standing.kind is not None and collection.kind in (None, standing.kind)
    if collection.name == QUEUE:
        return standing.kind is None and standing.placement == Placement.UNPLACED and standing.stage in PUBLIC_STAGES
    return standing.kind is None and standing.placement in NOPLACE_PLACEMENTS
