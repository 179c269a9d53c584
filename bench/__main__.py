"""Every benchmark, or those named, and one table of what they found: `python -m bench [name …]`."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

from bench import burst, crew, edits, intake, lost, plugin, signons, spine, sweep, tokens
from bench.figures import Figure, print_table
from bench.items import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

PAGES = {"limit=1000": 10.0, "bbox of 1 %": 5.0}
"""Of the comparisons of pages, those that have a target, and how many times the peer's speed it is."""

_RATIO = re.compile(r"(?P<case>.+?)\s+ratio\s+(?P<ratio>[\d.]+) by requests")


def measure_pages() -> list[Figure]:
    """The comparison of pages, which prints more than its ratios, in a process of its own."""
    figures = []
    with subprocess.Popen([sys.executable, "-m", "bench.items"], cwd=ROOT, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        for line in run.stdout:
            print(line, end="", flush=True)
            if found := _RATIO.match(line):
                case = found["case"].strip()
                figures.append(_times_faster(case, float(found["ratio"])))
    if run.returncode:
        sys.exit(run.returncode)
    return figures


def _times_faster(case: str, ratio: float) -> Figure:
    what = f"items, {case}: times as many a second"
    return Figure(what, ratio, "×", beside="pygeoapi", target=PAGES.get(case), at_least=True)


BENCHMARKS: Mapping[str, Callable[[], list[Figure]]] = {
    "spine": spine.measure,
    "lost": lost.measure,
    "sweep": sweep.measure,
    "edits": edits.measure,
    "plugin": plugin.measure,
    "intake": intake.measure,
    "burst": burst.measure,
    "crew": crew.measure,
    "items": measure_pages,
    "tokens": tokens.measure,
    "signons": signons.measure,
}


def main(names: Sequence[str]) -> int:
    """Run them and print the table, as far as it is known after each; 2 for a name that is none."""
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are: {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    install()
    figures: list[Figure] = []
    for name in names or BENCHMARKS:
        figures += BENCHMARKS[name]()
        print()
        print_table(figures)
    return 0


def install() -> None:
    """Have on this machine what all of them need; what one alone needs it installs itself."""
    subprocess.run([sys.executable, "-m", "tools.packages", "kanboard"], check=True, cwd=ROOT)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
