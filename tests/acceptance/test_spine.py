"""The first promise, from outside: a moderator drags a card on the real Kanboard, and it is a place on the map."""

from __future__ import annotations

import functools
import os
import signal
from typing import TYPE_CHECKING

from tests.service import is_running, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.service import Service

PLACE = "Место: 53.5303, 49.3461"


def test_dragged_card_is_a_place_and_moves_back_out(live: Service) -> None:
    project = live.project
    card = project.add("Сквер у школы", f"Посадить липы.\n{PLACE}\nСлужебно: сметы нет")
    project.drag(card, "Одобрено")
    feature = until(lambda: live.item(card))
    assert feature["geometry"] == {"type": "Point", "coordinates": [49.3461, 53.5303]}
    assert feature["properties"]["stage"] == "approved"
    assert "сметы" not in str(feature)
    assert live.item(card, "proposals_points")["geometry"]["type"] == "MultiPoint"  # type: ignore[index]  # it is there
    assert until(lambda: project.links(card)) == [f"{live.url}/board/cards/{card}"]
    assert live.get(f"/board/cards/{card}").ok
    project.drag(card, "Отклонено")
    until(lambda: live.item(card) is None)
    assert live.as_stranger(f"/ogc/collections/proposals/items/{feature['id']}").status_code == 404
    assert live.as_stranger(f"/board/cards/{card}").status_code == 404


def test_with_all_webhooks_lost_a_short_sweep_finds_it(make_live: Callable[..., Service]) -> None:
    live = make_live(webhooks=False, SWEEP_SECONDS="1")
    card = live.project.add(description=PLACE, column="Одобрено")
    until(lambda: live.item(card))
    assert live.check()["webhook"]["ok"] is False


def test_webhook_is_refused_without_its_token_and_never_believed(live: Service) -> None:
    card = live.project.add(description=PLACE, column="Предложено")
    until(lambda: live.get("/ogc/collections/working_points/items", params={"card_id": card}).json()["features"])
    lie = {"event_name": "task.move.column", "event_data": {"task_id": int(card), "task": {"column_title": "Одобрено"}}}
    address = f"{live.url}/board/events"
    assert live.session.post(address, json=lie, timeout=30).status_code == 403
    assert live.session.post(f"{address}?token=wrong", json=lie, timeout=30).status_code == 403
    token = live.project.server.webhook_token
    for body in (b"", b"{", b"[]", b'{"event_name": 7}', "не JSON".encode()):
        assert live.session.post(address, params={"token": token}, data=body, timeout=30).status_code == 204
    assert live.session.post(address, params={"token": token}, json=lie, timeout=30).status_code == 204
    assert live.run("sync").returncode == 0
    assert live.item(card) is None
    assert token not in live.log.read_text()
    assert live.environ["PLACECARD_BOARD_TOKEN"] not in live.log.read_text()


def test_sync_beside_a_worker_and_alone(live: Service) -> None:
    live.project.add(description=PLACE, column="В работе")
    beside = live.run("sync", "--json")
    assert (beside.returncode, beside.stderr) == (0, ""), beside.stderr
    live.stop()
    card = live.project.add(description=PLACE, column="Выполнено")
    alone = live.run("sync", "--json")
    assert alone.returncode == 0
    assert '"created":1' in alone.stdout
    live.start()
    assert live.item(card) is not None


def test_address_is_found_once_its_gazetteer_is_there(make_live: Callable[..., Service]) -> None:
    live = make_live(GAZETTEER="gazetteer.db", HOME_SETTLEMENT="Тольятти")
    card = live.project.add(description="Адрес: ул. Мира, 5", column="Одобрено")
    until(lambda: live.get("/ogc/collections/unplaced/items", params={"card_id": card}).json()["features"])
    houses = live.folder / "houses.csv"
    houses.write_text("street,housenumber,settlement,lon,lat\nул. Мира,5,Тольятти,49.41,53.51\n")
    assert live.run("gazetteer", "import", str(houses)).returncode == 0
    assert live.run("sync").returncode == 0
    assert until(lambda: live.item(card))["geometry"]["coordinates"] == [49.41, 53.51]


def test_job_never_outlives_its_roof_and_a_new_one_works_at_once(live: Service) -> None:
    children = live.children()
    assert len(children) == 2
    live.stop(signal.SIGKILL)
    assert not any(is_running(child) for child in children)
    card = live.project.add(description=PLACE, column="Одобрено")
    live.start()
    until(lambda: live.item(card))


def test_killed_job_is_replaced(live: Service) -> None:
    job = live.children()[-1]
    os.kill(job, signal.SIGKILL)
    until(lambda: len(live.children()) == 2 and job not in live.children())
    card = live.project.add(description=PLACE, column="Одобрено")
    until(lambda: live.item(card))


def test_graceful_stop(live: Service) -> None:
    assert live.stop(signal.SIGTERM) == 0
    assert not any(line["level"] == "ERROR" for line in live.lines())


def test_killed_again_and_again_under_a_burst_loses_and_doubles_nothing(live: Service) -> None:
    project = live.project
    cards = [project.add(f"Предложение {number}", PLACE) for number in range(24)]
    for position, card in enumerate(cards):
        project.drag(card, "Одобрено")
        if position % 8 == 7:
            live.stop(signal.SIGKILL)
            live.start()
    until(lambda: live.run("sync", "--json").stdout.count('"board_writes":0'))  # not every move has its webhook
    assert len(live.items()) == len(cards)
    for card in cards:
        assert len(until(functools.partial(project.links, card))) == 1
