"""A GIS specialist's place of work: the whole QGIS application with the plugin, and a live service to work with."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from sync_service.exchange import create_blueprint
from tests.ogc import TOKEN
from tests.qgis.application import Application, run_application
from tests.qgis.desktop import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from flask import Flask

    from sync_service.exchange.beyond import Beyond
    from tests.ogc import Town
    from tools.qgis import Release

START = """
from pathlib import Path
from placecard.core import errors, words
from placecard.core.copyfile import edits
from placecard.core.copyfile.copy import WorkingCopy
from placecard.host import folders, horizons, layers, live, memory, network, signin, tasks, transform
project = QgsProject.instance()
plugin = plugins["placecard"]
session = plugin.session
heard = []
def hear(name):
    getattr(session, name).connect(lambda *told: heard.append([name, *map(str, told)]))
for name in ("told", "pulled", "checked", "pushed", "failed"):
    hear(name)
def said(name):
    return [told[1] for told in heard if told[0] == name]
"""


@dataclass
class Workplace:
    """QGIS with the plugin, whose session is `session` inside it; what it told is in `heard`."""

    application: Application
    town: Town
    url: str
    asked: list[str] = field(default_factory=list)

    def run(self, source: str, **more: Any) -> Any:
        """Python in the GUI thread of QGIS."""
        return self.application.run(source, **more)

    def connect(self, token: str = TOKEN) -> None:
        """Enter the service with its token, kept in QGIS's own store."""
        self.run(f"heard.clear(); entered = None; config = signin.keep_token({self.url!r}, {token!r})")
        self.run(
            f"session.connect_to({self.url!r}, config, lambda me: globals().update(entered=me),"
            " lambda error: globals().update(entered=error.key))"
        )
        self.application.until("entered")
        assert self.run("isinstance(entered, dict)"), self.run("entered")

    def copy(self, path: Path) -> None:
        """A working copy, by its first pull, with its layers in the project."""
        self.run(f"heard.clear(); session.create_copy({str(path)!r})")
        self.wait("pulled")

    def do(self, call: str, answer: str) -> None:
        """Have the session do something, and wait for what came of it."""
        self.run(f"heard.clear(); session.{call}")
        self.wait(answer)

    def wait(self, answer: str) -> None:
        """Wait for an answer of the session; AssertionError if it failed instead."""
        self.application.until(f"said({answer!r}) or said('failed')")
        assert self.run(f"said({answer!r})"), self.run("heard")

    def titles(self, layer: str) -> list[str]:
        """Titles of what a layer of the copy shows."""
        found: list[str] = self.run(f"sorted(each['title'] for each in session.layers()[{layer!r}][0].getFeatures())")
        return found

    def guid(self, title: str) -> str:
        """The guid of a proposal of the copy."""
        found: str = self.run(f"next(each.guid for each in session.copy.proposals('all') if each.title == {title!r})")
        return found


@contextmanager
def serve_town(
    town: Town, around: Callable[[Any], Any] | None = None, beyond: Beyond | None = None
) -> Iterator[tuple[str, list[str]]]:
    """The whole service over a town's store, live: its address, and what it is asked. `around` wraps it, as WSGI."""

    def make_app(url: str) -> Flask:
        app = town.app(public_url=url)
        settings = town.settings.model_copy(update={"public_url": url})
        app.config["MAX_CONTENT_LENGTH"] = 16 * 1024 * 1024
        app.register_blueprint(create_blueprint(town.database, settings, lambda: town.now, beyond))
        if around is not None:
            app.wsgi_app = around(app.wsgi_app)  # type: ignore[method-assign]  # as Flask itself says to do it
        return app

    with serving(make_app) as served:
        yield served


def enter(application: Application) -> None:
    """Let what the tests say know the plugin; an empty project, no copy, nothing heard yet."""
    application.until("'placecard' in plugins")
    application.run(START)


@pytest.fixture(scope="module")
def application(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, release: Release
) -> Iterator[Application]:
    """A QGIS for all tests of a module, which has heard what the module says first: its `START`, or the one here."""
    with run_application(tmp_path_factory.mktemp("место работы"), release=release) as running:
        running.until("'placecard' in plugins")
        running.run(getattr(request.module, "START", START))
        yield running
