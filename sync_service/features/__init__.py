"""The store's face to GIS software and the web: OGC API Features at `/ogc/`, and where a card is on the map."""

from __future__ import annotations

from sync_service.features.routes import create_blueprint

__all__ = ["create_blueprint"]
