"""Requests through QGIS's own network: its proxies, certificates, sign-in and time limits.

They are carried by the GUI thread, which never waits for them; a background task waits here, and a person's "stop" ends
that at once. QGIS has blocking requests of its own, which are not used: stopped at the wrong moment they wait for ever,
and made by Python they need Python's lock while they hold one of Qt's (see `let_go_quietly`).
"""

from __future__ import annotations

from functools import partial
from threading import Event, Lock
from typing import TYPE_CHECKING, Any

from qgis.core import QgsApplication, QgsFeedback, QgsNetworkAccessManager
from qgis.PyQt.QtCore import QByteArray, QCoreApplication, QEventLoop, QObject, QThread, QTimer, QUrl, pyqtSignal
from qgis.PyQt.QtNetwork import QNetworkReply, QNetworkRequest

from placecard.core.errors import Cancelled, PlacecardError, SignInNeeded, Unreachable
from placecard.core.transport import Reply
from placecard.host.signin import signer

if TYPE_CHECKING:
    from placecard.core.transport import Request

TIMEOUT = 30.0
"""Seconds without a byte after which an answer is no longer waited for."""

GLANCE = 0.05
"""Seconds between two looks whether a person has said stop."""


class Errand:
    """A request on its way; what came of it is there when `done` is set."""

    def __init__(self, request: Request, authcfg: str, timeout: float) -> None:
        self.request, self.authcfg, self.timeout = request, authcfg, timeout
        self.done = Event()
        self.dropped = False
        self.reply: Reply | None = None
        self.error: PlacecardError | None = None
        self.carried: QNetworkReply | None = None

    def end(self, came: Reply | PlacecardError) -> None:
        """Tell what came of it."""
        if isinstance(came, PlacecardError):
            self.error = came
        else:
            self.reply = came
        self.done.set()

    def result(self) -> Reply:
        """The answer, or the error raised."""
        if self.reply is None:
            raise self.error or Cancelled()
        return self.reply


class Courier(QObject):  # type: ignore[misc]  # QGIS has no types
    """Carries errands. It lives in the GUI thread; `sent` and `dropped` are emitted by any."""

    sent = pyqtSignal(object)
    dropped = pyqtSignal(object)
    ended = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.moveToThread(QCoreApplication.instance().thread())
        self.sent.connect(self.carry)
        self.dropped.connect(self.drop)
        self._held: list[Errand] = []
        signer().ended.connect(self._go_on)

    def carry(self, errand: Errand) -> None:
        """Send the request, signed. While somebody is waited for in the browser, it waits too."""
        if errand.authcfg and signer().busy:
            self._held.append(errand)
            return
        asked = _build(errand)
        if not errand.dropped and errand.authcfg and not signer().sign(asked, errand.authcfg):
            errand.end(SignInNeeded())
        if errand.dropped:
            errand.end(Cancelled())
        if errand.done.is_set():
            self.ended.emit()
            return
        self._send(errand, asked)

    def _go_on(self, authcfg: str, signed: bool) -> None:
        """Whether somebody signed in is known: what waited for it is sent, or ends like that."""
        held, self._held = self._held, []
        for errand in held:
            if signed or errand.authcfg != authcfg:
                QTimer.singleShot(0, partial(self.carry, errand))
            else:
                errand.end(SignInNeeded())

    def _send(self, errand: Errand, asked: QNetworkRequest) -> None:
        manager = QgsNetworkAccessManager.instance()
        if errand.request.method == "GET":
            carried = manager.get(asked)
        else:
            carried = manager.post(asked, QByteArray(errand.request.body or b""))
        if errand.authcfg:
            QgsApplication.authManager().updateNetworkReply(carried, errand.authcfg)
        errand.carried = carried
        carried.finished.connect(partial(self._arrive, errand))

    def drop(self, errand: Errand) -> None:
        """Nobody waits for this one any more."""
        errand.dropped = True
        if errand.carried is not None:
            errand.carried.abort()

    def _arrive(self, errand: Errand) -> None:
        carried, errand.carried = errand.carried, None
        if carried is not None:
            errand.end(_read(carried))
            carried.deleteLater()
            self.ended.emit()


class QgisTransport:
    """Sends requests signed in by a configuration of QGIS's store (`authcfg`; empty for none).

    It waits for the answer: in a background task; in the GUI thread, where algorithms are run from scripts, it lets
    QGIS go on. Cancelling `feedback` ends the waiting at once.
    """

    def __init__(self, authcfg: str = "", feedback: QgsFeedback | None = None, timeout: float = TIMEOUT) -> None:
        self._authcfg = authcfg
        self._feedback = feedback
        self._timeout = timeout

    def send(self, request: Request) -> Reply:
        """The answer, whatever its status; never from the disk cache, which does not know who asks.

        Raises Unreachable, Cancelled, and SignInNeeded where QGIS could not sign the request.
        """
        if self._stopped():
            raise Cancelled
        errand = Errand(request, self._authcfg, self._timeout)
        if QThread.currentThread() == QCoreApplication.instance().thread():
            self._wait_in_loop(errand)
        else:
            self._wait(errand)
        return errand.result()

    def _wait(self, errand: Errand) -> None:
        carrier = courier()
        carrier.sent.emit(errand)
        while not errand.done.wait(GLANCE):
            if self._stopped():
                carrier.dropped.emit(errand)
                raise Cancelled

    def _wait_in_loop(self, errand: Errand) -> None:
        if errand.authcfg and signer().busy:
            raise SignInNeeded  # who waits for the browser waits until this is over
        carrier, loop, glance = courier(), QEventLoop(), QTimer()
        glance.timeout.connect(loop.quit)
        glance.start(int(GLANCE * 1000))
        carrier.ended.connect(loop.quit)
        carrier.carry(errand)
        while not errand.done.is_set():
            loop.exec()
            if self._stopped() and not errand.dropped:
                carrier.drop(errand)
        carrier.ended.disconnect(loop.quit)
        if self._stopped():
            raise Cancelled

    def _stopped(self) -> bool:
        return self._feedback is not None and bool(self._feedback.isCanceled())


_making = Lock()
_made: list[Courier] = []


def courier() -> Courier:
    """The one that carries all errands."""
    with _making:
        if not _made:
            _made.append(Courier())
        return _made[0]


def let_go_quietly(signal: Any) -> None:
    """Let Qt disconnect from an object that Python made without waiting for Python.

    Qt tells a sender that a receiver is gone while it holds a lock that unrelated objects share. The first time, PyQt
    then waits for Python's own lock, to see whether anybody has written another `disconnectNotify`. If a thread that
    has that one waits for Qt's, QGIS stands still for ever. So it sees here, where no lock is held; it remembers.
    """
    signal.connect(_nothing)
    signal.disconnect(_nothing)


def _nothing(*_: object) -> None:
    """For a signal that nobody listens to."""


def _build(errand: Errand) -> QNetworkRequest:
    asked = QNetworkRequest(QUrl(errand.request.url))
    asked.setTransferTimeout(int(errand.timeout * 1000))
    network = QNetworkRequest.CacheLoadControl.AlwaysNetwork
    asked.setAttribute(QNetworkRequest.Attribute.CacheLoadControlAttribute, network)
    asked.setAttribute(QNetworkRequest.Attribute.CacheSaveControlAttribute, False)
    for name, value in errand.request.headers.items():
        asked.setRawHeader(name.encode("latin-1"), value.encode("latin-1"))
    return asked


def _read(carried: QNetworkReply) -> Reply | PlacecardError:
    status = carried.attribute(QNetworkRequest.Attribute.HttpStatusCodeAttribute)
    if status is None or _was_cut(carried):
        return Unreachable(detail=carried.errorString())
    headers = {_text(name).lower(): _text(carried.rawHeader(name)) for name in carried.rawHeaderList()}
    return Reply(int(status), headers, bytes(carried.readAll()))


def _was_cut(carried: Any) -> bool:
    """Whether the answer was left in its middle. PyQt 5's type stubs know only the signal of this name."""
    return bool(carried.error() == QNetworkReply.NetworkError.OperationCanceledError)


def _text(raw: QByteArray) -> str:
    return bytes(raw).decode("latin-1")
