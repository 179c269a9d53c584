from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_service.places.area import WORLD, Area
from sync_service.places.maplinks import blank_links, find_links
from sync_service.places.reason import ReasonCode
from sync_service.places.sighting import Position

TOWN = Area(49.0, 53.0, 50.0, 54.0)
PLACE = Position(49.3461, 53.5303)
GOOGLE_DMS = "https://www.google.com/maps/place/53%C2%B031'49.08%22N+49%C2%B020'45.96%22E"


@pytest.mark.parametrize(
    "text",
    [
        "https://yandex.ru/maps/?pt=49.3461,53.5303&z=17&l=map",
        "https://yandex.ru/maps/?ll=49.30%2C53.50&pt=49.3461%2C53.5303%2Cpm2rdm&z=12",
        "https://yandex.com/maps/?pt=49.3461,53.5303",
        "https://yandex.kz/maps/?pt=49.3461,53.5303",
        "https://maps.yandex.ru/?pt=49.3461,53.5303",
        "https://yandex.com.tr/harita/?pt=49.3461,53.5303",
        "https://yandex.ru/maps/240/togliatti/?ll=49.3%2C53.5&whatshere%5Bpoint%5D=49.3461%2C53.5303&whatshere%5Bzoom%5D=17",
        "https://yandex.ru/maps/?whatshere[point]=49.3461,53.5303&whatshere[zoom]=16",
        "https://yandex.ru/maps/?ll=49.3,53.5&mode=poi&poi%5Bpoint%5D=49.3461%2C53.5303&poi%5Buri%5D=ymapsbm1%3A%2F%2Forg",
        "https://yandex.ru/maps/?text=53.5303,49.3461&ll=49.3,53.5",
        "yandex.ru/maps/?pt=49.3461,53.5303",
        "https://yandex.ru/maps/?pt=49.3461,53.5303&amp;z=17",
        "https://2gis.ru/togliatti/geo/4504235282783490/49.3461,53.5303?m=49.30%2C53.50%2F16",
        "https://2gis.ru/togliatti/geo/4504235282783490/49.3461%2C53.5303",
        "https://2gis.ru/togliatti/geo/4504235282783490%2F49.3461%2C53.5303",
        "https://2gis.ru/togliatti/geo/49.3461,53.5303",
        "https://2gis.ru/geo/49.3461,53.5303",
        "https://2gis.ru/togliatti/firm/70000001006548410/49.3461%2C53.5303?m=49.3%2C53.5%2F17",
        "https://togliatti.2gis.ru/togliatti/geo/4504235282783490/49.3461,53.5303",
        "https://2gis.kz/geo/4504235282783490/49.3461,53.5303",
        "https://2gis.ru/togliatti/search/%D0%BA%D0%B0%D1%84%D0%B5/firm/70000001006548410/49.3461%2C53.5303?m=49.3%2C53.5%2F15",
        "https://2gis.ru/togliatti/entrance/4504235282783490/49.3461%2C53.5303",
        "https://www.google.com/maps?q=53.5303,49.3461",
        "https://maps.google.com/?q=53.5303,49.3461&ll=53.1,49.1",
        "https://maps.google.ru/maps?q=loc:53.5303,49.3461",
        "https://www.google.com/maps/search/?api=1&query=53.5303%2C49.3461",
        "https://www.google.com/maps/search/53.5303,+49.3461",
        "https://www.google.com/maps/place/53.5303,49.3461/@53.5,49.3,17z",
        GOOGLE_DMS,
        "https://www.google.ru/maps/place/X/@53.1,49.1,17z/data=!3m1!4b1!4m4!3m3!8m2!3d53.5303!4d49.3461",
        "https://www.openstreetmap.org/?mlat=53.5303&mlon=49.3461#map=17/53.5/49.3",
        "http://osm.org/?mlat=53.5303&mlon=49.3461",
        "https://www.openstreetmap.org/search?query=53.5303%2C49.3461#map=17/53.5/49.3",
        "https://www.openstreetmap.org/search?lat=53.5303&lon=49.3461#map=17/53.5/49.3",
        "https://www.openstreetmap.org/export/embed.html?bbox=49.2%2C53.4%2C49.4%2C53.6&marker=53.5303%2C49.3461",
        "geo:53.5303,49.3461",
        "geo:53.5303,49.3461?z=17",
        "geo:53.5303,49.3461,85.0;u=35",
        "geo:53.5303,49.3461;crs=wgs84",
        "geo:0,0?q=53.5303,49.3461(Сквер)",
        "[карта](https://yandex.ru/maps/?whatshere[point]=49.3461,53.5303)",
        "<https://yandex.ru/maps/?pt=49.3461,53.5303>",
        "(https://yandex.ru/maps/?pt=49.3461,53.5303).",
        "Вот https://yandex.ru/maps/?pt=49.3461,53.5303, там",
        "HTTPS://YANDEX.RU/maps/?pt=49.3461,53.5303",
    ],
)
def test_marker(text: str) -> None:
    (sighting,) = find_links(text, TOWN)
    assert sighting.position is not None, sighting.reason
    assert sighting.position == pytest.approx(PLACE, abs=1e-7)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("https://yandex.ru/maps/?ll=49.3461,53.5303&z=17", ReasonCode.LINK_NO_MARKER),
        ("https://yandex.ru/maps/240/togliatti/?ll=49.3461%2C53.5303&z=12", ReasonCode.LINK_NO_MARKER),
        ("https://yandex.ru/maps/org/park/1234567890/?ll=49.3461%2C53.5303", ReasonCode.LINK_NO_MARKER),
        ("https://yandex.ru/maps/?rtext=53.5303,49.3461~53.5,49.3", ReasonCode.LINK_NO_MARKER),
        ("https://yandex.ru/maps/?text=парк", ReasonCode.LINK_NO_MARKER),
        ("https://yandex.ru/maps/-/CCUabc12", ReasonCode.LINK_SHORT),
        ("https://yandex.ru/maps/240/-/CCUabc12", ReasonCode.LINK_SHORT),
        ("https://2gis.ru/togliatti?m=49.3461,53.5303%2F16", ReasonCode.LINK_NO_MARKER),
        ("https://2gis.ru/togliatti/firm/70000001006548410", ReasonCode.LINK_NO_MARKER),
        ("https://2gis.ru/togliatti/directions/points/49.3461,53.5303", ReasonCode.LINK_NO_MARKER),
        ("https://go.2gis.com/abcd", ReasonCode.LINK_SHORT),
        ("https://www.google.com/maps/@53.5303,49.3461,17z", ReasonCode.LINK_NO_MARKER),
        ("https://www.google.com/maps/place/Park/@53.5303,49.3461,17z", ReasonCode.LINK_NO_MARKER),
        ("https://www.google.com/maps/dir/53.5303,49.3461/53.5,49.3", ReasonCode.LINK_NO_MARKER),
        ("https://www.google.com/maps/embed?pb=!1m18!2d49.3461!3d53.5303", ReasonCode.LINK_NO_MARKER),
        ("https://maps.app.goo.gl/abcdef", ReasonCode.LINK_SHORT),
        ("https://goo.gl/maps/abcdef", ReasonCode.LINK_SHORT),
        ("https://www.openstreetmap.org/#map=17/53.5303/49.3461", ReasonCode.LINK_NO_MARKER),
        ("https://www.openstreetmap.org/node/123456", ReasonCode.LINK_NO_MARKER),
        ("https://osm.org/go/0Ef5abc--?m", ReasonCode.LINK_SHORT),
        ("https://yandex.ru/maps/?pt=53.5303,49.3461", ReasonCode.OUTSIDE_AREA_SWAPPED),
        ("https://yandex.ru/maps/?pt=149.3461,95.5303", ReasonCode.COORDINATES_IMPOSSIBLE),
        ("https://yandex.ru/maps/?pt=37.6173,55.7558", ReasonCode.OUTSIDE_AREA),
        ("https://yandex.ru/maps/?pt=49,53", ReasonCode.COORDINATES_COARSE),
        ("https://yandex.ru/maps/?pt=abc,def", ReasonCode.LINK_NO_MARKER),
        ("https://yandex.ru/maps/?pt=", ReasonCode.LINK_NO_MARKER),
        ("https://yandex.ru/maps/?pt=49.3461,53.5303&pt=49.4,53.51", ReasonCode.LINK_NO_MARKER),
        ("https://yandex.ru/maps/51/togliatti/house/mira_5/YUkYdw==/?ll=49.3461%2C53.5303", ReasonCode.LINK_NO_MARKER),
        ("https://2gis.ru/togliatti/geo/4504235282783490?m=49.3461%2C53.5303%2F17", ReasonCode.LINK_NO_MARKER),
        ("https://www.openstreetmap.org/?lat=53.5303&lon=49.3461&zoom=17", ReasonCode.LINK_NO_MARKER),
        ("https://www.openstreetmap.org/search?query=парк#map=17/53.5303/49.3461", ReasonCode.LINK_NO_MARKER),
        ("https://yandex.ru[/maps/?pt=49.3461,53.5303", ReasonCode.LINK_BROKEN),
        ("geo:53.5303,49.3461;crs=Moon-2011", ReasonCode.LINK_BROKEN),
        ("geo:53.5303", ReasonCode.LINK_BROKEN),
    ],
)
def test_no_marker(text: str, code: ReasonCode) -> None:
    (sighting,) = find_links(text, TOWN)
    assert sighting.position is None
    assert sighting.reason is not None
    assert sighting.reason.code is code


def test_several_markers_are_several_sightings() -> None:
    found = find_links("https://yandex.ru/maps/?pt=49.3461,53.5303~49.4,53.51", TOWN)
    assert [sighting.position for sighting in found] == [PLACE, Position(49.4, 53.51)]


@pytest.mark.parametrize(
    "text",
    [
        "https://yandex.ru/news",
        "https://example.org/?pt=49.3461,53.5303",
        "http://[::1",
        "google.com/search?q=53.5,49.3",
        "a@yandex.ru",
        "https://notyandex.ru/maps/?pt=49.3,53.5",
    ],
)
def test_not_a_map(text: str) -> None:
    assert find_links(text, TOWN) == ()


def test_blanked_text_keeps_its_length() -> None:
    text = "а https://yandex.ru/maps/?ll=49.3461,53.5303 б geo:53.5,49.3 в"
    blank = blank_links(text)
    assert len(blank) == len(text)
    assert not any(char.isdigit() for char in blank)
    assert blank.split() == ["а", "б", "в"]


@given(
    st.text(max_size=100),
    st.sampled_from(["https://yandex.ru/maps/", "geo:1", "https://2gis.ru/geo/", "google.com/maps"]),
)
def test_never_raises(text: str, head: str) -> None:
    for sighting in find_links(head + text, TOWN):
        assert (sighting.position is None) != (sighting.reason is None)
        if sighting.position is not None:
            assert TOWN.contains(*sighting.position)


@given(st.floats(-179, 179, allow_nan=False), st.floats(-89, 89, allow_nan=False))
def test_any_marker_round_trips(lon: float, lat: float) -> None:
    link = f"https://www.openstreetmap.org/?mlat={lat:.6f}&mlon={lon:.6f}"
    (sighting,) = find_links(link, WORLD)
    if sighting.position is not None:
        assert sighting.position == pytest.approx((lon, lat), abs=1e-6)
