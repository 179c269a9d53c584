"""What the benchmarks read of wrk's report."""

from __future__ import annotations

import pytest

from bench.load import Measured, drive, read_report

REPORT = """\
Running 5s test @ http://127.0.0.1:1
  1 threads and 4 connections
  Latency Distribution
     50%    1.25ms
     75%    2.00ms
     90%    3.00ms
     99%    1.05s
  100 requests in 5.00s, 1.00MB read
{rest}Requests/sec:   1234.50
Transfer/sec:      1.00MB
"""


def test_report_is_read() -> None:
    assert read_report(REPORT.format(rest="")) == Measured(1234.5, 1.25, 1050.0, 0, 100)


def test_failures_are_counted() -> None:
    rest = "  Socket errors: connect 0, read 3, write 0, timeout 2\n  Non-2xx or 3xx responses: 7\n"
    assert read_report(REPORT.format(rest=rest)).failed == 12


def test_only_this_machine_is_driven() -> None:
    with pytest.raises(ValueError, match="example"):
        drive("http://example.org", ["/"], 1)
