"""Whose address a request comes from: the socket's, or what a proxy of our own says of it."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from ipaddress import IPv4Address

    from flask import Request

_HOUSEHOLD = 64
"""Bits of an IPv6 address that a household keeps: the others it changes as it likes."""


class Callers:
    """Tells who calls, by address. `proxies` are the networks of those who are believed about others."""

    def __init__(self, proxies: Iterable[str]) -> None:
        self._proxies = tuple(ip_network(each) for each in proxies)

    def address_of(self, asked: Request) -> str:
        """The nearest address that is not a proxy of our own; of IPv6 its network. Empty if nobody can be told."""
        peer = _address(asked.environ.get("REMOTE_ADDR", ""))
        if peer is None or not self._is_ours(peer):
            return _shown(peer)
        found = peer
        for told in reversed(asked.headers.get("X-Forwarded-For", "").split(",")):
            named = _address(told.strip())
            if named is None:
                break
            found = named
            if not self._is_ours(named):
                break
        return _shown(found)

    def _is_ours(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self._proxies if network.version == address.version)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text.strip("[]"))
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found


def _shown(address: IPv4Address | IPv6Address | None) -> str:
    if isinstance(address, IPv6Address):
        return str(ip_network((address, _HOUSEHOLD), strict=False))
    return "" if address is None else str(address)
