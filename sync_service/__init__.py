"""Placecard, the service: an approved card is a place on the map, and what is edited there shows on the card."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("placecard")
except PackageNotFoundError:  # run from a work tree that was never installed
    __version__ = "0+source"

__all__ = ["__version__"]
