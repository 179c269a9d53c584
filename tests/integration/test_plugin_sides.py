"""Two working copies and a real Kanboard edit at random, the service works in between, and some of what is said over
the wire is lost: in the end all three say the same, and no edit is lost.

An edit is safe if it stands, if somebody who saw it has put another in its place, or if it waits in an open clash
(`tests/simulation/oracle.py`). A run that failed tells what was done. The same seed and steps do it again, as
`@example(seed=…, steps=…)`; what Kanboard gives, ids and times, differs.
"""

from __future__ import annotations

from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.boards import make_kanboard_project
from tests.sides.day import begin
from tests.sides.desktop import Desktop
from tests.sides.moderator import Moderator
from tests.sides.rest import differences, settle
from tests.simulation.rig import seeded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.sides.day import Day
    from tools.kanboard import KanboardServer

PROPOSALS = 5


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Makes folders."""
    base, numbers = tmp_path_factory.mktemp("sides"), count()

    def make() -> Path:
        path = base / str(next(numbers))
        path.mkdir()
        return path

    return make


@contextmanager
def day_of(server: KanboardServer, folder: Path, seed: int) -> Iterator[Day]:
    """A day, told if something goes wrong in it."""
    project = make_kanboard_project(server)  # its names are its own, however often a seed is run
    with seeded(seed):
        day = begin(project, folder, seed)
        try:
            yield day
        except Exception as error:
            error.add_note("\n".join(day.trace))
            raise
        finally:
            day.parts.database.close()


def live(day: Day, steps: int) -> list[str]:
    """What is wrong at the end of a day of so many steps."""
    moderator = Moderator(day)
    for _ in range(PROPOSALS):
        moderator.add()
    day.sweep(full=True)
    desktops = [Desktop(day, "А"), Desktop(day, "Б")]
    doings = {**day.doings, **moderator.doings, **desktops[0].doings, **desktops[1].doings}
    for _ in range(steps):
        day.happen(doings)
    wrong = settle(day, desktops)
    return [*wrong, *differences(day, desktops), *day.lost()]


# The same days every time. A day of chances is not made simpler by a smaller seed: nothing is shrunk.
@pytest.mark.timeout(900)
@given(st.integers(0, 2**32), st.integers(10, 70))
@settings(max_examples=12, deadline=None, derandomize=True, phases=(Phase.explicit, Phase.generate))
def test_all_sides_agree_in_the_end_and_no_edit_is_lost(
    kanboard_server: KanboardServer, folder: Callable[[], Path], seed: int, steps: int
) -> None:
    with day_of(kanboard_server, folder(), seed) as day:
        assert live(day, steps) == []
