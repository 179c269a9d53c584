"""Importing the districts: in the place of all there were, with every placed proposal joined anew."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import shapely
from sqlalchemy import select

from sync_service.places.districts import District, DistrictIndex
from sync_service.places.outlines import join_districts
from sync_service.store import pairs, tables
from sync_service.store.districts import replace_districts
from sync_service.store.features import Author, find_feature, write_feature
from sync_service.sync.values import Visibility

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sync_service.engine.parts import Parts


def import_districts(parts: Parts, districts: Sequence[District]) -> int:
    """Replace the districts and join everything, in one transaction; says how many proposals changed district.

    Cards are read again by the next sweep: those without a geometry name their district by a line.
    """
    f = tables.feature.c
    placed = select(f.guid, f.geometry).where(f.geometry.is_not(None), f.visibility != Visibility.RETIRED)
    changed = 0
    with parts.database.writing() as connection:
        replace_districts(connection, [(item.name, item.wkb) for item in districts])
        shapes = {guid: shapely.from_wkb(wkb) for guid, wkb in connection.execute(placed)}
        for guid, name in join_districts(shapes, DistrictIndex(districts)).items():
            feature = find_feature(connection, guid)
            assert feature is not None, "read in this transaction"
            if feature.properties.get("district") != name:
                fresh = replace(feature, properties={**feature.properties, "district": name})
                write_feature(connection, fresh, Author("import"), parts.now())
                changed += 1
        pairs.forget_fingerprints(connection)
    return changed
