"""Signing in by QGIS's own encrypted store: the plugin keeps no token, and sees none once it is stored."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from qgis.core import Qgis, QgsApplication, QgsAuthMethodConfig, QgsNetworkAccessManager
from qgis.PyQt.QtCore import QObject, QTimer, QUrl, pyqtSignal
from qgis.PyQt.QtNetwork import QNetworkRequest

from placecard.core.errors import SignInNeeded

if TYPE_CHECKING:
    from collections.abc import Mapping

GRANT_FLOWS = ((0, 3),)
"""From which version of QGIS (as `versionInt` has it) which number stands for the code flow with PKCE in a stored
configuration. It has no name outside QGIS. 3.40 and 3.44 were tried with a real log-in, which is also the test that
tells when a release counts anew; of 4 it is not known yet."""

PORT = 7070
"""Where QGIS waits for the browser to come back; the identity provider allows http://127.0.0.1:7070/ and localhost."""
PATIENCE = 30
"""Seconds; QGIS waits five times as long for the browser (2.5 minutes), and for a provider that does not answer."""
BROWSER_AFTER = 800
"""Milliseconds of signing a request after which it must be the browser that is waited for."""
OAUTH2, HEADER = "OAuth2", "APIHeader"


class Signer(QObject):  # type: ignore[misc]  # QGIS has no types
    """Signs requests, in the GUI thread. That may wait for a person and the browser, and QGIS goes on meanwhile.

    It does not survive a second wait inside the first, so nothing else may be signed while it is `busy`. `browsing`
    tells whether the browser is waited for, `ended` whether a request was signed, by the id of its configuration.
    """

    browsing = pyqtSignal(bool)
    ended = pyqtSignal(str, bool)

    def __init__(self) -> None:
        super().__init__()
        self.busy = False

    def sign(self, request: QNetworkRequest, authcfg: str) -> bool:
        """Whether it could be signed."""
        waits = QTimer()
        waits.setSingleShot(True)
        waits.timeout.connect(lambda: self.browsing.emit(True))
        waits.start(BROWSER_AFTER)
        self.busy, signed = True, False
        try:
            signed = bool(QgsApplication.authManager().updateNetworkRequest(request, authcfg)[0])
        finally:
            self.busy = False
            if not waits.isActive():  # so it was told
                self.browsing.emit(False)
            waits.stop()
            self.ended.emit(authcfg, signed)
        return signed


_made: list[Signer] = []


def signer() -> Signer:
    """The one that signs everything. For the GUI thread."""
    if not _made:
        _made.append(Signer())
    return _made[0]


def keep_token(address: str, token: str) -> str:
    """Keep a service's token; the id of its configuration. SignInNeeded if QGIS's store stays locked."""
    config = _config(HEADER, address)
    config.setConfig("Authorization", f"Bearer {token.strip()}")
    return _store(config)


def keep_oidc(address: str, oidc: Mapping[str, Any]) -> str:
    """Keep how to sign in with the service's identity provider, as its capabilities tell; the configuration's id.

    Nobody is signed in by that: `ask_first` does it.
    """
    config = _config(OAUTH2, address)
    config.setConfig("oauth2config", json.dumps(oauth2_config(oidc, config.name(), Qgis.versionInt())))
    return _store(config)


def oauth2_config(oidc: Mapping[str, Any], name: str, version: int) -> dict[str, Any]:
    """The configuration of QGIS's OAuth2 method, in its own words. A public client: there is no secret."""
    return {
        "name": name,
        "version": 1,
        "configType": 1,
        "grantFlow": [number for since, number in GRANT_FLOWS if since <= version][-1],
        "requestUrl": oidc["authorization"],
        "tokenUrl": oidc["token"],
        "refreshTokenUrl": oidc["token"],
        "redirectHost": "127.0.0.1",
        "redirectPort": PORT,
        "clientId": oidc["client_id"],
        "scope": oidc["scope"],
        "accessMethod": 0,
        "persistToken": True,
        "requestTimeout": PATIENCE,
    }


def ask_first(authcfg: str, address: str) -> None:
    """Have a token before anything else wants one; the browser opens where a person must sign in.

    For the GUI thread: asked for by a layer or a task first, it can bring QGIS to a standstill. The window is drawn
    meanwhile. Raises SignInNeeded, also where somebody is being waited for already: one browser is enough.
    """
    if not authcfg:
        return
    request = QNetworkRequest(QUrl(address))
    if signer().busy or not signer().sign(request, authcfg) or not request.hasRawHeader(b"Authorization"):
        raise SignInNeeded


def is_ready(authcfg: str) -> bool:
    """Whether a sign-in can be used without asking a person for anything: the store is open, and has it."""
    manager = QgsApplication.authManager()
    if not authcfg:
        return True
    return bool(manager.masterPasswordIsSet()) and authcfg in manager.configIds()


def give_up() -> None:
    """Wait for the browser no longer."""
    QgsNetworkAccessManager.instance().abortAuthBrowser()


def forget(authcfg: str) -> None:
    """Drop a configuration, and the tokens with it."""
    manager = QgsApplication.authManager()
    manager.clearCachedConfig(authcfg)
    manager.removeAuthenticationConfig(authcfg)


def renew(authcfg: str) -> None:
    """Forget the tokens of a session that is over, so that the next question signs in anew."""
    QgsApplication.authManager().clearCachedConfig(authcfg)


def _config(method: str, address: str) -> QgsAuthMethodConfig:
    config = QgsAuthMethodConfig(method)
    config.setName(f"Placecard {urlsplit(address).netloc}")
    config.setUri(address)
    return config


def _store(config: QgsAuthMethodConfig) -> str:
    manager = QgsApplication.authManager()
    if manager.isDisabled() or not manager.setMasterPassword(True):
        raise SignInNeeded(reason="store")
    stored = manager.storeAuthenticationConfig(config)
    if not (stored[0] if isinstance(stored, tuple) else stored):
        raise SignInNeeded(reason="store")
    return str(config.id())
