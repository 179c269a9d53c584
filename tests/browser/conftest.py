"""A real Chromium, and the service it looks at."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import sync_playwright

from tests.browser.onlooker import ARGUMENTS, CHROMIUM, DESKTOP, PHONE, Onlooker
from tests.browser.tiles import TileServer, tile_server
from tests.browser.town import LiveService, running_service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield launched
        launched.close()


@pytest.fixture
def serve() -> Iterator[Callable[..., LiveService]]:
    """Starts a service with settings of the test's own."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(running_service(**settings))


@pytest.fixture
def live_service(serve: Callable[..., LiveService]) -> LiveService:
    """A service with default settings and nothing loaded."""
    return serve()


@pytest.fixture
def foreign_tiles() -> Iterator[TileServer]:
    """Somebody else's tile server."""
    with tile_server() as server:
        yield server


@pytest.fixture
def look(browser: Browser) -> Iterator[Callable[..., Onlooker]]:
    """Opens a page as a person does: `look(service, "/?…", phone=True, language="en-US", …)`."""
    with ExitStack() as stack:

        def open_page(
            service: LiveService, path: str = "/", *, phone: bool = False, language: str = "ru-RU", **options: Any
        ) -> Onlooker:
            context = browser.new_context(locale=language, **(PHONE if phone else DESKTOP), **options)
            stack.callback(context.close)
            onlooker = Onlooker(context.new_page(), service.base_url)
            onlooker.visit(path)
            return onlooker

        yield open_page
