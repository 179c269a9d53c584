"""`make demo-sso` from outside: Keycloak comes up with it, seven people sign in, and it all goes as it came."""

from __future__ import annotations

import re
import signal
from typing import TYPE_CHECKING, Any

import pytest
import requests

from sync_service.access.table import GIVEN, RIGHTS
from tests.boardgate import Visitor
from tests.demos import DOWN_SECONDS, Run, await_silence, running
from tests.keycloak import User
from tests.passage import Passage, read_token
from tests.service import until
from tools.demo import PROJECT
from tools.kanboard import free_port
from tools.signon import ORGANISATION, PEOPLE

if TYPE_CHECKING:
    from pathlib import Path

MODULE = "tools.signon"


def password(run: Run) -> str:
    """Everybody's, as it is printed."""
    found = re.search(r"one password for all: (\S+)\)", run.said())
    assert found, run.said()
    return found[1]


def token_of(run: Run, person: str, issuer: str) -> str:
    """Of somebody who signs in with QGIS, as the service's capabilities tell how."""
    told = requests.get(f"{run.map_url}/sync/v1/capabilities", timeout=30).json()["oidc"]
    assert told["issuer"] == issuer
    with Passage(issuer, told["client_id"], "http://127.0.0.1:7070/") as passage:
        return str(passage.tokens(person, password(run))["access_token"])


def me(run: Run, token: str) -> dict[str, Any]:
    asked = {"Authorization": f"Bearer {token}"}
    answer = requests.get(f"{run.map_url}/sync/v1/me", headers=asked, timeout=30)
    assert answer.ok, answer.text
    said: dict[str, Any] = answer.json()
    return said


def walk(run: Run, person: str) -> None:
    """Somebody signs in on the map, once, and is let into the desk and onto the board."""
    visitor = Visitor()
    desk = visitor.sign_in(f"{run.map_url}/signin/start?next=/desk/", User("", person, password(run)))
    assert desk.ok, desk.text
    assert str(desk.url).startswith(f"{run.map_url}/desk/")
    assert PEOPLE[person] in desk.text

    def shown() -> bool:
        page = visitor.go(run.board_page())
        assert "kc-form-login" not in page.text, "signed in already"
        return PROJECT in page.text

    until(shown)  # their account there is made meanwhile


def way_back(issuer: str, run: Run) -> int:
    """What Keycloak says to the map's own way back."""
    with Passage(issuer, "placecard-web", f"{run.map_url}/signin/back") as passage:
        return passage.knock().status_code


@pytest.mark.timeout(900)
def test_everybody_signs_in_and_nothing_stays(tmp_path: Path) -> None:
    home, keycloak_port = tmp_path / "the demo", free_port()
    issuer = f"http://127.0.0.1:{keycloak_port}/realms/placecard"
    first = {"map_port": free_port(), "board_port": free_port(), "keycloak_port": keycloak_port}
    assert PEOPLE.keys() == set(GIVEN)
    subjects = {}
    with running(home, tmp_path / "first.log", module=MODULE, **first) as run:
        run.await_welcome()
        assert all(f"{person} " in run.said() for person in PEOPLE)
        assert run.shown() > 0
        assert requests.get(f"{run.map_url}/sync/v1/me", timeout=30).status_code == 401
        for person, name in PEOPLE.items():
            token = token_of(run, person, issuer)
            subjects[person] = read_token(token)["sub"]
            groups = read_token(token).get("groups", [])
            assert groups == ([f"/partners/{ORGANISATION}"] if person == "partner" else [])
            said = me(run, token)
            assert (said["name"], set(said["may"])) == (name, {a for a, roles in RIGHTS.items() if person in roles})
        assert way_back(issuer, run) == 200
        assert run.board_page().startswith(f"http://127.0.0.1:{first['board_port']}/")
        walk(run, "moderator")
        run.process.send_signal(signal.SIGINT)
        assert run.process.wait(DOWN_SECONDS) == 0, run.said()
        await_silence(*first.values())
    second = {**first, "map_port": free_port()}
    with running(home, tmp_path / "second.log", module=MODULE, **second) as run:
        run.await_welcome()
        assert way_back(issuer, run) == 200, "another port is told to Keycloak"
        assert read_token(token_of(run, "moderator", issuer))["sub"] == subjects["moderator"]
        run.process.kill()
        run.process.wait()
        await_silence(*second.values())
