"""The real QGIS opens the views of a store on PostgreSQL, as a person who may read them and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psycopg
import pytest

from sync_service.store.views import ROLE, VIEWS
from sync_service.sync.values import Visibility
from tests.ogc import Town, open_town, plant_everything
from tests.qgis.desktop import PYTHON

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.postgres import Cluster

READER = "surveyor"


@pytest.fixture
def city(cluster: Cluster) -> Iterator[Town]:
    """Proposals of every kind, one retired, one with a text held back; and a surveyor who reads the views."""
    url = cluster.lend()
    town = open_town(url)
    plant_everything(town)
    town.change(town.plant(title="Ушло"), visibility=Visibility.RETIRED)
    town.change(town.planted[0], held="title", description="Позвонить Ивану")
    if not cluster.run(f"SELECT 1 FROM pg_roles WHERE rolname = '{READER}'"):
        cluster.run(f"CREATE ROLE {READER} LOGIN IN ROLE {ROLE}")
    yield town
    town.database.close()
    cluster.take_back(url)


def address(town: Town) -> tuple[str, str]:
    parts = urlsplit(town.settings.store_url)
    return str(parts.port), parts.path[1:]


def test_qgis_opens_every_view(city: Town, tmp_path: Path) -> None:
    command = [PYTHON, str(Path(__file__).with_name("views.py")), *address(city), READER, *VIEWS]
    environment = {**os.environ, "HOME": str(tmp_path), "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": ""}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=120)
    seen: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    shapes = {"points": "MultiPoint", "lines": "MultiLineString", "areas": "MultiPolygon"}
    for view, layer in seen.items():
        assert layer["valid"], (view, done.stderr)
        assert layer["type"] == shapes[view.split("_")[1]]
        assert layer["crs"] == "EPSG:4326"
        assert layer["fields"]["due"] == "date"
        assert layer["fields"]["modified"] == "timestamptz"
        assert "description" not in layer["fields"]
        assert not layer["editable"]
    assert seen["public_points"]["titles"] == ["Остановки", "№ 1"]
    assert seen["public_lines"]["titles"] == ["Велодорожка"]
    assert seen["public_areas"]["titles"] == ["Парк"]
    assert seen["working_points"]["titles"] == ["Остановки", "Сквер «Ромашка»", "Тайное"]
    assert seen["public_points"]["near"] == ["№ 1"]
    assert "responsible" not in seen["public_points"]["fields"]
    assert "responsible" in seen["working_points"]["fields"]


def test_reader_reads_nothing_but_the_views(city: Town) -> None:
    port, name = address(city)
    with psycopg.connect(f"postgresql://{READER}@127.0.0.1:{port}/{name}", autocommit=True) as connection:
        assert connection.execute("SELECT overdue_days FROM gis.public_lines").fetchall() == [(0,)]
        for table in ("feature", "history", "note", "store", "pair"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"SELECT * FROM {table}".encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DELETE FROM gis.public_points")


def test_overdue_days_count_to_today(city: Town) -> None:
    city.change(city.planted[2], due="2020-01-01")
    with city.database.reading() as connection:
        days = connection.exec_driver_sql("SELECT overdue_days, current_date - date '2020-01-01' FROM gis.public_lines")
        (row,) = days
        assert row[0] == row[1] > 0
