"""When too much changes at once: the last that passes, the first that waits; the last listing that is believed."""

from __future__ import annotations

import pytest

from sync_service.sync.surge import believes_absence, within_surge


@pytest.mark.parametrize(("recent", "limit", "passes"), [(0, 50, True), (49, 50, True), (50, 50, False), (0, 0, False)])
def test_surge(recent: int, limit: int, passes: bool) -> None:
    assert within_surge(recent, limit) is passes


@pytest.mark.parametrize(
    ("known", "absent", "believed"),
    [
        pytest.param(0, 0, True, id="an empty board that always was"),
        pytest.param(9, 9, True, id="a small board emptied by hand"),
        pytest.param(10, 10, False, id="ten of ten"),
        pytest.param(100, 10, True, id="ten of a hundred are not more than a tenth"),
        pytest.param(100, 11, False, id="eleven of a hundred"),
        pytest.param(10_000, 1_000, True, id="just a tenth"),
        pytest.param(10_000, 1_001, False, id="more than a tenth"),
    ],
)
def test_absence(known: int, absent: int, believed: bool) -> None:
    assert believes_absence(known, absent) is believed
