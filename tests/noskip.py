"""Turns every skip into a failure: on a machine that installs what it needs, a missing component is an error.

`--allow-skips` is for a machine where something cannot be had; an expected failure (xfail) is no skip.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

Skipped = pytest.TestReport | pytest.CollectReport


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--allow-skips", action="store_true", help="let tests skip instead of failing them")


def refuse_skip(report: Skipped, config: pytest.Config) -> None:
    """Make a skipped report a failed one, with the reason that was given."""
    if not report.skipped or hasattr(report, "wasxfail") or config.getoption("allow_skips"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    report.outcome = "failed"
    report.longrepr = f"{report.nodeid}: a skip is a failure here ({reason}); --allow-skips lets it pass"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    refuse_skip(report, item.config)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    refuse_skip(report, collector.config)
    return report
