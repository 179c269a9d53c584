"""`python -m tests.simulation SEEDS`: run seeds side by side; whoever fails is explained, with how to run it again.

SEEDS is how many (`2000`: the first two thousand), or from which to which (`5000-6000`; `17-17` is seed 17 alone, told
step by step).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from tests.simulation.rig import Rig
from tests.simulation.storm import NO_AIM, STEPS, Aim, Result, Storm

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_AT_ONCE = 20
_SHOWN = 5


def seeds_of(text: str) -> range:
    """The seeds a text names."""
    first, dash, last = text.partition("-")
    return range(int(first), int(last) + 1) if dash else range(int(first))


@cache
def rig() -> Rig:
    """The rig of this process."""
    with tempfile.TemporaryDirectory() as folder:
        return Rig(Path(folder))


def run_seed(seed: int, aim: Aim = NO_AIM) -> Result:
    """Run one seed here."""
    return Storm(rig(), seed, aim).run()


def _run_some(seeds: Sequence[int]) -> list[Result]:
    return [run_seed(seed) for seed in seeds]


def run_seeds(seeds: range, processes: int) -> Iterable[Result]:
    """Run seeds side by side, results in their order."""
    chunks = [seeds[start : start + _AT_ONCE] for start in range(0, len(seeds), _AT_ONCE)]
    if processes == 1 or len(chunks) == 1:
        for chunk in chunks:
            yield from _run_some(chunk)
        return
    with ProcessPoolExecutor(processes) as pool:
        for results in pool.map(_run_some, chunks):
            yield from results


def digest_of(result: Result) -> str:
    """Equal for runs that went the same way."""
    return blake2b("\n".join([*result.wrong, *result.trace]).encode(), digest_size=8).hexdigest()


def explain(result: Result) -> str:
    """What went wrong, everything that led there, and how to see it again."""
    again = f"again with: make simulate SEEDS={result.seed}-{result.seed}"
    return "\n".join([f"seed {result.seed}", *result.trace, *result.wrong, again])


def main(arguments: Sequence[str]) -> int:
    """Run the seeds and report; 1 when any failed."""
    parser = argparse.ArgumentParser(prog="simulate", description=__doc__)
    parser.add_argument("seeds", type=seeds_of)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", action="store_true", help="one line of JSON for each seed")
    parser.add_argument("--trace", action="store_true", help="tell every seed step by step")
    given = parser.parse_args(arguments)
    started, counts, excuses, failed = time.monotonic(), Counter[str](), Counter[str](), list[Result]()
    for result in run_seeds(given.seeds, given.processes):
        counts += result.counts
        excuses += result.excuses
        if result.wrong:
            failed.append(result)
        if given.json:
            _tell(json.dumps({"seed": result.seed, "wrong": result.wrong, "digest": digest_of(result)}))
        elif given.trace or (result.wrong and len(failed) <= _SHOWN) or len(given.seeds) == 1:
            _tell(explain(result))
    _report(given.seeds, failed, time.monotonic() - started, counts, excuses)
    return 1 if failed else 0


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _report(seeds: range, failed: list[Result], seconds: float, counts: Counter[str], excuses: Counter[str]) -> None:
    steps = len(seeds) * STEPS
    rate = f"{steps / seconds:.0f} a second, {1000 * seconds / steps:.2f} ms each"
    lines = [
        f"seeds {seeds[0]}-{seeds[-1]}: {len(failed)} failed {' '.join(str(each.seed) for each in failed[:50])}",
        f"{steps} steps in {seconds:.1f} s: {rate}",
        *(f"{count:9} {name}" for name, count in sorted((counts + excuses).items())),
    ]
    sys.stderr.write("\n".join([*lines, ""]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
