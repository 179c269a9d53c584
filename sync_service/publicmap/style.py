"""The MapLibre style of the base map: paper, pictures, or vector tiles. Pure, no I/O.

Addresses in it begin with the path prefix of the service; the page makes them absolute.
No `glyphs`: names are drawn with the reader's own fonts, so no font is fetched from anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sync_service.publicmap.source import MAX_ZOOM, TILE_SIZE

if TYPE_CHECKING:
    from sync_service.publicmap.archive import ArchiveHead

Json = dict[str, Any]
FONT = ["Noto Sans", "DejaVu Sans", "sans-serif"]
SOURCE = "base"


@dataclass(frozen=True, slots=True)
class Paint:
    """Colours of the base map for a light or a dark page."""

    paper: str
    land: str
    green: str
    water: str
    road: str
    street: str
    house: str
    border: str
    name: str
    halo: str


LIGHT = Paint(
    paper="#f3f1ea",
    land="#f3f1ea",
    green="#dfe8d3",
    water="#bfd9e6",
    road="#ffffff",
    street="#fbfaf6",
    house="#e4dfd3",
    border="#b3a99a",
    name="#4b5058",
    halo="#ffffff",
)
DARK = Paint(
    paper="#1b2126",
    land="#1b2126",
    green="#20302a",
    water="#142a38",
    road="#3b444c",
    street="#2c343a",
    house="#262d33",
    border="#59636b",
    name="#c3cad0",
    halo="#11161a",
)


def plain_style(*, dark: bool) -> Json:
    """Paper only; the page draws a grid on it."""
    return _style({}, [], dark=dark)


def picture_style(source: Json, *, dark: bool) -> Json:
    """Raster tiles, calmed so that the marks stand out. `source` holds `tiles` or `url` and the zooms."""
    calm = {"raster-saturation": -0.35, "raster-contrast": -0.05}
    dim = {"raster-saturation": -0.6, "raster-brightness-max": 0.6, "raster-contrast": 0.05}
    layer = {"id": "pictures", "type": "raster", "source": SOURCE, "paint": dim if dark else calm}
    return _style({SOURCE: {"type": "raster", "tileSize": TILE_SIZE, **source}}, [layer], dark=dark)


def template_source(base: str, attribution: str) -> Json:
    """The source of tiles passed on by us."""
    source: Json = {"tiles": [f"{base}/map/tiles/{{z}}/{{x}}/{{y}}"], "maxzoom": min(MAX_ZOOM, 19)}
    return source | ({"attribution": attribution} if attribution else {})


def archive_source(base: str, head: ArchiveHead, attribution: str) -> Json:
    """The source of a PMTiles archive, local or passed on."""
    source: Json = {
        "tiles": [f"pmtiles://{base}/map/tiles.pmtiles/{{z}}/{{x}}/{{y}}"],
        "minzoom": head.min_zoom,
        "maxzoom": head.max_zoom,
    }
    if head.box[0] < head.box[2] and head.box[1] < head.box[3]:
        source["bounds"] = list(head.box)
    text = attribution or head.attribution
    return source | ({"attribution": text} if text else {})


def archive_style(base: str, head: ArchiveHead, attribution: str, *, dark: bool) -> Json:
    """A PMTiles archive: its pictures, or its vector layers as far as their names are known."""
    source = archive_source(base, head, attribution)
    if not head.vector:
        return picture_style(source, dark=dark)
    paint = DARK if dark else LIGHT
    layers = [layer for layer in _vector_layers(paint) if layer["source-layer"] in head.layers]
    if not layers:
        layers = _unknown_layers(head.layers, paint)
    return _style({SOURCE: {"type": "vector", **source}}, layers, dark=dark)


def _style(sources: Json, layers: list[Json], *, dark: bool) -> Json:
    paper = {"id": "paper", "type": "background", "paint": {"background-color": (DARK if dark else LIGHT).paper}}
    return {"version": 8, "name": "Placecard", "sources": sources, "layers": [paper, *layers]}


def _vector_layers(paint: Paint) -> list[Json]:
    """The common layers of the Protomaps and the OpenMapTiles schema, from the ground up."""
    major = ["match", ["coalesce", ["get", "kind"], ["get", "class"], ""], _MAJOR, 1, 0]
    width = ["interpolate", ["exponential", 1.5], ["zoom"], 8, ["*", 0.6, major], 13, ["+", 1, ["*", 2, major]]]
    return [
        _fill("earth", paint.land),
        _fill("landcover", paint.green),
        _fill("landuse", paint.green, only=["match", _kind(), _GREENS, True, False]),
        _fill("park", paint.green),
        _fill("water", paint.water, only=["==", ["geometry-type"], "Polygon"]),
        _line("waterway", paint.water, 1.2),
        _fill("buildings", paint.house, from_zoom=13),
        _fill("building", paint.house, from_zoom=13),
        _line("roads", ["case", ["==", major, 1], paint.road, paint.street], _wider(width)),
        _line("transportation", ["case", ["==", major, 1], paint.road, paint.street], _wider(width)),
        _line("boundaries", paint.border, 1, dash=[3, 2]),
        _line("boundary", paint.border, 1, dash=[3, 2]),
        _names("places", paint),
        _names("place", paint),
    ]


_MAJOR = ["highway", "major_road", "medium_road", "motorway", "trunk", "primary", "secondary", "tertiary"]
_GREENS = ["park", "forest", "wood", "grass", "garden", "cemetery", "nature_reserve", "recreation_ground", "meadow"]


def _wider(width: list[Any]) -> list[Any]:
    return [*width, 18, 14]


def _kind() -> list[Any]:
    return ["coalesce", ["get", "kind"], ["get", "class"], ""]


def _fill(name: str, colour: str, *, only: list[Any] | None = None, from_zoom: int = 0) -> Json:
    layer = _layer("fill", name, {"fill-color": colour}, from_zoom=from_zoom)
    return layer | ({"filter": only} if only else {})


def _line(name: str, colour: object, width: object, *, dash: list[int] | None = None) -> Json:
    paint: Json = {"line-color": colour, "line-width": width}
    layer = _layer("line", name, paint | ({"line-dasharray": dash} if dash else {}))
    return layer | {"layout": {"line-cap": "butt" if dash else "round", "line-join": "round"}}


def _names(name: str, paint: Paint) -> Json:
    layer = _layer("symbol", name, {"text-color": paint.name, "text-halo-color": paint.halo, "text-halo-width": 1.4})
    text = ["coalesce", ["get", "name:ru"], ["get", "name"]]
    return layer | {"layout": {"text-field": text, "text-font": FONT, "text-size": 13, "text-max-width": 8}}


def _layer(kind: str, name: str, paint: Json, *, from_zoom: int = 0) -> Json:
    return {
        "id": f"{name}-{kind}",
        "type": kind,
        "source": SOURCE,
        "source-layer": name,
        "minzoom": from_zoom,
        "paint": paint,
    }


def _unknown_layers(names: tuple[str, ...], paint: Paint) -> list[Json]:
    """Vector tiles of a schema we do not know: areas and lines in quiet colours."""
    areas = [_fill(name, paint.house, only=["==", ["geometry-type"], "Polygon"]) for name in names]
    return areas + [_line(name, paint.border, 0.8) for name in names]
