"""The networks that a client's address belongs to: what limits and the deny list know it by.

A household has one IPv4 address, and an IPv6 network of 64 bits in which it can take a new address
for every request; so the smallest network that counts is a /32 or a /64.
"""

from __future__ import annotations

IPV4_PREFIXES = (32, 24, 16)
IPV6_PREFIXES = (64, 48, 32)
"""Which networks can be denied, the smallest first."""
_IPV4_BYTES = 4
_MOST_IN_A_BYTE = 255


def networks_of(address: str) -> tuple[str, ...]:
    """Name the networks of an address, the smallest first, such as `198.51.100.7/32`.

    There are none if the text is no address.
    """
    parts = address.split(".")
    if len(parts) == _IPV4_BYTES and all(_is_byte(part) for part in parts):
        return tuple(_ipv4_network(parts, prefix) for prefix in IPV4_PREFIXES)
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


def _ipv4_network(parts: list[str], prefix: int) -> str:
    kept = prefix // 8
    zeros = ["0"] * (_IPV4_BYTES - kept)
    return f"{'.'.join(parts[:kept] + zeros)}/{prefix}"


def _is_byte(part: str) -> bool:
    return part.isascii() and part.isdecimal() and str(int(part)) == part and int(part) <= _MOST_IN_A_BYTE


def _ipv6_networks(address: str) -> tuple[str, ...]:
    import ipaddress  # noqa: PLC0415 -- a function whose callers have IPv4 addresses starts without it

    try:
        number = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return ()
    if number.ipv4_mapped is not None:
        return networks_of(str(number.ipv4_mapped))
    return tuple(str(ipaddress.IPv6Network((int(number), prefix), strict=False)) for prefix in IPV6_PREFIXES)
