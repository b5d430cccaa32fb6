"""Which addresses a webhook may go to: public ones, checked at the moment of connecting.

The address that was checked is the one to connect to, so that a name cannot change its answer in
between. Speaking to it is left to `shared.app_webhook`.
"""

from __future__ import annotations

import ipaddress
import socket

from shared.errors import ServiceError


class RefusedAddressError(ServiceError):
    """The webhook's host has no address, or one that is not public."""

    code = "refused-address"
    title = "The webhook's address is refused"


def resolve(host: str, port: int, *, allow_private: bool) -> str:
    """Look a host up and return one address that may be connected to.

    Every answer must be acceptable: a name that points at a private address as well is refused.

    Raises:
        RefusedAddressError: with the reason, without the address.

    """
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise RefusedAddressError("The host name of the webhook has no address.") from None
    addresses = [str(answer[4][0]) for answer in answers]
    if not allow_private and not all(is_public(address) for address in addresses):
        raise RefusedAddressError("The host name of the webhook points into a private network.")
    return addresses[0]


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open Internet.

    An IPv6 address that carries an IPv4 one (mapped, 6to4, NAT64, Teredo) is judged by that one.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
        if inner is not None:
            return is_public(str(inner))
        if ip not in _GLOBAL_UNICAST:
            return False
    return ip.is_global and not ip.is_multicast


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
"""All that IANA has given out; Python calls more of IPv6 global, such as site-local addresses."""
