"""The packed plugin comes into QGIS as it does to a person: by the plugin manager, from the service's own list."""

from __future__ import annotations

import json
import os
import subprocess
import zipfile
from typing import TYPE_CHECKING

import pytest

from sync_service.app import create_app
from sync_service.settings import load_settings
from sync_service.store.migrate import migrate
from tests.qgis.application import Application, run_application
from tests.qgis.desktop import serving
from tools import plugin

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask import Flask

    from tools.qgis import Release

NEWER = "9.9.9"

ADD_REPOSITORY = """
import pyplugin_installer, qgis.utils
from pyplugin_installer import installer_data
store = QgsSettings()
store.beginGroup(installer_data.reposGroup)
for other in store.childGroups():
    store.setValue(f"{{other}}/enabled", False)
store.setValue("Placecard/url", {address!r})
store.endGroup()
installer_data.repositories.load()
installer = pyplugin_installer.instance()
errors = []
def listen(text, tag, level):
    own = "/plugins/placecard/" in text or not text.startswith("warning:")  # those of QGIS's own modules are its own
    if level in (Qgis.MessageLevel.Warning, Qgis.MessageLevel.Critical) and tag != "Network" and own:
        errors.append(f"{{tag}}: {{text}}")
listening = QgsApplication.messageLog().messageReceived.connect(listen)
"""
FETCH = "installer.fetchAvailablePlugins(reloadMode=True)"
INSTALL = "installer.installPlugin('placecard', quiet=True)"
KNOWN = "installer_data.plugins.all().get('placecard', {})"

SHOWN = """
def shown():
    kinds = (QDockWidget, QToolBar, QAction)
    from qgis.PyQt import sip
    found = iface.mainWindow().findChildren(kinds)
    things = [each.objectName() for each in found if not sip.isdeleted(each)]  # what goes meanwhile is gone
    menu = [each.text() for each in iface.pluginMenu().actions()]
    providers = [each.id() for each in QgsApplication.processingRegistry().providers()]
    items = [each.name() for each in QgsApplication.dataItemProviderRegistry().providers()]
    return sorted(filter(None, [*things, *menu, *providers, *items]))
"""
"""What the plugin may have added to the window, its menu, Processing and the Browser."""


@pytest.fixture
def offered(plugin_zip: Path, tmp_path: Path) -> Path:
    """The archive that the service offers, to be replaced."""
    path = tmp_path / "offered.zip"
    path.write_bytes(plugin_zip.read_bytes())
    return path


@pytest.fixture
def address(offered: Path, tmp_path: Path) -> Iterator[str]:
    """The address of the service's list of plugins."""

    def make_app(url: str) -> Flask:
        store = f"sqlite:///{tmp_path / 'store.db'}"
        migrate(store)
        given = {"STORE_URL": store, "PUBLIC_URL": url, "PLUGIN_FILE": str(offered), "API_TOKEN": "t" * 40}
        return create_app(load_settings({f"PLACECARD_{name}": value for name, value in given.items()}, tmp_path))

    with serving(make_app) as (url, _asked):
        yield f"{url}/plugins/plugins.xml"


@pytest.fixture
def application(tmp_path: Path, address: str, release: Release) -> Iterator[Application]:
    """QGIS without the plugin, told of the service's list."""
    home = tmp_path / "рабочее место"
    home.mkdir()
    with run_application(home, release=release, bare=True) as running:
        running.run(ADD_REPOSITORY.format(address=address))
        yield running


def make_newer(offered: Path) -> None:
    """Offer the same plugin under a higher version."""
    with zipfile.ZipFile(offered) as packed:
        content = {entry.filename: packed.read(entry) for entry in packed.infolist()}
    metadata = content["placecard/metadata.txt"].decode()
    content["placecard/metadata.txt"] = metadata.replace(f"version={plugin.version()}", f"version={NEWER}").encode()
    with zipfile.ZipFile(offered, "w") as packed:
        for name, data in content.items():
            packed.writestr(name, data)


def install(application: Application) -> None:
    """What a person does in the plugin manager; its windows close by themselves."""
    application.run(FETCH, later=True)
    application.until(f"{KNOWN}.get('available')")
    application.run(INSTALL, later=True)


def test_plugin_is_installed_from_the_service_and_kept(
    application: Application, plugin_zip: Path, release: Release
) -> None:
    application.run(FETCH, later=True)
    application.until(f"{KNOWN}.get('available')")
    known = application.run(KNOWN)
    assert (known["name"], known["version_available"], known["status"]) == (
        "Placecard",
        plugin.version(),
        "not installed",
    )
    application.run(INSTALL, later=True)
    application.until("'placecard' in qgis.utils.active_plugins")
    known = application.run(KNOWN)
    assert (known["status"], known["version_installed"], known["error"]) == ("installed", plugin.version(), "")
    assert known["description"].startswith("Одобренные предложения")
    assert application.run("errors") == []
    folder = application.home / "profiles/default/python/plugins"
    with zipfile.ZipFile(plugin_zip) as packed:
        assert {name: (folder / name).read_bytes() for name in packed.namelist()} == {
            name: packed.read(name) for name in packed.namelist()
        }
    application.kill()
    with run_application(application.home, release=release) as again:
        again.until("'placecard' in plugins")
        assert not (folder / "placecard").is_symlink()


def test_newer_plugin_takes_the_place_of_the_one_that_runs(application: Application, offered: Path) -> None:
    install(application)
    application.until("'placecard' in qgis.utils.active_plugins")
    make_newer(offered)
    application.run(FETCH, later=True)
    application.until(f"{KNOWN}.get('status') == 'upgradeable'")
    application.run(INSTALL, later=True)
    application.until(f"{KNOWN}.get('version_installed') == {NEWER!r}")
    application.until("'placecard' in qgis.utils.active_plugins")
    assert application.run("qgis.utils.pluginMetadata('placecard', 'version')") == NEWER
    assert application.run("errors") == []


def test_plugin_leaves_nothing_behind(application: Application) -> None:
    application.run(SHOWN)
    before = application.run("shown()")
    install(application)
    application.until("'placecard' in qgis.utils.active_plugins")
    assert len(application.run("shown()")) > len(before)
    assert application.run("qgis.utils.unloadPlugin('placecard')")
    application.until(f"shown() == {before!r}")
    assert application.run("errors") == []


def run_process(home: Path, release: Release, *arguments: str) -> str:
    """What `qgis_process` says: a QGIS without windows, as a nightly job has it."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "XDG_RUNTIME_DIR": str(home), "LANG": "C.UTF-8"}
    environ |= {"QGIS_CUSTOM_CONFIG_PATH": str(home), "QT_QPA_PLATFORM": "offscreen", **release.environment}
    done = subprocess.run(release.process(*arguments), env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_algorithms_run_without_windows(plugin_zip: Path, tmp_path: Path, release: Release) -> None:
    with zipfile.ZipFile(plugin_zip) as packed:
        packed.extractall(tmp_path / "profiles/default/python/plugins")
    assert "* placecard" in run_process(tmp_path, release, "plugins", "enable", "placecard")
    known = json.loads(run_process(tmp_path, release, "--json", "list"))["providers"]
    assert {"placecard:pull", "placecard:push"} <= set(known["placecard"]["algorithms"])
