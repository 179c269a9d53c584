"""The demo with single sign-on: Keycloak, seven people, and Apache before the board. `python -m tools.signon`.

Everything it makes stands in `var/demo-sso`. Keycloak keeps its people from run to run; its addresses are set anew at
every start, for a port may have been taken.
"""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from keycloak import KeycloakAdmin

from tools import apache, keycloak
from tools.demo import ROOT, DemoError, Frame, choose_port, kept_secret, play, read_arguments, run_demo, tell
from tools.kanboard import free_port
from tools.keycloak import ADMIN, PLACEHOLDER, REALM, KeycloakServer
from tools.servers import NotStarted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

HOME = ROOT / "var/demo-sso"
KEYCLOAK_PORT = 8082
NAME = "placecard"
API, WEB, JOBS = "placecard-api", "placecard-web", "placecard-jobs"
SECRETS = ("PLACECARD_OIDC_CLIENT_SECRET", "PLACECARD_BOARD_CLIENT_SECRET", "PLACECARD_JOBS_CLIENT_SECRET")

PEOPLE = {
    "viewer": "Сотрудник города",
    "partner": "Партнёр",
    "moderator": "Модератор",
    "gis_editor": "ГИС-специалист",
    "expert": "Эксперт",
    "project_group": "Проектная группа",
    "operator": "Оператор",
}
"""Who can sign in, by the one role each has; the role is the user name too."""
ORGANISATION = "Молодёжный парламент"

WELCOME = """
  Карта · The map          {{map}}/
  Войти · to sign in       {{map}}/signin
  OGC API Features (QGIS)  {{map}}/ogc/
  Модуль QGIS · its plugin {{map}}/plugins/plugins.xml
  Доска · The board        {{board}}/?controller=BoardViewController&action=show&project_id={{project}}
  Keycloak                 {keycloak}/admin/
                           вход · sign in: {admin}

  Люди · people (пароль у всех один · one password for all: {password})
{people}

  Вход один на карту, доску и модуль QGIS; без него видно только открытое, с этой машины тоже. На доске люди появляются
  через полминуты.
  One sign-in for the map, the board and the QGIS plugin; without it only what is public is seen, from this machine too.
  People appear on the board within half a minute.

  Данные и журналы · data and logs: {{home}}
  Остановить · to stop: Ctrl-C
"""


def placeholders(home: Path, map_url: str, board_url: str) -> dict[str, str]:
    """Values of the realm's placeholders. The secrets are made with the first run."""
    addresses = {
        "PLACECARD_PUBLIC_URL": map_url,
        "PLACECARD_BACKCHANNEL_URL": map_url,
        "PLACECARD_BOARD_PUBLIC_URL": board_url,
        "PLACECARD_BOARD_BACKCHANNEL_URL": board_url,
    }
    return addresses | {name: kept_secret(home / name.lower().replace("_", "-")) for name in SECRETS}


def service_settings(issuer: str, filled: Mapping[str, str]) -> dict[str, str]:
    """What the service is told of Keycloak."""
    return {
        "PLACECARD_OIDC_ISSUER": issuer,
        "PLACECARD_OIDC_AUDIENCE": API,
        "PLACECARD_OIDC_CLIENT_ID": WEB,
        "PLACECARD_OIDC_CLIENT_SECRET": filled["PLACECARD_OIDC_CLIENT_SECRET"],
        "PLACECARD_JOBS_CLIENT_ID": JOBS,
        "PLACECARD_JOBS_CLIENT_SECRET": filled["PLACECARD_JOBS_CLIENT_SECRET"],
    }


def set_addresses(admin: KeycloakAdmin, filled: Mapping[str, str]) -> None:
    """Have our clients as the realm's file has them with these values."""
    text = PLACEHOLDER.sub(lambda found: filled[found[1]], REALM.read_text(encoding="utf-8"))
    ids = {client["clientId"]: client["id"] for client in admin.get_clients()}
    for client in json.loads(text)["clients"]:
        if client["clientId"].startswith(f"{NAME}-"):
            admin.update_client(ids[client["clientId"]], {"id": ids[client["clientId"]], **client})


def make_people(admin: KeycloakAdmin, password: str) -> None:
    """Make whoever is not there yet. A run that was broken off may have made somebody without the role."""
    api = str(admin.get_client_id(API))
    for role, name in PEOPLE.items():
        user: dict[str, Any] = {
            "username": role,
            "enabled": True,
            "firstName": name,
            "credentials": [{"type": "password", "value": password, "temporary": False}],
            "groups": [f"/partners/{ORGANISATION}"] if role == "partner" else [],
        }
        made = str(admin.create_user(user, exist_ok=True))
        admin.assign_client_role(made, api, [admin.get_client_role(api, role)])


def welcome(server: KeycloakServer, password: str) -> str:
    """What is told once everything runs; the demo fills the rest in."""
    width = max(map(len, PEOPLE))
    people = [f"    {role:<{width}}  {name}" for role, name in PEOPLE.items()]
    admin = f"{ADMIN} / {server.admin_password}"
    return WELCOME.format(keycloak=server.url, admin=admin, password=password, people="\n".join(people))


def run(home: Path, map_port: int, board_port: int, keycloak_port: int) -> None:
    """Start Keycloak with its people, and the demo that goes by it, its board behind Apache."""
    filled = placeholders(home, f"http://127.0.0.1:{map_port}", f"http://127.0.0.1:{board_port}")
    tell("  … Keycloak")
    password = kept_secret(home / "people-password", 9)
    server = KeycloakServer(home / "keycloak", realms=[REALM], environment=filled, port=keycloak_port)
    issuer = server.issuer(NAME)

    @contextmanager
    def gate(kanboard: str) -> Iterator[str]:
        secret = filled["PLACECARD_BOARD_CLIENT_SECRET"]
        before = apache.BoardGate(home / "apache", upstream=kanboard, issuer=issuer, secret=secret, port=board_port)
        with before:
            yield before.url

    try:
        with server:
            prepare_realm(server, filled, password)
            frame = Frame(service_settings(issuer, filled), apache.KANBOARD, welcome(server, password), gate)
            run_demo(home, map_port, free_port(), frame)
    except (keycloak.NotFetched, NotStarted) as error:
        raise DemoError(str(error)) from None


def prepare_realm(server: KeycloakServer, filled: Mapping[str, str], password: str) -> None:
    """Have the realm's addresses and people as they should be."""
    admin = KeycloakAdmin(
        server_url=server.url,
        username=ADMIN,
        password=server.admin_password,
        realm_name=NAME,
        user_realm_name="master",
    )
    set_addresses(admin, filled)
    make_people(admin, password)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.signon", description="Placecard, Kanboard, Keycloak")
    parser.add_argument("--keycloak-port", type=int, default=KEYCLOAK_PORT, help="port of Keycloak (%(default)s)")
    wanted = read_arguments(parser, arguments, HOME)

    def begin() -> None:
        ports = [choose_port(port) for port in (wanted.port, wanted.board_port, wanted.keycloak_port)]
        run(wanted.home, *ports)

    return play(wanted.home, begin, fresh=wanted.fresh)


if __name__ == "__main__":
    sys.exit(main())
