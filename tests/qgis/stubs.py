"""Type stubs of QGIS and of either Qt, put together so that the plugin can be checked against them.

QGIS and PyQt bring their own. Some need mending before mypy reads them, and QGIS's are about Qt 5 alone, by name; what
mypy has to say of the stubs themselves is not asked.
"""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tools.qgis import Folder

MODULES = ("QtCore", "QtGui", "QtNetwork", "QtWidgets", "QtXml", "QtTest")
QGIS = ("core", "gui", "analysis")
EXCEPTIONS = ("QgsCsException", "QgsProcessingException", "QgsNotSupportedException")
"""Classes of qgis.core that its stubs leave out."""

BASES = {
    *("QAbstractItemModel", "QWidget", "QgsFeatureRenderer", "QgsMapLayer", "QgsMapLayerTemporalProperties"),
    *("QgsSymbol", "QgsSymbolLayer"),
}
"""Classes that the stubs promise where PyQt hands over what the object is, which has more than its base."""

LOOPED = {"QgsFields", "QgsFeatureIterator"}
"""Classes that can be looped over, which their stubs do not say."""

OURS = ("host", "gui", "processing", "plugin")
"""The parts of the plugin that know QGIS."""

SETTINGS = """\
[mypy]
python_version = 3.11
mypy_path = {stubs}:{plugin}
cache_dir = {stubs}/cache
explicit_package_bases = True
check_untyped_defs = True
strict_optional = False
disable_error_code = misc, override, no-redef, var-annotated

[mypy-PyQt5.*,PyQt6.*,qgis.*]
ignore_errors = True
"""
"""Without None in every answer, which the stubs promise of whatever C++ gives by pointer."""


def put_together(folder: Folder, qt: str, place: Path) -> Path:
    """The stubs of QGIS over one Qt ("PyQt5" or "PyQt6") in a folder of their own."""
    packages = folder.tree / "usr/lib/python3/dist-packages"
    _write(place / qt / "__init__.pyi", "")
    for path in (packages / qt).glob("*.pyi"):
        _write(place / qt / path.name, _mended(path.read_text(encoding="utf-8")))
    _write(place / "qgis/__init__.pyi", "")
    _write(place / "qgis/PyQt/__init__.pyi", f"from {qt} import sip as sip\n")
    for name in MODULES:
        _write(place / f"qgis/PyQt/{name}.pyi", f"from {qt}.{name} import *\n{_shim(qt, name)}")
    for name in QGIS:
        text = (packages / f"qgis/_{name}.pyi").read_text(encoding="utf-8").replace("PyQt5", qt)
        _write(place / f"qgis/_{name}.pyi", f"from typing import Any\n{text}")
        _write(place / f"qgis/{name}.pyi", f"from qgis._{name} import *\n{_left_out(name)}")
    return place


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _mended(text: str) -> str:
    # No name may follow *args.
    return re.sub(r"(\*args: [\w.]+), /\)", r"\1)", text)


def _shim(qt: str, name: str) -> str:
    """What `qgis.PyQt` adds: on Qt 5, classes where Qt 6 has them."""
    moved = qt == "PyQt5" and name == "QtGui"
    return "from PyQt5.QtWidgets import QAction as QAction, QShortcut as QShortcut\n" if moved else ""


def _left_out(name: str) -> str:
    return "".join(f"class {each}(Exception): ...\n" for each in EXCEPTIONS) if name == "core" else ""


def complaints(stubs: Path, plugin: Path) -> list[str]:
    """What mypy says of the package `placecard` below `plugin`. Raises AssertionError when it could not read it."""
    settings = stubs / "mypy.ini"
    settings.write_text(SETTINGS.format(stubs=stubs, plugin=plugin), encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--config-file", str(settings), "--no-pretty", "-p", "placecard"]
    done = subprocess.run(command, cwd=plugin, capture_output=True, text=True, check=False)
    assert re.search(
        r"^(Found \d+ errors? .*checked \d{2,} source|Success: .* \d{2,} source)", done.stdout, re.MULTILINE
    ), done.stdout[-2000:] + done.stderr
    found = [line for line in done.stdout.splitlines() if ": error: " in line]
    return [
        line for line in found if line.startswith(tuple(f"placecard/{part}" for part in OURS)) and not _excused(line)
    ]


def _excused(line: str) -> bool:
    """Whether the stubs are to blame: they know a base only, no loop, or want a slot that gives nothing."""
    missing = re.search(r'error: "(\w+)" has no attribute|of "(\w+)"  \[call-arg\]', line)
    looped = re.search(r'"enumerate" has incompatible type "(\w+)[ "|]', line)
    return (
        (missing is not None and (missing[1] or missing[2]) in BASES)
        or (looped is not None and looped[1] in LOOPED)
        or '"connect" of "pyqtBoundSignal" has incompatible type "Callable' in line
    )
