"""A real Kanboard on this machine, for tests, the demo and the benchmarks.

    python -m tools.kanboard fetch
    python -m tools.kanboard serve --data DIR [--port N]

The program is Debian's own package, kept in the cache folder; the PHP libraries it needs are listed in
`tools/packages/kanboard.txt` and come from the machine's own release. All data stay in the folder the caller names.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import requests

from tools import debian
from tools.servers import NotStarted

if TYPE_CHECKING:
    from collections.abc import Mapping

PACKAGES = Path(__file__).parent / "packages" / "kanboard.txt"
"""Debian packages the machine must have, one a line."""

TESTED = ("1.2.51",)
"""Versions the tests have run against. A newer one is named on standard error, and runs."""

COLUMNS = ("Предложено", "На рассмотрении", "Одобрено", "В работе", "Выполнено", "Отклонено")
ADMIN = ("admin", "admin")
MOVES = 50
"""How often a move is tried while the board's file is locked."""
START_SECONDS = 30

# php's workers outlive their parent and keep the port. So the whole group hangs on a pipe that only the starting
# process holds: when that process ends, however it ends, `cat` returns and the group is told to stop.
GROUP = '(php -d opcache.enable_cli=1 -S "$0" -t "$1" </dev/null; kill -TERM 0) & cat >/dev/null; kill -TERM 0'


def fetch() -> Path:
    """Give the folder of the unpacked Kanboard, downloading it when the cache has none."""
    home = debian.cache_folder() / "kanboard"
    if ready := sorted(home.glob("tree-*")):
        return ready[-1]
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home) as work:
        package = debian.download("kanboard", "sid", Path(work))
        version = debian.package_version(package)
        _warn_untested(version)
        debian.unpack(package, Path(work) / "unpacked")
        return _settle(Path(work) / "unpacked/usr/share/kanboard", home / f"tree-{version}")


def _settle(tree: Path, place: Path) -> Path:
    # Debian's config.php reads /etc, which is not ours: without the file everything is set by environment.
    for link in ("config.php", ".htaccess", "LICENSE"):
        (tree / link).unlink(missing_ok=True)
    return debian.settle(tree, place)


def _warn_untested(version: str) -> None:
    if not version.startswith(TESTED):
        print(f"kanboard {version} is not one of the versions tested: {', '.join(TESTED)}", file=sys.stderr)


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class KanboardServer:
    """A running Kanboard. Use as a context manager, or call `start` and `stop`; it ends with the starting process.

    `environment` sets it up further, such as who may say whom it speaks with (`tools.apache`).
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int | None = None,
        webhook_url: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.data_dir = data_dir.resolve()
        self.port = port or free_port()
        self.webhook_url = webhook_url
        self.environment = environment or {}
        self._group: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def database(self) -> Path:
        return self.data_dir / "db.sqlite"

    @property
    def log(self) -> Path:
        return self.data_dir / "kanboard.log"

    @property
    def api_token(self) -> str:
        return self.setting("api_token")

    @property
    def webhook_token(self) -> str:
        return self.setting("webhook_token")

    def setting(self, name: str) -> str:
        """One value of the settings page."""
        with sqlite3.connect(self.database, timeout=30) as store:
            found = store.execute('SELECT value FROM settings WHERE "option" = ?', (name,)).fetchone()
        store.close()
        return str(found[0]) if found else ""

    def set_setting(self, name: str, value: str) -> None:
        """Set a value of the settings page, such as `webhook_url` or `application_timezone`."""
        with sqlite3.connect(self.database, timeout=30) as store:
            store.execute('INSERT OR REPLACE INTO settings ("option", value) VALUES (?, ?)', (name, value))
        store.close()

    def execute(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Run SQL on Kanboard's own database: for states no API can bring about."""
        with sqlite3.connect(self.database, timeout=30) as store:
            rows = store.execute(statement, values).fetchall()
        store.close()
        return rows

    def start(self) -> Self:
        """Start and wait until it answers. Raises `NotStarted`."""
        tree = fetch()
        for folder in ("files", "plugins", "cache"):
            (self.data_dir / folder).mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._group = subprocess.Popen(
                ["sh", "-c", GROUP, f"127.0.0.1:{self.port}", str(tree)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=os.environ | self._environment(),
                start_new_session=True,
            )
        self._await_answer()
        self.set_setting("application_url", f"{self.url}/")
        if self.webhook_url:
            self.set_setting("webhook_url", self.webhook_url)
        return self

    def _environment(self) -> dict[str, str]:
        return {
            "DATA_DIR": str(self.data_dir),
            "FILES_DIR": str(self.data_dir / "files"),
            "PLUGINS_DIR": str(self.data_dir / "plugins"),
            "CACHE_DIR": str(self.data_dir / "cache"),
            "LOG_DRIVER": "stderr",
            "WEBHOOK_ALLOW_PRIVATE_NETWORKS": "true",
            # One worker deadlocks as soon as a webhook's receiver asks the board something.
            "PHP_CLI_SERVER_WORKERS": "4",
            **self.environment,
        }

    def _await_answer(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._group and self._group.poll() is None:
            try:
                if requests.get(f"{self.url}/?controller=AuthController&action=login", timeout=10).ok:
                    return
            except requests.ConnectionError:
                time.sleep(0.05)
        self.stop()
        raise NotStarted(self.log.read_text(errors="replace")[-2000:])

    def stop(self) -> None:
        """End the whole process group. Does nothing when it is not running."""
        group, self._group = self._group, None
        if group is None:
            return
        assert group.stdin
        group.stdin.close()
        try:
            group.wait(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(group.pid, signal.SIGKILL)
            group.wait()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def call(self, method: str, *, auth: tuple[str, str] | None = None, **params: Any) -> Any:
        """Call one JSON-RPC procedure, as the administrator unless told; a result of false is an error here.

        Kanboard moves a card in a transaction that reads first: SQLite refuses it at once when somebody else has
        written meanwhile, and it is tried again, as a person would. A card moved in spite of such an answer (it was
        what comes after the move that met the other) is told by the next try: there is nothing left to move. Then no
        webhook was sent.
        """
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        tries = MOVES if method.startswith("move") else 1
        for left in reversed(range(tries)):
            answer = requests.post(f"{self.url}/jsonrpc.php", json=body, auth=auth or ADMIN, timeout=60)
            content = answer.json()
            if not (left and "database is locked" in str(content.get("error"))):
                break
        moved = left < tries - 1 and content.get("result") is False
        if content.get("error") or (content["result"] is False and not moved):
            raise RuntimeError(f"{method}: {content}")
        return moved or content["result"]

    def call_many(self, calls: list[tuple[str, dict[str, Any]]], chunk: int = 100) -> list[Any]:
        """Call many procedures in batches with the application token, which is quick and asks for no rights."""
        results: list[Any] = []
        for first in range(0, len(calls), chunk):
            body = [
                {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
                for number, (method, params) in enumerate(calls[first : first + chunk])
            ]
            auth = ("jsonrpc", self.api_token)
            answer = requests.post(f"{self.url}/jsonrpc.php", json=body, auth=auth, timeout=300).json()
            results += [row["result"] for row in sorted(answer, key=lambda row: row["id"])]
        return results


def make_project(server: KanboardServer, name: str, columns: tuple[str, ...] = COLUMNS) -> str:
    """Create a project with these columns and give its id."""
    project = server.call("createProject", auth=("jsonrpc", server.api_token), name=name)
    (initial,) = server.call_many([("getColumns", {"project_id": project})])
    server.call_many(
        [
            *(("removeColumn", {"column_id": column["id"]}) for column in initial),
            *(("addColumn", {"project_id": project, "title": title}) for title in columns),
            ("addProjectUser", {"project_id": project, "user_id": 1, "role": "project-manager"}),
        ]
    )
    return str(project)


def make_user(server: KanboardServer, username: str, password: str, *projects: str) -> str:
    """Create a user who may work in these projects only, such as the bot. Gives the user's id."""
    person = {"username": username, "password": password, "name": username}
    user = server.call("createUser", auth=("jsonrpc", server.api_token), **person)
    admit_user(server, str(user), *projects)
    return str(user)


def admit_user(server: KanboardServer, user: str, *projects: str) -> None:
    """Let a user work in these projects too."""
    member = {"user_id": int(user), "role": "project-member"}
    server.call_many([("addProjectUser", {"project_id": int(project), **member}) for project in projects])


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.kanboard")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("fetch", help="download Kanboard into the cache")
    serve = commands.add_parser("serve", help="run it until interrupted")
    serve.add_argument("--data", type=Path, required=True)
    serve.add_argument("--port", type=int, default=8080)
    wanted = parser.parse_args()
    if wanted.command == "fetch":
        print(fetch())
        return
    if not shutil.which("php"):
        sys.exit(f"php is missing: install the packages of {PACKAGES}")
    with KanboardServer(wanted.data, port=wanted.port) as server:
        print(f"{server.url} (admin/admin)", flush=True)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        signal.pause()


if __name__ == "__main__":
    main()
