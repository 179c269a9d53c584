"""The key that signs cookies: as set, or made once and kept beside the store."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

if TYPE_CHECKING:
    from sync_service.settings.fields import Settings


def signing_key(settings: Settings) -> SecretStr:
    """The key as set; otherwise that of the file `<store>.key`, made (0600) by whichever process comes first."""
    if settings.secret_key is not None:
        return settings.secret_key
    path = settings.store_path.with_suffix(".key")
    if not path.exists():
        _keep_key(path)
    return SecretStr(path.read_text("ascii").strip())


def _keep_key(path: Path) -> None:
    """Write a new key under `path` unless another process was first: a link is made whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # made 0600
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        Path(path).hardlink_to(draft)
    except FileExistsError:
        pass  # the other process's key is the key
    finally:
        Path(draft).unlink()
