"""`python -m sync_service.settings [folder]` writes the settings reference and the sample config there."""

from __future__ import annotations

import sys
from pathlib import Path

from sync_service.settings.reference import write_reference

for written in write_reference(Path(*sys.argv[1:2])):
    sys.stdout.write(f"{written}\n")
