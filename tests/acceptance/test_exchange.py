"""The plugin's protocol against the service as it runs, beside a real Kanboard.

What is edited in a working copy reaches the card, what happens to the card reaches the copy, and where two hands
disagree a person decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import shapely

from tests.boards import make_kanboard_project
from tests.copies import PROPOSALS, ROOT, WorkingCopy, expect, shape_of
from tests.exchange import body, change, wkb
from tests.service import PATIENCE, until

if TYPE_CHECKING:
    from tests.service import Service

HERE, THERE, ELSEWHERE = (shapely.Point(49.3 + step / 100, 53.5) for step in range(3))


class Desktop:
    """Somebody's working copy over HTTP."""

    def __init__(self, live: Service, box: str | None = None) -> None:
        self.live = live
        self.name = str(uuid4())
        self.copy = WorkingCopy(self.ask, box).take()

    def ask(self, method: str, path: str, *, query: dict[str, str] | None = None, **rest: Any) -> tuple[int, Any]:
        answer = self.live.session.request(
            method, f"{self.live.url}{path}", params=query, timeout=PATIENCE, allow_redirects=False, **rest
        )
        return answer.status_code, answer.json()

    def push(self, *changes: dict[str, Any], key: str | None = None) -> list[dict[str, Any]]:
        headers = {"Idempotency-Key": key or str(uuid4())}
        document = body(*changes, client_id=self.name)
        status, answer = self.ask("POST", f"{PROPOSALS}/push", json=document, headers=headers)
        assert status == 200, answer
        results: list[dict[str, Any]] = expect("results", answer)["results"]
        return results

    def edit(self, guid: str, **edited: Any) -> dict[str, Any]:
        """Edit from the state the copy has."""
        return change(guid, base_version=self.copy.rows[guid]["version"], **edited)

    def row_of(self, card: str) -> dict[str, Any] | None:
        """The proposal of a card, as the copy has it after following."""
        rows = self.copy.follow().rows.values()
        return next((row for row in rows if row["properties"]["card_id"] == card), None)


@pytest.fixture
def desktop(live: Service) -> Desktop:
    return Desktop(live)


def metadata(live: Service, card: str) -> dict[str, str]:
    found = live.project.server.call("getTaskMetadata", task_id=int(card))
    return dict(found or {})


def comments(live: Service, card: str) -> list[str]:
    return [each["comment"] for each in live.project.server.call("getAllComments", task_id=int(card))]


def test_what_happens_to_a_card_reaches_the_copy(live: Service, desktop: Desktop) -> None:
    expect("capabilities", live.as_stranger(f"{ROOT}/capabilities").json())
    assert live.as_stranger(f"{PROPOSALS}/snapshot").status_code == 401
    card = live.project.add("Сквер у школы", "Место: 53.5303, 49.3461")
    row = until(lambda: desktop.row_of(card))
    assert shape_of(row["geometry"]) == shapely.Point(49.3461, 53.5303)
    live.project.drag(card, "Одобрено")
    until(lambda: desktop.row_of(card)["properties"]["stage"] == "approved")  # type: ignore[index]  # it is there
    live.project.hands.remove_card(card)
    assert live.run("sync", "--full").returncode == 0
    assert live.run("sync", "--full").returncode == 0
    until(lambda: desktop.row_of(card) is None)
    assert desktop.copy.seen[-1]["op"] == "delete"


def test_what_is_edited_in_the_copy_reaches_the_card(live: Service, desktop: Desktop) -> None:
    card = live.project.add("Велодорожка", column="Одобрено")
    guid = until(lambda: desktop.row_of(card))["guid"]
    before = comments(live, card)
    sent = desktop.edit(guid, set={"horizon": 2031}, geometry=wkb(HERE))
    assert desktop.push(sent)[0]["status"] == "applied"
    assert desktop.row_of(card)["properties"]["horizon"] == 2031  # type: ignore[index]  # it is there
    until(lambda: metadata(live, card).get("placecard_horizon") == "2031")
    until(lambda: live.project.links(card) == [f"{live.url}/board/cards/{card}"])
    until(lambda: len(comments(live, card)) == len(before) + 1)
    assert desktop.push(sent)[0]["replayed"]
    until(lambda: '"board_writes":0' in live.run("sync", "--full", "--json").stdout)
    assert len(comments(live, card)) == len(before) + 1
    assert live.item(card)["geometry"]["coordinates"] == [HERE.x, HERE.y]  # type: ignore[index]  # it is public


def test_what_is_drawn_becomes_one_card(live: Service, desktop: Desktop) -> None:
    guid = str(uuid4())
    drawn = change(guid, op="create", set={"title": "Беседка", "description": "В тени лип"}, geometry=wkb(HERE))
    assert desktop.push(drawn)[0]["status"] == "applied"
    card = until(lambda: desktop.copy.follow().rows[guid]["properties"]["card_id"])
    assert desktop.push(drawn)[0]["replayed"]
    until(lambda: '"board_writes":0' in live.run("sync", "--full", "--json").stdout)
    cards = live.project.server.call("getAllTasks", project_id=int(live.project.id), status_id=1)
    assert [(each["id"], each["title"], each["description"]) for each in cards] == [
        (int(card), "Беседка", "В тени лип")
    ]
    assert str(cards[0]["column_id"]) == live.project.columns["Предложено"]
    live.project.drag(card, "Одобрено")
    assert until(lambda: live.item(card))["id"] == guid


def test_card_is_told_with_what_is_said_on_it(live: Service, desktop: Desktop) -> None:
    card = live.project.add("Сквер у школы", "Место: 53.5303, 49.3461", column="Одобрено")
    guid = until(lambda: desktop.row_of(card))["guid"]
    live.project.hands.add_comment(card, "Скамейки у входа?\nИ фонари")
    assert desktop.push(desktop.edit(guid, geometry=wkb(HERE)))[0]["status"] == "applied"
    until(lambda: len(comments(live, card)) >= 2)
    told = told_of(desktop, guid)
    assert (told["card"]["id"], told["card"]["column"]) == (card, "Одобрено")
    assert told["card"]["url"].startswith(live.project.server.url)
    spoken = {each["text"]: each["who"] for each in told["card"]["comments"]}
    assert spoken["Скамейки у входа?\nИ фонари"] == "admin"
    assert len(spoken) == len(comments(live, card))
    assert "placecard:" not in "".join(spoken)
    assert "qgis" in {past["source"] for past in told["history"]}
    live.project.hands.remove_card(card)
    assert (told_of(desktop, guid)["card"]["comments"], told_of(desktop, guid)["card"]["code"]) == (None, "gone")
    assert live.as_stranger(f"{ROOT}/proposals/{guid}").status_code == 401


def told_of(desktop: Desktop, guid: str) -> Any:
    status, document = desktop.ask("GET", f"{ROOT}/proposals/{guid}")
    assert status == 200, document
    return expect("proposal", document)


def test_card_moved_out_of_the_watched_project_is_not_told_of(live: Service, desktop: Desktop) -> None:
    card = live.project.add("Сквер", column="Одобрено")
    guid = until(lambda: desktop.row_of(card))["guid"]
    assert told_of(desktop, guid)["card"]["comments"] is not None
    other = make_kanboard_project(live.project.server)
    live.project.hands.move_project(card, other.id)
    live.project.hands.add_comment(card, "Не для карты")
    told = told_of(desktop, guid)
    assert (told["card"]["code"], told["card"]["comments"]) == ("elsewhere", None)
    assert "Не для карты" not in str(told)


def test_two_desktops_that_disagree_are_told_and_one_decides(live: Service, desktop: Desktop) -> None:
    card = live.project.add("Сквер", column="Одобрено")
    other = Desktop(live)
    guid = until(lambda: desktop.row_of(card))["guid"]
    until(lambda: other.row_of(card))
    assert desktop.push(desktop.edit(guid, geometry=wkb(HERE)))[0]["status"] == "applied"
    result = other.push(other.edit(guid, set={"horizon": 2040}, geometry=wkb(THERE)))[0]
    assert result["status"] == "clash"
    (clash,) = expect("clashes", other.ask("GET", f"{ROOT}/clashes")[1])["clashes"]
    assert (clash["fields"], shape_of(clash["geometry"]["mine"])) == ({}, THERE)
    until(lambda: "расхождение" in tags(live, card))
    assert desktop.row_of(card)["properties"]["horizon"] == 2040  # type: ignore[index]  # the rest was taken
    resolution = {"revision": clash["revision"], "geometry": clash["geometry"]["mine"]}
    status, resolved = other.ask("POST", f"{ROOT}/clashes/{clash['id']}", json=resolution)
    assert (status, expect("resolved", resolved)["clash"]) == (200, None)
    assert shape_of(desktop.row_of(card)["geometry"]) == THERE  # type: ignore[index]  # it is there
    until(lambda: "расхождение" not in tags(live, card))


def tags(live: Service, card: str) -> list[str]:
    return list((live.project.server.call("getTaskTags", task_id=int(card)) or {}).values())


def test_restored_store_asks_for_a_new_snapshot(live: Service, desktop: Desktop) -> None:
    card = live.project.add("Сквер", column="Одобрено")
    guid = until(lambda: desktop.row_of(card))["guid"]
    local = desktop.edit(guid, set={"horizon": 2031})
    backup = live.folder / "backup.db"
    assert live.run("backup", str(backup)).returncode == 0
    live.stop()
    restored = live.run("restore", str(backup))
    assert restored.returncode == 0, restored.stderr
    live.start()
    status, problem = desktop.ask("GET", f"{PROPOSALS}/changes", query={"since": desktop.copy.cursor})
    assert (status, problem["reason"]) == (410, "cursor_epoch")
    desktop.copy.take()
    # The edit was made from a version of a life that is over: what differs is asked of a person, and not lost.
    result = desktop.push(local)[0]
    assert result["status"] == "clash"
    assert result["clash"]["fields"]["horizon"]["mine"] == 2031
