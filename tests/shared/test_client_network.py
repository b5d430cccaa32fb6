"""From an address to the networks it belongs to."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.addresses import network_named, networks_of


@pytest.mark.parametrize(
    ("address", "networks"),
    [
        ("198.51.100.7", ("198.51.100.7/32", "198.51.100.0/24", "198.51.0.0/16")),
        ("1.0.0.0", ("1.0.0.0/32", "1.0.0.0/24", "1.0.0.0/16")),
        ("2001:db8:1:2:3:4:5:6", ("2001:db8:1:2::/64", "2001:db8:1::/48", "2001:db8::/32")),
        ("2001:DB8:1:2::", ("2001:db8:1:2::/64", "2001:db8:1::/48", "2001:db8::/32")),
        ("fe80::1%eth0", ("fe80::/64", "fe80::/48", "fe80::/32")),
        ("::ffff:198.51.100.7", ("198.51.100.7/32", "198.51.100.0/24", "198.51.0.0/16")),
        ("::FFFF:c633:6407", ("198.51.100.7/32", "198.51.100.0/24", "198.51.0.0/16")),
    ],
)
def test_networks_are_named_from_the_smallest(address: str, networks: tuple[str, ...]) -> None:
    """One IPv4 address, or one IPv6 network of 64 bits, and two larger ones; one name for every spelling."""
    assert networks_of(address) == networks


NO_NUMBERS = ["", "localhost", ":", "1:2", "g::"]
NO_FOUR_BYTES = ["1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.-4", "01.2.3.4", "1.2.3.٤", "1.2.3."]


@pytest.mark.parametrize("text", [*NO_NUMBERS, *NO_FOUR_BYTES])
def test_text_that_is_no_address_has_no_network(text: str) -> None:
    """An address that cannot be read limits nobody, and never ends in an error."""
    assert networks_of(text) == ()
    assert network_named(text) is None


@given(st.ip_addresses())
def test_networks_are_those_that_contain_the_address(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    """The networks are those that Python's `ipaddress` computes."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    meant = mapped or address
    kind, prefixes = (
        (ipaddress.IPv4Network, (32, 24, 16)) if meant.version == 4 else (ipaddress.IPv6Network, (64, 48, 32))
    )

    assert networks_of(str(address)) == tuple(
        str(kind((int(meant), prefix), strict=False)) for prefix in prefixes
    )


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("198.51.100.7", "198.51.100.7/32"),
        (" 198.51.100.7/24 ", "198.51.100.0/24"),
        ("2001:db8:1:2:3::", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:3::/48", "2001:db8:1::/48"),
        ("198.51.100.7/8", None),
        ("198.51.100.7/", None),
        ("2001:db8::/128", None),
        ("/24", None),
    ],
)
def test_network_is_read_as_a_person_writes_it(text: str, network: str | None) -> None:
    """An address alone means the smallest network that counts; other sizes than ours are none."""
    assert network_named(text) == network
