"""No secret leaves the service by a back door: each is marked, all is made to go wrong, the marks are looked for."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest
import requests

from sync_service.settings import Settings, load_settings
from sync_service.settings.fields import secret_names
from sync_service.store.migrate import migrate
from tests.service import PATIENCE, until
from tools.kanboard import free_port

ROOT = Path(__file__).parents[2]
MARK = "Sesame7"
"""In every secret; nothing else has it."""
SECRETS = {name: f"{MARK}-{name.replace('_', '-')}/&ё+0123456789" for name in secret_names()}
SECRETS["api_token"] = f"{MARK}-api-token-0123456789"  # what a header carries is ASCII
SECRETS |= {name: f"http://me:{MARK}-{name.replace('_', '-')}@127.0.0.1:9" for name in SECRETS if "proxy" in name}
GUESSED = f"{MARK}-guessed"


def environment(folder: Path, port: int) -> dict[str, str]:
    closed = f"http://127.0.0.1:{free_port()}"
    given = {
        "STORE_URL": f"sqlite:///{folder / 'store.db'}",
        "PORT": str(port),
        "LOG_LEVEL": "DEBUG",
        "BOARD_URL": closed,
        "BOARD_USER": "bot",
        "BOARD_PROJECT": "1",
        "OIDC_ISSUER": f"{closed}/realms/placecard",
        "OIDC_AUDIENCE": "placecard-api",
        "OIDC_CLIENT_ID": "placecard-web",
        "TILES_URL": f"{closed}/{{z}}/{{x}}/{{y}}.png?key={MARK}-tiles",
        **{name.upper(): value for name, value in SECRETS.items()},
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PLACECARD_")}
    return {**kept, "PYTHONPATH": str(ROOT), **{f"PLACECARD_{name}": value for name, value in given.items()}}


def marks(text: str) -> list[str]:
    """Where a mark stands, with what is around it."""
    return [text[max(0, at - 200) : at + 40] for at in range(len(text)) if text.startswith(MARK, at)][:5]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """All that a service told, by where: its log, its answers, its commands. Its board, provider and store are away."""
    folder, port = tmp_path_factory.mktemp("secrets"), free_port()
    environ = environment(folder, port)
    migrate(environ["PLACECARD_STORE_URL"])
    log = folder / "log"
    with log.open("wb") as out:
        command = [sys.executable, "-m", "sync_service", "serve"]
        process = subprocess.Popen(command, env=environ, cwd=folder, stdout=out, stderr=out)
    try:
        url = f"http://127.0.0.1:{port}"
        until(lambda: _is_there(url))
        until(lambda: "worker.rests" in log.read_text())
        answers = _go_wrong(url)
        with closing(sqlite3.connect(folder / "store.db")) as store, store:
            store.execute("DELETE FROM store")
        answers += _go_wrong(url)
        checked = _run(environ, folder, "check", "--json")
        wrong = _run({**environ, "PLACECARD_PORT": "none"}, folder, "check")
        until(lambda: "request.crashed" in log.read_text())
    finally:
        process.terminate()
        process.wait(PATIENCE)
    return {"log": log.read_text(), "answers": "\n".join(answers), "check": checked, "refusal": wrong}


def _is_there(url: str) -> bool:
    try:
        return requests.get(f"{url}/healthz", timeout=5).ok
    except (requests.ConnectionError, requests.Timeout):
        return False


def _run(environ: dict[str, str], folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "sync_service", *arguments]
    done = subprocess.run(
        command, env=environ, cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.stdout + done.stderr
    return done.stdout + done.stderr


def _go_wrong(url: str) -> list[str]:
    """Everything that carries a secret, good and guessed; what is answered, with its headers."""
    webhook, page = quote(SECRETS["webhook_token"]), {"Accept": "text/html"}
    bearer = {"Authorization": f"Bearer {SECRETS['api_token']}"}
    guess = {"Authorization": f"Bearer eyJ{GUESSED}.{GUESSED}.{GUESSED}", "Cookie": f"placecard={GUESSED}"}
    asked = [
        ("GET", "/metrics", bearer),
        ("GET", "/ogc/collections/proposals/items", bearer),
        ("GET", "/ogc/collections/working_points/items", {**bearer, **page}),
        ("GET", "/desk/", {**bearer, **page}),
        ("GET", "/map/tiles/1/0/0", {}),
        ("GET", "/sync/v1/me", guess),
        ("GET", "/sync/v1/me", {"Authorization": f"Basic {GUESSED}"}),
        ("POST", f"/board/events?token={webhook}", {}),
        ("POST", f"/board/events?token={GUESSED}", {}),
        ("GET", f"/signin/back?code={GUESSED}&state={GUESSED}", page),
        ("GET", f"/nowhere?access_token={GUESSED}&password={GUESSED}", {}),
        ("POST", "/signin", {"Cookie": f"placecard={GUESSED}", "X-CSRF-Token": GUESSED}),
        ("POST", f"/signin/ended?logout_token={GUESSED}", {}),
    ]
    found = []
    for method, path, headers in asked:
        form = {"token": GUESSED, "logout_token": GUESSED} if method == "POST" else None
        answer = requests.request(
            method, url + path, headers=headers, data=form, timeout=PATIENCE, allow_redirects=False
        )
        found.append(f"{answer.status_code} {dict(answer.headers)} {answer.text}".replace(f'"instance": "{path}"', ""))
    return found


def test_something_was_told(told: dict[str, str]) -> None:
    """Otherwise nothing is shown by what follows."""
    assert "request.crashed" in told["log"]
    assert "guess.wrong" in told["log"]
    assert '"level": "DEBUG"' in told["log"]
    assert "placecard_features" in told["answers"]
    assert "placecard_" in told["answers"]
    assert '"checks"' in told["check"]
    assert "PLACECARD_PORT" in told["refusal"]


@pytest.mark.parametrize("where", ["log", "answers", "check", "refusal"])
def test_no_secret_is_told(told: dict[str, str], where: str) -> None:
    assert marks(told[where]) == []


def test_settings_show_no_secret(tmp_path: Path) -> None:
    environ = environment(tmp_path, 8080) | {"PLACECARD_STORE_URL": f"postgresql://me:{MARK}-store@db.test/placecard"}
    settings = load_settings(environ, tmp_path)
    assert all(getattr(settings, name) for name in SECRETS)
    for shown in (
        repr(settings),
        str(settings),
        f"{settings}",
        repr(settings.model_dump()),
        settings.model_dump_json(),
    ):
        assert marks(shown.replace(settings.store_url, "").replace(settings.tiles_url, "")) == []
    assert marks(repr(settings)) == []
    assert isinstance(settings, Settings)
    assert {f"{MARK}-store", f"{MARK}-tiles"} <= set(settings.secrets())
