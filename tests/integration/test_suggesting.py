"""Suggestions from geocoders on the network: what they are asked, how often, and what the protocol makes of it."""

from __future__ import annotations

import threading
from base64 import b64decode
from typing import TYPE_CHECKING, Any

import pytest
import shapely

from sync_service.app import create_beyond
from sync_service.places.area import Area
from sync_service.places.providers import GeocoderDown, Provider, RemoteProvider, Trouble
from sync_service.places.suggesting import RemoteSuggester
from sync_service.store.leases import write_note
from sync_service.store.lookups import StoredGeocodes
from sync_service.store.turns import StoredTurns
from tests.boards import wait_until
from tests.copies import ROOT, expect
from tests.exchange import Exchange, open_exchange
from tests.geocoding import MAKERS, PROVIDERS, Cache, GeocoderServer, nominatim, serving, wrap
from tests.postgres import both_stores

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests

    from sync_service.store.database import Database
    from tests.ogc import Town

TOWN = Area(49.0, 53.0, 50.0, 54.0)


@pytest.fixture
def server() -> Iterator[GeocoderServer]:
    with serving() as made:
        yield made


def suggester(
    server: GeocoderServer, session: requests.Session, provider: Provider, cache: Cache | None = None
) -> RemoteSuggester:
    remote = RemoteProvider(provider, session=session, area=TOWN, base_url=server.url, api_key="secret-key")
    return RemoteSuggester(remote, cache=Cache() if cache is None else cache, home="Тольятти")


def queries(server: GeocoderServer) -> list[str]:
    return [asked.get("q") or asked["geocode"] for asked in server.asked]


# --- what is asked


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_place_inside_the_area_is_offered(
    server: GeocoderServer, session: requests.Session, provider: Provider
) -> None:
    make = MAKERS[provider]
    server.answers(wrap(provider, [make(), make(house="7", lon=49.42), make(), make(house=None), make(lon=37.6)]))
    found = suggester(server, session, provider).suggest("ул. Мира, 5")
    assert [each.geometry for each in found] == [*map(shapely.Point, [(49.41, 53.51), (49.42, 53.51), (49.41, 53.51)])]
    assert {each.source for each in found} == {provider.value}
    assert all("Мира" in each.label for each in found)


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("ул. Мира, 5", ["Тольятти, улица мира, 5", "Тольятти, улица мира"]),
        ("напротив дома 5 по ул. Мира", ["Тольятти, улица мира, 5", "Тольятти, улица мира"]),
        ("с. Подстёпки, ул. Мира", ["подстепки, улица мира"]),
        ("угол ул. Мира и Победы", ["Тольятти, улица мира / победы", "Тольятти, улица мира"]),
        ("Парк  Победы", ["Тольятти, Парк Победы"]),
        ("Парк Победы, Тольятти", ["Парк Победы, Тольятти"]),
        ("у Иванова, 8 927 123-45-67", []),
        ("вопросы на ivanov@example.org", []),
        ("ул. Мира, 5, тел. 8 927 123-45-67", []),
        ("слово " * 100, []),
        ("  ", []),
    ],
)
def test_what_is_sent_is_the_address_and_nothing_personal(
    server: GeocoderServer, session: requests.Session, text: str, asked: list[str]
) -> None:
    assert suggester(server, session, Provider.NOMINATIM).suggest(text) == []
    assert queries(server) == asked
    assert "927" not in str(server.asked)


def test_street_is_offered_where_the_house_is_not_known(server: GeocoderServer, session: requests.Session) -> None:
    cache = Cache()
    finder = suggester(server, session, Provider.NOMINATIM, cache)
    assert finder.suggest("ул. Мира, 555") == []
    cache.pop(("nominatim/suggestions", "Тольятти, улица мира"))
    server.answers([nominatim(house=None)])
    assert len(finder.suggest("ул. Мира, 555")) == 1
    assert queries(server)[-1] == "Тольятти, улица мира"


def test_answers_are_kept_and_trouble_is_not(server: GeocoderServer, session: requests.Session) -> None:
    cache = Cache()
    server.status = 500
    with pytest.raises(GeocoderDown):
        suggester(server, session, Provider.NOMINATIM, cache).suggest("ул. Мира, 5")
    assert cache == {}
    server.status = 200
    server.answers([nominatim()])
    first = suggester(server, session, Provider.NOMINATIM, cache).suggest("ул. Мира, 5")
    asked = len(server.asked)
    assert suggester(server, session, Provider.NOMINATIM, cache).suggest("улица  МИРА, дом 5") == first
    assert len(server.asked) == asked


def test_few_wait_at_once(server: GeocoderServer, session: requests.Session) -> None:
    server.hold.clear()
    finder = suggester(server, session, Provider.PHOTON)
    waiting = [threading.Thread(target=finder.suggest, args=(f"Парк {number}",)) for number in range(2)]
    server.answers(wrap(Provider.PHOTON, []))
    for each in waiting:
        each.start()
    wait_until(lambda: len(server.asked) == 2)
    with pytest.raises(GeocoderDown) as caught:
        finder.suggest("Парк Победы")
    assert (caught.value.trouble, caught.value.retry_after) == (Trouble.RATE_LIMITED, 1.0)
    server.hold.set()
    for each in waiting:
        each.join()
    assert finder.suggest("Парк Победы") == []


# --- how often


class Clock:
    """A clock that stands still but for those who sleep."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 6))
        self.now += seconds


def turns(database: Database, clock: Clock, patience: float = float("inf")) -> StoredTurns:
    return StoredTurns(database, "nominatim", 1.0, patience=patience, clock=lambda: clock.now, sleep=clock.sleep)


@both_stores
def test_rate_holds_over_all_processes(town: Town) -> None:
    clock = Clock()
    worker, web, other = (turns(town.database, clock) for _ in range(3))
    worker.wait()
    web.wait()
    other.wait()
    assert clock.slept == [1.0, 1.0]
    clock.now += 10
    worker.wait()
    assert clock.slept == [1.0, 1.0]


@both_stores
def test_pause_is_known_to_all_and_ends(town: Town) -> None:
    clock = Clock()
    worker, web = turns(town.database, clock), turns(town.database, clock)
    assert web.paused() == 0
    worker.pause(120)
    worker.pause(60)
    assert web.paused() == 120
    clock.now += 120
    assert web.paused() == 0


def test_whoever_cannot_wait_that_long_is_told(town: Town) -> None:
    clock = Clock()
    patient, hasty = turns(town.database, clock), turns(town.database, clock, patience=2.5)
    for _ in range(3):
        clock_before = clock.now
        patient.wait()
        clock.now = clock_before  # others came at the same moment
    assert (patient.paused(), hasty.paused()) == (0, 3)
    clock.now += 1
    assert hasty.paused() == 0


def test_clock_that_was_set_back_holds_nobody_off_for_days(town: Town) -> None:
    clock = Clock()
    one = turns(town.database, clock)
    with town.database.writing() as connection:
        write_note(connection, "turn:nominatim", repr(clock.now + 90_000))
        write_note(connection, "pause:nominatim", repr(clock.now + 90_000))
    assert one.paused() == 0
    one.wait()
    assert clock.slept == []


# --- over the protocol


@pytest.fixture
def advised(town: Town, server: GeocoderServer) -> Exchange:
    """The protocol as it is wired, with a Nominatim."""
    given = {"geocoder": "nominatim", "geocoder_url": server.url, "geocoder_rate": 1000.0, "area": tuple(TOWN)}
    town.settings = town.settings.model_copy(update={**given, "home_settlement": "Тольятти"})
    return open_exchange(town, create_beyond(town.settings, town.database))


def suggestions(exchange: Exchange, **query: str) -> Any:
    status, document = exchange.ask("GET", f"{ROOT}/suggestions", query=query)
    assert status == 200, document
    return expect("suggestions", document)


@both_stores
def test_places_are_suggested_for_a_proposal_and_nothing_is_placed(advised: Exchange, server: GeocoderServer) -> None:
    guid = advised.town.plant(None, address="напротив дома 5 по ул. Мира")
    server.answers([nominatim(), nominatim(house="7", lon=49.42)])
    before = advised.row(guid)
    told = suggestions(advised, guid=guid)
    assert (told["text"], told["code"], told["message"]) == ("напротив дома 5 по ул. Мира", None, None)
    places = [shapely.from_wkb(b64decode(each["geometry"])) for each in told["suggestions"]]
    assert places == [shapely.Point(49.41, 53.51), shapely.Point(49.42, 53.51)]
    assert {each["source"] for each in told["suggestions"]} == {"nominatim"}
    assert advised.row(guid) == before
    asked = len(server.asked)
    assert suggestions(advised, text="ул. Мира, 5")["suggestions"] == told["suggestions"]
    assert len(server.asked) == asked, "the answer is kept, in the store"
    assert StoredGeocodes(advised.town.database).get("nominatim/suggestions", "Тольятти, улица мира, 5")


def test_proposal_without_an_address_is_looked_up_by_its_title(advised: Exchange, server: GeocoderServer) -> None:
    guid = advised.town.plant(None, title="Сквер Ромашка", address=None)
    assert suggestions(advised, guid=guid)["text"] == "Сквер Ромашка"
    assert queries(server) == ["Тольятти, Сквер Ромашка"]


def test_why_there_are_none_is_said(advised: Exchange, town: Town) -> None:
    nothing = suggestions(advised, text="Парк Победы")
    assert (nothing["suggestions"], nothing["code"]) == ([], "nothing_found")
    assert "ничего не нашлось" in nothing["message"]
    silent = town.plant(None, title="", address=None)
    assert (suggestions(advised, guid=silent)["text"], suggestions(advised, guid=silent)["code"]) == (
        *(None, "nothing_said"),
    )
    town.settings = town.settings.model_copy(update={"geocoder": "off"})
    off = open_exchange(town, create_beyond(town.settings, town.database))
    assert suggestions(off, text="Парк Победы")["code"] == "no_lookup"


@pytest.mark.parametrize(
    ("query", "field", "reason"),
    [
        ("", "text", "suggestion_of_what"),
        ("text=x&guid=y", "text", "suggestion_of_what"),
        ("text=", "text", "suggestion_text"),
        ("text=%20", "text", "suggestion_text"),
        (f"text={'a' * 401}", "text", "suggestion_text"),
        ("text=a&text=b", "text", "parameter_twice"),
        ("where=here", "where", "parameter_unknown"),
    ],
)
def test_wrong_questions_are_named(advised: Exchange, query: str, field: str, reason: str) -> None:
    status, problem = advised.ask("GET", f"{ROOT}/suggestions?{query}")
    assert (status, expect("problem", problem)["field"], problem["reason"]) == (400, field, reason)
    assert reason not in problem["detail"]


@pytest.mark.parametrize("guid", ["x", "0b6f8c1e-2f0e-4d0a-8a51-6f6f4f0f9d01"])
def test_nothing_is_suggested_for_what_is_not_there(advised: Exchange, guid: str) -> None:
    assert advised.ask("GET", f"{ROOT}/suggestions", query={"guid": guid})[0] == 404


def test_strangers_ask_no_geocoder(advised: Exchange, server: GeocoderServer) -> None:
    assert advised.client.get(f"{ROOT}/suggestions?text=x").status_code == 401
    assert server.asked == []


@pytest.mark.parametrize(("status", "answered", "code"), [(429, 429, "too_many"), (403, 503, "unavailable")])
def test_geocoder_in_trouble_is_told_with_when_to_ask_again(
    advised: Exchange, server: GeocoderServer, *, status: int, answered: int, code: str
) -> None:
    server.status, server.headers = status, {"Retry-After": "77"}
    for _ in range(2):
        told, problem = advised.ask("GET", f"{ROOT}/suggestions", query={"text": "ул. Мира, 5"})
        assert (told, expect("problem", problem)["code"]) == (answered, code)
        assert 0 < problem["retry_after"] <= 77
        assert "Мира" not in problem["detail"]
    assert len(server.asked) == (1 if status == 429 else 2), "not while it wants to be left alone"
