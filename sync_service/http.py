"""The one factory for outgoing HTTP: certificates, proxies, timeouts, retries, and who we say we are.

Proxies: one named for the purpose (`PLACECARD_PROXY_*`) is used; otherwise those of the environment (`HTTPS_PROXY`,
`NO_PROXY`). This machine itself is never reached through a proxy. Nothing else is taken from the environment: no
`.netrc`, no certificate variables.

Retries: a connection that could not be made is tried again for any method, since nothing was sent; an answer that
failed or did not come is asked for again only for reads. A POST that may have arrived is never repeated here.
"""

from __future__ import annotations

from enum import StrEnum
from io import BytesIO
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies
from urllib3.exceptions import DecodeError, ProtocolError, ReadTimeoutError
from urllib3.util import Retry

from sync_service import __version__
from sync_service.loopback import is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic import SecretStr

    from sync_service.settings import Settings

CONNECT_SECONDS = 3.0
READ_SECONDS = 10.0
BODY_SECONDS = 30.0
"""A connection, the wait for the next bytes, and the whole body of an answer may take this long."""

RETRIES = 2
BACKOFF = 0.2

_TRIES_SECONDS = (RETRIES + 1) * (CONNECT_SECONDS + READ_SECONDS) + sum(BACKOFF * 2**n for n in range(RETRIES + 1))
TOTAL_TIMEOUT = _TRIES_SECONDS + BODY_SECONDS
"""The longest one call can take, in seconds. A lease on anything that calls out is longer than the sum of its calls."""

CHUNK = 1 << 16


class Purpose(StrEnum):
    """What an outgoing connection is for; each has its own proxy setting."""

    BOARD = "board"
    OIDC = "oidc"
    GEOCODER = "geocoder"
    TILES = "tiles"


def session_for(purpose: Purpose | str, settings: Settings) -> requests.Session:
    """A session for this purpose. Answers asked for without `stream` are whole when they are returned."""
    proxy: SecretStr | None = getattr(settings, f"proxy_{Purpose(purpose)}")
    session = requests.Session()
    session.trust_env = False
    session.max_redirects = 3
    session.verify = str(settings.ca_bundle) if settings.ca_bundle else True
    session.headers["User-Agent"] = f"Placecard/{__version__}"
    way_out = WayOut(proxy.get_secret_value() if proxy else None)
    session.mount("http://", way_out)
    session.mount("https://", way_out)
    return session


class WayOut(HTTPAdapter):
    """Holds every call, redirects included, to our proxies, time limits and retries."""

    def __init__(self, proxy: str | None) -> None:
        self._proxy = proxy
        super().__init__(pool_connections=4, pool_maxsize=8, max_retries=_retries())

    def send(  # noqa: PLR0917 - requests' signature
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,  # noqa: ARG002 - ours are known better
    ) -> requests.Response:
        """Send one request. Raises requests' own errors."""
        limits = timeout or (CONNECT_SECONDS, READ_SECONDS)
        used = self._proxies_for(str(request.url))
        response = super().send(request, stream=stream, timeout=limits, verify=verify, cert=cert, proxies=used)
        return response if stream else _whole(response)

    def _proxies_for(self, url: str) -> dict[str, str]:
        if is_loopback(urlsplit(url).hostname or ""):
            return {}
        if self._proxy:
            return {"http": self._proxy, "https": self._proxy}
        return dict(get_environ_proxies(url))


def _retries() -> Retry:
    return Retry(
        total=RETRIES,
        connect=RETRIES,
        read=RETRIES,
        status=RETRIES,
        allowed_methods={"GET", "HEAD", "OPTIONS"},
        status_forcelist={502, 503, 504},
        backoff_factor=BACKOFF,
        respect_retry_after_header=False,  # the caller decides how long to wait
        raise_on_status=False,
        redirect=False,
    )


def _whole(response: requests.Response) -> requests.Response:
    """Read the body now, within its time: a body that drips would hold a worker for ever otherwise."""
    try:
        response.raw = BytesIO(b"".join(_chunks(response)))
    except ReadTimeoutError as error:
        raise requests.ReadTimeout(error, request=response.request) from error
    except DecodeError as error:
        raise requests.exceptions.ContentDecodingError(error, request=response.request) from error
    except ProtocolError as error:
        raise requests.exceptions.ChunkedEncodingError(error, request=response.request) from error
    return response


def _chunks(response: requests.Response) -> Iterator[bytes]:
    until = monotonic() + BODY_SECONDS
    while chunk := response.raw.read1(CHUNK, decode_content=True):
        if monotonic() > until:
            response.close()
            raise requests.ReadTimeout(f"the body took more than {BODY_SECONDS} s", request=response.request)
        yield chunk
