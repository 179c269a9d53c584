"""The first promise on PostgreSQL, from outside: one service, one more worker, and one of them dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.service import is_running, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.postgres import Cluster
    from tests.service import Service

PLACE = "Место: 53.5303, 49.3461"


def test_dragged_card_is_a_place_also_when_a_worker_dies(make_live: Callable[..., Service], cluster: Cluster) -> None:
    live = make_live(STORE_URL=cluster.lend(), SECRET_KEY="of this test", SWEEP_SECONDS="5")
    project, command = live.project, [sys.executable, "-m", "sync_service", "worker"]
    with live.log.open("ab") as log:
        second = subprocess.Popen(command, env=live.environ, cwd=live.folder, stdout=log, stderr=log)
    try:
        card = project.add("Сквер у школы", PLACE)
        project.drag(card, "Одобрено")
        until(lambda: live.item(card))
        assert until(lambda: project.links(card)) == [f"{live.url}/board/cards/{card}"]
        job = next(each for each in live.children() if b"worker" in _command_of(each))
        os.kill(job, signal.SIGKILL)
        project.drag(card, "Отклонено")
        until(lambda: live.item(card) is None)
        until(lambda: not is_running(job))
        assert live.check()["store"]["ok"]
    finally:
        second.terminate()
        assert second.wait(60) == 0, live.log.read_text()[-3000:]
    swept = live.run("sync", "--json")
    assert swept.returncode == 0, swept.stderr


def _command_of(process: int) -> bytes:
    with open(f"/proc/{process}/cmdline", "rb") as told:  # noqa: PTH123 - no path of ours
        return told.read()
