"""What looking a place up can give: found, ambiguous, or not found. Values only, the same for every provider."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import shapely

from sync_service.places.reason import Reason

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry


class Precision(StrEnum):
    """How exactly a finding is known. Nothing coarser is ever a finding."""

    HOUSE = "house"
    CROSSING = "crossing"
    PARCEL = "parcel"


@dataclass(frozen=True, slots=True)
class Found:
    """One place: its geometry in CRS84, how exact it is, and what the provider calls it."""

    geometry: BaseGeometry
    precision: Precision
    label: str


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Several places fit. Their names stand in the reason."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class NotFound:
    """No place fits well enough to be believed."""

    reason: Reason


Finding = Found | Ambiguous | NotFound


def dump_finding(finding: Finding) -> str:
    """Write a finding as JSON text for a cache."""
    if isinstance(finding, Found):
        content = {
            "found": shapely.to_wkb(finding.geometry, hex=True),
            "precision": finding.precision,
            "label": finding.label,
        }
    elif isinstance(finding, Ambiguous):
        content = {"ambiguous": finding.reason.dump()}
    else:
        content = {"not_found": finding.reason.dump()}
    return json.dumps(content, ensure_ascii=False, sort_keys=True)


def load_finding(text: str) -> Finding | None:
    """Read what `dump_finding` wrote; None for anything else, so that an old cache entry is merely a miss."""
    try:
        return _load(json.loads(text))
    except (ValueError, KeyError, TypeError, shapely.errors.ShapelyError):
        return None


def _load(content: dict[str, str]) -> Finding:
    if "ambiguous" in content:
        return Ambiguous(Reason.load(content["ambiguous"]))
    if "not_found" in content:
        return NotFound(Reason.load(content["not_found"]))
    return Found(shapely.from_wkb(content["found"]), Precision(content["precision"]), content["label"])
