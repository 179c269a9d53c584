"""The releases of QGIS that the plugin is tested on, and the plugin as it is released."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools.plugin import pack
from tools.qgis import Own, newest

if TYPE_CHECKING:
    from pathlib import Path

    from tools.qgis import Release


@pytest.fixture(scope="session", params=[Own, newest], ids=["own", "newest"])
def release(request: pytest.FixtureRequest) -> Release:
    """The machine's own QGIS, then the newest: how its Python and its windows are started."""
    found: Release = request.param()
    return found


@pytest.fixture(scope="session")
def plugin_zip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The plugin, packed anew."""
    return pack(tmp_path_factory.mktemp("packed") / "placecard.zip")
