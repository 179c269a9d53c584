"""A client that keeps a working copy over the plugin's protocol, as the plugin does; and the check of what goes over
the wire, by another implementation of JSON Schema than the service's own."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

import shapely
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from sync_service.exchange.wire import wire_schemas

if TYPE_CHECKING:
    from collections.abc import Callable

    from shapely.geometry.base import BaseGeometry

ROOT = "/sync/v1"
PROPOSALS = f"{ROOT}/collections/proposals"


class Ask(Protocol):
    """Asks the service; status and document of what it answers."""

    def __call__(self, method: str, path: str, *, query: dict[str, str] | None = None, **rest: Any) -> tuple[int, Any]:
        """`json` and `headers` in the rest."""


@cache
def _validator(name: str) -> Draft202012Validator:
    schemas = wire_schemas()
    resources = [(schema["$id"], Resource.from_contents(schema)) for schema in schemas.values()]
    return Draft202012Validator(schemas[name], registry=Registry().with_resources(resources))


def expect(name: str, document: Any) -> Any:
    """The document, if it is what the wire schema says."""
    problems = [f"{list(error.absolute_path)}: {error.message}" for error in _validator(name).iter_errors(document)]
    assert problems == []
    return document


def shape_of(text: str | None) -> BaseGeometry | None:
    """The geometry of a row."""
    return None if text is None else shapely.from_wkb(b64decode(text, validate=True))


class Void(Exception):
    """The server says that the copy's cursor is void (410)."""


@dataclass
class WorkingCopy:
    """Rows by guid as the copy has them, and the cursor it stands at."""

    ask: Ask
    box: str | None = None
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    cursor: str = ""
    seen: list[dict[str, Any]] = field(default_factory=list)

    def take(self, limit: int = 1000, between: Callable[[], object] = lambda: None) -> WorkingCopy:
        """Make the copy anew from a snapshot; `between` happens after each page."""
        self.rows, query = {}, {"limit": str(limit), **({"bbox": self.box} if self.box else {})}
        page = self._get("snapshot", query)
        self.cursor = page["cursor"]
        while True:
            assert page["cursor"] == self.cursor
            assert len(page["rows"]) <= limit
            assert page["has_more"] is (page["next"] is not None)
            self.rows |= {row["guid"]: row for row in page["rows"]}
            between()
            if not page["has_more"]:
                return self
            page = self._get("snapshot", {"limit": str(limit), "next": page["next"]})

    def follow(self, limit: int = 1000) -> WorkingCopy:
        """Have all changes since."""
        more = True
        while more:
            page = self._get("changes", {"since": self.cursor, "limit": str(limit)})
            assert len(page["changes"]) <= limit
            for change in page["changes"]:
                self._apply(change)
            self.cursor, more = page["next"], page["has_more"]
        return self

    def _apply(self, change: dict[str, Any]) -> None:
        self.seen.append(change)
        if change["op"] == "upsert":
            self.rows[change["guid"]] = {name: value for name, value in change.items() if name != "op"}
        else:
            self.rows.pop(change["guid"], None)

    def _get(self, name: str, query: dict[str, str]) -> Any:
        status, document = self.ask("GET", f"{PROPOSALS}/{name}", query=query)
        if status == 410:
            raise Void(expect("problem", document)["reason"])
        assert status == 200, document
        return expect(name, document)
