"""What comes instead of an answer, from a real server in front of the real Kanboard."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from kanban_adapter.card import NewCard
from kanban_adapter.errors import Reason, Unreachable
from kanban_adapter.kanboard import KanboardBoard
from kanban_adapter.kanboard.client import IN_USE_TRIES, LONGEST_QUIET_SECONDS, TOKEN_USER, Account, Client
from tests.boards import CountingSession, KanboardProject
from tests.faults import Fault, FaultProxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NEVER_DONE = [fault for fault in Fault if fault is not Fault.LOST]


@pytest.fixture
def proxy(kanboard_project: KanboardProject) -> Iterator[FaultProxy]:
    with FaultProxy(kanboard_project.server.url) as running:
        yield running


@pytest.fixture
def adapter(kanboard_project: KanboardProject, proxy: FaultProxy) -> KanboardBoard:
    token = kanboard_project.server.api_token
    project = [kanboard_project.id]
    return KanboardBoard(CountingSession(), url=proxy.url, projects=project, token=token, timeout=(2, 1))


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.BUSY], ids=str)
def test_no_fault_is_taken_for_an_answer(
    kanboard_project: KanboardProject, adapter: KanboardBoard, proxy: FaultProxy, fault: Fault
) -> None:
    card = kanboard_project.add()
    proxy.fault = fault
    for ask in (adapter.listing, adapter.projects, adapter.columns, adapter.check, lambda: adapter.read([card])):
        with pytest.raises(Unreachable):
            ask()
    proxy.fault = None
    assert set(adapter.listing().cards) == {card}
    assert adapter.read([card]).cards[card] is not None


@pytest.mark.parametrize("at", [1, 2])
def test_half_a_listing_is_none(
    kanboard_project: KanboardProject, adapter: KanboardBoard, proxy: FaultProxy, at: int
) -> None:
    kanboard_project.add()
    proxy.plan(*[None] * (at - 1), Fault.TRUNCATED)
    with pytest.raises(Unreachable):
        adapter.listing()
    assert proxy.received == 2, "both halves are asked for side by side"


def test_busy_board_says_when(adapter: KanboardBoard, proxy: FaultProxy) -> None:
    proxy.fault = Fault.BUSY
    with pytest.raises(Unreachable) as caught:
        adapter.listing()
    assert caught.value.retry_after == 7
    asked, proxy.fault = proxy.received, None
    for ask in (adapter.listing, adapter.projects, adapter.columns, adapter.check):
        with pytest.raises(Unreachable) as caught:
            ask()
        assert 0 < (caught.value.retry_after or 0) <= 7
    assert proxy.received == asked, "until then nothing is asked"


@pytest.mark.parametrize(("named", "quiet"), [("7", 7.0), ("86400", LONGEST_QUIET_SECONDS)])
def test_busy_board_is_asked_again_when_it_said(
    kanboard_project: KanboardProject, proxy: FaultProxy, named: str, quiet: float
) -> None:
    now = [1000.0]
    token = Account(TOKEN_USER, kanboard_project.server.api_token)
    client = Client(CountingSession(), proxy.url, token, clock=lambda: now[0])
    proxy.retry_after, proxy.fault = named, Fault.BUSY
    with pytest.raises(Unreachable):
        client.call("getVersion")
    proxy.fault = None
    now[0] += quiet - 1
    with pytest.raises(Unreachable):
        client.call("getVersion")
    now[0] += 1
    assert client.call("getVersion")


def test_write_whose_answer_was_lost_is_done_once(
    kanboard_project: KanboardProject, adapter: KanboardBoard, proxy: FaultProxy
) -> None:
    column = kanboard_project.columns["Предложено"]
    new = NewCard(kanboard_project.id, column, "Сквер", "", "2ab4e8f2-0000-4000-8000-000000000001")
    proxy.plan(None, None, Fault.LOST)  # two looks, then the write
    with pytest.raises(Unreachable):
        adapter.create_card(new)
    card = adapter.create_card(new)
    assert set(adapter.listing().cards) == {card}
    writes: list[Callable[[], bool]] = [
        lambda: adapter.ensure_comment(card, "Место [e1]", marker="[e1]"),
        lambda: adapter.ensure_link(card, "https://map.example/1", "На карте", ours="https://map.example/"),
    ]
    for write in writes:
        proxy.plan(None, Fault.LOST)
        with pytest.raises(Unreachable):
            write()
        assert write() is False
    read = adapter.read([card]).cards[card]
    assert read is not None
    assert (len(read.comments), len(read.links)) == (1, 1)


@pytest.fixture
def writing(kanboard_project: KanboardProject) -> Iterator[sqlite3.Connection]:
    """Somebody else has begun to write, and has not ended."""
    with closing(sqlite3.connect(kanboard_project.server.database, isolation_level=None)) as somebody:
        somebody.execute("BEGIN IMMEDIATE")
        yield somebody


def note(project: KanboardProject) -> dict[str, object]:
    return {"project_id": int(project.id), "values": {"placecard": "1"}}


def test_what_somebody_elses_writing_refused_is_asked_again_at_once(
    kanboard_project: KanboardProject, writing: sqlite3.Connection
) -> None:
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            writing.execute("ROLLBACK")

    account = Account(TOKEN_USER, kanboard_project.server.api_token)
    client = Client(CountingSession(), kanboard_project.server.url, account, pause=pause)
    assert client.call("saveProjectMetadata", **note(kanboard_project)) is True
    assert len(pauses) == 2
    assert max(pauses) < 0.1
    assert client.call("getProjectMetadata", project_id=int(kanboard_project.id)) == {"placecard": "1"}


def test_writing_that_does_not_end_is_told(kanboard_project: KanboardProject, writing: sqlite3.Connection) -> None:
    session = CountingSession()
    account = Account(TOKEN_USER, kanboard_project.server.api_token)
    client = Client(session, kanboard_project.server.url, account, pause=lambda _seconds: None)
    with pytest.raises(Unreachable) as caught:
        client.call("saveProjectMetadata", **note(kanboard_project))
    assert writing.in_transaction
    assert caught.value.reason is Reason.IN_USE
    assert session.sent == IN_USE_TRIES


def test_what_makes_something_is_not_asked_for_twice(proxy: FaultProxy) -> None:
    """Such an answer may be about what came after the making. Kanboard gives it after half a minute at the earliest."""
    proxy.fault = Fault.LOCKED
    client = Client(CountingSession(), proxy.url, Account(TOKEN_USER, "x"))
    with pytest.raises(Unreachable):
        client.call("createComment", task_id=1, user_id=0, content="Место [e1]")
    assert proxy.received == 1


def test_no_error_names_a_secret(kanboard_project: KanboardProject, adapter: KanboardBoard, proxy: FaultProxy) -> None:
    for fault in sorted(NEVER_DONE, key=lambda each: each is Fault.BUSY):  # after which nothing is asked
        proxy.fault = fault
        with pytest.raises(Unreachable) as caught:
            adapter.listing()
        assert kanboard_project.server.api_token not in str(caught.value)
        assert proxy.url not in str(caught.value)


def test_nobody_listens(kanboard_project: KanboardProject) -> None:
    with FaultProxy(kanboard_project.server.url) as gone:
        url = gone.url
    adapter = KanboardBoard(CountingSession(), url=url, projects=["1"], token="x", timeout=(2, 2))
    with pytest.raises(Unreachable):
        adapter.listing()
