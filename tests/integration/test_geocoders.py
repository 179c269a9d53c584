"""The remote geocoders against a real HTTP server that answers as Nominatim, Photon and Yandex document it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from sync_service.places.address import Address, parse_address
from sync_service.places.area import WORLD, Area
from sync_service.places.finding import Ambiguous, Finding, Found, NotFound, Precision
from sync_service.places.geocoders import RemoteGeocoder
from sync_service.places.providers import GeocoderDown, Pace, Provider, RemoteProvider, Trouble
from sync_service.places.reading import read_place
from sync_service.places.reason import ReasonCode
from sync_service.places.resolver import Resolver
from sync_service.sync.values import Placement
from tests.geocoding import MAKERS, PROVIDERS, Cache, GeocoderServer, nominatim, photon, serving, wrap, yandex

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests

TOWN = Area(49.0, 53.0, 50.0, 54.0)


@pytest.fixture
def service() -> Iterator[GeocoderServer]:
    with serving() as server:
        yield server


def geocoder(
    service: GeocoderServer, session: requests.Session, provider: Provider, cache: Cache | None = None, **more: Any
) -> RemoteGeocoder:
    options = {"area": TOWN, "base_url": service.url, "api_key": "secret-key"} | more
    remote = RemoteProvider(provider, session=session, **options)
    return RemoteGeocoder(remote, cache=Cache() if cache is None else cache, home="Тольятти")


def address(text: str = "ул. Мира, 5") -> Address:
    parsed = parse_address(text)
    assert isinstance(parsed, Address)
    return parsed


@pytest.mark.parametrize("provider", PROVIDERS)
def test_house_is_found(service: GeocoderServer, session: requests.Session, provider: Provider) -> None:
    service.answers(wrap(provider, [MAKERS[provider]()]))
    finding = geocoder(service, session, provider, user_agent="Placecard test").find(address())
    assert isinstance(finding, Found)
    assert (*finding.geometry.centroid.coords[0], finding.precision) == (49.41, 53.51, Precision.HOUSE)
    (asked,) = service.asked
    assert (asked.get("q") or asked["geocode"]) == "Тольятти, улица мира, 5"
    assert service.agents == ["Placecard test"]
    paths = {Provider.NOMINATIM: "/search", Provider.PHOTON: "/api", Provider.YANDEX: "/1.x/"}
    assert asked["path"] == paths[provider]


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("text", "said", "code"),
    [
        ("ул. Мира, 5", {"house": None}, ReasonCode.ADDRESS_UNKNOWN),
        ("ул. Мира, 5", {"house": "7"}, ReasonCode.ADDRESS_IMPRECISE),
        ("ул. Мира, 5к2", {"house": "5"}, ReasonCode.ADDRESS_IMPRECISE),
        ("ул. Мира, 5", {"street": "проспект Мира"}, ReasonCode.ADDRESS_IMPRECISE),
        ("ул. Мира, 5", {"city": "Самара"}, ReasonCode.ADDRESS_IMPRECISE),
        ("с. Подстёпки, ул. Мира, 5", {}, ReasonCode.ADDRESS_IMPRECISE),
        ("ул. Мира, 5", {"lon": 37.6, "lat": 55.7}, ReasonCode.OUTSIDE_AREA),
    ],
)
def test_less_than_the_house_is_refused(
    service: GeocoderServer,
    session: requests.Session,
    *,
    provider: Provider,
    text: str,
    said: dict[str, Any],
    code: ReasonCode,
) -> None:
    service.answers(wrap(provider, [MAKERS[provider](**said)]))
    finding = geocoder(service, session, provider).find(address(text))
    assert isinstance(finding, NotFound)
    assert finding.reason.code is code


@pytest.mark.parametrize(
    "said", [{"precision": "number"}, {"precision": "near"}, {"precision": "street", "kind": "street"}]
)
def test_yandex_says_itself_how_exact_it_is(
    service: GeocoderServer, session: requests.Session, said: dict[str, str]
) -> None:
    service.answers(wrap(Provider.YANDEX, [yandex(**said)]))  # type: ignore[arg-type]  # keyword texts of the table
    assert isinstance(geocoder(service, session, Provider.YANDEX).find(address()), NotFound)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_nothing_found(service: GeocoderServer, session: requests.Session, provider: Provider) -> None:
    service.answers(wrap(provider, []))
    finding = geocoder(service, session, provider).find(address())
    assert isinstance(finding, NotFound)
    assert finding.reason.code is ReasonCode.ADDRESS_UNKNOWN


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(("lon", "kind"), [(49.4101, Found), (49.45, Ambiguous), (37.6, Found)])
def test_two_answers(
    service: GeocoderServer, session: requests.Session, provider: Provider, lon: float, kind: type[Finding]
) -> None:
    service.answers(wrap(provider, [MAKERS[provider](), MAKERS[provider](lon=lon)]))
    assert isinstance(geocoder(service, session, provider).find(address()), kind)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("status", "body", "trouble"),
    [
        (429, "slow down", Trouble.RATE_LIMITED),
        (500, "broken", Trouble.FAILED),
        (502, "broken", Trouble.FAILED),
        (503, "busy", Trouble.TIMED_OUT),
        (403, "no", Trouble.REFUSED),
        (401, "no", Trouble.REFUSED),
        (200, "<html><body>Sign in</body></html>", Trouble.UNREADABLE),
        (200, '[{"lat": "53.5', Trouble.UNREADABLE),
        (200, '{"what": "is this"}', Trouble.UNREADABLE),
        (200, '[{"unknown": 1}]', Trouble.UNREADABLE),
        (200, "null", Trouble.UNREADABLE),
        (200, "{}", Trouble.UNREADABLE),
    ],
)
def test_trouble_is_no_answer(
    service: GeocoderServer, session: requests.Session, *, provider: Provider, status: int, body: str, trouble: Trouble
) -> None:
    service.status, service.body, cache = status, body.encode(), Cache()
    with pytest.raises(GeocoderDown) as caught:
        geocoder(service, session, provider, cache).find(address())
    assert caught.value.trouble is trouble
    assert caught.value.provider == provider.value
    assert "secret-key" not in str(caught.value)
    assert cache == {}


def test_time_out(service: GeocoderServer, session: requests.Session) -> None:
    service.hold.clear()
    with pytest.raises(GeocoderDown) as caught:
        geocoder(service, session, Provider.NOMINATIM, timeout=0.2).find(address())
    assert caught.value.trouble is Trouble.TIMED_OUT


def test_nobody_there(service: GeocoderServer, session: requests.Session) -> None:
    silent = GeocoderServer()
    silent.server_close()
    with pytest.raises(GeocoderDown) as caught:
        geocoder(silent, session, Provider.YANDEX).find(address())
    assert caught.value.trouble is Trouble.UNREACHABLE
    assert "secret-key" not in repr(caught.value)


def test_wait_that_was_asked_for_is_kept(service: GeocoderServer, session: requests.Session) -> None:
    clock = [100.0]
    pace = Pace(1.0, clock=lambda: clock[0], sleep=clock.append)
    finder = geocoder(service, session, Provider.PHOTON, pace=pace)
    service.status, service.headers = 429, {"Retry-After": "120"}
    for _ in range(3):
        with pytest.raises(GeocoderDown) as caught:
            finder.find(address())
        assert caught.value.retry_after == 120
    assert len(service.asked) == 1
    service.status, service.headers = 200, {}
    service.answers(wrap(Provider.PHOTON, [photon()]))
    clock[0] += 121
    assert isinstance(finder.find(address()), Found)


def test_pace_keeps_calls_apart() -> None:
    now, slept = [0.0], list[float]()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    pace = Pace(1.0, clock=lambda: now[0], sleep=sleep)
    for _ in range(3):
        pace.wait()
    now[0] += 10
    pace.wait()
    assert slept == [1.0, 1.0]


@pytest.mark.parametrize("found", [True, False])
def test_answers_are_kept(service: GeocoderServer, session: requests.Session, found: bool) -> None:
    cache = Cache()
    service.answers([nominatim()] if found else [])
    first = geocoder(service, session, Provider.NOMINATIM, cache).find(address())
    other = geocoder(service, session, Provider.NOMINATIM, cache)
    assert other.known(address("УЛИЦА  МИРА, дом 5")) == first == other.find(address())
    assert len(service.asked) == 1
    assert other.known(address("ул. Мира, 7")) is None


def test_area_is_told_to_nominatim_only_if_there_is_one(service: GeocoderServer, session: requests.Session) -> None:
    geocoder(service, session, Provider.NOMINATIM).find(address())
    geocoder(service, session, Provider.NOMINATIM, area=WORLD).find(address())
    assert (service.asked[0]["bounded"], service.asked[0]["addressdetails"]) == ("1", "1")
    assert service.asked[0]["viewbox"] == "49.0,53.0,50.0,54.0"
    assert "viewbox" not in service.asked[1]


def test_crossings_are_not_asked_for(service: GeocoderServer, session: requests.Session) -> None:
    finding = geocoder(service, session, Provider.YANDEX).find(address("угол улиц Мира и Победы"))
    assert isinstance(finding, NotFound)
    assert service.asked == []


def test_key_and_address_reach_no_log(
    service: GeocoderServer, session: requests.Session, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    service.status = 500
    with pytest.raises(GeocoderDown):
        geocoder(service, session, Provider.YANDEX).find(address())
    assert "secret-key" not in caplog.text


@pytest.mark.parametrize("provider", PROVIDERS)
def test_card_waits_for_the_answer_and_then_is_placed(
    service: GeocoderServer, session: requests.Session, provider: Provider
) -> None:
    service.answers(wrap(provider, [MAKERS[provider]()]))
    resolver = Resolver(geocoder(service, session, provider), None, TOWN)
    reading = read_place("Адрес: ул. Мира, 5", address=None, area=TOWN)
    waiting = resolver.resolve(reading)
    assert (waiting.settled, service.asked) == (False, [])
    resolver.look_up(waiting.pending[0])
    place = resolver.resolve(reading)
    assert (place.settled, place.placement, len(service.asked)) == (True, Placement.PLACED, 1)
