"""Packs the QGIS plugin: `python -m tools.plugin` writes sync_service/plugins/placecard.zip, which the service offers.

The archive is made by qgis-plugin-ci, as the public plugin repository expects it. That tool writes into the work tree
it packs, commits nothing and throws away what is not committed. So it is given a tree of its own: the plugin as it is
here, with the protocol's schemas, the licence and the last releases, in a repository that is gone afterwards. The same
files give the same archive, byte for byte.

Where there is no qgis-plugin-ci (the demo has only what the service needs), `zip_up` makes an archive that holds the
same.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLUGIN = Path("qgis_plugin/placecard")
ARCHIVE = ROOT / "sync_service/plugins/placecard.zip"
SETTINGS, CHANGELOG = "pyproject.toml", "CHANGELOG.md"
"""The settings that qgis-plugin-ci reads, and what there is to say of the last releases."""

RELEASES_TOLD = 3

ADDED = {"config/wire/*.json": "wire", "LICENSE": "."}
"""What has its one place elsewhere in the project, and the folder of the plugin it is copied into."""

LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")

_RELEASE = re.compile(r"^## \[(\d+\.\d+\.\d+)\] - .+?\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)


class NotPacked(RuntimeError):
    """The archive could not be made; the text says why."""


def version() -> str:
    """The version of the project, which is that of the plugin."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])


def pack(archive: Path) -> Path:
    """Make the archive. Raises `NotPacked`."""
    with tempfile.TemporaryDirectory(prefix="placecard-plugin.") as folder:
        stage = Path(folder) / "tree"
        lay_out(stage)
        _git(stage, "init", "--quiet")
        _git(stage, "add", "--force", ".")
        _git(stage, "commit", "--quiet", "--message", "packed")
        _run(stage, sys.executable, "-m", "qgispluginci", "package", version())
        archive.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(stage / f"{PLUGIN}.{version()}.zip", archive)
    return archive


def zip_up(archive: Path) -> Path:
    """Make an archive that holds the same, without git and without a package that the service does not need itself."""
    with tempfile.TemporaryDirectory(prefix="placecard-plugin.") as folder, zipfile.ZipFile(archive, "w") as packed:
        stage = Path(folder)
        lay_out(stage)
        for path in sorted(path for path in (stage / PLUGIN).rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(stage / PLUGIN.parent).as_posix())  # without today's date
            entry.external_attr = path.stat().st_mode << 16
            packed.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    return archive


def lay_out(stage: Path) -> None:
    """Put into `stage` what is packed, and what the packing tool reads, with the same rights everywhere."""
    shutil.copytree(ROOT / PLUGIN, stage / PLUGIN, ignore=LEFT_OUT)
    for pattern, folder in ADDED.items():
        (stage / PLUGIN / folder).mkdir(exist_ok=True)
        for path in ROOT.glob(pattern):
            shutil.copy(path, stage / PLUGIN / folder)
    shutil.copy(ROOT / SETTINGS, stage)
    tell_releases(stage / PLUGIN / "metadata.txt")
    for path in stage.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


def tell_releases(metadata: Path) -> None:
    """Have the metadata tell of the last releases; before the first one they say what they say."""
    releases = _RELEASE.findall((ROOT / CHANGELOG).read_text(encoding="utf-8"))[:RELEASES_TOLD]
    if releases:
        told = "\n ".join(line for release in releases for line in _as_told(*release))
        before = metadata.read_text(encoding="utf-8")
        after = re.sub("^changelog=.*$", lambda _: f"changelog={told}", before, flags=re.MULTILINE)
        metadata.write_text(after, encoding="utf-8")


def _as_told(version: str, text: str) -> list[str]:
    """The lines of a release as they can stand in the metadata: QGIS takes a single % for the start of a name."""
    lines = [re.sub(r"^#+ (.+)$", r"\1:", line) for line in text.replace("%", "%%").splitlines() if line]
    return [f"Version {version}:", *lines]


def _git(stage: Path, *arguments: str) -> None:
    _run(stage, "git", *arguments)


def _run(stage: Path, *command: str) -> None:
    # Nobody's settings, hooks or identity: neither those of the person, nor of a repository this runs in.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    own = {
        "TMPDIR": str(stage.parent),  # qgis-plugin-ci leaves files there
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        **{f"GIT_{who}_{what}": "placecard" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }
    done = subprocess.run(command, cwd=stage, env={**kept, **own}, check=False, capture_output=True, text=True)
    if done.returncode:
        raise NotPacked(f"{' '.join(command[:4])}: {(done.stderr or done.stdout).strip()[-2000:]}")


def main() -> int:
    """Run from the command line."""
    try:
        print(pack(ARCHIVE).relative_to(ROOT))
    except (NotPacked, OSError) as error:
        print(f"tools.plugin: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
