"""The sample proposals on a real Kanboard."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from kanban_adapter.kanboard.board import KanboardBoard
from sync_service.demo.loader import Loaded, load_demo
from sync_service.demo.samples import Sample, read_samples
from tests.boards import CountingSession
from tools.kanboard import KanboardServer, make_project, make_user

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kanban_adapter.card import Card

TODAY = date(2026, 11, 22)
SAMPLES = read_samples()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KanboardServer]:
    with KanboardServer(tmp_path_factory.mktemp("kanboard")) as running:
        yield running


@pytest.fixture
def session() -> Iterator[CountingSession]:
    with CountingSession() as opened:
        yield opened


def load(board: KanboardBoard) -> Loaded:
    return load_demo(board, board.columns(), TODAY, lambda _settled, _total: None)


def cards_on(board: KanboardBoard) -> list[Card]:
    return [card for card in board.read(board.listing().cards).cards.values() if card is not None]


def from_card(card: Card, titles: dict[str, str]) -> tuple[object, ...]:
    return card.title, card.description, card.start, card.due, card.tags, card.closed, titles[card.column_id]


def from_sample(sample: Sample) -> tuple[object, ...]:
    start, due = (
        None if days is None else TODAY + timedelta(days=days) for days in (sample.start_in_days, sample.due_in_days)
    )
    title = {
        "proposed": "Предложено",
        "review": "На рассмотрении",
        "approved": "Одобрено",
        "in_progress": "В работе",
        "done": "Выполнено",
        "rejected": "Отклонено",
    }[sample.stage]
    return sample.title, sample.description, start, due, sample.tags, sample.closed, title


def test_samples_arrive_whole_and_once(server: KanboardServer, session: CountingSession) -> None:
    project = make_project(server, "Карта развития")
    board = KanboardBoard(session, url=server.url, projects=[project], token=server.api_token)
    assert load(board) == Loaded(len(SAMPLES), len(SAMPLES))
    titles = {column.id: column.title for column in board.columns()}
    cards = {card.reference: from_card(card, titles) for card in cards_on(board)}
    assert cards == {sample.reference: from_sample(sample) for sample in SAMPLES}
    session.sent = 0
    assert load(board) == Loaded(0, len(SAMPLES))
    assert session.sent <= 10
    assert max(Counter(card.reference for card in cards_on(board)).values()) == 1


def test_bot_of_the_project_may_load(server: KanboardServer, session: CountingSession) -> None:
    project = make_project(server, "Карта бота")
    make_user(server, "demo-bot", "demo-bot-password", project)
    board = KanboardBoard(
        session,
        url=server.url,
        projects=[project],
        token=server.api_token,
        user="demo-bot",
        password="demo-bot-password",
    )
    assert load(board) == Loaded(len(SAMPLES), len(SAMPLES))
    assert len(cards_on(board)) == len(SAMPLES)
