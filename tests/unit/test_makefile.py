"""The Makefile: the targets people rely on, each with no more than it needs."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def make(*arguments: str) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(["make", *arguments], cwd=ROOT, env=kept, check=True, capture_output=True, text=True)
    return done.stdout


def steps(target: str) -> str:
    """What `make target` would run, without running it."""
    return make("--dry-run", target)


def test_help_names_every_target() -> None:
    text = make("help")
    for target in (
        "install",
        "lint",
        "test",
        "simulate",
        "bench",
        "demo",
        "demo-sso",
        "lock",
        "plugin",
        "qgis",
        "browser",
        "keycloak",
        "apache",
        "postgresql",
        "clean",
    ):
        assert re.search(rf"^  make {target} +\S", text, re.MULTILINE), target


def test_help_is_what_make_alone_says() -> None:
    assert make() == make("help")


@pytest.mark.parametrize("target", ["install", "lint", "demo", "bench"])
def test_only_tests_need_qgis_and_a_browser(target: str) -> None:
    said = steps(target)
    assert "tools/environment.sh" in said
    assert not re.search(r"tools\.packages .*(qgis|browser|keycloak|postgresql)", said)


def test_tests_need_everything() -> None:
    said = steps("test")
    for part in ("kanboard", "keycloak", "node", "browser", "qgis", "postgresql"):
        assert f"tools.packages {part}" in said
    assert "tools.qgis fetch" in said
    assert "tools.keycloak fetch" in said
    assert said.rstrip().splitlines()[-1].startswith(".venv/bin/pytest")


def test_the_service_runs_on_the_run_set_alone() -> None:
    for target in ("install", "demo", "demo-sso"):
        assert "environment.sh run" in steps(target)
        assert "environment.sh dev" not in steps(target)


def test_demo_with_sign_on_brings_keycloak() -> None:
    said = steps("demo-sso")
    for part in ("tools.packages kanboard", "tools.packages keycloak apache", "tools.keycloak fetch", "tools.signon"):
        assert part in said
    assert "tools.signon" in said.rstrip().splitlines()[-1]


def test_ci_calls_what_people_call() -> None:
    script = (ROOT / ".ci/run").read_text()
    assert re.search(r"^make lint$", script, re.MULTILINE)
    assert re.search(r"^make plugin$", script, re.MULTILINE)
    assert script.rstrip().endswith("make test")
    assert "set -euo pipefail" in script
