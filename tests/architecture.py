"""The rules of the code's shape, each a function from a module to what is wrong with it. `unit/test_architecture.py`
holds the packages to them; the one table of layers stands here."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).parents[1]
PACKAGES = ("sync_service", "kanban_adapter", "config", "qgis_plugin")
AROUND = ("tools", "bench")

LAYERS = (
    ("__main__",),
    ("cli",),
    ("commands",),
    ("app",),
    ("desk",),
    ("exchange",),
    ("features", "publicmap", "plugins", "demo", "operation", "export"),
    ("people",),
    ("access",),
    ("pages",),
    ("jobs",),
    ("engine",),
    ("editing",),
    ("store",),
    ("serverlog", "webworker"),
    ("log", "http"),
    ("settings",),
    ("places",),
    ("sync",),
    ("loopback", "hands"),
    ("errors",),
    ("words",),
)
"""The folders and modules of sync_service, from top to bottom. Each may import from itself and from those further down;
neighbours on one line do not know each other. A new folder is given its line here."""

ALONE = {
    # A package: which others of ours it may import.
    "sync_service": {"kanban_adapter", "config"},
    "kanban_adapter": set(),
    "config": set(),
    "qgis_plugin": set(),
}

PURE = {
    # Parts that compute and do nothing: what they must not touch, by module or by the name called.
    "sync_service.sync": {
        *(
            "flask",
            "werkzeug",
            "sqlalchemy",
            "alembic",
            "requests",
            "urllib3",
            "geopy",
            "click",
            "kanban_adapter.kanboard",
        ),
        *("socket", "subprocess", "sqlite3", "http", "urllib.request", "os", "shutil", "tempfile", "threading", "time"),
        *("asyncio", "random", "logging"),
    },
    "sync_service.places": {"flask", "werkzeug", "sqlalchemy", "alembic", "click", "subprocess", "kanban_adapter"},
    "sync_service.store": {"flask", "werkzeug", "requests", "click", "kanban_adapter.kanboard"},
    "sync_service.engine": {"flask", "werkzeug", "requests", "click", "kanban_adapter.kanboard"},
    "kanban_adapter": {"flask", "werkzeug", "sqlalchemy", "alembic", "click", "shapely"},
    # The plugin imports itself as QGIS does, where its folder stands among the plugins.
    "qgis_plugin.placecard.core": {"qgis", "osgeo", "placecard.host", "placecard.gui", "placecard.processing"},
    "qgis_plugin.placecard.host": {"placecard.gui", "placecard.processing"},
}
CLOCKLESS = ("sync_service.sync",)
CLOCKS = {"now", "today", "utcnow", "time", "monotonic", "uuid4", "uuid1", "open"}

WIRING = {"kanban_adapter.kanboard", "kanban_adapter.memory"}
"""Concrete boards: only `app` chooses one."""

EDGES = frozenset(
    {
        "sync_service.engine.guard:work_safely",  # whatever one card's content can do must not stop the others
        "sync_service.engine.sending:_send",  # nor what one effect can
        "sync_service.jobs.worker:run",  # the end of the process: it rests, says so, and tries again
        "sync_service.jobs.crew:run",  # the same of a worker on PostgreSQL
        "sync_service.jobs.worker:_answer",  # who asked for a sweep waits in another process
        "sync_service.people.following:run",  # and of whoever makes the board's people follow
        "qgis_plugin.placecard.host.tasks:run",  # the end of a thread in QGIS: it is told in the GUI thread
        "sync_service.commands.shell:ending",  # the end of every command: words, a trace in the log, an exit code
    }
)
"""Edges, as `module:function`, where everything may be caught and kept: beyond them there is nobody to tell."""

PRINTERS = ("sync_service.cli",)
VAGUE_NAMES = {"util", "utils", "helper", "helpers", "common", "misc", "tools", "stuff", "shared_code"}
HISTORIES = ("sync_service.store.migrations",)
"""Migrations are a record, not a design: as long as they must be, and named by their number."""

FUNCTION_LINES = 40
MODULE_LINES = 300
REASON = re.compile(r"#\s*(?:noqa: [A-Z]+\d+(?:, ?[A-Z]+\d+)* - \S|type: ignore\[[\w, -]+\]\s+# \S)")


@dataclass(frozen=True)
class Module:
    """A module by its dotted name, and its text."""

    name: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def functions(self) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
        return [node for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]

    @cached_property
    def code_lines(self) -> frozenset[int]:
        """Numbers of the lines that are neither blank, comment nor docstring."""
        idle = {tokenize.NL, tokenize.NEWLINE, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
        tokens = tokenize.generate_tokens(io.StringIO(self.text).readline)
        lines = {n for token in tokens if token.type not in idle for n in range(token.start[0], token.end[0] + 1)}
        return frozenset(lines - {n for first, last in _docstrings(self.tree) for n in range(first, last + 1)})

    def inside(self, *packages: str) -> bool:
        """Whether the module is one of these packages or modules, or stands in one."""
        return any(_within(self.name, package) for package in packages)


def _within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def _docstrings(tree: ast.Module) -> Iterator[tuple[int, int]]:
    # A text standing by itself documents too, as the one under a constant does.
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.lineno, node.end_lineno or node.lineno


def load_modules(roots: Iterable[str]) -> list[Module]:
    """The modules in these folders of the repository, without what was installed or generated."""
    paths = (path for root in roots for path in sorted((ROOT / root).rglob("*.py")) if "node_modules" not in path.parts)
    return [Module(_dotted(path.relative_to(ROOT)), path.read_text(encoding="utf-8")) for path in paths]


def _dotted(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def imported(module: Module) -> Iterator[tuple[int, str]]:
    """Line and dotted name of everything a module imports, for its types too. `from a import b` gives `a.b`."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{node.module or '.'}.{alias.name}") for alias in node.names)


def relative_imports(module: Module) -> Iterator[str]:
    """Imports are written out: the direction can be read."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            yield f"{module.name}:{node.lineno} imports relatively"


def foreign_imports(module: Module) -> Iterator[str]:
    """Packages know only the packages the table allows them; nobody knows tests, tools or bench."""
    package = module.name.split(".")[0]
    strange = {*PACKAGES, *AROUND, "tests"} - ALONE[package] - {package}
    for line, name in imported(module):
        if name.split(".")[0] in strange:
            yield f"{module.name}:{line} imports {name}"


def upward_imports(module: Module) -> Iterator[str]:
    """Inside sync_service imports point downwards."""
    if not module.inside("sync_service") or module.name == "sync_service":
        return
    here = module.name.split(".")[1]
    for line, name in imported(module):
        parts = name.split(".")
        if (
            parts[0] == "sync_service"
            and parts[1:] not in ([], ["__version__"], [here])
            and parts[1] != here
            and not _is_below(parts[1], here)
        ):
            yield f"{module.name}:{line} imports {name}, which is not below it"


def _is_below(other: str, here: str) -> bool:
    return _depth(other) > _depth(here)


def _depth(part: str) -> int:
    found = [number for number, names in enumerate(LAYERS) if part in names]
    # What is in no layer is above all: nobody may import it before it has a line in the table.
    return found[0] if found else -1


def unknown_parts(modules: Iterable[Module]) -> set[str]:
    """Folders and modules of sync_service that the table of layers does not name."""
    known = {name for names in LAYERS for name in names}
    return {m.name.split(".")[1] for m in modules if m.inside("sync_service") and m.name != "sync_service"} - known


def impure_imports(module: Module) -> Iterator[str]:
    """Pure parts touch neither network, files, processes nor the frameworks; each part keeps to its trade."""
    for package, banned in PURE.items():
        if module.inside(package):
            for line, name in imported(module):
                if any(_within(name, ban) for ban in banned):
                    yield f"{module.name}:{line} imports {name}"


def clock_calls(module: Module) -> Iterator[str]:
    """Pure parts are told the time: they call no clock, draw no lots and open no file."""
    if not module.inside(*CLOCKLESS):
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and _called(node) in CLOCKS:
            yield f"{module.name}:{node.lineno} calls {_called(node)}"


def _called(node: ast.Call) -> str:
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def scattered_wiring(module: Module) -> Iterator[str]:
    """A concrete board is chosen in one place, and the web application made in one."""
    if not module.inside("sync_service") or module.inside("sync_service.app"):
        return
    for line, name in imported(module):
        if any(_within(name, part) for part in WIRING):
            yield f"{module.name}:{line} imports {name}: only app wires"
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and _called(node) == "Flask":
            yield f"{module.name}:{node.lineno} makes a web application: only app does"


def vague_names(module: Module) -> Iterator[str]:
    """A module is named by one word, which says what it holds."""
    if module.inside(*HISTORIES) or "." not in module.name:
        return
    word = module.name.rsplit(".", 1)[1]
    if word in VAGUE_NAMES or ("_" in word.strip("_")):
        yield f"{module.name}: not one word that says what is in it"


def long_functions(module: Module) -> Iterator[str]:
    """Functions stay short enough to be read at once; the docstring does not count."""
    if module.inside(*HISTORIES):
        return
    for node in module.functions:
        lines = sum(node.lineno <= number <= (node.end_lineno or 0) for number in module.code_lines)
        if lines > FUNCTION_LINES:
            yield f"{module.name}:{node.lineno} {node.name} has {lines} code lines"


def long_modules(module: Module) -> Iterator[str]:
    """Modules hold one thing."""
    if len(module.code_lines) > MODULE_LINES and not module.inside(*HISTORIES):
        yield f"{module.name} has {len(module.code_lines)} code lines"


def broad_excepts(module: Module) -> Iterator[str]:
    """Everything is caught only at a named edge, or to put things in order and raise it on."""
    for owner, handler in _handlers(module.tree, ""):
        caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
        names = {node.id if isinstance(node, ast.Name) else "" if node else "everything" for node in caught}
        kept = not isinstance(handler.body[-1], ast.Raise) or handler.body[-1].exc is not None
        if kept and names & {"Exception", "BaseException", "everything"} and f"{module.name}:{owner}" not in EDGES:
            yield f"{module.name}:{handler.lineno} catches everything"


def _handlers(node: ast.AST, owner: str) -> Iterator[tuple[str, ast.ExceptHandler]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ExceptHandler):
            yield owner, child
        inner = child.name if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) else owner
        yield from _handlers(child, inner)


def printing(module: Module) -> Iterator[str]:
    """Only the command line prints; everything else logs."""
    if module.inside(*PRINTERS):
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
            yield f"{module.name}:{node.lineno} prints"


def missing_docstrings(module: Module) -> Iterator[str]:
    """Whatever others may call says what it is for."""
    if module.inside(*HISTORIES):
        return
    if not ast.get_docstring(module.tree):
        yield f"{module.name} has no docstring"
    yield from (f"{module.name}:{line} {name} has no docstring" for line, name in _silent(module.tree.body))


def _silent(body: list[ast.stmt]) -> Iterator[tuple[int, str]]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            if not ast.get_docstring(node) and not _is_told_elsewhere(node):
                yield node.lineno, node.name
            if isinstance(node, ast.ClassDef):
                yield from _silent(node.body)


def _is_told_elsewhere(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    names = {getattr(mark, "attr", getattr(mark, "id", "")) for mark in node.decorator_list}
    return bool(names & {"overload", "override", "setter"})


def reasonless_exceptions(module: Module) -> Iterator[str]:
    """Each exception from a check says why."""
    for token in tokenize.generate_tokens(io.StringIO(module.text).readline):
        excepts = token.type == tokenize.COMMENT and re.search(r"noqa|type:\s*ignore", token.string)
        if excepts and not REASON.search(token.string):
            yield f"{module.name}:{token.start[0]} gives no reason: {token.string}"
