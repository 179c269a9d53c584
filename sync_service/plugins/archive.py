"""What the archive of the plugin says of itself."""

from __future__ import annotations

import zipfile
from configparser import ConfigParser
from configparser import Error as NoMetadata
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from sync_service.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sync_service.words import Language

BUILT_IN = Path(__file__).parent / "placecard.zip"
"""What `make plugin` writes, and what an image of the service brings along."""

NAME = "placecard"
"""The folder in the archive, which QGIS takes for the plugin's own name."""


class NoPlugin(NotFound):
    """There is no plugin to offer. Whoever runs the service is told how to come by it."""

    code = "no_plugin"


@dataclass(frozen=True, slots=True)
class Archive:
    """The archive and what its metadata say. `etag` names its content."""

    content: bytes
    etag: str
    metadata: Mapping[str, str]

    def tell(self, key: str, language: Language) -> str:
        """One of the metadata, in the language of whoever reads it if it is there in it; "" if it is not there."""
        return self.metadata.get(f"{key}[{language}]") or self.metadata.get(key, "")


def read_archive(path: Path | None) -> Archive:
    """The archive at `path`, or the one built into the service. Raises `NoPlugin` when there is none that is one."""
    found = path or BUILT_IN
    try:
        facts = found.stat()
        return _read(found, facts.st_mtime_ns, facts.st_size)
    except (OSError, KeyError, UnicodeDecodeError, zipfile.BadZipFile, NoMetadata) as broken:
        raise NoPlugin("plugin") from broken


@lru_cache(maxsize=1)
def _read(path: Path, _changed: int, _size: int) -> Archive:
    content = path.read_bytes()
    parser = ConfigParser()
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # keys keep their capitals, as there
    with zipfile.ZipFile(BytesIO(content)) as packed:
        parser.read_string(packed.read(f"{NAME}/metadata.txt").decode("utf-8"))
    return Archive(content, sha256(content).hexdigest()[:20], dict(parser.items("general")))
