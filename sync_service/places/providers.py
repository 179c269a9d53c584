"""The remote geocoders, through geopy: how each is asked, how often, and what can go wrong with it."""

from __future__ import annotations

import logging
import threading
import time
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import urlsplit

import requests
from geopy import exc as geopy_errors
from geopy.adapters import AdapterHTTPError, BaseSyncAdapter
from geopy.geocoders import Nominatim, Photon, Yandex

from sync_service.places.area import Area

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")

_LIMIT = 10
_TIMEOUT_SECONDS = 10.0
USER_AGENT = "placecard (kanban cards on a map)"


class Provider(StrEnum):
    """The remote geocoders that can be set."""

    NOMINATIM = "nominatim"
    PHOTON = "photon"
    YANDEX = "yandex"


class Trouble(StrEnum):
    """Why a geocoder gave no answer."""

    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed_out"
    RATE_LIMITED = "rate_limited"
    REFUSED = "refused"
    UNREADABLE = "unreadable"
    FAILED = "failed"


class GeocoderDown(Exception):
    """A geocoder gave no answer; nothing is known about the address. `retry_after` is in seconds if it named a time.

    The message holds neither the address nor the key.
    """

    def __init__(self, provider: str, trouble: Trouble, *, retry_after: float | None = None) -> None:
        super().__init__(f"{provider}: {trouble}")
        self.provider = provider
        self.trouble = trouble
        self.retry_after = retry_after


class Turns(Protocol):
    """Keeps calls apart, and remembers how long the provider wants none."""

    def wait(self) -> None:
        """Wait for the next turn."""

    def pause(self, seconds: float) -> None:
        """Remember that the provider wants no calls for so many seconds."""

    def paused(self) -> float:
        """Seconds until the provider may be asked again; 0 when it may be now."""


class Pace:
    """Keeps calls at least `interval` seconds apart, over all threads of the process, and remembers "not before"."""

    def __init__(
        self,
        interval: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._interval = interval
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._next = 0.0
        self._resume = 0.0

    def wait(self) -> None:
        """Wait for the next turn."""
        with self._lock:
            turn = max(self._next, self._clock())
            self._next = turn + self._interval
        delay = turn - self._clock()
        if delay > 0:
            self._sleep(delay)

    def pause(self, seconds: float) -> None:
        """Remember that the provider wants no calls for so many seconds."""
        self._resume = max(self._resume, self._clock() + seconds)

    def paused(self) -> float:
        """Seconds until the provider may be asked again; 0 when it may be now."""
        return max(0.0, self._resume - self._clock())


class _SessionAdapter(BaseSyncAdapter):  # type: ignore[misc]  # geopy has no types
    """Lets geopy speak through our session, with its CA bundle, proxy and retries; keeps addresses out of errors."""

    def __init__(self, session: requests.Session) -> None:
        super().__init__(proxies=None, ssl_context=None)
        self._session = session

    def get_text(self, url: str, *, timeout: float, headers: Mapping[str, str]) -> str:
        return self._get(url, timeout, headers).text

    def get_json(self, url: str, *, timeout: float, headers: Mapping[str, str]) -> Any:
        try:
            content = self._get(url, timeout, headers).json()
        except ValueError as error:
            raise geopy_errors.GeocoderParseError("the answer is not JSON") from error
        if content is None or content == {}:
            # geopy takes these for "nothing found", which would be kept as an answer.
            raise geopy_errors.GeocoderParseError("the answer is empty")
        return content

    def _get(self, url: str, timeout: float, headers: Mapping[str, str]) -> requests.Response:
        try:
            response = self._session.get(url, timeout=timeout, headers=headers)
        except requests.Timeout as error:
            raise geopy_errors.GeocoderTimedOut("no answer in time") from error
        except requests.RequestException as error:
            raise geopy_errors.GeocoderUnavailable(type(error).__name__) from error
        if response.status_code >= 400:
            raise AdapterHTTPError(
                f"status {response.status_code}", status_code=response.status_code, headers=response.headers, text=""
            )
        return response


class RemoteProvider:
    """One provider on the network. `base_url` is the address of an own installation; `area` narrows what it looks for.

    Asked when its turn comes, and not while it wants no calls.
    """

    def __init__(
        self,
        kind: Provider,
        *,
        session: requests.Session,
        area: Area,
        base_url: str | None = None,
        api_key: str = "",
        user_agent: str = USER_AGENT,
        timeout: float = _TIMEOUT_SECONDS,
        pace: Turns | None = None,
    ) -> None:
        for name in ("geopy", "geopy.geocoders.base"):
            logging.getLogger(name).setLevel(logging.WARNING)  # its debug lines hold addresses and the key
        self.kind = kind
        self.area = area
        self._pace = pace or Pace(INTERVALS[kind] if base_url is None else 0.0)
        common = {
            "user_agent": user_agent,
            "timeout": timeout,
            "adapter_factory": lambda **_: _SessionAdapter(session),
            **_where(base_url),
        }
        self._geocode = _geocode(kind, common, api_key)

    @property
    def name(self) -> str:
        """Name of the provider."""
        return self.kind.value

    def ask(self, query: str, read: Callable[[Any], T]) -> list[T]:
        """What `read` makes of each of geopy's locations for a query. Raises `GeocoderDown`."""
        if self._pace.paused() > 0:
            raise GeocoderDown(self.name, Trouble.RATE_LIMITED, retry_after=self._pace.paused())
        self._pace.wait()
        with _Troubles(self.name, self._pace):
            return [read(location) for location in self._geocode(query, self.area) or []]


class _Troubles:
    """Turns what geopy raises, and answers of an unknown shape, into `GeocoderDown`."""

    def __init__(self, provider: str, pace: Turns) -> None:
        self._provider = provider
        self._pace = pace

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if not isinstance(
            error, (geopy_errors.GeopyError, KeyError, TypeError, ValueError, AttributeError, IndexError)
        ):
            return
        trouble = next((trouble for types, trouble in _TROUBLES if isinstance(error, types)), Trouble.FAILED)
        retry_after = getattr(error, "retry_after", None)
        if trouble is Trouble.RATE_LIMITED:
            retry_after = float(retry_after or 60)
            self._pace.pause(retry_after)
        raise GeocoderDown(self._provider, trouble, retry_after=retry_after) from None


_TROUBLES: tuple[tuple[tuple[type[Exception], ...], Trouble], ...] = (
    ((geopy_errors.GeocoderRateLimited, geopy_errors.GeocoderQuotaExceeded), Trouble.RATE_LIMITED),
    ((geopy_errors.GeocoderTimedOut,), Trouble.TIMED_OUT),
    ((geopy_errors.GeocoderUnavailable,), Trouble.UNREACHABLE),
    (
        (
            geopy_errors.GeocoderAuthenticationFailure,
            geopy_errors.GeocoderInsufficientPrivileges,
            geopy_errors.GeocoderQueryError,
        ),
        Trouble.REFUSED,
    ),
    (
        (geopy_errors.GeocoderParseError, KeyError, TypeError, ValueError, AttributeError, IndexError),
        Trouble.UNREADABLE,
    ),
)

INTERVALS: Mapping[Provider, float] = {Provider.NOMINATIM: 1.0, Provider.PHOTON: 1.0, Provider.YANDEX: 0.1}
"""Seconds between calls to the public services (Nominatim's usage policy: one a second; Photon asks for fairness)."""


def _where(base_url: str | None) -> dict[str, str]:
    if base_url is None:
        return {}
    url = urlsplit(base_url)
    return {"scheme": url.scheme, "domain": f"{url.netloc}{url.path}".rstrip("/")}


def _geocode(kind: Provider, common: Mapping[str, Any], api_key: str) -> Callable[[str, Area], Any]:
    """How this provider is asked about a text in an area."""
    if kind is Provider.NOMINATIM:
        nominatim = Nominatim(**common)
        return lambda query, area: nominatim.geocode(
            query,
            exactly_one=False,
            limit=_LIMIT,
            addressdetails=True,
            language="ru",
            viewbox=[(area.south, area.west), (area.north, area.east)] if area != Area() else None,
            bounded=area != Area(),
        )
    if kind is Provider.PHOTON:
        photon = Photon(**common)
        return lambda query, _: photon.geocode(query, exactly_one=False, limit=_LIMIT)
    yandex = Yandex(api_key, **common)
    return lambda query, _: yandex.geocode(query, exactly_one=False, lang="ru_RU")
