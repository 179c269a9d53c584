"""The plugin runs where QGIS does: on either Qt, on Python from 3.9 on, with nothing but what QGIS brings along."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests import qtrules
from tests.architecture import ROOT, Module, load_modules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Rule = Callable[[Module], Iterator[str]]

FUTURE = "from __future__ import annotations\n"
RULES = (
    qtrules.foreign_qt,
    qtrules.foreign_libraries,
    qtrules.newer_syntax,
    qtrules.early_annotations,
    qtrules.moved_classes,
    qtrules.gone_names,
    qtrules.variant_types,
    qtrules.short_enums,
)


def named(value: object) -> str:
    return getattr(value, "__name__", "") or str(value)[:50].replace("\n", " ")


@pytest.fixture(scope="module")
def modules() -> list[Module]:
    found = load_modules(["qgis_plugin"])
    assert len(found) > 50
    return found


@pytest.mark.parametrize("rule", RULES, ids=named)
def test_rule_holds(rule: Rule, modules: list[Module]) -> None:
    assert [complaint for module in modules for complaint in rule(module)] == []


def wanted_python(folder: Path) -> str:
    """What vermin says of the Python that a folder's code needs; nothing while 3.9 will do."""
    command = [
        sys.executable,
        "-c",
        "from vermin import main; main()",
        "--target=3.9-",
        "--no-tips",
        "--violations",
        str(folder),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_python_of_the_oldest_qgis_will_do() -> None:
    assert wanted_python(ROOT / "qgis_plugin") == ""


@pytest.mark.parametrize("text", ["from itertools import pairwise\n", "x = list(zip([], [], strict=True))\n"])
def test_newer_library_is_found(text: str, tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text(text)
    assert "3.10" in wanted_python(tmp_path)


BROKEN = [
    (qtrules.foreign_qt, "from PyQt5.QtCore import Qt\n"),
    (qtrules.foreign_qt, "import PyQt6.QtGui\n"),
    (qtrules.foreign_qt, "def f():\n    import sip\n"),
    (qtrules.foreign_libraries, "import requests\n"),
    (qtrules.foreign_libraries, "from numpy import array\n"),
    (qtrules.foreign_libraries, "from distutils.version import LooseVersion\n"),
    (qtrules.newer_syntax, "match x:\n    case 1:\n        pass\n"),
    (qtrules.newer_syntax, "try:\n    f()\nexcept* OSError:\n    pass\n"),
    (qtrules.early_annotations, "def f(x: int | None): ...\n"),
    (qtrules.moved_classes, "from qgis.PyQt.QtWidgets import QAction\n"),
    (qtrules.moved_classes, "from qgis.PyQt.QtWidgets import QWidget, QUndoStack\n"),
    (qtrules.gone_names, "from qgis.PyQt.QtCore import QRegExp\n"),
    (qtrules.gone_names, "dialog.exec_()\n"),
    (qtrules.gone_names, "where = event.globalPos()\n"),
    (qtrules.variant_types, "from qgis.PyQt.QtCore import QVariant\nx = QgsField('a', QVariant.Int)\n"),
    (qtrules.short_enums, "from qgis.PyQt.QtCore import Qt\nlabel.setAlignment(Qt.AlignLeft)\n"),
    (qtrules.short_enums, "from qgis.core import QgsTask\nx = QgsTask.CanCancel | QgsTask.Flag.Silent\n"),
    (qtrules.short_enums, "from qgis.core import Qgis\nif level == Qgis.Warning:\n    pass\n"),
    (
        qtrules.short_enums,
        "from qgis.PyQt.QtWidgets import QMessageBox\nQMessageBox.question(w, 'a', 'b', QMessageBox.Yes)\n",
    ),
]

SOUND = [
    (qtrules.foreign_qt, "from qgis.PyQt import sip\nfrom qgis.PyQt.QtCore import Qt\n"),
    (
        qtrules.foreign_libraries,
        FUTURE + "import sqlite3\nfrom qgis.core import Qgis\nfrom placecard.core import wire\n",
    ),
    (qtrules.newer_syntax, "with open(a) as b, open(c) as d:\n    x = [y := 1]\n"),
    (qtrules.early_annotations, FUTURE + "def f(x: int | None): ...\n"),
    (qtrules.moved_classes, "from qgis.PyQt.QtGui import QAction\nfrom qgis.PyQt.QtWidgets import QWidget\n"),
    (qtrules.gone_names, "from qgis.PyQt.QtCore import QRegularExpression\ndialog.exec()\n"),
    (
        qtrules.variant_types,
        "from qgis.PyQt.QtCore import QMetaType, QVariant\nx = QMetaType.Type.Int\ny = QVariant()\n",
    ),
    (qtrules.short_enums, "from qgis.PyQt.QtCore import Qt\nlabel.setAlignment(Qt.AlignmentFlag.AlignLeft)\n"),
    (qtrules.short_enums, "from qgis.core import Qgis\nx = Qgis.QGIS_VERSION_INT\n"),
    (qtrules.early_annotations, '"""What is in here."""\n'),
    (
        qtrules.short_enums,
        "from qgis.core import Qgis\ndef f(kind: Qgis.GeometryType) -> list[Qgis.MessageLevel]: ...\n",
    ),
    (qtrules.short_enums, "from qgis.core import QgsVectorLayer\nx = QgsVectorLayer.LayerOptions()\n"),
    (qtrules.short_enums, "from enum import Enum\nclass Q(Enum):\n    One = 1\nx = Q.One\n"),
]


@pytest.mark.parametrize(("rule", "text"), BROKEN, ids=named)
def test_rule_can_fail(rule: Rule, text: str) -> None:
    assert list(rule(Module("qgis_plugin.placecard.gui.some", text)))


@pytest.mark.parametrize(("rule", "text"), SOUND, ids=named)
def test_rule_leaves_sound_code(rule: Rule, text: str) -> None:
    assert list(rule(Module("qgis_plugin.placecard.gui.some", text))) == []


def test_every_rule_can_fail() -> None:
    assert {rule for rule, _ in BROKEN} == set(RULES)
