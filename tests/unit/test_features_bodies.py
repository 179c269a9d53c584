"""What a writer sends: media, members, values, coordinates by system. Whatever comes is read, or refused by name."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest
import shapely
from flask import Request
from hypothesis import example, given, settings
from hypothesis import strategies as st
from werkzeug.exceptions import UnsupportedMediaType
from werkzeug.test import EnvironBuilder

from sync_service.errors import BadRequest
from sync_service.features.bodies import Form, Said
from sync_service.features.crs import STORAGE, offered_crs
from sync_service.features.schemas import fields_of
from sync_service.store.collections import COLLECTIONS

CRS = offered_crs((28409,))
POINT = {"type": "Point", "coordinates": [49.3461, 53.5303]}
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"


def form_of(name: str) -> Form:
    return Form(COLLECTIONS[name], fields_of(COLLECTIONS[name]), CRS)


POINTS = form_of("working_points")


def asked(body: object, media: str = "application/geo+json", **headers: str) -> Request:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return Request(EnvironBuilder(method="PUT", data=raw, content_type=media, headers=given).get_environ())


def feature(geometry: object = POINT, **properties: object) -> dict[str, object]:
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def put(geometry: object = POINT, /, **headers: str) -> Said:
    return POINTS.whole(asked(feature(geometry), **headers))


def patch(body: object, shape_type: str | None = "MultiPoint") -> Said:
    return POINTS.patch(asked(body, "application/merge-patch+json"), shape_type)


def place(said: Said) -> tuple[float, float]:
    assert said.geometry is not None
    ((x, y),) = shapely.get_coordinates(shapely.from_wkb(said.geometry))
    return round(x, 7), round(y, 7)


# --- media


@pytest.mark.parametrize("media", ["application/geo+json", "application/json", "application/geo+json; charset=utf-8"])
def test_features_are_geojson(media: str) -> None:
    assert POINTS.whole(asked(feature(), media)).placed


@pytest.mark.parametrize("media", ["", "text/plain", "application/gml+xml", "application/merge-patch+json"])
def test_other_features_are_not_taken(media: str) -> None:
    with pytest.raises(UnsupportedMediaType):
        POINTS.whole(asked(feature(), media))


@pytest.mark.parametrize("media", ["", "application/json", "application/geo+json", "application/json-patch+json"])
def test_only_merge_patches_are_patches(media: str) -> None:
    with pytest.raises(UnsupportedMediaType):
        POINTS.patch(asked({}, media), None)


def test_packed_bodies_are_not_taken() -> None:
    with pytest.raises(UnsupportedMediaType):
        POINTS.whole(asked(feature(), Content_Encoding="gzip"))


# --- coordinates


@pytest.mark.parametrize(
    ("crs", "coordinates"),
    [
        (STORAGE, [49.3461, 53.5303]),
        (f"{EPSG}4326", [53.5303, 49.3461]),
        (f"{EPSG}3857", [5493182.724634, 7081697.867543]),
        (f"{EPSG}28409", [5934991.157796, 9390430.873396]),
    ],
)
@pytest.mark.parametrize("brackets", ["{}", "<{}>", " < {} > "])
def test_content_crs_names_the_system_in_brackets_or_without(crs: str, coordinates: list[float], brackets: str) -> None:
    said = put({"type": "Point", "coordinates": coordinates}, Content_Crs=brackets.format(crs))
    assert place(said) == (49.3461, 53.5303)


def test_without_content_crs_it_is_longitude_first() -> None:
    assert place(put()) == (49.3461, 53.5303)


@pytest.mark.parametrize("crs", ["", "EPSG:4326", f"{EPSG}2154", "<>", "http://x", f"<{STORAGE}"])
def test_other_systems_are_refused(crs: str) -> None:
    with pytest.raises(BadRequest) as error:
        put(POINT, Content_Crs=crs)
    assert error.value.data["field"] == "Content-Crs"


@pytest.mark.parametrize("name", ["urn:ogc:def:crs:OGC:1.3:CRS84", "OGC:CRS84"])
def test_old_member_naming_the_same_system_is_let_be(name: str) -> None:
    body = {**feature(), "crs": {"type": "name", "properties": {"name": name}}}
    assert place(POINTS.whole(asked(body))) == (49.3461, 53.5303)


@pytest.mark.parametrize(
    "member", [{"type": "name", "properties": {"name": "EPSG:3857"}}, {}, 7, {"properties": {"name": "?"}}]
)
def test_old_member_naming_another_is_refused(member: object) -> None:
    with pytest.raises(BadRequest) as error:
        POINTS.whole(asked({**feature(), "crs": member}))
    assert error.value.data["field"] == "crs"


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "LineString", "coordinates": [[49, 53], [50, 54]]},
        {"type": "GeometryCollection", "geometries": [POINT]},
        {"type": ["Point"], "coordinates": [49, 53]},
        {"type": "Point"},
        {"type": "Point", "coordinates": []},
        {"type": "Point", "coordinates": [49]},
        {"type": "Point", "coordinates": ["49", "53"]},
        {"type": "Point", "coordinates": [True, False]},
        {"type": "Point", "coordinates": [[49, 53]]},
        {"type": "Point", "coordinates": [49, 5300]},
        {"type": "Point", "coordinates": [1e308, 1e308]},
        {"type": "MultiPoint", "coordinates": []},
        {"type": "MultiPoint", "coordinates": [[49, 53], None]},
        {}, [], 7, "POINT(1 2)",
    ],
)  # fmt: skip
def test_what_is_no_point_is_refused(geometry: object) -> None:
    with pytest.raises(BadRequest) as error:
        put(geometry)
    assert error.value.data["field"] == "geometry"


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "Polygon", "coordinates": [[[49, 53], [50, 53]]]},
        {"type": "Polygon", "coordinates": [[]]},
        {"type": "MultiPolygon", "coordinates": [[]]},
        {"type": "LineString", "coordinates": [[49, 53]]},
    ],
)
def test_too_few_corners_are_refused(geometry: object) -> None:
    form = form_of("working_areas")
    with pytest.raises(BadRequest) as error:
        form.whole(asked(feature(geometry)))
    assert error.value.data["field"] == "geometry"


@pytest.mark.parametrize("crs", list(CRS))
def test_place_off_the_earth_is_refused_in_every_system(crs: str) -> None:
    with pytest.raises(BadRequest) as error:
        put({"type": "Point", "coordinates": [1e12, 1e12]}, Content_Crs=crs)
    assert error.value.data["field"] == "geometry"


def test_one_part_is_kept_as_one_and_heights_are_left_out() -> None:
    said = put({"type": "MultiPoint", "coordinates": [[49.3461, 53.5303, 120.5]]})
    assert said.geometry is not None
    shape = shapely.from_wkb(said.geometry)
    assert (shape.geom_type, shape.has_z) == ("Point", False)


# --- members and values


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "body"), (b"{", "body"), (b"[]", "body"), (b"null", "body"), (b"\xff", "body"), (b"NaN", "body"),
        (b"[" * 5000, "body"),
        ({"type": "FeatureCollection", "features": []}, "type"),
        ({"geometry": POINT, "properties": {}}, "type"),
        ({"type": "Feature", "properties": {}}, "geometry"),
        ({"type": "Feature", "geometry": POINT, "properties": []}, "properties"),
        (feature(salary=1), "salary"),
        (feature(horizon="soon"), "horizon"),
        (feature(horizon=True), "horizon"),
        (feature(horizon=2030.5), "horizon"),
        (feature(horizon=10**20), "horizon"),
        (feature(horizon={}), "horizon"),
        (feature(address=7), "address"),
        (feature(address=["x"]), "address"),
        (feature(address="\0"), "address"),
        (feature(address="x" * 100_000), "address"),
        (feature(placement="here"), "placement"),
        (feature(blocked="perhaps"), "blocked"),
        (feature(blocked=1), "blocked"),
        (feature(due="tomorrow"), "due"),
    ],
)  # fmt: skip
def test_what_cannot_be_understood_is_named(body: object, field: str) -> None:
    with pytest.raises(BadRequest) as error:
        POINTS.whole(asked(body))
    assert error.value.data["field"] == field


def test_values_are_read_by_type_also_from_text() -> None:
    """QGIS takes a column for text while no feature has a value there."""
    said = POINTS.whole(asked(feature(horizon="2030", blocked="true", due="2026-12-31", address="", district=None)))
    assert said.values == {"horizon": 2030, "blocked": True, "due": "2026-12-31", "address": None, "district": None}
    assert POINTS.whole(asked(feature(horizon=2030.0))).values["horizon"] == 2030


def test_members_beside_the_feature_are_let_be() -> None:
    body = {**feature(), "links": [], "id": "x", "bbox": [1, 2, 3, 4], "time": None}
    assert POINTS.whole(asked(body)).guid is None


@pytest.mark.parametrize("where", ["id", "guid"])
def test_guid_is_chosen_by_who_draws(where: str) -> None:
    guid = "6b0c0f3e-2f5c-4a7e-9d4b-0d8c6d0f0a11"
    body = {**feature(guid=guid)} if where == "guid" else {**feature(), "id": guid}
    assert POINTS.whole(asked(body)).guid == guid


@pytest.mark.parametrize(("given", "version"), [(3, 3), ("3", 3), (None, None), (0, None), (-1, None), (2**40, None)])
def test_row_version_says_what_was_seen(given: object, version: int | None) -> None:
    assert POINTS.whole(asked(feature(row_version=given))).row_version == version


def test_patch_says_only_what_it_says() -> None:
    said = patch({"properties": {"address": "Мира, 1"}})
    assert (said.values, said.placed, said.geometry) == ({"address": "Мира, 1"}, False, None)
    said = patch({"geometry": None})
    assert (said.values, said.placed, said.geometry) == ({}, True, None)
    assert patch({}).values == {}


def test_patch_merges_coordinates_into_the_geometry_there_is() -> None:
    assert place(patch({"geometry": {"coordinates": [[49.35, 53.54]]}})) == (49.35, 53.54)
    assert place(patch({"geometry": {**POINT, "bbox": None}})) == (49.3461, 53.5303)
    with pytest.raises(BadRequest) as error:
        patch({"geometry": {"coordinates": [[49.35, 53.54]]}}, None)
    assert error.value.data["reason"] == "geometry_type"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"address": "Мира, 1"}, "address"),
        ({"properties": None}, "properties"),
        ({"properties": 7}, "properties"),
        ({"type": "Point"}, "type"),
        ({"properties": {"salary": 1}}, "salary"),
        (["x"], "body"),
    ],
)
def test_patch_of_something_else_is_refused(body: object, field: str) -> None:
    with pytest.raises(BadRequest) as error:
        patch(body)
    assert error.value.data["field"] == field


_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
_SHAPES = st.fixed_dictionaries({
    "type": st.sampled_from(["Point", "MultiPoint", "LineString", "Polygon", "MultiPolygon", "Circle"]),
    "coordinates": _JSON,
})  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    geometry=_JSON | _SHAPES,
    value=_JSON,
    name=st.sampled_from([*POINTS.fields, "x"]),
    collection=st.sampled_from(list(COLLECTIONS)),
)
@example(
    geometry={"type": "Polygon", "coordinates": [[[0, 0]] * 3]}, value=1e308, name="horizon", collection="working_areas"
)
def test_any_body_is_read_or_refused(geometry: object, value: object, name: str, collection: str) -> None:
    form = form_of(collection)
    merged = partial(form.patch, shape_type="Point")
    for read, body, media in (
        (form.whole, feature(geometry, **{name: value}), "application/geo+json"),
        (form.whole, value, "application/geo+json"),
        (merged, {"properties": {name: value}, "geometry": geometry}, "application/merge-patch+json"),
    ):
        try:
            read(asked(body, media))
        except BadRequest as error:
            assert error.data["field"]  # noqa: PT017 - either is right, and a refusal says of what
