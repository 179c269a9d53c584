"""Where a working copy may be: SQLite files are not safe in a folder of another machine."""

from __future__ import annotations

from pathlib import Path

from qgis.core import QgsSettings
from qgis.PyQt.QtCore import QStandardPaths, QStorageInfo

NETWORK = frozenset(
    {
        *("cifs", "smb", "smb2", "smb3", "smbfs", "nfs", "nfs4", "afpfs", "ncpfs", "webdav", "davfs", "fuse.davfs"),
        *("fuse.sshfs", "sshfs", "fuse.gvfsd-fuse", "fuse.rclone", "fuse.s3fs", "ceph", "glusterfs", "lustre", "gpfs"),
    }
)
"""File systems of other machines, as the operating systems call them."""


def is_network(path: Path) -> bool:
    """Whether a file at this path would be on another machine: a UNC path, or a mount or drive of one."""
    told = str(path).replace("\\", "/")
    if told.startswith("//"):
        return True
    storage = QStorageInfo(str(_existing(path)))
    return of_network(bytes(storage.fileSystemType()).decode(), bytes(storage.device()).decode(errors="replace"))


def of_network(kind: str, device: str) -> bool:
    """Whether a file system of this kind, mounted from this device, is another machine's."""
    # Windows tells NTFS for a mapped drive too: there the device gives the share away.
    return kind.lower() in NETWORK or device.replace("\\", "/").startswith("//")


def may_log() -> bool:
    """Whether QGIS may give SQLite files write-ahead logs: yes, unless somebody has set otherwise."""
    return bool(QgsSettings().value("qgis/walForSqlite3", True, type=bool))


def local_folder() -> Path:
    """The folder of this person on this machine for working copies; made if it is not there."""
    data = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.GenericDataLocation)
    folder = Path(data) / "Placecard"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _existing(path: Path) -> Path:
    return path if path.exists() or path == path.parent else _existing(path.parent)
