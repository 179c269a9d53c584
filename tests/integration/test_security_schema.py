"""The API as its own definitions say it is: requests drawn from them by schemathesis, each answer held to them.

Drawn are requests that fit and requests that do not, in headers, paths, parameters and bodies. Nothing may crash, and
no answer may be other than the definition has it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from sync_service.exchange.wire import wire_schemas
from tests.browser.sample import make_city
from tests.browser.town import LiveService, running_service
from tests.service import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = Path(__file__).parents[1]
TOKEN = "t" * 40
SAMPLES = r"^/(|api|conformance|collections|collections/(proposals|proposals_noplace|working_points)(/.*)?)$"
"""The others differ from these by their kind of geometry only."""
PROPOSALS = "/sync/v1/collections/proposals"
PAGED = ("limit", "bbox")
SYNC = {
    # Method and path: what is sent, what is answered, and which parameters there are.
    "get /sync/v1/capabilities": (None, "capabilities", ()),
    "get /sync/v1/me": (None, "me", ()),
    "get /sync/v1/districts": (None, "districts", ()),
    f"get {PROPOSALS}/snapshot": (None, "snapshot", PAGED),
    "get /sync/v1/clashes": (None, "clashes", ()),
    "get /sync/v1/proposals/{guid}": (None, "proposal", ()),
    f"post {PROPOSALS}/push": ("push", "results", ()),
    "post /sync/v1/clashes/{clash}": ("resolution", "resolved", ()),
    "post /sync/v1/pushes/{key}/undo": ("undo", "undone", ()),
    "post /sync/v1/proposals/{guid}/actions": ("action", "acted", ()),
}


@pytest.fixture
def service() -> Iterator[LiveService]:
    with running_service(api_token=SecretStr(TOKEN), native_edits=("proposals", "working_points")) as made:
        made.load(make_city(20))
        yield made


def drawn(definition: str, *options: str, examples: int) -> tuple[str, int, int]:
    """What schemathesis says of an API, how many of its operations it tried, and with how many requests."""
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(TESTS / "data/schemathesis.toml")]
    command += ["run", definition, "--phases", "examples,coverage,fuzzing", "--max-examples", str(examples)]
    command += ["--generation-deterministic", "--continue-on-failure", "--no-color", "--request-timeout", "60"]
    environ = {**os.environ, "SCHEMATHESIS_HOOKS": str(TESTS / "drawing.py"), "NO_PROXY": "*"}
    done = subprocess.run(
        [*command, *options], env=environ, capture_output=True, text=True, timeout=PATIENCE * 2, check=False
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
    tested, requests = re.search(r"Tested: (\d+)", done.stdout), re.search(r"(\d+) generated", done.stdout)
    assert tested is not None
    assert requests is not None
    return done.stdout, int(tested[1]), int(requests[1])


def as_staff(service: LiveService) -> tuple[str, ...]:
    return "-H", f"Authorization: Bearer {TOKEN}"


def test_ogc_api_is_as_it_says_to_a_passer_by() -> None:
    with running_service() as service:
        service.load(make_city(20))
        _, operations, requests = drawn(
            f"{service.base_url}/ogc/api?f=json", "--include-path-regex", SAMPLES, examples=5
        )
    assert operations == 22
    assert requests > 500


def test_ogc_api_is_as_it_says_to_who_may_write(service: LiveService) -> None:
    definition = f"{service.base_url}/ogc/api?f=json"
    _, operations, requests = drawn(definition, "--include-path-regex", SAMPLES, *as_staff(service), examples=5)
    assert operations == 30
    assert requests > 1000


def test_plugin_s_protocol_is_as_its_schemas_say(service: LiveService, tmp_path: Path) -> None:
    path = tmp_path / "sync.json"
    path.write_text(json.dumps(sync_definition()), "utf-8")
    _, operations, requests = drawn(str(path), "--url", service.base_url, *as_staff(service), examples=25)
    assert operations == len(SYNC)
    assert requests > 200


def sync_definition() -> dict[str, Any]:
    """An OpenAPI definition of the plugin's protocol, made of its schemas."""
    paths: dict[str, Any] = {}
    for door, (sent, answered, asked) in SYNC.items():
        method, path = door.split()
        name = f"sync.{method}.{path.rpartition('/')[2].strip('{}')}"
        body: dict[str, Any] = {} if sent is None else {"requestBody": {"required": True, **_content(sent)}}
        paths.setdefault(path, {})[method] = {
            "operationId": name,
            "parameters": [*_parameters(path, asked), *([_KEY] if sent == "push" else [])],
            **body,
            "responses": {
                "200": {"description": answered, **_content(answered)},
                "default": {"description": "problem", **_content("problem", "application/problem+json")},
            },
        }
    schemas = {name: _bundled(schema, name) for name, schema in wire_schemas().items()}
    info = {"title": "sync", "version": "1"}
    return {"openapi": "3.1.0", "info": info, "paths": paths, "components": {"schemas": schemas}}


_KEY = {"name": "Idempotency-Key", "in": "header", "required": True, "schema": {"type": "string", "format": "uuid"}}


def _parameters(path: str, asked: tuple[str, ...]) -> list[dict[str, Any]]:
    limit, box = (
        {"type": "integer", "minimum": 1},
        {"type": "array", "minItems": 4, "maxItems": 4, "items": {"type": "number"}},
    )
    schemas = {"limit": limit, "bbox": box}
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in re.findall(r"{(\w+)}", path)
    ]
    return found + [
        {"name": name, "in": "query", "schema": schemas[name], "style": "form", "explode": False} for name in asked
    ]


def _content(name: str, media: str = "application/json") -> dict[str, Any]:
    return {"content": {media: {"schema": {"$ref": f"#/components/schemas/{name}"}}}}


def _bundled(value: Any, name: str) -> Any:
    """A schema with its references led to where it stands in the definition."""
    if isinstance(value, list):
        return [_bundled(each, name) for each in value]
    if not isinstance(value, dict):
        return value
    kept = {key: _bundled(each, name) for key, each in value.items() if key not in {"$id", "$schema"}}
    if isinstance(kept.get("$ref"), str):
        inner = re.sub(r"^urn:placecard:wire:(\w+)#?", r"#/components/schemas/\1", kept["$ref"])
        kept["$ref"] = re.sub(r"^#/\$defs", f"#/components/schemas/{name}/$defs", inner)
    return kept
