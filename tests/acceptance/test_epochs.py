"""Backups, copies and going back in time, as an operator meets them: commands, a running service, a real Kanboard."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import requests
import shapely

from tests.acceptance.test_exchange import Desktop, comments, metadata
from tests.copies import PROPOSALS
from tests.exchange import change, wkb
from tests.service import Service, until
from tools.kanboard import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEXT = "Место: 53.5303, 49.3461\nГоризонт: 2030"
THERE = shapely.Point(49.4, 53.51)


def at_rest(live: Service) -> bool:
    return '"board_writes":0' in live.run("sync", "--full", "--json").stdout


def written(live: Service, card: str) -> tuple[Any, ...]:
    """What anybody but a person could have written on a card."""
    return (metadata(live, card), comments(live, card), live.project.links(card))


def save(live: Service) -> Path:
    """A backup, made while the service runs."""
    done = live.run("backup", str(live.folder))
    assert done.returncode == 0, done.stderr
    (made,) = live.folder.glob("placecard-*.db")
    assert str(made) in done.stdout
    return made


def put_back(live: Service, backup: Path) -> None:
    """The service is stopped, the backup restored, the service started."""
    refused = live.run("restore", str(backup))
    assert (refused.returncode, "stop the service" in refused.stderr) == (3, True)
    live.stop()
    done = live.run("restore", str(backup))
    assert (done.returncode, "recover" in done.stdout) == (0, True), done.stderr
    live.start()


def test_restored_store_undoes_nothing_on_the_board_and_working_copies_keep_their_edits(live: Service) -> None:
    project = live.project
    card = project.add("Сквер у школы", TEXT, "Одобрено")
    desktop = Desktop(live)
    guid = until(lambda: desktop.row_of(card))["guid"]
    until(lambda: project.links(card))
    backup = save(live)

    drawn = str(uuid4())
    said = {"title": "Беседка", "description": "В тени лип"}
    desktop.push(
        desktop.edit(guid, set={"horizon": 2041}, geometry=wkb(THERE)),
        change(drawn, op="create", set=said, geometry=wkb(THERE)),
    )
    until(lambda: metadata(live, card).get("placecard_horizon") == "2041")
    other = until(lambda: desktop.copy.follow().rows[drawn]["properties"]["card_id"])
    until(lambda: at_rest(live))
    unsent = desktop.edit(guid, set={"address": "ул. Мира, 5"})
    before = [written(live, each) for each in (card, other)]
    cursor = desktop.copy.cursor

    put_back(live, backup)
    until(lambda: not live.check()["time"]["ok"])
    assert "later state" in live.check()["time"]["text"]
    assert live.run("sync").returncode == 4
    assert [written(live, each) for each in (card, other)] == before
    foretold = live.run("recover", "--dry-run")
    assert (foretold.returncode, "created 1" in foretold.stdout) == (4, True), foretold.stdout + foretold.stderr
    assert live.run("recover").returncode == 0
    until(lambda: at_rest(live))

    assert [written(live, each) for each in (card, other)] == before, "not undone, not doubled"
    (reference,) = [task["reference"] for task in cards_of(live) if str(task["id"]) == str(other)]
    assert reference == drawn
    assert desktop.ask("GET", f"{PROPOSALS}/changes", query={"since": cursor})[0] == 410
    fresh = Desktop(live)
    assert fresh.copy.rows[guid]["properties"]["horizon"] == 2041, "the card's newer word"
    assert fresh.copy.rows[guid]["properties"]["place_check"] == "place_lost"
    assert fresh.copy.rows[drawn]["properties"]["title"] == "Беседка"
    (result,) = desktop.push(unsent)
    assert (result["status"], result["clash"]["fields"]["address"]["mine"]) == ("clash", "ул. Мира, 5")


def cards_of(live: Service) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = live.project.server.call("getAllTasks", project_id=int(live.project.id), status_id=1)
    return found


def test_board_put_back_overwrites_nothing_on_the_map(live: Service) -> None:
    """The board is put back as far as one project goes: its mark, and what was written on its card."""
    project, server = live.project, live.project.server
    card = project.add("Сквер у школы", TEXT, "Одобрено")
    desktop = Desktop(live)
    guid = until(lambda: desktop.row_of(card))["guid"]
    until(lambda: project.links(card))
    assert live.run("sync").returncode == 0
    old = server.call("getProjectMetadata", project_id=int(project.id))["placecard_mark"]
    desktop.push(desktop.edit(guid, set={"horizon": 2041}, geometry=wkb(THERE)))
    until(lambda: metadata(live, card).get("placecard_horizon") == "2041")
    until(lambda: comments(live, card))
    until(lambda: at_rest(live))

    server.call("saveProjectMetadata", project_id=int(project.id), values={"placecard_mark": old})
    for table in ("task_has_metadata", "comments", "task_has_external_links"):
        server.execute(f"DELETE FROM {table} WHERE task_id = ?", int(card))

    stopped = live.run("sync")
    assert (stopped.returncode, "board went back" in stopped.stderr) == (4, True)
    assert live.run("recover").returncode == 0
    until(lambda: at_rest(live))
    row = Desktop(live).copy.rows[guid]
    assert row["properties"]["horizon"] == 2041
    assert live.item(card)["geometry"]["coordinates"] == [THERE.x, THERE.y]  # type: ignore[index]  # it is public
    _, answer = desktop.ask("GET", "/sync/v1/clashes")
    (clash,) = answer["clashes"]
    assert (clash["fields"]["horizon"]["theirs"], clash["fields"]["horizon"]["mine"]) == (2030, 2041)
    assert project.links(card) == [f"{live.url}/board/cards/{card}"]
    until(lambda: len(comments(live, card)) == 2)  # the place, again; and the clash


@pytest.fixture
def twin(live: Service, tmp_path: Path) -> Iterator[Service]:
    """A copy of the folder the service lives in, with a service of its own beside the same board."""
    live.project.add("Сквер у школы", TEXT, "Одобрено")
    until(live.items)
    until(lambda: at_rest(live))
    live.stop()
    folder = tmp_path / "twin"
    shutil.copytree(live.folder / "var", folder / "var")
    live.start()
    port = free_port()
    place = {"STORE_URL": f"sqlite:///{folder / 'var' / 'placecard.db'}", "PORT": str(port)}
    environ = live.environ | {f"PLACECARD_{name}": value for name, value in place.items()}
    made = replace(live, folder=folder, port=port, environ=environ, process=None, session=requests.Session())
    made.session.trust_env = False
    yield made
    made.session.close()
    if made.process is not None:
        made.stop()


def test_copied_store_shows_its_map_and_leaves_the_board_alone(live: Service, twin: Service) -> None:
    for command in ("sync", "check", "init"):
        done = twin.run(command)
        assert (done.returncode, "is a copy" in done.stdout + done.stderr) == (4, True), (command, done)
    twin.start()
    assert len(twin.items()) == 1
    before = live.project.server.call("getProjectMetadata", project_id=int(live.project.id))
    card = live.project.add("Велодорожка", TEXT, "Одобрено")
    until(lambda: live.project.links(card))
    assert live.project.links(card) == [f"{live.url}/board/cards/{card}"]
    assert [line["data"]["why"] for line in twin.lines() if line["event"] == "worker.rests"]
    assert not any(line["event"] == "effects.sent" for line in twin.lines())
    assert live.run("sync").returncode == 0
    after = live.project.server.call("getProjectMetadata", project_id=int(live.project.id))
    assert before["placecard_board"] == after["placecard_board"]


def test_moving_to_another_place_is_one_command_and_the_old_one_notices(live: Service, twin: Service) -> None:
    done = twin.run("recover")
    assert (done.returncode, "at home here now" in done.stdout) == (0, True), done.stderr
    assert twin.run("sync").returncode == 0
    twin.start()
    card = live.project.add("Велодорожка", TEXT, "Одобрено")
    assert twin.run("sync").returncode == 0
    until(lambda: twin.item(card))
    stopped = live.run("sync")
    assert (stopped.returncode, "later state" in stopped.stderr) == (4, True)
    assert live.project.links(card) == [f"{twin.url}/board/cards/{card}"] or not live.project.links(card)
