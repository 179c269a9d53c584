"""Runs OGC's own test suite for Features against our service: `bench/cite JAR`.

The jar is the all-in-one of ets-ogcapi-features10; docs/cite.md says which tests it skips and why. Exits 1 if any
fails, or is skipped without an explanation there.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import shapely

from bench.items import run_placecard
from bench.points import fill_store, make_points
from sync_service.store.collections import COLLECTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

EXPLAINED = Path(__file__).parents[1] / "docs" / "cite.md"
POINTS, SEED = 400, 11
# The suite takes the geometry of a feature for granted (docs/cite.md): it is given the collections that have one, which
# are listed first.
PLACED = sum(each.public and each.placed for each in COLLECTIONS.values())
# The suite wants this file, and would fetch the document type named in the usual one from the net.
_ARGUMENTS = """<?xml version="1.0" encoding="UTF-8"?>
<properties version="1.0">
  <entry key="iut">{address}</entry>
  <entry key="noofcollections">{collections}</entry>
</properties>
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One test of the suite: its name, PASS, FAIL or SKIP, and what it said."""

    name: str
    status: str
    message: str


def main() -> None:
    """Serve a store with points, lines and areas, run the suite on it, and print what came of it."""
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_file():
        sys.exit("usage: bench/cite JAR (ets-ogcapi-features10 …-aio.jar)")
    jar = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill_store(f"sqlite:///{folder}/store.db", list(mixed_rows()))
        with run_placecard(folder) as server:
            outcomes = list(run_suite(jar, f"{server.base}/ogc/", folder))
    sys.exit(0 if report(outcomes) else 1)


def mixed_rows() -> Iterator[dict[str, object]]:
    """Proposals of every kind, and some for the whole city."""
    for number, row in enumerate(make_points(POINTS, SEED)):
        point = row["shape"]
        further = shapely.Point(point.x + 0.002, point.y + 0.001)
        shapes = (point, shapely.LineString([point, further]), point.buffer(0.001, quad_segs=2), None)
        shape = shapes[number % len(shapes)]
        yield {**row, "shape": shape, "placement": "citywide" if shape is None else "placed"}


def run_suite(jar: Path, address: str, folder: Path) -> Iterator[Outcome]:
    """What the suite finds at this address."""
    arguments = folder / "arguments.xml"
    arguments.write_text(_ARGUMENTS.format(address=address, collections=PLACED), encoding="utf-8")
    out = folder / "out"
    out.mkdir()
    subprocess.run(["java", "-jar", str(jar), "-o", str(out), str(arguments)], check=False, capture_output=True)
    results = sorted(out.rglob("testng-results.xml"))
    if not results:
        sys.exit("the suite left no results")
    yield from read_results(results[0])


def read_results(path: Path) -> Iterator[Outcome]:
    """The tests in a TestNG report, without its own set-up steps."""
    for method in ET.parse(path).iter("test-method"):
        if method.get("is-config") == "true":
            continue
        message = method.findtext("exception/message") or ""
        class_name = (method.get("signature") or "").partition("instance:")[2].partition("@")[0]
        short = class_name.rpartition(".")[2]
        yield Outcome(f"{short}.{method.get('name')}", method.get("status", ""), " ".join(message.split()))


def report(outcomes: Iterable[Outcome]) -> bool:
    """Print, and tell whether nothing failed and every skip is explained."""
    kept = list(outcomes)
    explained = set(re.findall(r"`(\w+\.\w+)`", EXPLAINED.read_text("utf-8"))) if EXPLAINED.exists() else set()
    counted = Counter(outcome.status for outcome in kept)
    print(f"{counted['PASS']} passed, {counted['FAIL']} failed, {counted['SKIP']} skipped")
    for outcome in sorted({(o.status, o.name, o.message) for o in kept if o.status != "PASS"}):
        print("  ", *outcome)
    unexplained = {outcome.name for outcome in kept if outcome.status == "SKIP"} - explained
    if unexplained:
        print("skipped without an explanation in docs/cite.md:", ", ".join(sorted(unexplained)))
    return bool(kept) and not counted["FAIL"] and not unexplained


if __name__ == "__main__":
    main()
