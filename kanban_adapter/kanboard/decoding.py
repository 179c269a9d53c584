"""What Kanboard answers, from bytes to values."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator


def decode(content: bytes) -> Any:
    """The document in an answer, without zero bytes in its texts. Raises `orjson.JSONDecodeError`.

    A form cannot send one, a program can; it means nothing, and not every database keeps it.
    """
    with collecting_paused():
        document = orjson.loads(content)
    return _without_zeros(document) if rb"\u0000" in content else document


def _without_zeros(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, list):
        return [_without_zeros(each) for each in value]
    if isinstance(value, dict):
        return {_without_zeros(name): _without_zeros(each) for name, each in value.items()}
    return value


@contextmanager
def collecting_paused() -> Iterator[None]:
    """Make tens of thousands of objects without looking for garbage among them: it takes two thirds of the time."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()
