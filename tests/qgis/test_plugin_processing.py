"""The Processing algorithms in the whole QGIS: what models and batches can do with a working copy."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from tests.qgis.application import Application, run_application
from tests.qgis.workplace import Workplace, enter, serve_town

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.ogc import Town
    from tools.qgis import Release


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory, release: Release) -> Iterator[Application]:
    with run_application(tmp_path_factory.mktemp("алгоритмы"), release=release) as running:
        enter(running)
        running.run("import processing")
        yield running


@pytest.fixture
def place(application: Application, full_town: Town, tmp_path: Path) -> Iterator[Workplace]:
    """Somebody with a working copy that QGIS shows."""
    application.run("project.clear(); heard.clear()")
    with serve_town(full_town) as (url, asked):
        workplace = Workplace(application, full_town, url, asked)
        workplace.connect()
        workplace.copy(tmp_path / "рабочая копия.gpkg")
        yield workplace
        application.run("project.clear()")


def run(place: Workplace, name: str, **parameters: Any) -> dict[str, Any]:
    """Run an algorithm as a person's script does; its outputs. What it tells is in `feedback`."""
    given = {"COPY": place.run("str(session.copy.path)"), **parameters}
    place.run("feedback = QgsProcessingFeedback()")
    place.run(f"came = processing.run('placecard:{name}', {given!r}, feedback=feedback)")
    outputs: dict[str, Any] = place.run("{name: value for name, value in came.items() if name != 'OUTPUT'}")
    return outputs


def feature(place: Workplace, guid: str) -> dict[str, Any]:
    found: dict[str, Any] | None = place.town.get(f"/ogc/collections/proposals/items/{guid}").json
    assert found is not None
    return found


def test_all_are_listed_with_their_texts(place: Workplace) -> None:
    listed = place.run(
        "[(each.name(), each.displayName(), each.shortHelpString()) for each in"
        " QgsApplication.processingRegistry().providerById('placecard').algorithms()]"
    )
    assert {name for name, *_ in listed} == {"pull", "push", "placefromtable", "match", "export", "import"}
    assert not [text for row in listed for text in row if text.startswith("processing.")]


def test_pull_follows_the_service(place: Workplace) -> None:
    place.town.change(place.town.planted[0], title="Переименован")
    assert run(place, "pull")["TAKEN"] == 1
    assert "Переименован" in place.titles("points")


def test_pull_makes_a_copy_that_is_not_there(place: Workplace, tmp_path: Path) -> None:
    made = tmp_path / "ещё одна.gpkg"
    given = {"COPY": str(made), "ADDRESS": place.url, "SIGN_IN": place.run("config")}
    assert run(place, "pull", **given)["TAKEN"] == 7
    assert place.run(f"WorkingCopy.open(Path({str(made)!r})).counts().all") == 7


def test_push_sends_and_a_check_does_not(place: Workplace) -> None:
    guid = place.guid("Сквер «Ромашка»")
    place.run(f"session.set_fields({guid!r}, {{'address': 'Мира, 7'}})")
    assert run(place, "push", CHECK_ONLY=True) == {"APPLIED": 1, "CLASHES": 0, "REJECTED": 0}
    assert feature(place, guid)["properties"]["address"] is None
    assert run(place, "push")["APPLIED"] == 1
    assert feature(place, guid)["properties"]["address"] == "Мира, 7"
    assert place.run("session.counts.local") == 0


def test_nothing_is_written_under_a_layer_that_is_being_edited(place: Workplace) -> None:
    place.run("session.layers()['points'][0].startEditing()")
    place.town.change(place.town.planted[0], title="Переименован")
    with pytest.raises(AssertionError, match="QgsProcessingException"):
        run(place, "pull")
    assert "Точки" in place.run("feedback.textLog()")
    assert "Переименован" not in place.titles("points")
    place.run("session.layers()['points'][0].rollBack()")


def test_places_come_from_a_table(place: Workplace, tmp_path: Path) -> None:
    table = tmp_path / "координаты.csv"
    table.write_text('card;x;y\n6;"5494000,5";7085000\n999;5494000;7085000\n5;;\n', encoding="utf-8")
    source = f"{table.as_uri()}?delimiter=;&detectTypes=no"
    place.run(f"table = QgsVectorLayer({source!r}, 'table', 'delimitedtext'); project.addMapLayer(table)")
    given = {"FIELD": "card", "PROPERTY": 1, "X": "x", "Y": "y", "CRS": "EPSG:3857"}
    came = run(place, "placefromtable", INPUT=place.run("table.id()"), **given)
    assert came == {"PLACED": 1, "MISSED": 2}
    assert "Где-то" in place.titles("points")
    assert run(place, "push")["APPLIED"] == 1
    found = feature(place, place.guid("Где-то"))["geometry"]["coordinates"]
    assert found == pytest.approx([49.353446, 53.547928], abs=1e-6)


def test_a_layer_is_matched_and_what_matches_once_is_placed(place: Workplace) -> None:
    place.town.change(place.town.planted[5], cadastral_number="63:09:0101152:17")
    run(place, "pull")
    place.run(
        "parcels = QgsVectorLayer('Polygon?crs=EPSG:4326&field=number:string&field=title:string', '', 'memory')\n"
        "for number, x in (('63:09:101152:17', 49), ('63:09:0101152:17', 49.3), ('63:09:0101152:99', 49.4)):\n"
        "    each = QgsFeature(parcels.fields()); each.setAttributes([number, 'участок'])\n"
        "    each.setGeometry(QgsGeometry.fromRect(QgsRectangle(x, 53.5, x + 0.01, 53.51)))\n"
        "    parcels.dataProvider().addFeature(each)\n"
        "project.addMapLayer(parcels)"
    )
    given = {"FIELD": "number", "PROPERTY": 2, "PLACE": True, "OUTPUT": "memory:"}
    came = run(place, "match", INPUT=place.run("parcels.id()"), **given)
    assert (came["MATCHED"], came["PLACED"]) == (1, 1)
    pairs = place.run("[each.attributes() for each in came['OUTPUT'].getFeatures()]")
    guid = place.guid("Где-то")
    assert pairs == [["63:09:0101152:17", "участок", guid, "Где-то", "approved", "unplaced", 1]]
    assert "Где-то" in place.titles("areas")


def test_another_gis_takes_part_through_a_file(place: Workplace, tmp_path: Path) -> None:
    """It moves, renames and draws in a plain file; meanwhile others go on, here and on the board."""
    file = tmp_path / "в другую ГИС.gpkg"
    run(place, "export", OUTPUT=str(file))
    square, stops = place.guid("Сквер «Ромашка»"), place.guid("Остановки")
    place.run(f"session.set_fields({stops!r}, {{'cadastral_number': '63:09:0101152:17'}})")
    place.town.change(square, horizon=2045)
    run(place, "pull")
    place.run(
        f"other = QgsVectorLayer({str(file)!r} + '|layername=points', 'other', 'ogr'); other.startEditing()\n"
        "for each in other.getFeatures():\n"
        "    if each['title'].startswith('Сквер'):\n"
        "        other.changeGeometry(each.id(), QgsGeometry.fromWkt('MultiPoint((49.41 53.61))'))\n"
        "        other.changeAttributeValue(each.id(), other.fields().indexOf('address'), 'Мира, 9')\n"
        "    if each['title'] == 'Остановки':\n"
        "        other.changeAttributeValue(each.id(), other.fields().indexOf('address'), 'Победы, 3')\n"
        "new = QgsFeature(other.fields()); new.setGeometry(QgsGeometry.fromWkt('MultiPoint((49.42 53.62))'))\n"
        "new['title'] = 'Новая скамейка'; other.addFeature(new); other.commitChanges()"
    )
    assert run(place, "import", INPUT=str(file)) == {"CHANGED": 2, "ADDED": 1, "UNKNOWN": 0}
    came = run(place, "push")
    assert (came["CLASHES"], came["REJECTED"]) == (0, 0)
    after = feature(place, square)
    assert after["geometry"]["coordinates"] == [49.41, 53.61]
    assert (after["properties"]["address"], after["properties"]["horizon"]) == ("Мира, 9", 2045)
    both = feature(place, stops)["properties"]
    assert (both["address"], both["cadastral_number"]) == ("Победы, 3", "63:09:0101152:17")
    assert "Новая скамейка" in place.titles("points")


def test_an_exported_file_holds_nothing_of_ours_but_ids(place: Workplace, tmp_path: Path) -> None:
    file = tmp_path / "чистый.gpkg"
    run(place, "export", OUTPUT=str(file))
    with sqlite3.connect(file) as connection:
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    connection.close()
    assert {"points", "lines", "areas", "unplaced"} <= names
    assert not [name for name in names if "placecard" in name]
    assert json.dumps(place.run("config")) not in file.read_bytes().decode("latin-1")


def test_taking_an_untouched_file_back_changes_nothing(place: Workplace, tmp_path: Path) -> None:
    file = tmp_path / "как было.gpkg"
    run(place, "export", OUTPUT=str(file))
    assert run(place, "import", INPUT=str(file)) == {"CHANGED": 0, "ADDED": 0, "UNKNOWN": 0}
    assert place.run("session.counts.local") == 0
