"""What guards the service as it runs: its two listeners, how much and how slowly anybody may send."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
import requests

from sync_service.access.doors import BOTH, DOORS, INNER
from sync_service.pages.bodies import BODIES, LARGEST, SMALLEST, largest_body
from tests.boards import make_kanboard_project
from tests.service import PATIENCE, Service, make_service
from tools.kanboard import KanboardServer, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "t" * 40
BEARER = {"Authorization": f"Bearer {TOKEN}"}
FORM = b"application/x-www-form-urlencoded"
PUSH = "/sync/v1/collections/proposals/push"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, kanboard_server: KanboardServer) -> Iterator[Service]:
    """One with a listener for the inner network, one web process of four threads, and a provider that is away."""
    made = make_service(
        tmp_path_factory.mktemp("guarded"),
        make_kanboard_project(kanboard_server),
        INTERNAL_BIND=f"127.0.0.1:{free_port()}",
        API_TOKEN=TOKEN,
        WORKERS="1",
        NATIVE_EDITS="proposals",
        OIDC_ISSUER=f"http://127.0.0.1:{free_port()}",
        OIDC_AUDIENCE="placecard-api",
        OIDC_CLIENT_ID="placecard-web",
        OIDC_CLIENT_SECRET="s" * 40,
    )
    try:
        made.start()
        yield made
    finally:
        made.stop()


def asked(url: str, door: str, **headers: str) -> requests.Response:
    method, path = door.split(" ", 1)
    return requests.request(method, url + path, headers=headers, timeout=PATIENCE)


# --- two listeners


MAY_LACK = {"/map/tiles.pmtiles", "/plugins/plugins.xml", "/plugins/placecard.zip"}
"""What a service has or has not, be the listener as it may."""
PLAIN = [door for door in DOORS if "<" not in door]


@pytest.mark.parametrize("door", PLAIN)
def test_each_listener_has_its_own_addresses_and_no_others(service: Service, door: str) -> None:
    path = door.split(" ", 1)[1]
    outside, inside = (asked(url, door, **BEARER).status_code for url in (service.url, service.inner_url))
    assert outside == 404 if path in INNER else outside != 404 or path in MAY_LACK, outside
    assert (inside == 404) is (path not in INNER | BOTH), inside


def test_no_header_makes_an_inner_address_of_an_outer_one(service: Service) -> None:
    inner = service.inner_url.removeprefix("http://")
    claims = {"Host": inner, "X-Forwarded-Host": inner, "X-Forwarded-Port": inner.split(":")[1], "Server-Port": inner}
    assert asked(service.url, "GET /metrics", **BEARER, **claims).status_code == 404
    assert asked(service.url, "GET /board/events").status_code == 404


def test_inner_addresses_ask_for_their_tokens_all_the_same(service: Service) -> None:
    assert asked(service.inner_url, "GET /metrics").status_code == 401
    assert asked(service.inner_url, "POST /board/events?token=guess").status_code == 403
    known = service.environ["PLACECARD_WEBHOOK_TOKEN"]
    assert asked(service.inner_url, f"POST /board/events?token={known}").status_code == 204


def test_port_of_the_inner_network_that_is_taken_is_named(service: Service) -> None:
    done = service.run("serve", PLACECARD_PORT=str(free_port()))
    assert done.returncode == 2
    assert "PLACECARD_INTERNAL_BIND" in done.stdout + done.stderr


# --- how much


def test_a_limit_stands_for_every_kind_of_address() -> None:
    assert all(any(door.split(" ", 1)[1].startswith(beginning) for door in DOORS) for beginning in BODIES)
    assert largest_body(PUSH) == LARGEST == max(BODIES.values())
    assert largest_body("/") == SMALLEST


@pytest.mark.parametrize("told", [True, False], ids=["told", "in pieces"])
@pytest.mark.parametrize(
    "door",
    [
        f"POST {PUSH}",
        "POST /sync/v1/clashes/1",
        "POST /ogc/collections/proposals/items",
        "POST /desk/waiting",
        "POST /signin",
        "GET /ogc/",
    ],
)
def test_too_much_is_refused_in_our_shape(service: Service, door: str, told: bool) -> None:
    method, path = door.split(" ", 1)
    most = largest_body(path)
    body = b"x" * (most + 1)
    headers = {**BEARER, "Content-Type": "application/geo+json" if "ogc" in path else "application/json"}
    if "desk" in path or "sign" in path:
        headers["Content-Type"] = FORM.decode()
    given = body if told else iter([body[: most // 2], body[most // 2 :]])
    if method == "GET" and not told:
        return  # it is never read
    answer = requests.request(method, service.url + path, data=given, headers=headers, timeout=PATIENCE)
    assert answer.status_code == 413, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (answer.json()["code"], answer.json()["limit"]) == ("too_large", most)


def test_too_much_for_the_webhook(service: Service) -> None:
    known = service.environ["PLACECARD_WEBHOOK_TOKEN"]
    body = b"x" * (largest_body("/board/events") + 1)
    answer = requests.post(f"{service.inner_url}/board/events?token={known}", data=body, timeout=PATIENCE)
    assert answer.json()["code"] == "too_large"


@pytest.mark.parametrize(
    ("path", "headers"),
    [("/?" + "x" * 9000, {}), ("/", {"X-Long": "x" * 9000}), ("/", {f"X-{n}": "x" for n in range(70)})],
    ids=["address", "header", "headers"],
)
def test_long_heads_are_refused(service: Service, path: str, headers: dict[str, str]) -> None:
    answer = requests.get(service.url + path, headers=headers, timeout=PATIENCE)
    assert 400 <= answer.status_code < 500
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    "head",
    [
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nxxxxx",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Folded: a\r\n b\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost : x\r\n\r\n",
        b"TRACE / HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    ids=["two lengths", "two numbers", "coding", "folded", "space", "trace"],
)
def test_requests_that_may_be_read_in_two_ways_are_refused(service: Service, head: bytes) -> None:
    """And what sends a request back to whoever sent it."""
    with ExitStack() as stack:
        answer = begin(service, stack, head).recv(4096)
    assert answer.split()[1][:1] == b"4" or answer.split()[1] == b"501", answer


# --- how slowly


def begin(service: Service, stack: ExitStack, head: bytes) -> socket.socket:
    port = int(service.url.rsplit(":", 1)[1])
    made = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE))
    made.sendall(head)
    return made


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\nX-Never-",
        b"POST /signin HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nContent-Type: " + FORM + b"\r\n\r\nx",
    ],
    ids=["head", "body"],
)
def test_whoever_stops_in_the_middle_gives_the_threads_back(service: Service, head: bytes) -> None:
    """As many as there are threads: nobody else is answered while they hold them."""
    with ExitStack() as stack:
        slow = [begin(service, stack, head) for _ in range(4)]
        assert asked(service.url, "GET /healthz").status_code == 200
        for each in slow:
            while each.recv(4096):
                pass
