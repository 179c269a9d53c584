from __future__ import annotations

import time
from dataclasses import dataclass

import pytest

from kanban_adapter.contract import BoardContract, Harness
from kanban_adapter.kanboard import KanboardBoard
from tests.boards import BOT_PASSWORD, Accounts, CountingSession, KanboardHands, make_bot, wait_until
from tools.kanboard import KanboardServer, admit_user, make_project


class KanboardContract(BoardContract):
    """On the real Kanboard; the accounts the adapter is given differ."""

    reads_by_token = True
    writes_by_bot = True

    @pytest.fixture
    def board(self, kanboard_server: KanboardServer, bot: Bot, request: pytest.FixtureRequest) -> Harness:
        name = f"{request.node.name[:60]} {time.monotonic_ns()}"
        first, second, foreign = (make_project(kanboard_server, f"{name} {place}") for place in (1, 2, 3))
        session = CountingSession()
        admit_user(kanboard_server, bot.id, first, second)
        accounts = Accounts(token=kanboard_server.api_token) if self.reads_by_token else Accounts()
        if self.writes_by_bot:
            accounts |= {"user": bot.name, "password": BOT_PASSWORD}
        return Harness(
            adapter=KanboardBoard(session, url=kanboard_server.url, projects=[first, second], **accounts),
            hands=KanboardHands(kanboard_server),
            project_id=first,
            second_id=second,
            foreign_id=foreign,
            requests=lambda: session.sent,
            next_second=_next_second,
            fill=lambda count: _fill(kanboard_server, first, count),
        )


class TestKanboardByToken(KanboardContract):
    writes_by_bot = False


class TestKanboardByBot(KanboardContract):
    reads_by_token = False


class TestKanboardByBoth(KanboardContract):
    pass


@dataclass(frozen=True)
class Bot:
    id: str
    name: str


@pytest.fixture(scope="module")
def bot(kanboard_server: KanboardServer) -> Bot:
    """One bot for all; it is limited to the watched projects of the tests so far, and never in a foreign one."""
    name = make_bot(kanboard_server)
    return Bot(str(kanboard_server.execute("SELECT id FROM users WHERE username = ?", name)[0][0]), name)


def _fill(server: KanboardServer, project: str, count: int) -> list[str]:
    calls = [("createTask", {"title": f"Карточка {number}", "project_id": int(project)}) for number in range(count)]
    return [str(number) for number in server.call_many(calls)]


def _next_second() -> None:
    start = int(time.time())
    wait_until(lambda: int(time.time()) > start)
