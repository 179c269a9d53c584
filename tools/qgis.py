"""The two QGIS the plugin is tested on: the machine's own, and the newest of Debian in a folder of its own.

    python -m tools.qgis fetch
    python -m tools.qgis python [ARGUMENT…]      its Python, which has PyQGIS
    python -m tools.qgis desktop [ARGUMENT…]     its windows

The folder is every package that QGIS needs on an empty machine, unpacked side by side; nothing is installed, and no
script of a package is run. It is not a root to change into, which would take rights and mounts that a sandbox may not
give: the folder's own loader starts its programs, with its own libraries before the machine's. So they see all files of
the machine, the project's among them, where they are.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from tools import debian

SUITES = ("sid", "testing")
"""Where the newest QGIS is looked for: the next one is asked while a suite lacks something that QGIS needs."""

TESTED = ("3.44.15",)
"""Versions the tests have run against. A newer one is named on standard error, and runs."""

PACKAGES = ("qgis", "python3-qgis", "python3-pyqt6")
"""PyQt 6 is for its type stubs: Debian has no QGIS on Qt 6 yet."""

LEFT_OUT = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/unicode", "var")
BESIDE = ("blas", "lapack", "pulseaudio")
"""Folders of libraries that Debian's packages make known by their scripts or by absolute paths."""

LOOSE = ("libssl.so", "libcrypto.so")
"""Libraries that Qt asks for by a name that only developers' packages have, or the machine's own would be found."""

QT_CONF = """\
[Paths]
Prefix=.
Plugins={qt}/plugins
Translations=../../share/{qt}/translations
"""
"""What Qt reads beside the program that runs, the loader; without it Qt would look into the machine's folders too."""

READ_BY = {"qt5": "qt.conf", "qt6": "qt6.conf"}
"""Under which name either Qt reads it."""

LOADER = "usr/lib/*-linux-gnu*/ld-linux*.so.*"
RECIPE = sha256(repr((PACKAGES, LEFT_OUT, LOOSE, QT_CONF, READ_BY)).encode()).hexdigest()[:8]
"""Names what a tree is made of and how: one that was made otherwise is not taken from the cache."""

PROOF = "from qgis.core import Qgis; print(Qgis.QGIS_VERSION.partition('-')[0])"


class Unusable(RuntimeError):
    """No suite gave a QGIS that starts; the text says why not."""


@dataclass(frozen=True)
class Own:
    """The QGIS installed on this machine. Its Python is the system's."""

    name: str = "machine"

    def python(self, *arguments: str) -> list[str]:
        """The command that runs its Python."""
        return ["/usr/bin/python3", *arguments]

    def desktop(self, *arguments: str) -> list[str]:
        """The command that opens its windows."""
        return ["qgis", *arguments]

    def process(self, *arguments: str) -> list[str]:
        """The command that runs its algorithms without windows."""
        return ["qgis_process", *arguments]

    @property
    def environment(self) -> dict[str, str]:
        """Variables that its programs need besides those they have anyway."""
        return {}


@dataclass(frozen=True)
class Folder:
    """A QGIS unpacked into a folder."""

    tree: Path
    name: str = "newest"

    def python(self, *arguments: str) -> list[str]:
        """The command that runs its Python."""
        return [*self._loader, str(self.tree / "usr/bin/python3"), *arguments]

    def desktop(self, *arguments: str) -> list[str]:
        """The command that opens its windows."""
        return [*self._loader, str(self.tree / "usr/bin/qgis.bin"), *arguments]

    def process(self, *arguments: str) -> list[str]:
        """The command that runs its algorithms without windows."""
        return [*self._loader, str(self.tree / "usr/bin/qgis_process.bin"), *arguments]

    @property
    def environment(self) -> dict[str, str]:
        """Variables that its programs need besides those they have anyway: where their own data are."""
        usr = self.tree / "usr"
        return {
            "PYTHONHOME": str(usr),
            "QGIS_PREFIX_PATH": str(usr),
            "QCA_PLUGIN_PATH": ":".join(str(path) for path in sorted(self.libraries.glob("qca-qt*"))),
            "OPENSSL_MODULES": str(self.libraries / "ossl-modules"),
            "PROJ_DATA": str(usr / "share/proj"),
            "GDAL_DATA": str(usr / "share/gdal"),
        }

    @cached_property
    def libraries(self) -> Path:
        """The folder of libraries, which is named after the machine's architecture."""
        return self._dynamic_loader.parent

    @cached_property
    def _dynamic_loader(self) -> Path:
        return next(self.tree.glob(LOADER))

    @property
    def _loader(self) -> list[str]:
        folders = [self.libraries, *(self.libraries / name for name in BESIDE), self.tree / "usr/lib"]
        return [str(self._dynamic_loader), "--library-path", ":".join(map(str, folders))]

    def version(self) -> str:
        """Its version, told by itself. Raises `Unusable` when it does not start."""
        environment = {**os.environ, **self.environment, "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": ""}
        told = subprocess.run(self.python("-c", PROOF), check=False, env=environment, capture_output=True, text=True)
        if told.returncode:
            raise Unusable(told.stderr.strip()[-2000:])
        return told.stdout.split()[-1]


Release = Own | Folder


def newest() -> Folder:
    """The newest QGIS of Debian, made in the cache folder when it has none. Raises `Unusable`, `debian.NoMirror`."""
    home = debian.cache_folder() / "qgis"
    if ready := sorted(home.glob(f"tree-*-{RECIPE}")):
        return Folder(ready[-1])
    home.mkdir(parents=True, exist_ok=True)
    failures = []
    for suite in SUITES:
        try:
            return _make(home, suite)
        except (subprocess.CalledProcessError, Unusable) as error:
            failures.append(f"{suite}: {error}")
    raise Unusable("; ".join(failures))


def _make(home: Path, suite: str) -> Folder:
    with tempfile.TemporaryDirectory(dir=home) as work:
        made = Path(work) / "tree"
        assemble(debian.download_whole(PACKAGES, suite, Path(work)), made)
        version = Folder(made).version()
        warn_untested(version)
        return Folder(debian.settle(made, home / f"tree-{version}-{RECIPE}"))


def assemble(packages: list[Path], tree: Path) -> None:
    """Unpack packages side by side, each gone as soon as it is unpacked, and give loose libraries their names."""

    def unpack(package: Path) -> None:
        debian.unpack(package, tree, LEFT_OUT)
        package.unlink()

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(unpack, packages))
    for name in LOOSE:
        for real in tree.glob(f"usr/lib/*-linux-gnu*/{name}.[0-9]"):
            real.with_name(name).symlink_to(real.name)
    for qt in sorted(tree.glob("usr/lib/*-linux-gnu*/qt[0-9]")):
        (qt.parent / READ_BY[qt.name]).write_text(QT_CONF.format(qt=qt.name), encoding="utf-8")


def warn_untested(version: str) -> None:
    """Say so when a version is not one the tests have run against."""
    if version not in TESTED:
        print(f"QGIS {version} is not one of the versions tested: {', '.join(TESTED)}", file=sys.stderr)


def main(arguments: list[str]) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.qgis")
    parser.add_argument("what", choices=["fetch", "python", "desktop"])
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    wanted = parser.parse_args(arguments)
    try:
        found = newest()
    except (Unusable, debian.NoMirror) as error:
        print(f"tools.qgis: no newer QGIS: {error}", file=sys.stderr)
        return 2
    if wanted.what == "fetch":
        print(found.tree)
        return 0
    command = found.python if wanted.what == "python" else found.desktop
    environment = {**os.environ, **found.environment}
    return subprocess.run(command(*wanted.arguments), check=False, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
