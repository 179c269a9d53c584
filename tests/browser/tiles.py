"""Base maps for the tests: a tile server of this machine, pictures of one colour, and PMTiles archives."""

from __future__ import annotations

import gzip
import json
import struct
import threading
import zlib
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

BLUE = (40, 90, 200)


def make_png(colour: tuple[int, int, int] = BLUE, side: int = 256) -> bytes:
    """A square picture of one colour."""
    row = b"\0" + bytes(colour) * side
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in ((b"IHDR", head), (b"IDAT", zlib.compress(row * side)), (b"IEND", b""))
    )


@dataclass
class TileServer:
    """What it answers, and what it was asked: path with query, and headers."""

    url: str = ""
    status: int = 200
    media_type: str = "image/png"
    body: bytes = field(default_factory=make_png)
    extra: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    ranges: bool = False


@contextmanager
def tile_server() -> Iterator[TileServer]:
    """A server on a free port, as another organisation would run it."""
    state = TileServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append((self.path, dict(self.headers)))
            status, body, extra = state.status, state.body, dict(state.extra)
            if state.ranges and "Range" in self.headers:
                first, last = (int(edge) for edge in self.headers["Range"].removeprefix("bytes=").split("-"))
                extra["Content-Range"] = f"bytes {first}-{min(last, len(body) - 1)}/{len(body)}"
                status, body = 206, body[first : last + 1]
            self.send_response(status)
            for name, value in {"Content-Type": state.media_type, **extra}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def make_archive(tiles: dict[tuple[int, int, int], bytes], *, kind: int = 2, metadata: dict[str, object]) -> bytes:
    """A PMTiles archive (version 3); `kind` 1 is vector tiles, 2 PNG."""
    rows = sorted((_tile_id(*place), content) for place, content in tiles.items())
    data = b"".join(content for _, content in rows)
    root = gzip.compress(_directory(rows))
    text = gzip.compress(json.dumps(metadata).encode())
    zooms = [z for z, _, _ in tiles]
    sections = (127, len(root), 127 + len(root), len(text), 0, 0, 127 + len(root) + len(text), len(data))
    counts = (len(rows), len(rows), len(rows))
    box = (490000000, 530000000, 500000000, 540000000)
    return (
        b"PMTiles\x03"
        + struct.pack("<8Q3Q", *sections, *counts)
        + bytes([1, 2, 1, kind, min(zooms), max(zooms)])
        + struct.pack("<4iB2i", *box, min(zooms), 494000000, 535000000)
        + root
        + text
        + data
    )


def make_vector_tile(layer: str, extent: int = 4096) -> bytes:
    """A Mapbox vector tile whose one layer covers the whole square."""
    steps = [9, *map(_zigzag, (0, 0)), 26, *map(_zigzag, (extent, 0, 0, extent, -extent, 0)), 15]
    geometry = b"".join(map(_varint, steps))
    feature = _number(3, 3) + _bytes(4, geometry)
    return _bytes(3, _number(15, 2) + _bytes(1, layer.encode()) + _bytes(2, feature) + _number(5, extent))


def _zigzag(number: int) -> int:
    return number << 1 if number >= 0 else (-number << 1) - 1


def _directory(rows: list[tuple[int, bytes]]) -> bytes:
    ids = [number for number, _ in rows]
    deltas = [after - before for before, after in zip([0, *ids], ids, strict=False)]
    lengths = [len(content) for _, content in rows]
    offsets = [1, *[0] * (len(rows) - 1)]
    return b"".join(_varint(n) for n in [len(rows), *deltas, *[1] * len(rows), *lengths, *offsets])


def _tile_id(z: int, x: int, y: int) -> int:
    """Number of a tile along the Hilbert curve, after all lower zooms."""
    number: int = sum(4**zoom for zoom in range(z))
    side = 2 ** (z - 1) if z else 0
    while side:
        right, down = int(bool(x & side)), int(bool(y & side))
        number += side * side * ((3 * right) ^ down)
        x, y = _turned(side, x, y, right, down)
        side //= 2
    return number


def _turned(side: int, x: int, y: int, right: int, down: int) -> tuple[int, int]:
    if down:
        return x, y
    if right:
        x, y = side - 1 - x, side - 1 - y
    return y, x


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def _number(key: int, value: int) -> bytes:
    return _varint(key << 3) + _varint(value)


def _bytes(key: int, value: bytes) -> bytes:
    return _varint(key << 3 | 2) + _varint(len(value)) + value
