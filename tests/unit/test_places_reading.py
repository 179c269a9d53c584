from __future__ import annotations

import string
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Point, box

from sync_service.places.area import WORLD, Area
from sync_service.places.cadastre import ParcelLayer
from sync_service.places.finding import Ambiguous, Finding, Found, NotFound, Precision
from sync_service.places.geocoders import Chain, Geocoder
from sync_service.places.reading import PlaceReading, Spot, read_place
from sync_service.places.reason import REASON_DATA, Reason, ReasonCode
from sync_service.places.resolver import ResolvedPlace, Resolver
from sync_service.places.sighting import PlaceSource
from sync_service.sync.values import Placement

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from sync_service.places.address import Address

TOWN = Area(49.0, 53.0, 50.0, 54.0)
HERE = "53.5303, 49.3461"
PIN = "https://yandex.ru/maps/?pt=49.3461,53.5303"


def read(text: str, address: str | None = None) -> PlaceReading:
    return read_place(text, address=address, area=TOWN)


@pytest.mark.parametrize(
    ("text", "wkt", "source"),
    [
        (f"Сделать сквер {HERE}", "POINT (49.3461 53.5303)", PlaceSource.COORDINATES),
        (f"Место: {HERE}", "POINT (49.3461 53.5303)", PlaceSource.COORDINATES),
        (f"Координаты: {HERE}", "POINT (49.3461 53.5303)", PlaceSource.COORDINATES),
        ("Место: 53,5; 49,3", "POINT (49.3 53.5)", PlaceSource.COORDINATES),
        (f"Смотрите {PIN}", "POINT (49.3461 53.5303)", PlaceSource.LINK),
        (f"**Место:** [карта]({PIN})", "POINT (49.3461 53.5303)", PlaceSource.COORDINATES),
        (f"{HERE} и {PIN}", "POINT (49.3461 53.5303)", PlaceSource.COORDINATES),
        (f"Место: {HERE}\nПохоже сделано тут: 53.6, 49.2", "POINT (49.3461 53.5303)", PlaceSource.COORDINATES),
        (f"Место: {HERE}\nАдрес: ул. Мира, 5", "POINT (49.3461 53.5303)", PlaceSource.COORDINATES),
        (f"Место 1: {HERE}\nМесто 2: 53.51, 49.4", "MULTIPOINT (49.3461 53.5303, 49.4 53.51)", PlaceSource.COORDINATES),
        (f"Place 1: {HERE}\nPlace 2: {PIN}", "POINT (49.3461 53.5303)", PlaceSource.COORDINATES),
        (f"https://yandex.ru/maps/-/abc {HERE}", "POINT (49.3461 53.5303)", PlaceSource.COORDINATES),
        (f"Место: сквер у пруда\n{HERE}", "POINT (49.3461 53.5303)", PlaceSource.COORDINATES),
        (f"Площадь: 12.5, 30.7\n{HERE}", "POINT (49.3461 53.5303)", PlaceSource.COORDINATES),
        (f"Место: https://yandex.ru/maps/-/abc\n{PIN}", "POINT (49.3461 53.5303)", PlaceSource.LINK),
    ],
)
def test_placed(text: str, wkt: str, source: PlaceSource) -> None:
    reading = read(text)
    assert reading.placement is Placement.PLACED
    assert reading.geometry is not None
    assert reading.geometry.equals(shapely.from_wkt(wkt))
    assert (reading.source, reading.reason, reading.spots) == (source, None, ())


@pytest.mark.parametrize(
    ("text", "placement", "district"),
    [
        ("Место: весь город", Placement.CITYWIDE, None),
        ("МЕСТО: Весь город.", Placement.CITYWIDE, None),
        ("- **Место:** весь город", Placement.CITYWIDE, None),
        ("Place: whole city", Placement.CITYWIDE, None),
        ("Место: район", Placement.DISTRICT, None),
        ("Место: район\nРайон: Автозаводский район", Placement.DISTRICT, "Автозаводский"),
        ("Место: Автозаводский район", Placement.DISTRICT, "Автозаводский"),
        ("Place: district", Placement.DISTRICT, None),
        ("Место: без места", Placement.NONE, None),
        ("Place: no place", Placement.NONE, None),
        (f"Место: весь город\n{HERE}", Placement.CITYWIDE, None),
    ],
)
def test_words(text: str, placement: Placement, district: str | None) -> None:
    reading = read(text)
    assert (reading.placement, reading.district, reading.geometry) == (placement, district, None)
    assert reading.source is PlaceSource.WORDS
    assert reading.reason is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", ReasonCode.NOTHING_SAID),
        ("Просто текст", ReasonCode.NOTHING_SAID),
        ("Место: сквер", ReasonCode.PLACE_UNREADABLE),
        ("49.3461, 53.5303", ReasonCode.OUTSIDE_AREA_SWAPPED),
        ("95.1234, 49.3461", ReasonCode.COORDINATES_IMPOSSIBLE),
        ("55.7558, 37.6173\nАдрес: ул. Мира, 5", ReasonCode.OUTSIDE_AREA),
        (f"{HERE} или 53.6001, 49.2001", ReasonCode.SEVERAL_PLACES),
        (f"Место: {HERE}; 53.6001, 49.2001", ReasonCode.SEVERAL_PLACES),
        (f"{HERE} https://yandex.ru/maps/?pt=49.2001,53.6001", ReasonCode.SEVERAL_PLACES),
        (f"Место 1: {HERE}\nМесто 2: весь город", ReasonCode.MIXED_KINDS),
        ("Место: весь город\nМесто: без места", ReasonCode.MIXED_KINDS),
        (f"Место 1: {HERE}\nМесто 2: 55.7558, 37.6173", ReasonCode.OUTSIDE_AREA),
        (f"Место 1: {HERE}\nМесто 2: сквер", ReasonCode.PLACE_UNREADABLE),
        ("https://yandex.ru/maps/-/abc", ReasonCode.LINK_SHORT),
        ("https://yandex.ru/maps/?ll=49.3461,53.5303", ReasonCode.LINK_NO_MARKER),
        ("Участки 63:09:0101152:1 и 63:09:0101152:2", ReasonCode.SEVERAL_PLACES),
    ],
)
def test_unplaced(text: str, code: ReasonCode) -> None:
    reading = read(text)
    assert (reading.placement, reading.geometry, reading.spots) == (Placement.UNPLACED, None, ())
    assert reading.reason is not None
    assert reading.reason.code is code


@pytest.mark.parametrize(
    ("text", "address", "spots"),
    [
        ("Адрес: ул. Мира, 5", None, (Spot(address="ул. Мира, 5"),)),
        ("Address: ул. Мира, 5", None, (Spot(address="ул. Мира, 5"),)),
        ("Адрес: ул. Мира, 5", "ул. Победы, 7", (Spot(address="ул. Победы, 7"),)),
        ("Место: ул. Мира, 5", None, (Spot(address="ул. Мира, 5"),)),
        ("Место: ул. Мира, 5\nАдрес: ул. Победы, 7", None, (Spot(address="ул. Мира, 5"),)),
        ("Место: сквер у школы 21\nАдрес: ул. Победы, 7", None, (Spot(address="ул. Победы, 7"),)),
        ("Место: 63:09:0101152:1034", None, (Spot(parcels=("63:09:0101152:1034",)),)),
        (
            "Кадастровый номер: 63:09:0101152:1034\nАдрес: ул. Мира, 5",
            None,
            (Spot(parcels=("63:09:0101152:1034",), address="ул. Мира, 5"),),
        ),
        ("https://yandex.ru/maps/-/abc\nАдрес: ул. Мира, 5", None, (Spot(address="ул. Мира, 5"),)),
    ],
)
def test_left_to_look_up(text: str, address: str | None, spots: tuple[Spot, ...]) -> None:
    reading = read(text, address)
    assert (reading.placement, reading.spots) == (Placement.UNPLACED, spots)


def test_empty_address_means_there_is_none() -> None:
    assert read("Адрес: ул. Мира, 5", "").spots == ()


def test_parcels_are_recognised_beside_a_place() -> None:
    assert read(f"{HERE} 63:09:0101152:1034").cadastral_number == "63:09:0101152:1034"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (f"Место: {HERE}", f"Другой текст\n\n- Место:  {HERE}\nСрок: 2030", True),
        (f"Место: {HERE}", f"Место: {HERE}\nАдрес: ул. Мира, 5", True),
        ("Адрес: ул. Мира, 5", "Адрес: ул. Мира, 5\nещё слова", True),
        ("Адрес: ул. Мира, 5", "Адрес: ул. Мира, 6", False),
        (f"Место: {HERE}", "Место: 53.5303, 49.3462", False),
        ("Место: весь город", "Место: без места", False),
        ("", "слова", True),
        ("Адрес: ул. Мира, 5", "Адрес: ул. Мира, 5\nКадастр: 63:09:0101152:1034", False),
    ],
)
def test_digest_is_of_the_text_that_decides(one: str, other: str, same: bool) -> None:
    assert (read(one).digest == read(other).digest) is same


@given(st.text(max_size=300))
def test_never_raises(text: str) -> None:
    for sample in (text, f"Место: {text}", f"Место 1: {text}\nМесто 2: {text}", f"Адрес: {text}"):
        Resolver(None, None, TOWN).resolve(read(sample))


@given(st.lists(st.tuples(st.floats(-95, 95), st.floats(-190, 190)), max_size=3))
def test_a_place_is_never_outside(pairs: list[tuple[float, float]]) -> None:
    reading = read("\n".join(f"Место {n}: {lat:.5f}, {lon:.5f}" for n, (lat, lon) in enumerate(pairs)))
    if reading.geometry is not None:
        assert all(TOWN.contains(lon, lat) for lon, lat in shapely.get_coordinates(reading.geometry).tolist())


# --- resolving -------------------------------------------------------------------------------------------------------


class Book:
    """A geocoder with a few known houses; what is not `kept` needs asking first."""

    provider = "book"
    settlements = frozenset[str]()

    def __init__(self, places: dict[str, BaseGeometry], *, kept: bool = True) -> None:
        self.places = places
        self.kept = kept
        self.asked: list[str] = []

    def known(self, address: Address) -> Finding | None:
        return self._answer(address) if self.kept else None

    def find(self, address: Address) -> Finding:
        self.asked.append(str(address.street))
        self.kept = True
        return self._answer(address)

    def _answer(self, address: Address) -> Finding:
        said = f"{address.street} {address.house}"
        if said == "улица двойная 1":
            return Ambiguous(Reason.of(ReasonCode.ADDRESS_AMBIGUOUS, text=said, found="a; b"))
        geometry = self.places.get(said)
        if geometry is None:
            return NotFound(Reason.of(ReasonCode.ADDRESS_UNKNOWN, text=said))
        return Found(geometry, Precision.HOUSE, said)


@pytest.fixture
def book() -> Book:
    return Book({"улица мира 5": Point(49.41, 53.51), "улица чужая 1": Point(37.6, 55.7)})


@pytest.fixture
def parcels(tmp_path: Path) -> ParcelLayer:
    path = tmp_path / "parcels.geojson"
    shapely_box = shapely.to_geojson(box(49.4, 53.5, 49.401, 53.501))
    path.write_text(
        '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"cn":"63:09:0101152:1"},'
        f'"geometry":{shapely_box}}}]}}'
    )
    return ParcelLayer(path)


def resolve(text: str, geocoder: Geocoder | None, parcels: ParcelLayer | None) -> ResolvedPlace:
    return Resolver(geocoder, parcels, TOWN).resolve(read(text))


@pytest.mark.parametrize(
    ("text", "kind", "source"),
    [
        ("Адрес: ул. Мира, 5", "Point", PlaceSource.ADDRESS),
        ("Кадастр: 63:09:0101152:1\nАдрес: ул. Мира, 5", "Polygon", PlaceSource.PARCEL),
        ("Кадастр: 63:09:0101152:2\nАдрес: ул. Мира, 5", "Point", PlaceSource.ADDRESS),
        (f"Место 1: {HERE}\nМесто 2: ул. Мира, 5", "MultiPoint", PlaceSource.ADDRESS),
        (HERE, "Point", PlaceSource.COORDINATES),
    ],
)
def test_resolved(book: Book, parcels: ParcelLayer, text: str, kind: str, source: PlaceSource) -> None:
    place = resolve(text, book, parcels)
    assert place.geometry is not None
    assert shapely.from_wkb(place.geometry).geom_type == kind
    assert (place.placement, place.source, place.reason, place.settled) == (Placement.PLACED, source, None, True)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Адрес: ул. Мира, 6", ReasonCode.ADDRESS_UNKNOWN),
        ("Адрес: ул. Мира", ReasonCode.ADDRESS_NO_HOUSE),
        ("Адрес: ул. Чужая, 1", ReasonCode.OUTSIDE_AREA),
        ("Адрес: ул. Двойная, 1", ReasonCode.ADDRESS_AMBIGUOUS),
        (f"Место 1: {HERE}\nМесто 2: ул. Мира, 6", ReasonCode.ADDRESS_UNKNOWN),
        (f"Место 1: {HERE}\nМесто 2: 63:09:0101152:1", ReasonCode.MIXED_KINDS),
        ("Кадастр: 63:09:0101152:2", ReasonCode.PARCEL_UNKNOWN),
    ],
)
def test_not_resolved(book: Book, parcels: ParcelLayer, text: str, code: ReasonCode) -> None:
    place = resolve(text, book, parcels)
    assert (place.placement, place.geometry, place.settled) == (Placement.UNPLACED, None, True)
    assert place.reason is not None
    assert place.reason.code is code


@pytest.mark.parametrize("text", ["Адрес: ул. Мира, 5", "Кадастр: 63:09:0101152:1"])
def test_nothing_to_look_it_up_in(text: str) -> None:
    place = resolve(text, None, None)
    assert place.reason is not None
    assert place.reason.code is ReasonCode.NO_LOOKUP


def test_unknown_answers_wait_until_looked_up() -> None:
    book = Book({"улица мира 5": Point(49.41, 53.51)}, kept=False)
    resolver = Resolver(book, None, TOWN)
    reading = read("Адрес: ул. Мира, 5")
    waiting = resolver.resolve(reading)
    assert (waiting.settled, waiting.placement, waiting.pending) == (False, Placement.UNPLACED, ("ул. Мира, 5",))
    assert book.asked == []
    assert isinstance(resolver.look_up(waiting.pending[0]), Found)
    settled = resolver.resolve(reading)
    assert (settled.settled, settled.placement, settled.digest) == (True, Placement.PLACED, waiting.digest)
    assert book.asked == ["улица мира"]


def test_may_wait_asks_at_once() -> None:
    book = Book({"улица мира 5": Point(49.41, 53.51)}, kept=False)
    assert Resolver(book, None, WORLD).resolve(read("Адрес: ул. Мира, 5"), may_wait=True).settled


def test_chain_asks_the_next_only_when_not_found() -> None:
    near, far = Book({"улица мира 5": Point(49.41, 53.51)}), Book({"улица победы 7": Point(49.3, 53.5)}, kept=False)
    resolver = Resolver(Chain([near, far]), None, TOWN)
    assert resolver.resolve(read("Адрес: ул. Мира, 5")).placement is Placement.PLACED
    assert not resolver.resolve(read("Адрес: ул. Победы, 7")).settled
    assert resolver.resolve(read("Адрес: ул. Двойная, 1")).settled
    assert isinstance(resolver.look_up("ул. Победы, 7"), Found)
    assert (near.asked, far.asked) == (["улица победы"], ["улица победы"])
    with pytest.raises(ValueError, match="geocoder"):
        Chain([])


# --- wording ---------------------------------------------------------------------------------------------------------

WORDS = Path(__file__).parents[2] / "config" / "words"


@pytest.mark.parametrize("language", ["ru", "en"])
def test_every_reason_is_worded_with_its_data(language: str) -> None:
    words = tomllib.loads((WORDS / f"places.{language}.toml").read_text(encoding="utf-8"))
    assert words.keys() == {code.value for code in ReasonCode} == {code.value for code in REASON_DATA}
    for code, text in words.items():
        named = {name for _, name, _, _ in string.Formatter().parse(text) if name}
        assert named == REASON_DATA[ReasonCode(code)], code


def test_reason_survives_and_is_checked() -> None:
    reason = Reason.of(ReasonCode.OUTSIDE_AREA, lat="1", lon="2")
    assert Reason.load(reason.dump()) == reason
    with pytest.raises(ValueError, match="outside_area"):
        Reason.of(ReasonCode.OUTSIDE_AREA, lat="1")
    for junk in ("", "[]", "{}", '{"code":"x"}'):
        with pytest.raises(ValueError):  # noqa: PT011 - json and the enum word it themselves
            Reason.load(junk)
