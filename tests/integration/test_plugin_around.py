"""What the plugin's core asks around a working copy, of the service itself: who one is, a card, suggestions, districts,
where to sign in; and what it makes of a service that cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import shapely

from placecard.core.errors import Refused, SignInNeeded, Unreachable
from placecard.core.service import Service
from sync_service.access.issuer import Endpoints
from sync_service.access.table import RIGHTS
from sync_service.app import create_beyond
from sync_service.engine.listening import Listener
from sync_service.exchange.beyond import Beyond
from sync_service.store.districts import replace_districts
from tests.exchange import open_exchange
from tests.geocoding import GeocoderServer, nominatim, serving
from tests.ogc import AREA, HOME, Town, settings_for
from tests.seats import FlaskTransport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.desk import Desk


def service_of(town: Town, beyond: Beyond | None = None, token: str | None = None) -> Service:
    """The plugin's side of the protocol over this town."""
    transport = FlaskTransport(open_exchange(town, beyond).client.application)
    transport.token = token or transport.token
    return Service(transport, HOME, "en")


@pytest.fixture
def server() -> Iterator[GeocoderServer]:
    with serving() as made:
        yield made


@pytest.fixture
def advised(town: Town, server: GeocoderServer) -> Service:
    """A service with a geocoder."""
    given = {"geocoder": "nominatim", "geocoder_url": server.url, "geocoder_rate": 1000.0}
    town.settings = town.settings.model_copy(update=given)
    return service_of(town, create_beyond(town.settings, town.database))


def test_plugin_knows_who_it_asks_for(town: Town) -> None:
    assert service_of(town).me() == {"name": "token", "may": list(RIGHTS), "organisations": []}
    with pytest.raises(SignInNeeded):
        service_of(town, token="another-token").me()


def test_plugin_knows_where_to_sign_in_and_where_the_live_layers_are(town: Town) -> None:
    town.settings = town.settings.model_copy(update={"area": (49.0, 53.0, 50.0, 54.0)})
    places = Endpoints("https://sso.test", "https://sso.test/auth", "https://sso.test/token")
    offered = service_of(town, Beyond(issuer=lambda: places)).capabilities()
    assert offered.area == (49.0, 53.0, 50.0, 54.0)
    assert offered.ogc == f"{HOME}/ogc/"
    assert offered.oidc is not None
    assert (offered.oidc["authorization"], offered.oidc["client_id"]) == ("https://sso.test/auth", "placecard-qgis")
    assert service_of(town).capabilities().oidc is None


def test_plugin_reads_a_card_with_what_is_said_on_it(desk: Desk) -> None:
    card = desk.add()
    desk.work()
    desk.person.add_comment(card, "Скамейки у входа?")
    town = Town(desk.parts.database, settings_for(desk.parts.database.url), desk.now)
    service = service_of(town, Beyond(hear=Listener(desk.parts.database, lambda: desk.board).hear))
    told = service.card(desk.known(card).guid)
    assert [comment["text"] for comment in told["card"]["comments"]] == ["Скамейки у входа?"]
    assert [past["by"] for past in told["history"]] == ["board"]
    with pytest.raises(Refused) as caught:
        service.card("0b6f8c1e-2f0e-4d0a-8a51-6f6f4f0f9d01")
    assert caught.value.data["status"] == 404


def test_plugin_is_offered_places(advised: Service, town: Town, server: GeocoderServer) -> None:
    guid = town.plant(None, address="напротив дома 5 по ул. Мира")
    server.answers([nominatim(), nominatim(lon=49.42)])
    found = advised.suggest(guid)
    assert [shapely.from_wkb(each["geometry"]) for each in found.found] == [
        shapely.Point(49.41, 53.51),
        shapely.Point(49.42, 53.51),
    ]
    assert advised.suggest(text="ул. Мира, 5") == found
    assert found.message is None


def test_plugin_is_told_why_no_place_is_offered(town: Town) -> None:
    told = service_of(town).suggest(town.plant(None, address="ул. Мира, 5"))
    assert told.found == []
    assert told.message == "There is nothing to look it up in: no geocoder is set."


@pytest.mark.parametrize("status", [429, 500])
def test_plugin_learns_when_to_ask_again(advised: Service, server: GeocoderServer, status: int) -> None:
    server.status, server.headers = status, {"Retry-After": "60"}
    with pytest.raises(Unreachable) as caught:
        advised.suggest(text="ул. Мира, 5")
    assert 0 < caught.value.data["retry_after"] <= 60


def test_plugin_takes_the_districts(town: Town) -> None:
    service = service_of(town)
    assert service.districts() == {}
    with town.database.writing() as connection:
        replace_districts(connection, [("Центральный", AREA.wkb)])
    assert {name: shapely.from_wkb(wkb) for name, wkb in service.districts().items()} == {"Центральный": AREA}
