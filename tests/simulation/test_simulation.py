"""The engine under simulation: every seed is a storm, after which nothing is lost, doubled or shown too early."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FIXED = "2000"
OF_THE_DAY = 400
_FROM = 10_000  # seeds of the day begin above the fixed ones


def simulate(seeds: str, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.simulation", seeds, *options]
    env = {**os.environ, **environment}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


@pytest.mark.timeout(900)
def test_fixed_seeds_hold() -> None:
    done = simulate(FIXED)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr


def test_seeds_of_the_day_hold() -> None:
    first = _FROM + (datetime.now(UTC).date().toordinal() % 5000) * OF_THE_DAY
    seeds = f"{first}-{first + OF_THE_DAY - 1}"
    done = simulate(seeds)
    assert done.returncode == 0, f"seeds {seeds} of today:\n" + done.stdout[-20_000:] + done.stderr


def test_a_seed_always_goes_the_same_way() -> None:
    runs = [simulate("15", "--json", "--processes", "1", PYTHONHASHSEED=seed) for seed in ("1", "2")]
    told = [[json.loads(line) for line in run.stdout.splitlines()] for run in runs]
    assert len(told[0]) == 15
    assert told[0] == told[1]
    assert len({each["digest"] for each in told[0]}) == 15
