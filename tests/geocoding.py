"""A real HTTP server that answers as Nominatim, Photon and Yandex document it."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from sync_service.places.providers import Provider

if TYPE_CHECKING:
    from collections.abc import Iterator

JSON = "application/json"


class GeocoderServer(ThreadingHTTPServer):
    """A server whose next answer the test sets; it remembers what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status = 200
        self.body = b"[]"
        self.kind = JSON
        self.headers: dict[str, str] = {}
        self.asked: list[dict[str, str]] = []
        self.agents: list[str] = []
        self.hold = threading.Event()
        self.hold.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def answers(self, content: Any) -> None:
        self.body = json.dumps(content, ensure_ascii=False).encode()


class Handler(BaseHTTPRequestHandler):
    server: GeocoderServer

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        self.server.asked.append({"path": urlsplit(self.path).path} | {key: values[0] for key, values in query.items()})
        self.server.agents.append(self.headers.get("User-Agent", ""))
        self.server.hold.wait(30)
        try:
            self.send_response(self.server.status)
            self.send_header("Content-Type", self.server.kind)
            self.send_header("Content-Length", str(len(self.server.body)))
            for name, value in self.server.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(self.server.body)
        except OSError:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's signature
        pass


@contextmanager
def serving() -> Iterator[GeocoderServer]:
    """The server while it answers."""
    server = GeocoderServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.hold.set()
        server.shutdown()
        thread.join()
        server.server_close()


class Cache(dict[tuple[str, str], str]):
    """The cache port over a dictionary."""

    def get(self, provider: str, query: str) -> str | None:  # type: ignore[override]  # the port's signature
        return dict.get(self, (provider, query))

    def put(self, provider: str, query: str, answer: str) -> None:
        self[provider, query] = answer


def nominatim(
    street: str = "улица Мира", house: str | None = "5", lon: float = 49.41, lat: float = 53.51, **more: str
) -> Any:
    """One result of /search?format=json&addressdetails=1."""
    address = {"road": street, "city": "Тольятти", "state": "Самарская область", "country": "Россия"} | more
    if house:
        address["house_number"] = house
    return {
        "place_id": 1,
        "licence": "Data © OpenStreetMap contributors, ODbL 1.0.",
        "osm_type": "way",
        "osm_id": 2,
        "lat": str(lat),
        "lon": str(lon),
        "class": "building",
        "type": "yes",
        "importance": 0.1,
        "display_name": f"{house}, {street}, Тольятти",
        "address": address,
        "boundingbox": ["53.5", "53.6", "49.3", "49.4"],
    }


def photon(
    street: str = "улица Мира", house: str | None = "5", lon: float = 49.41, lat: float = 53.51, **more: str
) -> Any:
    """One feature of /api."""
    properties = {"osm_type": "W", "osm_id": 2, "street": street, "city": "Тольятти", "type": "house"} | more
    if house:
        properties["housenumber"] = house
    point = {"type": "Point", "coordinates": [lon, lat]}
    return {"type": "Feature", "geometry": point, "properties": properties}


def yandex(
    street: str = "улица Мира",
    house: str | None = "5",
    lon: float = 49.41,
    lat: float = 53.51,
    *,
    precision: str = "exact",
    kind: str = "house",
    city: str = "Тольятти",
) -> Any:
    """One featureMember of /1.x/?format=json."""
    parts = [("country", "Россия"), ("province", "Самарская область"), ("locality", city), ("street", street)]
    parts += [("house", house)] if house else []
    meta = {
        "precision": precision,
        "kind": kind,
        "text": f"Россия, Самарская область, {city}, {street}, {house}",
        "Address": {"country_code": "RU", "Components": [{"kind": part, "name": name} for part, name in parts]},
    }
    about = {"metaDataProperty": {"GeocoderMetaData": meta}, "name": f"{street}, {house}", "description": city}
    return {"GeoObject": about | {"Point": {"pos": f"{lon} {lat}"}}}


MAKERS = {Provider.NOMINATIM: nominatim, Provider.PHOTON: photon, Provider.YANDEX: yandex}
PROVIDERS = list(Provider)


def wrap(provider: Provider, items: list[Any]) -> Any:
    if provider is Provider.PHOTON:
        return {"type": "FeatureCollection", "features": items}
    if provider is Provider.YANDEX:
        return {"response": {"GeoObjectCollection": {"metaDataProperty": {}, "featureMember": items}}}
    return items
