"""The service as people run it: `placecard serve` in a process of its own, beside the real Kanboard."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tools.kanboard import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.boards import KanboardProject

PATIENCE = 120.0
"""Longest wait for a condition, in seconds: far beyond what anything takes, so that a slow machine is no failure."""

AREA = "49.0,53.35,49.75,53.7"


def until(condition: Callable[[], Any], *, seconds: float = PATIENCE) -> Any:
    """Wait until the condition gives something true, and give it."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.02)


def is_running(process: int) -> bool:
    """Whether a process is there and not merely waiting to be buried."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in {"Z", "X"}


@dataclass(slots=True)
class Service:
    """A service with a store of its own, bridging one project of the real Kanboard."""

    folder: Path
    project: KanboardProject
    port: int
    environ: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    session: requests.Session = field(default_factory=requests.Session)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def inner_url(self) -> str:
        """Where the inner addresses are."""
        bind = self.environ.get("PLACECARD_INTERNAL_BIND", "")
        return f"http://{bind}" if bind else self.url

    @property
    def log(self) -> Path:
        return self.folder / "service.log"

    def run(self, *arguments: str, **changed: str) -> subprocess.CompletedProcess[str]:
        """Run a command of `placecard`."""
        command = [sys.executable, "-m", "sync_service", *arguments]
        environ = {**self.environ, **changed}
        return subprocess.run(
            command, env=environ, cwd=self.folder, capture_output=True, text=True, timeout=PATIENCE * 2, check=False
        )

    def start(self) -> None:
        """Start `placecard serve` and wait until it is ready."""
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "sync_service", "serve"]
            self.process = subprocess.Popen(command, env=self.environ, cwd=self.folder, stdout=log, stderr=log)
        until(self.ready)

    def ready(self) -> bool:
        assert self.process is None or self.process.poll() is None, self.log.read_text()
        try:
            return self.session.get(f"{self.inner_url}/readyz", timeout=5).ok
        except (requests.ConnectionError, requests.Timeout):
            return False

    def stop(self, sign: signal.Signals = signal.SIGTERM) -> int:
        """End the service with a signal; its exit code."""
        assert self.process is not None
        children = self.children()
        self.process.send_signal(sign)
        code = self.process.wait(PATIENCE)
        until(lambda: not any(is_running(child) for child in children))
        self.process = None
        self.session.close()  # connections kept alive are of the process that is gone
        return code

    def children(self) -> list[int]:
        """Process ids of the web server and the job."""
        assert self.process is not None
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(child) for child in listed.split()]

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.session.get(f"{self.url}{path}", timeout=PATIENCE, **options)

    def as_stranger(self, path: str) -> requests.Response:
        """Ask as somebody from outside: what a proxy adds makes the caller no longer local."""
        return self.get(path, headers={"X-Forwarded-For": "203.0.113.7"})

    def items(self, collection: str = "proposals", **query: str) -> list[dict[str, Any]]:
        """Features of a collection as the public sees them."""
        answer = self.get(f"/ogc/collections/{collection}/items", params={"limit": "10000", **query})
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()["features"]
        return found

    def item(self, card: str, collection: str = "proposals") -> dict[str, Any] | None:
        """The public feature of a card."""
        return next(iter(self.items(collection, card_id=card)), None)

    def check(self) -> dict[str, dict[str, Any]]:
        """What `placecard check` finds, by name."""
        return {finding["name"]: finding for finding in json.loads(self.run("check", "--json").stdout)["checks"]}

    def lines(self) -> list[dict[str, Any]]:
        """The log."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]


def make_service(folder: Path, project: KanboardProject, **settings: str) -> Service:
    """A service that is set up (`init`) and not started."""
    port = free_port()
    given = {
        "STORE_URL": f"sqlite:///{folder / 'var' / 'placecard.db'}",
        "BOARD_URL": project.server.url,
        "BOARD_TOKEN": project.server.api_token,
        "BOARD_PROJECT": project.id,
        "WEBHOOK_TOKEN": project.server.webhook_token,
        "PUBLISH": "on",
        "SURGE_LIMIT": "1000",
        "AREA": AREA,
        "PORT": str(port),
        "LANGUAGE": "en",
        **settings,
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PLACECARD_")}
    root = str(Path(__file__).parents[1])
    environ = {**kept, "PYTHONPATH": root, **{f"PLACECARD_{name}": value for name, value in given.items()}}
    service = Service(folder, project, port, environ)
    service.session.trust_env = False
    done = service.run("init")
    assert done.returncode == 0, done.stdout + done.stderr
    return service


@pytest.fixture
def session() -> Iterator[requests.Session]:
    """Outgoing HTTP that takes nothing from this machine's environment."""
    with requests.Session() as made:
        made.trust_env = False
        yield made


@contextmanager
def announcing(project: KanboardProject, address: str) -> Iterator[None]:
    """While inside, the board calls this address with its webhooks."""
    before = project.server.setting("webhook_url")
    project.server.set_setting("webhook_url", address)
    try:
        yield
    finally:
        project.server.set_setting("webhook_url", before)


@pytest.fixture
def make_live(tmp_path: Path, kanboard_project: KanboardProject) -> Iterator[Callable[..., Service]]:
    """Makes running services with settings of the test's own; `webhooks=False`: the board calls nobody."""
    with ExitStack() as stack:

        def create(*, webhooks: bool = True, start: bool = True, **settings: str) -> Service:
            service = make_service(tmp_path, kanboard_project, **settings)
            stack.enter_context(announcing(kanboard_project, f"{service.url}/board/events" if webhooks else ""))
            stack.callback(_end, service)
            if start:
                service.start()
            return service

        yield create


def _end(service: Service) -> None:
    service.session.close()
    if service.process is not None and service.process.poll() is None:
        service.stop()


@pytest.fixture
def live(make_live: Callable[..., Service]) -> Service:
    """A running service whose board announces its changes."""
    return make_live()
