"""The board's people follow a real Keycloak onto a real Kanboard, and lose nothing while either side is away."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
import requests
from pydantic import SecretStr

from kanban_adapter.errors import BoardError
from kanban_adapter.kanboard import KanboardPeople
from kanban_adapter.memory import MemoryPeople
from kanban_adapter.people import ProjectRole
from sync_service.access.endings import Endings
from sync_service.access.issuer import Issuer
from sync_service.access.table import Role
from sync_service.access.tokens import Claims
from sync_service.errors import PlacecardError, Unauthenticated, Unavailable
from sync_service.people.changes import AddAccount
from sync_service.people.deciding import EVERYBODY, KEYS, LOGINS, login_of
from sync_service.people.directory import Directory, Person
from sync_service.people.following import Follower
from sync_service.people.reading import Keycloak as Reading
from sync_service.people.state import Round, last_round
from sync_service.store.database import Database
from sync_service.store.endings import Kind, read_endings
from sync_service.store.migrate import migrate
from sync_service.words import LANGUAGES
from tests.boards import CountingSession
from tests.keycloak import API, JOBS, Keycloak, Realm, User
from tests.passage import read_token
from tools.kanboard import KanboardServer, make_project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ISSUER = "http://127.0.0.1/realms/city"


@pytest.fixture(scope="module")
def own(keycloak: Keycloak) -> Iterator[Realm]:
    """A realm where nobody is but the people of these tests."""
    with keycloak.realm_of_its_own("http://127.0.0.1:9") as made:
        yield made


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path / 'placecard.db'}"
    migrate(url)
    made = Database(url)
    yield made
    made.close()


def reading(realm: Realm, session: requests.Session | None = None, **changed: str) -> Reading:
    using = session or CountingSession()
    told = {"client": JOBS, "audience": API, "secret": str(realm.secret(JOBS)), **changed}
    secret = SecretStr(told["secret"])
    return Reading(Issuer(realm.issuer, using), using, secret=secret, client=told["client"], audience=told["audience"])


def people_in(directory: Directory, *users: User) -> list[Person]:
    wanted = {user.id for user in users}
    return [person for person in directory.people if person.subject in wanted]


# --- reading Keycloak


def test_people_come_with_their_roles_and_organisations(own: Realm) -> None:
    name = f"Музей {uuid4().hex[:8]}"
    both = own.make_user("moderator", "expert", organisations=(name,), name="Иван  Ъ")
    none, gone = own.make_user(), own.make_user("viewer")
    own.admin.update_user(gone.id, {"enabled": False})
    directory = reading(own).read()
    (one, other) = sorted(people_in(directory, both, none, gone), key=lambda each: not each.enabled)
    assert (one.name, set(one.roles)) == ("Иван Ъ", {Role.MODERATOR, Role.EXPERT})
    assert [directory.organisations[each] for each in one.organisations] == [name]
    assert (other.subject, other.enabled, other.is_welcome) == (gone.id, False, False)


def test_whoever_has_no_name_is_called_as_they_sign_in(own: Realm) -> None:
    user = own.make_user("viewer", name="")
    (person,) = people_in(reading(own).read(), user)
    assert person.name == user.username


def test_role_that_a_group_gives_counts_below_it_too(own: Realm) -> None:
    group = str(own.admin.create_group({"name": f"Отдел {uuid4().hex[:8]}"}))
    below = str(own.admin.create_group({"name": "Сектор"}, parent=group))
    own.admin.assign_group_client_roles(group, own.api, [own.admin.get_client_role(own.api, "project_group")])
    user = own.make_user("expert")
    own.admin.group_user_add(user.id, below)
    (person,) = people_in(reading(own).read(), user)
    assert person.roles == {Role.EXPERT, Role.PROJECT_GROUP}


def test_service_accounts_are_no_people(own: Realm) -> None:
    """The jobs' own account is an operator too, and nobody who comes to the board."""
    assert own.admin.get_client_role_members(own.api, "operator")
    assert not any(Role.OPERATOR in person.roles for person in reading(own).read().people)


def test_one_request_more_for_one_person_more(own: Realm) -> None:
    few, many = CountingSession(), CountingSession()
    reading(own, few).read()
    for _ in range(5):
        own.make_user("viewer")
    reading(own, many).read()
    assert many.sent == few.sent + 5


def test_token_is_kept_and_renewed(own: Realm) -> None:
    session, now = CountingSession(), [0.0]
    reader = Reading(
        Issuer(own.issuer, session, clock=lambda: now[0]),
        session,
        client=JOBS,
        secret=SecretStr(str(own.secret(JOBS))),
        audience=API,
        clock=lambda: now[0],
    )
    reader.read()
    first = session.sent
    reader.read()
    second = session.sent - first
    now[0] += 299
    reader.read()
    assert (second, session.sent - first - second) == (
        first - 2,
        first - 1,
    )  # addresses are known, a token is asked for


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"secret": "wrong"}, "people_refused"),
        ({"client": "nobody"}, "people_refused"),
        ({"audience": "another-api"}, "people_no_client"),
    ],
)
def test_account_that_cannot_read_says_why(own: Realm, changed: dict[str, str], reason: str) -> None:
    with pytest.raises(Unavailable) as caught:
        reading(own, None, **changed).read()
    assert caught.value.data["reason"] == reason
    for language in LANGUAGES:
        assert reason not in caught.value.say(language)
        assert str(own.secret(JOBS)) not in caught.value.say(language)


def test_account_without_rights_is_told(keycloak: Keycloak) -> None:
    with keycloak.realm_of_its_own("http://127.0.0.1:9") as realm:
        service, management = _service_account(realm)
        roles = realm.admin.get_client_roles_of_user(service, management)
        realm.admin.delete_client_roles_of_user(service, management, roles)
        with pytest.raises(Unavailable) as refused:
            reading(realm).read()
        assert refused.value.data["reason"] == "people_forbidden"


def test_account_may_read_people_and_no_secret(own: Realm) -> None:
    """Nothing that lists clients is among its rights: it would show the secret of every client."""
    service, management = _service_account(own)
    named = {role["name"] for role in own.admin.get_client_roles_of_user(service, management)}
    assert {"view-users", "query-groups"} <= named
    assert not {name for name in named if name.startswith("manage") or name in {"view-clients", "realm-admin"}}


def _service_account(realm: Realm) -> tuple[str, str]:
    account = realm.admin.get_client_service_account_user(str(realm.admin.get_client_id(JOBS)))
    return account["id"], str(realm.admin.get_client_id("realm-management"))


# --- onto the board


@dataclass
class Board:
    """A Kanboard of these tests alone, its project, and what makes its people follow."""

    server: KanboardServer
    project: str
    follower: Follower

    def account(self, user: User) -> tuple[str, bool, str | None, set[str]]:
        """Name, whether they may come in, their role in the project, and the keys of their groups."""
        there = self.follower.board.roster(logins=LOGINS, keys=KEYS)
        keys = {group.id: group.key for group in there.groups}
        (found,) = [each for each in there.accounts if each.login == login_of(user.id)]
        return found.name, found.active, found.roles.get(self.project), {keys[each] for each in found.groups}


@pytest.fixture(scope="module")
def kanboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KanboardServer]:
    with KanboardServer(tmp_path_factory.mktemp("people")) as server:
        yield server


@pytest.fixture
def board(kanboard: KanboardServer, own: Realm, database: Database) -> Board:
    project = make_project(kanboard, f"Карта {uuid4().hex[:8]}")
    people = KanboardPeople(CountingSession(), url=kanboard.url, token=kanboard.api_token, projects=[project])
    return Board(kanboard, project, Follower(database, reading(own), people, JOBS, own.issuer))


def test_somebody_s_whole_stay(board: Board, own: Realm) -> None:
    organisation = f"Двор {uuid4().hex[:8]}"
    user = own.make_user("moderator", organisations=(organisation,), name="Модератор")
    board.follower.follow()
    name, active, role, groups = board.account(user)
    assert (name, active, role) == ("Модератор", True, ProjectRole.MEMBER)
    assert len(groups) == 2
    assert EVERYBODY in groups

    own.give(user, "operator")
    own.admin.update_user(user.id, {"firstName": "Старший"})
    board.follower.follow()
    assert board.account(user)[:3] == ("Старший", True, ProjectRole.MANAGER)

    own.take(user, "operator", "moderator")
    own.give(user, "partner")
    board.follower.follow()
    assert board.account(user)[1:3] == (True, None)

    own.take(user, "partner")
    board.follower.follow()
    assert board.account(user) == ("Старший", False, None, set())

    own.give(user, "viewer")
    board.follower.follow()
    assert board.account(user)[1:3] == (True, ProjectRole.VIEWER)

    own.admin.delete_user(user.id)
    board.follower.follow()
    assert not board.account(user)[1]


def test_nothing_is_written_when_nothing_changed(board: Board, own: Realm) -> None:
    own.make_user("expert", organisations=("Музей",))
    board.follower.follow()
    before = board.server.database.read_bytes()
    assert board.follower.follow().changes == ()
    assert board.server.database.read_bytes() == before


def test_what_is_not_ours_is_left_alone(board: Board, own: Realm) -> None:
    own.make_user("viewer")
    bot = board.server.call("createUser", username=f"bot{uuid4().hex}", password="a password", name="Бот")
    group = board.server.call("createGroup", name=f"Свои {uuid4().hex}")
    board.server.call("addGroupMember", group_id=group, user_id=bot)
    token = ("jsonrpc", board.server.api_token)
    named = {"project_id": int(board.project), "user_id": bot, "role": "project-manager"}
    board.server.call("addProjectUser", auth=token, **named)
    before = _rows_of_others(board)
    board.follower.follow()
    assert _rows_of_others(board) == before


def _rows_of_others(board: Board) -> list[list[tuple[object, ...]]]:
    return [
        board.server.execute("SELECT * FROM users WHERE username NOT LIKE 'kc-%'"),
        board.server.execute("SELECT * FROM groups WHERE external_id NOT LIKE 'placecard:%'"),
        board.server.execute(
            "SELECT m.* FROM group_has_users m JOIN users u ON u.id = m.user_id WHERE u.username NOT LIKE 'kc-%'"
        ),
        board.server.execute(
            "SELECT p.* FROM project_has_users p JOIN users u ON u.id = p.user_id WHERE u.username NOT LIKE 'kc-%'"
        ),
    ]


def test_whoever_renames_their_account_is_dismissed_under_that_name_too(board: Board, own: Realm) -> None:
    """A key of their own that they made before would otherwise outlive them."""
    user = own.make_user("moderator")
    board.follower.follow()
    board.server.execute("UPDATE users SET username = 'renamed' WHERE username = ?", login_of(user.id))
    board.follower.follow()
    assert board.server.execute("SELECT is_active FROM users WHERE username = 'renamed'") == [(0,)]
    assert board.account(user)[1:3] == (True, ProjectRole.MEMBER)


def test_nobody_can_sign_in_by_the_password_of_an_account_of_ours(board: Board, own: Realm) -> None:
    user = own.make_user("moderator")
    board.follower.follow()
    for password in ("", "admin", login_of(user.id), user.password):
        answer = requests.post(
            f"{board.server.url}/jsonrpc.php",
            json={"jsonrpc": "2.0", "id": 1, "method": "getMe"},
            auth=(login_of(user.id), password),
            timeout=30,
        )
        assert "result" not in answer.json()


# --- when a side is away


class Given:
    """People as the test has them, or what goes wrong."""

    def __init__(self, count: int) -> None:
        self.people = [Person(f"s{number}", "Эксперт", frozenset({Role.EXPERT})) for number in range(count)]
        self.error: Exception | None = None

    def read(self) -> Directory:
        if self.error:
            raise self.error
        return Directory(self.people)


@pytest.fixture
def rest(database: Database) -> tuple[Given, MemoryPeople, Follower]:
    provider, board = Given(30), MemoryPeople(["1"])
    follower = Follower(database, provider, board, JOBS, ISSUER)
    follower.follow()
    return provider, board, follower


def state(database: Database) -> Round:
    with database.reading() as connection:
        found = last_round(connection)
    assert found
    return found


def test_provider_that_is_away_takes_nothing_away(
    rest: tuple[Given, MemoryPeople, Follower], database: Database
) -> None:
    provider, board, follower = rest
    before, written = state(database), board.written
    provider.error = Unavailable("people_away")
    with pytest.raises(Unavailable):
        follower.follow()
    assert board.written == written
    assert state(database).done == before.done
    assert state(database).why.keys() == {"ru", "en"}
    provider.error = None
    follower.follow()
    assert not state(database).why


def test_board_that_is_away_is_asked_again(rest: tuple[Given, MemoryPeople, Follower], database: Database) -> None:
    provider, board, follower = rest
    provider.people = provider.people[1:]
    board.away = True
    with pytest.raises(BoardError):
        follower.follow()
    assert state(database).why
    board.away = False
    follower.follow()
    assert sum(not account.active for account in board.accounts.values()) == 1


@pytest.mark.parametrize("left", [0, 15])
def test_listing_that_is_suddenly_short_takes_nothing_away(
    rest: tuple[Given, MemoryPeople, Follower], database: Database, left: int
) -> None:
    provider, board, follower = rest
    provider.people = provider.people[:left]
    written = board.written
    assert follower.follow().withheld == 30 - left
    assert board.written == written
    assert state(database).withheld == 30 - left
    assert follower.follow(confirmed=True).withheld == 0
    assert sum(account.active for account in board.accounts.values()) == left
    assert not state(database).withheld


def test_whoever_is_dismissed_is_signed_out_of_the_service_too(
    rest: tuple[Given, MemoryPeople, Follower], database: Database
) -> None:
    provider, _, follower = rest
    provider.people[3] = replace(provider.people[3], enabled=False)
    follower.follow()
    with database.reading() as connection:
        (ending,) = read_endings(connection)
    assert (ending.kind, ending.name) == (Kind.IDENTITY, f"{ISSUER} s3")


def test_token_of_somebody_dismissed_is_void_at_once(board: Board, own: Realm, database: Database) -> None:
    user = own.make_user("gis_editor")
    token = own.sign_in(user)["access_token"]
    board.follower.follow()
    own.admin.update_user(user.id, {"enabled": False})
    board.follower.follow()
    said = read_token(token)
    claims = Claims(own.issuer, said["sub"], "", frozenset(), (), "", said["sid"], said["exp"], said["iat"])
    with pytest.raises(Unauthenticated):
        Endings(database).demand_open(claims)


def test_one_that_the_board_will_not_take_holds_nobody_up(
    rest: tuple[Given, MemoryPeople, Follower], database: Database
) -> None:
    provider, board, follower = rest
    provider.people = [*provider.people[1:], Person("x" * 300, "Гость", frozenset({Role.VIEWER}))]
    plan = follower.follow()
    assert any(isinstance(change, AddAccount) for change in plan.changes)
    assert state(database).failed
    assert [account.login for account in board.accounts.values() if not account.active] == [login_of("s0")]


def test_log_has_ids_and_the_job_and_nobody_s_name(
    rest: tuple[Given, MemoryPeople, Follower], caplog: pytest.LogCaptureFixture
) -> None:
    provider, _, follower = rest
    provider.people = [*provider.people[1:], Person("new", "Тайное имя", frozenset({Role.VIEWER}))]
    with caplog.at_level("INFO"):
        follower.follow()
    changed = [record.data for record in caplog.records if record.message == "people.changed"]  # type: ignore[attr-defined]
    assert {row["by"] for row in changed} == {JOBS}
    assert {row["change"]["kind"] for row in changed} == {"Disable", "SetRole", "Leave", "AddAccount", "Join"}
    assert "Тайное" not in json.dumps([str(row) for row in changed], ensure_ascii=False)


def test_one_process_of_many_follows(rest: tuple[Given, MemoryPeople, Follower], database: Database) -> None:
    provider, board, follower = rest
    other = Follower(database, provider, board, JOBS, ISSUER)
    assert follower._mine()
    assert not other._mine()
    follower.stop.set()
    follower.run()
    assert other._mine()  # nobody waits for one that has gone


# --- by hand, and as the check tells it


def test_command_follows_and_says_so(board: Board, own: Realm, tmp_path: Path) -> None:
    user = own.make_user("viewer")
    given = {
        "STORE_URL": f"sqlite:///{tmp_path / 'placecard.db'}",
        "LANGUAGE": "en",
        "BOARD_URL": board.server.url,
        "BOARD_TOKEN": board.server.api_token,
        "BOARD_PROJECT": board.project,
        "OIDC_ISSUER": own.issuer,
        "OIDC_AUDIENCE": API,
        "JOBS_CLIENT_ID": JOBS,
        "JOBS_CLIENT_SECRET": str(own.secret(JOBS)),
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PLACECARD_")}
    environment = {**kept, **{f"PLACECARD_{name}": value for name, value in given.items()}}

    def run(*arguments: str, **changed: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "sync_service", *arguments]
        done = subprocess.run(command, env={**environment, **changed}, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    assert "have not followed yet" in run("check")[1]
    code, said = run("people")
    assert code == 0, said
    assert "Changes:" in said
    assert board.account(user)[1]
    assert "follow the identity provider:" in run("check")[1]
    code, said = run("people", PLACECARD_JOBS_CLIENT_SECRET="wrong")
    assert (code, "PLACECARD_JOBS_CLIENT_SECRET" in said) == (3, True)
    assert "do not follow: " in run("check")[1]
    assert run("people", PLACECARD_JOBS_CLIENT_ID="")[0] == 2


def test_error_is_one_of_ours() -> None:
    assert issubclass(Unavailable, PlacecardError)
