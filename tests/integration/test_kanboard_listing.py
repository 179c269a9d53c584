"""A listing is long and seldom changes: what was read of it is kept until the real Kanboard answers differently."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kanban_adapter.errors import BadCredentials, Missing
from kanban_adapter.kanboard import KanboardBoard, reader
from kanban_adapter.kanboard.client import Account, Call, Client
from kanban_adapter.kanboard.mapping import to_listed

if TYPE_CHECKING:
    from kanban_adapter.card import Listed
    from tests.boards import KanboardProject


def client_of(project: KanboardProject) -> Client:
    return Client(project.session, project.server.url, Account("jsonrpc", project.server.api_token), timeout=(3, 10))


def test_same_answer_is_read_once(kanboard_project: KanboardProject) -> None:
    client, read = client_of(kanboard_project), []

    def titles(results: list[Any]) -> list[str]:
        read.append(results)
        return [column["title"] for column in results[0]]

    asked = Call("getColumns", {"project_id": int(kanboard_project.id)})
    first = client.fetch_made(titles, asked)
    assert client.fetch_made(titles, asked) == first
    assert len(read) == 1
    kanboard_project.hands.add_column(kanboard_project.id, "Новая")
    assert client.fetch_made(titles, asked) == [*first, "Новая"]
    assert len(read) == 2


class Cupboard(dict[str, bytes]):
    """A shelf."""

    def recall(self, name: str) -> bytes | None:
        return self.get(name)

    def keep(self, name: str, content: bytes) -> None:
        self[name] = content


def test_next_process_reads_no_answer_that_is_the_same(kanboard_project: KanboardProject) -> None:
    shelf, read = Cupboard(), []
    kanboard_project.add()

    def adapter() -> KanboardBoard:
        project = kanboard_project
        server = project.server
        return KanboardBoard(
            project.session, url=server.url, projects=[project.id], token=server.api_token, shelf=shelf
        )

    def counted(row: Any) -> Listed:
        read.append(row)
        return to_listed(row)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "to_listed", counted)
        first = adapter().listing()
        assert (adapter().listing(), len(read)) == (first, 1)
        kanboard_project.add("Другое")
        assert len(adapter().listing().cards) == 2
        assert len(read) == 3
        shelf.update(dict.fromkeys(shelf, b'["another", []]'))
        assert len(adapter().listing().cards) == 2


def test_kept_answer_hides_no_refusal(kanboard_project: KanboardProject) -> None:
    client = client_of(kanboard_project)
    asked = Call("getColumns", {"project_id": int(kanboard_project.id)})
    client.fetch_made(len, asked)
    token = kanboard_project.server.api_token
    kanboard_project.server.set_setting("api_token", "another")
    try:
        with pytest.raises(BadCredentials):
            client.fetch_made(len, asked)
    finally:
        kanboard_project.server.set_setting("api_token", token)


def test_listing_sees_every_change_of_a_known_board(kanboard_project: KanboardProject) -> None:
    card = kanboard_project.add()
    board = kanboard_project.adapter
    before = board.listing()
    assert board.listing() == before
    kanboard_project.hands.edit_card(card, title="Иначе")
    changed = board.listing()
    assert changed.cards[card].fingerprint != before.cards[card].fingerprint
    kanboard_project.hands.close_card(card)
    assert board.listing().cards[card].closed
    kanboard_project.hands.remove_project(kanboard_project.id)
    with pytest.raises(Missing):
        board.listing()
