"""Liveness and readiness. Neither says anything about the data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, jsonify

from sync_service.errors import Unavailable
from sync_service.store.database import schema_version
from sync_service.store.tables import SCHEMA_VERSION

if TYPE_CHECKING:
    from sync_service.store.database import Database


def create_blueprint(database: Database) -> Blueprint:
    """`/healthz` – the process answers; `/readyz` – it can read a store of its own schema."""
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/healthz")
    def healthz() -> Response:
        return jsonify(status="ok")

    @blueprint.get("/readyz")
    def readyz() -> Response:
        with database.reading() as connection:
            version = schema_version(connection)
        if version != SCHEMA_VERSION:
            raise Unavailable(reason="store_empty" if version is None else "store_old")
        return jsonify(status="ok")

    return blueprint
