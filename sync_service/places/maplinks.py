"""Links to Yandex, 2GIS, Google and OpenStreetMap maps, and geo: addresses: parsed, never fetched.

Only a marker is a place. The centre of the view (`ll`, `m`, `@`, `#map`), a route, an organisation's number are not.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, parse_qs, unquote_plus, urlsplit

from sync_service.places.area import WORLD, Area
from sync_service.places.coordinates import find_coordinates
from sync_service.places.reason import Reason, ReasonCode
from sync_service.places.sighting import PlaceSource, Position, Sighting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_URL = re.compile(
    r"(?i:https?://|(?<![\w])geo:(?=[-+\d])|(?<![\w./@\-])(?:www\.|maps\.|m\.)?"
    r"(?:yandex\.[a-z]{2,3}/|ya\.cc/|[a-z\-]{1,32}\.2gis\.[a-z]{2,3}/|2gis\.[a-z]{2,3}/"
    r"|google\.[a-z]{2,3}/maps|maps\.app\.goo\.gl/|goo\.gl/|openstreetmap\.org/|osm\.org/))[^\s<>\"«»“”\\]*"
)
_TRAILING = ".,;:!?'*_~|`…"
_NUMBER = r"[-+]?\d{1,3}(?:\.\d{1,20})?"
_PAIR = re.compile(rf"\s*(?:loc:)?\s*({_NUMBER})\s*[,;\s]\s*({_NUMBER})\s*(?:\([^()]*\))?\s*\Z")
_GOOGLE_MARKER = re.compile(rf"!3d({_NUMBER})!4d({_NUMBER})")
_GEO = re.compile(rf"({_NUMBER}),({_NUMBER})(?:,{_NUMBER})?((?:;[^?]*)?)(?:\?(.*))?\Z", re.DOTALL)

_LatLon = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Url:
    """A link taken apart: host without `www.`, path segments and query, all decoded."""

    host: str
    segments: tuple[str, ...]
    query: Mapping[str, str]
    raw: SplitResult


def find_links(text: str, area: Area) -> tuple[Sighting, ...]:
    """Find every map link, in order; a marker inside `area` (degrees, CRS84) gives a position, others a reason.

    Links that are not to a map are left out. Never raises and never asks the network.
    """
    return tuple(sighting for start, link in _links(text) for sighting in _read_link(start, link, area))


def blank_links(text: str) -> str:
    """Give the text with spaces in place of every web address, so that numbers inside are not taken for coordinates."""
    pieces, end = [], 0
    for start, link in _links(text):
        pieces += [text[end:start], " " * len(link)]
        end = start + len(link)
    return "".join([*pieces, text[end:]])


def _links(text: str) -> Iterator[tuple[int, str]]:
    for match in _URL.finditer(text):
        yield match.start(), _trim(match[0])


def _trim(link: str) -> str:
    """Take off what a sentence or markdown put behind a link; brackets stay if they are closed within it."""
    surplus = {shut: link.count(shut) - link.count(opened) for opened, shut in ("()", "[]", "{}")}
    end = len(link)
    while end:
        last = link[end - 1]
        if surplus.get(last, 0) > 0:
            surplus[last] -= 1
        elif last not in _TRAILING:
            break
        end -= 1
    return link[:end]


def _read_link(start: int, link: str, area: Area) -> Iterator[Sighting]:
    try:
        outcome = _markers(link)
    except ValueError:
        mapped = any(name in link for name in ("yandex", "2gis", "google", "openstreetmap", "osm.org"))
        outcome = Reason.of(ReasonCode.LINK_BROKEN, link=link) if mapped else None
    if outcome is None:
        return
    end = start + len(link)
    if isinstance(outcome, Reason):
        yield Sighting(link, start, end, PlaceSource.LINK, reason=outcome, firm=False)
        return
    for marker in outcome:
        position, reason = _believe(marker, link, area)
        yield Sighting(link, start, end, PlaceSource.LINK, position, reason)


def _believe(marker: _LatLon, link: str, area: Area) -> tuple[Position | None, Reason | None]:
    if not all("." in number for number in marker):
        return None, Reason.of(ReasonCode.COORDINATES_COARSE, text=link)
    lat, lon = float(marker[0]), float(marker[1])
    reason = area.refuse(lon, lat)
    return (None, reason) if reason else (Position(lon, lat), None)


def _markers(link: str) -> list[_LatLon] | Reason | None:
    """Markers of a map link as (latitude, longitude), the reason it has none, or None if it is no map link."""
    if link[:4].casefold() == "geo:":
        return _geo(link) or Reason.of(ReasonCode.LINK_BROKEN, link=link)
    url = _take_apart(link)
    if _is_short(url):
        return Reason.of(ReasonCode.LINK_SHORT, link=link)
    reader = next((reader for reader in _READERS if reader.is_mine(url)), None)
    if reader is None:
        return None
    return reader.markers(url) or Reason.of(ReasonCode.LINK_NO_MARKER, link=link)


def _take_apart(link: str) -> _Url:
    link = html.unescape(link)
    raw = urlsplit(link if "://" in link[:12] else "https://" + link)
    host = (raw.hostname or "").removeprefix("www.")
    segments = tuple(part for part in unquote_plus(raw.path).split("/") if part)
    given = parse_qs(raw.query, max_num_fields=200).items()
    # What is said twice and differently says nothing.
    query = {key.casefold(): values[-1] for key, values in given if len(set(values)) == 1}
    return _Url(host, segments, MappingProxyType(query), raw)


_SHORT_HOSTS = frozenset({"ya.cc", "clck.ru", "maps.app.goo.gl", "go.2gis.com", "2gis.app.link", "g.co", "g.page"})


def _is_short(url: _Url) -> bool:
    if url.host in _SHORT_HOSTS:
        return True
    first = url.segments[0] if url.segments else ""
    return (
        (url.host == "goo.gl" and first == "maps")
        or (_is_yandex(url) and "-" in url.segments[:4])
        or (url.host in {"osm.org", "openstreetmap.org"} and first == "go")
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    """One map service: which links are its own, and where it keeps markers."""

    is_mine: Callable[[_Url], bool]
    markers: Callable[[_Url], list[_LatLon]]


def _pair(text: str) -> _LatLon | None:
    match = _PAIR.match(text)
    return (match[1], match[2]) if match else None


def _pairs(texts: Iterator[str], *, longitude_first: bool) -> list[_LatLon]:
    pairs = [pair for text in texts if (pair := _pair(text)) is not None]
    found = [(pair[1], pair[0]) if longitude_first else pair for pair in pairs]
    return list(dict.fromkeys(found))


def _spoken(text: str) -> list[_LatLon]:
    """Coordinates as a person typed them into a search box: the whole text must be one pair, latitude first."""
    pair = _pair(text)
    if pair is not None:
        return [pair]
    found = find_coordinates(text, WORLD, labelled=True)
    if len(found) != 1 or found[0].position is None or found[0].text.strip() != text.strip():
        return []
    return [(f"{found[0].position.lat:.10f}", f"{found[0].position.lon:.10f}")]


def _is_yandex(url: _Url) -> bool:
    return re.fullmatch(r"(?:(?:n\.)?maps\.|m\.)?(?:yandex\.(?:com\.)?[a-z]{2,3}|ya\.ru)", url.host) is not None


def _is_yandex_map(url: _Url) -> bool:
    mine = {"maps", "harita", "web-maps", "navi", "map-widget", "map-constructor"}
    return _is_yandex(url) and ("maps." in url.host or bool(url.segments and url.segments[0].casefold() in mine))


def _yandex(url: _Url) -> list[_LatLon]:
    for key in ("whatshere[point]", "poi[point]"):
        if found := _pairs(iter([url.query.get(key, "")]), longitude_first=True):
            return found
    marks = (",".join(mark.split(",")[:2]) for mark in url.query.get("pt", "").split("~"))
    return _pairs(marks, longitude_first=True) or _spoken(url.query.get("text", ""))


def _is_2gis(url: _Url) -> bool:
    return re.fullmatch(r"(?:[a-z0-9\-]{1,40}\.)?2gis\.(?:com\.)?[a-z]{2,3}", url.host) is not None


def _2gis(url: _Url) -> list[_LatLon]:
    kinds = {"geo", "firm", "gallery", "branches", "station", "entrance", "poi"}
    at = next((index for index, part in enumerate(url.segments) if part in kinds), None)
    if at is None:
        return []
    return _pairs(iter(url.segments[at + 1 : at + 3]), longitude_first=True)


def _is_google(url: _Url) -> bool:
    host = re.fullmatch(r"(maps\.)?google\.(?:com?\.)?[a-z]{2,3}", url.host)
    return host is not None and (host[1] is not None or bool(url.segments and url.segments[0] == "maps"))


def _google(url: _Url) -> list[_LatLon]:
    if "dir" in url.segments or {"daddr", "destination"} & url.query.keys():
        return []
    marks = [(mark[1], mark[2]) for mark in _GOOGLE_MARKER.finditer(unquote_plus(url.raw.path))]
    if marks:
        return list(dict.fromkeys(marks))
    asked = [url.query.get(key, "") for key in ("q", "query")]
    named = [following for word, following in zip(url.segments, url.segments[1:], strict=False) if _asks(word)]
    return next((found for text in asked + named if (found := _spoken(text))), [])


def _asks(segment: str) -> bool:
    return segment in {"place", "search"}


def _is_osm(url: _Url) -> bool:
    return url.host in {"openstreetmap.org", "osm.org", "m.openstreetmap.org"}


def _osm(url: _Url) -> list[_LatLon]:
    names = [("mlat", "mlon")]
    asked = url.query.get("marker", "")
    if url.segments[:1] == ("search",):  # a point that was asked about; elsewhere lat and lon are the view's
        names.append(("lat", "lon"))
        asked = url.query.get("query", "")
    pairs = (f"{url.query.get(lat, '')},{url.query.get(lon, '')}" for lat, lon in names)
    return _pairs(pairs, longitude_first=False) or _spoken(asked)


_READERS = (
    _Reader(_is_yandex_map, _yandex),
    _Reader(_is_2gis, _2gis),
    _Reader(_is_google, _google),
    _Reader(_is_osm, _osm),
)


def _geo(link: str) -> list[_LatLon]:
    """Read a geo: address (RFC 5870), with Android's `0,0?q=lat,lon(label)`."""
    match = _GEO.match(link[4:])
    if match is None or "crs=" in match[3].casefold().replace("crs=wgs84", ""):
        return []
    asked = parse_qs(match[4] or "").get("q", [""])[0]
    if float(match[1]) == 0 and float(match[2]) == 0:
        return _spoken(asked)
    return [(match[1], match[2])]
