"""The plugin fits the programs it calls: every name, method and argument, by the type stubs of QGIS, Qt 5 and Qt 6.

There is no QGIS on Qt 6 to run it on here; this sees what a running one would stumble over, where types are known.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.qgis.stubs import complaints, put_together
from tools.qgis import newest

PLUGIN = Path(__file__).parents[2] / "qgis_plugin"
OLD_AND_WRONG = """
from qgis.core import QgsVectorLayer
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtGui import QMouseEvent
from qgis.PyQt.QtWidgets import QDialog, QLabel


def use(label: QLabel, dialog: QDialog, event: QMouseEvent, layer: QgsVectorLayer) -> None:
    label.setAlignment(Qt.AlignLeft)
    dialog.exec_()
    event.globalPos()
    layer.startEditings()
    layer.setName(1)
"""
ALWAYS = {"AlignLeft", "startEditings", "setName"}
WRONG = {"PyQt5": ALWAYS, "PyQt6": ALWAYS | {"exec_", "globalPos"}}
"""What is wrong on either Qt: the stubs of both want enumerations in full."""


@pytest.fixture(scope="module", params=["PyQt5", "PyQt6"])
def qt(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def stubs(qt: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return put_together(newest(), qt, tmp_path_factory.mktemp(qt))


def test_plugin_fits_qgis_and_qt(stubs: Path) -> None:
    assert complaints(stubs, PLUGIN) == []


def test_what_does_not_fit_is_found(stubs: Path, qt: str, tmp_path: Path) -> None:
    copy = tmp_path / "placecard"
    shutil.copytree(PLUGIN / "placecard", copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "gui" / "wrong.py").write_text(OLD_AND_WRONG)
    found = [line for line in complaints(stubs, tmp_path) if "wrong.py" in line]
    assert {name for name in WRONG["PyQt6"] if any(f'"{name}"' in line for line in found)} == WRONG[qt]
