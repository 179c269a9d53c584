"""Boards for tests: a real Kanboard for the whole session, fresh projects on it, and people's hands at it.

`kanboard_server` runs once. `kanboard_project` is a new project with the usual columns, a bot of its own, an adapter
that reads by token and writes as the bot, and the hands of a person, whose drags send webhooks as in life.
"""

from __future__ import annotations

import re
import subprocess
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict

import pytest
import requests

from kanban_adapter.kanboard import KanboardBoard
from tools.kanboard import ADMIN, KanboardServer, make_project, make_user

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import date

    from kanban_adapter.card import Relation

BOT_PASSWORD = "a password of the bot"
TIMEZONE = "Europe/Samara"


class CountingSession(requests.Session):
    """A session that counts what it sends."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        self.sent = 0

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        self.sent += 1
        return super().send(request, **options)


class KanboardHands:
    """A person at a Kanboard, who is the administrator. What has no procedure of its own is done on the web pages."""

    def __init__(self, server: KanboardServer) -> None:
        self._server = server

    def _do(self, method: str, **params: Any) -> Any:
        return self._server.call(method, auth=ADMIN, **params)

    def _project(self, card_id: str) -> int:
        return int(self._do("getTask", task_id=int(card_id))["project_id"])

    def add_card(self, project_id: str, column_id: str, title: str, description: str = "") -> str:
        where = {"project_id": int(project_id), "column_id": int(column_id)}
        return str(self._do("createTask", title=title, description=description, **where))

    def edit_card(self, card_id: str, **fields: Any) -> None:
        """Takes title, description, reference, start, due and color, under the names the port has for them."""
        names = {"start": "date_started", "due": "date_due", "color": "color_id"}
        values = {names.get(name, name): value for name, value in fields.items()}
        for name in {"date_started", "date_due"} & values.keys():
            values[name] = _evening(values[name])
        self._do("updateTask", id=int(card_id), **values)

    def drag_card(self, card_id: str, column_id: str) -> None:
        task = self._do("getTask", task_id=int(card_id))
        where = {"project_id": task["project_id"], "swimlane_id": task["swimlane_id"], "column_id": int(column_id)}
        self._do("moveTaskPosition", task_id=int(card_id), position=1, **where)

    def close_card(self, card_id: str) -> None:
        self._do("closeTask", task_id=int(card_id))

    def reopen_card(self, card_id: str) -> None:
        self._do("openTask", task_id=int(card_id))

    def remove_card(self, card_id: str) -> None:
        self._do("removeTask", task_id=int(card_id))

    def move_project(self, card_id: str, project_id: str) -> None:
        self._do("moveTaskToProject", task_id=int(card_id), project_id=int(project_id))

    def set_tags(self, card_id: str, tags: Iterable[str]) -> None:
        self._do("setTaskTags", project_id=self._project(card_id), task_id=int(card_id), tags=list(tags))

    def set_metadata(self, card_id: str, values: Mapping[str, str]) -> None:
        self._do("saveTaskMetadata", task_id=int(card_id), values=dict(values))

    def add_comment(self, card_id: str, text: str) -> str:
        return str(self._do("createComment", task_id=int(card_id), user_id=1, content=text))

    def add_link(self, card_id: str, url: str, title: str) -> str:
        kind = {"type": "weblink", "dependency": "related"}
        return str(self._do("createExternalTaskLink", task_id=int(card_id), url=url, title=title, **kind))

    def relate(self, card_id: str, relation: Relation, other_id: str) -> None:
        link = self._do("getLinkByLabel", label=str(relation))["id"]
        self._do("createTaskLink", task_id=int(card_id), opposite_task_id=int(other_id), link_id=link)

    def unrelate(self, card_id: str, relation: Relation, other_id: str) -> None:
        for link in self._do("getAllTaskLinks", task_id=int(card_id)):
            if (link["label"], str(link["task_id"])) == (str(relation), other_id):
                self._do("removeTaskLink", task_link_id=int(link["id"]))

    def add_column(self, project_id: str, title: str) -> str:
        return str(self._do("addColumn", project_id=int(project_id), title=title))

    def rename_column(self, column_id: str, title: str) -> None:
        self._do("updateColumn", column_id=int(column_id), title=title)

    def remove_column(self, column_id: str) -> None:
        self._do("removeColumn", column_id=int(column_id))

    def remove_project(self, project_id: str) -> None:
        self._do("removeProject", project_id=int(project_id))

    def duplicate_card(self, card_id: str) -> str:
        """The menu entry "Duplicate": it copies the external links too, which no procedure does."""
        with self.signed_in() as pages:
            where = {"controller": "TaskDuplicationController", "action": "duplicate", "task_id": card_id}
            form = pages.get(f"{self._server.url}/", params=where, timeout=30).text
            token = re.search(r"csrf_token=([0-9a-f]+)", form)
            assert token, form[:500]
            confirmed = {**where, "confirmation": "yes", "csrf_token": token[1]}
            answer = pages.get(f"{self._server.url}/", params=confirmed, timeout=30, allow_redirects=False)
            copied = re.search(r"task_id=(\d+)|/task/(\d+)", answer.headers["Location"])
            assert copied, answer.headers
            return copied[1] or copied[2]

    def signed_in(self) -> requests.Session:
        """A browser's session, signed in."""
        pages = requests.Session()
        pages.trust_env = False
        login = f"{self._server.url}/?controller=AuthController&action="
        form = pages.get(f"{login}login", timeout=30).text
        token = re.search(r'name="csrf_token" value="([^"]+)"', form)
        assert token, form[:500]
        values = {"username": ADMIN[0], "password": ADMIN[1], "csrf_token": token[1]}
        pages.post(f"{login}check", data=values, timeout=30).raise_for_status()
        return pages


def _evening(day: date | None) -> str:
    return f"{day:%Y-%m-%d} 23:30" if day else ""


@dataclass(frozen=True, slots=True)
class KanboardProject:
    """A project of its own on the real Kanboard. `columns` gives ids by title; `bot` is a user name."""

    server: KanboardServer
    id: str
    name: str
    columns: dict[str, str]
    bot: str
    hands: KanboardHands
    adapter: KanboardBoard
    session: CountingSession

    def add(self, title: str = "Сквер у школы", description: str = "", column: str = "Предложено") -> str:
        """Have a person create a card."""
        return self.hands.add_card(self.id, self.columns[column], title, description)

    def drag(self, card_id: str, column: str) -> None:
        """Have a person drag a card to the column of this title."""
        self.hands.drag_card(card_id, self.columns[column])

    def links(self, card_id: str) -> list[str]:
        """Addresses of the card's external links."""
        return [link["url"] for link in self.server.call("getAllExternalTaskLinks", task_id=int(card_id))]


class Accounts(TypedDict, total=False):
    """Accounts for an adapter."""

    token: str
    user: str
    password: str


def make_bot(server: KanboardServer, *projects: str) -> str:
    """A bot that may work in these projects, with `BOT_PASSWORD`."""
    name = f"bot-{uuid.uuid4().hex[:12]}"
    make_user(server, name, BOT_PASSWORD, *projects)
    cheapen_passwords(server)
    return name


def cheapen_passwords(server: KanboardServer) -> None:
    """Have passwords compared quickly: Kanboard does it anew for every call of a batch, 80 ms each time."""
    for name, password in ((ADMIN[0], ADMIN[1]), ("bot-%", BOT_PASSWORD)):
        statement = "UPDATE users SET password = ? WHERE username LIKE ? AND password NOT LIKE '$2y$04$%'"
        server.execute(statement, cheap_hash(password), name)


def cheap_hash(password: str, known: dict[str, str] = {}) -> str:  # noqa: B006 - one PHP run per password is enough
    if password not in known:
        script = "echo password_hash($argv[1], PASSWORD_BCRYPT, ['cost' => 4]);"
        answer = subprocess.run(["php", "-r", script, password], check=True, capture_output=True, text=True)
        known[password] = answer.stdout
    return known[password]


def make_kanboard_project(server: KanboardServer) -> KanboardProject:
    """A fresh project, its bot, an adapter and hands."""
    name = f"Карта развития {uuid.uuid4().hex[:8]}"
    project = make_project(server, name)
    bot = make_bot(server, project)
    columns = server.call("getColumns", project_id=int(project))
    session = CountingSession()
    bot_account = Accounts(token=server.api_token, user=bot, password=BOT_PASSWORD)
    adapter = KanboardBoard(session, url=server.url, projects=[project], **bot_account)
    by_title = {column["title"]: str(column["id"]) for column in columns}
    return KanboardProject(server, project, name, by_title, bot, KanboardHands(server), adapter, session)


def wait_until(condition: Callable[[], Any], *, seconds: float = 20, every: float = 0.02) -> Any:
    """Poll until the condition holds and give what it gave; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(every)
    return result


@pytest.fixture(scope="session")
def kanboard_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KanboardServer]:
    """A running Kanboard, in Samara's time zone. Its webhook address is not set."""
    with KanboardServer(tmp_path_factory.mktemp("kanboard")) as server:
        server.set_setting("application_timezone", TIMEZONE)
        cheapen_passwords(server)
        yield server


@pytest.fixture
def kanboard_project(kanboard_server: KanboardServer) -> KanboardProject:
    """A fresh project on the session's Kanboard."""
    return make_kanboard_project(kanboard_server)
