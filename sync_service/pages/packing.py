"""Answers packed for the way: gzip for whoever takes it, where it is worth the time."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from flask import Response

Body = Sequence[bytes]
"""An answer in pieces: a page of features is a large one between small ones, and never copied to join them."""

_WORTH_PACKING = 1024  # bytes
_GZIP = 31  # zlib's window bits for a gzip wrapper


def pack(body: Body, *, gzip: bool) -> Response:
    """The answer with this body, packed if it is large and `gzip` is taken."""
    if not gzip or sum(map(len, body)) < _WORTH_PACKING:
        return Response(body)
    packer = zlib.compressobj(1, zlib.DEFLATED, _GZIP)
    answer = Response([*map(packer.compress, body), packer.flush()])
    answer.headers["Content-Encoding"] = "gzip"
    return answer
