"""Keycloak goes away and comes back, with the board behind it: nobody loses what they have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from sync_service.access.issuer import Issuer
from sync_service.errors import Unavailable
from sync_service.people.reading import Keycloak as Reading
from tests.boardgate import Visitor, gated
from tests.boards import CountingSession
from tests.keycloak import API, JOBS, Keycloak
from tests.service import until
from tools.keycloak import KeycloakServer

if TYPE_CHECKING:
    from pathlib import Path


def test_gate_closes_while_keycloak_is_away_and_opens_again_without_a_new_sign_in(tmp_path: Path) -> None:
    with KeycloakServer(tmp_path / "keycloak") as server:
        keycloak = Keycloak(server.url, server.admin_password, {})
        with gated(tmp_path, keycloak) as board:
            visitor = board.enter(board.realm.make_user("moderator"))
            session = CountingSession()
            secret = SecretStr(str(board.realm.secret(JOBS)))
            reader = Reading(Issuer(board.realm.issuer, session), session, client=JOBS, secret=secret, audience=API)
            assert len(reader.read().people) == 1
            server.stop()
            board.shut_out(visitor)
            answer = visitor.ask(board.url)
            assert (answer.status_code, "No access" in answer.text) == (403, True)
            assert Visitor().ask(board.url).status_code == 302
            with pytest.raises(Unavailable) as caught:
                reader.read()
            assert caught.value.data["reason"] == "people_away"
            server.start()
            until(lambda: board.is_let_in(visitor))
            assert len(reader.read().people) == 1
