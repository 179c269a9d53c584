"""What is committed names no machine, no package registry, and no local file."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Written apart, or this file would be the first to be found.
REGISTRIES = [
    ("pypi", "org"),
    ("pythonhosted", "org"),
    ("registry.npmjs", "org"),
    ("npmjs", "com"),
    ("deb.debian", "org"),
    ("security.debian", "org"),
    ("snapshot.debian", "org"),
    ("ftp.debian", "org"),
    ("deb.nodesource", "com"),
    ("crates", "io"),
    ("proxy.golang", "org"),
    ("repo1.maven", "org"),
    ("repo.maven.apache", "org"),
    ("quay", "io"),
    ("ghcr", "io"),
    ("gcr", "io"),
    ("docker", "io"),
]
FOLDERS = ["/" + folder + "/" for folder in ("work", "root", "tmp/w")]
SECRETS = [
    "-----BEGIN [A-Z ]*PRIVATE" + " KEY-----",
    r"\beyJ[\w-]{20,}\.[\w-]{20,}\.",  # a signed token
]
FORBIDDEN = re.compile(
    "|".join(
        [
            *(rf"(?<![\w-]){re.escape('.'.join(host))}\b" for host in REGISTRIES),
            *(rf"(?<![\w.]){re.escape(folder)}" for folder in FOLDERS),
            *SECRETS,
        ]
    )
)


def committed_files() -> list[Path]:
    """Files of the repository as they are here, those about to be added included."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def found_in(text: str) -> list[str]:
    return [match[0] for match in FORBIDDEN.finditer(text)]


def test_files_name_no_machine_and_no_registry() -> None:
    files = committed_files()
    assert ROOT / "Makefile" in files
    found = {str(path.relative_to(ROOT)): found_in(path.read_text(errors="replace")) for path in files}
    assert {name: words for name, words in found.items() if words} == {}


@pytest.mark.parametrize(
    "text",
    [
        "index-url = https://" + "pypi." + "org/simple",
        "https://files." + "pythonhosted." + "org/x.whl",
        'image: "quay.' + 'io/keycloak"',
        "see " + "/work" + "/shared/design.md",
        "cd /ro" + "ot/project",
    ],
)
def test_forbidden_word_is_found(text: str) -> None:
    assert found_in(text)


@pytest.mark.parametrize("text", ["/network/", "sync_service/work/x", "https://kanboard.test/", "frame/root/"])
def test_sound_text_is_left(text: str) -> None:
    assert found_in(text) == []


def test_no_file_is_large() -> None:
    large = {str(path.relative_to(ROOT)): path.stat().st_size for path in committed_files()}
    assert {name: size for name, size in large.items() if size > 2_000_000} == {}


def test_scripts_can_be_run() -> None:
    scripts = [path for path in committed_files() if path.read_bytes().startswith(b"#!")]
    assert {path.name for path in scripts} >= {"environment.sh", "frontend.sh", "run"}
    assert [path.name for path in scripts if not path.stat().st_mode & 0o100] == []
