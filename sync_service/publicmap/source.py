"""What `PLACECARD_TILES_URL` means: a tile template, a WMS, a PMTiles archive, or nothing. Pure, no I/O."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from sync_service.errors import Problem, SettingsError

Box = tuple[float, float, float, float]
"""West, south, east, north in degrees (CRS84)."""

WORLD: Box = (-180.0, -90.0, 180.0, 90.0)
TILE_SIZE = 256
MAX_ZOOM = 22
_HALF = math.pi * 6378137.0
"""Half the width of the Web Mercator square, metres."""

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_XYZ = {"z", "x", "y", "-y"}
_BBOX = "bbox-epsg-3857"
_SIZES = {"width", "height"}


@dataclass(frozen=True, slots=True)
class Tile:
    """One square of the XYZ grid in Web Mercator; `y` counts from the north."""

    z: int
    x: int
    y: int

    def exists(self) -> bool:
        """Whether the grid has such a tile."""
        return 0 <= self.z <= MAX_ZOOM and 0 <= self.x < 2**self.z and 0 <= self.y < 2**self.z

    def metres(self) -> Box:
        """Its box in EPSG:3857."""
        side = 2 * _HALF / 2**self.z
        west, north = -_HALF + self.x * side, _HALF - self.y * side
        return (west, north - side, west + side, north)

    def degrees(self) -> Box:
        """Its box in CRS84."""
        west, south, east, north = self.metres()
        return (_longitude(west), _latitude(south), _longitude(east), _latitude(north))

    def touches(self, box: Box) -> bool:
        """Whether it shares ground with a box in CRS84."""
        west, south, east, north = self.degrees()
        return west <= box[2] and east >= box[0] and south <= box[3] and north >= box[1]


@dataclass(frozen=True, slots=True)
class Plain:
    """No base map: paper and a grid."""


@dataclass(frozen=True, slots=True)
class Template:
    """Pictures from another server by a template, which may hold `{z}/{x}/{y}`, `{-y}` or `{bbox-epsg-3857}`."""

    url: str

    def address(self, tile: Tile) -> str:
        """The one address the template gives for a tile. Nothing but numbers is ever put in."""
        box = ",".join(f"{edge:.6f}" for edge in tile.metres())
        words = {
            "z": str(tile.z),
            "x": str(tile.x),
            "y": str(tile.y),
            "-y": str(2**tile.z - 1 - tile.y),
            _BBOX: box,
            "width": str(TILE_SIZE),
            "height": str(TILE_SIZE),
        }
        return _PLACEHOLDER.sub(lambda found: words[found.group(1)], self.url)


@dataclass(frozen=True, slots=True)
class LocalArchive:
    """A PMTiles file of this machine."""

    path: Path


@dataclass(frozen=True, slots=True)
class RemoteArchive:
    """A PMTiles file on another server."""

    url: str


BaseMap = Plain | Template | LocalArchive | RemoteArchive


def read_source(url: str) -> BaseMap:
    """What the setting asks for; empty means nothing. Raises `SettingsError`."""
    if not url:
        return Plain()
    web = re.match(r"https?://[^/]", url) is not None
    if _is_archive(url):
        return RemoteArchive(url) if web else LocalArchive(_local_path(url))
    if not web:
        raise _refused("not_base_map", url)
    return Template(_checked_template(url, _with_wms(url)))


def padded(area: Box) -> Box:
    """The area with as much again on every side: as far as the map may be moved and base-map tiles are passed on."""
    west, south, east, north = area
    width, height = east - west, north - south
    return (
        max(west - width, WORLD[0]),
        max(south - height, WORLD[1]),
        min(east + width, WORLD[2]),
        min(north + height, WORLD[3]),
    )


def _is_archive(url: str) -> bool:
    return urlsplit(url).path.lower().endswith(".pmtiles") and "{" not in url


def _local_path(url: str) -> Path:
    parts = urlsplit(url)
    if parts.scheme not in ("", "file"):
        raise _refused("not_base_map", url)
    return Path(parts.path if parts.scheme else url)


def _with_wms(url: str) -> str:
    """A WMS address completed to a `GetMap` template; any other unchanged."""
    parts = urlsplit(url)
    asked = {name.lower(): value for name, value in parse_qsl(parts.query, keep_blank_values=True)}
    if asked.get("service", "").lower() != "wms" or f"{{{_BBOX}}}" in url:
        return url
    version = asked.get("version", "1.3.0")
    words = {
        "request": "GetMap",
        "styles": "",
        "format": "image/png",
        "transparent": "true",
        **asked,
        "version": version,
        "crs" if version >= "1.3" else "srs": "EPSG:3857",
        "width": str(TILE_SIZE),
        "height": str(TILE_SIZE),
    }
    words.pop("bbox", None)
    query = f"{urlencode(words)}&bbox={{{_BBOX}}}"
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))


def _checked_template(given: str, url: str) -> str:
    words = set(_PLACEHOLDER.findall(url))
    if unknown := words - _XYZ - _SIZES - {_BBOX}:
        raise _refused("unknown_placeholder", given, name=f"{{{min(unknown)}}}")
    if _BBOX not in words and not ({"z", "x"} <= words and words & {"y", "-y"}):
        raise _refused("no_placeholders", given)
    if _PLACEHOLDER.search(urlsplit(url).netloc):
        raise _refused("host_placeholder", given)
    return url


def _refused(key: str, url: str, **data: str) -> SettingsError:
    return SettingsError([Problem(f"publicmap.{key}", {"url": url, **data})])


def _longitude(x: float) -> float:
    return math.degrees(x / 6378137.0)


def _latitude(y: float) -> float:
    return math.degrees(2 * math.atan(math.exp(y / 6378137.0)) - math.pi / 2)
