"""Four workers on PostgreSQL beside one: how much sooner a pile of changed cards is on the map.

Once with the board on this machine, where board, database and workers share its cores; and once with a board whose
every answer takes a while longer, as a hosted one's does: then there is waiting to be done side by side.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import threading
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sqlalchemy import text

from bench.board import PATIENCE, run_board, wait_for
from bench.figures import Figure, middle, print_table
from sync_service.store.clock import utc_now
from sync_service.store.database import Database
from sync_service.store.inbox import add_hints
from tests.postgres import run_cluster
from tests.service import make_service
from tools.kanboard import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.board import Board
    from tests.service import Service

CARDS, ROUNDS, CREW = 200, 3, 4
FAR = 0.15
"""Seconds that an answer of the far board takes longer."""


def measure() -> list[Figure]:
    """Measure and give the figures."""
    subprocess.run([sys.executable, "-m", "tools.packages", "postgresql"], check=True)
    print(f"crew: {CARDS} changed cards, one worker and {CREW} …", flush=True)
    figures = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        board = stack.enter_context(run_board(folder / "board", CARDS))
        cluster = stack.enter_context(run_cluster())
        for name, delay in (("here", 0.0), (f"{FAR * 1000:.0f} ms away", FAR)):
            (folder / name).mkdir()
            with far_away(board.server.url, delay) as address:
                settings = {"STORE_URL": cluster.lend(), "BOARD_URL": address, "SECRET_KEY": "of this run"}
                service = make_service(folder / name, board.project, SWEEP_SECONDS="86400", **settings)
                figures += compare(service, board, name)
            board.server.execute("DELETE FROM project_has_metadata")  # the next service has a store of its own
    return figures


def compare(service: Service, board: Board, name: str) -> list[Figure]:
    """The pile worked by one and by four, in turn; the middle of the rounds."""
    swept = service.run("sync")
    assert swept.returncode == 0, swept.stderr
    took: dict[int, list[float]] = {1: [], CREW: []}
    for _ in range(ROUNDS):
        for count, seconds in took.items():
            with working(service, count):
                seconds.append(work_pile(service, board))
    one, four = middle(took[1]), middle(took[CREW])
    cores = os.cpu_count() or 1
    # With fewer cores than workers nobody can be asked for it where nothing is waited for.
    target = 2.5 if name != "here" or cores > CREW else None
    told = f"one worker, board {name}, {cores} cores"
    return [
        Figure(f"{CARDS} cards worked by one, board {name}", one, "s"),
        Figure(f"… by {CREW}: times as fast", one / four, "×", beside=told, target=target, at_least=True),
    ]


def work_pile(service: Service, board: Board) -> float:
    """Seconds from when it is known that every card changed until nothing is left to do."""
    board.server.execute("UPDATE tasks SET title = title || '.', date_modification = date_modification + 1")
    database = Database(service.environ["PLACECARD_STORE_URL"])
    wait_for(lambda: _left(database) == 0)
    started = perf_counter()
    with database.writing(gate=False) as connection:
        add_hints(connection, board.cards, utc_now())
    wait_for(lambda: _left(database) == 0)
    seconds = perf_counter() - started
    database.close()
    return seconds


def _left(database: Database) -> int:
    jobs = "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"
    with database.reading() as connection:
        return int(connection.execute(text(f"SELECT (SELECT count(*) FROM inbox) + ({jobs})")).scalar_one())


@contextmanager
def working(service: Service, count: int) -> Iterator[None]:
    """So many workers, each a process, as an operator starts them."""
    command = [sys.executable, "-m", "sync_service", "worker"]
    with service.log.open("ab") as log:
        workers = [
            subprocess.Popen(command, env=service.environ, cwd=service.folder, stdout=log, stderr=log)
            for _ in range(count)
        ]
        try:
            _await_workers(service, count)
            yield
        finally:
            for each in workers:
                each.terminate()
            for each in workers:
                each.wait(PATIENCE)


def _await_workers(service: Service, count: int) -> None:
    database = Database(service.environ["PLACECARD_STORE_URL"])
    asked = text("SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - interval '5 seconds'")

    def all_there() -> bool:
        with database.reading() as connection:
            return int(connection.execute(asked).scalar_one()) == count

    wait_for(all_there, pause=0.1)
    database.close()


@contextmanager
def far_away(address: str, delay: float) -> Iterator[str]:
    """An address at which the server at the other one answers so many seconds later."""
    loop, port = asyncio.new_event_loop(), free_port()
    host, behind = urlsplit(address).hostname, urlsplit(address).port

    async def carry(source: asyncio.StreamReader, target: asyncio.StreamWriter, pause: float) -> None:
        with suppress(ConnectionError):
            while data := await source.read(65536):
                await asyncio.sleep(pause)
                target.write(data)
                await target.drain()
        target.close()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await asyncio.open_connection(host, behind)
        await asyncio.gather(carry(reader, ours, delay), carry(theirs, writer, 0))

    server = loop.run_until_complete(asyncio.start_server(meet, "127.0.0.1", port))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


if __name__ == "__main__":
    print_table(measure())
