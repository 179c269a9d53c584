"""Every address of the service, tried by everybody: it opens to whom the table says, and to nobody else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from sync_service.access import Action, Person, Role
from sync_service.access.doors import DOORS, LAYERS, Key
from sync_service.access.forms import token_of
from sync_service.access.person import Proof
from sync_service.access.sessions import Kind
from sync_service.access.table import GIVEN, is_allowed
from sync_service.access.visiting import EXTENSION as VISITS
from sync_service.app import create_app
from sync_service.settings import load_settings
from sync_service.store.migrate import migrate
from tests.mint import AUDIENCE, Provider, claims, publishing, rsa, sign

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

OURS = rsa("ours")
FILLED = {
    "card_id": "7",
    "form": "csv",
    "guid": str(uuid4()),
    "clash_id": str(uuid4()),
    "key": "a-key-long-enough",
    "request_id": str(uuid4()),
    "change": "1",
    "z": "1",
    "x": "0",
    "y": "0",
    "release": "0",
    "name": "proposals",
    "filename": "none.css",
}
OUTSIDERS = ("nobody", "somebody")
"""Who has not signed in; and who has, and was given no role."""


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with publishing(OURS) as made:
        yield made


@pytest.fixture(scope="module")
def service(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """The whole application, as it is served."""
    folder = tmp_path_factory.mktemp("doors")
    url = f"sqlite:///{folder / 'placecard.db'}"
    migrate(url)
    given = {
        "STORE_URL": url,
        "SECRET_KEY": "a key of this test",
        "OIDC_ISSUER": provider.url,
        "OIDC_AUDIENCE": AUDIENCE,
        "OIDC_CLIENT_ID": "placecard-web",
        "OIDC_CLIENT_SECRET": "a secret of this test",
        "NATIVE_EDITS": "proposals",
        "WEBHOOK_TOKEN": "w" * 40,
    }
    return create_app(load_settings({f"PLACECARD_{name}": value for name, value in given.items()}, folder))


def doors_of(service: Flask) -> set[str]:
    """Every method and route there is."""
    quiet = {"HEAD", "OPTIONS"}
    return {
        f"{method} {rule.rule}"
        for rule in service.url_map.iter_rules()
        for method in (rule.methods or set()) - (quiet if (rule.methods or set()) - quiet else {"HEAD"})
    }


def test_every_route_has_a_row_and_every_row_a_route(service: Flask) -> None:
    assert doors_of(service) == set(DOORS)


def is_open(needs: Action | Key, who: str) -> bool:
    if isinstance(needs, Action):
        return is_allowed([Role(who)] if who not in OUTSIDERS else [Role.ANONYMOUS], needs)
    return needs is Key.NONE or (needs is Key.SOMEBODY and who != "nobody")


def path_of(route: str, **filled: str) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: {**FILLED, **filled}[found[1]], route)


def answer_of(service: Flask, provider: Provider, door: str, who: str, **filled: str) -> int:
    method, route = door.split(" ", 1)
    roles = [] if who == "somebody" else [who]
    said = claims(provider.url, resource_access={AUDIENCE: {"roles": roles}}, groups=[])
    headers = {} if who == "nobody" else {"Authorization": f"Bearer {sign(said, OURS)}"}
    return service.test_client().open(path_of(route, **filled), method=method, headers=headers).status_code


def answer_to_browser(service: Flask, door: str, who: str) -> int:
    """What whoever has signed in with a browser is answered, from another address so that nothing is counted twice."""
    method, route = door.split(" ", 1)
    roles = frozenset({Role.ANONYMOUS} | ({Role(who)} if who not in OUTSIDERS else set()))
    person = Person("n", roles, Proof.COOKIE, "https://sso.test 1")
    secret = service.extensions[VISITS].sessions.begin(Kind.ISSUER, person)
    client = service.test_client()
    client.set_cookie("placecard-session", secret)
    headers = {"X-CSRF-Token": token_of(secret)}
    peer = {"REMOTE_ADDR": "203.0.113.7"}
    return client.open(path_of(route), method=method, headers=headers, environ_overrides=peer).status_code


@pytest.mark.parametrize("who", ["somebody", *sorted(GIVEN)])
def test_doors_open_to_who_signed_in_with_a_browser(service: Flask, who: str) -> None:
    for door, needs in DOORS.items():
        status = answer_to_browser(service, door, who)
        if needs is not Key.ISSUER and door != "POST /signin":  # which asks for a token that nobody has shown
            assert (status not in {401, 403}) is is_open(needs, who), (door, status)


@pytest.mark.parametrize("who", [*OUTSIDERS, *sorted(GIVEN)])
@pytest.mark.parametrize("door", DOORS)
def test_door_opens_to_whom_the_table_says(service: Flask, provider: Provider, door: str, who: str) -> None:
    status = answer_of(service, provider, door, who)
    if DOORS[door] is Key.ISSUER:  # whoever it is: the provider does not say who it is, but signs what it says
        assert status == 400
        return
    opened = status not in {401, 403}
    assert opened is is_open(DOORS[door], who), status
    assert status < 500
    if not opened and DOORS[door] is not Key.WEBHOOK:
        assert status == (401 if who == "nobody" else 403)


@pytest.mark.parametrize("who", [*OUTSIDERS, *sorted(GIVEN)])
@pytest.mark.parametrize("layer", LAYERS)
def test_layers_that_are_not_for_everybody_open_to_whom_the_table_says(
    service: Flask, provider: Provider, layer: str, who: str
) -> None:
    for door in (each for each in DOORS if each.startswith("GET /ogc/collections/<name>")):
        status = answer_of(service, provider, door, who, name=layer)
        assert (status not in {401, 403}) is is_open(LAYERS[layer], who), (door, status)
