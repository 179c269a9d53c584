"""What an operator sees and does, on a running service beside the real Kanboard; every exit code is shown."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pytest
import shapely
from prometheus_client.parser import text_string_to_metric_families

from tests.boards import make_kanboard_project
from tests.faults import Fault, FaultProxy
from tests.service import Service, make_service, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tools.kanboard import KanboardServer

PLACE = "Место: 53.5303, 49.3461"
EDITOR = "a token of the editors, long enough"
BEARER = {"Authorization": f"Bearer {EDITOR}"}


@pytest.fixture(scope="module")
def calm(kanboard_server: KanboardServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A running service with an editor's token and one public card, whose board calls nobody."""
    project = make_kanboard_project(kanboard_server)
    service = make_service(tmp_path_factory.mktemp("calm"), project, API_TOKEN=EDITOR, SWEEP_SECONDS="2")
    project.add("Сквер у школы", PLACE, "Одобрено")
    service.start()
    until(lambda: len(service.items()) == 1)
    yield service
    service.session.close()
    service.stop()


def metrics(service: Service, **options: Any) -> dict[str, float]:
    """The metrics without labels, by name."""
    families = text_string_to_metric_families(service.get("/metrics", **options).text)
    return {sample.name: sample.value for family in families for sample in family.samples if not sample.labels}


# --- what is served


def test_health_and_readiness_say_nothing_of_the_data(calm: Service) -> None:
    for path in ("/healthz", "/readyz"):
        answer = calm.as_stranger(path)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_metrics_are_not_for_strangers_and_valid(calm: Service) -> None:
    assert calm.as_stranger("/metrics").status_code == 401
    assert calm.get("/metrics").status_code == 401, "a token is set: the machine itself is no proof"
    assert calm.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 401
    answer = calm.get("/metrics", headers=BEARER)
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    assert all(name.startswith("placecard_") and family.documentation for name, family in families.items())
    (public,) = [s for s in families["placecard_features"].samples if s.labels["visibility"] == "public"]
    assert (public.labels["stage"], public.value) == ("approved", 1)
    measured = metrics(calm, headers=BEARER)
    assert (measured["placecard_worker_leads"], measured["placecard_trouble"]) == (1, 0)
    assert measured["placecard_store_free_bytes"] > 0


def test_log_is_json_with_runs_and_without_secrets(calm: Service) -> None:
    token = calm.project.server.webhook_token
    calm.session.post(f"{calm.url}/board/events", params={"token": "guessed-token"}, timeout=60)
    calm.session.post(f"{calm.url}/board/events", params={"token": token}, data=b"{}", timeout=60)
    calm.get("/ogc/collections?token=in-the-query&f=json", headers=BEARER)
    until(
        lambda: any(line["event"] == "request" and line["data"]["path"] == "/ogc/collections" for line in calm.lines())
    )
    until(lambda: {line["event"] for line in calm.lines()} >= {"sweep.done", "effects.sent"})
    lines = calm.lines()
    ours = {"sweep.done", "hints.worked", "effects.sent", "request"}
    assert all(re.fullmatch(r"[0-9a-f]{16}", line["run"]) for line in lines if line["event"] in ours)
    text = calm.log.read_text()
    secrets = (token, "guessed-token", "in-the-query", EDITOR, calm.environ["PLACECARD_BOARD_TOKEN"])
    assert [secret for secret in secrets if secret in text] == []


# --- commands


def unannounced(service: Service) -> None:
    """Have a sweep find a change that no webhook told of."""
    service.project.add("Без объявления", "без места", "Предложено")
    assert service.run("sync").returncode == 0


def test_check_as_json_and_its_exit_codes(calm: Service) -> None:
    unannounced(calm)
    done = calm.run("check", "--json")
    said = json.loads(done.stdout)
    assert set(said) == {"ok", "checks"}
    assert all(set(row) == {"name", "ok", "text"} and row["text"] for row in said["checks"])
    names = [row["name"] for row in said["checks"]]
    assert names[:4] == ["store", "board", "clock", "identity"]
    assert {row["name"] for row in said["checks"] if not row["ok"]} == {"webhook"}
    assert (said["ok"], done.returncode) == (False, 1)
    assert "unproven" in next(row["text"] for row in said["checks"] if row["name"] == "webhook")
    assert calm.environ["PLACECARD_BOARD_TOKEN"] not in done.stdout + done.stderr


def test_check_speaks_russian(calm: Service) -> None:
    done = calm.run("check", PLACECARD_LANGUAGE="ru")
    assert "последний обход" in done.stdout
    assert "часовой пояс" in done.stdout


def test_sync_beside_a_worker_gives_that_workers_report(calm: Service) -> None:
    before = sum(line["event"] == "sweep.done" for line in calm.lines())
    calm.project.add("Ещё один", "без места", "Предложено")
    done = calm.run("sync", "--full", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    wanted = ["read", "created", "updated", "published", "hidden", "retired", "clashes", "board_writes", "errors"]
    assert list(report) == [*wanted, "seconds"]
    assert report["read"] >= 2
    assert sum(line["event"] == "sweep.done" for line in calm.lines()) > before


def test_columns_renamed_added_and_confirmed(calm: Service) -> None:
    project = calm.project
    own = project.columns["На рассмотрении"]
    assert calm.run("columns").returncode == 0
    project.hands.rename_column(own, "Одобрено советом")
    added = project.hands.add_column(project.id, "Кабинет мэра")
    project.hands.add_card(project.id, added, "Без стадии", PLACE)
    hidden = project.hands.add_card(project.id, own, "На рассмотрении", PLACE)
    try:
        shown = calm.run("columns")
        assert shown.returncode == 4
        assert "Одобрено советом" in shown.stdout
        assert calm.run("sync").returncode == 0
        assert len(calm.items()) == 1, "neither the new column nor the new name publishes anything"
        assert calm.item(hidden) is None
        found = calm.check()["columns"]
        assert (found["ok"], "Одобрено советом" in found["text"]) == (False, True)
        confirmed = calm.run("columns", "--confirm", PLACECARD_STAGES='{"Одобрено советом": "approved"}')
        assert confirmed.returncode == 0, confirmed.stdout
        until(lambda: calm.item(hidden))
    finally:
        project.hands.rename_column(own, "На рассмотрении")
        calm.run("columns", "--confirm")
    until(lambda: calm.item(hidden) is None)


def test_removed_column_keeps_the_cards_that_stood_in_it(calm: Service) -> None:
    """Kanboard removes a column only when its cards were moved out of it."""
    project = calm.project
    column = project.hands.add_column(project.id, "Done")
    card = project.hands.add_card(project.id, column, "В столбце, которого не станет", PLACE)
    until(lambda: calm.item(card))
    project.drag(card, "Одобрено")
    project.hands.remove_column(column)
    assert calm.run("sync").returncode == 0
    feature = calm.item(card)
    assert feature is not None
    assert feature["properties"]["stage"] == "approved"
    assert "no longer on the board" in calm.run("columns").stdout


def test_export_through_the_command(calm: Service) -> None:
    path = calm.folder / "all.gpkg"
    done = calm.run("export", str(path))
    assert (done.returncode, "Wrote" in done.stdout) == (0, True), done.stderr
    frame = gpd.read_file(path, layer="points")
    assert "Сквер у школы" in list(frame["title"])
    for wrong in ("all.pdf", "nowhere/all.csv", "/proc/all.csv"):
        refused = calm.run("export", str(calm.folder / wrong))
        assert (refused.returncode, refused.stdout, "Traceback" in refused.stderr) == (2, "", False), refused.stderr
        assert refused.stderr


def test_districts_and_gazetteer_are_imported(calm: Service) -> None:
    town = gpd.GeoDataFrame({"name": ["Центральный"]}, geometry=[shapely.box(49.3, 53.5, 49.4, 53.6)], crs=4326)
    town.to_crs(28409).to_file(calm.folder / "districts.gpkg")
    done = calm.run("districts", "import", str(calm.folder / "districts.gpkg"))
    assert done.returncode == 0, done.stderr
    (row,) = [item for item in calm.items() if item["properties"]["title"] == "Сквер у школы"]
    assert row["properties"]["district"] == "Центральный"
    (calm.folder / "broken.geojson").write_text("{ это не слой")
    for command in ("districts", "gazetteer"):
        broken = calm.run(command, "import", "broken.geojson", PLACECARD_GAZETTEER=str(calm.folder / "gazetteer.db"))
        assert (broken.returncode, "Traceback" in broken.stderr) == (2, False), broken.stderr
    columns = {"addr:street": ["улица Мира"], "addr:housenumber": ["5"], "addr:city": ["Тольятти"]}
    houses = gpd.GeoDataFrame(columns, geometry=[shapely.Point(49.41, 53.51)], crs=4326)
    houses.to_crs(3857).to_file(calm.folder / "houses.geojson")
    target = calm.folder / "gazetteer.db"
    made = calm.run("gazetteer", "import", str(calm.folder / "houses.geojson"), PLACECARD_GAZETTEER=str(target))
    assert (made.returncode, target.exists()) == (0, True), made.stderr
    assert calm.run("gazetteer", "import", "houses.geojson").returncode == 2, "no gazetteer is set"


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"PLACECARD_SURGE_LIMT": "5"}, "PLACECARD_SURGE_LIMIT"),
        ({"PLACECARD_CONFIG": "no-such.toml"}, "no-such.toml"),
        ({"PLACECARD_BOARD_URL": ""}, "PLACECARD_BOARD_URL"),
        ({"PLACECARD_BOARD_TOKEN": "", "PLACECARD_BOARD_TOKEN_FILE": "/no/such/secret"}, "/no/such/secret"),
    ],
    ids=["unknown variable", "no settings file", "not set", "no secret file"],
)
def test_wrong_settings_are_named_and_exit_two(calm: Service, changed: dict[str, str], named: str) -> None:
    done = calm.run("check", "--json", **changed)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert named in done.stderr
    assert "Traceback" not in done.stderr


def test_busy_port_is_said_and_exit_two(calm: Service) -> None:
    done = calm.run("serve", "--no-jobs")
    assert done.returncode == 2
    assert f"127.0.0.1:{calm.port}" in done.stderr
    assert "Traceback" not in done.stderr


def test_board_out_of_reach_is_exit_three_everywhere(calm: Service) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        away = f"http://127.0.0.1:{closed.getsockname()[1]}"
        checked = calm.run("check", "--json", PLACECARD_BOARD_URL=away)
        dry = calm.run("sync", "--dry-run", PLACECARD_BOARD_URL=away)
    assert (checked.returncode, dry.returncode) == (3, 3)
    board = next(row for row in json.loads(checked.stdout)["checks"] if row["name"] == "board")
    assert (board["ok"], away in board["text"]) == (False, True)
    assert "PLACECARD_BOARD_URL" in dry.stderr


# --- a board in trouble


@contextmanager
def behind(project: Any, folder: Path, **settings: str) -> Iterator[tuple[Service, FaultProxy]]:
    """A running service that reaches the board through a proxy with faults."""
    with FaultProxy(project.server.url) as proxy:
        service = make_service(folder, project, BOARD_URL=proxy.url, SWEEP_SECONDS="1", **settings)
        service.start()
        try:
            yield service, proxy
        finally:
            service.session.close()
            service.stop()


def test_board_in_trouble_is_said_and_forgotten_when_it_is_over(
    kanboard_server: KanboardServer, tmp_path: Path
) -> None:
    project = make_kanboard_project(kanboard_server)
    with behind(project, tmp_path) as (service, proxy):
        cards = [project.add("До сбоя", PLACE, "Одобрено")]
        until(lambda: service.item(cards[-1]))
        for fault in (Fault.HTML, Fault.TRUNCATED, Fault.ERROR, Fault.RESET):
            proxy.fault = fault
            cards.append(project.add(f"Во время: {fault}", PLACE, "Одобрено"))
            until(lambda: metrics(service)["placecard_trouble"] == 1)
            assert len(service.items()) == len(cards) - 1, "nothing is taken away"
            if fault is Fault.HTML:
                asked = service.run("sync", "--json")
                assert (asked.returncode, asked.stdout) == (3, ""), "the resting worker answers"
                assert "not JSON" in asked.stderr
                found = service.check()
                assert not found["board"]["ok"]
                assert "not JSON" in found["worker"]["text"]
            proxy.fault = None
            until(lambda: service.item(cards[-1]))
            until(lambda: metrics(service)["placecard_trouble"] == 0)
        until(lambda: all(project.links(card) for card in cards))
        assert [len(project.links(card)) for card in cards] == [1] * len(cards)
        rests = [line["data"]["why"] for line in service.lines() if line["event"] == "worker.rests"]
        assert len(rests) < 30, "said once a trouble, not at every try"


def test_service_starts_without_its_board_and_shows_what_it_has(live: Service) -> None:
    card = live.project.add(description=PLACE, column="Одобрено")
    until(lambda: live.item(card))
    live.stop()
    url = live.environ["PLACECARD_BOARD_URL"]
    with FaultProxy(url) as proxy:
        live.environ["PLACECARD_BOARD_URL"] = proxy.url
        proxy.fault = Fault.UNAVAILABLE
        live.start()
        assert live.item(card) is not None
        assert live.get("/").ok
        until(lambda: metrics(live)["placecard_trouble"] == 1)
        late = live.project.add("Пока доски нет", PLACE, "Одобрено")
        proxy.fault = None
        until(lambda: live.item(late))
        live.stop()


def test_token_revoked_and_given_anew(kanboard_server: KanboardServer, tmp_path: Path) -> None:
    """The token is the board's, shared with other tests: the proxy is what refuses it here, in Kanboard's own words."""
    project = make_kanboard_project(kanboard_server)
    token = kanboard_server.api_token
    service = make_service(tmp_path, project, SWEEP_SECONDS="1")
    card = project.add(description=PLACE, column="Одобрено")
    service.start()
    try:
        until(lambda: service.item(card))
        kanboard_server.set_setting("api_token", "another token altogether")
        until(lambda: metrics(service)["placecard_trouble"] == 1)
        checked = service.run("check", "--json")
        said = {row["name"]: row for row in json.loads(checked.stdout)["checks"]}
        assert (checked.returncode, said["board"]["ok"]) == (3, False)
        assert "PLACECARD_BOARD_TOKEN" in said["board"]["text"]
        asked = service.run("sync", "--dry-run")
        assert (asked.returncode, "PLACECARD_BOARD_TOKEN" in asked.stderr) == (3, True), asked.stderr
        assert token not in checked.stdout + service.log.read_text()
        assert service.item(card) is not None
        kanboard_server.set_setting("api_token", token)
        until(lambda: metrics(service)["placecard_trouble"] == 0)
    finally:
        kanboard_server.set_setting("api_token", token)
        service.session.close()
        service.stop()


def test_removed_project_is_named_and_takes_nothing_away(kanboard_server: KanboardServer, tmp_path: Path) -> None:
    project = make_kanboard_project(kanboard_server)
    service = make_service(tmp_path, project, SWEEP_SECONDS="1")
    card = project.add(description=PLACE, column="Одобрено")
    service.start()
    try:
        until(lambda: service.item(card))
        assert service.run("sync").returncode == 0
        project.hands.remove_project(project.id)
        until(lambda: metrics(service)["placecard_trouble"] == 1)
        asked = service.run("sync")
        assert asked.returncode == 1, "no board that went back: there is nothing to recover"
        assert f"project: {project.id}" in asked.stderr
        assert "PLACECARD_BOARD_PROJECT" in asked.stderr
        checked = service.run("check", "--json")
        said = {row["name"]: row for row in json.loads(checked.stdout)["checks"]}
        assert (checked.returncode, said["board"]["ok"], said["time"]["ok"]) == (3, False, True)
        assert "PLACECARD_BOARD_PROJECT" in said["board"]["text"]
        assert service.item(card) is not None
        assert metrics(service)["placecard_went_back"] == 0
    finally:
        service.session.close()
        service.stop()


def test_board_put_back_from_a_backup_waits_for_a_person(live: Service) -> None:
    project, server = live.project, live.project.server
    card = project.add(description=PLACE, column="Одобрено")
    until(lambda: live.item(card))
    assert live.run("sync").returncode == 0
    rows = server.execute("SELECT name, value FROM project_has_metadata WHERE project_id = ?", int(project.id))
    old = dict(rows)["placecard_mark"]
    project.drag(card, "Отклонено")
    until(lambda: live.item(card) is None)
    assert live.run("sync").returncode == 0
    server.call("saveProjectMetadata", project_id=int(project.id), values={"placecard_mark": old})
    project.drag(card, "Одобрено")  # what the backup holds
    stopped = live.run("sync")
    assert stopped.returncode == 4
    assert "placecard recover" in stopped.stderr
    checked = live.run("check", "--json")
    assert checked.returncode == 4
    assert live.item(card) is None, "nothing is published while it stands"
    assert metrics(live)["placecard_went_back"] == 1
    assert live.run("recover").returncode == 0
    until(lambda: live.item(card))
    assert live.run("sync").returncode == 0


def test_surge_waits_for_a_person(make_live: Callable[..., Service]) -> None:
    live = make_live(SURGE_LIMIT="2", SWEEP_SECONDS="1")
    cards = [live.project.add(f"Предложение {number}", PLACE, "Одобрено") for number in range(5)]
    until(lambda: metrics(live)["placecard_waiting_changes"] == 3)
    assert len(live.items()) == 2
    assert live.run("sync").returncode == 4
    listed = live.run("waiting")
    assert (listed.returncode, len(listed.stdout.splitlines())) == (4, 3)
    first, second, _ = [line.split("\t")[0] for line in listed.stdout.splitlines()]
    assert live.run("waiting", "--refuse", first).returncode == 4
    assert live.run("waiting", "--confirm", second).returncode == 4
    until(lambda: len(live.items()) == 3)
    assert live.run("waiting", "--confirm", "all").returncode == 0
    until(lambda: len(live.items()) == 4)
    assert len(cards) == 5
    assert live.run("waiting", "--confirm", "999999").returncode == 2


# --- workers


def test_second_worker_stands_by_and_takes_over(make_live: Callable[..., Service]) -> None:
    live = make_live(start=False)
    command = [sys.executable, "-m", "sync_service"]
    with live.log.open("ab") as log, (live.folder / "workers.log").open("ab") as other:
        web = subprocess.Popen(
            [*command, "serve", "--no-jobs"], env=live.environ, cwd=live.folder, stdout=log, stderr=log
        )
        live.process = web
        until(live.ready)
        first, second = (
            subprocess.Popen([*command, "worker"], env=live.environ, cwd=live.folder, stdout=other, stderr=other)
            for _ in range(2)
        )
        try:
            card = live.project.add(description=PLACE, column="Одобрено")
            until(lambda: live.item(card))
            leader = leading(live)
            assert leader in {first.pid, second.pid}
            os.kill(leader, signal.SIGKILL)
            after = live.project.add("После смерти первого", PLACE, "Одобрено")
            until(lambda: live.item(after))
            assert leading(live) == ({first.pid, second.pid} - {leader}).pop()
            until(lambda: [len(live.project.links(each)) for each in (card, after)] == [1, 1])
        finally:
            for worker in (first, second):
                worker.terminate()
                worker.wait(60)


def leading(live: Service) -> int:
    """Process id of the worker that leads."""
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(live.folder / "var" / "placecard.db")) as store:
        (holder,) = store.execute("SELECT holder FROM lease WHERE name = 'worker'").fetchone()
    return int(str(holder).split(":")[1])
