"""The archive of the plugin, as `make plugin` makes it: what the public plugin repository and QGIS want of it."""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from configparser import ConfigParser
from pathlib import Path, PurePosixPath

import pytest

from sync_service.exchange.capabilities import PLUGIN
from tools import plugin

ROOT = Path(__file__).parents[2]
REQUIRED = (
    *("name", "description", "about", "version", "author", "email", "tracker", "repository", "homepage"),
    *("qgisMinimumVersion", "qgisMaximumVersion", "icon", "tags", "changelog"),
)
TRANSLATED = ("description", "about", "tags")
"""What QGIS shows in the person's language when it stands there as `key[language]`."""

SUFFIXES = {".py", ".txt", ".svg", ".json", ".png", ".qml", ""}
LARGEST = 25_000_000
RELEASED = """# Changelog

## [Unreleased]

## [{version}] - 2026-12-24

### Added

- Half of all, 50% of it, for everybody
"""


def read_metadata(archive: Path) -> dict[str, str]:
    """The metadata as QGIS reads them: with a parser that takes a single % for a mistake."""
    parser = ConfigParser()
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # keys keep their capitals, as there
    with zipfile.ZipFile(archive) as packed:
        parser.read_string(packed.read("placecard/metadata.txt").decode("utf-8"))
    return dict(parser.items("general"))


@pytest.fixture(scope="module")
def names(plugin_zip: Path) -> list[str]:
    with zipfile.ZipFile(plugin_zip) as packed:
        assert packed.testzip() is None
        return packed.namelist()


def test_archive_is_one_folder(names: list[str]) -> None:
    assert {PurePosixPath(name).parts[0] for name in names} == {"placecard"}
    assert {"placecard/__init__.py", "placecard/metadata.txt", "placecard/LICENSE"} <= set(names)


def test_archive_holds_nothing_but_the_plugin(names: list[str]) -> None:
    parts = [PurePosixPath(name) for name in names]
    assert {path.suffix for path in parts} <= SUFFIXES
    assert [path for path in parts if not path.suffix and path.name != "LICENSE"] == []
    strange = {"__pycache__", "tests", "test", "__MACOSX"}
    assert [path for path in parts if strange & set(path.parts) or any(p.startswith(".") for p in path.parts)] == []


def test_every_module_is_packed(names: list[str]) -> None:
    here = ROOT / "qgis_plugin"
    assert {path.relative_to(here).as_posix() for path in here.rglob("*.py")} <= set(names)


def test_archive_is_small_and_readable(plugin_zip: Path) -> None:
    assert plugin_zip.stat().st_size < LARGEST / 10
    with zipfile.ZipFile(plugin_zip) as packed:
        assert {entry.external_attr >> 16 & 0o777 for entry in packed.infolist()} == {0o644}


def test_metadata_are_complete(plugin_zip: Path) -> None:
    metadata = read_metadata(plugin_zip)
    assert [key for key in REQUIRED if not metadata.get(key)] == []
    assert [key for key in TRANSLATED if not metadata.get(f"{key}[ru]")] == []
    assert (metadata["qgisMinimumVersion"], metadata["qgisMaximumVersion"]) == ("3.40", "4.99")
    assert all(metadata[key].startswith("https://") for key in ("tracker", "repository", "homepage"))


def test_icon_is_packed(plugin_zip: Path, names: list[str]) -> None:
    assert f"placecard/{read_metadata(plugin_zip)['icon']}" in names


def test_version_is_the_projects(plugin_zip: Path) -> None:
    assert read_metadata(plugin_zip)["version"] == plugin.version()
    source = (ROOT / plugin.PLUGIN / "metadata.txt").read_text("utf-8")
    assert f"\nversion={plugin.version()}\n" in source, "QGIS reads this one where the plugin is run from the work tree"


def test_service_takes_the_version() -> None:
    first, version, below = (
        tuple(map(int, text.split("."))) for text in (PLUGIN["from"], plugin.version(), PLUGIN["below"])
    )
    assert first <= version < below


def test_schemas_and_licence_are_the_projects(plugin_zip: Path, names: list[str]) -> None:
    schemas = {path.name: path.read_bytes() for path in (ROOT / "config/wire").glob("*.json")}
    with zipfile.ZipFile(plugin_zip) as packed:
        inside = {name: packed.read(name) for name in names if name.startswith("placecard/wire/")}
        assert {PurePosixPath(name).name: content for name, content in inside.items()} == schemas
        assert packed.read("placecard/LICENSE") == (ROOT / "LICENSE").read_bytes()
    assert "capabilities.json" in schemas


def test_same_files_give_the_same_archive(plugin_zip: Path, tmp_path: Path) -> None:
    assert plugin.pack(tmp_path / "again.zip").read_bytes() == plugin_zip.read_bytes()


def contents(archive: Path) -> dict[str, tuple[int, bytes]]:
    """What an archive holds, with its rights."""
    with zipfile.ZipFile(archive) as packed:
        return {entry.filename: (entry.external_attr, packed.read(entry)) for entry in packed.infolist()}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project's files that packing reads, to be changed."""
    copy = tmp_path / "project"
    for name in ("qgis_plugin", "config"):
        shutil.copytree(ROOT / name, copy / name)
    for name in (plugin.SETTINGS, plugin.CHANGELOG, "LICENSE"):
        shutil.copy(ROOT / name, copy)
    monkeypatch.setattr(plugin, "ROOT", copy)
    return copy


def test_packing_leaves_the_work_tree_alone(project: Path, tmp_path: Path) -> None:
    """The packing tool itself writes into the tree, and throws away what is not committed."""
    for command in (["init"], ["add", "."], ["-c", "user.name=x", "-c", "user.email=x", "commit", "-m", "x"]):
        subprocess.run(["git", *command], cwd=project, check=True, capture_output=True)
    metadata = project / "qgis_plugin/placecard/metadata.txt"
    metadata.write_text(metadata.read_text() + "# an edit in hand\n")
    plugin.pack(tmp_path / "placecard.zip")
    status = subprocess.run(["git", "status", "--short"], cwd=project, check=True, capture_output=True, text=True)
    assert status.stdout.strip() == "M qgis_plugin/placecard/metadata.txt"


def test_last_release_is_told_in_the_metadata(project: Path, tmp_path: Path) -> None:
    (project / "CHANGELOG.md").write_text(RELEASED.format(version=plugin.version()))
    told = read_metadata(plugin.pack(tmp_path / "placecard.zip"))["changelog"]
    assert f"Version {plugin.version()}:" in told
    assert "- Half of all, 50% of it, for everybody" in told


@pytest.mark.parametrize("releases", [0, 1, 5])
def test_zipping_alone_gives_what_is_released(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, releases: int
) -> None:
    told = [RELEASED.format(version=f"0.{number}.0") for number in reversed(range(releases))]
    (project / "CHANGELOG.md").write_text("".join(told))
    released = contents(plugin.pack(tmp_path / "released.zip"))
    monkeypatch.setenv("PATH", "")
    assert contents(plugin.zip_up(tmp_path / "zipped.zip")) == released
    changelog = read_metadata(tmp_path / "zipped.zip")["changelog"]
    assert changelog.count("- Half of all") == min(releases, plugin.RELEASES_TOLD)


def test_what_cannot_be_packed_is_said(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "qgis_plugin/placecard/metadata.txt").write_text("[general]\nname=Placecard\n")
    monkeypatch.setattr(plugin, "ARCHIVE", project / "placecard.zip")
    assert plugin.main() == 2
    assert "Mandatory key is missing in metadata" in capsys.readouterr().err
    assert not (project / "placecard.zip").exists()
