"""Values as the file has them, as the wire has them, and when two of them say the same.

In the file a boolean is 0 or 1, a date ISO text, a moment ISO text with milliseconds and Z, as GeoPackage wants them.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from placecard.core.wire import Value

_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(?::(\d\d)(?:[.,](\d+))?)?\s*(Z|[+]00:?00)?")
_COLUMN_TYPES = {"string": "TEXT", "integer": "INTEGER", "boolean": "BOOLEAN", "date": "DATE", "datetime": "DATETIME"}


def stored(kind: str, value: Value) -> Value:
    """A value of the wire as it stands in the file."""
    if value is None or kind in {"string", "date"}:
        return value
    if kind == "datetime":
        return moment(str(value))
    return int(value) if isinstance(value, bool) else value


def canonical(kind: str, raw: object) -> Value:
    """A value of the file as both sides keep it: whatever tool wrote it, the same thing is the same value.

    Empty text is nothing. What cannot be of its kind is told as it is: the service refuses it, and says why.
    """
    if raw is None or isinstance(raw, bytes):
        return None
    if kind == "integer":
        return _whole(raw)
    if kind == "boolean":
        return bool(raw) if isinstance(raw, (int, float)) else _text(raw)
    text = _text(raw)
    if text is None or kind == "string":
        return text
    return moment(text) if kind == "datetime" else text[:10] if _MOMENT.fullmatch(text) else text


def _text(raw: object) -> str | None:
    return str(raw).strip() or None


def _whole(raw: object) -> Value:
    if isinstance(raw, float) and raw.is_integer():
        return int(raw)
    if isinstance(raw, int):
        return int(raw)
    text = _text(raw)
    return int(text) if text is not None and re.fullmatch(r"-?\d{1,18}", text, re.ASCII) else text


@lru_cache(maxsize=4096)
def moment(text: str) -> str:
    """A moment as GeoPackage writes it: milliseconds and Z. What is none stays as it is."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        return text
    day, minute, second, fraction, _zone = found.groups()
    return f"{day}T{minute}:{second or '00'}.{(fraction or '')[:3]:0<3}Z"


def column_type(kind: str) -> str:
    """The column's type, for what the properties are called on the wire."""
    return _COLUMN_TYPES.get(kind, "TEXT")
