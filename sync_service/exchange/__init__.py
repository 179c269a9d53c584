"""The store's face to whoever keeps a working copy: the plugin's protocol at `/sync/v1/`."""

from __future__ import annotations

from sync_service.exchange.routes import create_blueprint

__all__ = ["create_blueprint"]
