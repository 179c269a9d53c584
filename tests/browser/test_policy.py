"""The policies our answers name, kept by a real Chromium: no page of ours breaks them, nobody frames but who may."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from tests.browser.onlooker import PATIENCE
from tests.browser.sample import make_city
from tests.bureau import TOKEN
from tests.desk import Desk, make_desk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from tests.browser.onlooker import Onlooker
    from tests.browser.town import LiveService

MOST = 80
"""Pages looked at: far more than there are kinds of them."""
FIRST = (
    "/",
    "/?lang=en",
    "/signin",
    "/nowhere",
    "/ogc/?f=html",
    "/ogc/api?f=html",
    "/ogc/conformance?f=html",
    "/ogc/collections?f=html",
    "/ogc/collections/proposals?f=html",
    "/ogc/collections/proposals/items?f=html",
    "/ogc/collections/proposals/items?f=html&limit=none",
    "/ogc/collections/proposals/queryables?f=html",
    "/ogc/collections/working_points/schema?f=html",
    "/board/cards/1",
    "/desk/",
    "/desk/waiting",
    "/desk/changes",
    "/desk/clashes",
    "/desk/nowhere",
)
_WATCH = """document.addEventListener("securitypolicyviolation", (event) => violated(
  `${location.pathname} ${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));"""


@pytest.fixture
def bridge(tmp_path: Path) -> Iterator[Desk]:
    """A card that is public, one that waits, and a text that looks personal."""
    made = make_desk(tmp_path, SURGE_LIMIT="1")
    for number in range(2):
        made.add(f"Сквер {number}", column="Одобрено")
    made.add("Мастерская", "Звонить +7 927 123-45-67.\n\nМесто: 53.5303, 49.3461", "Одобрено")
    made.sweep()
    yield made
    made.parts.database.close()


@pytest.fixture
def service(bridge: Desk, serve: Callable[..., LiveService]) -> LiveService:
    return serve(store_url=bridge.parts.database.url, api_token=SecretStr(TOKEN))


def watching(page: Page) -> list[str]:
    """What pages opened here do against their policies, as it happens."""
    violations: list[str] = []
    listen = lambda told: violations.append(told)  # noqa: E731, PLW0108 - Playwright marks it, and a built-in takes none
    page.expose_function("violated", listen)
    page.add_init_script(_WATCH)
    return violations


def links_of(seen: Onlooker) -> list[str]:
    """Where this page leads within the service, without its forms."""
    found = seen.page.evaluate("() => [...document.querySelectorAll('a[href]')].map((each) => each.href)")
    ours = [each.partition("#")[0] for each in found if each.startswith(seen.base_url + "/")]
    return [each.removeprefix(seen.base_url) for each in ours if ".csv" not in each and ".xlsx" not in each]


def test_no_page_breaks_its_own_policy(service: LiveService, look: Callable[..., Onlooker]) -> None:
    seen = look(service, "/signin?next=/desk/")
    violations = watching(seen.page)
    seen.page.fill("#token", TOKEN)
    seen.follow(seen.page.locator("#token").locator("xpath=ancestor::form").locator("button"))
    seen.visit("/")
    seen.settled()
    wanted, known = list(FIRST), set(FIRST)
    for path in wanted:
        answer = seen.page.goto(seen.base_url + path)
        assert answer is not None
        if answer.headers["content-type"].startswith("text/html"):
            new = [each for each in dict.fromkeys(links_of(seen)) if each not in known]
            known.update(new)
            wanted += new[: MOST - len(wanted)]
    assert len(wanted) > len(FIRST)
    assert any(path.startswith("/desk/proposals/") for path in wanted)
    assert violations == []
    assert [each for each in seen.complaints if "Security Policy" in each] == []


@pytest.mark.parametrize("path", ["/", "/signin"])
@pytest.mark.parametrize("sin", ["<script>1</script>", "<b style='color: red'>x</b>", "<style>b {}</style>"])
def test_policy_forbids_what_stands_in_the_page(
    service: LiveService, look: Callable[..., Onlooker], path: str, sin: str
) -> None:
    """And those who watch hear of it."""
    seen = look(service, path)
    violations = watching(seen.page)
    seen.visit(path)
    seen.page.evaluate("(sin) => document.body.append(document.createRange().createContextualFragment(sin))", sin)
    seen.until(lambda: violations, "a violation")


# --- framing


class Site(ThreadingHTTPServer):
    """A site of somebody else, with one page that frames an address."""

    framed = "about:blank"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(f"<!doctype html><iframe src='{self.server.framed}' width=800 height=600></iframe>".encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name the base class has
        """Say nothing."""


@pytest.fixture
def site() -> Iterator[Site]:
    with Site(("127.0.0.1", 0), _Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def shows(browser: Browser, site: Site, framed: str) -> bool:
    """Whether the browser shows what the site frames."""
    site.framed = framed
    context = browser.new_context()
    try:
        page = context.new_page()
        page.goto(site.url, wait_until="load")
        return page.frames[1].url == framed
    finally:
        context.close()


def test_only_the_map_is_framed_and_only_where_it_is_allowed(
    serve: Callable[..., LiveService], browser: Browser, site: Site
) -> None:
    with_leave, without = serve(embed_origins=(site.url,)), serve()
    elsewhere = serve(embed_origins=("https://www.example.org",))
    assert shows(browser, site, f"{with_leave.base_url}/")
    for path in ("/signin", "/desk/", "/ogc/", "/board/cards/1"):
        assert not shows(browser, site, f"{with_leave.base_url}{path}"), path
    for service in (without, elsewhere):
        assert not shows(browser, site, f"{service.base_url}/")


def test_framed_map_is_whole(serve: Callable[..., LiveService], browser: Browser, site: Site) -> None:
    service = serve(embed_origins=(site.url,))
    service.load(make_city(3))
    site.framed = f"{service.base_url}/"
    context = browser.new_context()
    try:
        page = context.new_page()
        violations = watching(page)
        page.goto(site.url)
        page.frame_locator("iframe").locator("#results[aria-busy=false] li").first.wait_for(timeout=PATIENCE * 1000)
        assert violations == []
    finally:
        context.close()
