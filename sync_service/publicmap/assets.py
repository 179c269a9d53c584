"""The page's own files, kept in memory with their hash and a compressed copy."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "static"
VENDOR = ("maplibre-gl.js", "maplibre-gl-worker.js", "maplibre-gl.css", "pmtiles.js")
"""Copied from npm packages by `npm run build`."""

_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
_WORTH_PACKING = 1024


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is sent. `packed` is its gzip form, if that is worth it."""

    content: bytes
    packed: bytes | None
    media_type: str
    etag: str


@cache
def find_assets(folder: Path = FOLDER) -> dict[str, Asset]:
    """Every file of the page by its path below `static/`, read once."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix in _TYPES)
    return {path.relative_to(folder).as_posix(): _read_asset(path) for path in paths}


@cache
def version(folder: Path = FOLDER) -> str:
    """A hash over all files: part of their address, so that each may be cached for ever."""
    digest = hashlib.sha256()
    for name, asset in find_assets(folder).items():
        digest.update(f"{name}\0{asset.etag}\n".encode())
    return digest.hexdigest()[:12]


def missing_parts(folder: Path = FOLDER) -> list[str]:
    """Third-party files that the build has not put there yet; the map cannot be drawn without them."""
    return [name for name in VENDOR if not (folder / "vendor" / name).is_file()]


def _read_asset(path: Path) -> Asset:
    content = path.read_bytes()
    packed = gzip.compress(content, 6, mtime=0) if len(content) > _WORTH_PACKING else None
    return Asset(content, packed, _TYPES[path.suffix], hashlib.sha256(content).hexdigest()[:20])
