"""A real Keycloak on this machine, for tests and the demo.

    python -m tools.keycloak fetch
    python -m tools.keycloak serve --data DIR [--port N]

The program is its makers' own archive, which Maven brings from wherever this machine has its repository; it is kept,
unpacked and built, in the cache folder. Java and Maven are listed in `tools/packages/keycloak.txt`. All data stay in
the folder the caller names.
"""

from __future__ import annotations

import argparse
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import zipfile
from hashlib import file_digest
from pathlib import Path
from typing import TYPE_CHECKING, Self

import requests

from tools import debian
from tools.kanboard import free_port
from tools.servers import NotStarted, Server

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

VERSION = "26.7.0"
ARCHIVE = f"keycloak-quarkus-dist-{VERSION}.zip"
SHA256 = "e63bd0167199c0092b8a4d22cc137e6b7a70e0089070f6f7799b1be504b69a8a"

REALM = Path(__file__).parents[1] / "config/keycloak/placecard-realm.json"
ADMIN = "admin"
START_SECONDS = 180

COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"
PLACEHOLDER = re.compile(r"\$\{([A-Z][A-Z_]*)\}")
LINKED = ("lib", "conf", "providers", "themes")
"""Parts of the program that no server changes."""

MAIN = "io.quarkus.bootstrap.runner.QuarkusEntryPoint"
JAVA = (
    "java",
    *("-Xms64m", "-Xmx512m", "-XX:MaxMetaspaceSize=256m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError"),
    "-XX:TieredStopAtLevel=1",  # it comes up sooner, and is never asked so much that it would be missed
    "-Dfile.encoding=UTF-8",
    "-Djava.util.logging.manager=org.jboss.logmanager.LogManager",
    *("--add-opens=java.base/java.util=ALL-UNNAMED", "--add-opens=java.base/java.lang=ALL-UNNAMED"),
)
"""What `bin/kc.sh` runs, without the shell that would outlive a signal, and with less memory."""


class NotFetched(RuntimeError):
    """The program is not what it should be, or cannot be had; the message says why."""


def fetch() -> Path:
    """Give the folder of the unpacked Keycloak, downloading and building it when the cache has none."""
    place = debian.cache_folder() / "keycloak" / f"tree-{VERSION}"
    if place.is_dir():
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent) as folder:
        work = Path(folder)
        with zipfile.ZipFile(_download(work)) as archive:
            archive.extractall(work)
        tree = work / f"keycloak-{VERSION}"
        _run("sh", tree / "bin/kc.sh", "build", "--db=dev-file")  # what every start would otherwise do
        return debian.settle(tree, place)


def _download(work: Path) -> Path:
    # A repository of its own: nothing is left among the caller's.
    settings = {
        "artifact": f"org.keycloak:keycloak-quarkus-dist:{VERSION}:zip",
        "outputDirectory": work,
        "maven.repo.local": work / "repository",
    }
    _run("mvn", "-B", "-q", COPY, *(f"-D{name}={value}" for name, value in settings.items()))
    archive = work / ARCHIVE
    check_sum(archive, SHA256)
    return archive


def check_sum(archive: Path, wanted: str) -> None:
    """Raises `NotFetched` for an archive that is not the one pinned."""
    with archive.open("rb") as content:
        found = file_digest(content, "sha256").hexdigest()
    if found != wanted:
        raise NotFetched(f"{archive.name} has the SHA-256 {found} instead of {wanted}")


def _run(*command: object) -> None:
    try:
        # What they tell goes beside what goes wrong: standard output is the caller's.
        done = subprocess.run([*map(str, command)], check=False, stdin=subprocess.DEVNULL, stdout=sys.stderr)
    except FileNotFoundError as error:
        raise NotFetched(f"{error.filename} is missing: run python -m tools.packages keycloak") from None
    if done.returncode:
        raise NotFetched(f"{command[0]} failed; what it said stands above")


def check_filled(realms: Sequence[Path], environment: Mapping[str, str]) -> None:
    """Raises `NotStarted` unless every placeholder has a value.

    Keycloak itself leaves the placeholder's text as a client's secret, and takes an empty one for a secret too.
    """
    named = {name for realm in realms for name in PLACEHOLDER.findall(realm.read_text(encoding="utf-8"))}
    if empty := sorted(name for name in named if not environment.get(name)):
        raise NotStarted(f"the realm asks for {', '.join(empty)}: set in the environment, not empty")


class KeycloakServer(Server):
    """A running Keycloak. Use as a context manager, or call `start` and `stop`; it ends with the starting process.

    `realms` are files that it imports when it does not have them yet; `environment` fills their placeholders.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        realms: Sequence[Path] = (),
        environment: Mapping[str, str] | None = None,
        port: int | None = None,
    ) -> None:
        super().__init__(data_dir, "keycloak.log")
        self.realms = realms
        self.environment = environment or {}
        self.port = port or free_port()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def admin_password(self) -> str:
        """Of `ADMIN`, in the realm that governs the others; made with the first start."""
        path = self.data_dir / "admin-password"
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(24), encoding="utf-8")
        return path.read_text(encoding="utf-8")

    def issuer(self, realm: str) -> str:
        """The issuer that a realm is."""
        return f"{self.url}/realms/{realm}"

    def start(self) -> Self:
        """Start and wait until it answers. Raises `NotStarted`, or `NotFetched`."""
        self._lay_out(fetch())
        self.launch(self._command(), self._environment())
        self.await_answer(self._answers, START_SECONDS)
        return self

    def _lay_out(self, tree: Path) -> None:
        """Make its folder look as Keycloak's own, whose data are its own and all else is the cache's."""
        check_filled(self.realms, self.environment)
        imported = self.data_dir / "data/import"
        shutil.rmtree(imported, ignore_errors=True)
        imported.mkdir(parents=True)
        for realm in self.realms:
            shutil.copy(realm, imported)
        for part in LINKED:
            link = self.data_dir / part
            link.unlink(missing_ok=True)
            link.symlink_to(tree / part)

    def _command(self) -> list[str]:
        own = {"kc.home.dir": self.data_dir, "jboss.server.config.dir": self.data_dir / "conf"}
        options = {
            "http-enabled": "true",
            "http-host": "127.0.0.1",
            "http-port": self.port,
            "hostname": self.url,
            "cache": "local",
        }
        return [
            *JAVA,
            *(f"-D{name}={value}" for name, value in own.items()),
            *("-cp", str(self.data_dir / "lib/quarkus-run.jar"), MAIN, "start", "--optimized", "--import-realm"),
            *(f"--{name}={value}" for name, value in options.items()),
        ]

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("KC_", "PLACECARD_"))}
        admin = {"KC_BOOTSTRAP_ADMIN_USERNAME": ADMIN, "KC_BOOTSTRAP_ADMIN_PASSWORD": self.admin_password}
        return {**kept, **admin, **self.environment}

    def _answers(self) -> bool:
        return requests.get(self.issuer("master"), timeout=10).ok  # it says 503 until everything is imported


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.keycloak")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("fetch", help="download Keycloak into the cache")
    serve = commands.add_parser("serve", help="run it, with our realm, until interrupted")
    serve.add_argument("--data", type=Path, required=True)
    serve.add_argument("--port", type=int, default=8082)
    wanted = parser.parse_args()
    try:
        if wanted.command == "fetch":
            print(fetch())
            return
        with KeycloakServer(wanted.data, realms=[REALM], environment=os.environ, port=wanted.port) as server:
            print(f"{server.url} ({ADMIN}, {server.data_dir}/admin-password)", flush=True)
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
            signal.pause()
    except (NotFetched, NotStarted) as error:
        sys.exit(f"tools.keycloak: {error}")


if __name__ == "__main__":
    main()
