"""A store with proposals of every kind, and the OGC API over it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import shapely
from flask import Flask
from pydantic import SecretStr

from sync_service import features
from sync_service.access import register_access
from sync_service.pages import register_errors, register_headers
from sync_service.settings import Settings
from sync_service.store.database import Database
from sync_service.store.features import BOARD, find_feature, write_feature
from sync_service.store.migrate import migrate
from sync_service.sync.state import Feature
from sync_service.sync.values import Hand, Placement, Visibility

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from flask.testing import FlaskClient
    from shapely.geometry.base import BaseGeometry
    from werkzeug.test import TestResponse

TOKEN = "a-token-long-enough-to-use"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
HOME = "http://map.test/city"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)

POINT = shapely.Point(49.3461, 53.5303)
LINE = shapely.LineString([(49.30, 53.50), (49.32, 53.52)])
AREA = shapely.box(49.40, 53.50, 49.42, 53.52)


@dataclass
class Town:
    """A store to plant proposals in, and clients that ask about them. `now` is the service's clock."""

    database: Database
    settings: Settings
    now: datetime = NOON
    planted: list[str] = field(default_factory=list)

    def plant(
        self,
        shape: BaseGeometry | None = POINT,
        *,
        visibility: Visibility = Visibility.PUBLIC,
        guid: str | None = None,
        **properties: Any,
    ) -> str:
        """A proposal; public, approved and placed unless said otherwise. Its guid."""
        number = len(self.planted) + 1
        default = {
            "title": f"Предложение {number}",
            "stage": "approved",
            "card_id": str(number),
            "placement": (Placement.UNPLACED if shape is None else Placement.PLACED).value,
        }
        made = Feature(
            guid=guid or str(uuid4()),
            properties={**default, **properties},
            geometry=None if shape is None else shape.wkb,
            hand=Hand.CARD,
            source="coordinates",
            visibility=visibility,
        )
        self.planted.append(made.guid)
        self.write(made)
        return made.guid

    def change(self, guid: str, *, shape: BaseGeometry | None = None, **changes: Any) -> None:
        """Another visibility, shape or properties for a planted one."""
        with self.database.reading() as connection:
            before = find_feature(connection, guid)
        assert before is not None
        visibility = changes.pop("visibility", before.visibility)
        geometry = before.geometry if shape is None else shape.wkb
        properties = {**before.properties, **changes}
        self.write(replace(before, properties=properties, geometry=geometry, visibility=visibility))

    def write(self, made: Feature) -> None:
        """Write it as the engine does."""
        with self.database.writing() as connection:
            write_feature(connection, made, BOARD, self.now)

    def app(self, **settings: Any) -> Flask:
        """The web application, with other settings if given."""
        kept = self.settings.model_copy(update=settings)
        app = Flask("sync_service")
        register_errors(app)
        register_headers(app, kept)
        register_access(app, kept, self.database)
        app.register_blueprint(features.create_blueprint(self.database, kept, lambda: self.now))
        return app

    @cached_property
    def standing(self) -> Flask:
        """The application as it is set, one for all questions: what it remembers must not be wrong later."""
        return self.app()

    def client(self, **settings: Any) -> FlaskClient:
        """Somebody who asks."""
        return (self.app(**settings) if settings else self.standing).test_client()

    def get(self, path: str, **headers: str) -> TestResponse:
        """An answer to a passer-by; `headers` with underscores."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client().get(path, headers=names)

    def json(self, path: str, **headers: str) -> Any:
        """The document at an address that answers 200."""
        answer = self.get(path, **headers)
        assert answer.status_code == 200, answer.text
        return answer.json

    def cards(self, query: str = "", collection: str = "proposals", **headers: str) -> list[str]:
        """Card numbers of the features a query gives, in order."""
        found = self.json(f"/ogc/collections/{collection}/items?{query}", **headers)
        return [each["properties"]["card_id"] for each in found["features"]]


def settings_for(url: str) -> Settings:
    """Publishing on, a token set."""
    return Settings(
        store_url=url,
        public_url=HOME,
        publish=True,
        api_token=SecretStr(TOKEN),
        secret_key=SecretStr("key"),
        timezone="Europe/Samara",
    )


def open_town(store: Path | str, planted: Iterable[str] = ()) -> Town:
    """The town whose store is in this file or at this address, made if it is not there."""
    settings = settings_for(store if isinstance(store, str) else f"sqlite:///{store}")
    migrate(settings.store_url)
    return Town(Database(settings.store_url), settings, planted=list(planted))


def plant_everything(town: Town) -> None:
    """Two points, a line, an area, one without a place of its own, one unplaced, one hidden."""
    town.plant(POINT, title="Сквер «Ромашка»", due="2026-11-12", start="2026-01-01", horizon=2030, blocked=True)
    town.plant(shapely.MultiPoint([(49.5, 53.5), (49.6, 53.6)]), title="Остановки", stage="done", due="2020-01-01")
    town.plant(LINE, title="Велодорожка", stage="in_progress", start="2027-01-01", direction="Транспорт")
    town.plant(AREA, title="Парк", district="Центральный")
    town.plant(None, title="Весь город", placement="citywide")
    town.plant(None, title="Где-то")
    town.plant(POINT, title="Тайное", stage="proposed", visibility=Visibility.HIDDEN, responsible="Отдел")


@pytest.fixture(scope="session")
def planted_store(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A full store, to be copied, and the guids in it: making one takes longer than most tests."""
    path = tmp_path_factory.mktemp("ogc") / "full.db"
    town = open_town(path)
    plant_everything(town)
    town.database.close()
    return path, town.planted


@pytest.fixture
def town(tmp_path: Path, server_store: str | None) -> Iterator[Town]:
    """An empty store with publishing on."""
    town = open_town(server_store or tmp_path / "store.db")
    yield town
    town.database.close()


@pytest.fixture
def full_town(tmp_path: Path, planted_store: tuple[Path, list[str]], server_store: str | None) -> Iterator[Town]:
    """A store with a proposal of every kind."""
    if server_store is not None:
        town = open_town(server_store)
        plant_everything(town)
        yield town
        town.database.close()
        return
    path, planted = planted_store
    shutil.copy(path, tmp_path / "full.db")
    town = open_town(tmp_path / "full.db", planted)
    yield town
    town.database.close()
