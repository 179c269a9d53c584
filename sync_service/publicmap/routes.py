"""The public map's addresses: the page, its configuration, its base map and its files."""

from __future__ import annotations

import logging
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import orjson
from flask import Blueprint, Response, abort, render_template, request, send_file

from sync_service.publicmap import assets
from sync_service.publicmap.basemap import base_map
from sync_service.publicmap.legend import LOOKS
from sync_service.publicmap.proxy import TileServerError
from sync_service.publicmap.source import LocalArchive, Plain, Tile, padded
from sync_service.publicmap.words import choose_language, words
from sync_service.sync.fields import field_table
from sync_service.words import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from sync_service.publicmap.assets import Asset
    from sync_service.publicmap.basemap import BaseMapParts
    from sync_service.publicmap.source import Box
    from sync_service.settings import Settings

log = logging.getLogger(__name__)

PAGE_SIZE = 1000
"""Proposals asked for at a time."""

_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"
_A_DAY = "public, max-age=86400"
_RANGE = re.compile(r"bytes=(\d+)-(\d+)")

_NOTHING_THERE = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f64540"
    "0000000049454e44ae426082"
)
"""A transparent picture of one pixel: an absent tile is no error."""


@dataclass(frozen=True, slots=True)
class Greeting:
    """What the page says to whoever asks, and to nobody else."""

    matters: Callable[[], int | None]
    visitor: Callable[[], str | None]


def csp_sources(framers: tuple[str, ...] = ()) -> dict[str, tuple[str, ...]]:
    """What the map page may load, by directive of the Content-Security-Policy: nothing but this service.

    `framers` are the sites that may embed the page.
    Base maps of other servers are passed on by us, so no setting ever adds a host. MapLibre draws its marks through
    `blob:` and `data:` pictures.
    """
    return {
        "default-src": ("'none'",),
        "script-src": ("'self'",),
        "worker-src": ("'self'",),
        "style-src": ("'self'",),
        "img-src": ("'self'", "data:", "blob:"),
        "connect-src": ("'self'",),
        "base-uri": ("'none'",),
        "form-action": ("'none'",),
        "frame-ancestors": framers or ("'none'",),
    }


def create_blueprint(
    settings: Settings,
    *,
    districts: Callable[[], Mapping[str, Any]] | None = None,
    matters: Callable[[], int | None] | None = None,
    survivor: Callable[[str], str | None] | None = None,
    visitor: Callable[[], str | None] | None = None,
) -> Blueprint:
    """The blueprint `publicmap`, to be registered at the root.

    `districts` gives their outlines as a GeoJSON FeatureCollection in CRS84 with a `name` each; `matters` says how much
    waits at the desk for whoever asks, None for who has no business there; `survivor` names the public proposal that
    stands for a duplicate; `visitor` is the name of whoever has signed in, "" for who has not, None where nobody can.
    Raises `SettingsError` for a base map that cannot be understood.
    """
    parts = base_map(settings)
    base = urlsplit(settings.public_url).path.rstrip("/")
    blueprint = Blueprint("publicmap", __name__, template_folder="templates")
    policy = _policy(settings.embed_origins)
    greeting = Greeting(matters or (lambda: None), visitor or (lambda: None))
    _add_page(blueprint, base, policy, greeting, survivor)
    _add_data(blueprint, base, settings.area, parts, districts)
    _add_tiles(blueprint, parts)
    return blueprint


def _add_page(
    blueprint: Blueprint,
    base: str,
    policy: Mapping[str, str],
    greeting: Greeting,
    survivor: Callable[[str], str | None] | None,
) -> None:
    @blueprint.get("/")
    def page() -> Response:
        followed = survivor(request.args.get("proposal", "")) if survivor else None
        if followed is not None:
            there = urlencode({**request.args, "proposal": followed})
            return Response(status=302, headers={"Location": f"?{there}", "Cache-Control": _ASK_AGAIN})
        return _page(base, policy, matters=greeting.matters(), visitor=greeting.visitor())

    @blueprint.get("/static/map/<release>/<path:name>")
    def static(release: str, name: str) -> Response:
        return _static(release, name)


def _add_data(
    blueprint: Blueprint,
    base: str,
    area: Box,
    parts: BaseMapParts,
    districts: Callable[[], Mapping[str, Any]] | None,
) -> None:
    config = _config(base, area, plain=isinstance(parts.source, Plain))

    @blueprint.get("/map/config.json")
    def configuration() -> Response:
        return _json(config)

    @blueprint.get("/map/style.json")
    def style() -> Response:
        return _json(parts.style(base, dark=request.args.get("theme") == "dark"))

    @blueprint.get("/map/districts.geojson")
    def outlines() -> Response:
        found = districts() if districts else {"type": "FeatureCollection", "features": []}
        return _json(found, media_type="application/geo+json")


def _add_tiles(blueprint: Blueprint, parts: BaseMapParts) -> None:
    @blueprint.get("/map/tiles/<int:z>/<int:x>/<int:y>")
    def tile(z: int, x: int, y: int) -> Response:
        return _tile(parts, Tile(z, x, y))

    @blueprint.get("/map/tiles.pmtiles")
    def archive() -> Response:
        if isinstance(parts.source, LocalArchive):
            return _local_archive(parts.source.path)
        return _remote_archive(parts)


def _config(base: str, area: Box, *, plain: bool) -> dict[str, Any]:
    fields = {name: {"ru": field.ru, "en": field.en} for name, field in field_table().items() if field.public}
    return {
        "base": base,
        "assets": f"{base}/static/map/{assets.version()}",
        "ogc": f"{base}/ogc",
        "page_size": PAGE_SIZE,
        "area": list(area),
        "bounds": list(padded(area)),
        "languages": list(LANGUAGES),
        "stages": [asdict(look) for look in LOOKS],
        "fields": fields,
        "grid": plain,
    }


def _policy(framers: tuple[str, ...]) -> dict[str, str]:
    """The page's headers that say what it may load and who may embed it."""
    sources = csp_sources(framers).items()
    headers = {"Content-Security-Policy": "; ".join(" ".join((directive, *named)) for directive, named in sources)}
    # A page that shuts itself off from all others may still embed this one.
    return {**headers, "Cross-Origin-Resource-Policy": "cross-origin"} if framers else headers


def _page(base: str, policy: Mapping[str, str], *, matters: int | None, visitor: str | None) -> Response:
    language = choose_language(request.args.get("lang"), request.headers.get("Accept-Language"))
    root = f"{base}/static/map/{assets.version()}"
    told = {"base": base, "assets": root, "language": language, "words": words(language)}
    answer = Response(render_template("publicmap/map.html", **told, matters=matters, visitor=visitor))
    answer.headers.update(policy)
    answer.headers["Referrer-Policy"] = "same-origin"
    answer.headers["Cache-Control"] = f"private, {_ASK_AGAIN}" if visitor or matters is not None else _ASK_AGAIN
    answer.vary.add("Accept-Language")
    return _validated(answer)


def _json(value: Mapping[str, Any], *, media_type: str = "application/json") -> Response:
    answer = Response(orjson.dumps(value), content_type=media_type)
    answer.headers["Cache-Control"] = _ASK_AGAIN
    return _validated(answer)


def _validated(answer: Response) -> Response:
    answer.add_etag()
    answer.make_conditional(request)
    return answer


def _static(release: str, name: str) -> Response:
    asset = assets.find_assets().get(name)
    if asset is None:
        abort(404)
    answer = _asset_answer(asset)
    answer.headers["Cache-Control"] = _FOR_EVER if release == assets.version() else _ASK_AGAIN
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.make_conditional(request)
    return answer


def _asset_answer(asset: Asset) -> Response:
    packed = asset.packed if request.accept_encodings["gzip"] > 0 else None
    answer = Response(packed or asset.content, content_type=asset.media_type)
    answer.set_etag(asset.etag + ("-gzip" if packed else ""))
    if packed:
        answer.headers["Content-Encoding"] = "gzip"
    if asset.packed:
        answer.vary.add("Accept-Encoding")
    return answer


def _tile(parts: BaseMapParts, wanted: Tile) -> Response:
    if parts.tiles is None or not wanted.exists():
        abort(404)
    try:
        picture = parts.tiles.tile(wanted)
    except TileServerError as broken:
        return _unavailable(broken)
    answer = Response(
        picture.content if picture else _NOTHING_THERE, content_type=picture.media_type if picture else "image/png"
    )
    answer.headers["Cache-Control"] = _A_DAY
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.set_etag(picture.etag if picture else "nothing")
    answer.make_conditional(request)
    return answer


def _local_archive(path: Path) -> Response:
    if not path.is_file():
        abort(404)
    return send_file(path.resolve(), mimetype="application/vnd.pmtiles", conditional=True, max_age=0)


def _remote_archive(parts: BaseMapParts) -> Response:
    asked = _RANGE.fullmatch(request.headers.get("Range", ""))
    if parts.ranges is None:
        abort(404)
    if asked is None:
        abort(416)
    try:
        piece = parts.ranges.piece(int(asked.group(1)), int(asked.group(2)))
    except TileServerError as broken:
        return _unavailable(broken)
    answer = Response(piece.content, 206, content_type="application/vnd.pmtiles")
    last = piece.first + len(piece.content) - 1
    answer.headers["Content-Range"] = f"bytes {piece.first}-{last}/{piece.total or '*'}"
    answer.headers["Cache-Control"] = _ASK_AGAIN
    if piece.etag:
        answer.headers["ETag"] = piece.etag
    return answer


def _unavailable(broken: TileServerError) -> Response:
    log.info("base map: %s", broken.reason)
    answer = Response("", 503, content_type="text/plain")
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Retry-After"] = "15"
    return answer
