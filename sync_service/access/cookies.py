"""The names and the bounds of our cookies: under https no other host, and no other path of this one, can set them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import request

if TYPE_CHECKING:
    from flask import Response
    from werkzeug.wrappers import Response as AnyResponse

_HOST, _SECURE = "__Host-", "__Secure-"


class Cookies:
    """Our cookies where people reach the service at this address.

    `__Host-` binds a cookie to the host and to the whole of it, so it needs a service that shares it with no other.
    """

    def __init__(self, public_url: str) -> None:
        address = urlsplit(public_url)
        self.secure = address.scheme == "https"
        shared = address.path.strip("/") != ""
        self._prefix = "" if not self.secure else _SECURE if shared else _HOST

    def name(self, what: str = "") -> str:
        """The name of one of ours, by what it is for."""
        return f"{self._prefix}placecard{'-' if what else ''}{what}"

    @property
    def path(self) -> str:
        """The path under which the service was asked."""
        return "/" if self._prefix == _HOST else request.script_root or "/"

    def keep(self, response: Response | AnyResponse, name: str, value: str, seconds: int) -> None:
        """Have the browser keep a value, which no script sees and no other site's form sends."""
        response.set_cookie(
            name, value, max_age=seconds, path=self.path, secure=self.secure, httponly=True, samesite="Lax"
        )

    def drop(self, response: Response | AnyResponse, name: str) -> None:
        """Have it forget one."""
        response.delete_cookie(name, path=self.path, secure=self.secure, httponly=True, samesite="Lax")
