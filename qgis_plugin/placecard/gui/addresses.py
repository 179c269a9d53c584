"""The address a person types, and the file a copy of it is kept in. Pure."""

from __future__ import annotations

import re

LOCAL = re.compile(r"(localhost|127\.|\[::1\])", re.IGNORECASE)
LONGEST = 60


def complete(typed: str) -> str:
    """The address with its scheme and without a slash at its end: `https`, but on this machine `http`."""
    address = typed.strip().rstrip("/")
    if address and "://" not in address:
        address = f"{'http' if LOCAL.match(address) else 'https'}://{address}"
    return address


def file_name(service: str) -> str:
    """A file name for a working copy of a service, readable on any system."""
    safe = re.sub(r"[^\w\- ]+", " ", service).strip()
    return f"{re.sub(r' +', ' ', safe)[:LONGEST].strip() or 'placecard'}.gpkg"
