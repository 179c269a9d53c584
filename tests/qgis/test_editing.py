"""QGIS 3.40 edits live layers natively, over OGC API Features Part 4: the real one, signed in by its own auth store.

After every save the whole store is compared with what it was: nothing but what was edited has changed, to the last bit.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import shapely
from flask import request

from sync_service.store.clashes import open_clashes
from sync_service.store.features import find_feature
from sync_service.store.history import pasts_of
from sync_service.sync.values import Hand
from tests.ogc import TOKEN
from tests.qgis.desktop import Desktop, run_desktop, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

    from sync_service.sync.state import Feature
    from tests.ogc import Town

POINTS, AREAS, PUBLIC = "working_points", "working_areas", "proposals_points"
EXACT = shapely.Point(49.123456789012, 53.587654321098)
"""More decimals than QGIS puts: where it were sent back rounded it would have moved."""


class Editor:
    """A town, its server, and somebody who edits it in QGIS."""

    def __init__(self, town: Town, desktop: Desktop, sent: list[tuple[str, str]]) -> None:
        self.town, self.desktop, self.sent = town, desktop, sent
        self.exact = town.plant(EXACT, title="Точно здесь", address="Мира, 1")
        self.park = town.plant(shapely.box(49.4000000123, 53.5, 49.42, 53.52), title="Роща")

    def look(self, collection: str, **more: Any) -> dict[str, Any]:
        return self.desktop.ask(collection, token=TOKEN, **more)

    def save(self, collection: str, *edits: tuple[object, ...]) -> dict[str, Any]:
        """Edit the layer as it is open and save; what was sent for it is in `sent`."""
        self.look(collection)
        self.sent.clear()
        return self.look(collection, edits=edits, reload=True)

    def writes(self) -> list[str]:
        return [method for method, _ in self.sent if method not in {"GET", "HEAD", "OPTIONS"}]

    def store(self) -> dict[str, Feature]:
        with self.town.database.reading() as connection:
            found = {guid: find_feature(connection, guid) for guid in self.town.planted}
        return {guid: feature for guid, feature in found.items() if feature is not None}


@pytest.fixture(scope="module")
def desktop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desktop]:
    with run_desktop(tmp_path_factory.mktemp("qgis")) as running:
        yield running


@pytest.fixture
def editor(full_town: Town, desktop: Desktop) -> Iterator[Editor]:
    sent: list[tuple[str, str]] = []

    def make(url: str) -> Flask:
        app = full_town.app(public_url=url, native_edits=(POINTS, AREAS, PUBLIC))
        app.before_request(lambda: sent.append((request.method, request.path)))
        return app

    with serving(make) as (url, _):
        desktop.url = f"{url}/ogc/"
        yield Editor(full_town, desktop, sent)


def test_layer_may_be_edited_by_those_who_may_alone(editor: Editor) -> None:
    assert editor.look(POINTS)["may"] == ["add", "move", "set", "delete"]
    assert editor.look(PUBLIC)["may"] == ["add", "move", "set", "delete"]
    assert editor.look("proposals_lines")["may"] == []
    assert editor.desktop.ask(PUBLIC)["may"] == []
    assert editor.desktop.ask(POINTS)["valid"] is False


def test_drawing_adds_one_proposal_and_changes_no_other(editor: Editor) -> None:
    before = editor.store()
    answer = editor.save(POINTS, ("add", "MultiPoint ((49.5 53.6))", {"title": "Качели", "address": "Мира, 7"}))
    assert (answer["saved"], editor.writes()) == (True, ["POST"]), answer["said"]
    assert editor.store() == before
    (drawn,) = [each for each in answer["features"] if each["attributes"]["title"] == "Качели"]
    guid = drawn["attributes"]["id"]
    editor.town.planted.append(guid)
    made = editor.store()[guid]
    assert (made.properties["address"], made.properties["stage"]) == ("Мира, 7", "proposed")
    assert made.geometry == shapely.Point(49.5, 53.6).wkb
    assert drawn["attributes"] | {"stage": "proposed", "placement": "placed", "row_version": 1} == drawn["attributes"]


def test_dragging_a_vertex_moves_that_vertex_alone(editor: Editor) -> None:
    before = editor.store()
    answer = editor.save(AREAS, ("move", editor.park, 1, 49.4225, 53.5225))
    assert (answer["saved"], editor.writes()) == (True, ["PATCH"]), answer["said"]
    after = editor.store()
    was, now = (shapely.get_coordinates(shapely.from_wkb(each[editor.park].geometry)) for each in (before, after))
    was[1] = (49.4225, 53.5225)
    assert abs(now - was).max() < 1e-9  # what the layer shows has nine decimals
    assert after == before | {editor.park: after[editor.park]}


def test_outline_dragged_across_itself_is_not_saved(editor: Editor) -> None:
    before = editor.store()
    answer = editor.save(AREAS, ("move", editor.park, 2, 49.4225, 53.5225))
    assert answer["saved"] is False
    assert editor.store() == before


@pytest.mark.parametrize("collection", [POINTS, PUBLIC])
def test_changing_an_attribute_changes_it_alone(editor: Editor, collection: str) -> None:
    before = editor.store()
    answer = editor.save(collection, ("set", editor.exact, "address", "Мира, 2"))
    assert (answer["saved"], editor.writes()) == (True, ["PATCH"]), answer["said"]
    changed = before[editor.exact]
    properties = {**changed.properties, "address": "Мира, 2"}
    assert editor.store() == before | {editor.exact: replace(changed, properties=properties, version=2)}


def test_moved_and_changed_at_once(editor: Editor) -> None:
    """QGIS makes two requests of it."""
    before = editor.store()
    edits = ("move", editor.exact, 0, 49.5, 53.6), ("set", editor.exact, "horizon", 2031)
    answer = editor.save(POINTS, *edits)
    assert (answer["saved"], editor.writes()) == (True, ["PATCH", "PATCH"]), answer["said"]
    after = editor.store()
    assert {guid for guid in before if before[guid] != after[guid]} == {editor.exact}
    assert (after[editor.exact].geometry, after[editor.exact].hand) == (shapely.Point(49.5, 53.6).wkb, Hand.MAP)
    assert after[editor.exact].properties == {**before[editor.exact].properties, "horizon": 2031, "place_reason": None}


def test_deleting_takes_the_place_away_alone(editor: Editor) -> None:
    before = editor.store()
    answer = editor.save(POINTS, ("delete", editor.exact))
    assert (answer["saved"], editor.writes()) == (True, ["DELETE"]), answer["said"]
    after = editor.store()
    assert {guid for guid in before if before[guid] != after[guid]} == {editor.exact}
    assert (after[editor.exact].geometry, after[editor.exact].properties["placement"]) == (None, "unplaced")
    assert after[editor.exact].properties["title"] == "Точно здесь"
    assert editor.exact not in {each["attributes"]["id"] for each in answer["features"]}


def test_of_three_at_once_the_one_that_cannot_be_is_told_and_nothing_else_moves(editor: Editor) -> None:
    before, town = editor.store(), editor.town.planted
    edits = ("set", town[0], "horizon", 2035), ("set", town[1], "horizon", 7), ("set", editor.exact, "horizon", 2036)
    answer = editor.save(POINTS, *edits)
    assert (answer["saved"], editor.writes()) == (False, ["PATCH", "PATCH"])
    assert any("Cannot modify feature" in line or "not applied" in line for line in answer["said"])
    after, first = editor.store(), before[town[0]]
    properties = {**first.properties, "horizon": 2035}
    assert after == before | {town[0]: replace(first, properties=properties, version=2)}


def test_what_the_board_changed_meanwhile_is_kept(editor: Editor) -> None:
    """QGIS names no version, and sends only what was edited: the rest stays as the board has it."""
    editor.look(POINTS)
    editor.town.change(editor.exact, address="Ленина, 5", stage="done")
    edits = [("move", editor.exact, 0, 49.5, 53.6)]
    answer = editor.look(POINTS, edits=edits)
    assert answer["saved"], answer["said"]
    after = editor.store()[editor.exact]
    assert (after.properties["address"], after.properties["stage"]) == ("Ленина, 5", "done")
    assert after.geometry == shapely.Point(49.5, 53.6).wkb


def test_what_the_board_wrote_is_offered_back_when_written_over(editor: Editor) -> None:
    editor.town.change(editor.exact, address="Ленина, 5")
    assert editor.save(POINTS, ("set", editor.exact, "address", "Мира, 2"))["saved"]
    with editor.town.database.reading() as connection:
        (clash,) = open_clashes(connection)
        assert [(each.source, each.who) for each in pasts_of(connection, editor.exact, limit=1)] == [("qgis", "token")]
    assert (clash.reason, clash.guid, clash.fields["address"].mine) == ("overwritten", editor.exact, "Ленина, 5")
