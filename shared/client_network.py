"""The networks that a client's address belongs to: what limits and the deny list know it by.

A household has one IPv4 address, and an IPv6 network of 64 bits in which it can take a new address
for every request; so the smallest network that counts is a /32 or a /64.
"""

from __future__ import annotations

import re

IPV6_PREFIXES = (64, 48, 32)
"""Which networks can be denied, the smallest first; of IPv4 /32, /24 and /16."""
_BYTE = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = re.compile(rf"({_BYTE})\.({_BYTE})\.({_BYTE})\.{_BYTE}", re.ASCII)


def networks_of(address: str) -> tuple[str, ...]:
    """Name the networks of an address, the smallest first, such as `198.51.100.7/32`.

    There are none if the text is no address.
    """
    parts = _IPV4.fullmatch(address)
    if parts is not None:
        first, second, third = parts.groups()
        return f"{address}/32", f"{first}.{second}.{third}.0/24", f"{first}.{second}.0.0/16"
    return _ipv6_networks(address) if ":" in address else ()


def network_named(text: str) -> str | None:
    """Read a network as a person writes it, `198.51.100.7` or `2001:db8::/48`; None if it is not one of ours.

    An address alone is the smallest network that counts.
    """
    address, slash, prefix = text.strip().partition("/")
    networks = networks_of(address)
    if not slash:
        return networks[0] if networks else None
    return next((network for network in networks if network.endswith(f"/{prefix}")), None)


def _ipv6_networks(address: str) -> tuple[str, ...]:
    import ipaddress  # noqa: PLC0415 -- a function whose callers have IPv4 addresses starts without it

    try:
        number = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return ()
    if number.ipv4_mapped is not None:
        return networks_of(str(number.ipv4_mapped))
    return tuple(str(ipaddress.IPv6Network((int(number), prefix), strict=False)) for prefix in IPV6_PREFIXES)
