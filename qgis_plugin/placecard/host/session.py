"""The one state that everything a person sees shares: which service, signed in how, which copy, and what is being done.

It lives in the GUI thread. What waits for the network or for many rows is done in the background; what a person's hand
does to one proposal is written at once, or as soon as the copy is free.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

from qgis.core import Qgis, QgsProject
from qgis.PyQt.QtCore import QTimer, pyqtSignal

from placecard.core.copyfile import edits
from placecard.core.copyfile.ahead import WriteAheadLog
from placecard.core.copyfile.clashes import kept_clashes
from placecard.core.copyfile.copy import Counts, WorkingCopy
from placecard.core.errors import NetworkFolder, NotACopy, Outdated, PlacecardError, SignInNeeded
from placecard.core.pulling import pull
from placecard.core.pushing import check, push
from placecard.host import folders, layers, memory, signin
from placecard.host.districts import Districts
from placecard.host.transform import is_ballpark, to_copy
from placecard.host.works import Done, Failed, Works

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from qgis.core import QgsCoordinateReferenceSystem, QgsGeometry, QgsPointXY, QgsVectorLayer

    from placecard.core.copyfile.edits import LocalEdit
    from placecard.core.service import Service
    from placecard.core.wire import Capabilities, Clash, Value
    from placecard.core.words import Words
    from placecard.host.tasks import Progress, Stop

NOTHING = Counts(0, 0, 0, 0, 0)
SENT = 0.8
"""The share of a push that sending takes; the pull after it is the rest."""


class Session(Works):
    """See the module. `version` is the plugin's own; `iface` is None where there are no windows.

    Beside those of `Works`: `changed`, anything shown may differ; `pulled`, `checked` and `pushed`, what came of it.
    """

    changed = pyqtSignal()
    pulled = pyqtSignal(object)
    checked = pyqtSignal(object)
    pushed = pyqtSignal(object)

    def __init__(self, iface: Any, words: Words, version: str) -> None:
        super().__init__(words)
        self.iface, self.version = iface, version
        self.capabilities: Capabilities | None = None
        self.me: Mapping[str, Any] | None = None
        self.copy: WorkingCopy | None = None
        self._log: WriteAheadLog | None = None
        self.counts = NOTHING
        self._project = QgsProject.instance()
        self._districts = Districts()
        self._watched: set[str] = set()
        self._warned: set[str] = set()
        self._project.readProject.connect(self.resume)
        self._project.cleared.connect(self._cleared)
        self._project.crsChanged.connect(self._crs_changed)

    def leave(self) -> None:
        """The plugin goes: what is being done stops, and nobody is listened to any more."""
        self.cancel()
        signin.signer().browsing.disconnect(self._browse)
        self._keep_log(None)
        self._project.readProject.disconnect(self.resume)
        self._project.cleared.disconnect(self._cleared)
        self._project.crsChanged.disconnect(self._crs_changed)

    # --- connecting

    def probe(self, address: str, done: Done, failed: Failed | None = None) -> None:
        """What the service at an address offers, without signing in; nothing is kept."""
        self.ask_of(address, "")(self.words.say("session.asking"), self._offered, done, failed)

    def connect_to(self, address: str, authcfg: str, done: Done | None = None, failed: Failed | None = None) -> None:
        """Enter a service with this sign-in; `done` gets who that is (`name`, `may`)."""

        def entered(answer: tuple[Capabilities, Mapping[str, Any]]) -> None:
            self.address, self.authcfg = address, authcfg
            self.capabilities, self.me = answer
            self.changed.emit()
            if done is not None:
                done(self.me)

        title = self.words.say("session.entering")
        self.ask_of(address, authcfg)(title, lambda s: (self._offered(s), s.me()), entered, failed)

    def create_copy(self, path: Path | str, box: str | None = None) -> bool:
        """Make the copy by its first pull, and add its layers. Whether it has begun, as in `run`."""
        made, capabilities = Path(path), self.capabilities
        address, authcfg = self.address, self.authcfg
        if capabilities is None:
            self.fail(SignInNeeded())
            return False
        if folders.is_network(made):
            self.fail(NetworkFolder(path=str(made)))
            return False

        def work(progress: Progress, stop: Stop) -> tuple[WorkingCopy, Any]:
            copy = WorkingCopy.create(made, capabilities, address, self.language, authcfg=authcfg, box=box or "")
            return copy, pull(self.service(stop, address, authcfg), copy, progress, stop)

        def done(answer: tuple[WorkingCopy, Any]) -> None:
            self._hold(answer[0])
            self._add_layers(lambda: self.pulled.emit(answer[1]))

        return self.run("session.copying", work, done)

    def open_copy(self, path: Path | str, *, entered: bool = False) -> None:
        """Work with a copy that is there, and add the layers that the project has not.

        `entered`: it must be of the service that was entered just now, and goes on with that sign-in.
        """
        try:
            if folders.is_network(Path(path)):
                raise NetworkFolder(path=str(path))
            copy = WorkingCopy.open(Path(path))
            if entered:
                self._sign_over(copy)
            self._hold(copy)
        except PlacecardError as error:
            self.fail(error)
            return
        self._add_layers(self._learn)

    def resume(self) -> None:
        """Go on with the copy that the project works with, if any: it was opened."""
        path = memory.recall(self._project)
        if path is None:
            return
        try:
            self._hold(WorkingCopy.open(path))
        except PlacecardError as error:
            self.tell(error)
            return
        self._learn()

    def close_copy(self) -> None:
        """Work with no copy; file and layers stay."""
        memory.forget(self._project)
        self._cleared()

    # --- in the background, one at a time; whether it has begun, as in `run`

    def pull(self) -> bool:
        """Have what changed at the service."""
        copy = self._free_copy()
        return copy is not None and self.run(
            "session.pulling", lambda progress, stop: pull(self.service(stop), copy, progress, stop), self.pulled.emit
        )

    def check(self, guids: Collection[str] | None = None) -> bool:
        """Ask what a push would do."""
        copy = self._free_copy()
        return copy is not None and self.run(
            "session.checking",
            lambda progress, stop: check(self.service(stop), copy, guids, progress, stop),
            self.checked.emit,
        )

    def push(self, guids: Collection[str] | None = None) -> bool:
        """Send what was edited, then have what changed."""
        copy = self._free_copy()
        if copy is None:
            return False

        def work(progress: Progress, stop: Stop) -> tuple[Any, Any]:
            service = self.service(stop)
            sent = push(service, copy, lambda share, key: progress(share * SENT, key), stop, guids)
            try:
                return sent, pull(service, copy, lambda share, key: progress(SENT + share * (1 - SENT), key), stop)
            except PlacecardError as error:  # what was sent is sent, and is told of
                return sent, error

        def done(answer: tuple[Any, Any]) -> None:
            sent, came = answer
            self.pushed.emit(sent)
            if isinstance(came, PlacecardError):
                self.tell(came)
            else:
                self.pulled.emit(came)

        return self.run("session.pushing", work, done)

    # --- to the copy, by a person's hand

    def write(self, work: Callable[[WorkingCopy], Any]) -> Any:
        """Write to the copy now; what `work` gives, or None if it could not be, which the person is told."""
        if self.copy is None:
            return None
        try:
            given = work(self.copy)
        except PlacecardError as error:
            self.tell(error)
            return None
        self.refresh()
        return given

    def place(
        self, guid: str, geometry: QgsGeometry, crs: QgsCoordinateReferenceSystem, done: Done | None = None
    ) -> None:
        """Give a proposal this place."""
        try:
            moved = to_copy(geometry, crs, self._project.transformContext())
        except PlacecardError as error:
            self.tell(error)
            return
        if moved.ballpark:
            self._warn_of(crs)
        self._soon(guid, lambda copy: edits.place(copy, guid, moved.wkb), done)

    def set_placement(self, guid: str, placement: str, district: str | None = None, done: Done | None = None) -> None:
        """Say of a proposal that it is `citywide`, of a `district`, of no place (`none`), or `unplaced`."""
        self._soon(guid, lambda copy: edits.placement(copy, guid, placement, district), done)

    def set_fields(self, guid: str, values: Mapping[str, Value], done: Done | None = None) -> None:
        """Set properties of a proposal."""
        self._soon(guid, lambda copy: edits.set_values(copy, guid, values), done)

    def discard(self, guid: str, done: Done | None = None) -> None:
        """Take a proposal's edits back."""
        self._soon(guid, lambda copy: edits.discard(copy, guid), done)

    def separate(self, guid: str, done: Done | None = None) -> None:
        """Make the parts of a split proposals of their own."""
        self._soon(guid, lambda copy: edits.separate(copy, guid), done)

    # --- what there is

    def edits(self) -> list[LocalEdit]:
        """What was edited here."""
        return edits.local_edits(self.copy) if self.copy is not None else []

    def clashes(self) -> list[Clash]:
        """The open clashes, as of the last pull."""
        return kept_clashes(self.copy) if self.copy is not None else []

    def pushes(self) -> list[tuple[str, str, int]]:
        """Pushes made from this copy, newest first: key, when, how many changes."""
        return self.copy.pushes() if self.copy is not None else []

    def layers(self) -> dict[str, list[QgsVectorLayer]]:
        """The copy's layers in the project, by name."""
        return layers.find_layers(self._project, self.copy.path) if self.copy is not None else {}

    def district_at(self, point: QgsPointXY, crs: QgsCoordinateReferenceSystem) -> str | None:
        """The district that a point of the map lies in."""
        return self._districts.at(self.copy, point, crs, self._project.transformContext())

    def refresh(self) -> None:
        """The file has changed: layers read it anew, and whatever shows it is told."""
        if self.copy is not None:
            layers.refresh(self._project, self.copy.path)
            self._watch()
            self.counts = self.copy.counts()
        self.changed.emit()

    def settled(self) -> None:
        """Whatever wrote to the copy has come to its end."""
        self._districts.clear()
        self.refresh()

    # --- inside

    def _offered(self, service: Service) -> Capabilities:
        offered = service.capabilities()
        if not offered.accepts(self.version):
            fits = {"from_": offered.plugin_from, "below": offered.plugin_below}
            raise Outdated(reason="plugin", plugin=self.version, **fits)
        return offered

    def _sign_over(self, copy: WorkingCopy) -> None:
        address = copy.facts.address
        if address != self.address:
            raise NotACopy(path=str(copy.path), reason="other", address=address)
        copy.remember(authcfg=self.authcfg)

    def _hold(self, copy: WorkingCopy) -> None:
        facts = copy.facts
        if facts.address != self.address:
            self.me = None
        self.copy, self.address, self.authcfg = copy, facts.address, facts.authcfg
        self.capabilities = copy.capabilities
        self._keep_log(copy)
        memory.remember(self._project, copy.path, facts)
        self._crs_changed()
        self.settled()

    def _keep_log(self, copy: WorkingCopy | None) -> None:
        if self._log is not None:
            self._log.leave()
        self._log = WriteAheadLog(copy.path) if copy is not None and folders.may_log() else None

    def _free_copy(self) -> WorkingCopy | None:
        """The copy, if none of its layers is being edited: saving such a layer later would undo what came meanwhile."""
        edited = layers.being_edited(self._project, self.copy.path) if self.copy is not None else []
        if edited:
            names = ", ".join(layer.name() for layer in edited)
            self.say("session.editing", Qgis.MessageLevel.Warning, layers=names)
            return None
        return self.copy

    def _soon(self, guid: str, work: Callable[[WorkingCopy], Any], done: Done | None) -> None:
        if self.copy is not None and layers.is_unsaved(self._project, self.copy, guid):
            self.say("session.unsaved", Qgis.MessageLevel.Warning)
            return

        def act() -> None:
            given = self.write(work)
            if done is not None:
                done(given)

        self.when_free(act)

    def _add_layers(self, done: Callable[[], None]) -> None:
        copy, capabilities = self.copy, self.capabilities
        if copy is None or capabilities is None:
            return
        title = f"{capabilities.service_name} – {copy.path.stem}"
        steps = layers.add_copy(self._project, copy, title, self.words)

        def step() -> None:
            if next(steps, None) is not None:
                QTimer.singleShot(0, step)
                return
            self.refresh()
            done()

        QTimer.singleShot(0, step)

    def _cleared(self) -> None:
        self.copy, self.counts = None, NOTHING
        self._keep_log(None)
        self._watched.clear()
        self.changed.emit()

    def _learn(self) -> None:
        # Who is signed in, if it can be had without asking: where the service is out of reach, a person works offline.
        if self.me is None and signin.is_ready(self.authcfg):
            self.connect_to(self.address, self.authcfg, None, lambda _: None)

    def _watch(self) -> None:
        for layer in (each for group in self.layers().values() for each in group):
            if layer.id() not in self._watched:
                self._watched.add(layer.id())
                # After the commit and not in it: QGIS is still writing then.
                layer.afterCommitChanges.connect(lambda: QTimer.singleShot(0, self._saved))

    def _saved(self) -> None:
        self.when_free(lambda: self.write(edits.mend))

    def _crs_changed(self) -> None:
        self._warn_of(self._project.crs())

    def _warn_of(self, crs: QgsCoordinateReferenceSystem) -> None:
        name = crs.userFriendlyIdentifier()
        roughly = crs.isValid() and is_ballpark(crs, self._project.transformContext())
        if self.copy is not None and roughly and name not in self._warned:
            self._warned.add(name)
            self.say("session.ballpark", Qgis.MessageLevel.Warning, crs=name)
