"""What is being done in the background for a session: signed in first, one thing that writes to the copy at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

from qgis.core import Qgis
from qgis.PyQt.QtCore import QObject, pyqtSignal

from placecard.core.errors import Cancelled, PlacecardError
from placecard.core.service import Service
from placecard.host import signin
from placecard.host.network import QgisTransport
from placecard.host.tasks import Background, Progress, Stop, known, run_in_background

if TYPE_CHECKING:
    from placecard.core.words import Words

Done = Callable[[Any], None]
Failed = Callable[[PlacecardError], None]


class Works(QObject):  # type: ignore[misc]  # QGIS has no types
    """Starts works, and tells of them.

    `busy`: what writes to the copy now, "" when nothing does; `progressed`: what it does, and how far it is (0..1);
    `browsing`: whether a person is waited for in the browser, to sign in, which `cancel` ends too; `told`: a text for
    the message bar with its `Qgis.MessageLevel`; `failed`: what writes to the copy came to no end.
    """

    busy = pyqtSignal(str)
    progressed = pyqtSignal(str, float)
    browsing = pyqtSignal(bool)
    told = pyqtSignal(str, int)
    failed = pyqtSignal(object)

    def __init__(self, words: Words) -> None:
        super().__init__()
        self.words = words
        self.address = self.authcfg = self.busy_with = ""
        self._task: Background | None = None
        signin.signer().browsing.connect(self._browse)
        self._waiting: list[Callable[[], Any]] = []

    @property
    def language(self) -> str:
        """`ru` or `en`."""
        return str(self.words.language)

    def ask(self, title: str, work: Callable[[Service], Any], done: Done, failed: Failed | None = None) -> None:
        """Any question to the service, beside whatever is being done."""
        self.ask_of(self.address, self.authcfg)(title, work, done, failed)

    def ask_of(self, address: str, authcfg: str) -> Callable[..., None]:
        """`ask` of another service than the one a person works with, or with another sign-in."""

        def ask(title: str, work: Callable[[Service], Any], done: Done, failed: Failed | None = None) -> None:
            refuse = failed or self.tell
            if self._sign(address, authcfg, refuse):
                run_in_background(
                    title,
                    lambda _, stop: work(self.service(stop, address, authcfg)),
                    done,
                    lambda error: refuse(known(error)),
                )

        return ask

    def service(self, stop: Stop, address: str | None = None, authcfg: str | None = None) -> Service:
        """The service, for a thread that may wait; the one a person works with if not said otherwise."""
        transport = QgisTransport(self.authcfg if authcfg is None else authcfg, stop.feedback)
        return Service(transport, address or self.address, self.language)

    def run(self, key: str, work: Callable[[Progress, Stop], Any], done: Done) -> bool:
        """Do what writes to the copy, titled by the text of a key, unless something else does.

        Whether it has begun; if not, a person was told why.
        """
        title = self.words.say(key)
        under_way = self.busy_with or (self.words.say("session.browsing") if signin.signer().busy else "")
        if under_way:
            self.say("session.busy", Qgis.MessageLevel.Info, what=under_way)
            return False
        if not self._sign(self.address, self.authcfg, self.fail):
            return False

        def ended(error: Exception) -> None:
            self._end()
            self.fail(known(error))

        def finished(result: Any) -> None:
            self._end()
            done(result)

        self.busy_with = title
        self.busy.emit(title)
        self._task = run_in_background(title, work, finished, ended)
        self._task.moved.connect(lambda share, text: self.progressed.emit(self.words.say(text), share))
        return True

    def cancel(self) -> None:
        """Stop what is being done; nothing is lost by it."""
        signin.give_up()
        if self._task is not None:
            self._task.cancel()

    def when_free(self, act: Callable[[], Any]) -> None:
        """Do something short to the copy: now, or as soon as nothing else writes to it."""
        if self.busy_with:
            self._waiting.append(act)
        else:
            act()

    def settled(self) -> None:
        """What wrote to the copy has come to its end. For whoever shows the copy."""

    def say(self, key: str, level: Qgis.MessageLevel, **data: Any) -> None:
        """Tell a person."""
        self.told.emit(self.words.say(key, **data), int(level))

    def tell(self, error: PlacecardError) -> None:
        """Tell a person what went wrong."""
        level = Qgis.MessageLevel.Info if isinstance(error, Cancelled) else Qgis.MessageLevel.Warning
        self.say(error.key, level, **error.data)

    def fail(self, error: PlacecardError) -> None:
        """What a person wanted came to no end."""
        self.tell(error)
        self.failed.emit(error)

    def _end(self) -> None:
        self._task, self.busy_with = None, ""
        self.settled()
        self.busy.emit("")
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each()

    def _sign(self, address: str, authcfg: str, refuse: Failed) -> bool:
        """Have the sign-in ready before a thread wants it: only here may QGIS ask for its password or the browser."""
        try:
            signin.ask_first(authcfg, address)
        except PlacecardError as error:
            refuse(error)
            return False
        return True

    def _browse(self, on: bool) -> None:
        self.browsing.emit(on)
        if on:
            self.say("session.browser", Qgis.MessageLevel.Info)
