"""Puts together what signs people in by the identity provider. It needs what the extra `sso` brings along."""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import TYPE_CHECKING

from sync_service.access.assertions import IdTokens, LogoutTokens
from sync_service.access.issuer import QGIS_CLIENT
from sync_service.access.renewing import Renewing
from sync_service.access.sealing import Seal
from sync_service.access.sessions import Kind, Sessions
from sync_service.access.signon import Checks, Signon

if TYPE_CHECKING:
    from pydantic import SecretStr

    from sync_service.access.provider import OidcClient
    from sync_service.access.tokens import TokenVerifier
    from sync_service.store.database import Database


class Enlisting:
    """Signs people in at `provider`; `key` is the one that signs cookies."""

    def __init__(self, database: Database, provider: OidcClient, verifier: TokenVerifier, key: SecretStr) -> None:
        self._database = database
        self._provider = provider
        self._verifier = verifier
        self._key = key

    def __call__(self, token_mark: str) -> tuple[Sessions, Signon]:
        """The sessions of this store, and what begins some of them; `token_mark` is of those begun with the token."""
        opener, client = self._verifier.opener, self._provider.client
        ids, held = IdTokens(opener, client), Seal(self._key, "session")
        renewal = Renewing(self._database, self._provider, verify=self._verifier.verify, ids=ids, seal=held)
        marks = {Kind.TOKEN: token_mark, Kind.ISSUER: self._mark()}
        sessions = Sessions(self._database, marks, renewal)
        checks = Checks(self._verifier.verify, ids, LogoutTokens(opener, {client, QGIS_CLIENT}))
        seals = (Seal(self._key, "attempt"), held)
        return sessions, Signon(self._database, self._provider, checks, sessions=sessions, seals=seals)

    def _mark(self) -> str:
        """Another issuer, client or key makes every session begun with this one void."""
        told = f"{self._provider.issuer.address} {self._provider.client}".encode()
        return hmac.new(self._key.get_secret_value().encode(), told, sha256).hexdigest()
