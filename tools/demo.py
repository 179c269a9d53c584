"""The demo: a real Kanboard and the service with sample data, in the foreground until Ctrl-C. `python -m tools.demo`.

Everything it makes stands in `var/demo`, its own board included; a second run goes on with it, `--fresh` begins anew.
The plugin for QGIS is zipped anew at every start: that is quicker than to know whether the last one still holds.
Whatever it starts ends with it, however it ends.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import requests

from tools import plugin
from tools.kanboard import KanboardServer, free_port, make_project, make_user
from tools.servers import NotStarted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

ROOT = Path(__file__).parents[1]
HOME = ROOT / "var/demo"
SAMPLES = ROOT / "config/demo"
ARCHIVE = "placecard.zip"
PLACECARD = Path(sys.executable).with_name("placecard")

PROJECT = "Карта развития"
BOT = "placecard"
BOT_SETTINGS = ("PLACECARD_BOARD_USER", "PLACECARD_BOARD_PASSWORD")
AREA = "49.0,53.35,49.75,53.7"
SETTLEMENT = "Тольятти"
TIMEZONE = "Europe/Samara"
MAP_PORT = 8080
BOARD_PORT = 8081
READY_SECONDS = 120
STOP_SECONDS = 30
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

WELCOME = """
  Карта · The map          {map}/
  OGC API Features (QGIS)  {map}/ogc/
  Модуль QGIS · its plugin {map}/plugins/plugins.xml
  Доска · The board        {board}/?controller=BoardViewController&action=show&project_id={project}
                           вход · sign in: admin / admin

  С этой машины можно всё, входить на карту не нужно. Перетащите карточку в столбец «Одобрено» – она появится на карте.
  From this machine everything is allowed without signing in. Drag a card to «Одобрено» (approved) and it is on the map.

  Данные и журналы · data and logs: {home}
  Остановить · to stop: Ctrl-C
"""


class DemoError(RuntimeError):
    """The demo cannot go on; the text says why."""


@dataclass(frozen=True, slots=True)
class Board:
    """What the service is told about the demo's Kanboard."""

    url: str
    token: str
    webhook_token: str
    project: str
    bot_password: str


@dataclass(frozen=True, slots=True)
class Frame:
    """What is around a demo: settings of the service besides its own, Kanboard's environment, the words of welcome.

    `gate` puts something before the Kanboard of an address and gives the address that people use instead.
    """

    settings: Mapping[str, str] = field(default_factory=dict)
    kanboard: Mapping[str, str] = field(default_factory=dict)
    welcome: str = WELCOME
    gate: Callable[[str], AbstractContextManager[str]] = nullcontext


PLAIN = Frame()


@contextmanager
def sole_run(home: Path) -> Iterator[None]:
    """Hold the demo's folder for this process alone. Raises `DemoError` when another demo runs in it."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise DemoError(f"демо уже запущено · a demo is running already in {home}") from None
        yield


def choose_port(wanted: int) -> int:
    """The port wanted, or a free one when somebody listens there, which is said."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            port = free_port()
            tell(f"порт {wanted} занят, беру {port} · port {wanted} is taken, using {port}")
            return port
    return wanted


def tell(text: str) -> None:
    """Say what is going on."""
    print(text, flush=True)


def prepare_board(server: KanboardServer, home: Path) -> Board:
    """Give the board its project, its bot and its clock, as far as they are not there yet."""
    server.set_setting("application_language", "ru_RU")
    server.set_setting("application_timezone", TIMEZONE)
    auth = ("jsonrpc", server.api_token)
    found = server.execute("SELECT id FROM projects WHERE name = ? ORDER BY id", PROJECT)
    project = str(found[0][0]) if found else make_project(server, PROJECT)
    password = kept_secret(home / "bot-password")
    known = server.execute("SELECT id FROM users WHERE username = ?", BOT)
    if known:
        # A run that was broken off may have made the user and not its membership.
        members = server.call("getProjectUsers", auth=auth, project_id=project)
        if str(known[0][0]) not in members:
            server.call("addProjectUser", auth=auth, project_id=project, user_id=known[0][0], role="project-member")
    else:
        make_user(server, BOT, password, project)
    return Board(server.url, server.api_token, server.webhook_token, project, password)


def kept_secret(path: Path, size: int = 24) -> str:
    """A secret of this many random bytes, made with the first run."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(size), encoding="utf-8")
    return path.read_text(encoding="utf-8")


def service_environment(board: Board, home: Path, map_port: int) -> dict[str, str]:
    """The environment of the service: this demo's settings, and none of the caller's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PLACECARD_")}
    return kept | {
        "PLACECARD_STORE_URL": "sqlite:///placecard.db",
        "PLACECARD_HOST": "127.0.0.1",
        "PLACECARD_PORT": str(map_port),
        "PLACECARD_PUBLIC_URL": f"http://127.0.0.1:{map_port}",
        "PLACECARD_PUBLISH": "on",
        "PLACECARD_SURGE_LIMIT": "1000",
        "PLACECARD_AREA": AREA,
        "PLACECARD_HOME_SETTLEMENT": SETTLEMENT,
        "PLACECARD_TIMEZONE": TIMEZONE,
        "PLACECARD_GAZETTEER": str(home / "gazetteer.db"),
        "PLACECARD_PLUGIN_FILE": str(home / ARCHIVE),
        "PLACECARD_BOARD_URL": board.url,
        "PLACECARD_BOARD_PROJECT": board.project,
        "PLACECARD_BOARD_TOKEN": board.token,
        "PLACECARD_BOARD_USER": BOT,
        "PLACECARD_BOARD_PASSWORD": board.bot_password,
        "PLACECARD_WEBHOOK_TOKEN": board.webhook_token,
    }


def run_steps(environment: Mapping[str, str], home: Path) -> None:
    """Make the store, import gazetteer and districts, load the samples. Each may be done again."""
    steps: list[tuple[str, Sequence[str]]] = [
        ("хранилище · store", ["init"]),
        ("газеттир · gazetteer", ["gazetteer", "import", str(SAMPLES / "gazetteer.geojson")]),
        ("районы · districts", ["districts", "import", str(SAMPLES / "districts.geojson")]),
        ("предложения · proposals", ["demo-data"]),
    ]
    # The board checks a bot's password at every call, slowly on purpose: all this writing is the token's.
    quick = {name: value for name, value in environment.items() if name not in BOT_SETTINGS}
    for title, arguments in steps:
        tell(f"  … {title}")
        done = subprocess.run([PLACECARD, *arguments], cwd=home, env=quick, check=False, capture_output=True, text=True)
        if done.returncode:
            raise DemoError(f"placecard {' '.join(arguments)}: {done.returncode}\n{done.stdout}{done.stderr}".rstrip())


@contextmanager
def running_service(environment: Mapping[str, str], home: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The service, stopped on leaving. Its log is `service.log`."""
    with (home / "service.log").open("ab") as log:
        # Ctrl-C is for us alone: the service is then stopped in order. If we are killed, the kernel tells it.
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", str(PLACECARD), "serve"],
            cwd=home,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask the process to stop, and insist after a while."""
    process.terminate()
    try:
        process.wait(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def await_map(process: subprocess.Popen[bytes], url: str, home: Path) -> None:
    """Wait until the service is ready and shows proposals. Raises `DemoError` when it ends or takes too long."""
    deadline = time.monotonic() + READY_SECONDS
    for holds in (_is_ready, _shows_proposals):
        while not _answers(holds, url):
            if process.poll() is not None or time.monotonic() > deadline:
                log = (home / "service.log").read_text(encoding="utf-8", errors="replace")
                raise DemoError(f"служба не готова · the service is not ready:\n{log[-1500:]}")
            time.sleep(0.2)


def _answers(holds: Callable[[str], bool], url: str) -> bool:
    try:
        return holds(url)
    except requests.RequestException:
        return False


def _is_ready(url: str) -> bool:
    return requests.get(f"{url}/readyz", timeout=10).ok


def _shows_proposals(url: str) -> bool:
    answer = requests.get(f"{url}/ogc/collections/proposals/items?limit=1&f=json", timeout=10)
    return answer.ok and bool(answer.json()["features"])


def run_demo(home: Path, map_port: int, board_port: int, frame: Frame = PLAIN) -> None:
    """Start everything and wait. Leaves by SystemExit on a signal, by `DemoError` when a part fails."""
    url = f"http://127.0.0.1:{map_port}"
    tell("Демо Placecard запускается · the Placecard demo is starting")
    plugin.zip_up(home / ARCHIVE)
    events = f"{url}/board/events"
    server = KanboardServer(home / "kanboard", port=board_port, webhook_url=events, environment=frame.kanboard)
    with server, frame.gate(server.url) as shown:
        server.set_setting("application_url", f"{shown}/")
        board = prepare_board(server, home)
        environment = service_environment(board, home, map_port) | {"PLACECARD_BOARD_PUBLIC_URL": shown}
        environment.update(frame.settings)
        run_steps(environment, home)
        with running_service(environment, home) as service:
            await_map(service, url, home)
            tell(frame.welcome.format(map=url, board=shown, project=board.project, home=home))
            service.wait()
            raise DemoError(f"служба остановилась · the service ended: {service.returncode}, {home}/service.log")


def leave(number: int, _frame: object) -> None:
    """End in order: everything started is stopped on the way out. Further signals do not disturb it."""
    for further in ENDINGS:
        signal.signal(further, signal.SIG_IGN)
    tell("\nОстанавливаю · stopping")
    sys.exit(0 if number == signal.SIGINT else 128 + number)


def read_arguments(parser: argparse.ArgumentParser, arguments: Sequence[str] | None, home: Path) -> argparse.Namespace:
    """The command line, with what every demo may be told."""
    parser.add_argument("--port", type=int, default=MAP_PORT, help="port of the map (%(default)s)")
    parser.add_argument("--board-port", type=int, default=BOARD_PORT, help="port of the board (%(default)s)")
    parser.add_argument("--home", type=Path, default=home, help=f"folder of the demo's data (var/{home.name})")
    parser.add_argument("--fresh", action="store_true", help="remove the data of the run before")
    wanted = parser.parse_args(arguments)
    wanted.home = wanted.home.resolve()
    return wanted


def play(home: Path, run: Callable[[], None], *, fresh: bool) -> int:
    """Run a demo in its folder until a signal. What went wrong is said; otherwise it leaves by SystemExit."""
    try:
        if fresh:
            remove_data(home)
        with sole_run(home):
            for number in ENDINGS:
                signal.signal(number, leave)
            run()
    except (DemoError, NotStarted) as error:
        print(f"make demo: {error}", file=sys.stderr)
    return 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.demo", description="Placecard with a real Kanboard")
    wanted = read_arguments(parser, arguments, HOME)

    def run() -> None:
        run_demo(wanted.home, choose_port(wanted.port), choose_port(wanted.board_port))

    return play(wanted.home, run, fresh=wanted.fresh)


def remove_data(home: Path) -> None:
    """Remove what earlier runs left. Raises `DemoError` when the folder is not a demo's, or one runs in it."""
    if not home.exists():
        return
    if not (home / "lock").is_file():
        raise DemoError(f"это не папка демо · this is no demo's folder: {home}")
    with sole_run(home):
        shutil.rmtree(home)


if __name__ == "__main__":
    sys.exit(main())
