"""Packages from another suite of Debian, without touching the machine's own package sources.

Mirror and keyring are those the machine already uses; only the suite differs. Everything apt writes goes into a folder
of its own. Nothing is installed: a package is unpacked where the caller says.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SOURCES = Path("/etc/apt")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
ONE_LINE = re.compile(r"^deb\s+(?:\[(?P<options>[^\]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)\s", re.MULTILINE)


class NoMirror(RuntimeError):
    """The machine's package sources name no Debian mirror: this works on Debian only."""


@dataclass(frozen=True, slots=True)
class Mirror:
    """Where packages come from and by which keyring they are believed."""

    uri: str
    keyring: str


def cache_folder() -> Path:
    """The folder for downloaded components, shared by all of them."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "placecard"


def machine_release(text: str) -> str:
    """The code name in an `os-release` text, such as "bookworm"."""
    found = re.search(r'^VERSION_CODENAME="?([a-z]+)"?$', text, re.MULTILINE)
    if not found:
        raise NoMirror("os-release names no code name")
    return found[1]


def find_mirror(texts: Iterator[str] | list[str], release: str) -> Mirror:
    """The first mirror in these source texts (both of apt's notations) that serves `release` itself."""
    for text in texts:
        for uri, suites, keyring in [*_stanzas(text), *_one_lines(text)]:
            if release in suites:
                return Mirror(uri, keyring or KEYRING)
    raise NoMirror(f"no package source of this machine serves {release}")


def _stanzas(text: str) -> Iterator[tuple[str, list[str], str]]:
    for stanza in re.split(r"\n\s*\n", text):
        found = dict(re.findall(r"^(URIs|Suites|Signed-By):[ \t]*(\S.*)$", stanza, re.MULTILINE))
        if {"URIs", "Suites"} <= found.keys():
            yield found["URIs"].split()[0], found["Suites"].split(), found.get("Signed-By", "").strip()


def _one_lines(text: str) -> Iterator[tuple[str, list[str], str]]:
    for found in ONE_LINE.finditer(text):
        keyring = re.search(r"signed-by=(\S+)", found["options"] or "")
        yield found["uri"], [found["suite"]], keyring[1] if keyring else ""


def source_texts() -> Iterator[str]:
    """The texts of all package sources of this machine."""
    for path in [SOURCES / "sources.list", *sorted((SOURCES / "sources.list.d").glob("*"))]:
        if path.suffix in {".list", ".sources"} and path.is_file():
            yield path.read_text(encoding="utf-8")


def download(package: str, suite: str, workdir: Path) -> Path:
    """Download one package of `suite` into `workdir` and give the path of the .deb.

    Raises `NoMirror`, or `subprocess.CalledProcessError` when apt cannot.
    """
    _read_suite(suite, workdir)
    _apt(workdir, "download", package)
    return next(workdir.glob(f"{package}_*.deb"))


def download_whole(packages: Sequence[str], suite: str, workdir: Path) -> list[Path]:
    """Download these packages of `suite` with all they need, as for a machine that has nothing; the paths of the .deb.

    Raises `NoMirror`, or `subprocess.CalledProcessError` when apt cannot, as while a suite lacks something needed.
    """
    _read_suite(suite, workdir)
    nothing = workdir / "status"
    nothing.touch()
    # What this machine has installed or pinned is of another suite, and nothing is installed: so nothing is locked.
    alone = {
        "Dir::State::status": nothing,
        "Dir::Etc::Preferences": "/dev/null",
        "Dir::Etc::PreferencesParts": "/dev/null",
    }
    options = [*as_options(alone), *as_options({"Debug::NoLocking": 1, "Acquire::Retries": 3})]
    _apt(workdir, *options, "install", "--download-only", "--yes", "--no-install-recommends", *packages)
    return sorted((workdir / "cache/archives").glob("*.deb"))


def _read_suite(suite: str, workdir: Path) -> None:
    release = machine_release(Path("/etc/os-release").read_text(encoding="utf-8"))
    mirror = find_mirror(source_texts(), release)
    parts = workdir / "sources"
    for folder in (parts, workdir / "lists/partial", workdir / "cache/archives/partial"):
        folder.mkdir(parents=True, exist_ok=True)
    (parts / "one.list").write_text(f"deb [signed-by={mirror.keyring}] {mirror.uri} {suite} main\n", encoding="utf-8")
    _apt(workdir, "update")


def _apt(workdir: Path, *step: str) -> None:
    # What apt tells goes beside what goes wrong: standard output is the caller's.
    subprocess.run(["apt-get", "-q", *own_folders(workdir), *step], cwd=workdir, check=True, stdout=sys.stderr)


def own_folders(workdir: Path) -> list[str]:
    """Options that keep everything apt reads and writes, but what is installed, in `workdir`."""
    settings = {
        "Dir::Etc::SourceList": "/dev/null",
        "Dir::Etc::SourceParts": workdir / "sources",
        "Dir::State::Lists": workdir / "lists",
        "Dir::Cache": workdir / "cache",
        "APT::Sandbox::User": "root",
        "Acquire::Languages": "none",
    }
    return as_options(settings)


def as_options(settings: Mapping[str, object]) -> list[str]:
    """Settings of apt as arguments."""
    return [part for name, value in settings.items() for part in ("-o", f"{name}={value}")]


def unpack(package: Path, folder: Path, without: Sequence[str] = ()) -> None:
    """Unpack a .deb into `folder`, leaving out some of its folders, such as "usr/share/doc"."""
    folder.mkdir(parents=True, exist_ok=True)
    left_out = [f"--exclude=./{name}" for name in without]
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(package)], stdout=subprocess.PIPE) as content:
        options = ["--extract", "--no-same-owner", f"--directory={folder}", *left_out]
        subprocess.run(["tar", *options], stdin=content.stdout, check=True)
    if content.returncode:
        raise subprocess.CalledProcessError(content.returncode, content.args)


def settle(made: Path, place: Path) -> Path:
    """Move a finished tree to its place; if another process was faster, its tree is as good."""
    try:
        made.rename(place)
    except OSError:
        if not place.is_dir():
            raise
    return place


def package_version(package: Path) -> str:
    """The version of a .deb, such as "1.2.51+ds-2"."""
    answer = subprocess.run(["dpkg-deb", "-f", str(package), "Version"], check=True, capture_output=True, text=True)
    return answer.stdout.strip()
