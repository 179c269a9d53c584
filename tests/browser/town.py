"""The real service to look at the map with: the whole application over a store that a test fills."""

from __future__ import annotations

import tempfile
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import shapely
from shapely.geometry import shape
from sqlalchemy import delete, text
from werkzeug.serving import make_server

from sync_service.app import create_app
from sync_service.settings import Settings
from sync_service.store import tables
from sync_service.store.database import Database
from sync_service.store.districts import replace_districts
from sync_service.store.features import BOARD, recount_collections, write_feature
from sync_service.store.migrate import migrate
from sync_service.sync.fields import field_table
from sync_service.sync.state import Feature
from sync_service.sync.values import Hand, Visibility
from tools.kanboard import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

GeoJson = dict[str, Any]
AREA = "49.1,53.4,49.7,53.65"


@dataclass
class LiveService:
    """A running service. `base_url` ends without a slash; its store may be filled again at any time."""

    base_url: str
    database: Database
    settings: Settings

    def load(self, features: list[GeoJson]) -> None:
        """These public proposals and no others."""
        with self.database.writing() as connection:
            for table in (tables.feature, tables.change, tables.history):
                connection.execute(delete(table))
            connection.execute(text(f"DELETE FROM {tables.BOX_TABLE}"))
            recount_collections(connection)
            for feature in features:
                write_feature(connection, self._stored(feature), BOARD, datetime.now(UTC))

    def _stored(self, feature: GeoJson) -> Feature:
        given = {**feature["properties"]}
        days = given.pop("overdue_days", 0) or 0
        if days:
            today = datetime.now(self.settings.timezone).date()
            given["due"] = (today - timedelta(days=days)).isoformat()
        geometry = feature["geometry"]
        return Feature(
            guid=given["guid"],
            properties={name: value for name, value in given.items() if field_table()[name].stored},
            geometry=None if geometry is None else shapely.to_wkb(shape(geometry)),
            hand=Hand.CARD,
            source=None,
            visibility=Visibility.PUBLIC,
        )

    def set_districts(self, outlines: GeoJson) -> None:
        """These districts and no others."""
        rows = [(each["properties"]["name"], shape(each["geometry"]).wkb) for each in outlines["features"]]
        with self.database.writing() as connection:
            replace_districts(connection, rows)


@contextmanager
def running_service(port: int = 0, **settings: Any) -> Iterator[LiveService]:
    """A service on a free port of this machine, with publishing on and these settings beside the area."""
    with tempfile.TemporaryDirectory(prefix="map") as folder:
        port = port or free_port()
        given = {"area": AREA, "publish": True, "store_url": f"sqlite:///{Path(folder) / 'map.db'}"}
        loaded = Settings(**{**given, "port": port, "public_url": f"http://127.0.0.1:{port}", **settings})
        migrate(loaded.store_url)
        server = make_server("127.0.0.1", port, create_app(loaded), threaded=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        database = Database(loaded.store_url)
        try:
            yield LiveService(f"http://127.0.0.1:{port}", database, loaded)
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
            database.close()
