"""The service offers the plugin for QGIS: the list that its plugin manager reads, and the archive."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from flask import Flask

from sync_service.pages import register_errors, register_headers
from sync_service.plugins import archive
from sync_service.plugins.routes import create_blueprint
from sync_service.settings import load_settings
from tools import plugin

if TYPE_CHECKING:
    from flask.testing import FlaskClient

HOME = "https://map.test/city"
LIST, FILE = "/plugins/plugins.xml", "/plugins/placecard.zip"
METADATA = """[general]
name=Placecard
description=Places & more
description[ru]=Места и <прочее>
about=Some text
    on two lines
version=1.2.3
qgisMinimumVersion=3.40
qgisMaximumVersion=4.99
"""


def write_zip(path: Path, metadata: str = METADATA, *, name: str = "placecard/metadata.txt") -> Path:
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr(name, metadata)
    return path


def client_for(path: Path | None) -> FlaskClient:
    given = {"PLACECARD_PUBLIC_URL": HOME, "PLACECARD_API_TOKEN": "t" * 40}
    settings = load_settings({**given, **({"PLACECARD_PLUGIN_FILE": str(path)} if path else {})}, Path("/"))
    app = Flask("sync_service")
    register_errors(app)
    register_headers(app, settings)
    app.register_blueprint(create_blueprint(settings))
    return app.test_client()


def listed(client: FlaskClient, language: str = "en") -> dict[str, str]:
    """The one plugin of the list: its elements, and its attributes with an @."""
    answer = client.get(f"{LIST}?qgis=3.40", headers={"Accept-Language": language})
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "text/xml"
    (entry,) = ET.fromstring(answer.data)
    assert entry.tag == "pyqgis_plugin"
    return {**{f"@{name}": value for name, value in entry.attrib.items()}, **{e.tag: e.text or "" for e in entry}}


def test_list_tells_what_the_archive_says(plugin_zip: Path) -> None:
    entry = listed(client_for(plugin_zip))
    assert (entry["@name"], entry["@version"]) == ("Placecard", plugin.version())
    assert entry["download_url"] == f"{HOME}{FILE}"
    assert entry["file_name"] == "placecard.zip"
    assert (entry["qgis_minimum_version"], entry["qgis_maximum_version"]) == ("3.40", "4.99")
    assert all(
        entry[name] for name in ("description", "about", "author_name", "tracker", "repository", "tags", "changelog")
    )


def test_list_speaks_the_readers_language(tmp_path: Path) -> None:
    client = client_for(write_zip(tmp_path / "p.zip"))
    assert listed(client, "en-GB,en")["description"] == "Places & more"
    assert listed(client, "ru-RU,en;q=0.5")["description"] == "Места и <прочее>"
    assert listed(client, "ru")["about"] == "Some text\non two lines"
    assert client.get(LIST).headers["Vary"] == "Accept-Language"


def test_archive_is_sent_as_it_is(plugin_zip: Path) -> None:
    client = client_for(plugin_zip)
    answer = client.get(FILE)
    assert answer.data == plugin_zip.read_bytes()
    assert answer.mimetype == "application/zip"
    assert "placecard.zip" in answer.headers["Content-Disposition"]
    again = client.get(FILE, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_newer_archive_is_offered_at_once(tmp_path: Path) -> None:
    client = client_for(write_zip(tmp_path / "p.zip"))
    before = client.get(FILE).headers["ETag"]
    assert listed(client)["version"] == "1.2.3"
    write_zip(tmp_path / "p.zip", METADATA.replace("1.2.3", "1.10.0"))
    assert listed(client)["version"] == "1.10.0"
    assert client.get(FILE).headers["ETag"] != before


@pytest.mark.parametrize("address", [LIST, FILE])
def test_without_an_archive_the_operator_is_told_what_to_do(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "BUILT_IN", tmp_path / "none.zip")
    answer = client_for(None).get(address, headers={"Accept-Language": "en", "Accept": "application/json"})
    assert answer.status_code == 404
    assert answer.mimetype == "application/problem+json"
    assert answer.json is not None
    assert answer.json["code"] == "no_plugin"
    assert "make plugin" in answer.json["detail"]
    assert "PLACECARD_PLUGIN_FILE" in answer.json["detail"]


def test_archive_of_the_service_is_taken_where_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "BUILT_IN", write_zip(tmp_path / "built.zip"))
    assert listed(client_for(None))["version"] == "1.2.3"
    assert plugin.ARCHIVE.parent == Path(archive.__file__).parent


def broken_archives(folder: Path) -> list[Path]:
    (folder / "text.zip").write_text("no archive at all")
    cut = write_zip(folder / "cut.zip")
    cut.write_bytes(cut.read_bytes()[:40])
    other = write_zip(folder / "other.zip", name="other/metadata.txt")
    empty = write_zip(folder / "empty.zip", "version=1\n")
    unsaid = write_zip(folder / "unsaid.zip", "[other]\nversion=1\n")
    return [folder / "text.zip", cut, other, empty, unsaid]


def test_what_is_no_archive_of_the_plugin_is_not_offered(tmp_path: Path) -> None:
    for path in broken_archives(tmp_path):
        answer = client_for(path).get(LIST)
        assert (path.name, answer.status_code) == (path.name, 404)
