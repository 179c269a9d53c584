"""Installs the Debian packages a step needs: `python -m tools.packages NAME…`, by the lists in tools/packages.

A list names one package a line. Its comment `# works: COMMAND` proves that the component is there, from wherever it
came; while it holds, nothing is asked and nothing installed. Without one, dpkg is asked for each package. The comment
`# suite: backports` takes the packages from that suite of the machine's own mirror. The machine's package sources are
read, never written: apt works in a folder of its own that is gone afterwards.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tools import debian

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

LISTS = Path(__file__).parent / "packages"
OS_RELEASE = Path("/etc/os-release")
KNOWN_RELEASE = "bookworm"
QUIET = {
    "DEBIAN_FRONTEND": "noninteractive",
    "NEEDRESTART_SUSPEND": "1",
    "APT_LISTCHANGES_FRONTEND": "none",
    "RUNLEVEL": "1",  # where no systemd runs, no packaged service is started: the tests run their own
}


class InstallError(RuntimeError):
    """What is missing cannot be installed from here; the text says what to do instead, in one line."""


@dataclass(frozen=True, slots=True)
class Component:
    """One list: its packages, the suite they come from ("" is the release itself), and the proof that it works."""

    name: str
    packages: tuple[str, ...]
    suite: str = ""
    works: str = ""


def read_list(path: Path) -> Component:
    """Read one list of packages."""
    lines = path.read_text(encoding="utf-8").splitlines()
    notes = dict(line[2:].split(": ", 1) for line in lines if line.startswith("# ") and ": " in line)
    packages = tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))
    return Component(path.stem, packages, notes.get("suite", ""), notes.get("works", ""))


def is_there(component: Component) -> bool:
    """Whether the component can be used as it is."""
    if component.works:
        return subprocess.run(["bash", "-c", component.works], check=False, capture_output=True).returncode == 0
    return all(_is_installed(package) for package in component.packages)


def _is_installed(package: str) -> bool:
    asked = ["dpkg-query", "-W", "-f=${db:Status-Status}\n", package]
    try:
        answer = subprocess.run(asked, check=False, capture_output=True, text=True)
    except FileNotFoundError:
        return False
    return "installed" in answer.stdout.split()


def install(components: Sequence[Component]) -> None:
    """Install what is not there and prove that it then works. Raises `InstallError`."""
    missing = [component for component in components if not is_there(component)]
    if not missing:
        return
    names = [component.name for component in missing]
    _refuse_elsewhere(names)
    if os.geteuid() != 0:
        _repeat_as_root(names)
    else:
        _install_as_root(missing)
    if broken := [component for component in missing if not is_there(component)]:
        raise InstallError("installed, but does not work: " + "; ".join(c.works or c.name for c in broken))


def _refuse_elsewhere(names: Iterable[str]) -> None:
    if f"VERSION_CODENAME={KNOWN_RELEASE}" not in OS_RELEASE.read_text(encoding="utf-8").splitlines():
        raise InstallError(
            f"missing here: {', '.join(names)}. They install by themselves on Debian 12 only; "
            "elsewhere run `docker compose up` (see CONTRIBUTING.md)"
        )


def _repeat_as_root(names: Sequence[str]) -> None:
    again = f"sudo {sys.executable} -m tools.packages {' '.join(names)}"
    asks = [] if sys.stdin.isatty() else ["--non-interactive"]
    try:
        done = subprocess.run(["sudo", *asks, sys.executable, "-m", "tools.packages", *names], check=False)
    except FileNotFoundError:
        raise InstallError(f"missing: {', '.join(names)}. Not root, and there is no sudo: run make as root") from None
    if done.returncode:
        raise InstallError(f"sudo did not install {', '.join(names)}: try `{again}`")


def _install_as_root(missing: Sequence[Component]) -> None:
    # Not in /tmp, which may be small and in memory: QGIS alone is some hundred megabytes of archives.
    with tempfile.TemporaryDirectory(dir="/var/cache", prefix="placecard-apt.") as folder:
        workdir = Path(folder)
        for part in ("sources", "lists/partial", "cache/archives/partial"):
            (workdir / part).mkdir(parents=True)
        suites = sorted({component.suite for component in missing} | {""})
        (workdir / "sources/own.list").write_text("\n".join([*source_lines(suites), ""]), encoding="utf-8")
        _apt(workdir, "update")
        for suite in suites:
            wanted = [name for component in missing if component.suite == suite for name in component.packages]
            target = ["--target-release", f"{KNOWN_RELEASE}-{suite}"] if suite else []
            _apt(workdir, "install", "--yes", "--no-install-recommends", *target, *wanted)


def source_lines(suites: Iterable[str], texts: Iterable[str] | None = None) -> Iterator[str]:
    """Package sources, in one-line form, for the release and further suites, as the machine's own sources have them.

    Updates and security fixes are taken along where the machine has them; a further suite has the release's mirror.
    """
    known = list(debian.source_texts() if texts is None else texts)
    main = debian.find_mirror(known, KNOWN_RELEASE)
    mirrors = {KNOWN_RELEASE: main}
    for suite in (f"{KNOWN_RELEASE}-updates", f"{KNOWN_RELEASE}-security"):
        try:
            mirrors[suite] = debian.find_mirror(known, suite)
        except debian.NoMirror:
            continue
    mirrors |= {f"{KNOWN_RELEASE}-{suite}": main for suite in suites if suite}
    return (f"deb [signed-by={mirror.keyring}] {mirror.uri} {suite} main" for suite, mirror in mirrors.items())


def _apt(workdir: Path, *step: str) -> None:
    options = {"DPkg::Lock::Timeout": 300, "Acquire::Retries": 3, "Dpkg::Use-Pty": 0}
    settings = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
    command = ["apt-get", "-q", *debian.own_folders(workdir), *settings, *step]
    done = subprocess.run(command, check=False, env={**os.environ, **QUIET}, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise InstallError(f"apt-get {step[0]} failed; what it said stands above")


def main(names: Sequence[str]) -> int:
    """Install the components named. 0 when all of them work."""
    try:
        install([read_list(LISTS / f"{name}.txt") for name in names])
    except (InstallError, debian.NoMirror) as error:
        print(f"tools.packages: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
