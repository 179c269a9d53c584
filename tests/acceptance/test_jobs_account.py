"""A job on another machine, with the service account of a real Keycloak: it is let in, works, and is named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.keycloak import API, JOBS
from tests.service import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.keycloak import Realm
    from tests.service import Service

SWEEPS = "/sync/v1/sweeps"


def test_job_has_the_board_swept_and_is_named(make_live: Callable[..., Service], realm: Realm) -> None:
    service = make_live(OIDC_ISSUER=realm.issuer, OIDC_AUDIENCE=API, SWEEP_SECONDS="3600", webhooks=False)
    service.project.add("Сквер у школы")
    service.session.headers["Authorization"] = f"Bearer {realm.service_token()}"
    assert service.get("/sync/v1/me").json()["name"] == JOBS
    asked = service.session.post(f"{service.url}{SWEEPS}", json={"full": True}, timeout=60)
    assert (asked.status_code, asked.json()["who"]) == (202, JOBS)
    told = until(lambda: _done(service, asked.headers["Location"]))
    assert (told["state"], told["who"], told["report"]["errors"]) == ("done", JOBS, [])
    assert told["report"]["created"] == 1
    answer = service.session.post(f"{service.url}/sync/v1/collections/proposals/push", json={}, timeout=60)
    assert answer.status_code == 403  # it was given no right to edit


def _done(service: Service, path: str) -> Any:
    told = service.get(path).json()
    return None if told["state"] == "asked" else told
