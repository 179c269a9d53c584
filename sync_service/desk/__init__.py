"""The desk: pages for moderators and the project group – what waits, what clashes, what changed and is put back."""

from __future__ import annotations

from sync_service.desk.frame import matters_for
from sync_service.desk.routes import create_blueprint

__all__ = ["create_blueprint", "matters_for"]
