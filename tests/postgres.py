"""A private PostgreSQL with PostGIS for the whole run, and stores of both kinds for the tests that hold for both.

The cluster lies in a temporary folder, listens on a free port of this machine only, runs as a user that is not root,
and ends with the run: by its process id, or with the process that started it.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from sync_service.store.migrate import migrate
from tests.service import until
from tools.kanboard import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROGRAMS = Path("/usr/lib/postgresql/15/bin")
TEMPLATE = "migrated"
both_stores = pytest.mark.both_stores
"""Marks tests (a module: `pytestmark`) that must hold on both stores: each that has a store runs on either."""

_numbers = count(1)


@dataclass(slots=True)
class Cluster:
    """The server. `url` gives the address of a database in it, `make` makes one."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]
    unused: list[str] = field(default_factory=list)

    def url(self, name: str, user: str = "placecard") -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{name}"

    def run(self, statement: str, name: str = "postgres") -> list[tuple[object, ...]]:
        """Run one statement as whoever may do everything."""
        with psycopg.connect(self.url(name, "postgres"), autocommit=True) as connection:
            done = connection.execute(statement.encode())
            return done.fetchall() if done.description else []

    def make(self, template: str = "template1") -> str:
        """A new database, a copy of another; its address."""
        name = f"store{next(_numbers)}"
        self.run(f"CREATE DATABASE {name} OWNER placecard TEMPLATE {template}")
        return self.url(name)

    def lend(self) -> str:
        """The address of an empty store; making a database takes longer than most tests, so they are used again."""
        url = self.unused.pop() if self.unused else self.make(TEMPLATE)
        self.run("UPDATE store SET guid = gen_random_uuid()::text", name_of(url))
        return url

    def take_back(self, url: str) -> None:
        """Empty a lent store, whoever still holds it open."""
        name = name_of(url)
        self.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        self.run(_EMPTY, name)
        self.unused.append(url)

    def ready(self) -> bool:
        assert self.process.poll() is None, (self.folder / "log").read_text()
        try:
            self.run("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "both_stores: runs on SQLite and on PostgreSQL")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "store_kind" in metafunc.fixturenames and metafunc.definition.get_closest_marker("both_stores"):
        metafunc.parametrize("store_kind", ["sqlite", "postgresql"], indirect=True)


_EMPTY = """
DO $$
DECLARE each text;
BEGIN
    DELETE FROM procrastinate_periodic_defers;
    FOR each IN SELECT tablename FROM pg_tables
        WHERE schemaname = 'public' AND tablename NOT IN ('store', 'collection', 'alembic_version', 'spatial_ref_sys')
    LOOP EXECUTE 'DELETE FROM ' || quote_ident(each); END LOOP;
    FOR each IN SELECT sequencename FROM pg_sequences WHERE schemaname = 'public'
    LOOP EXECUTE 'ALTER SEQUENCE ' || quote_ident(each) || ' RESTART'; END LOOP;
    UPDATE collection SET count = 0, seq = 0;
    UPDATE store SET seq = 0, ticket = 0, epoch = 1, gate = 'open', board = NULL, projects = NULL, mark = NULL;
END $$
"""


def name_of(url: str) -> str:
    """The database of an address."""
    return url.rsplit("/", 1)[1]


def _as_user(*command: object) -> list[str]:
    """The command as a user that is not root, told to end when this process does."""
    user = ["--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
    return ["setpriv", *user, "--pdeathsig", "INT", *map(str, command)]


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """The server, started when first wanted."""
    with run_cluster() as made:
        yield made


@contextmanager
def run_cluster() -> Iterator[Cluster]:
    """A server, ended at the end."""
    folder = Path(tempfile.mkdtemp(prefix="placecard-postgresql."))
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    port = free_port()
    made = Cluster(folder, port, _start(folder, port))
    try:
        until(made.ready)
        _furnish(made)
        yield made
    finally:
        made.process.send_signal(signal.SIGINT)
        made.process.wait(60)
        shutil.rmtree(folder)


def _start(folder: Path, port: int) -> subprocess.Popen[bytes]:
    data = folder / "data"
    made = _as_user(PROGRAMS / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
    subprocess.run([*made, "--no-sync"], check=True, capture_output=True, cwd=folder)
    # What this machine loses in a power cut is no test's concern.
    settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": folder, "fsync": "off"}
    told = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(_as_user(PROGRAMS / "postgres", "-D", data, "-p", port, *told), stderr=log, cwd=folder)


def _furnish(cluster: Cluster) -> None:
    cluster.run("CREATE ROLE placecard LOGIN")
    cluster.run("CREATE ROLE gis_reader NOLOGIN")
    cluster.run(f"CREATE DATABASE {TEMPLATE} OWNER placecard")
    cluster.run("CREATE EXTENSION postgis", TEMPLATE)
    migrate(cluster.url(TEMPLATE))


@pytest.fixture
def store_kind(request: pytest.FixtureRequest) -> str:
    """On which database: SQLite, where the test does not ask for both."""
    return str(getattr(request, "param", "sqlite"))


@pytest.fixture
def server_store(store_kind: str, request: pytest.FixtureRequest) -> str | None:
    """A store on PostgreSQL for a test that is asked about that one, else nothing."""
    return None if store_kind == "sqlite" else str(request.getfixturevalue("new_store")())


@pytest.fixture
def new_store(store_kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[[], str]]:
    """Makes stores of the test's kind; gives their addresses."""
    made: list[str] = []

    def create() -> str:
        if store_kind == "sqlite":
            url = f"sqlite:///{tmp_path / f'store{next(_numbers)}.db'}"
            migrate(url)
            return url
        cluster: Cluster = request.getfixturevalue("cluster")
        made.append(cluster.lend())
        return made[-1]

    yield create
    for url in made:
        request.getfixturevalue("cluster").take_back(url)


__all__ = [
    "TEMPLATE",
    "Cluster",
    "both_stores",
    "cluster",
    "name_of",
    "new_store",
    "run_cluster",
    "server_store",
    "store_kind",
]
