"""Drives an HTTP server on this machine with wrk, a process of its own, and reads what it measured.

Bounded: a fixed number of connections for a fixed time, one host, and that one loopback.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sync_service.loopback import is_loopback

if TYPE_CHECKING:
    from collections.abc import Sequence

CONNECTIONS = 4
_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}
# Each thread walks the paths from its own place, so that no page is asked for twice at once.
_SCRIPT = """
local paths = {{ {paths} }}
local at = 0
function init(args) at = math.random(0, #paths - 1) end
request = function()
  at = at % #paths + 1
  return wrk.format("GET", paths[at])
end
"""


_POSTING = """
local at = {first}
local told = {{ ["Content-Type"] = "application/json" }}
request = function()
  at = at + 1
  return wrk.format("POST", "{path}", told, ([==[{body}]==]):gsub("{number}", at))
end
"""
NUMBER = "4242424242"
"""What stands in a body to be posted for a number that is another one every time."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a server did: requests per second, latency at the middle and the ninety-ninth percentile, failures, all."""

    per_second: float
    middle_ms: float
    worst_ms: float
    failed: int
    requests: int

    def __str__(self) -> str:
        failed = f", {self.failed} failed" if self.failed else ""
        return f"{self.per_second:8.1f} req/s   p50 {self.middle_ms:7.1f} ms   p99 {self.worst_ms:7.1f} ms{failed}"


def install_wrk() -> None:
    """Have wrk on this machine."""
    subprocess.run([sys.executable, "-m", "tools.packages", "load"], check=True)


def drive(base: str, paths: Sequence[str], seconds: float) -> Measured:
    """Ask for the paths in turn, over and over. ValueError for a server that is not on this machine."""
    return _run(base, _SCRIPT.format(paths=", ".join(f'"{path}"' for path in paths)), seconds)


def post(base: str, path: str, body: str, seconds: float, *, first: int = 0) -> Measured:
    """Post the body over and over, `NUMBER` in it replaced by numbers after `first`. ValueError as with `drive`."""
    return _run(base, _POSTING.format(path=path, body=body, number=NUMBER, first=first), seconds)


def _run(base: str, text: str, seconds: float) -> Measured:
    if not is_loopback(urlsplit(base).hostname or ""):
        raise ValueError(base)
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "paths.lua"
        script.write_text(text, encoding="utf-8")
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds:g}s", "--latency", "-s", str(script), base]
        ran = subprocess.run(command, check=True, capture_output=True, text=True)
    return read_report(ran.stdout)


def read_report(text: str) -> Measured:
    """The numbers in what wrk prints."""
    socket_errors = re.search(r"connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    failed = sum(map(int, socket_errors.groups())) if socket_errors else 0
    return Measured(
        per_second=float(_found(r"Requests/sec:\s+([\d.]+)", text)[1]),
        middle_ms=_milliseconds("50%", text),
        worst_ms=_milliseconds("99%", text),
        failed=failed + (int(refused[1]) if refused else 0),
        requests=int(_found(r"(\d+) requests in", text)[1]),
    )


def _milliseconds(percentile: str, text: str) -> float:
    found = _found(rf"{percentile}\s+([\d.]+)(us|ms|s)", text)
    return float(found[1]) * _UNITS[found[2]]


def _found(pattern: str, text: str) -> re.Match[str]:
    found = re.search(pattern, text)
    if found is None:
        raise ValueError(text)
    return found
