"""Making a QGIS in a folder of its own: what it is made of and what happens when a suite has none that works."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tools import debian, qgis

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LIBRARIES = "usr/lib/x86_64-linux-gnu"
ENTERED = """#!/bin/sh
echo 'a warning of a library' && echo {version}
"""
"""Stands for the loader, which is asked to start Python with the proof."""


def make_package(folder: Path, name: str, content: dict[str, str]) -> Path:
    root = folder / name
    for path, text in {"DEBIAN/control": control(name), **content}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
        (root / path).chmod(0o644 if path.startswith("DEBIAN") else 0o755)
    package = folder / f"{name}.deb"
    subprocess.run(["dpkg-deb", "--build", str(root), str(package)], check=True, capture_output=True)
    return package


def control(name: str) -> str:
    return f"Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: nobody\nDescription: test\n"


def packages(folder: Path, version: str) -> list[Path]:
    """Two packages that make a QGIS, as far as this tool looks into them."""
    folder.mkdir(parents=True, exist_ok=True)
    loader = {f"{LIBRARIES}/ld-linux-x86-64.so.2": ENTERED.format(version=version), f"{LIBRARIES}/libssl.so.3": ""}
    return [
        make_package(folder, "libc6", loader),
        make_package(
            folder,
            "qgis",
            {f"{LIBRARIES}/{qt}/plugins/p.so": "" for qt in ("qt5", "qt6")}
            | {"usr/share/doc/qgis/long": "", "etc/q": ""},
        ),
    ]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return debian.cache_folder() / "qgis"


def offer(monkeypatch: pytest.MonkeyPatch, **versions: str) -> list[str]:
    """Suites with a QGIS of these versions; those not named lack something. Gives the suites that are asked."""
    asked = []

    def download(names: Sequence[str], suite: str, workdir: Path) -> list[Path]:
        asked.append(suite)
        if suite not in versions:
            raise subprocess.CalledProcessError(100, ["apt-get", *names])
        return packages(workdir / "archives", versions[suite])

    monkeypatch.setattr(debian, "download_whole", download)
    return asked


def test_tree_is_made_once(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    asked = offer(monkeypatch, sid="3.44.15")
    made = qgis.newest()
    assert made.tree == home / f"tree-3.44.15-{qgis.RECIPE}"
    assert qgis.newest() == made
    assert asked == ["sid"]
    assert list(home.iterdir()) == [made.tree]
    assert "not one of the versions tested" not in capsys.readouterr().err


def test_tree_made_otherwise_is_made_anew(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, sid="3.44.15")
    made = qgis.newest()
    monkeypatch.setattr(qgis, "RECIPE", "another")
    assert qgis.newest().tree == home / "tree-3.44.15-another"
    assert made.tree.exists()


def test_tree_has_all_but_what_is_only_read(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, sid="3.44.15")
    tree = qgis.newest().tree
    assert home in tree.parents
    assert (tree / "etc/q").exists()
    assert not (tree / "usr/share/doc").exists()
    assert (tree / LIBRARIES / "libssl.so").resolve() == tree / LIBRARIES / "libssl.so.3"
    assert "Plugins=qt5/plugins" in (tree / LIBRARIES / "qt.conf").read_text()
    assert "Plugins=qt6/plugins" in (tree / LIBRARIES / "qt6.conf").read_text()


def test_newer_version_runs_with_a_warning(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    offer(monkeypatch, sid="4.2.0")
    assert qgis.newest().tree == home / f"tree-4.2.0-{qgis.RECIPE}"
    assert "QGIS 4.2.0 is not one of the versions tested" in capsys.readouterr().err


def test_next_suite_is_asked(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = offer(monkeypatch, testing="3.44.14")
    assert qgis.newest().tree == home / f"tree-3.44.14-{qgis.RECIPE}"
    assert asked == ["sid", "testing"]


def test_what_does_not_start_is_not_kept(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    offer(monkeypatch, sid='"" >/dev/null; echo libqgis_core.so is missing >&2; exit 1')
    assert qgis.main(["fetch"]) == 2
    said = capsys.readouterr().err
    assert "sid: libqgis_core.so is missing" in said
    assert "testing: " in said
    assert list(home.iterdir()) == []


def test_programs_are_started_by_the_trees_own_loader(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, sid="3.44.15")
    found = qgis.newest()
    command = found.desktop("--nologo")
    libraries = f"{found.tree}/{LIBRARIES}"
    assert command[0] == f"{libraries}/ld-linux-x86-64.so.2"
    assert command[command.index("--library-path") + 1].split(":")[:2] == [libraries, f"{libraries}/blas"]
    assert command[-2:] == [f"{found.tree}/usr/bin/qgis.bin", "--nologo"]
    assert found.environment["QGIS_PREFIX_PATH"] == f"{found.tree}/usr"
    assert qgis.Own().desktop("--nologo") == ["qgis", "--nologo"]


def test_faster_process_is_believed(tmp_path: Path) -> None:
    made, place = tmp_path / "made", tmp_path / "tree-1"
    made.mkdir()
    place.mkdir()
    (place / "usr").touch()
    assert debian.settle(made, place) == place


def test_package_that_is_cut_off_is_an_error(tmp_path: Path) -> None:
    package = packages(tmp_path, "1")[0]
    package.write_bytes(package.read_bytes()[:-40])
    with pytest.raises(subprocess.CalledProcessError):
        debian.unpack(package, tmp_path / "tree")
