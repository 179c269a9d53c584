"""How the values of settings are written: parsing and checking of each kind. Pure, but for one look at a file.

A value comes as text from the environment, or as what TOML knows (number, list, table). Each failure is a
PydanticCustomError whose type is a key under `settings` in `config/words/`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from ipaddress import ip_address, ip_network
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, SecretStr
from pydantic_core import PydanticCustomError

from sync_service.sync.fields import Field, field_table
from sync_service.sync.stages import DEFAULT_STAGES, plain_title
from sync_service.sync.values import Stage


@dataclass(frozen=True, slots=True)
class CardSource:
    """Where on the card a property is read: `kind`, and its `name` (label, key, field) if not the property's own."""

    kind: str
    name: str = ""


SOURCE_KINDS = {"line": True, "metadata": True, "native": True, "tag": True, "category": False, "swimlane": False}
"""Kinds of source on a card, and whether `:name` may follow (label, key, field, or what the tag begins with)."""


def wrong(code: str, **data: object) -> PydanticCustomError:
    """The refusal `settings.<code>`, to be raised."""
    return PydanticCustomError(code, "{code}", {"code": code, **data})


def _switch(value: object) -> bool:
    found = {"on": True, "off": False}.get(str(value).strip().lower())
    if isinstance(value, bool):
        return value
    if found is None:
        raise wrong("not_one_of", choices="on, off")
    return found


def _listed(value: object) -> tuple[str, ...]:
    parts = value if isinstance(value, list | tuple) else str(value).split(",")
    return tuple(part for part in (str(each).strip() for each in parts) if part)


def _web_url(value: str) -> str:
    if not value:
        return value
    parts = _split_url(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise wrong("not_web_url")
    if parts.username or parts.password:
        raise wrong("password_in_url")
    return value.rstrip("/")


def _split_url(value: str) -> Any:
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        raise wrong("not_web_url") from None
    return parts


def _proxy_url(value: SecretStr) -> SecretStr:
    parts = _split_url(value.get_secret_value())
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise wrong("not_proxy_url")
    return value


def _tiles(value: str) -> str:
    if "://" not in value:
        return value
    parts = _split_url(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise wrong("not_web_url")
    return value


def _store_url(value: str) -> str:
    if value.startswith(("postgresql", "postgres:")):
        return _server_url(value)
    path = value.removeprefix("sqlite:///")
    if path == value or not path or path.startswith(":memory:") or "?" in path:
        raise wrong("not_store_url")
    return value


def _server_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        named = parts.scheme == "postgresql" and len(parts.path) > 1 and parts.port != 0
    except ValueError:
        named = False
    if not named:
        raise wrong("not_server_url")  # never shown: there may be a password in it
    return value


def _bind(value: str) -> str:
    """The address of a machine, not its name: one name may be several addresses."""
    if not value:
        return value
    parts = _split_url(f"//{value}")
    try:
        ip_address(parts.hostname or "")
    except ValueError:
        raise wrong("not_bind") from None
    if not parts.port or parts.path or parts.username is not None:
        raise wrong("not_bind")
    return value


def _networks(value: object) -> tuple[str, ...]:
    try:
        return tuple(str(ip_network(each)) for each in _listed(value))
    except ValueError:
        raise wrong("not_networks") from None


def _origins(value: object) -> tuple[str, ...]:
    found = tuple(each.rstrip("/").lower() for each in _listed(value))
    if not all(re.fullmatch(r"https?://[a-z0-9.-]+(:\d{1,5})?", each) for each in found):
        raise wrong("not_origins")
    return found


def _area(value: object) -> tuple[float, float, float, float]:
    try:
        west, south, east, north = (float(part) for part in _listed(value))
    except ValueError:
        raise wrong("not_area") from None
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise wrong("not_area")
    return west, south, east, north


def _epsg_codes(value: object) -> tuple[int, ...]:
    names = [name.upper().removeprefix("EPSG:") for name in _listed(value)]
    if not all(re.fullmatch(r"\d{4,6}", name) for name in names):
        raise wrong("not_epsg")
    return tuple(int(name) for name in names)


def _clock(value: object) -> time:
    if isinstance(value, time):
        return value
    found = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", str(value).strip())
    if found is None:
        raise wrong("not_clock")
    return time(int(found[1]), int(found[2]))


def _zone(value: object) -> ZoneInfo:
    if isinstance(value, ZoneInfo):
        return value
    try:
        return ZoneInfo(str(value))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise wrong("not_zone") from None


def _level(value: object) -> str:
    return str(value).strip().upper()


COLLECTION_NAMES = frozenset(
    {
        *("proposals", "proposals_points", "proposals_lines", "proposals_areas", "proposals_noplace"),
        *("unplaced", "working_points", "working_lines", "working_areas"),
    }
)
"""The collections there are. What they hold is known above (`store.collections`); a test holds both together."""


def _collections(value: object) -> tuple[str, ...]:
    names = tuple(name for name in _listed(value) if name != "off")
    if not COLLECTION_NAMES.issuperset(names):
        raise wrong("not_collections", choices=", ".join(sorted(COLLECTION_NAMES)))
    return names


def _json_object(value: object) -> Mapping[str, str]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise wrong("not_json_object") from None
    if not isinstance(value, Mapping) or not all(isinstance(each, str) for each in value.values()):
        raise wrong("not_json_object")
    return value


def _stages(value: object) -> Mapping[str, Stage]:
    """Column title → stage: the default, extended."""
    found = dict(DEFAULT_STAGES)
    for title, stage in _json_object(value).items():
        if stage not in set(Stage):
            raise wrong("not_stage", title=title, stage=stage, choices=", ".join(Stage))
        found[plain_title(title)] = Stage(stage)
    return found


def may_be_sourced(field: Field) -> bool:
    """Whether `PLACECARD_FIELDS` may say where this property stands on a card: the labelled lines and the dates."""
    return bool(field.labels) or field.type == "date"


def _sources(value: object) -> Mapping[str, CardSource]:
    """Property → its source on the card."""
    return {name: _source(name, text) for name, text in _json_object(value).items()}


def _source(name: str, text: str) -> CardSource:
    choices = [field.name for field in field_table().values() if may_be_sourced(field)]
    if name not in choices:
        raise wrong("not_property", property=name, choices=", ".join(choices))
    kind, _, label = (part.strip() for part in text.partition(":"))
    if kind not in SOURCE_KINDS or (label and not SOURCE_KINDS[kind]):
        raise wrong("not_source", property=name, source=text)
    return CardSource(kind, label)


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise wrong("no_such_file", path=str(path))
    return path


Switch = Annotated[bool, BeforeValidator(_switch)]
Names = Annotated[tuple[str, ...], BeforeValidator(_listed)]
WebUrl = Annotated[str, AfterValidator(_web_url)]
ProxyUrl = Annotated[SecretStr, AfterValidator(_proxy_url)]
Tiles = Annotated[str, AfterValidator(_tiles)]
StoreUrl = Annotated[str, AfterValidator(_store_url)]
Bind = Annotated[str, AfterValidator(_bind)]
Networks = Annotated[tuple[str, ...], BeforeValidator(_networks)]
Origins = Annotated[tuple[str, ...], BeforeValidator(_origins)]
Area = Annotated[tuple[float, float, float, float], BeforeValidator(_area)]
EpsgCodes = Annotated[tuple[int, ...], BeforeValidator(_epsg_codes)]
Clock = Annotated[time, BeforeValidator(_clock)]
Zone = Annotated[ZoneInfo, BeforeValidator(_zone)]
Level = BeforeValidator(_level)
Collections = Annotated[tuple[str, ...], BeforeValidator(_collections)]
AsDict = PlainSerializer(dict, return_type=dict)
Stages = Annotated[Mapping[str, Stage], BeforeValidator(_stages), AfterValidator(MappingProxyType), AsDict]
Sources = Annotated[Mapping[str, CardSource], BeforeValidator(_sources), AfterValidator(MappingProxyType), AsDict]
ExistingFile = Annotated[Path, AfterValidator(_existing)]
