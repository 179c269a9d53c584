"""Live layers: the service's OGC collections as QGIS reads them itself, read anew when the feed of changes moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

from qgis.core import Qgis, QgsDataSourceUri, QgsFeatureRequest, QgsProject, QgsVectorLayer
from qgis.PyQt.QtCore import QCoreApplication, QObject, QTimer

from placecard.core.errors import CursorVoid, PlacecardError
from placecard.host import horizons
from placecard.host.style import style_by_stage
from placecard.host.tasks import Progress, Stop, known, run_in_background

if TYPE_CHECKING:
    from placecard.core.service import Service
    from placecard.host.session import Session

WORKING = ("working_points", "working_lines", "working_areas")
PUBLIC = ("proposals_points", "proposals_lines", "proposals_areas")
PROPERTY = "placecard/live"
"""A layer's property in the project: the collection it shows."""

EVERY = 30_000
"""Milliseconds between two looks at the feed."""
STILL = 100
"""Milliseconds until it is seen again whether the map is still being drawn."""

HORIZON = "horizon"


class Live(QObject):  # type: ignore[misc]  # QGIS has no types
    """The live layers of a project, opened in the background: QGIS asks the service a dozen questions first."""

    def __init__(self, session: Session, iface: Any) -> None:
        super().__init__()
        self._session, self._iface = session, iface
        self._cursor: str | None = None
        self._asking = False
        self._curious: list[Callable[[bool], None]] = []
        self._timer = QTimer(self)
        self._timer.setInterval(EVERY)
        self._timer.timeout.connect(self.look)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(STILL)
        self._soon.timeout.connect(lambda: self._settle(moved=True))
        QgsProject.instance().readProject.connect(self._follow)
        self._follow()

    def leave(self) -> None:
        """Follow nothing any more."""
        self._timer.stop()
        self._soon.stop()
        QgsProject.instance().readProject.disconnect(self._follow)

    def add_layers(self, done: Callable[[list[QgsVectorLayer]], None] | None = None) -> None:
        """Add what the person may see as native layers, and set the temporal controller to its horizons.

        What is there already is not added again. On QGIS before 3.44 an empty collection cannot be a layer.
        """
        session = self._session
        root = session.capabilities.ogc if session.capabilities is not None else None
        if root is None:
            session.say("live.offers", Qgis.MessageLevel.Warning)
            return
        may = (session.me or {}).get("may", ())
        followed = "read_working" in may  # the feed is for whoever may see everything
        wanted: tuple[str, ...] = WORKING if followed else PUBLIC
        wanted = tuple(name for name in wanted if name not in self._there())
        names = {name: session.words.say(f"live.{name}") for name in wanted}

        def work(_: Progress, stop: Stop) -> tuple[list[QgsVectorLayer], set[int], str | None]:
            # Where the feed stands is asked first: what changes while layers are being read is then seen as new.
            cursor = read_feed(session.service(stop), self._cursor)[0] if followed else None
            return (*open_layers(root, session.authcfg, names, stop), cursor)

        def opened(answer: tuple[list[QgsVectorLayer], set[int], str | None]) -> None:
            layers, years, cursor = answer
            self._cursor = self._cursor or cursor
            self._add(layers, years)
            if done is not None:
                done(layers)

        run_in_background(session.words.say("live.asking"), work, opened, lambda error: session.tell(known(error)))

    def set_horizons(self, layers: list[QgsVectorLayer], years: set[int] | None = None) -> None:
        """Let the temporal controller step through the horizons of these layers."""
        if years is None:
            years = {int(year) for layer in layers for year in _values(layer) if year}
        if not years:
            self._session.say("live.no_horizons", Qgis.MessageLevel.Info)
            return
        for layer in layers:
            horizons.set_layer(layer)
        horizons.set_controller(QgsProject.instance(), self._iface.mapCanvas().temporalController(), years)

    def look(self, done: Callable[[bool], None] | None = None) -> None:
        """Look whether anything has changed, and have the layers read it; `done` gets whether it has.

        Whoever asks while somebody else is looking hears what that one finds.
        """
        if done is not None:
            self._curious.append(done)
        if self._asking or not self._there():
            return
        cursor = self._cursor
        self._asking = True

        def heard(answer: tuple[str, bool]) -> None:
            self._cursor, moved = answer
            self._settle(moved=moved)

        def failed(_: PlacecardError) -> None:
            self._asking = False  # out of reach: the layers say so themselves, and the next look may succeed

        title = self._session.words.say("live.asking")
        self._session.ask(title, lambda service: read_feed(service, cursor), heard, failed)

    def _add(self, layers: list[QgsVectorLayer], years: set[int]) -> None:
        session = self._session
        if not layers:
            session.say("live.none", Qgis.MessageLevel.Info)
            return
        name = session.capabilities.service_name if session.capabilities is not None else ""
        root = QgsProject.instance().layerTreeRoot()
        title = session.words.say("live.group", service=name)
        group = root.findGroup(title) or root.insertGroup(0, title)
        for layer in layers:
            style_by_stage(layer, session.words)
            QgsProject.instance().addMapLayer(layer, False)
            group.addLayer(layer)
        if years:
            self.set_horizons(layers, years)
        session.say("live.added", Qgis.MessageLevel.Success, n=len(layers))
        self._follow()

    def _follow(self) -> None:
        if self._there():
            self._timer.start()
            self.look()
        else:
            self._timer.stop()

    def _settle(self, *, moved: bool) -> None:
        """End a look: have the layers read anew what has moved, then say so."""
        if moved and self._iface.mapCanvas().isDrawing():  # who draws reads the very cache that is thrown away
            self._soon.start()
            return
        if moved:
            self._reload()
        self._asking = False
        curious, self._curious = self._curious, []
        for each in curious:
            each(moved)

    def _reload(self) -> None:
        for layer in self._there().values():
            if not layer.isEditable():
                layer.dataProvider().reloadData()
                layer.triggerRepaint()

    @staticmethod
    def _there() -> dict[str, QgsVectorLayer]:
        layers = QgsProject.instance().mapLayers().values()
        found = ((layer.customProperty(PROPERTY), layer) for layer in layers if isinstance(layer, QgsVectorLayer))
        return {str(name): layer for name, layer in found if name}


def open_layers(root: str, authcfg: str, names: dict[str, str], stop: Stop) -> tuple[list[QgsVectorLayer], set[int]]:
    """Layers of these collections, for the GUI thread, and the horizons in them. For a thread that may wait."""
    layers: list[QgsVectorLayer] = []
    years: set[int] = set()
    for collection, title in names.items():
        if stop():
            break
        layer = open_layer(root, authcfg, collection, title)
        if layer.isValid() and layer.fields().count():
            years |= {int(year) for year in _values(layer) if year}
            layer.moveToThread(QCoreApplication.instance().thread())
            layers.append(layer)
    return layers, years


def open_layer(root: str, authcfg: str, collection: str, title: str) -> QgsVectorLayer:
    """A collection as QGIS's own dialog for OGC API layers adds it."""
    uri = QgsDataSourceUri()
    uri.setParam("url", root)
    uri.setParam("typename", collection)
    if authcfg:
        uri.setAuthConfigId(authcfg)
    layer = QgsVectorLayer(uri.uri(False), title, "OAPIF")
    layer.setCustomProperty(PROPERTY, collection)
    return layer


def read_feed(service: Service, cursor: str | None) -> tuple[str, bool]:
    """Where the feed stands now, and whether it has moved since a cursor; with none, it may have."""
    if cursor is None:
        return next(iter(service.snapshot())).cursor, True
    try:
        moved = False
        for page in service.changes(cursor):
            cursor, moved = page.cursor, moved or bool(page.changes)
    except CursorVoid:
        return next(iter(service.snapshot())).cursor, True
    return cursor, moved


def _values(layer: QgsVectorLayer) -> list[Any]:
    wanted = QgsFeatureRequest()
    wanted.setFlags(Qgis.FeatureRequestFlag.NoGeometry)
    if layer.fields().indexOf(HORIZON) < 0:
        return []
    wanted.setSubsetOfAttributes([HORIZON], layer.fields())
    return [each[HORIZON] for each in layer.getFeatures(wanted)]
