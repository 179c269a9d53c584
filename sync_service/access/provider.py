"""What the service asks of the identity provider in a person's name: tokens for a code, and fresh ones for old ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.integrations.requests_client.oauth2_session import OAuth2ClientAuth
from authlib.oauth2.client import OAuth2Client

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import SecretStr

    from sync_service.access.issuer import Endpoints, Issuer

SCOPE = "openid"
_TIMEOUT = (1.0, 4.0)
"""For the connection and for the answer, in seconds: a person waits."""
_ITS_FAULT = frozenset({"server_error", "temporarily_unavailable"})


class AwayError(Exception):
    """The provider gave no answer that could be used."""


class RefusedError(Exception):
    """The provider says no; `error` is its word for why (RFC 6749)."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the provider gives: for our API, to have it renewed, and about who it is. The last two may be missing."""

    access: str = field(repr=False)
    refresh: str = field(default="", repr=False)
    identity: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to sign in: what binds question, answer and browser together, and where its person wants to go."""

    state: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    back: str


class _Client(OAuth2Client):  # type: ignore[misc] # Authlib has no types
    """Authlib's client over a session of ours, which knows proxies, certificates and time limits."""

    client_auth_class = OAuth2ClientAuth
    oauth_error_class = OAuthError
    SESSION_REQUEST_PARAMS = OAuth2Session.SESSION_REQUEST_PARAMS


class OidcClient:
    """This service as a client of the provider. `home` is our own address; people come back below it."""

    def __init__(
        self, issuer: Issuer, session: requests.Session, *, client: str, secret: SecretStr | None, home: str
    ) -> None:
        self.issuer = issuer
        self.client = client
        self.home = home
        self.way_back = f"{home}/signin/back"
        self._session = session
        self._secret = secret

    def question(self, attempt: Attempt, language: str, **further: str) -> str:
        """The address at which a person signs in. AwayError while the provider is not known."""
        address, _ = self._ask().create_authorization_url(
            self._endpoints().authorization,
            state=attempt.state,
            code_verifier=attempt.verifier,
            nonce=attempt.nonce,
            ui_locales=language,
            **further,
        )
        return str(address)

    def where_it_leads(self, question: str) -> str | None:
        """Where a browser is sent that comes with this question and nothing else; None if it is shown a page."""
        try:
            answer = self._session.get(question, timeout=_TIMEOUT, allow_redirects=False)
        except requests.RequestException:
            raise AwayError from None
        return answer.headers.get("Location")

    def exchange(self, code: str, verifier: str) -> Tokens:
        """Tokens for a code. RefusedError if it is not taken, AwayError if nobody says so."""
        return self._fetch("fetch_token", grant_type="authorization_code", code=code, code_verifier=verifier)

    def refresh(self, token: str) -> Tokens:
        """Fresh tokens. RefusedError if there are none any more, AwayError if nobody says so."""
        return self._fetch("refresh_token", refresh_token=token)

    def farewell(self, identity: str) -> str | None:
        """Where a person's browser ends the provider's own session; None while that is not known."""
        kept = self.issuer.endpoints()
        if kept is None or not kept.farewell:
            return None
        asked = {"client_id": self.client, "post_logout_redirect_uri": f"{self.home}/"}
        query = urlencode(asked | ({"id_token_hint": identity} if identity else {}))
        return f"{kept.farewell}{'&' if '?' in kept.farewell else '?'}{query}"

    def _ask(self) -> Any:
        return _Client(
            self._session,
            client_id=self.client,
            client_secret=self._secret.get_secret_value() if self._secret else None,
            redirect_uri=self.way_back,
            scope=SCOPE,
            code_challenge_method="S256",
        )

    def _endpoints(self) -> Endpoints:
        kept = self.issuer.endpoints()
        if kept is None:
            raise AwayError
        return kept

    def _fetch(self, way: str, **what: str) -> Tokens:
        ask = getattr(self._ask(), way)
        try:
            given = ask(self._endpoints().token, timeout=_TIMEOUT, allow_redirects=False, **what)
        except OAuthError as error:
            if error.error in _ITS_FAULT:
                raise AwayError from None
            raise RefusedError(str(error.error)) from None
        except (requests.RequestException, ValueError):
            raise AwayError from None
        return _read(given)


def _read(given: Mapping[str, Any]) -> Tokens:
    texts = [given.get(name) or "" for name in ("access_token", "refresh_token", "id_token")]
    if not all(isinstance(each, str) for each in texts) or not texts[0]:
        raise AwayError
    return Tokens(*texts)
