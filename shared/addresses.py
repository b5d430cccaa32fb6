"""IP addresses: the networks that a client belongs to, and which hosts are part of the public Internet.

A household has one IPv4 address, and an IPv6 network of 64 bits in which it can use a new address for
every request; the smallest network that limits and the deny list know is a /32 or a /64.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

IPV6_PREFIXES = (64, 48, 32)
"""Which networks can be denied, the smallest first; of IPv4 /32, /24 and /16."""
_BYTE = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = re.compile(rf"({_BYTE})\.({_BYTE})\.({_BYTE})\.{_BYTE}", re.ASCII)


@lru_cache(maxsize=64)
def networks_of(address: str) -> tuple[str, ...]:
    """Return the networks of an address, the smallest first, such as `198.51.100.7/32`.

    Empty for a text that is no address.
    """
    parts = _IPV4.fullmatch(address)
    if parts is not None:
        first, second, third = parts.groups()
        return f"{address}/32", f"{first}.{second}.{third}.0/24", f"{first}.{second}.0.0/16"
    return _ipv6_networks(address) if ":" in address else ()


def network_named(text: str) -> str | None:
    """Parse a network, `198.51.100.7` or `2001:db8::/48`; None for any other prefix length or text.

    An address alone stands for the smallest network that counts.
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


_NOT_PUBLIC = (
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/3",
    "::/3",
    "2001::/23",
    "2001:db8::/32",
    "3fff::/20",
    "4000::/2",
    "8000::/1",
)
"""Blocks of IANA's registries of special-purpose addresses, multicast, and IPv6 that was never given out.

Written down because Python's own list changes with its version. 192.0.0.0/24 and 2001::/23 hold a few
anycast addresses that are global; no app is reached by them.
"""
_NAT64 = "64:ff9b::/96"
_NAME = r"(?ai:([a-z0-9_-]{1,63}\.)+[a-z][a-z0-9-]{0,62}\.?)"
"""More than one label; the last one begins with a letter, or the whole would be read as a number."""
_INNER_NAMES = r"(?ai:(.*\.)?(localhost|local|internal|home\.arpa)\.?)"
"""Names that mean another host in each network (RFC 6761, 6762 and 8375; ICANN for `internal`)."""


def is_public(address: str) -> bool:
    """Return whether an IP address is a public one.

    An IPv6 address that carries an IPv4 one (mapped, 6to4, NAT64, Teredo) is judged by that one.

    Raises:
        ValueError: it is no address.

    """
    import ipaddress  # noqa: PLC0415 -- a function that connects nowhere starts without it

    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in ipaddress.IPv6Network(_NAT64):
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
        if inner is not None:
            return is_public(str(inner))
    return not any(ip in network for network in _not_public())


@lru_cache(maxsize=1)
def _not_public() -> tuple[IPv4Network | IPv6Network, ...]:
    import ipaddress  # noqa: PLC0415 -- a function that connects nowhere starts without it

    return tuple(map(ipaddress.ip_network, _NOT_PUBLIC))


def is_public_host(host: str) -> bool:
    """Return whether the host of a URL, as written, can be public.

    It must be a fully qualified name, or a public address in its canonical form: programs disagree about
    octal, hexadecimal, decimal and shortened addresses, so none of those is accepted.
    """
    if re.fullmatch(_NAME, host):
        return not re.fullmatch(_INNER_NAMES, host)
    try:
        return "%" not in host and is_public(host)
    except ValueError:
        return False
