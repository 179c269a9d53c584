"""The archive of Keycloak is the one pinned, and nothing of a Keycloak outlives the process that started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
import requests

from tests.service import is_running, until
from tools.keycloak import KeycloakServer, NotFetched, check_filled, check_sum
from tools.servers import NotStarted

if TYPE_CHECKING:
    from pathlib import Path


def test_another_archive_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "keycloak.zip"
    archive.write_bytes(b"as pinned")
    pinned = sha256(b"as pinned").hexdigest()
    check_sum(archive, pinned)
    archive.write_bytes(b"as  pinned")
    with pytest.raises(NotFetched, match=pinned):
        check_sum(archive, pinned)


def test_it_ends_with_the_process_that_started_it_and_its_data_stay(tmp_path: Path) -> None:
    script = (
        "import pathlib, sys, time; from tools.keycloak import KeycloakServer\n"
        "server = KeycloakServer(pathlib.Path(sys.argv[1])).start()\n"
        "print(server.process_id, server.url, flush=True); time.sleep(600)\n"
    )
    starter = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    with starter:
        assert starter.stdout
        process, url = starter.stdout.readline().split()
        keys = requests.get(f"{url}/realms/master/protocol/openid-connect/certs", timeout=30).json()
        os.kill(starter.pid, signal.SIGKILL)
    until(lambda: not is_running(int(process)))
    with KeycloakServer(tmp_path) as server:
        assert server.port != int(url.rpartition(":")[2])
        there = requests.get(f"{server.issuer('master')}/protocol/openid-connect/certs", timeout=30).json()
        assert {key["kid"] for key in there["keys"]} == {key["kid"] for key in keys["keys"]}
        assert requests.get(server.issuer("master"), timeout=30).json()["token-service"].startswith(server.url)


SHARING = """
import pathlib, sys
from tests.keycloak import using
with using(pathlib.Path(sys.argv[1])) as told:
    print(told["url"], flush=True)
    sys.stdin.read()
"""


def sharing(folder: Path) -> subprocess.Popen[str]:
    """Somebody who uses the server of this folder until standard input ends, and says where it is."""
    command = [sys.executable, "-c", SHARING, str(folder)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_tests_share_one_server_which_ends_with_the_last_of_them(tmp_path: Path) -> None:
    with sharing(tmp_path) as first, sharing(tmp_path) as last:
        assert first.stdin
        assert first.stdout
        assert last.stdout
        url = first.stdout.readline().strip()
        assert url == last.stdout.readline().strip()
        first.stdin.close()
        assert first.wait(60) == 0
        assert requests.get(f"{url}/realms/placecard", timeout=30).ok
        last.kill()
    until(lambda: not (tmp_path / "address.json").exists())
    until(lambda: not _listens(url))


def _listens(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).status_code > 0
    except (requests.ConnectionError, requests.Timeout):
        return False


def test_what_it_stumbles_over_is_said(tmp_path: Path) -> None:
    realm = tmp_path / "broken-realm.json"
    realm.write_text('{"realm": "broken", "no such thing": true}')
    with pytest.raises(NotStarted, match="no such thing"):
        KeycloakServer(tmp_path / "data", realms=[realm]).start()


@pytest.mark.parametrize("given", [{}, {"CLIENT_SECRET": ""}], ids=["unset", "empty"])
def test_secret_without_a_value_is_refused(tmp_path: Path, given: dict[str, str]) -> None:
    realm = tmp_path / "own-realm.json"
    realm.write_text('{"clients": [{"secret": "${CLIENT_SECRET}", "claim": "${client_id}"}]}')
    check_filled([realm], {"CLIENT_SECRET": "x"})
    with pytest.raises(NotStarted, match="asks for CLIENT_SECRET:"):
        check_filled([realm], given)


def test_password_of_the_administrator_is_its_own(tmp_path: Path) -> None:
    one, another = KeycloakServer(tmp_path / "one"), KeycloakServer(tmp_path / "another")
    for server in (one, another):
        server.data_dir.mkdir()
    assert one.admin_password == one.admin_password != another.admin_password
    assert (one.data_dir / "admin-password").stat().st_mode & 0o077 == 0
