"""What the real Kanboard announces, received by a real server, and what it keeps silent about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kanban_adapter.card import Aspect, Relation
from kanban_adapter.kanboard import hinted_cards
from tests.boards import KanboardProject, make_kanboard_project, wait_until
from tests.faults import Receiver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tools.kanboard import KanboardServer


@pytest.fixture
def receiver(kanboard_server: KanboardServer) -> Iterator[Receiver]:
    with Receiver() as running:
        kanboard_server.set_setting("webhook_url", f"{running.url}/board/events")
        yield running
        kanboard_server.set_setting("webhook_url", "")


def hinted(receiver: Receiver) -> set[str]:
    return {card for _, body in receiver.got for card in hinted_cards(body)}


ANNOUNCED: dict[str, Callable[[KanboardProject, str], object]] = {
    "edit": lambda project, card: project.hands.edit_card(card, title="Иначе"),
    "drag": lambda project, card: project.drag(card, "Одобрено"),
    "close": lambda project, card: project.hands.close_card(card),
    "comment": lambda project, card: project.hands.add_comment(card, "Когда?"),
    "subtask": lambda project, card: project.server.call("createSubtask", task_id=int(card), title="Шаг"),
    "file": lambda project, card: project.server.call(
        "createTaskFile", project_id=int(project.id), task_id=int(card), filename="a.txt", blob="YQ=="
    ),
    "project": lambda project, card: project.hands.move_project(card, make_kanboard_project(project.server).id),
}

UNHEARD: dict[Aspect, Callable[[KanboardProject, str], object]] = {
    Aspect.TAGS: lambda project, card: project.hands.set_tags(card, ["стоп"]),
    Aspect.METADATA: lambda project, card: project.hands.set_metadata(card, {"a": "1"}),
    Aspect.LINKS: lambda project, card: project.hands.add_link(card, "https://example.org/", "x"),
    Aspect.NAMES: lambda project, _: project.hands.rename_column(project.columns["Одобрено"], "Принято"),
    Aspect.REMOVAL: lambda project, card: project.hands.remove_card(card),
}


@pytest.mark.parametrize("name", ANNOUNCED)
def test_change_is_announced(kanboard_project: KanboardProject, receiver: Receiver, name: str) -> None:
    card = kanboard_project.add()
    receiver.got.clear()
    ANNOUNCED[name](kanboard_project, card)
    assert wait_until(lambda: hinted(receiver)) == {card}
    token = kanboard_project.server.webhook_token
    assert all(path == f"/board/events?token={token}" for path, _ in receiver.got)


@pytest.mark.parametrize("aspect", UNHEARD, ids=str)
def test_silence_is_declared(kanboard_project: KanboardProject, receiver: Receiver, aspect: Aspect) -> None:
    card = kanboard_project.add()
    receiver.got.clear()
    UNHEARD[aspect](kanboard_project, card)
    # Kanboard announces before it answers: once the next change is heard, nothing before it is still to come.
    later = kanboard_project.add("Следующая")
    wait_until(lambda: later in hinted(receiver))
    assert hinted(receiver) == {later}
    assert aspect in kanboard_project.adapter.capabilities.silent


def test_relation_announces_both(kanboard_project: KanboardProject, receiver: Receiver) -> None:
    card, blocker = kanboard_project.add(), kanboard_project.add("Мешает")
    receiver.got.clear()
    kanboard_project.hands.relate(card, Relation.IS_BLOCKED_BY, blocker)
    wait_until(lambda: hinted(receiver) == {card, blocker})


def test_state_of_a_related_card_is_declared_silent(kanboard_project: KanboardProject, receiver: Receiver) -> None:
    card, blocker = kanboard_project.add(), kanboard_project.add("Мешает")
    kanboard_project.hands.relate(card, Relation.IS_BLOCKED_BY, blocker)
    receiver.got.clear()
    kanboard_project.hands.close_card(blocker)
    wait_until(lambda: blocker in hinted(receiver))
    assert hinted(receiver) == {blocker}
    assert Aspect.RELATED_STATE in kanboard_project.adapter.capabilities.silent


def test_duplicate_is_announced(kanboard_project: KanboardProject, receiver: Receiver) -> None:
    card = kanboard_project.add()
    receiver.got.clear()
    copy = kanboard_project.hands.duplicate_card(card)
    wait_until(lambda: hinted(receiver) == {card, copy})


def test_our_own_writes_are_announced(kanboard_project: KanboardProject, receiver: Receiver) -> None:
    card = kanboard_project.add()
    receiver.got.clear()
    kanboard_project.adapter.move_card(card, kanboard_project.columns["Одобрено"])
    wait_until(lambda: hinted(receiver) == {card})
    count = len(receiver.got)
    kanboard_project.adapter.move_card(card, kanboard_project.columns["Одобрено"])
    kanboard_project.adapter.set_closed(card, closed=False)
    assert len(receiver.got) == count
