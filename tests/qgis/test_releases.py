"""Both releases of QGIS start, with Python and with windows, each with its own libraries; they see the project."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from tools.qgis import TESTED, newest

if TYPE_CHECKING:
    from tools.qgis import Release

HERE = Path(__file__)
ASK = """
import sqlite3, ssl, sys
from pathlib import Path
from qgis.core import Qgis, QgsApplication, QgsCoordinateReferenceSystem, QgsProviderRegistry
QgsApplication.setPrefixPath("", True)
application = QgsApplication([], False)
application.initQgis()
print("VERSION", Qgis.QGIS_VERSION)
print("FILE", Path(sys.argv[1]).read_text().splitlines()[0])
print("CRS", QgsCoordinateReferenceSystem("EPSG:4326").isValid())
print("PROVIDERS", *QgsProviderRegistry.instance().providerList())
print("SIGNIN", *QgsApplication.authManager().authMethodsKeys())
mapped = Path("/proc/self/maps").read_text().split()
print("LIBRARIES", *sorted({path for path in mapped if ".so" in path}))
application.exitQgis()
"""
SHOW = """
import os
import qgis.utils
from qgis.core import Qgis
from qgis.PyQt.QtCore import QTimer
def tell():
    window = qgis.utils.iface.mainWindow()
    if window.isVisible():
        with open(os.environ["ANSWER"], "w") as answer:
            answer.write(f"{Qgis.QGIS_VERSION} {len(window.menuBar().actions())}")
        os._exit(0)
timer = QTimer()
timer.timeout.connect(tell)
timer.start(100)
"""


def surroundings(home: Path, release: Release, **more: str) -> dict[str, str]:
    """Nothing of the person who runs the tests reaches QGIS but the path of the programs."""
    places = dict.fromkeys(("HOME", "XDG_RUNTIME_DIR"), str(home))
    return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **places, **release.environment, **more}


def ask_python(home: Path, release: Release) -> dict[str, list[str]]:
    environment = surroundings(home, release, QT_QPA_PLATFORM="offscreen")
    command = release.python("-c", ASK, str(HERE))
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    lines = [line.split() for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr
    return {line[0]: line[1:] for line in lines if line}


def test_python_of_qgis(tmp_path: Path, release: Release) -> None:
    told = ask_python(tmp_path, release)
    assert told["VERSION"][0] >= "3.40"
    assert told["FILE"] == HERE.read_text().splitlines()[0].split()
    assert told["CRS"] == ["True"]
    assert {"OAPIF", "ogr", "memory"} <= set(told["PROVIDERS"])
    assert {"OAuth2", "APIHeader"} <= set(told["SIGNIN"])


def test_libraries_are_of_one_system(tmp_path: Path) -> None:
    """A library of the machine beside those of the folder would be of another build: QGIS dies of it, now or later."""
    folder = newest()
    # QCA looks into the folder it was built for in any case, and takes from there what it has not found before.
    libraries = [path for path in ask_python(tmp_path, folder)["LIBRARIES"] if "/qca-qt" not in path]
    assert len(libraries) > 100
    assert [path for path in libraries if not path.startswith(f"{folder.tree}/")] == []


def test_windows_of_qgis(tmp_path: Path, release: Release) -> None:
    script, answer = tmp_path / "show.py", tmp_path / "answer"
    script.write_text(SHOW)
    window = release.desktop("--nologo", "--noversioncheck", "--profiles-path", str(tmp_path), "--code", str(script))
    environment = surroundings(tmp_path, release, ANSWER=str(answer))
    done = subprocess.run(
        ["xvfb-run", "--auto-servernum", *window], env=environment, capture_output=True, text=True, check=False
    )
    assert answer.exists(), done.stderr[-2000:]
    version, menus = answer.read_text().split()
    assert version.startswith("3.4")
    assert int(menus) >= 10


def test_newest_is_one_of_those_tested_or_newer(tmp_path: Path, release: Release) -> None:
    version = ask_python(tmp_path, release)["VERSION"][0].partition("-")[0]
    numbers = [tuple(map(int, text.split("."))) for text in (version, *TESTED)]
    assert release.name == "machine" or numbers[0] >= min(numbers[1:])
