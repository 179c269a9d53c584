"""OGC API Features, Part 2: other coordinate reference systems, in answers and in questions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyproj
import pytest
import shapely

from sync_service import features
from tests.ogc import AREA, LINE, POINT
from tests.postgres import both_stores

if TYPE_CHECKING:
    from tests.ogc import Town

pytestmark = both_stores

ITEMS = "/ogc/collections/proposals/items"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
GAUSS = 28409  # Pulkovo 1942, zone 9: metres, northing first


def epsg(code: int) -> str:
    return f"http://www.opengis.net/def/crs/EPSG/0/{code}"


def shapes(town: Town, query: str) -> list[Any]:
    found = town.json(f"{ITEMS}?{query}")["features"]
    return [
        shapely.geometry.shape(each["geometry"]) for each in sorted(found, key=lambda f: f["properties"]["card_id"])
    ]


def test_systems_are_offered(full_town: Town) -> None:
    offered = full_town.json("/ogc/collections/proposals")
    assert offered["crs"] == [CRS84, epsg(4326), epsg(3857)]
    assert offered["storageCrs"] == CRS84
    client = full_town.client(crs=(GAUSS, 4326))
    more = client.get("/ogc/collections/proposals").json
    assert more
    assert more["crs"] == [CRS84, epsg(4326), epsg(3857), epsg(GAUSS)]


@pytest.mark.parametrize("code", [4326, 3857, GAUSS])
def test_answers_are_in_the_system_and_its_axis_order(full_town: Town, code: int) -> None:
    client = full_town.client(crs=(GAUSS,))
    answer = client.get(f"{ITEMS}?limit=1&filter=card_id='1'&crs={epsg(code)}")
    assert answer.headers["Content-Crs"] == f"<{epsg(code)}>"
    assert answer.json
    expected = pyproj.Transformer.from_crs("OGC:CRS84", f"EPSG:{code}").transform(POINT.x, POINT.y)
    assert answer.json["features"][0]["geometry"]["coordinates"] == pytest.approx(expected)
    item = client.get(f"{ITEMS}/{full_town.planted[0]}?crs={epsg(code)}")
    assert item.headers["Content-Crs"] == f"<{epsg(code)}>"
    assert item.json
    assert item.json["geometry"] == answer.json["features"][0]["geometry"]


def test_latitude_stands_first_in_4326(full_town: Town) -> None:
    swapped = shapes(full_town, f"crs={epsg(4326)}")
    plain = shapes(full_town, "")
    for one, other in zip(swapped, plain, strict=True):
        assert shapely.transform(one, lambda pairs: pairs[:, ::-1]).equals_exact(other, 1e-9)


def test_stored_system_is_the_default_and_named(full_town: Town) -> None:
    for query in ("", f"?crs={CRS84}"):
        answer = full_town.get(ITEMS + query)
        assert answer.headers["Content-Crs"] == f"<{CRS84}>"
    assert shapes(full_town, "")[0].equals_exact(POINT, 0)


def test_all_kinds_and_none_are_projected(full_town: Town) -> None:
    assert [shape.geom_type for shape in shapes(full_town, f"crs={epsg(3857)}")] == [
        "Point", "MultiPoint", "LineString", "Polygon",
    ]  # fmt: skip
    page = full_town.json(f"/ogc/collections/proposals_noplace/items?crs={epsg(3857)}")
    assert [each["geometry"] for each in page["features"]] == [None]
    lines = full_town.json(f"/ogc/collections/proposals_lines/items?crs={epsg(3857)}")
    assert lines["features"][0]["geometry"]["type"] == "MultiLineString"


@pytest.mark.parametrize(
    ("code", "bbox"),
    [(4326, "53.52,49.34,53.54,49.35"), (3857, "5493100,7081600,5493300,7081800")],
)
def test_box_in_another_system(full_town: Town, code: int, bbox: str) -> None:
    assert full_town.cards(f"bbox={bbox}&bbox-crs={epsg(code)}") == ["1"]


def test_box_in_a_turned_system_is_exact(town: Town) -> None:
    """A box in metres of a zone is no box in degrees: what lies in its bounds and beside it stays out."""
    to_metres = pyproj.Transformer.from_crs("OGC:CRS84", f"EPSG:{GAUSS}")
    town.plant(shapely.Point(46.0, 53.5))
    north, east = to_metres.transform(46.0, 53.5)
    for off in (-30_000, 30_000):  # along the zone's northing: in degrees these turn aside
        longitude, latitude = to_metres.transform(north + off, east, direction="INVERSE")
        town.plant(shapely.Point(longitude, latitude))
    client = town.client(crs=(GAUSS,))

    def cards(half: float) -> list[str]:
        corners = f"{north - half},{east - 5},{north + half},{east + 5}"
        page = client.get(f"{ITEMS}?bbox={corners}&bbox-crs={epsg(GAUSS)}").json
        assert page
        return sorted(each["properties"]["card_id"] for each in page["features"])

    assert cards(10) == ["1"]
    assert cards(29_990) == ["1"]
    assert cards(30_010) == ["1", "2", "3"]


def test_box_across_the_antimeridian_with_latitude_first(town: Town) -> None:
    town.plant(shapely.Point(179.5, 60))
    town.plant(shapely.Point(-179.5, 60))
    assert sorted(town.cards(f"bbox=50,179,70,-179&bbox-crs={epsg(4326)}")) == ["1", "2"]


@pytest.mark.parametrize("name", ["crs", "bbox-crs"])
@pytest.mark.parametrize("uri", ["", "EPSG:4326", epsg(28409), "http://www.opengis.net/def/crs/OGC/0/CRS84h"])
def test_unknown_systems_are_refused(full_town: Town, name: str, uri: str) -> None:
    answer = full_town.get(f"{ITEMS}?{name}={uri}&bbox=1,2,3,4")
    assert answer.status_code == 400
    assert answer.json
    assert answer.json["field"] == name


@pytest.mark.parametrize("bbox", ["2,1,1,2", "1,2,0,3"])
def test_boxes_that_are_none_in_metres_are_refused(full_town: Town, bbox: str) -> None:
    assert full_town.get(f"{ITEMS}?bbox={bbox}&bbox-crs={epsg(3857)}").status_code == 400


def test_code_that_proj_does_not_know_stops_the_service(town: Town) -> None:
    with pytest.raises(ValueError, match="EPSG:999999"):
        features.create_blueprint(town.database, town.settings.model_copy(update={"crs": (999999,)}))


def test_paging_keeps_the_system(full_town: Town) -> None:
    page = full_town.json(f"{ITEMS}?limit=1&crs={epsg(3857)}")
    following = next(link["href"] for link in page["links"] if link["rel"] == "next")
    assert f"crs={epsg(3857)}" in following


def test_shapes_used_here_differ() -> None:
    assert not any(shapely.intersects(POINT, shape) for shape in (LINE, AREA))
