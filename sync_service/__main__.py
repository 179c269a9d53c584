"""`python -m sync_service`: the same as the command `placecard`."""

from __future__ import annotations

from sync_service.cli import main

main()
