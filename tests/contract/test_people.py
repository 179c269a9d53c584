"""The people of a board: the one in memory, and a real Kanboard."""

from __future__ import annotations

from uuid import uuid4

import pytest

from kanban_adapter.contract import Others, PeopleContract
from kanban_adapter.errors import BadCredentials, Missing
from kanban_adapter.kanboard import KanboardPeople
from kanban_adapter.memory import MemoryPeople
from kanban_adapter.people import PeopleAdapter, ProjectRole
from tests.boards import CountingSession
from tools.kanboard import KanboardServer, make_project


class TestMemoryPeople(PeopleContract):
    @pytest.fixture
    def people(self) -> PeopleAdapter:
        return MemoryPeople(["1", "2"])

    @pytest.fixture
    def others(self, people: MemoryPeople) -> Others:
        return MemoryHands(people)


class MemoryHands:
    """An administrator at the board in memory."""

    def __init__(self, people: MemoryPeople) -> None:
        self._people = people

    def add_account(self, login: str) -> str:
        return self._people.add_account(login, login)

    def add_group(self, name: str) -> str:
        return self._people.add_group("", name)


class TestKanboardPeople(PeopleContract):
    @pytest.fixture
    def people(self, kanboard_server: KanboardServer, projects: list[str]) -> PeopleAdapter:
        return people_of(kanboard_server, projects)

    @pytest.fixture
    def others(self, kanboard_server: KanboardServer) -> Others:
        return KanboardAdministrator(kanboard_server)


@pytest.fixture(scope="module")
def projects(kanboard_server: KanboardServer) -> list[str]:
    return [make_project(kanboard_server, f"Люди {uuid4().hex}") for _ in range(2)]


def people_of(server: KanboardServer, projects: list[str]) -> KanboardPeople:
    return KanboardPeople(CountingSession(), url=server.url, token=server.api_token, projects=projects)


class KanboardAdministrator:
    """The administrator of a real Kanboard."""

    def __init__(self, server: KanboardServer) -> None:
        self._server = server

    def add_account(self, login: str) -> str:
        return str(self._server.call("createUser", username=login, password="a password", name=login))

    def add_group(self, name: str) -> str:
        return str(self._server.call("createGroup", name=name))


@pytest.fixture
def people(kanboard_server: KanboardServer, projects: list[str]) -> KanboardPeople:
    return people_of(kanboard_server, projects)


def test_role_that_a_group_gives_is_told_and_not_taken(
    kanboard_server: KanboardServer, people: KanboardPeople, projects: list[str]
) -> None:
    """What an administrator opened to a group is theirs to close: nothing is changed, and nothing told to be."""
    word = uuid4().hex
    account = people.add_account(f"{word}-1", "Партнёр")
    group = kanboard_server.call("createGroup", name=word)
    kanboard_server.call("addGroupMember", group_id=group, user_id=int(account))
    token = ("jsonrpc", kanboard_server.api_token)
    named = {"project_id": int(projects[0]), "group_id": group, "role": "project-member"}
    kanboard_server.call("addProjectGroup", auth=token, **named)
    assert people.set_role(projects[0], account, None) is False
    assert people.roster(logins=word, keys=word).accounts[0].roles == {projects[0]: ProjectRole.MEMBER}
    assert people.set_role(projects[0], account, ProjectRole.VIEWER)
    assert people.roster(logins=word, keys=word).accounts[0].roles == {projects[0]: ProjectRole.VIEWER}


def test_administrator_is_known_as_one(kanboard_server: KanboardServer, people: KanboardPeople) -> None:
    word = uuid4().hex
    account = people.add_account(f"{word}-1", "Оператор")
    kanboard_server.call("updateUser", id=int(account), role="app-admin")
    assert people.roster(logins=word, keys=word).accounts[0].governs


def test_many_are_read_in_few_requests(kanboard_server: KanboardServer, projects: list[str]) -> None:
    word, session = uuid4().hex, CountingSession()
    values = [{"username": f"{word}-{number}", "password": "a password"} for number in range(20)]
    kanboard_server.call_many([("createUser", each) for each in values])
    asking = KanboardPeople(session, url=kanboard_server.url, token=kanboard_server.api_token, projects=projects)
    assert len(asking.roster(logins=word, keys=word).accounts) == 20
    assert session.sent <= 4


def test_project_that_vanished_is_no_answer(kanboard_server: KanboardServer) -> None:
    with pytest.raises(Missing):
        people_of(kanboard_server, ["999999"]).roster(logins="x", keys="x")


def test_wrong_token_is_told(kanboard_server: KanboardServer, projects: list[str]) -> None:
    asking = KanboardPeople(CountingSession(), url=kanboard_server.url, token="wrong", projects=projects)
    with pytest.raises(BadCredentials):
        asking.roster(logins="x", keys="x")
