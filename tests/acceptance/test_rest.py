"""Both sides edited at once, on the real Kanboard and over the wire: two sweeps bring all to rest, nothing is lost."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
import requests
import shapely

from kanban_adapter.card import Relation
from sync_service.sync.disputes import CLASH_TAG
from tests.acceptance.test_exchange import Desktop, comments, metadata
from tests.copies import ROOT
from tests.exchange import change, wkb
from tests.service import AREA, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.service import Service

HERE, THERE = shapely.Point(49.3461, 53.5303), shapely.Point(49.4, 53.51)
LINES = ("Горизонт: 2031", "Горизонт: 2032", "Адрес: Мира, 1", "Адрес: Ленина, 4", "Место: 53.52, 49.38", "")
COLUMNS = ("Предложено", "На рассмотрении", "Одобрено", "В работе", "Выполнено", "Отклонено")


@pytest.fixture
def live(make_live: Callable[..., Service]) -> Service:
    return make_live(LANGUAGE="ru", AREA=AREA)


def sweep(live: Service) -> dict[str, Any]:
    done = live.run("sync", "--full", "--json")
    report: dict[str, Any] = json.loads(done.stdout)
    assert report["errors"] == [], done.stdout
    return report


def tags(live: Service, card: str) -> set[str]:
    return set((live.project.server.call("getTaskTags", task_id=int(card)) or {}).values())


def clashes(desktop: Desktop) -> list[dict[str, Any]]:
    status, answer = desktop.ask("GET", f"{ROOT}/clashes")
    assert status == 200, answer
    found: list[dict[str, Any]] = answer["clashes"]
    return found


def ours(live: Service, card: str) -> list[str]:
    return [text.partition(" [placecard:")[0] for text in comments(live, card) if "[placecard:" in text]


def test_place_moved_on_the_map_is_one_comment_and_one_link(live: Service) -> None:
    card = live.project.add("Сквер", "Место: 53.5303, 49.3461", column="Одобрено")
    until(lambda: live.project.links(card))
    desktop = Desktop(live)
    row = until(lambda: desktop.row_of(card))
    desktop.push(desktop.edit(row["guid"], geometry=wkb(THERE)))
    told = until(lambda: ours(live, card))
    assert [text.partition(" — ")[0] for text in told] == ["Место задано: 53.51000, 49.40000"]
    for _ in range(2):
        sweep(live)
    assert (sweep(live)["board_writes"], len(ours(live, card)), len(live.project.links(card))) == (0, 1, 1)


@pytest.mark.parametrize("how", ["reopened", "unlinked"])
def test_closed_duplicate_leads_to_the_survivor_and_back(live: Service, how: str) -> None:
    hands = live.project.hands
    original = live.project.add("Сквер", "Место: 53.5303, 49.3461", column="Одобрено")
    duplicate = live.project.add("Сквер ещё раз", "Место: 53.51, 49.4", column="Выполнено")
    guid = until(lambda: live.item(duplicate))["id"]
    until(lambda: live.item(original))
    hands.relate(duplicate, Relation.DUPLICATES, original)
    hands.close_card(duplicate)
    until(lambda: live.item(duplicate) is None)
    moved = requests.get(f"{live.url}/board/cards/{duplicate}", allow_redirects=False, timeout=30)
    assert (moved.status_code, moved.headers["Location"]) == (302, original)
    assert live.as_stranger(f"/ogc/collections/proposals/items/{guid}").json()["properties"]["card_id"] == original
    until(lambda: CLASH_TAG in tags(live, original))
    (offer,) = clashes(Desktop(live))
    assert (offer["reason"], offer["geometry"]["mine"]) == ("duplicate", wkb(THERE))
    if how == "reopened":
        hands.reopen_card(duplicate)
    else:
        hands.unrelate(duplicate, Relation.DUPLICATES, original)  # closed in the column of what is done: done
    until(lambda: live.item(duplicate))
    until(lambda: CLASH_TAG not in tags(live, original))
    assert live.as_stranger(f"/ogc/collections/proposals/items/{guid}").json()["properties"]["card_id"] == duplicate


def test_storm_on_both_sides_comes_to_rest(live: Service) -> None:
    dice = random.Random(20)
    cards = [live.project.add(f"Предложение {n}", dice.choice(LINES), dice.choice(COLUMNS)) for n in range(8)]
    desktop = Desktop(live)
    until(lambda: len(desktop.copy.follow().rows) == len(cards))
    drawn = [str(UUID(int=dice.getrandbits(128), version=4)) for _ in range(3)]
    desktop.push(*(change(guid, op="create", set={"title": "Нарисованное"}, geometry=wkb(HERE)) for guid in drawn))
    for _ in range(6):
        for card in dice.sample(cards, 4):
            at_the_board(live, dice, card, cards)
        guids = dice.sample(sorted(desktop.copy.rows), 4)
        desktop.push(*(on_the_map(desktop, dice, guid) for guid in guids))
        if dice.random() < 0.5:
            resolve_some(desktop, dice)
        if dice.random() < 0.5:
            desktop.copy.follow()  # otherwise the next edits are made from what is older
    for _ in range(2):
        sweep(live)
    third = sweep(live)
    assert (third["board_writes"], third["created"], third["updated"], third["clashes"]) == (0, 0, 0, 0)
    as_they_must(live, desktop, drawn)


def at_the_board(live: Service, dice: random.Random, card: str, cards: list[str]) -> None:
    hands = live.project.hands
    doings: list[Callable[[], object]] = [
        lambda: hands.edit_card(card, description="\n".join(dice.sample(LINES, 2))),
        lambda: live.project.drag(card, dice.choice(COLUMNS)),
        lambda: hands.set_tags(card, [CLASH_TAG] if dice.random() < 0.5 else []),
        lambda: hands.set_metadata(card, {"placecard_horizon": "2050"}),
        lambda: hands.close_card(card),
        lambda: hands.reopen_card(card),
        lambda: hands.relate(card, Relation.DUPLICATES, dice.choice([each for each in cards if each != card])),
    ]
    dice.choice(doings)()


def on_the_map(desktop: Desktop, dice: random.Random, guid: str) -> dict[str, Any]:
    said: list[dict[str, Any]] = [
        *({"set": {"horizon": year}} for year in (2040, 2041)),
        *({"set": {"address": text}} for text in ("Новая, 7", None)),
        *({"geometry": wkb(place)} for place in (HERE, THERE)),
        {"op": "unplace", "set": {}},
    ]
    return desktop.edit(guid, **dice.choice(said))


def resolve_some(desktop: Desktop, dice: random.Random) -> None:
    for clash in clashes(desktop):
        side = dice.choice(("mine", "theirs"))
        fields = {name: sides[side] for name, sides in clash["fields"].items()}
        geometry = {"geometry": clash["geometry"][side]} if clash["geometry"] else {}
        said = {"revision": clash["revision"], "fields": fields, **geometry}
        status, answer = desktop.ask("POST", f"{ROOT}/clashes/{clash['id']}", json=said)
        assert status in {200, 404, 409}, answer


def as_they_must(live: Service, desktop: Desktop, drawn: list[str]) -> None:
    rows = desktop.copy.follow().rows
    standing = clashes(desktop)
    shown = {clash["guid"] for clash in standing if clash["reason"] in {"fields", "edit", "duplicate"}}
    listed = [row for state in (0, 1) for row in listed_cards(live, state)]
    assert len(listed) == len(rows), "a card for each proposal, and a proposal for each card"
    assert sorted(row["reference"] for row in listed if row["reference"]) == sorted(drawn)
    by_card = {row["properties"]["card_id"]: row for row in rows.values()}
    for card in (str(row["id"]) for row in listed):
        row = by_card[card]
        assert (CLASH_TAG in tags(live, card)) == (row["guid"] in shown)
        assert len(set(live.project.links(card))) == len(live.project.links(card)) <= 1
        assert len(set(comments(live, card))) == len(comments(live, card))
        open_fields = {name for clash in standing if clash["guid"] == row["guid"] for name in clash["fields"]}
        horizon = metadata(live, card).get("placecard_horizon")
        if horizon is not None and "horizon" not in open_fields:
            assert horizon == str(row["properties"]["horizon"] or "∅")


def listed_cards(live: Service, state: int) -> list[dict[str, Any]]:
    found = live.project.server.call("getAllTasks", project_id=int(live.project.id), status_id=state)
    return list(found)
