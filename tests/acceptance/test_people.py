"""The board behind Apache and Keycloak beside the running service: who is dismissed at noon is out at noon."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from sync_service.people.deciding import login_of
from tests.boardgate import Gated, Visitor, gated
from tests.keycloak import API, JOBS
from tests.service import Service, announcing, make_service, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.keycloak import Keycloak, User

LONG = 3600
"""Apache asks nobody again in these tests: that somebody is out is then the board's own doing."""
AT_NOON = 60


@pytest.fixture(scope="module")
def board(keycloak: Keycloak, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gated]:
    with gated(tmp_path_factory.mktemp("gate"), keycloak, recheck=LONG) as made:
        yield made


@pytest.fixture(scope="module")
def service(board: Gated, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    settings = {
        "OIDC_ISSUER": board.realm.issuer,
        "OIDC_AUDIENCE": API,
        "JOBS_CLIENT_ID": JOBS,
        "JOBS_CLIENT_SECRET": str(board.realm.secret(JOBS)),
        "API_TOKEN": "a token of this test alone",
    }
    made = make_service(tmp_path_factory.mktemp("service"), board.project, **settings)
    with announcing(board.project, f"{made.url}/board/events"):
        made.start()
        yield made
        made.stop()


def is_active(board: Gated, user: User) -> bool:
    return board.accounts().get(login_of(user.id), ("", False))[1]


def sees_the_cards(board: Gated, visitor: Visitor) -> bool:
    shown = visitor.ask(f"{board.url}?controller=BoardViewController&action=show&project_id={board.project.id}")
    return shown.status_code == 200 and board.project.name in shown.text


@pytest.mark.usefixtures("service")
def test_account_is_there_before_somebody_first_comes(board: Gated) -> None:
    moderator, partner = board.realm.make_user("moderator", name="Модератор"), board.realm.make_user("partner")
    until(lambda: is_active(board, moderator) and is_active(board, partner), seconds=AT_NOON)
    assert board.accounts()[login_of(moderator.id)][0] == "Модератор"
    assert sees_the_cards(board, board.enter(moderator))
    assert not sees_the_cards(board, board.enter(partner))


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize("how", ["role", "disabled"])
def test_whoever_is_dismissed_is_off_the_board_within_a_minute(board: Gated, how: str) -> None:
    user = board.realm.make_user("moderator")
    until(lambda: is_active(board, user), seconds=AT_NOON)
    visitor = board.enter(user)
    kept = dict(visitor.browser.cookies.get_dict())
    assert sees_the_cards(board, visitor)
    began = time.monotonic()
    if how == "role":
        board.realm.take(user, "moderator")
    else:
        board.realm.admin.update_user(user.id, {"enabled": False})
    until(lambda: not sees_the_cards(board, visitor), seconds=AT_NOON)
    until(lambda: not is_active(board, user), seconds=AT_NOON - (time.monotonic() - began))
    again = Visitor().ask(board.url, cookies=kept)
    assert again.status_code == 302
    assert "controller=AuthController" in again.headers["Location"]
    until(
        lambda: (
            not board.kanboard.execute(
                "SELECT 1 FROM project_has_users p JOIN users u ON u.id = p.user_id WHERE u.username = ?",
                login_of(user.id),
            )
        )
    )


def test_cards_go_on_as_before(board: Gated, service: Service) -> None:
    """The gate stands before people: the service reads, and is told of changes, as without it."""
    card = board.project.add("Сквер у школы", "Место: 53.5303, 49.3461")
    board.project.drag(card, "Одобрено")
    until(lambda: service.item(card))
    until(lambda: board.project.links(card))
    assert service.check()["webhook"]["ok"]


def test_check_and_measurements_tell_of_it(board: Gated, service: Service) -> None:
    user = board.realm.make_user("viewer")
    until(lambda: is_active(board, user), seconds=AT_NOON)
    finding = until(lambda: service.check()["people"]["ok"] and service.check()["people"])
    assert "follow the identity provider" in finding["text"]
    changed = [line["data"] for line in service.lines() if line["event"] == "people.changed"]
    assert {row["by"] for row in changed} == {JOBS}
    measured = service.get("/metrics", headers={"Authorization": "Bearer a token of this test alone"}).text
    assert "placecard_people_withheld 0.0" in measured
    assert "placecard_people_age_seconds" in measured
    assert str(board.realm.secret(JOBS)) not in service.log.read_text()
