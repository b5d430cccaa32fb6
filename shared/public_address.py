"""Which hosts belong to the open Internet: told by an address, or by how a host is written.

What a name points at, and when it is asked, is left to `shared.outbound_address`.
"""

from __future__ import annotations

import ipaddress
import re

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
"""All that IANA has given out; Python calls more of IPv6 global, such as site-local addresses."""
_NAME = re.compile(r"([a-z0-9_-]{1,63}\.)+[a-z][a-z0-9-]{0,62}\.?", re.IGNORECASE)
"""More than one label; the last one begins with a letter, or the whole would be read as a number."""
_INNER_NAMES = re.compile(r"(.*\.)?(localhost|local|internal|home\.arpa)\.?", re.IGNORECASE)
"""Names that mean another host in each network (RFC 6761, 6762 and 8375; ICANN for `internal`)."""


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


def is_public_host(host: str) -> bool:
    """Whether the host of a URL, as it is written, can be one of the open Internet.

    That is a full name, or a public address in its plain form: a number in octal, hexadecimal, decimal
    or fewer than four parts is read differently by different programs, and so by none here.
    """
    if _NAME.fullmatch(host):
        return not _INNER_NAMES.fullmatch(host)
    try:
        return "%" not in host and is_public(host)
    except ValueError:
        return False
