"""`make demo` from outside: it comes up, can be interrupted, goes on with its own data, and leaves nothing running."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING
from urllib.parse import urljoin
from xml.etree import ElementTree as ET

import pytest
import requests

from tests.demos import DOWN_SECONDS, ROOT, await_silence, running
from tools import demo
from tools.kanboard import KanboardServer, free_port

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.timeout(900)
def test_demo_comes_up_again_and_leaves_nothing(tmp_path: Path) -> None:
    map_port, board_port = free_port(), free_port()
    home = tmp_path / "the demo"
    with running(home, tmp_path / "first.log", map_port=map_port, board_port=board_port) as run:
        run.await_welcome()
        assert run.board_page().startswith(f"http://127.0.0.1:{board_port}/")
        page = requests.get(run.board_page(), timeout=30)
        assert page.ok
        style = re.search(r'href="([^"]+\.css[^"]*)"', page.text)
        assert style
        assert requests.get(urljoin(page.url, style[1]), timeout=30).headers["Content-Type"].startswith("text/css")
        assert requests.get(run.map_url, timeout=30).ok
        assert run.shown() > 0
        offered = requests.get(f"{run.map_url}/plugins/plugins.xml", timeout=30)
        (entry,) = ET.fromstring(offered.content)
        assert entry.findtext("download_url") == f"{run.map_url}/plugins/placecard.zip"
        assert f"{run.map_url}/plugins/plugins.xml" in run.said()
        other = subprocess.run(
            [sys.executable, "-m", "tools.demo", "--home", str(home)],
            cwd=ROOT,
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert other.returncode == 1
        assert "already" in other.stderr
        run.process.send_signal(signal.SIGINT)
        assert run.process.wait(DOWN_SECONDS) == 0, run.said()
        await_silence(map_port, board_port)
    cards = count_cards(home)
    with running(home, tmp_path / "second.log", map_port=map_port, board_port=board_port) as run:
        run.await_welcome()
        # Killed outright it cannot stop anything itself: the kernel tells the rest.
        run.process.kill()
        run.process.wait()
        await_silence(map_port, board_port)
    assert count_cards(home) == cards >= 80


def count_cards(home: Path) -> int:
    board = KanboardServer(home / "kanboard")
    return int(board.execute("SELECT count(*) FROM tasks")[0][0])


def test_taken_port_gives_way(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        wanted = taken.getsockname()[1]
        chosen = demo.choose_port(wanted)
    assert chosen != wanted
    assert str(chosen) in capsys.readouterr().out


def test_free_port_is_kept() -> None:
    port = free_port()
    assert demo.choose_port(port) == port


def test_fresh_spares_other_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "precious").write_text("kept")
    assert demo.main(["--fresh", "--home", str(tmp_path)]) == 1
    assert (tmp_path / "precious").read_text() == "kept"
    assert "no demo's folder" in capsys.readouterr().err


def test_fresh_removes_a_demo(tmp_path: Path) -> None:
    home = tmp_path / "demo"
    with demo.sole_run(home):
        (home / "placecard.db").write_text("old")
        with pytest.raises(demo.DemoError, match="already"):
            demo.remove_data(home)
    demo.remove_data(home)
    assert not home.exists()
