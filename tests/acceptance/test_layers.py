"""Layers that cannot be read for a while: what was found in them stays on the map, and the operator is told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import geopandas as gpd
import pytest
import shapely

from tests.service import until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.service import Service

NUMBER = "63:09:0101152:1034"


def save_house(path: Path) -> Path:
    columns = {"addr:street": ["улица Мира"], "addr:housenumber": ["5"], "addr:city": ["Тольятти"]}
    gpd.GeoDataFrame(columns, geometry=[shapely.Point(49.41, 53.51)], crs=4326).to_file(path)
    return path


def save_parcel(path: Path) -> Path:
    area = shapely.box(49.42, 53.51, 49.43, 53.52)
    gpd.GeoDataFrame({"cad_num": [NUMBER]}, geometry=[area], crs=4326).to_file(path)
    return path


@pytest.fixture
def looking(make_live: Callable[..., Service], tmp_path: Path) -> Service:
    """A running service with a gazetteer of one house and a layer of one parcel."""
    save_parcel(tmp_path / "parcels.geojson")
    service = make_live(
        start=False,
        GAZETTEER=str(tmp_path / "gazetteer.db"),
        PARCELS=str(tmp_path / "parcels.geojson"),
        HOME_SETTLEMENT="Тольятти",
        SWEEP_SECONDS="1",
    )
    made = service.run("gazetteer", "import", str(save_house(tmp_path / "houses.geojson")))
    assert made.returncode == 0, made.stderr
    service.start()
    return service


def layers(service: Service) -> tuple[bool, str]:
    found = service.check()["layers"]
    return found["ok"], found["text"]


@pytest.mark.parametrize("harm", ["removed", "damaged"])
def test_unreadable_layers_take_no_place_away(looking: Service, harm: str) -> None:
    files = [looking.folder / "gazetteer.db", looking.folder / "parcels.geojson"]
    kept = [file.read_bytes() for file in files]
    cards = [
        looking.project.add("По адресу", "Адрес: ул. Мира, 5", "Одобрено"),
        looking.project.add("По участку", f"Кадастровый номер: {NUMBER}", "Одобрено"),
    ]
    until(lambda: all(looking.item(card) for card in cards))
    assert layers(looking) == (True, "ok")
    for file in files:
        file.unlink() if harm == "removed" else file.write_bytes(b"not a layer" * 100)
    late = looking.project.add("Пока слоёв нет", "Адрес: улица Мира, д. 5", "Одобрено")
    waits = until(lambda: looking.item(late, "unplaced"))
    assert "gazetteer.db" in waits["properties"]["place_reason"]
    done = looking.run("sync", "--full", "--json")
    assert (done.returncode, json.loads(done.stdout)["errors"]) == (0, []), done.stdout + done.stderr
    assert [looking.item(card) is not None for card in cards] == [True, True], "known places stay"
    ok, text = layers(looking)
    assert not ok
    assert all(file.name in text for file in files)
    looking.stop()
    looking.start()
    assert [looking.item(card) is not None for card in cards] == [True, True], "after a new start, too"
    for file, content in zip(files, kept, strict=True):
        file.write_bytes(content)
    until(lambda: looking.item(late))
    assert layers(looking) == (True, "ok")
    assert [line for line in looking.lines() if line["level"] == "ERROR"] == []


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["export", "all.pdf"], ".gpkg .geojson .fgb .xlsx .csv"),
        (["export", "nowhere/all.csv"], "папки nowhere нет"),
        (["districts", "import", "empty.csv"], "нет столбцов lon и lat"),
        (["gazetteer", "import", "broken.geojson"], "прочесть его не удалось"),
        (["waiting", "--confirm", "77"], "под номером 77 ничего не ждёт"),
        (["serve", "--port", "70000"], "70000"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_use_is_said_in_russian_and_exits_two(
    make_live: Callable[..., Service], command: list[str], said: str
) -> None:
    service = make_live(start=False, LANGUAGE="ru", GAZETTEER="gazetteer.db")
    (service.folder / "empty.csv").write_text("a,b\n1,2\n")
    (service.folder / "broken.geojson").write_text("{")
    done = service.run(*command)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
