"""Two hundred people signing in one after another, as before a session begins, beside people who look at the map.

Ten minutes are made shorter, so that the load is the heavier: the rate is told. Keycloak, the service and whoever asks
share this machine: what a sign-in takes is mostly Keycloak's work on passwords, and so is what it takes from others.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

import requests

from bench.figures import Figure, percentile, print_table
from bench.items import WORKERS, free_port, running
from bench.points import fill_store, make_points
from tests.keycloak import API, WEB, Keycloak, Realm, User, filled
from tests.passage import Passage
from tools.keycloak import REALM, KeycloakServer

if TYPE_CHECKING:
    from collections.abc import Iterator

PEOPLE, MEANT_SECONDS, SECONDS = 200, 600.0, 100.0
AT_ONCE = 32
POINTS, SEED = 5_000, 11
PAGE = "/ogc/collections/proposals_points/items?limit=100"
PAUSE_SECONDS = 0.1
ALONE_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Entrance:
    """How somebody's sign-in went: seconds of all of it, and of what our service did for it."""

    whole: float
    ours: float


def measure() -> list[Figure]:
    """Measure and give the figures."""
    subprocess.run([sys.executable, "-m", "tools.packages", "keycloak"], check=True)
    print(f"signons: making {PEOPLE} people …", flush=True)
    with ExitStack() as stack:
        base = f"http://127.0.0.1:{free_port()}"
        realm = stack.enter_context(running_realm(base))
        people = [realm.make_user("viewer") for _ in range(PEOPLE)]
        stack.enter_context(running_service(base, realm))
        enter(base, realm, people[0])  # keys are fetched, programs warm
        print(f"signons: {PEOPLE} in {SECONDS:g} s instead of {MEANT_SECONDS:g} …", flush=True)
        alone = looking(base, ALONE_SECONDS)
        beside, entrances = together(base, realm, people)
    return figures(alone, beside, entrances)


def together(base: str, realm: Realm, people: list[User]) -> tuple[list[float], list[Entrance | None]]:
    """What looking at the map takes while everybody signs in, and how that went; None for whoever did not get in."""
    done, beside = Event(), list[float]()
    watcher = Thread(target=look, args=(base, done, beside))
    watcher.start()
    begun = time.monotonic()

    def turn(number: int) -> Entrance | None:
        time.sleep(max(0.0, begun + number * SECONDS / PEOPLE - time.monotonic()))
        try:
            return enter(base, realm, people[number])
        except (AssertionError, requests.RequestException) as error:
            print(f"signons: {type(error).__name__}: {str(error)[:200]}", file=sys.stderr)
            return None

    with ThreadPoolExecutor(AT_ONCE) as crowd:
        entrances = list(crowd.map(turn, range(len(people))))
    done.set()
    watcher.join()
    return beside, entrances


def enter(base: str, realm: Realm, user: User) -> Entrance:
    """Sign in as a browser does, as far as a page that is not for everybody."""
    with Passage(realm.issuer, WEB, f"{base}/signin/back") as passage:
        begun, browser = time.perf_counter(), passage.browser
        asked = browser.get(f"{base}/signin/start?next=/desk/changes", allow_redirects=False, timeout=60)
        ours = asked.elapsed.total_seconds()
        back = passage.fill(passage.follow(asked), username=user.username, password=user.password)
        home = passage.follow(back)
        page = browser.get(f"{base}/desk/changes", headers={"Accept": "text/html"}, allow_redirects=False, timeout=60)
        assert (home.status_code, page.status_code) == (303, 200), (home.status_code, page.status_code)
        ours += home.elapsed.total_seconds() + page.elapsed.total_seconds()
        return Entrance(time.perf_counter() - begun, ours)


def looking(base: str, seconds: float) -> list[float]:
    """What looking at the map takes, for so long."""
    done, found = Event(), list[float]()
    watcher = Thread(target=look, args=(base, done, found))
    watcher.start()
    done.wait(seconds)
    done.set()
    watcher.join()
    return found


def look(base: str, done: Event, found: list[float]) -> None:
    """Ask for a page of the map again and again until done; milliseconds each."""
    with requests.Session() as session:
        session.trust_env = False
        while not done.wait(PAUSE_SECONDS):
            answer = session.get(base + PAGE, timeout=60)
            answer.raise_for_status()
            found.append(answer.elapsed.total_seconds() * 1000)


def figures(alone: list[float], beside: list[float], entrances: list[Entrance | None]) -> list[Figure]:
    """The figures."""
    made = [each for each in entrances if each is not None]
    rate = f"{PEOPLE / SECONDS:g} a second"
    return [
        Figure(f"people who did not get in, of {PEOPLE}, {rate}", len(entrances) - len(made), "people", target=0),
        Figure("… a sign-in, p50", percentile((each.whole for each in made), 50), "s"),
        Figure("… a sign-in, p99", percentile((each.whole for each in made), 99), "s", target=5.0),
        Figure("… of it our three answers, asking Keycloak, p99", percentile((each.ours for each in made), 99), "s"),
        Figure("page of 100 meanwhile, p50", percentile(beside, 50), "ms", percentile(alone, 50), "alone"),
        Figure("page of 100 meanwhile, p99", percentile(beside, 99), "ms", target=500.0),
    ]


@contextmanager
def running_realm(base: str) -> Iterator[Realm]:
    """Our realm in a Keycloak of its own, whose people come back to this address."""
    environment = filled(base, "http://127.0.0.1:9")
    with (
        tempfile.TemporaryDirectory() as folder,
        KeycloakServer(Path(folder) / "data", realms=[REALM], environment=environment) as server,
    ):
        yield Keycloak(server.url, server.admin_password, environment).realm


@contextmanager
def running_service(base: str, realm: Realm) -> Iterator[None]:
    """The service as `placecard serve` runs it, with proposals to look at."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/store.db"
        fill_store(url, list(make_points(POINTS, SEED)))
        settings = {
            "STORE_URL": url,
            "PORT": base.rpartition(":")[2],
            "PUBLISH": "on",
            "LOG_LEVEL": "ERROR",
            "OIDC_ISSUER": realm.issuer,
            "OIDC_AUDIENCE": API,
            "OIDC_CLIENT_ID": WEB,
            "OIDC_CLIENT_SECRET": realm.secret(WEB) or "",
        }
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PLACECARD_")}
        environ = clean | {f"PLACECARD_{name}": value for name, value in settings.items()}
        command = [sys.executable, "-m", "sync_service", "serve", "--no-jobs", "--workers", str(WORKERS)]
        with running(command, environ, f"{base}/healthz"):
            yield


if __name__ == "__main__":
    print_table(measure())
