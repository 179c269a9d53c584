"""One real Keycloak for the whole run, with our realm, and a person's way through it.

Tests run in several processes: the first that wants the server has a keeper start it, everybody who uses it holds a
shared lock, and the keeper stops it once nobody does, however they ended. Nothing that would hurt others is done to the
realm `placecard` here: who restarts, turns keys or needs addresses of its own makes a realm, or a server, of its own.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from keycloak import KeycloakAdmin

from tests.passage import Passage
from tests.service import until
from tools.keycloak import ADMIN, REALM, KeycloakServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

ROOT = Path(__file__).parents[1]
NAME = "placecard"
API, WEB, QGIS, BOARD, JOBS = (f"placecard-{name}" for name in ("api", "web", "qgis", "board", "jobs"))
QGIS_BACK = "http://127.0.0.1:7070/"
SECRETS = {
    WEB: "PLACECARD_OIDC_CLIENT_SECRET",
    BOARD: "PLACECARD_BOARD_CLIENT_SECRET",
    JOBS: "PLACECARD_JOBS_CLIENT_SECRET",
}


def filled(public_url: str, board_url: str) -> dict[str, str]:
    """Values of the realm's placeholders: these addresses, and secrets of their own."""
    addresses = {
        "PLACECARD_PUBLIC_URL": public_url,
        "PLACECARD_BACKCHANNEL_URL": public_url,
        "PLACECARD_BOARD_PUBLIC_URL": board_url,
        "PLACECARD_BOARD_BACKCHANNEL_URL": board_url,
    }
    return addresses | {name: secrets.token_urlsafe(24) for name in SECRETS.values()}


def realm_document(name: str, environment: Mapping[str, str]) -> dict[str, Any]:
    """Our realm under another name, its placeholders filled as Keycloak does it at import."""
    text = REALM.read_text(encoding="utf-8")
    for variable, value in environment.items():
        text = text.replace(f"${{{variable}}}", value)
    for place in ('"realm": "{}"', '"default-roles-{}"', "/realms/{}/"):
        text = text.replace(place.format(NAME), place.format(name))
    document: dict[str, Any] = json.loads(text)
    return document


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who can sign in."""

    id: str
    username: str
    password: str


@dataclass
class Realm:
    """A realm of the running Keycloak that is made as ours; `environment` are the values of its placeholders."""

    keycloak: Keycloak
    name: str
    environment: Mapping[str, str]

    @property
    def issuer(self) -> str:
        return f"{self.keycloak.url}/realms/{self.name}"

    @cached_property
    def admin(self) -> KeycloakAdmin:
        """Everything may be done here."""
        return self.keycloak.administrator(self.name)

    @cached_property
    def api(self) -> str:
        """The id of the client that owns the roles."""
        return str(self.admin.get_client_id(API))

    def secret(self, client: str) -> str | None:
        """The secret of a client; a public one has none."""
        return self.environment[SECRETS[client]] if client in SECRETS else None

    def back(self, client: str) -> str:
        """Where a client has people sent back to."""
        places = {
            WEB: f"{self.environment['PLACECARD_PUBLIC_URL']}/signin/back",
            BOARD: f"{self.environment['PLACECARD_BOARD_PUBLIC_URL']}/signed-in",
            QGIS: QGIS_BACK,
        }
        return places[client]

    def make_user(self, *roles: str, organisations: tuple[str, ...] = (), name: str = "Модератор") -> User:
        """Somebody new, with a password of their own; an organisation is made when it is not there yet."""
        username, password = f"u{uuid4().hex[:12]}", secrets.token_urlsafe(18)
        for organisation in organisations:
            self.make_organisation(organisation)
        given = {
            "username": username,
            "enabled": True,
            "firstName": name,
            "credentials": [{"type": "password", "value": password, "temporary": False}],
            "groups": [f"/partners/{organisation}" for organisation in organisations],
        }
        made = User(str(self.admin.create_user(given)), username, password)
        self.give(made, *roles)
        return made

    def make_organisation(self, name: str) -> None:
        """A group right below `/partners`."""
        parent = self.admin.get_group_by_path("/partners")["id"]
        self.admin.create_group({"name": name}, parent=parent, skip_exists=True)

    def give(self, user: User, *roles: str) -> None:
        """Give somebody roles."""
        if roles:
            self.admin.assign_client_role(user.id, self.api, [self.admin.get_client_role(self.api, r) for r in roles])

    def take(self, user: User, *roles: str) -> None:
        """Take roles away from somebody."""
        taken = [self.admin.get_client_role(self.api, role) for role in roles]
        self.admin.delete_client_roles_of_user(user.id, self.api, taken)

    def passage(self, client: str) -> Passage:
        """A person's browser before the door, on behalf of a client."""
        return Passage(self.issuer, client, self.back(client), self.secret(client))

    def sign_in(self, user: User, client: str = QGIS) -> dict[str, Any]:
        """The tokens that somebody's log-in gives a client: `access_token`, `id_token`, `refresh_token` and more."""
        with self.passage(client) as passage:
            return passage.tokens(user.username, user.password)

    def service_token(self, client: str = JOBS) -> str:
        """The access token of a program that is somebody by itself."""
        with Passage(self.issuer, client, "", self.secret(client)) as passage:
            answer = passage.ask_token(grant_type="client_credentials")
        assert answer.ok, answer.text
        return str(answer.json()["access_token"])


@dataclass(frozen=True)
class Keycloak:
    """The running server. Only one of a test's own can be stopped."""

    url: str
    admin_password: str
    environment: Mapping[str, str]
    stop: Callable[[], None] | None = None

    def administrator(self, realm: str) -> KeycloakAdmin:
        """May do everything in a realm that is there already."""
        return KeycloakAdmin(
            server_url=self.url,
            username=ADMIN,
            password=self.admin_password,
            realm_name=realm,
            user_realm_name="master",
        )

    @cached_property
    def realm(self) -> Realm:
        """The realm as it was imported at start. Shared by all tests."""
        return Realm(self, NAME, self.environment)

    @contextmanager
    def realm_of_its_own(self, public_url: str, board_url: str = "http://127.0.0.1:9") -> Iterator[Realm]:
        """A realm like ours for whoever needs its own addresses, or treats it badly."""
        name, environment = f"own-{uuid4().hex[:12]}", filled(public_url, board_url)
        self.administrator("master").create_realm(realm_document(name, environment))
        made = Realm(self, name, environment)
        yield made
        made.admin.delete_realm(name)


# --- the server


@pytest.fixture(scope="session")
def keycloak(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keycloak]:
    """The run's Keycloak, started when first wanted."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "keycloak-of-the-run"
    folder.mkdir(exist_ok=True)
    with using(folder) as told:
        yield Keycloak(told["url"], told["admin_password"], told["environment"])


@pytest.fixture(scope="session")
def realm(keycloak: Keycloak) -> Realm:
    """Our realm as it is imported: make users in it, and change nothing else."""
    return keycloak.realm


@contextmanager
def using(folder: Path) -> Iterator[dict[str, Any]]:
    """How to reach the server that lives in this folder. It is there as long as anybody is inside."""
    address = folder / "address.json"
    with (folder / "starting").open("w") as starting, (folder / "users").open("w") as users:
        fcntl.flock(starting, fcntl.LOCK_EX)
        fcntl.flock(users, fcntl.LOCK_SH)
        if not address.exists():
            _begin(folder)
        fcntl.flock(starting, fcntl.LOCK_UN)
        yield json.loads(address.read_text(encoding="utf-8"))


def _begin(folder: Path) -> None:
    """Have a keeper start it. Of a session of its own, so that it outlives whoever was first."""
    log, failed = folder / "keeper.log", folder / "failed"
    with log.open("ab") as output:
        command = ["setsid", "--fork", sys.executable, "-m", "tests.keycloak", str(folder)]
        subprocess.run(command, check=True, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    until(lambda: failed.exists() or (folder / "address.json").exists(), seconds=240)
    assert not failed.exists(), log.read_text()


def keep(folder: Path) -> None:
    """Run the server until nobody uses it any more. Whoever has this started holds the lock already."""
    address = folder / "address.json"
    environment = filled("http://127.0.0.1:9", "http://127.0.0.1:9")
    try:
        with KeycloakServer(folder / "data", realms=[REALM], environment=environment) as server:
            told = {"url": server.url, "admin_password": server.admin_password, "environment": environment}
            fresh = address.with_suffix(".new")
            fresh.write_text(json.dumps(told), encoding="utf-8")
            fresh.rename(address)
            with (folder / "users").open("w") as users:
                fcntl.flock(users, fcntl.LOCK_EX)
                address.unlink()
                server.stop()
    except BaseException:
        (folder / "failed").touch()
        raise


if __name__ == "__main__":
    keep(Path(sys.argv[1]))
