"""The package as others install it holds every file the service reads."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("sync_service", "kanban_adapter", "config")
BUILD_ONLY = {"package.json", "package-lock.json", "build.js", ".npmrc", ".gitignore", "Dockerfile"}


def shipped_files() -> set[str]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *PACKAGES]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    names = {name for name in listed.split("\0") if name and (ROOT / name).is_file()}
    return {name for name in names if Path(name).name not in BUILD_ONLY}


def test_wheel_is_complete(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-c", _BUILD, str(tmp_path)], cwd=_copy(tmp_path / "tree"), check=False, capture_output=True
    )
    assert built.returncode == 0, built.stderr.decode()
    (wheel,) = tmp_path.glob("*.whl")
    assert shipped_files() - set(zipfile.ZipFile(wheel).namelist()) == set()


_BUILD = "import sys; from setuptools.build_meta import build_wheel; build_wheel(sys.argv[1])"


def _copy(tree: Path) -> Path:
    # Building writes beside the sources; they are read by others at this moment.
    for name in [*shipped_files(), "pyproject.toml", "LICENSE", "README.md"]:
        target = tree / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((ROOT / name).read_bytes())
    return tree
