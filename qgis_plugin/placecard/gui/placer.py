"""Puts the chosen proposal on the map, in whichever way a person asks for, and takes it back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qgis.core import (
    Qgis,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsGeometry,
    QgsProject,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal
from qgis.PyQt.QtGui import QCursor, QKeySequence

from placecard.core.copyfile.edits import image, restore
from placecard.gui import keys, preferences
from placecard.gui.drawing import PickTool, ShapeTool
from placecard.gui.dropping import CanvasWatch
from placecard.gui.lateness import while_there
from placecard.gui.pins import Pins
from placecard.gui.steps import Steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qgis.core import QgsPointXY

    from placecard.core.copyfile.copy import Proposal
    from placecard.core.errors import PlacecardError
    from placecard.core.wire import Suggestions
    from placecard.host.session import Session

PAUSE_MS = 300
"""A person who runs through the list is not asked for: the geocoder hears of a proposal that stays selected."""

CRS84 = "OGC:CRS84"
SHAPES = {
    keys.POINT: Qgis.GeometryType.Point,
    keys.LINE: Qgis.GeometryType.Line,
    keys.AREA: Qgis.GeometryType.Polygon,
}
PINS = 9


class Placer(QObject):
    """Works for the list that is in front.

    `hinted` says what to do or what was done; `suggested` the suggestions for the chosen proposal, or `[]` and why
    there are none, "" before that is known; `took_back` the guid of what was undone; `armed` the act whose tool is on
    the map, "" without one.
    """

    hinted = pyqtSignal(str)
    suggested = pyqtSignal(list, str)
    took_back = pyqtSignal(str)
    armed = pyqtSignal(str)

    def __init__(self, iface: Any, session: Session) -> None:
        super().__init__()
        self._iface = iface
        self._session = session
        self._canvas = iface.mapCanvas()
        self.pins = Pins(self._canvas)
        self._watch = CanvasWatch(self._canvas, self.pins)
        self._watch.dropped.connect(self._dropped)
        self._watch.accepted.connect(self.accept)
        self.steps = Steps()
        self._proposal: Proposal | None = None
        self._suggestions: list[Any] = []
        self._former: Any = None
        self.tools = {act: ShapeTool(self._canvas, kind, self._keyed) for act, kind in SHAPES.items()}
        for tool in self.tools.values():
            tool.drawn.connect(lambda shape: self.place(shape, self._project_crs()))
            tool.ended.connect(self.lay_down)
        self._pick = PickTool(self._canvas, self._keyed)
        self._pick.picked.connect(self.place)
        self._pick.missed.connect(lambda: self._hint("placing.missed"))
        self._pick.ended.connect(self.lay_down)
        self._canvas.mapToolSet.connect(self._tool_changed)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(PAUSE_MS)
        self._pause.timeout.connect(self._ask)
        session.pushed.connect(lambda _: self.steps.clear())
        session.pulled.connect(lambda _: self.steps.clear())

    def leave(self) -> None:
        """Take everything of ours off the map."""
        self.lay_down()
        self._pause.stop()
        self.pins.clear()
        self._watch.leave()
        self._canvas.mapToolSet.disconnect(self._tool_changed)
        for tool in self.tools.values():
            tool.clean()

    # --- what is chosen, and what the geocoder says of it

    def choose(self, proposal: Proposal | None) -> None:
        """This is what is placed from now on."""
        before, self._proposal = self._proposal, proposal
        if proposal is None or before is None or before.guid != proposal.guid:
            self._suggest()
            self._pause.stop()
            if proposal is not None and preferences.suggesting():
                self._pause.start()

    def ask_now(self) -> None:
        """Ask the geocoder about the chosen proposal, whatever the options say."""
        self._pause.stop()
        self._ask()

    def _ask(self) -> None:
        proposal = self._proposal
        if proposal is None or self._session.capabilities is None:
            return
        guid = proposal.guid
        title = self._session.words.say("placing.asking")

        def tell(found: Sequence[Any], why: str) -> None:
            if self._proposal is not None and self._proposal.guid == guid:
                self._suggest(list(found)[:PINS], why)

        def done(told: Suggestions) -> None:
            tell(told.found, told.message or "")

        def failed(error: PlacecardError) -> None:
            # Offline is no error here: there are just no pins. A service that answers says itself what is wrong.
            tell([], str(error.data["detail"]) if error.data.get("retry_after") else "")

        self._session.ask(
            title, lambda service: service.suggest(guid), while_there(self, done), while_there(self, failed)
        )

    def _suggest(self, found: Sequence[Any] = (), why: str = "") -> None:
        self._suggestions = list(found)
        transform = QgsCoordinateTransform(self.crs84(), self._project_crs(), QgsProject.instance())
        self.pins.show([(shape_of(each["geometry"]), each["label"]) for each in found], transform)
        if found and preferences.zooming():
            self._look_at_pins()
        self.suggested.emit(self._suggestions, why)

    def _look_at_pins(self) -> None:
        box = self.pins.box()
        if not self._canvas.extent().intersects(box):
            self._canvas.setCenter(box.center())
            self._canvas.refresh()

    # --- acts

    def act(self, name: str) -> None:
        """An act by its key."""
        if self._proposal is None:
            return
        if name in SHAPES:
            self._arm(name, self.tools[name])
        elif name == keys.TAKE:
            self._take()
        elif name == keys.DISTRICT:
            self._set_district()
        elif name in (keys.CITYWIDE, keys.NOWHERE):
            self._set_placement(name, None)

    def accept(self, number: int) -> None:
        """Take the suggestion of this number."""
        if 0 < number <= len(self._suggestions):
            self.place(shape_of(self._suggestions[number - 1]["geometry"]), self.crs84())

    def place(self, shape: QgsGeometry, crs: QgsCoordinateReferenceSystem) -> None:
        """This shape is the place of the chosen proposal."""
        proposal = self._proposal
        if proposal is None:
            return
        self._about_to(proposal)
        shape.convertToStraightSegment()
        self._session.place(proposal.guid, shape, crs)
        self._hint("placing.placed", title=proposal.title)

    def undo(self) -> None:
        """Take the last placing back."""
        step = self.steps.pop()
        if step is None:
            self._hint("placing.nothing_to_undo")
            return

        def act() -> None:
            self._session.write(lambda copy: restore(copy, step.before))
            self._hint("placing.undone", title=step.title)
            self.took_back.emit(step.before.guid)

        self._session.when_free(act)

    def deliver(self) -> None:
        """A drag is over: what was dropped on the map is placed."""
        self._watch.deliver()

    def lay_down(self) -> None:
        """Back to the tool that was there before ours."""
        if self._canvas.mapTool() in (*self.tools.values(), self._pick):
            if self._former is not None:
                self._canvas.setMapTool(self._former)
            else:
                self._iface.actionPan().trigger()

    def _arm(self, name: str, tool: Any) -> None:
        if self._canvas.mapTool() not in (*self.tools.values(), self._pick):
            self._former = self._canvas.mapTool()
        self._canvas.setMapTool(tool)
        self.armed.emit(name)
        title = self._proposal.title if self._proposal else ""
        self._hint(f"placing.how.{name}", title=title)

    def _tool_changed(self, tool: Any, *_: Any) -> None:
        if tool not in (*self.tools.values(), self._pick):
            self.armed.emit("")

    def _take(self) -> None:
        layers = [each for each in QgsProject.instance().mapLayers().values() if has_selection(each)]
        active = self._iface.activeLayer()
        if active in layers:
            layers = [active]
        if len(layers) == 1:
            self.place(union([each.geometry() for each in layers[0].selectedFeatures()]), layers[0].crs())
        else:
            self._arm(keys.TAKE, self._pick)

    def _set_district(self) -> None:
        proposal = self._proposal
        if proposal is None:
            return
        name = proposal.district or self._session.district_at(self._looked_at(), self._project_crs())
        if name:
            self._set_placement(keys.DISTRICT, name)
        else:
            self._hint("placing.no_district")

    def _looked_at(self) -> QgsPointXY:
        # Asked of the screen: while something is dragged the canvas does not hear of the pointer.
        view = self._canvas.viewport()
        pointer = view.mapFromGlobal(QCursor.pos())
        if view.rect().contains(pointer):
            return self._canvas.getCoordinateTransform().toMapCoordinates(pointer)
        return self._canvas.center()

    def _set_placement(self, placement: str, district: str | None) -> None:
        proposal = self._proposal
        if proposal is None:
            return
        self._about_to(proposal)
        self._session.set_placement(proposal.guid, placement, district)
        self._hint(f"placing.set.{placement}", title=proposal.title, district=district or "")

    def _about_to(self, proposal: Proposal) -> None:
        copy = self._session.copy
        if copy is not None:
            self.steps.add(image(copy, proposal.guid), proposal.title)
        # Whoever sets a place has looked at it.
        if proposal.place_check:
            self._session.set_fields(proposal.guid, {"place_check": None})

    def right(self) -> None:
        """The chosen proposal's place is right as it is."""
        proposal = self._proposal
        if proposal is not None and proposal.place_check:
            self._about_to(proposal)
            self._hint("checking.was_right", title=proposal.title)

    def _dropped(self, guid: str, point: QgsPointXY) -> None:
        if self._proposal is not None and self._proposal.guid == guid:
            self.place(QgsGeometry.fromPointXY(point), self._project_crs())

    def _keyed(self, event: Any) -> bool:
        act, number = keys.act_of(event.text()), keys.number_of(event.text())
        if event.matches(QKeySequence.StandardKey.Undo):
            self.undo()
        elif act == keys.RIGHT:
            self.right()
        elif act:
            self.act(act)
        elif number:
            self.accept(number)
        else:
            return False
        return True

    def _project_crs(self) -> QgsCoordinateReferenceSystem:
        return self._canvas.mapSettings().destinationCrs()

    @staticmethod
    def crs84() -> QgsCoordinateReferenceSystem:
        """Of everything the service says and the copy keeps: longitude first."""
        return QgsCoordinateReferenceSystem(CRS84)

    def _hint(self, key: str, **data: Any) -> None:
        self.hinted.emit(self._session.words.say(key, **data))


def shape_of(wkb: bytes) -> QgsGeometry:
    """A geometry from its WKB."""
    shape = QgsGeometry()
    shape.fromWkb(wkb)
    return shape


def union(shapes: Sequence[QgsGeometry]) -> QgsGeometry:
    """One geometry of several of one kind; areas melt together."""
    if len(shapes) == 1:
        return QgsGeometry(shapes[0])
    melted = shapes[0].type() == Qgis.GeometryType.Polygon
    return QgsGeometry.unaryUnion(shapes) if melted else QgsGeometry.collectGeometry(shapes)


def has_selection(layer: Any) -> bool:
    """Whether features with places are selected in a layer."""
    return isinstance(layer, QgsVectorLayer) and layer.isSpatial() and layer.selectedFeatureCount() > 0
