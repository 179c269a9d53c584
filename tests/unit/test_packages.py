"""The step that installs Debian packages: what it would do, shown without installing anything."""

from __future__ import annotations

import io
import shutil
from typing import TYPE_CHECKING

import pytest

from tools import debian, packages
from tools.packages import Component, InstallError

if TYPE_CHECKING:
    from pathlib import Path

DEB822 = """\
Types: deb
URIs: http://mirror.test/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/city.gpg

Types: deb
URIs: http://mirror.test/debian-security
Suites: bookworm-security
Components: main
"""
ONE_LINE = "deb [signed-by=/k.gpg arch=amd64] http://other.test/debian bookworm main contrib\n"
ABSENT = Component("absent", ("no-such-package-anywhere",))
BROKEN = Component("broken", ("bash",), works="false")


@pytest.mark.parametrize("name", [path.stem for path in packages.LISTS.glob("*.txt")])
def test_lists_are_read(name: str) -> None:
    component = packages.read_list(packages.LISTS / f"{name}.txt")
    assert component.name == name
    assert component.packages
    assert all(" " not in package and ":" not in package for package in component.packages)


def test_list_with_notes(tmp_path: Path) -> None:
    path = tmp_path / "thing.txt"
    path.write_text(
        "# A thing. Any will do.\n# works: thing --version && x: y\n# suite: backports\nthing\n\nthing-data\n"
    )
    expected = Component("thing", ("thing", "thing-data"), "backports", "thing --version && x: y")
    assert packages.read_list(path) == expected


@pytest.mark.parametrize(
    ("component", "there"),
    [
        (Component("a", ("no-such-package-anywhere",), works="true"), True),
        (Component("b", ("bash",), works="exit 3"), False),
        (Component("c", ("bash", "coreutils")), True),
        (Component("d", ("bash", "no-such-package-anywhere")), False),
    ],
)
def test_component_is_there(component: Component, *, there: bool) -> None:
    assert packages.is_there(component) is there


def test_sources_follow_the_machine() -> None:
    assert list(packages.source_lines(["backports"], [DEB822])) == [
        "deb [signed-by=/usr/share/keyrings/city.gpg] http://mirror.test/debian bookworm main",
        "deb [signed-by=/usr/share/keyrings/city.gpg] http://mirror.test/debian bookworm-updates main",
        f"deb [signed-by={debian.KEYRING}] http://mirror.test/debian-security bookworm-security main",
        "deb [signed-by=/usr/share/keyrings/city.gpg] http://mirror.test/debian bookworm-backports main",
    ]


def test_sources_in_one_line() -> None:
    lines = list(packages.source_lines([""], ["# deb http://off.test/debian bookworm main\n" + ONE_LINE]))
    assert lines == ["deb [signed-by=/k.gpg] http://other.test/debian bookworm main"]


def test_no_mirror_is_said() -> None:
    with pytest.raises(debian.NoMirror, match="bookworm"):
        packages.source_lines([""], ["deb http://other.test/ubuntu noble main\n"])


def test_nothing_is_done_when_all_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "_refuse_elsewhere", lambda names: pytest.fail(f"would install {names}"))
    packages.install([Component("a", ("bash",))])


def test_other_systems_are_sent_to_compose(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "os-release").write_text("ID=other\nVERSION_CODENAME=noble\n")
    (tmp_path / "absent.txt").write_text("no-such-package-anywhere\n")
    monkeypatch.setattr(packages, "OS_RELEASE", tmp_path / "os-release")
    monkeypatch.setattr(packages, "LISTS", tmp_path)
    assert packages.main(["absent"]) == 2
    said = capsys.readouterr().err
    assert "absent" in said
    assert "docker compose up" in said
    assert len(said.splitlines()) == 1


def test_without_root_and_sudo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    dpkg = tmp_path / "dpkg-query"
    dpkg.symlink_to(shutil.which("dpkg-query") or "/bin/false")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InstallError, match="there is no sudo"):
        packages.install([ABSENT])


def test_what_does_not_work_after_installing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "_install_as_root", lambda missing: None)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    with pytest.raises(InstallError, match="does not work: false"):
        packages.install([BROKEN])
