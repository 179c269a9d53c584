"""Runs the tests of the page's pure parts in Node."""

from __future__ import annotations

import subprocess
from pathlib import Path


def test_pure_parts_in_node() -> None:
    suite = Path(__file__).with_name("logic.test.mjs")
    run = subprocess.run(["node", "--test", str(suite)], capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
