"""The base map of one running service: its style, its credit and its tiles."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from sync_service.http import Purpose, session_for
from sync_service.publicmap.archive import ArchiveError, ArchiveHead, read_head
from sync_service.publicmap.proxy import RangeProxy, TileProxy, TileServerError
from sync_service.publicmap.source import LocalArchive, Plain, RemoteArchive, Template, padded, read_source
from sync_service.publicmap.style import archive_style, picture_style, plain_style, template_source

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

    from sync_service.publicmap.source import BaseMap, Box
    from sync_service.publicmap.style import Json
    from sync_service.settings import Settings

log = logging.getLogger(__name__)


def base_map(settings: Settings) -> BaseMapParts:
    """The base map the settings ask for. Raises `SettingsError`."""
    return BaseMapParts(
        read_source(settings.tiles_url),
        lambda: session_for(Purpose.TILES, settings),
        area=settings.area,
        attribution=settings.tiles_attribution,
    )


class BaseMapParts:
    """What the routes hand out. `tiles` and `ranges` are there only for a base map on another server."""

    def __init__(
        self, source: BaseMap, session: Callable[[], requests.Session], *, area: Box, attribution: str = ""
    ) -> None:
        self.source = source
        self.attribution = attribution
        self.tiles = TileProxy(source, session, area=padded(area)) if isinstance(source, Template) else None
        self.ranges = RangeProxy(source.url, session) if isinstance(source, RemoteArchive) else None
        self._head: ArchiveHead | None = None
        self._lock = threading.Lock()

    def style(self, base: str, *, dark: bool) -> Json:
        """The style for a page below the path prefix `base`; paper when the archive cannot be read."""
        if isinstance(self.source, Plain):
            return plain_style(dark=dark)
        if isinstance(self.source, Template):
            return picture_style(template_source(base, self.attribution), dark=dark)
        head = self._archive_head()
        if head is None:
            return plain_style(dark=dark)
        return archive_style(base, head, self.attribution, dark=dark)

    def trouble(self) -> str | None:
        """Why the base map cannot be shown, for `placecard check`; None when it can or there is none.

        A template is tried with the tile of the whole world.
        """
        try:
            if self.tiles is not None:
                self.tiles.try_server()
            elif not isinstance(self.source, Plain | Template):
                self._read_archive()
        except (OSError, ArchiveError, TileServerError) as broken:
            return str(broken)
        return None

    def _archive_head(self) -> ArchiveHead | None:
        """The head, read once; a failure is logged and tried again with the next page."""
        with self._lock:
            if self._head is None:
                try:
                    self._head = self._read_archive()
                except (OSError, ArchiveError, TileServerError) as broken:
                    log.warning("the base map's archive cannot be read: %s", broken)
            return self._head

    def _read_archive(self) -> ArchiveHead:
        if self.ranges is not None:
            return read_head(self.ranges.read)
        assert isinstance(self.source, LocalArchive)
        with self.source.path.open("rb") as file:

            def read(offset: int, length: int) -> bytes:
                file.seek(offset)
                return file.read(length)

            return read_head(read)
