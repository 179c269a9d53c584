"""Fixtures every test may use. Each line of `pytest_plugins` is a module of its own that says what it gives."""

from __future__ import annotations

import os

import pytest

# Where Python may not keep what it compiled, each of the many processes the tests start would compile everything anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

pytest.register_assert_rewrite("kanban_adapter.contract")

pytest_plugins = [
    "tests.boards",
    "tests.desk",
    "tests.ogc",
    "tests.service",
    "tests.postgres",
    "tests.exchange",
    "tests.keycloak",
    "tests.releases",
    "tests.seats",
    "tests.qgis.workplace",
]
