"""Between the real Kanboard and QGIS 3.40: dragged cards are seen, and edits of a live layer reach the cards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.qgis.desktop import run_desktop
from tests.service import until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.service import Service


def test_qgis_sees_a_dragged_card_after_a_reload(live: Service, tmp_path: Path) -> None:
    first = live.project.add("Сквер", "Место: 53.5303, 49.3461\nГоризонт: 2040", "Одобрено")
    second = live.project.add("Фонтан", "Место: 53.5101, 49.4120")
    until(lambda: live.item(first))
    with run_desktop(tmp_path) as desktop:
        desktop.url = f"{live.url}/ogc/"
        layer = desktop.ask("proposals_points")
        assert (layer["valid"], layer["geometry"], layer["count"]) == (True, "MultiPoint", 1)
        assert layer["fields"]["horizon"] == "Integer"
        live.project.drag(second, "Одобрено")
        until(lambda: live.item(second))
        seen = desktop.ask("proposals_points", reload=True)
        assert sorted(each["attributes"]["title"] for each in seen["features"]) == ["Сквер", "Фонтан"]
        live.project.drag(first, "Отклонено")
        until(lambda: live.item(first) is None)
        seen = desktop.ask("proposals_points", reload=True)
        assert [each["attributes"]["title"] for each in seen["features"]] == ["Фонтан"]


def test_what_is_edited_in_qgis_reaches_the_card(make_live: Callable[..., Service], tmp_path: Path) -> None:
    live = make_live(NATIVE_EDITS="working_points")
    board, project = live.project.server, live.project
    card = project.add("Сквер", "Место: 53.5303, 49.3461", "Одобрено")
    other = project.add("Фонтан", "Место: 53.5101, 49.4120", "Одобрено")
    until(lambda: live.item(card) and live.item(other))
    (known,) = live.items(card_id=card)
    with run_desktop(tmp_path) as desktop:
        desktop.url = f"{live.url}/ogc/"

        def save(*edits: tuple[object, ...]) -> None:
            answer = desktop.ask("working_points", edits=edits)
            assert answer["saved"], answer["said"]

        save(
            ("move", known["id"], 0, 49.35, 53.54),
            ("set", known["id"], "address", "Мира, 7"),
            ("add", "MultiPoint ((49.4 53.5))", {"title": "Качели"}),
        )
        until(lambda: board.call("getTaskMetadata", task_id=int(card)).get("placecard_address") == "Мира, 7")
        until(lambda: "Качели" in titles(live))
        assert live.item(card)["geometry"]["coordinates"] == [49.35, 53.54]  # type: ignore[index]  # it is public
        save(("delete", known["id"]))
    until(lambda: live.run("sync", "--full").returncode == 0 and live.item(card) is None)
    assert sorted(titles(live)) == ["Качели", "Сквер", "Фонтан"]
    assert live.item(other)["geometry"]["coordinates"] == [49.412, 53.5101]  # type: ignore[index]  # it is public


def titles(live: Service) -> list[str]:
    cards = live.project.server.call("getAllTasks", project_id=int(live.project.id), status_id=1)
    return [card["title"] for card in cards]
