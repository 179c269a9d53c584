"""What a day's end brings: doubts, clashes, cards that are gone. Decided by mouse and keys, beside a real Kanboard.

The tests go in the order of the day, as those of `test_plugin_windows.py` do: each leaves the next a working copy.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import shapely

from tests.boards import make_kanboard_project
from tests.copies import shape_of
from tests.ogc import TOKEN
from tests.qgis import places, windows, workplace
from tests.qgis.windows import Windows
from tests.service import announcing, make_service, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.qgis.application import Application
    from tests.service import Service
    from tools.kanboard import KanboardServer

START = workplace.START + windows.START
CRS84 = "dock.placer.crs84()"
SOLVED = "Расхождение решено"
SETTING = """
dock.setVisible(True)
streets = QgsVectorLayer({streets!r}, 'Улицы', 'ogr')
project.addMapLayer(streets)
"""
LOOK = """
project.setCrs(QgsCoordinateReferenceSystem('EPSG:3857'))
there = QgsCoordinateTransform(QgsCoordinateReferenceSystem('OGC:CRS84'), project.crs(), project)
iface.mapCanvas().setExtent(there.transformBoundingBox(QgsRectangle(49.402, 53.4995, 49.430, 53.5165)))
iface.mapCanvas().refresh()
"""
BESIDE = """
moved = next(each for each in layer.getFeatures() if each['title'] == '{title}')
other = QgsFeature(moved)
other.setGeometry(QgsGeometry.fromWkt('MultiPoint((49.4215 53.5052))'))
other['fid'] = None
layer.addFeature(other)
layer.changeGeometry(moved.id(), QgsGeometry.fromWkt('MultiPoint((49.4203 53.5042))'))
"""
"""A feature moved, and copied beside itself: whether that is one proposal, nobody can tell by the shapes."""


@dataclass
class Day:
    """A person at QGIS, and the town whose service and board they work with."""

    hands: Windows
    live: Service
    cards: dict[str, str]

    def __post_init__(self) -> None:
        self.app, self.run, self.click = self.hands.app, self.hands.run, self.hands.click
        self.colleague = places.Colleague(self.live)

    def guid(self, title: str) -> str:
        """A proposal's."""
        found: str = self.run(f"next(each.guid for each in session.copy.proposals('all') if each.title == {title!r})")
        return found

    def place(self, title: str, wkt: str) -> None:
        """Put a proposal somewhere."""
        self.run(f"session.place({self.guid(title)!r}, QgsGeometry.fromWkt({wkt!r}), {CRS84})")

    def set(self, title: str, **values: Any) -> None:
        """Set properties of a proposal."""
        self.run(f"session.set_fields({self.guid(title)!r}, {values!r})")

    def edit(self, layer: str, source: str) -> None:
        """Edit a layer of the copy with QGIS's own tools; `layer` in the source."""
        before = self.run(f"layer = session.layers()[{layer!r}][0]; layer.startEditing(); session.counts.local")
        self.run(f"{source}\nassert layer.commitChanges(), layer.commitErrors()")
        self.app.until(f"session.counts.local > {before}")

    def offer(self) -> None:
        """Open the push dialog by its button, and wait for what the service says."""
        self.hands.tool("push")
        self.hands.opened("push")
        self.checked()

    def checked(self) -> None:
        """Wait until the push dialog has been told."""
        self.app.until("not session.busy_with and not push.progress.isVisible()")
        self.hands.has_room("push")

    def send(self) -> None:
        """Push."""
        self.click("push.push")
        self.app.until("push.push.isHidden() and not session.busy_with")
        self.hands.has_room("push")

    def seen(self, title: str) -> Any:
        """Where the service says that a proposal is."""
        told = self.colleague.row(title)["geometry"]
        return None if told is None else shape_of(told)

    def spot(self, x: float, y: float) -> tuple[int, int]:
        """Where on the screen a place is, once the map stands still."""
        self.app.until("not iface.mapCanvas().isDrawing()")
        self.run(f"_t = there.transform(QgsPointXY({x}, {y}))")
        self.run("_d = iface.mapCanvas().getCoordinateTransform().transform(_t)")
        pixel = "iface.mapCanvas().viewport().mapToGlobal(QPoint(round(_d.x()), round(_d.y())))"
        left, top = self.run(f"_g = {pixel}; [_g.x(), _g.y()]")
        return left, top

    def dispute(self, title: str, theirs: shapely.Point, mine: str, **values: tuple[Any, Any]) -> None:
        """Edit a proposal here and somewhere else, from the same version: (theirs, mine) of each property."""
        done = self.colleague.edit(title, theirs, **{name: both[0] for name, both in values.items()})
        assert done["status"] == "applied", done
        self.place(title, mine)
        if values:
            self.set(title, **{name: both[1] for name, both in values.items()})

    def open_disputes(self) -> None:
        """Have the first clash of the list solved."""
        self.run("dock.tabs.setCurrentIndex(3)")
        self.click("dock.disputes.solve")
        self.hands.opened("clash")
        self.hands.has_room("clash")

    def disputes(self) -> list[str]:
        """What the list of clashes says."""
        told: list[str] = self.run("[dock.disputes.list.item(n).text() for n in range(dock.disputes.list.count())]")
        return told

    def solve(self, button: str = "clash.solve") -> None:
        """Click what solves a clash, and wait until that is done."""
        self.run("heard.clear()")
        self.click(button)
        self.app.until(f"{SOLVED!r} in said('told') and not session.busy_with")

    def pull(self) -> None:
        """Have what changed."""
        self.run("heard.clear()")
        self.click("dock.pull")
        self.app.until("said('pulled') and not session.busy_with")


@pytest.fixture(scope="module")
def day(
    application: Application, tmp_path_factory: pytest.TempPathFactory, kanboard_server: KanboardServer
) -> Iterator[Day]:
    """Signed in by token, with a working copy and the town's streets."""
    folder = tmp_path_factory.mktemp("служба")
    with ExitStack() as stack:
        live = make_service(folder, make_kanboard_project(kanboard_server), API_TOKEN=TOKEN, **places.SETTINGS)
        live.session.headers["Authorization"] = f"Bearer {TOKEN}"
        cards = places.furnish(live)
        live.start()
        stack.callback(live.stop)
        stack.callback(live.session.close)
        stack.enter_context(announcing(live.project, f"{live.url}/board/events"))
        hands = Windows(application)
        stack.callback(hands.close)
        streets = places.write_layer(folder / "streets.geojson", places.street_lines(), "name")
        application.run(SETTING.format(streets=str(streets)))
        application.run(
            f"config = signin.keep_token({live.url!r}, {TOKEN!r}); session.connect_to({live.url!r}, config)"
        )
        application.until("session.me")
        application.run(f"session.create_copy({str(folder / 'день.gpkg')!r})")
        application.until("said('pulled') and not session.busy_with")
        # Soon after it has its first layer QGIS takes that one's system for the project's.
        application.until("not iface.mapCanvas().isDrawing()")
        application.run(LOOK)
        application.until("iface.mapCanvas().mapSettings().destinationCrs().authid() == 'EPSG:3857'")
        yield Day(hands, live, cards)


@pytest.fixture(autouse=True)
def without_errors(day: Day) -> Iterator[None]:
    """Python stumbles over nothing in QGIS."""
    yield
    assert day.hands.errors() == []


def test_a_refusal_can_be_read_and_what_is_refused_is_not_offered(day: Day) -> None:
    day.place("Пункт приёма вторсырья", "POINT(49.76 53.506)")
    day.offer()
    (_, (title, why)) = day.run("lines_of(push.tree)")
    assert title == "Пункт приёма вторсырья"
    assert why == "Место (широта 53.506, долгота 49.76) вне заданной области."
    assert day.run("[push.push.text(), push.push.isEnabled()]") == ["Отправить", False]
    assert day.run("push.warned.text()") == "⚠ 1 место за пределами муниципалитета"
    day.click("push.close_button")
    day.hands.closed("push")
    day.run("dock.tabs.setCurrentIndex(2)")
    day.run("_item = dock.changes.tree.topLevelItem(0); _r = dock.changes.tree.visualItemRect(_item).center()")
    x, y = day.run("_g = dock.changes.tree.viewport().mapToGlobal(_r); [_g.x(), _g.y()]")
    day.hands.hands.click(x, y)
    day.click("dock.changes.discard")
    day.app.until("session.counts.local == 0")


def test_what_was_split_is_decided_before_it_is_pushed(day: Day) -> None:
    ramp, path = "Пандус у поликлиники", "Велодорожка до завода"
    day.place(path, "POLYGON((49.41 53.503, 49.42 53.503, 49.42 53.506, 49.41 53.506, 49.41 53.503))")
    day.run("layer = session.layers()['areas'][0]; layer.startEditing()")
    day.run("layer.splitFeatures([QgsPointXY(49.415, 53.4), QgsPointXY(49.415, 53.6)]); layer.commitChanges()")
    day.edit("points", BESIDE.format(title=ramp))
    day.offer()
    assert day.run("lines_of(push.tree)") == [["Примется: 1", ""], [path, "Место"]]
    assert "скажите, одно это предложение или несколько" in day.run("push.warned.text()")
    assert day.run("[each[0] for each in lines_of(push.splits)]") == [ramp, path]
    choices = "[push.splits.itemWidget(push.splits.topLevelItem(n), 1) for n in range(2)]"
    assert day.run(f"[each.currentText() for each in {choices}]") == ["решите…", "одним предложением"]
    day.hands.choose(f"{choices}[0]", 1)
    day.checked()
    assert [ramp, "Место"] in day.run("lines_of(push.tree)")
    assert not day.run("push.warned.isVisible()")
    apart = day.run(f"[each.currentText() for each in {choices}].index('одним предложением'), lines_of(push.splits)")[1]
    number = [each[0] for each in apart].index(path)
    day.hands.choose(f"{choices}[{number}]", 1)
    day.checked()
    assert day.run("push.push.text()") == "Отправить 3 правки"
    day.send()
    assert day.run("push.told.text()") == "Принято 3."
    assert day.seen(ramp).equals(shapely.MultiPoint([(49.4203, 53.5042), (49.4215, 53.5052)]))
    halves = [row for row in day.colleague.copy.follow().rows.values() if row["properties"]["title"] == path]
    areas = [shape_of(row["geometry"]) for row in halves]
    assert [round(each.area * 1e6, 6) for each in areas if each is not None] == [15.0, 15.0]
    day.click("push.close_button")
    day.hands.closed("push")


def test_fields_are_solved_one_by_one_and_the_rest_is_left_for_later(day: Day) -> None:
    title, theirs = "Детская площадка во дворе", shapely.Point(49.4100, 53.5125)
    day.dispute(title, theirs, "POINT(49.408 53.513)", address=("ул. Мира, 1", "ул. Мира, 7"), horizon=(2050, 2040))
    day.offer()
    assert day.run("lines_of(push.tree)[1]") == [title, "Расходится: Адрес, Горизонт, год, Место"]
    day.send()
    day.click("push.solve")
    day.hands.opened("clash")
    day.run("push.close()")
    day.hands.has_room("clash")
    assert "по токену" in day.run("clash.head.text()")
    day.hands.pick("clash.table.radios['address', 'mine']")
    assert day.run("clash.table.edits['address'].text()") == "ул. Мира, 7"
    day.hands.write("clash.table.edits['horizon']", "2045")
    sides = "[clash.table.radios['horizon', side].isChecked() for side in ('base', 'theirs', 'mine')]"
    assert day.run(sides) == [False, False, False]
    assert day.run("clash.solve.text()") == "Решить 2 поля"
    day.solve()
    day.hands.closed("clash")
    row = day.colleague.row(title)
    assert (row["properties"]["address"], row["properties"]["horizon"]) == ("ул. Мира, 7", 2045)
    assert day.seen(title) == theirs
    day.pull()
    assert day.disputes() == [f"{title}\nМесто"]
    assert day.run("[session.counts.clashing, dock.tabs.tabText(3).strip()]") == [1, "1"]


def test_a_place_is_taken_from_the_map(day: Day) -> None:
    title = "Детская площадка во дворе"
    street = dict(places.street_lines())["ул. Ленина"]
    corner = street.interpolate(0.15, normalized=True).coords[0]
    day.open_disputes()
    drawn = "[each.strokeColor().name() for each in clash._sketches._bands]"
    assert len(set(day.run(drawn))) == 3
    day.run(LOOK)
    day.click("clash.table.edits['geometry']")
    day.hands.hands.click(*day.spot(*corner))
    day.app.until("clash.table.edits['geometry'].text() == 'Взято с карты'")
    assert len(set(day.run(drawn))) == 4
    day.hands.pick("clash.table.radios['geometry', 'theirs']")
    assert day.run("clash.table.edits['geometry'].text()") == "Взять с карты"
    assert len(set(day.run(drawn))) == 3
    day.click("clash.table.edits['geometry']")
    day.hands.hands.click(*day.spot(*corner))
    day.app.until("clash.table.edits['geometry'].text() == 'Взято с карты'")
    day.solve()
    day.hands.closed("clash")
    assert day.seen(title).hausdorff_distance(street) < 1e-7
    day.app.until("dock.disputes.list.count() == 0 and session.counts.clashing == 0")
    assert day.run("len(clash._sketches._bands)") == 0


def test_later_comes_to_every_clash_once_and_forgets_none(day: Day) -> None:
    titles = ["Освещение пешеходной улицы", "Сквер у школы"]
    for number, title in enumerate(titles):
        there = shapely.Point(49.4180 + 0.001 * number, 53.5090)
        day.dispute(title, there, f"POINT({49.4185 + 0.001 * number} 53.5100)")
    day.offer()
    day.send()
    day.click("push.close_button")
    day.hands.closed("push")
    day.open_disputes()
    first = day.run("clash._clash.id")
    day.click("clash.later")
    day.app.until(f"clash._clash.id != {first!r}")
    day.click("clash.later")
    day.hands.closed("clash")
    day.pull()
    assert sorted(day.disputes()) == [f"{title}\nМесто" for title in titles]
    day.open_disputes()
    day.click("clash.all_theirs")
    day.solve()
    day.app.until("len(session.clashes()) == 1 and clash.isVisible()")
    day.click("clash.all_mine")
    day.solve()
    day.hands.closed("clash")
    assert day.run("[session.counts.clashing, session.counts.local]") == [0, 0]


def test_what_moved_meanwhile_is_asked_anew(day: Day) -> None:
    title = "Сквер у школы"
    day.dispute(title, shapely.Point(49.4111, 53.5061), "POINT(49.4112 53.5062)")
    day.offer()
    day.send()
    day.click("push.solve")
    day.hands.opened("clash")
    day.run("push.close()")
    day.colleague.edit(title, shapely.Point(49.4113, 53.5063))
    day.click("clash.all_theirs")
    day.click("clash.solve")
    day.app.until("clash.trouble.text() and not session.busy_with")
    assert day.run("clash.trouble.text()") == "С тех пор одна из сторон изменилась: вот как теперь"
    assert day.run("clash._choices.made") == {}
    day.click("clash.all_theirs")
    day.solve()
    day.hands.closed("clash")
    assert day.seen(title).equals(shapely.Point(49.4113, 53.5063))


@pytest.fixture
def gone(day: Day) -> list[str]:
    """Titles of proposals whose cards were removed while an edit was on its way to them."""
    titles = ["Ремонт спортивного зала", "Фонтан на площади"]
    with announcing(day.live.project, ""):
        for title in titles:
            day.live.project.hands.remove_card(day.cards[title])
            day.colleague.edit(title, address="ул. Победы, 3")
        done = day.live.run("sync", "--full")
        assert done.returncode == 0, done.stdout + done.stderr
    day.pull()
    return titles


def test_a_card_that_is_gone_is_made_anew_or_its_proposal_goes_too(day: Day, gone: list[str]) -> None:
    renewed, retired = gone
    assert day.disputes() == [f"{title}\nКарточки больше нет, а правка шла к ней" for title in gone]
    day.open_disputes()
    assert [day.run(f"clash.{name}.isVisible()") for name in ("renew", "retire", "all_mine", "solve")] == [
        *(True, True),
        *(False, False),
    ]
    day.solve("clash.renew")
    day.app.until("len(session.clashes()) == 1 and clash.isVisible()")
    day.solve("clash.retire")
    day.hands.closed("clash")
    before = day.cards[renewed]
    row = until(lambda: _with_card(day, renewed, before))
    card = day.live.project.server.call("getTask", task_id=int(row["properties"]["card_id"]))
    assert card["title"] == renewed
    day.pull()
    assert day.run(f"[each.title for each in session.copy.proposals('all') if each.title in {gone!r}]") == [renewed]
    assert retired not in {row["properties"]["title"] for row in day.colleague.copy.follow().rows.values()}


def _with_card(day: Day, title: str, before: str) -> dict[str, Any] | None:
    """A proposal as the service has it, once it has another card."""
    row = day.colleague.row(title)
    return row if row["properties"]["card_id"] not in (None, before) else None


def test_a_change_of_what_the_board_owns_is_suggested_on_the_card(day: Day) -> None:
    title = "Сквер у школы"
    day.run(f"dock.look({day.guid(title)!r})")
    day.hands.choose("dock.card.act", 1)
    day.app.until("dock.card.field.isVisible()")
    day.hands.has_room("dock.card")
    day.hands.choose("dock.card.field", day.run("dock.card.field.findData('due')"))
    day.hands.write("dock.card.said", "2027-05-01")
    day.run("heard.clear()")
    day.click("dock.card.send")
    day.app.until("said('told')")
    assert day.run("said('told')") == [f"Правка предложена: {title}"]
    server, card = day.live.project.server, int(day.cards[title])
    wanted = "Срок: 2027-05-01"
    until(lambda: [each for each in server.call("getAllComments", task_id=card) if wanted in each["comment"]])
    assert day.run("dock.card.said.text()") == ""
    day.app.until(f"{wanted!r} in dock.card.text.toPlainText()")
    day.run("dock.card.act.setCurrentIndex(0)")


def test_nothing_is_asked_while_a_layer_is_being_edited_and_it_is_said_why(day: Day) -> None:
    day.run("layer = session.layers()['points'][0]; layer.startEditing(); heard.clear()")
    day.hands.tool("push")
    day.hands.opened("push")
    assert day.run("push.told.text()") == "Сейчас нельзя: почему, сказано над картой"
    assert day.run("said('told')") == ["Сначала сохраните или отмените правки и выключите редактирование слоёв: Точки"]
    day.run("layer.rollBack()")
    assert day.run("push.push.text()") == "Повторить"
    day.click("push.push")
    day.app.until("push.told.text() == 'Отправлять нечего'")
    assert day.run("[push.push.text(), push.push.isEnabled()]") == ["Отправить", False]
    day.click("push.close_button")
    day.hands.closed("push")


def test_why_there_are_no_suggestions_is_told(day: Day) -> None:
    day.run("dock.tabs.setCurrentIndex(0); dock.placing.search.setText('Набережная')")
    (why,) = day.app.until("[each.text() for each in dock.placing.pins.findChildren(QLabel) if each.isVisible()]")
    assert why.startswith("По этим словам ничего не нашлось.")
    day.hands.has_room("dock.placing")
    day.run("dock.placing.search.setText('Остановка')")
    day.app.until("len(dock.placer.pins) == 2 and not dock.placing.pins.findChildren(QLabel)")
    day.run("dock.placing.search.clear()")


def test_live_layers_come_by_a_button_and_the_log_has_every_message_and_no_secret(day: Day) -> None:
    day.hands.tool("live")
    shown = "[each for each in project.mapLayers().values() if each.providerType() == 'OAPIF']"
    day.app.until(f"len({shown}) > 0")
    day.app.until("any('вживую' in text for tab, text in logged)")
    titles = day.run(f"sorted(each['title'] for layer in {shown} for each in layer.getFeatures())")
    assert "Пандус у поликлиники" in titles
    day.run("iface.openMessageLog()")
    panel = "iface.mainWindow().findChild(QDockWidget, 'MessageLog')"
    day.app.until(f"{panel}.isVisible()")
    tabs = f"[[bar.tabText(n), bar.widget(n).toPlainText()] for bar in {panel}.findChildren(QTabWidget)"
    log = dict(day.run(f"{tabs} for n in range(bar.count())]"))
    assert [line for line in log["Placecard"].splitlines() if "вживую" in line and "SUCCESS" in line]
    assert log["Placecard"].count(SOLVED) >= 4
    assert not [name for name, text in log.items() if TOKEN in text]
    assert TOKEN not in day.app.said()
    day.run(f"{panel}.setVisible(False)")


@pytest.fixture
def english(day: Day) -> Iterator[Day]:
    """The plugin in English, in the same QGIS; the project and its copy stay."""
    speak(day, "en")
    yield day
    speak(day, "")


def speak(day: Day, language: str) -> None:
    """Set the plugin's language, and start it anew."""
    day.run(f"QgsSettings().setValue('placecard/language', {language!r})")
    day.run("import qgis.utils; qgis.utils.unloadPlugin('placecard')")
    day.run("qgis.utils.loadPlugin('placecard'); qgis.utils.startPlugin('placecard')")
    day.run("plugin = plugins['placecard']; session, frame, dock = plugin.session, plugin.frame, plugin.frame.dock")
    day.run("[hear(name) for name in ('told', 'pulled', 'checked', 'pushed', 'failed')]; session.resume()")
    day.app.until("session.me and not session.busy_with")


def test_every_window_has_room_for_its_words_in_english(english: Day) -> None:
    day, title, far = english, "Сквер у школы", "Пункт приёма вторсырья"
    there = shapely.Point(49.4130, 53.5070)
    day.dispute(title, there, "POINT(49.4140 53.5080)", address=("ул. Мира, 1", "ул. Мира, 7"))
    day.place(far, "POINT(49.76 53.506)")
    day.place("Аллея для прогулок с колясками", "POINT(49.41 53.507)")
    day.offer()
    assert day.run("push.told.text()") == "1 would be applied, 1 would clash, 1 would be rejected."
    assert [far, "The place (latitude 53.506, longitude 49.76) is outside the area of the settings."] in day.run(
        "lines_of(push.tree)"
    )
    assert day.run("push.push.text()") == "Push 2 edits"
    day.send()
    assert day.run("push.told.text()") == "1 applied, 1 clash, 1 rejected."
    day.click("push.solve")
    day.hands.opened("clash")
    day.hands.has_room("clash")
    assert "Somebody else changed the same while you edited (by token, " in day.run("clash.head.text()")
    day.click("clash.all_mine")
    day.run("heard.clear()")
    day.click("clash.solve")
    day.app.until("'The clash is solved' in said('told')")
    day.hands.closed("clash")
    day.click("push.undo")
    day.hands.opened("undo")
    day.app.until("undo.undo.isEnabled()")
    day.hands.has_room("undo")
    assert day.run("[undo.windowTitle(), undo.told.text(), undo.undo.text()]") == [
        *("Put a push back", "1 proposal would be put back", "Put back"),
    ]
    assert day.run("lines_of(undo.tree)")[0][0] == "Аллея для прогулок с колясками"
    day.click("undo.undo")
    day.app.until("undo.told.text() == '1 proposal was put back' and not session.busy_with")
    until(lambda: day.seen("Аллея для прогулок с колясками") is None)
    day.run("undo.close()")
    day.run("heard.clear()")
    day.click("push.solve")
    day.app.until("iface.messageBar().currentItem() and iface.messageBar().currentItem().text() == 'No clashes'")
    day.run("push.close()")
    for tab in range(4):
        day.run(f"dock.tabs.setCurrentIndex({tab})")
        day.hands.has_room("dock")
    day.run(f"session.discard({day.guid(far)!r})")


def test_the_options_are_set_in_english(english: Day) -> None:
    day = english
    day.app.run("iface.showOptionsDialog(iface.mainWindow(), 'placecard')", later=True)
    page = "QApplication.activeModalWidget().findChild(QScrollArea, 'PlacecardOptions')"
    day.app.until(f"QApplication.activeModalWidget() and {page} and {page}.isVisible()")
    day.run(f"options = QApplication.activeModalWidget(); page = {page}.widget()")
    day.hands.has_room("page")
    assert day.run("[each.text() for each in page.findChildren(QLabel) if each.text()]") == [
        *("Language", "Takes effect when QGIS starts again"),
    ]
    assert day.run("[page.suggesting.text(), page.zooming.text()]") == [
        "Ask the geocoder about the selected proposal",
        "Let the map show suggestions and the places to check",
    ]
    assert day.run("[page.language.itemText(n) for n in range(3)]") == ["As QGIS", "Русский", "English"]
    day.hands.choose("page.language", 1)
    day.click("page.suggesting", 0.02)
    day.app.until("not page.suggesting.isChecked()")
    day.click("options.findChild(QDialogButtonBox).button(QDialogButtonBox.StandardButton.Ok)")
    day.app.until("QApplication.activeModalWidget() is None")
    assert day.run("QgsSettings().value('placecard/language')") == "ru"
    assert day.run("QgsSettings().value('placecard/suggesting', type=bool)") is False
    day.run("QgsSettings().setValue('placecard/suggesting', True)")
