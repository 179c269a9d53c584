"""A real Apache before a real Kanboard, for tests and the demo: people come in by Keycloak.

It is the machine's own program with our configuration (`config/board/apache.conf`) and nothing of /etc: the Debian
packages of `tools/packages/apache.txt` bring no service of the system with them. All data stay in the folder the caller
names.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Self

import requests

from tools.kanboard import free_port
from tools.servers import Server

CONFIG = Path(__file__).parents[1] / "config/board/apache.conf"
PROGRAM = "/usr/sbin/apache2"
START_SECONDS = 30

SOURCE = "127.0.0.2"
"""The address Apache asks Kanboard from: whoever else is on this machine asks from another."""
USER_HEADER = "HTTP_PLACECARDUSER"
KANBOARD = {
    "REVERSE_PROXY_AUTH": "true",
    "REVERSE_PROXY_USER_HEADER": USER_HEADER,
    "TRUSTED_PROXY_NETWORKS": f"{SOURCE}/32",
    "REMEMBER_ME_AUTH": "false",
    "HIDE_LOGIN_FORM": "true",
}
"""What a Kanboard is told that stands behind it."""


class BoardGate(Server):
    """A running Apache. Use as a context manager, or call `start` and `stop`; it ends with the starting process.

    `upstream` is Kanboard's address, `issuer` the realm's, `secret` of the client `placecard-board`; `recheck` is in
    seconds, `public_url` where something else stands before it.
    """

    stop_seconds = 10

    def __init__(
        self,
        data_dir: Path,
        *,
        upstream: str,
        issuer: str,
        secret: str,
        port: int | None = None,
        public_url: str = "",
        recheck: int = 20,
    ) -> None:
        super().__init__(data_dir, "apache.log")
        self.upstream = upstream
        self.issuer = issuer
        self.secret = secret
        self.port = port or free_port()
        self.public_url = public_url or self.url
        self.recheck = recheck

    @property
    def url(self) -> str:
        """Where it listens: the board, as a person on this machine sees it."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def access_log(self) -> Path:
        return self.data_dir / "access.log"

    def start(self) -> Self:
        """Start and wait until it answers. Raises `NotStarted`."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        rights = ["-D", "BOARD_USER"] if os.geteuid() == 0 else []
        self.launch([PROGRAM, "-D", "FOREGROUND", *rights, "-f", str(CONFIG)], self._environment())
        self.await_answer(self._answers, START_SECONDS)
        return self

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", ""),
            "LANG": "C.UTF-8",
            "BOARD_LISTEN": f"127.0.0.1:{self.port}",
            "BOARD_PUBLIC_URL": self.public_url,
            "BOARD_UPSTREAM": self.upstream,
            "BOARD_SOURCE": SOURCE,
            "BOARD_ISSUER": self.issuer,
            "BOARD_CLIENT_SECRET": self.secret,
            "BOARD_SESSION_KEY": secrets.token_urlsafe(32),
            "BOARD_RECHECK": str(self.recheck),
            "BOARD_RUN": str(self.data_dir),
            "BOARD_LOG": str(self.log),
            "BOARD_ACCESS_LOG": str(self.access_log),
        }

    def _answers(self) -> bool:
        requests.get(f"{self.url}/jsonrpc.php", timeout=10, allow_redirects=False)
        return True
