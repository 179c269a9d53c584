"""The plugin's working copy in a real QGIS: pulled beside QGIS's own OGC layer of the same service, opened beside a
plain GeoPackage of the same rows, followed, and pushed from.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyogrio

from bench.edits import CHANGED, EDITS, TOKEN, Client, serving
from bench.figures import Figure, middle, print_table
from bench.items import ROOT
from bench.points import make_points

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

COUNT, MANY, SEED = 10_000, 100_000, 7
ROUNDS = 5
PYTHON = "/usr/bin/python3"
COLLECTION, POINTS = "working_points", "placecard_points"
"""The live collection, and the copy's layer, of the same proposals with the same properties."""
MS = 1000.0
RATIO, FOLLOW_SECONDS, PUSH_SECONDS, PAUSE_MS = 2.0, 0.5, 2.0, 100.0


class Desktop:
    """A QGIS in a process of the system's Python (`bench/desktop.py`), signed in at a service."""

    def __init__(self, process: subprocess.Popen[str], address: str) -> None:
        self._process = process
        self._address = address
        self._ask("sign_in", token=TOKEN)

    def _ask(self, do: str, **more: Any) -> tuple[float, int]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": do, "address": self._address, **more}) + "\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith("ANSWER "):
                seconds, count = json.loads(line.removeprefix("ANSWER "))
                return float(seconds), int(count)
        raise RuntimeError("QGIS ended")

    def read_live(self, count: int) -> float:
        """Seconds until QGIS's own layer over OGC API Features has given all features."""
        return _took(self._ask("read", provider="OAPIF", source=f"{self._address}/ogc/", collection=COLLECTION), count)

    def read_file(self, path: Path, layer: str, count: int) -> float:
        """Seconds until a layer of a file has."""
        return _took(self._ask("read", provider="ogr", source=f"{path}|layername={layer}"), count)

    def pull(self, path: Path, count: int) -> float:
        """Seconds of a pull, which must bring so many proposals."""
        return _took(self._ask("pull", path=str(path)), count)

    def edit(self, path: Path, year: int) -> float:
        """Seconds that saving `EDITS` edits took, tracking included."""
        return _took(self._ask("edit", path=str(path), count=EDITS, year=year), EDITS)

    def sit(self, path: Path, year: int) -> float:
        """Milliseconds of the longest pause in which nothing could be clicked, from the first pull to a push."""
        return self._ask("sit", path=str(path), count=EDITS, year=year)[1] / MS

    def push(self, path: Path) -> float:
        """Seconds of a push of them."""
        return _took(self._ask("push", path=str(path)), EDITS)


def _took(answer: tuple[float, int], count: int) -> float:
    seconds, found = answer
    assert found == count, f"{found} instead of {count}"
    return seconds


def measure() -> list[Figure]:
    """Measure and give the figures."""
    subprocess.run([sys.executable, "-m", "tools.packages", "qgis"], check=True, cwd=ROOT)
    print(f"plugin: {COUNT:,} features and {MANY:,} in QGIS …", flush=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        rows = list(make_points(MANY, SEED))
        few = stack.enter_context(serving(folder / "few.db", rows[:COUNT]))
        many = stack.enter_context(serving(folder / "many.db", rows))
        near = stack.enter_context(run_desktop(folder / "near", few.base))
        far = stack.enter_context(run_desktop(folder / "far", many.base))
        return [
            *first_pulls(near, folder),
            *opening(near, folder),
            *following(near, few, folder / "0.gpkg", f"among {COUNT:,}"),
            *following(far, many, folder / "many.gpkg", f"among {MANY:,}"),
            *pushing(near, folder / "0.gpkg"),
            *sitting(near, folder),
        ]


def first_pulls(near: Desktop, folder: Path) -> list[Figure]:
    """The working copy and the live layer in turn, each from nothing."""
    turns = [(near.pull(folder / f"{turn}.gpkg", COUNT), near.read_live(COUNT)) for turn in range(ROUNDS)]
    ours, theirs = (middle(side) for side in zip(*turns, strict=True))
    what = f"first pull of {COUNT:,}: times as fast"
    return [
        Figure(f"first pull of {COUNT:,}", ours, "s", theirs, "QGIS's own OGC layer"),
        Figure(what, theirs / ours, "×", target=RATIO, at_least=True),
    ]


def opening(near: Desktop, folder: Path) -> list[Figure]:
    """The copy's points, and the same rows in a plain GeoPackage, opened and read."""
    copy, plain = folder / "0.gpkg", folder / "plain.gpkg"
    pyogrio.write_dataframe(pyogrio.read_dataframe(copy, layer=POINTS), plain, layer=POINTS)
    turns = [[near.read_file(path, POINTS, COUNT) * MS for path in (copy, plain)] for _ in range(ROUNDS)]
    ours, theirs = (middle(side) for side in zip(*turns, strict=True))
    return [Figure(f"opening a copy of {COUNT:,} and reading it", ours, "ms", theirs, "a plain GeoPackage")]


def following(desktop: Desktop, hands: Client, copy: Path, among: str) -> list[Figure]:
    """Pulls of what other hands changed meanwhile."""
    if not copy.exists():
        desktop.pull(copy, MANY)
    guids: Sequence[str] = hands.guids[-CHANGED:]
    hands.learn(guids)
    took = []
    for _ in range(ROUNDS):
        hands.push(guids)
        hands.follow()
        took.append(desktop.pull(copy, CHANGED))
    return [Figure(f"pull of {CHANGED} changes {among}", middle(took), "s", target=FOLLOW_SECONDS)]


def pushing(near: Desktop, copy: Path) -> list[Figure]:
    """Edit sessions saved, and pushed."""
    turns = []
    for turn in range(ROUNDS):
        saved = near.edit(copy, 2024 + turn)
        turns.append((saved, near.push(copy)))
    saved, pushed = (middle(side) for side in zip(*turns, strict=True))
    return [
        Figure(f"saving {EDITS} edits, tracked", saved, "s"),
        Figure(f"push of {EDITS} edits", pushed, "s", target=PUSH_SECONDS),
    ]


def sitting(near: Desktop, folder: Path) -> list[Figure]:
    """The plugin's session before somebody who watches: the longest pause of each time, the middle of them."""
    pauses = [near.sit(folder / f"sat{turn}.gpkg", 2034 + turn) for turn in range(ROUNDS)]
    return [Figure(f"longest pause while {COUNT:,} come and {EDITS} go", middle(pauses), "ms", target=PAUSE_MS)]


@contextmanager
def run_desktop(home: Path, address: str) -> Iterator[Desktop]:
    """A QGIS with its profile in `home`, at this service."""
    home.mkdir()
    places = {name: str(home) for name in ("HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR")}
    environ = {**os.environ, **places, "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": str(ROOT / "qgis_plugin")}
    command = [PYTHON, str(ROOT / "bench" / "desktop.py")]
    with (
        (home / "qgis.log").open("w") as log,
        subprocess.Popen(
            command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        try:
            yield Desktop(process, address)
        except BaseException:
            print((home / "qgis.log").read_text(), file=sys.stderr)
            raise
        finally:
            process.kill()


if __name__ == "__main__":
    print_table(measure())
