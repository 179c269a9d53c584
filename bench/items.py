"""Pages of 100,000 features: ours beside pygeoapi, over the same points, in one run on this machine.

Both run under gunicorn with two synchronous workers, one after the other asked by the same load. The load needs a core
too: where others work on the machine, the processor time a request costs the server says more than requests a second,
and both ratios are printed. pygeoapi 0.21 comes from PyPI into an environment of its own in the cache folder.
"""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import urlopen

from bench.load import drive, install_wrk
from bench.points import EAST, LAYER, NORTH, SOUTH, WEST, fill_store, make_points, write_geopackage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.load import Measured

COUNT, SEED, WORKERS = 100_000, 7, 2
LIMIT = 1000
SECONDS, ROUNDS = 5.0, 3
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "placecard"
PEER = "pygeoapi==0.21.*"
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Server:
    """A server under test: its address, and the path of the collection's items."""

    name: str
    base: str
    items: str
    process: int

    def paths(self, queries: Sequence[str]) -> list[str]:
        """Paths of the questions to ask."""
        return [f"{self.items}?f=json&{query}" for query in queries]

    def ask(self, query: str) -> dict[str, object]:
        """One answer."""
        with urlopen(f"{self.base}{self.paths([query])[0]}", timeout=60) as answer:
            found: dict[str, object] = json.load(answer)
        return found


def main() -> None:
    """Measure and print."""
    install_wrk()
    subprocess.run([sys.executable, "-m", "tools.packages", "spatialite"], check=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        print(f"making {COUNT:,} points twice …", flush=True)
        rows = list(make_points(COUNT, SEED))
        fill_store(f"sqlite:///{folder}/store.db", rows)
        write_geopackage(folder / "points.gpkg", rows)
        ours = stack.enter_context(run_placecard(folder))
        theirs = stack.enter_context(run_pygeoapi(folder))
        for case, queries in questions().items():
            agree(ours, theirs, queries[:3])
            compare(case, [queries, queries], ours, theirs)
        pages = [walk_cursors(ours), [f"limit={LIMIT}&offset={start}" for start in range(0, COUNT, LIMIT)]]
        compare("page by page", pages, ours, theirs)


def walk_cursors(ours: Server) -> list[str]:
    """Questions for every page of the collection, as its links lead from each to the next."""
    found, query = [], f"limit={LIMIT}"
    while query:
        found.append(query)
        links = ours.ask(query)["links"]
        assert isinstance(links, list)
        following = [urlsplit(link["href"]).query for link in links if link["rel"] == "next"]
        query = following[0].replace("f=json", "").strip("&") if following else ""
    return found


def questions() -> dict[str, list[str]]:
    """What is asked of both alike: first pages, and boxes of a hundredth of the area, each elsewhere."""
    chance = random.Random(SEED)
    return {
        "limit=10": ["limit=10"],
        "limit=1000": [f"limit={LIMIT}"],
        "bbox of 1 %": [f"limit={LIMIT}&bbox={_box(chance)}" for _ in range(5000)],
    }


def _box(chance: random.Random) -> str:
    width, height = (EAST - WEST) / 10, (NORTH - SOUTH) / 10
    west, south = chance.uniform(WEST, EAST - width), chance.uniform(SOUTH, NORTH - height)
    return ",".join(f"{each:.6f}" for each in (west, south, west + width, south + height))


def agree(ours: Server, theirs: Server, queries: Sequence[str]) -> None:
    """Both must find as many features and give as many, or the comparison is void.

    pygeoapi counts only when asked for nothing else; ours tells the count with every page.
    """
    for query in queries:
        page, given = ours.ask(query), theirs.ask(query)
        hits = theirs.ask(f"{query}&resulttype=hits")
        found = [page["numberMatched"], given_by(page)], [hits["numberMatched"], given_by(given)]
        if found[0] != found[1]:
            sys.exit(f"{query}: {ours.name} {found[0]}, {theirs.name} {found[1]}")


def given_by(page: dict[str, object]) -> int:
    """How many features a page has."""
    features = page["features"]
    assert isinstance(features, list)
    return len(features)


def compare(case: str, queries: Sequence[Sequence[str]], ours: Server, theirs: Server) -> None:
    """Rounds in turn, each asked its queries, the median of each, and the ratios."""
    asked = list(zip((ours, theirs), queries, strict=True))
    rounds = [[measure(each, mine) for each, mine in asked] for _ in range(ROUNDS)]
    middle = [sorted(column, key=lambda run: run[0].per_second)[ROUNDS // 2] for column in zip(*rounds, strict=True)]
    for server, (measured, cost) in zip((ours, theirs), middle, strict=True):
        print(f"{case:12} {server.name:10} {measured}   {cost:7.2f} ms of processor each")
    (mine, my_cost), (peers, peers_cost) = middle
    ratio = mine.per_second / peers.per_second
    print(
        f"{case:12} {'ratio':10} {ratio:8.1f} by requests, {peers_cost / my_cost:.1f} by processor time\n", flush=True
    )


def measure(server: Server, queries: Sequence[str]) -> tuple[Measured, float]:
    """What the load saw, and the processor time of the server's processes per request, in milliseconds."""
    before = processor_seconds(server.process)
    measured = drive(server.base, server.paths(queries), SECONDS)
    spent = processor_seconds(server.process) - before
    return measured, 1000 * spent / max(1.0, measured.per_second * SECONDS)


def processor_seconds(process: int) -> float:
    """Processor time of a process and its children, living ones only."""
    stat = Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()
    own = (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")
    children = Path(f"/proc/{process}/task/{process}/children").read_text("ascii").split()
    return own + sum(processor_seconds(int(child)) for child in children)


@contextmanager
def run_placecard(folder: Path) -> Iterator[Server]:
    """Our service on the store in this folder, asked from outside: a token is set, so that loopback is nobody."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    mine = {
        "PLACECARD_STORE_URL": f"sqlite:///{folder}/store.db",
        "PLACECARD_PUBLIC_URL": base,
        "PLACECARD_PUBLISH": "on",
        "PLACECARD_API_TOKEN": "b" * 40,
        "PLACECARD_LOG_LEVEL": "WARNING",
    }
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PLACECARD_")}
    command = [sys.executable, "-m", "gunicorn", *gunicorn(port), "sync_service.app:from_environment()"]
    with running(command, clean | mine, f"{base}/ogc/") as process:
        yield Server("placecard", base, "/ogc/collections/proposals_points/items", process)


@contextmanager
def run_pygeoapi(folder: Path) -> Iterator[Server]:
    """pygeoapi on the GeoPackage in this folder."""
    python = peer_environment()
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    config = folder / "pygeoapi.json"
    config.write_text(json.dumps(peer_config(base, port, folder / "points.gpkg")), encoding="utf-8")
    openapi = folder / "pygeoapi-openapi.json"
    theirs = {
        **os.environ,
        "PYGEOAPI_CONFIG": str(config),
        "PYGEOAPI_OPENAPI": str(openapi),
        "SPATIALITE_LIBRARY_PATH": "mod_spatialite.so",
    }
    make = [str(python.with_name("pygeoapi")), "openapi", "generate", str(config), "--format", "json"]
    openapi.write_text(subprocess.run(make, check=True, capture_output=True, text=True, env=theirs).stdout, "utf-8")
    command = [str(python), "-m", "gunicorn", *gunicorn(port), "pygeoapi.flask_app:APP"]
    with running(command, theirs, f"{base}/", quiet=True) as process:
        yield Server("pygeoapi", base, f"/collections/{LAYER}/items", process)


def peer_environment() -> Path:
    """The Python that has pygeoapi. The system's own makes it: it may load SQLite's extensions."""
    home = CACHE / "pygeoapi-0.21"
    python = home / "bin" / "python"
    if not (home / "ready").exists():
        subprocess.run(["/usr/bin/python3", "-m", "venv", str(home)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", PEER, "gunicorn"], check=True)
        (home / "ready").touch()
    return python


def peer_config(base: str, port: int, data: Path) -> dict[str, object]:
    """A configuration with the one collection, and paging as far as ours."""
    box = [WEST, SOUTH, EAST, NORTH]
    return {
        "server": {
            "bind": {"host": "127.0.0.1", "port": port},
            "url": base,
            "mimetype": "application/json; charset=UTF-8",
            "encoding": "utf-8",
            "languages": ["en-US"],
            "limits": {"default_items": 100, "max_items": 10_000},
            "map": {"url": f"{base}/none", "attribution": "none"},
        },
        "logging": {"level": "ERROR"},
        "metadata": {
            "identification": {
                "title": "points", "description": "points", "keywords": ["points"], "keywords_type": "theme",
                "terms_of_service": "none", "url": base,
            },
            "license": {"name": "none", "url": base},
            "provider": {"name": "bench", "url": base},
            "contact": {"name": "bench", "url": base},
        },
        "resources": {
            LAYER: {
                "type": "collection", "title": LAYER, "description": LAYER, "keywords": [LAYER],
                "extents": {"spatial": {"bbox": box, "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"}},
                "providers": [{
                    "type": "feature", "name": "SQLiteGPKG", "data": str(data), "id_field": "fid", "table": LAYER,
                    "storage_crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
                }],
            }
        },
    }  # fmt: skip


def gunicorn(port: int) -> list[str]:
    """How every server under test is run: with two synchronous workers."""
    return ["--bind", f"127.0.0.1:{port}", "--workers", str(WORKERS), "--no-control-socket", "--log-level", "error"]


@contextmanager
def running(command: Sequence[str], environment: dict[str, str], ready: str, *, quiet: bool = False) -> Iterator[int]:
    """A server process (its id) until the end of the block; it answers at `ready` before the block begins."""
    log = subprocess.DEVNULL if quiet else None  # failures are counted by the load
    with subprocess.Popen(command, env=environment, cwd=ROOT, stdout=log, stderr=log) as process:
        try:
            await_answer(ready, process)
            yield process.pid
        finally:
            process.terminate()


def await_answer(url: str, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    """Wait until a server answers; an error if it ends or takes too long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            sys.exit(f"{url}: the server ended with {process.returncode}")
        try:
            with urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    sys.exit(f"{url}: no answer in {seconds:g} s")


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
