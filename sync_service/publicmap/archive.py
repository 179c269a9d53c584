"""The head of a PMTiles archive (version 3): what kind of tiles it holds, where and how deep."""

from __future__ import annotations

import gzip
import io
import json
import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from sync_service.publicmap.source import Box

HEAD_BYTES = 127
MAX_METADATA = 4 * 1024 * 1024
_VECTOR = 1
_PICTURES = {2: "png", 3: "jpeg", 4: "webp", 5: "avif"}
_PLAIN, _GZIP = 1, 2


class ArchiveError(ValueError):
    """Not a PMTiles archive the map can show. The message says why."""


@dataclass(frozen=True, slots=True)
class ArchiveHead:
    """`layers` are the names of the vector layers, empty for pictures. `box` is in CRS84."""

    vector: bool
    min_zoom: int
    max_zoom: int
    box: Box
    layers: tuple[str, ...]
    attribution: str


def read_head(read: Callable[[int, int], bytes]) -> ArchiveHead:
    """The head of an archive; `read(offset, length)` gives bytes of it. Raises `ArchiveError`."""
    head = read(0, HEAD_BYTES)
    if len(head) < HEAD_BYTES or head[:7] != b"PMTiles" or head[7] != 3:
        raise ArchiveError("not a PMTiles archive of version 3")
    offset, length = struct.unpack_from("<QQ", head, 24)
    kind = head[99]
    if kind != _VECTOR and kind not in _PICTURES:
        raise ArchiveError(f"holds tiles of kind {kind}, which is neither pictures nor vector tiles")
    west, south, east, north = (degrees / 1e7 for degrees in struct.unpack_from("<iiii", head, 102))
    metadata = _metadata(read, offset, length, compression=head[97])
    return ArchiveHead(
        vector=kind == _VECTOR,
        min_zoom=head[100],
        max_zoom=head[101],
        box=(west, south, east, north),
        layers=_layer_names(metadata),
        attribution=_plain_text(metadata.get("attribution")),
    )


def _metadata(read: Callable[[int, int], bytes], offset: int, length: int, *, compression: int) -> dict[str, object]:
    if not length:
        return {}
    if length > MAX_METADATA:
        raise ArchiveError(f"its metadata is too long: {length} bytes")
    raw = read(offset, length)
    if compression not in (_PLAIN, _GZIP):
        raise ArchiveError("its metadata is compressed in another way than gzip")
    try:
        known = json.loads(_unzipped(raw) if compression == _GZIP else raw)
    except (ValueError, OSError, EOFError) as broken:
        raise ArchiveError("its metadata cannot be read") from broken
    return known if isinstance(known, dict) else {}


def _unzipped(raw: bytes) -> bytes:
    """At most `MAX_METADATA` of it: a longer text is cut and then fails to parse."""
    with gzip.GzipFile(fileobj=io.BytesIO(raw)) as packed:
        return packed.read(MAX_METADATA)


def _layer_names(metadata: dict[str, object]) -> tuple[str, ...]:
    layers = metadata.get("vector_layers")
    if not isinstance(layers, list):
        return ()
    return tuple(layer["id"] for layer in layers if isinstance(layer, dict) and isinstance(layer.get("id"), str))


def _plain_text(value: object) -> str:
    """Attribution without its markup: it is shown as text."""
    return re.sub(r"<[^>]*>", "", value).strip() if isinstance(value, str) else ""
