"""Finding Debian's mirror, and that nothing of a Kanboard outlives the process that started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.boards import wait_until
from tools import debian
from tools.debian import Mirror, NoMirror
from tools.kanboard import PACKAGES, KanboardServer

COMMENTED = """# deb http://no.example/debian bookworm main
deb [arch=amd64 signed-by=/keys/b.gpg] https://b.example/debian bookworm main contrib
"""
STANZAS = """Types: deb
# a comment
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main

Types: deb
URIs: http://mirror.example/debian http://second.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /keys/archive.gpg
"""


@pytest.mark.parametrize(
    ("text", "mirror"),
    [
        (STANZAS, Mirror("http://mirror.example/debian", "/keys/archive.gpg")),
        ("deb http://a.example/debian bookworm main\n", Mirror("http://a.example/debian", debian.KEYRING)),
        (
            COMMENTED,
            Mirror("https://b.example/debian", "/keys/b.gpg"),
        ),
    ],
    ids=["stanzas", "one line", "one line with options"],
)
def test_mirror_is_the_machines_own(text: str, mirror: Mirror) -> None:
    assert debian.find_mirror(["deb http://other.example/x y main\n", text], "bookworm") == mirror


def test_no_mirror_is_said() -> None:
    with pytest.raises(NoMirror):
        debian.find_mirror(["deb http://a.example/debian bookworm-updates main\n"], "bookworm")
    with pytest.raises(NoMirror):
        debian.machine_release("NAME=Other\n")


def test_packages_are_listed_once() -> None:
    names = [line for line in PACKAGES.read_text(encoding="utf-8").split("\n") if line and line[0] != "#"]
    assert "php-cli" in names
    assert len(names) == len(set(names))


def group_members(group: int) -> list[int]:
    """Processes of a group that are running."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except (OSError, NotADirectoryError):
            continue
        if fields[2] == str(group) and fields[0] != "Z":
            found.append(int(entry.name))
    return found


def test_stop_ends_the_whole_group(tmp_path: Path) -> None:
    server = KanboardServer(tmp_path).start()
    assert server._group
    group = server._group.pid
    assert len(group_members(group)) > 4
    server.stop()
    wait_until(lambda: not group_members(group))
    server.stop()


def test_it_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    script = (
        "import pathlib, sys, time; from tools.kanboard import KanboardServer\n"
        "server = KanboardServer(pathlib.Path(sys.argv[1])).start()\n"
        "print(server._group.pid, flush=True); time.sleep(600)\n"
    )
    starter = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    with starter:
        assert starter.stdout
        group = int(starter.stdout.readline())
        assert group_members(group)
        os.kill(starter.pid, signal.SIGKILL)
    wait_until(lambda: not group_members(group))


def test_data_survive_a_restart(tmp_path: Path) -> None:
    with KanboardServer(tmp_path, webhook_url="http://127.0.0.1:9/board/events") as server:
        token, port = server.api_token, server.port
        project = server.call("createProject", name="Останется")
    with KanboardServer(tmp_path, port=port) as server:
        assert server.api_token == token
        assert server.call("getProjectById", project_id=project)["name"] == "Останется"
        assert server.setting("webhook_url") == "http://127.0.0.1:9/board/events"
        assert server.setting("application_url") == f"{server.url}/"
