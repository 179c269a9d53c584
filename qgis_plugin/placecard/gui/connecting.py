"""Connecting: the service's address and nothing else, then signing in, then where the working copy goes."""

from __future__ import annotations

from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qgis.gui import QgsFileWidget, QgsPasswordLineEdit
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QGroupBox,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from placecard.core.copyfile.copy import WorkingCopy
from placecard.core.errors import NetworkFolder, PlacecardError, SignInNeeded
from placecard.gui import preferences
from placecard.gui.addresses import complete, file_name
from placecard.gui.icons import icon
from placecard.gui.lateness import while_there
from placecard.gui.telling import person
from placecard.host import folders, signin

if TYPE_CHECKING:
    from collections.abc import Callable

    from placecard.core.wire import Capabilities
    from placecard.host.session import Session

WIDTH = 460
PREFERRED = ("oidc", "token", "local")


class ConnectDialog(QDialog):
    """Three steps in one window; each opens the next. It does not stand in the way of QGIS."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._capabilities: Capabilities | None = None
        self._offered = ""
        self._signing = self._getting = self._leaving = False
        words = session.words
        self.setWindowTitle(words.say("connect.title"))
        self.setWindowIcon(icon("placecard"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(WIDTH)
        self.address = QLineEdit(session.address)
        self.address.setPlaceholderText("https://")
        self.address.textChanged.connect(lambda _: self._back_to_address())
        self.service = QLabel()
        self.service.setWordWrap(True)
        self.ways: dict[str, QRadioButton] = {}
        self.token = QgsPasswordLineEdit()
        self.token.setPlaceholderText(words.say("connect.token"))
        self.token.textChanged.connect(lambda _: self._allow())
        self.path = QgsFileWidget()
        self.path.setStorageMode(QgsFileWidget.StorageMode.SaveFile)
        self.path.setFilter("GeoPackage (*.gpkg)")
        self.path.setConfirmOverwrite(False)
        self.trouble = QLabel()
        self.trouble.setWordWrap(True)
        self.progress = QProgressBar()
        self.progress.setRange(0, 1000)
        self.next = QPushButton()
        self.next.clicked.connect(lambda _=False: self._go())
        self._build()
        self._step = 0
        self._enter(0)

    def _build(self) -> None:
        words = self._session.words
        self.signing = QGroupBox(words.say("connect.sign_in"))
        inside = QVBoxLayout(self.signing)
        for way in PREFERRED:
            self.ways[way] = QRadioButton(words.say(f"connect.way.{way}"))
            self.ways[way].toggled.connect(lambda _: self._allow())
            inside.addWidget(self.ways[way])
            if way == "token":
                inside.addWidget(self.token)
        self.keeping = QGroupBox(words.say("connect.copy"))
        kept = QVBoxLayout(self.keeping)
        explained = QLabel(words.say("connect.copy.why"))
        explained.setWordWrap(True)
        kept.addWidget(explained)
        kept.addWidget(self.path)
        buttons = QDialogButtonBox()
        buttons.addButton(self.next, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.addButton(words.say("connect.close"), QDialogButtonBox.ButtonRole.RejectRole)
        buttons.rejected.connect(self.reject)
        box = QVBoxLayout(self)
        box.addWidget(QLabel(words.say("connect.address")))
        box.addWidget(self.address)
        for each in (self.service, self.signing, self.keeping, self.trouble, self.progress):
            box.addWidget(each)
        box.addStretch(1)
        box.addWidget(buttons)
        self.next.setDefault(True)  # of this window: so not before it is in it
        self._session.progressed.connect(self._progressed)
        self._session.pulled.connect(self._pulled)
        self._session.failed.connect(self._not_got)
        self._session.browsing.connect(self._browsing)

    # --- the steps

    def _enter(self, step: int) -> None:
        self._step = step
        words = self._session.words
        self.service.setVisible(step > 0)
        self.signing.setVisible(step == 1)
        self.keeping.setVisible(step == 2)
        self.progress.hide()
        self.trouble.clear()
        self.trouble.hide()
        self.next.setText(words.say(("connect.find", "connect.enter", "connect.get")[step]))
        self._allow()
        self._focus()
        self.adjustSize()

    def _focus(self) -> None:
        signing = self.token if self.ways["token"].isChecked() else self.next
        (self.address, signing, self.next)[self._step].setFocus()

    def _back_to_address(self) -> None:
        if self._step:
            self._enter(0)
        self._allow()

    def _allow(self) -> None:
        ready = (bool(self.address.text().strip()), self._signing_ready(), bool(self.path.filePath()))
        self.next.setEnabled(ready[self._step])
        self.token.setEnabled(self.ways["token"].isChecked())

    def _signing_ready(self) -> bool:
        if self.ways["token"].isChecked():
            return bool(self.token.text().strip())
        return any(way.isChecked() for way in self.ways.values())

    def _go(self) -> None:
        self.setFocus()  # of a button that cannot be used, it would go to the next one, and Enter would close
        self.next.setEnabled(False)
        self.trouble.hide()
        (self._find, self._sign_in, self._get)[self._step]()

    def _find(self) -> None:
        address = complete(self.address.text())
        if address != self.address.text():
            self.address.setText(address)
            self.next.setEnabled(False)
        self._session.probe(address, while_there(self, self._found), while_there(self, self._failed))

    def _found(self, capabilities: Capabilities) -> None:
        self._capabilities = capabilities
        words = self._session.words
        name, version = capabilities.service_name, capabilities.service_version
        self.service.setText(words.say("connect.service", name=name, version=version))
        offered = [way for way in PREFERRED if way in capabilities.sign_in]
        for way, button in self.ways.items():
            button.setVisible(way in offered)
        self.token.setVisible("token" in offered)
        if offered:
            self.ways[offered[0]].setChecked(True)
        self._enter(1)
        if offered == ["local"]:
            self._go()

    def _sign_in(self) -> None:
        address = complete(self.address.text())
        try:
            authcfg = self._authcfg(address)
        except PlacecardError as error:
            self._failed(error)
            return
        entered, refused = while_there(self, self._entered), while_there(self, partial(self._refused, authcfg))
        # The first token is asked for in here, on the GUI thread, before anything in the background wants it.
        self._signed(lambda: self._session.connect_to(address, authcfg, entered, refused))

    def _signed(self, act: Callable[[], Any]) -> Any:
        """Do what may wait for the browser before it comes back: until then the window must stay."""
        self._signing = True
        given = act()
        self._signing = False
        if self._leaving:
            self.reject()
        return given

    def _authcfg(self, address: str) -> str:
        if self.ways["token"].isChecked():
            return str(signin.keep_token(address, self.token.text().strip()))
        if self.ways["oidc"].isChecked() and self._capabilities is not None and self._capabilities.oidc is not None:
            return str(signin.keep_oidc(address, self._capabilities.oidc))
        return ""

    def _refused(self, authcfg: str, error: PlacecardError) -> None:
        """QGIS keeps no sign-in that came to nothing: each try makes another."""
        if authcfg:
            signin.forget(authcfg)
        self._failed(error)

    def _browsing(self, on: bool) -> None:
        if on and self._signing:
            self._tell(self._session.words.say("session.browser"))

    def _entered(self, me: Any) -> None:
        words, capabilities = self._session.words, self._capabilities
        name = capabilities.service_name if capabilities is not None else ""
        self.service.setText(words.say("connect.as", name=name, who=person(words, me["name"])))
        if self.path.filePath() in ("", self._offered):
            self._offered = str(free_path(self._session.address, name))
            self.path.setFilePath(self._offered)
        self._enter(2)

    def _path(self) -> Path:
        return Path(self.path.filePath()).with_suffix(".gpkg")

    def _get(self) -> None:
        path = self._path()
        if folders.is_network(path):
            self._failed(NetworkFolder(path=str(path)))
        elif path.exists():
            self._session.open_copy(path, entered=True)
            if self._session.copy is not None and self._session.copy.path == path:
                self._done()
        else:
            self.progress.setValue(0)
            self.progress.show()
            self._getting = self._signed(lambda: self._session.create_copy(path))
            if not self._getting:
                self.progress.hide()
                self._allow()

    def _progressed(self, _: str, share: float) -> None:
        self.progress.setValue(int(share * 1000))

    def _pulled(self, _: Any) -> None:
        if self._step == 2:
            self._done()

    def _not_got(self, error: PlacecardError) -> None:
        if self._step == 2:
            self._failed(error)

    def _done(self) -> None:
        capabilities = self._capabilities
        name = capabilities.service_name if capabilities is not None else self._session.address
        preferences.remember(preferences.Known(str(self._path()), self._session.address, name))
        self._getting = False
        self.accept()

    def _failed(self, error: PlacecardError) -> None:
        words = self._session.words
        told = words.say(error.key, **error.data)
        if isinstance(error, NetworkFolder):
            self.path.setFilePath(str(free_path(self._session.address, self._path().stem)))
            told = words.say("connect.local_instead", why=told)
        elif isinstance(error, SignInNeeded) and self._step == 1 and self.ways["token"].isChecked():
            told = words.say("error.sign_in.store" if "reason" in error.data else "connect.wrong_token")
        self._getting = False
        self.progress.hide()
        self._tell(told, "#b3372b")
        self._allow()
        self._focus()

    def _tell(self, text: str, colour: str = "") -> None:
        self.trouble.setStyleSheet(f"color: {colour}" if colour else "")
        self.trouble.setText(text)
        self.trouble.show()
        self.adjustSize()

    def reject(self) -> None:
        """Close; what this window waits for is waited for no longer."""
        if self._signing or self._getting:
            self._session.cancel()
        if self._signing:
            self._leaving = True  # once the browser is given up: QGIS waits for it inside a call from here
        else:
            super().reject()


def free_path(address: str, name: str) -> Path:
    """Where a copy of the service at this address goes on this machine: into the file that is one, or a free name."""
    numbered = (file_name(name if number == 1 else f"{name} {number}") for number in count(1))
    paths = (folders.local_folder() / each for each in numbered)
    return next(path for path in paths if not path.exists() or _is_of(path, address))


def _is_of(path: Path, address: str) -> bool:
    try:
        return WorkingCopy.open(path).facts.address == address
    except PlacecardError:
        return False
