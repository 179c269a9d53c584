"""What QGIS does for a working copy, and for a live layer of the same service, and how long it takes.

Run by the system's Python, which has QGIS, with the plugin's folder on its path. It reads a question a line,
`{"do", …}`: `sign_in` (`token`), once, first; `read`, all features of the layer `source`, opened anew by `provider`;
`pull` at `address` into the working copy `path`, made if it is not there; `edit`, place and year of the first `count`
points of the copy, in one edit session that is saved; `push` what was edited; `sit` before all of that, as a person
who watches the windows. The answer, a line beginning `ANSWER`, is a list: seconds, and how many features, changes or
results; of `sit`, the microseconds of the longest pause in which nothing could be clicked.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qgis.core import (
    QgsApplication,
    QgsAuthMethodConfig,
    QgsDataSourceUri,
    QgsGeometry,
    QgsPointXY,
    QgsProject,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QEventLoop, Qt, QTimer

from placecard.core.copyfile.copy import WorkingCopy
from placecard.core.pulling import pull
from placecard.core.pushing import push
from placecard.core.service import Service
from placecard.core.words import Words
from placecard.host.network import QgisTransport
from placecard.host.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable

Question = dict[str, Any]
SIGNED: dict[str, str] = {}
"""The configuration of QGIS's store under which questions are asked."""


def sign_in(question: Question) -> int:
    """Keep the token in QGIS's own encrypted store, as a person does."""
    manager = QgsApplication.authManager()
    manager.setMasterPassword("of this benchmark", True)
    config = QgsAuthMethodConfig("APIHeader")
    config.setName("token")
    config.setConfig("Authorization", f"Bearer {question['token']}")
    assert manager.storeAuthenticationConfig(config)[0]
    SIGNED["id"] = config.id()
    return 1


def read(question: Question) -> int:
    """All features of a layer that nothing is known of yet."""
    layer = QgsVectorLayer(_source(question), "layer", question["provider"])
    assert layer.isValid(), layer.error().message()
    return sum(feature.hasGeometry() for feature in layer.getFeatures())


def _source(question: Question) -> str:
    if question["provider"] != "OAPIF":
        return str(question["source"])
    uri = QgsDataSourceUri()
    uri.setParam("url", question["source"])
    uri.setParam("typename", question["collection"])
    uri.setAuthConfigId(SIGNED["id"])
    return str(uri.uri(False))


def pull_copy(question: Question) -> int:
    """Pull, as the plugin does behind its windows."""
    service, path = _service(question), Path(question["path"])
    known = path.exists()
    copy = WorkingCopy.open(path) if known else WorkingCopy.create(path, service.capabilities(), service.address, "ru")
    return pull(service, copy, lambda _done, _key: None, lambda: False).taken


def _service(question: Question) -> Service:
    return Service(QgisTransport(SIGNED["id"]), question["address"])


def edit(question: Question) -> int:
    """Move the first features and set their year, as an edit session of a person's is saved."""
    layer = QgsVectorLayer(f"{question['path']}|layername=placecard_points", "points", "ogr")
    assert layer.startEditing()
    horizon = layer.fields().indexOf("horizon")
    features = sorted(layer.getFeatures(), key=lambda feature: feature.id())[: question["count"]]
    for feature in features:
        point = feature.geometry().asMultiPoint()[0]
        moved = QgsGeometry.fromMultiPointXY([QgsPointXY(point.x() + 0.001, point.y() + 0.001)])
        assert layer.changeGeometry(feature.id(), moved)
        assert layer.changeAttributeValue(feature.id(), horizon, question["year"])
    assert layer.commitChanges(), layer.commitErrors()
    return len(features)


def push_copy(question: Question) -> int:
    """Push, as the plugin does behind its windows."""
    copy = WorkingCopy.open(Path(question["path"]))
    pushed = push(_service(question), copy, lambda _done, _key: None, lambda: False)
    assert {result.status for result in pushed.results} == {"applied"}, pushed.results[:3]
    return len(pushed.results)


class Heart:
    """Beats in the GUI thread; `pause` is the longest between two beats, in seconds, beyond what is between them."""

    EVERY = 5  # milliseconds

    def __init__(self) -> None:
        self.pause = 0.0
        self.rest()
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._beat)
        self._timer.start(self.EVERY)

    def rest(self) -> None:
        """Begin anew: what was done since the last beat is no pause."""
        self._last = time.perf_counter()

    def _beat(self) -> None:
        now = time.perf_counter()
        self.pause, self._last = max(self.pause, now - self._last - self.EVERY / 1000), now


def sit(question: Question) -> int:
    """Make a copy with its layers, follow, push: in the background, before somebody who watches the windows."""
    session = Session(None, Words("ru"), _service(question).capabilities().plugin_from)
    heart = Heart()
    _until(session, session.changed, lambda: session.connect_to(question["address"], SIGNED["id"]))
    _until(session, session.pulled, lambda: session.create_copy(question["path"]))
    _until(session, session.pulled, session.pull)
    edit(question)  # saved by QGIS itself, in its own way
    heart.rest()
    _until(session, session.checked, session.check)
    _until(session, session.pulled, session.push)
    QgsProject.instance().clear()
    session.leave()
    return round(heart.pause * 1e6)


def _until(session: Session, signal: Any, act: Callable[[], Any]) -> None:
    """Act in the event loop, until the session tells what came of it."""
    loop, failures = QEventLoop(), []

    def end(*_: object) -> None:
        loop.quit()

    def fail(error: object) -> None:
        failures.append(error)
        loop.quit()

    signal.connect(end)
    session.failed.connect(fail)
    QTimer.singleShot(0, act)
    loop.exec()
    signal.disconnect(end)
    session.failed.disconnect(fail)
    assert failures == []


DOES: dict[str, Callable[[Question], int]] = {
    "sign_in": sign_in,
    "read": read,
    "pull": pull_copy,
    "edit": edit,
    "push": push_copy,
    "sit": sit,
}


def main() -> None:
    """Answer every question."""
    application = QgsApplication([], True)
    application.initQgis()
    for line in sys.stdin:
        question = json.loads(line)
        started = time.perf_counter()
        count = DOES[question["do"]](question)
        sys.stdout.write(f"ANSWER {json.dumps([time.perf_counter() - started, count])}\n")
        sys.stdout.flush()
    application.exitQgis()


if __name__ == "__main__":
    main()
