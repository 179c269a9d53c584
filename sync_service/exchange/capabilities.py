"""What the protocol offers, told to anybody: names, versions, limits, addresses, ways to sign in. No data."""

from __future__ import annotations

from functools import cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import orjson

from sync_service import __version__
from sync_service.access.issuer import QGIS_CLIENT
from sync_service.exchange.asking import LIMIT, MOST
from sync_service.places.area import WORLD
from sync_service.sync.fields import field_table
from sync_service.sync.values import Owner

if TYPE_CHECKING:
    from sync_service.access.issuer import Endpoints
    from sync_service.settings import Settings
    from sync_service.sync.fields import Field

MOST_CHANGES = 500
"""Changes in one push; `push.json` says the same, and a test holds the two together."""
PLUGIN = {"from": "0.1.0", "below": "1.0.0"}
"""Versions of the plugin that speak this protocol."""
CLIENT, SCOPE = QGIS_CLIENT, "openid"
"""The plugin's name at an identity provider, a public client with PKCE, and what it asks for."""


@cache
def schema_rev() -> str:
    """Names the properties as they are in this release: another text when one is added, dropped or changed."""
    rows = [[f.name, f.owner, f.type, f.values, f.stored] for f in field_table().values()]
    return blake2b(orjson.dumps(rows), digest_size=6).hexdigest()


def capabilities(settings: Settings, largest_body: int, issuer: Endpoints | None) -> dict[str, Any]:
    """The document. `largest_body` is in bytes; `issuer` is where people sign in, if there is such a place."""
    root = f"{settings.public_url}/sync/v1"
    proposals = f"{root}/collections/proposals"
    return {
        "service": {"name": "Placecard", "version": __version__},
        "protocol": 1,
        "plugin": PLUGIN,
        "schema_rev": schema_rev(),
        "crs": "OGC:CRS84",
        "geometry": "iso-wkb-base64",
        "languages": ["ru", "en"],
        "area": None if settings.area == WORLD else list(settings.area),
        "sign_in": _ways_in(settings),
        "oidc": None if issuer is None else _oidc(issuer),
        "limits": {"rows": MOST, "rows_default": LIMIT, "changes": MOST_CHANGES, "body_bytes": largest_body},
        "collections": {"proposals": {name: f"{proposals}/{name}" for name in ("snapshot", "changes", "push")}},
        **{name: f"{root}/{name}" for name in ("me", "clashes", "suggestions", "districts")},
        "undo": f"{root}/pushes/{{key}}/undo",
        "proposal": f"{root}/proposals/{{guid}}",
        "actions": f"{root}/proposals/{{guid}}/actions",
        "ogc": f"{settings.public_url}/ogc/",
        "properties": [_property(field) for field in field_table().values()],
    }


def _ways_in(settings: Settings) -> list[str]:
    ways = [name for name, given in (("oidc", settings.oidc_issuer), ("token", settings.api_token)) if given]
    return ways or ["local"]


def _oidc(issuer: Endpoints) -> dict[str, str]:
    return {
        "issuer": issuer.issuer,
        "authorization": issuer.authorization,
        "token": issuer.token,
        "client_id": CLIENT,
        "scope": SCOPE,
    }


def _property(field: Field) -> dict[str, Any]:
    return {
        "name": field.name,
        "type": field.type,
        "writable": field.owner is Owner.SHARED,
        "values": list(field.values) or None,
        "title": {"ru": field.ru, "en": field.en},
    }
