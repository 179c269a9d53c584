"""What keeps the plugin running on Qt 5 and Qt 6 and on QGIS's own Python. Rules as in `architecture.py`, each a
function from a module to what is wrong with it; `unit/test_plugin_rules.py` holds the plugin to them.

What the rules cannot see, as a method that went away, the type stubs of both do: `qgis/test_plugin_types.py`.
"""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING

from tests.architecture import imported

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.architecture import Module

OWN = {"placecard", "qgis"}
"""What the plugin may import besides Python's own library: itself, and QGIS."""

BINDINGS = {"PyQt5", "PyQt6", "PySide2", "PySide6", "sip"}
"""Qt by another name than `qgis.PyQt`, which is whichever QGIS was built with."""

GONE_FROM_PYTHON = {
    *("asynchat", "asyncore", "cgi", "cgitb", "crypt", "distutils", "imp", "imghdr", "mailcap", "nntplib", "pipes"),
    *("smtpd", "sndhdr", "spwd", "sunau", "telnetlib", "uu", "xdrlib"),
}
"""Modules that were in Python 3.9 and are not in 3.14."""

MOVED = {"QAction", "QActionGroup", "QFileSystemModel", "QShortcut", "QUndoCommand", "QUndoGroup", "QUndoStack"}
"""Classes that Qt 6 has in QtGui; `qgis.PyQt` has the first two and QShortcut there on Qt 5 too."""

GONE_FROM_QT = {
    *("QDesktopWidget", "QRegExp", "QRegExpValidator", "QTextCodec", "QMatrix", "QStringRef", "QLinkedList"),
    *("QStateMachine", "QState", "QNetworkConfigurationManager", "QXmlSimpleReader", "QXmlInputSource", "QSound"),
    *("QDirModel", "QKeyEventTransition", "QMouseEventTransition", "QMacCocoaViewContainer", "QWebView", "QWebPage"),
}
"""Classes that Qt 6 does not have."""

GONE_CALLS = {"exec_", "print_", "toTime_t", "setTime_t", "desktop", "globalPos", "localPos", "screenPos"}
"""Methods that Qt 6 does not have, under names that nothing else has."""


def foreign_qt(module: Module) -> Iterator[str]:
    """Qt comes from `qgis.PyQt` alone."""
    for line, name in imported(module):
        if name.split(".")[0] in BINDINGS:
            yield f"{module.name}:{line} imports {name}: only qgis.PyQt knows which Qt it is"


def foreign_libraries(module: Module) -> Iterator[str]:
    """Nothing is needed that QGIS does not bring along, and nothing that its newer Python lacks."""
    for line, name in imported(module):
        root = name.split(".")[0]
        if root in GONE_FROM_PYTHON or (root not in OWN and root not in sys.stdlib_module_names):
            yield f"{module.name}:{line} imports {name}"


def newer_syntax(module: Module) -> Iterator[str]:
    """Python 3.9 reads it: QGIS 3.40 has it on some systems."""
    try:
        ast.parse(module.text, feature_version=(3, 9))
    except SyntaxError as error:
        yield f"{module.name}:{error.lineno} {error.msg}"


def early_annotations(module: Module) -> Iterator[str]:
    """Annotations are not evaluated: `int | None` is none in Python 3.9."""
    if any(_annotations(module)) and "from __future__ import annotations" not in module.text:
        yield f"{module.name} evaluates its annotations"


def moved_classes(module: Module) -> Iterator[str]:
    """Classes are taken from where Qt 6 has them."""
    for line, name in imported(module):
        if name.startswith("qgis.PyQt.QtWidgets.") and name.rsplit(".", 1)[1] in MOVED:
            yield f"{module.name}:{line} imports {name}: it is in QtGui"


def gone_names(module: Module) -> Iterator[str]:
    """What Qt 6 does not have is not used."""
    for line, name in imported(module):
        if name.startswith("qgis.PyQt.") and name.rsplit(".", 1)[1] in GONE_FROM_QT:
            yield f"{module.name}:{line} imports {name}: Qt 6 has no such class"
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in GONE_CALLS:
            yield f"{module.name}:{node.lineno} calls {node.func.attr}: Qt 6 has no such method"


def variant_types(module: Module) -> Iterator[str]:
    """Types of fields are those of QMetaType: Qt 6 has none in QVariant."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "QVariant":
            yield f"{module.name}:{node.lineno} says QVariant.{node.attr}: QMetaType.Type has it"


def short_enums(module: Module) -> Iterator[str]:
    """A member of an enumeration is named with the enumeration: `Qt.AlignmentFlag.AlignLeft`.

    A member is what follows a class of Qt or QGIS directly, begins with a capital, and is neither called (a class) nor
    asked for something of its own (an enumeration); a type is no member. A signal or a method begins small.
    """
    classes = _classes(module)
    inner = {id(node.value) for node in ast.walk(module.tree) if isinstance(node, ast.Attribute)}
    called = {id(node.func) for node in ast.walk(module.tree) if isinstance(node, ast.Call)}
    types = {id(part) for annotation in _annotations(module) for part in ast.walk(annotation)}
    for node in ast.walk(module.tree):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id in classes
            and node.attr[:1].isupper()
            and not node.attr.isupper()  # QGIS_VERSION
            and id(node) not in inner | called | types
        ):
            yield f"{module.name}:{node.lineno} says {node.value.id}.{node.attr}: which enumeration is it of?"


def _annotations(module: Module) -> Iterator[ast.expr]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.arg | ast.AnnAssign) and node.annotation:
            yield node.annotation
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns:
            yield node.returns


def _classes(module: Module) -> set[str]:
    """Names of classes that the module took from Qt or QGIS."""
    names = {name.rsplit(".", 1)[1] for _, name in imported(module) if name.startswith("qgis.")}
    return {name for name in names if name.startswith("Q")}
