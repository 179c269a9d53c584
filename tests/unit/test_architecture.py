"""The shape of the code is kept: what imports what, how long things are, what they are called."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests import architecture
from tests.architecture import ALONE, AROUND, FUNCTION_LINES, LAYERS, MODULE_LINES, PACKAGES, Module, load_modules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EVERYWHERE = [
    architecture.long_functions,
    architecture.long_modules,
    architecture.broad_excepts,
    architecture.vague_names,
    architecture.reasonless_exceptions,
    architecture.relative_imports,
]
IN_PACKAGES = [
    architecture.foreign_imports,
    architecture.upward_imports,
    architecture.impure_imports,
    architecture.clock_calls,
    architecture.scattered_wiring,
    architecture.printing,
    architecture.missing_docstrings,
]
LONG_BODY = "\n".join(f"    x{n} = {n}" for n in range(FUNCTION_LINES))


def named(rule: object) -> str:
    return getattr(rule, "__name__", str(rule))


@pytest.fixture(scope="module")
def modules() -> list[Module]:
    return load_modules([*PACKAGES, *AROUND])


@pytest.mark.parametrize("rule", [*EVERYWHERE, *IN_PACKAGES], ids=named)
def test_rule_holds(rule: Callable[[Module], Iterator[str]], modules: list[Module]) -> None:
    held = [module for module in modules if rule in EVERYWHERE or module.inside(*PACKAGES)]
    assert [complaint for module in held for complaint in rule(module)] == []


def test_every_part_has_a_layer(modules: list[Module]) -> None:
    assert architecture.unknown_parts(modules) == set()


def test_layers_name_a_part_once() -> None:
    parts = [name for names in LAYERS for name in names]
    assert len(parts) == len(set(parts))


def test_packages_are_found(modules: list[Module]) -> None:
    names = {module.name for module in modules}
    assert {"sync_service", "kanban_adapter", "sync_service.sync.values", "tools.packages"} <= names
    assert {name.split(".")[0] for name in names} <= {*ALONE, *AROUND}


BROKEN = [
    (architecture.relative_imports, "sync_service.app", "from . import settings\n"),
    (architecture.foreign_imports, "kanban_adapter.card", "from sync_service.errors import Gone\n"),
    (architecture.foreign_imports, "kanban_adapter.card", "import sync_service.errors\n"),
    (architecture.foreign_imports, "qgis_plugin.placecard.core", "import kanban_adapter\n"),
    (architecture.foreign_imports, "sync_service.app", "from tools import kanboard\n"),
    (architecture.foreign_imports, "sync_service.app", "def f():\n    import tests.builders\n"),
    (architecture.upward_imports, "sync_service.sync.decide", "from sync_service.store import tables\n"),
    (architecture.upward_imports, "sync_service.store.tables", "from sync_service import engine\n"),
    (architecture.upward_imports, "sync_service.engine.sweep", "if X:\n    from sync_service.app import create_app\n"),
    (architecture.upward_imports, "sync_service.features.items", "from sync_service.publicmap import routes\n"),
    (architecture.upward_imports, "sync_service.engine.sweep", "from sync_service.unheard import of\n"),
    (architecture.impure_imports, "sync_service.sync.decide", "import requests\n"),
    (architecture.impure_imports, "sync_service.sync.decide", "from urllib import request\n"),
    (architecture.impure_imports, "sync_service.sync", "from sqlalchemy.engine import Connection\n"),
    (architecture.impure_imports, "sync_service.store.tables", "from flask import g\n"),
    (architecture.clock_calls, "sync_service.sync.decide", "from datetime import datetime\nx = datetime.now()\n"),
    (architecture.clock_calls, "sync_service.sync.decide", "x = open('a')\n"),
    (architecture.scattered_wiring, "sync_service.jobs.worker", "from kanban_adapter.kanboard import KanboardBoard\n"),
    (architecture.scattered_wiring, "sync_service.features.items", "import flask\napp = flask.Flask('x')\n"),
    (architecture.vague_names, "sync_service.utils", ""),
    (architecture.vague_names, "tools.common", ""),
    (architecture.vague_names, "sync_service.store.feature_rows", ""),
    (architecture.long_functions, "tools.demo", f"def f():\n{LONG_BODY}\n"),
    (architecture.long_functions, "tools.demo", f"class A:\n  async def f(self):\n{LONG_BODY}\n"),
    (architecture.long_modules, "tools.demo", "x = 1\n" * (MODULE_LINES + 1)),
    (architecture.broad_excepts, "tools.demo", "try:\n    f()\nexcept Exception:\n    pass\n"),
    (architecture.broad_excepts, "tools.demo", "try:\n    f()\nexcept (OSError, BaseException):\n    pass\n"),
    (architecture.broad_excepts, "tools.demo", "try:\n    f()\nexcept:\n    pass\n"),
    (architecture.broad_excepts, "tools.demo", "try:\n    f()\nexcept Exception as e:\n    raise OSError from e\n"),
    (architecture.printing, "sync_service.engine.sweep", "print(1)\n"),
    (architecture.missing_docstrings, "config", ""),
    (architecture.missing_docstrings, "config", '"""Doc."""\ndef f():\n    pass\n'),
    (
        architecture.missing_docstrings,
        "config",
        '"""Doc."""\nclass A:\n    """Doc."""\n    def f(self):\n        pass\n',
    ),
    (architecture.reasonless_exceptions, "config", "x = 1  # no" + "qa\n"),
    (architecture.reasonless_exceptions, "config", "x = 1  # no" + "qa: S101\n"),
    (architecture.reasonless_exceptions, "config", "x = 1  # type: " + "ignore[misc]\n"),
]

SOUND = [
    (architecture.foreign_imports, "sync_service.engine.sweep", "from kanban_adapter.port import BoardAdapter\n"),
    (architecture.upward_imports, "sync_service.engine.sweep", "from sync_service.store import tables\n"),
    (architecture.upward_imports, "sync_service.store.pairs", "from sync_service.store import tables\n"),
    (architecture.scattered_wiring, "sync_service.app", "from kanban_adapter.kanboard import KanboardBoard\n"),
    (architecture.impure_imports, "sync_service.sync.decide", "from urllib.parse import urlsplit\n"),
    (architecture.long_functions, "tools.demo", 'def f():\n    """A\n' + "\n" * 99 + '    """\n    # why\n    x = 1\n'),
    (architecture.long_modules, "tools.demo", "# why\n\n" * (MODULE_LINES + 1)),
    (architecture.broad_excepts, "tools.demo", "try:\n    f()\nexcept (OSError, ValueError):\n    pass\n"),
    (architecture.broad_excepts, "tools.demo", "try:\n    f()\nexcept BaseException:\n    g()\n    raise\n"),
    (architecture.printing, "sync_service.cli", "print(1)\n"),
    (architecture.vague_names, "sync_service.store.__main__", ""),
    (architecture.missing_docstrings, "config", '"""Doc."""\ndef _f():\n    pass\n'),
    (architecture.reasonless_exceptions, "config", "x = 1  # no" + "qa: S101, D100 - because\n"),
    (architecture.reasonless_exceptions, "config", "x = 1  # type: " + "ignore[misc]  # because\n"),
]


def case_name(value: object) -> str:
    return named(value) if callable(value) else str(value)[:40].strip().replace("\n", " ")


@pytest.mark.parametrize(("rule", "name", "text"), BROKEN, ids=case_name)
def test_rule_can_fail(rule: Callable[[Module], Iterator[str]], name: str, text: str) -> None:
    assert list(rule(Module(name, text)))


@pytest.mark.parametrize(("rule", "name", "text"), SOUND, ids=case_name)
def test_rule_leaves_sound_code(rule: Callable[[Module], Iterator[str]], name: str, text: str) -> None:
    assert list(rule(Module(name, text))) == []


def test_every_rule_can_fail() -> None:
    assert {rule for rule, _, _ in BROKEN} == {*EVERYWHERE, *IN_PACKAGES}


def test_part_without_layer_is_found() -> None:
    assert architecture.unknown_parts([Module("sync_service.unheard.of", "")]) == {"unheard"}


def test_adapter_runs_without_the_service() -> None:
    """What the imports say, an interpreter confirms: nothing of the service is loaded along with the port."""
    script = "import sys, kanban_adapter.port; raise SystemExit(any(n.startswith('sync_service') for n in sys.modules))"
    subprocess.run([sys.executable, "-c", script], check=True, cwd=architecture.ROOT)
