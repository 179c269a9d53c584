"""A person before the public map: opens it, waits for it, and remembers all that went wrong."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import ConsoleMessage, Locator, Page, Request

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
)
DESKTOP: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "is_mobile": True,
    "has_touch": True,
    "device_scale_factor": 2,
}
PATIENCE = 90.0

_PIXEL = """([x, y]) => new Promise((done) => {
  const map = document.getElementById("map").view.map;
  map.once("render", () => {
    const source = map.getCanvas();
    const scale = source.width / source.clientWidth;
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 1;
    const context = canvas.getContext("2d");
    context.drawImage(source, Math.round(x * scale), Math.round(y * scale), 1, 1, 0, 0, 1, 1);
    done([...context.getImageData(0, 0, 1, 1).data].slice(0, 3));
  });
  map.triggerRepaint();
})"""


class Onlooker:
    """`complaints` are errors and warnings of the console, `strangers` requests that left the service."""

    def __init__(self, page: Page, base_url: str) -> None:
        self.page = page
        self.base_url = base_url
        self.complaints: list[str] = []
        self.strangers: list[str] = []
        page.on("console", self._listen)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._watch)

    def visit(self, path: str) -> None:
        """Open a page of the service."""
        self.page.goto(self.base_url + path)

    def follow(self, locator: Locator) -> None:
        """Click what leads to another page, and wait until that one is there with its styles."""
        with self.page.expect_navigation():
            locator.click()

    def settled(self) -> Onlooker:
        """Wait until map and list are there and the map stands still."""
        self.until(lambda: self.page.locator("#results").get_attribute("aria-busy") == "false", "the list")
        self.until(lambda: self.page.locator("#map").get_attribute("aria-busy") == "false", "the first view")
        self.until(lambda: self.map("!!map.getLayer('mark') && map.loaded() && !map.isMoving()"), "the map")
        return self

    def map(self, expression: str) -> Any:
        """Evaluate an expression with `map`, the MapLibre map; null while there is none."""
        return self.page.evaluate(
            f"() => {{ const map = document.getElementById('map').view?.map; return map ? ({expression}) : null; }}"
        )

    def until(self, condition: Callable[[], Any], what: str) -> None:
        """Wait for a condition, within reason."""
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end, f"waited in vain for {what}; complaints: {self.complaints}"
            self.page.evaluate("() => new Promise(requestAnimationFrame)")

    def go(self, longitude: float, latitude: float, zoom: float) -> None:
        """Move the map there at once, and wait until it is drawn."""
        self.map(f"map.jumpTo({{center: [{longitude}, {latitude}], zoom: {zoom}}}), true")
        self.settled()

    def spot(self, longitude: float, latitude: float) -> tuple[float, float]:
        """Where on the screen a place is."""
        place = self.map(f"(({{x, y}}) => ({{x, y}}))(map.project([{longitude}, {latitude}]))")
        return place["x"], place["y"]

    def pixel(self, x: float, y: float) -> tuple[int, int, int]:
        """The colour the map has there."""
        red, green, blue = self.page.evaluate(_PIXEL, [x, y])
        return red, green, blue

    def drawn(self, layer: str) -> list[dict[str, Any]]:
        """Properties of what a layer shows now; what lies in two neighbouring tiles counts once."""
        found: list[str] = self.map(
            f"map.queryRenderedFeatures({{layers: ['{layer}']}}).map(({{properties, geometry}}) => JSON.stringify("
            "[properties, geometry.type === 'Point' ? geometry.coordinates.map((each) => each.toFixed(4)) : '']))"
        )
        return [json.loads(each)[0] for each in dict.fromkeys(found)]

    def shown(self, layer: str, number: int) -> None:
        """Wait until a layer shows so many features."""
        self.until(lambda: len(self.drawn(layer)) == number, f"{number} in the layer {layer}")

    def _listen(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and "GL Driver Message" not in message.text:
            self.complaints.append(f"{message.type}: {message.text} {message.location.get('url')}")

    def _watch(self, request: Request) -> None:
        if not request.url.startswith((self.base_url + "/", "data:", "blob:")):
            self.strangers.append(request.url)
