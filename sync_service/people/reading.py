"""Reads people, their roles and organisations from Keycloak, as its service account may.

It is given no more than `view-users` and `query-groups`, and with these a person's roles can be asked for one by one
only. Who may list the holders of a role may list clients, and is shown the secret of each. Whatever does not answer as
it should ends the reading: half a directory would be believed.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import requests

from sync_service.access.table import GIVEN, Role
from sync_service.errors import Unavailable
from sync_service.people.directory import Directory, Person

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pydantic import SecretStr

    from sync_service.access.issuer import Issuer

PARTNERS = "partners"
"""The group below which each group is an organisation."""
PAGE = 1000
"""Rows in one answer. Between two pages somebody may come or go: the fewer the better."""
MOST_PAGES = 100
AT_ONCE = 4
"""Requests side by side, a few milliseconds each."""
MOST_NAME = 200
_EARLY = 30.0
"""Seconds before its end at which a token is renewed."""

Row = dict[str, Any]


class Keycloak:
    """Its Admin API. `client` and `secret` are the service account's, `audience` the client that owns the roles."""

    def __init__(
        self,
        issuer: Issuer,
        session: requests.Session,
        *,
        client: str,
        secret: SecretStr,
        audience: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._issuer = issuer
        self._session = session
        self._client = client
        self._secret = secret
        self._audience = audience
        self._clock = clock
        self._token = ""
        self._until = float("-inf")
        before, _, realm = issuer.address.rstrip("/").rpartition("/realms/")
        self._base = f"{before}/admin/realms/{realm}"

    def read(self) -> Directory:
        """Everybody with a role, and every organisation. Unavailable, with the reason, unless all was answered."""
        self._bearer()
        client, rows = self._roles_of(), self._pages("users")
        with ThreadPoolExecutor(AT_ONCE) as threads:
            roles = list(threads.map(lambda row: self._roles(row["id"], client), rows))
        names, members = self._organisations()
        people = [
            Person(
                subject=row["id"],
                name=_name(row),
                roles=held,
                enabled=row.get("enabled") is True,
                organisations=frozenset(group for group, inside in members.items() if row["id"] in inside),
            )
            for row, held in zip(rows, roles, strict=True)
            if held
        ]
        return Directory(people, names)

    def _roles_of(self) -> str:
        """The id of the audience, which is read off a role of it that our own account has.

        To list clients would take a right that shows the secret of every one of them.
        """
        name = f"service-account-{self._client}"
        for row in self._get("users", username=name, exact="true"):
            given = self._said(f"users/{row['id']}/role-mappings")
            known = given.get("clientMappings") if isinstance(given, dict) else None
            mine = known.get(self._audience) if isinstance(known, dict) else None
            if isinstance(mine, dict) and isinstance(mine.get("id"), str):
                return str(mine["id"])
        raise Unavailable("people_no_client", client=self._client, audience=self._audience)

    def _roles(self, subject: str, client: str) -> frozenset[Role]:
        """What somebody is, by themselves, by a group or by another role; nothing if they are gone meanwhile."""
        answer = self._answer(f"users/{subject}/role-mappings/clients/{client}/composite", {})
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return frozenset()
        held = {row.get("name") for row in _rows(answer)}
        return frozenset(role for role in GIVEN if role in held)

    def _organisations(self) -> tuple[dict[str, str], dict[str, set[str]]]:
        answer = self._answer(f"group-by-path/{PARTNERS}", {})
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return {}, {}
        top = _json(answer).get("id", "")
        names = {group["id"]: _plain(group.get("name")) for group in self._pages(f"groups/{top}/children")}
        members = {group: {row["id"] for row in self._pages(f"groups/{group}/members")} for group in names}
        return names, members

    def _pages(self, path: str, **asked: str) -> list[Row]:
        rows: list[Row] = []
        for _ in range(MOST_PAGES):
            page = self._get(path, first=str(len(rows)), max=str(PAGE), briefRepresentation="true", **asked)
            rows += page
            if len(page) < PAGE:
                return rows
        raise Unavailable("people_too_many", most=PAGE * MOST_PAGES)

    def _get(self, path: str, **asked: str) -> list[Row]:
        return _rows(self._answer(path, asked))

    def _said(self, path: str) -> Any:
        return _json(self._answer(path, {}))

    def _answer(self, path: str, asked: Mapping[str, str]) -> requests.Response:
        answer = self._ask(path, asked)
        if answer.status_code == HTTPStatus.UNAUTHORIZED:  # the session behind the token was ended
            self._until = float("-inf")
            answer = self._ask(path, asked)
        if answer.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise Unavailable("people_forbidden", path=path.split("/", 1)[0], client=self._client)
        return answer

    def _ask(self, path: str, asked: Mapping[str, str]) -> requests.Response:
        address = f"{self._base}/{quote(path)}"
        headers = {"Authorization": f"Bearer {self._bearer()}"}
        return self._sent(lambda: self._session.get(address, params=asked, headers=headers, allow_redirects=False))

    def _bearer(self) -> str:
        if self._clock() < self._until:
            return self._token
        known = self._issuer.endpoints()
        if known is None:
            raise Unavailable("people_away")
        given = {"grant_type": "client_credentials", "scope": "openid"}
        account = (quote(self._client, safe=""), quote(self._secret.get_secret_value(), safe=""))
        answer = self._sent(lambda: self._session.post(known.token, data=given, auth=account, allow_redirects=False))
        if answer.status_code in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED}:
            raise Unavailable("people_refused", client=self._client)
        said = _json(answer)
        if not isinstance(said, dict) or not isinstance(said.get("access_token"), str):
            raise Unavailable("people_away")
        self._token = said["access_token"]
        self._until = self._clock() + float(said.get("expires_in") or 0) - _EARLY
        return self._token

    @staticmethod
    def _sent(send: Callable[[], requests.Response]) -> requests.Response:
        try:
            return send()
        except requests.RequestException:
            raise Unavailable("people_away") from None  # its text may hold what was sent


def _rows(answer: requests.Response) -> list[Row]:
    said = _json(answer)
    if not isinstance(said, list) or not all(isinstance(row, dict) and isinstance(row.get("id"), str) for row in said):
        raise Unavailable("people_away")
    return said


def _json(answer: requests.Response) -> Any:
    if answer.status_code != HTTPStatus.OK:
        raise Unavailable("people_away")
    try:
        return answer.json()
    except requests.JSONDecodeError:
        raise Unavailable("people_away") from None


def _name(row: Row) -> str:
    """What people call somebody, in one line that can be shown."""
    named = _plain(f"{row.get('firstName') or ''} {row.get('lastName') or ''}")
    return named or _plain(row.get("username")) or row["id"]


def _plain(text: object) -> str:
    words: Sequence[str] = str(text or "").split()
    return " ".join(filter(None, ("".join(filter(str.isprintable, word)) for word in words)))[:MOST_NAME]
