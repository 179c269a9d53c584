from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_service.places.area import WORLD, Area
from sync_service.places.coordinates import find_coordinates, format_coordinates
from sync_service.places.reason import ReasonCode
from sync_service.places.sighting import Position

TOWN = Area(49.0, 53.0, 50.0, 54.0)
PLACE = Position(49.3461, 53.5303)

NOTATIONS = [
    "53.5303, 49.3461",
    "53.5303,49.3461",
    "53.5303; 49.3461",
    "53.5303 49.3461",
    "53.5303 / 49.3461",
    "(53.5303, 49.3461)",
    "53.5303, 49.3461.",
    "Место:53.5303,49.3461",
    "Координаты – 53.5303, 49.3461 (вход)",
    "53,5303; 49,3461",
    "53,5303, 49,3461",
    "53,5303 49,3461",
    "53.5303°, 49.3461°",
    "53.5303° N, 49.3461° E",
    "53.5303N 49.3461E",
    "53.5303n, 49.3461e",
    "N53.5303 E49.3461",
    "N 53.5303, E 49.3461",
    "E49.3461 N53.5303",
    "49.3461E, 53.5303N",
    "53.5303 с.ш., 49.3461 в.д.",
    "53,5303° с. ш. 49,3461° в. д.",
    "49.3461 в.д. 53.5303 с.ш.",
    "с.ш. 53.5303, в.д. 49.3461",
    "С 53.5303 В 49.3461",
    "53.5303 северной широты, 49.3461 восточной долготы",
    "широта 53.5303, долгота 49.3461",
    "Долгота: 49.3461, широта: 53.5303",
    "Широта: 53.5303\nДолгота: 49.3461",
    "lat: 53.5303, lon: 49.3461",
    "lat=53.5303, lng=49.3461",
    "latitude 53.5303 longitude 49.3461",
    "53°31'49.08\" N, 49°20'45.96\" E",
    "53°31′49.08″ с.ш. 49°20′45.96″ в.д.",
    "53° 31' 49,08\" с.ш., 49° 20' 45,96\" в.д.",
    "53°31’49.08”N 49°20’45.96”E",
    "53º31'49.08''N, 49º20'45.96''E",
    "53°31'49.08\", 49°20'45.96\"",
    "N53°31'49.08\" E49°20'45.96\"",
    "49°20'45.96\"E 53°31'49.08\"N",
    "53 31 49.08 N 49 20 45.96 E",
    "N 53 31 49.08, E 49 20 45.96",
    "53-31-49.08 N, 49-20-45.96 E",
    "53d31m49.08s, 49d20m45.96s",
    "53 град. 31 мин. 49,08 сек. с.ш. 49 град. 20 мин. 45,96 сек. в.д.",
    "53°31.818' N, 49°20.766' E",
    "53° 31,818′ с.ш. 49° 20,766′ в.д.",
    "N 53 31.818 E 49 20.766",
    "\u200f53.5303, 49.3461\u200e",
    "📍 53.5303, 49.3461 📍",
    "מקום 53.5303, 49.3461",
]


@pytest.mark.parametrize("text", NOTATIONS)
def test_notation(text: str) -> None:
    (sighting,) = find_coordinates(text, TOWN)
    assert sighting.position is not None, sighting.reason
    assert sighting.position == pytest.approx(PLACE, abs=1e-7)
    assert sighting.firm


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("95.1234, 49.3461", ReasonCode.COORDINATES_IMPOSSIBLE),
        ("53.5303, 249.3461", ReasonCode.COORDINATES_IMPOSSIBLE),
        ("-95.1234, -349.3461", ReasonCode.COORDINATES_IMPOSSIBLE),
        ("0.000, 0.000", ReasonCode.COORDINATES_ZERO),
        ("49.3461, 53.5303", ReasonCode.OUTSIDE_AREA_SWAPPED),
        ("55.7558, 37.6173", ReasonCode.OUTSIDE_AREA),
        ("-53.5303, 49.3461", ReasonCode.OUTSIDE_AREA),
        ("53.5303 ю.ш., 49.3461 в.д.", ReasonCode.OUTSIDE_AREA),
        ("53.5303 S 49.3461 E", ReasonCode.OUTSIDE_AREA),
        ("53.5303 с.ш., 49.3461 з.д.", ReasonCode.OUTSIDE_AREA),
        ("53°31' N, 49°20' E", ReasonCode.COORDINATES_COARSE),
        ("53°61'49\" N, 49°20'46\" E", ReasonCode.COORDINATES_UNCLEAR),
        ("53°31'79\" N, 49°20'46\" E", ReasonCode.COORDINATES_UNCLEAR),
        ("53.5303 N, 49.3461 N", ReasonCode.COORDINATES_UNCLEAR),
        ("-53.5303 S, 49.3461 E", ReasonCode.COORDINATES_UNCLEAR),
        ("53.5303, 49.3461, 53.5401, 49.3502", ReasonCode.COORDINATES_UNCLEAR),
    ],
)
def test_refused(text: str, code: ReasonCode) -> None:
    sighting = find_coordinates(text, TOWN)[0]
    assert sighting.position is None
    assert sighting.reason is not None
    assert sighting.reason.code is code


@pytest.mark.parametrize(
    "text",
    [
        "12.5, 30.7 м",
        "1.5, 2.5, 3.5",
        "с 12.05.2023, 13.05.2023",
        "53, 49",
        "53.5303",
        "12,5, 30,7 и ещё",
        "12,5; 30,7",
        "2.5 3.5",
        "версия 1.2.3, 4.5.6",
        "63:09:0101152:1034",
        "№53.5, 49.3",
        "площадь 12.5, 14.2 га",
        "бюджет 1.5, затем 2.5 млн",
        "10.5, 12.5%",
        "53.5303, 49",
        "8.30, 9.30, 10.30",
        "53.5,\n49.3",
    ],
)
def test_not_coordinates(text: str) -> None:
    assert find_coordinates(text, WORLD) == ()


def test_one_decimal_digit_is_enough() -> None:
    (sighting,) = find_coordinates("где-то здесь: 53.5, 49.3", TOWN)
    assert sighting.position == Position(49.3, 53.5)


def test_label_makes_short_forms_coordinates() -> None:
    assert find_coordinates("53,5; 49,3", TOWN) == ()
    (sighting,) = find_coordinates("53,5; 49,3", TOWN, labelled=True)
    assert sighting.position == Position(49.3, 53.5)


def test_letters_turn_signs_on_the_other_half() -> None:
    (sighting,) = find_coordinates("33.8688 S, 151.2093 E", WORLD)
    assert sighting.position == Position(151.2093, -33.8688)
    (sighting,) = find_coordinates("-33.8688, -70.6693", WORLD)
    assert sighting.position == Position(-70.6693, -33.8688)


def test_two_pairs_are_two_sightings() -> None:
    found = find_coordinates("53.5303, 49.3461; 53.5401, 49.3502", TOWN)
    assert [sighting.position for sighting in found] == [PLACE, Position(49.3502, 53.5401)]


longitudes = st.floats(-180, 180, allow_nan=False)
latitudes = st.floats(-90, 90, allow_nan=False)


@given(longitudes, latitudes)
def test_formatted_round_trips(lon: float, lat: float) -> None:
    (sighting,) = find_coordinates(format_coordinates(Position(lon, lat)), WORLD)
    if round(lon, 7) == 0 and round(lat, 7) == 0:
        assert sighting.reason is not None
    else:
        assert sighting.position == pytest.approx((lon, lat), abs=1e-7)


@given(st.text(alphabet=st.sampled_from("0123456789.,;:°'\"-−NSEWСЮВЗсшвд.  \n/лат"), max_size=60))
def test_never_raises_and_never_leaves_the_area(text: str) -> None:
    for sighting in find_coordinates(text, TOWN):
        assert (sighting.position is None) != (sighting.reason is None)
        if sighting.position is not None:
            assert TOWN.contains(*sighting.position)


@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    find_coordinates(text, WORLD, labelled=True)


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("49,53,50,54", (49.5, 53.5), (48.9, 53.5)),
        ("-180,-90,180,90", (0, 0), (181, 0)),
        ("170,60,-170,70", (-175, 65), (0, 65)),
    ],
)
def test_area(text: str, inside: tuple[float, float], outside: tuple[float, float]) -> None:
    area = Area.parse(text)
    assert area.contains(*inside)
    assert not area.contains(*outside)


@pytest.mark.parametrize("text", ["", "1,2,3", "a,b,c,d", "49,54,50,53", "49,53,50,540", "nan,0,1,1", "49,53,49,54"])
def test_no_area(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - both float() and Area speak here
        Area.parse(text)
