"""Edits of the map: a push of 500 beside a bare writer of the same rows, and what changed, among many and among few."""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from base64 import b64encode
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import requests
import shapely

from bench.bare import make_store, run_bare
from bench.figures import Figure, middle, print_table
from bench.items import free_port, gunicorn, running
from bench.points import EAST, NORTH, SOUTH, WEST, fill_store, make_points

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MANY, FEW, SEED = 100_000, 1_000, 7
EDITS, CHANGED = 500, 10
ROUNDS = 9
TOKEN = "b" * 40
PROPOSALS = "/sync/v1/collections/proposals"
MS = 1000.0


class Client:
    """A working copy as far as it is measured: it pushes, and asks what changed. The token is the editor's."""

    def __init__(self, base: str, guids: Sequence[str]) -> None:
        self.base = base
        self.guids = guids
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {TOKEN}"
        self._chance = random.Random(SEED)
        self.revision = self._get("/sync/v1/capabilities")["schema_rev"]
        self.cursor = self._get(f"{PROPOSALS}/snapshot?limit=1")["cursor"]
        self.versions: dict[str, str] = {}

    def _get(self, path: str) -> Any:
        answer = self._session.get(f"{self.base}{path}", timeout=60)
        answer.raise_for_status()
        return answer.json()

    def change(self, guid: str) -> dict[str, Any]:
        """Another place, address and year for a proposal."""
        shape = shapely.Point(self._chance.uniform(WEST, EAST), self._chance.uniform(SOUTH, NORTH))
        said = {"horizon": self._chance.randint(2024, 2055), "address": f"ул. Мира, {self._chance.randint(1, 10**6)}"}
        made = {"change_id": self._number(), "guid": guid, "op": "update", "set": said}
        return {**made, "geometry": b64encode(shape.wkb).decode(), "base_version": self.versions.get(guid)}

    def _number(self) -> str:
        return str(UUID(int=self._chance.getrandbits(128), version=4))

    def follow(self) -> tuple[float, int]:
        """Ask what changed; the seconds it took, and how many there were."""
        started = time.perf_counter()
        answer = self._get(f"{PROPOSALS}/changes?since={self.cursor}&limit=1000")
        took = time.perf_counter() - started
        self.cursor = answer["next"]
        self.versions |= {each["guid"]: each["version"] for each in answer["changes"]}
        return took, len(answer["changes"])

    def push(self, guids: Sequence[str]) -> float:
        """Edit these, from the versions last seen; the seconds until it was answered."""
        changes = [self.change(guid) for guid in guids]
        body = {"client_id": "bench", "schema_rev": self.revision, "mode": "each", "changes": changes}
        started = time.perf_counter()
        headers = {"Idempotency-Key": self._number()}
        answer = self._session.post(f"{self.base}{PROPOSALS}/push", json=body, headers=headers, timeout=60)
        took = time.perf_counter() - started
        results = answer.json()["results"]
        assert len(results) == len(guids)
        if all(guid in self.versions for guid in guids):
            assert {each["status"] for each in results} == {"applied"}, results[0]
        return took

    def learn(self, guids: Sequence[str]) -> None:
        """Learn the versions of these from the snapshot."""
        known: dict[str, str] = {}
        path = f"{PROPOSALS}/snapshot?limit=1000"
        while not known.keys() >= set(guids):
            page = self._get(path)
            known |= {row["guid"]: row["version"] for row in page["rows"]}
            if not page["has_more"]:
                break
            path = f"{PROPOSALS}/snapshot?limit=1000&next={page['next']}"
        self.versions |= known


def measure() -> list[Figure]:
    """Measure and give the figures."""
    print(f"edits: {MANY:,} features and {FEW:,} …", flush=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        rows = list(make_points(MANY, SEED))
        many = stack.enter_context(serving(folder / "many.db", rows))
        few = stack.enter_context(serving(folder / "few.db", rows[:FEW]))
        make_store(folder / "bare.db", (row["guid"] for row in rows), plain(rows[0]))
        bare = stack.enter_context(run_bare(folder / "bare.db"))
        pushes = push_in_turn(many, bare)
        asked = ask_in_turn(many, few)
    ours, theirs = middle(pushes["ours"]), middle(pushes["bare"])
    among_many, among_few = middle(asked["many"]) * MS, middle(asked["few"]) * MS
    return [
        Figure(f"push of {EDITS} changes", ours, "s", target=1),
        Figure("… beside a bare writer", ours * MS, "ms", theirs * MS, "Flask + SQLite"),
        Figure(f"changes: {CHANGED} among {MANY:,}", among_many, "ms", target=20),
        Figure("… beside those among few", among_many, "ms", among_few, f"among {FEW:,}", target=1.5),
    ]


def plain(row: dict[str, Any]) -> dict[str, object]:
    """The values of a row that are no geometry."""
    return {name: value for name, value in row.items() if name != "shape"}


@contextmanager
def serving(store: Path, rows: Sequence[dict[str, Any]]) -> Iterator[Client]:
    """Our service on a new store with these features, and a client of it."""
    fill_store(f"sqlite:///{store}", list(rows))
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    settings = {"STORE_URL": f"sqlite:///{store}", "PUBLIC_URL": base, "PUBLISH": "on", "API_TOKEN": TOKEN}
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PLACECARD_")}
    environ = clean | {f"PLACECARD_{name}": value for name, value in settings.items()}
    environ["PLACECARD_LOG_LEVEL"] = "WARNING"
    command = [sys.executable, "-m", "gunicorn", *gunicorn(port), "sync_service.app:from_environment()"]
    with running(command, environ, f"{base}/ogc/"):
        yield Client(base, [row["guid"] for row in rows])


def push_in_turn(many: Client, bare: str) -> dict[str, list[float]]:
    """Seconds that pushes took, ours and the bare writer's, of the same changes."""
    guids = random.Random(SEED).sample(many.guids[:20_000], EDITS)
    many.learn(guids)
    session = requests.Session()
    session.trust_env = False
    took: dict[str, list[float]] = {"ours": [], "bare": []}
    for _ in range(ROUNDS):
        took["ours"].append(many.push(guids))
        many.follow()
        body = {"changes": [many.change(guid) for guid in guids]}
        started = time.perf_counter()
        assert len(session.post(f"{bare}/rows", json=body, timeout=60).json()["results"]) == EDITS
        took["bare"].append(time.perf_counter() - started)
    return took


def ask_in_turn(many: Client, few: Client) -> dict[str, list[float]]:
    """Seconds that questions for ten changes took, among many and among few."""
    took: dict[str, list[float]] = {"many": [], "few": []}
    sides = {"many": many, "few": few}
    for each in sides.values():
        each.learn(each.guids[:CHANGED])
        each.follow()
    for _ in range(ROUNDS):
        for name, each in sides.items():
            each.push(each.guids[:CHANGED])
            seconds, found = each.follow()
            assert found == CHANGED, found
            took[name].append(seconds)
    return took


if __name__ == "__main__":
    print_table(measure())
