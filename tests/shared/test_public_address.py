from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.addresses import is_public, is_public_host

SPECIAL_PURPOSE = {
    "this network": ["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "::/128", "::1/128", "fe80::/10"],
    "private": ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fec0::/10"],
    "protocols": ["192.0.0.0/24", "192.88.99.0/24", "::/96", "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64"],
    "documentation": ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20"],
    "benchmarks": ["198.18.0.0/15", "2001:2::/48"],
    "services": ["2001:1::1/128", "2001:3::/32", "2001:4:112::/48", "5f00::/16"],
    "identifiers": ["2001:10::/28", "2001:20::/28", "2001:30::/28"],
    "multicast and reserved": ["224.0.0.0/4", "240.0.0.0/4", "ff00::/8"],
}
"""Blocks of IANA's registries of special-purpose addresses (RFC 6890, 9637, 9602), and multicast."""

WITHIN_A_BLOCK = {
    "cloud metadata": "169.254.169.254",
    "metadata of other providers": "192.0.0.192",
    "IPv4-compatible": "::127.0.0.1",
    "mapped loopback": "::ffff:127.0.0.1",
    "mapped private": "::ffff:10.0.0.1",
    "NAT64 loopback": "64:ff9b::7f00:1",
    "NAT64 cloud metadata": "64:ff9b::a9fe:a9fe",
    "6to4 loopback": "2002:7f00:1::",
    "6to4 private": "2002:c0a8:101::1",
    "Teredo of a loopback": "2001:0:4136:e378:8000:63bf:80ff:fffe",
}
"""Addresses that carry another one, and two that a cloud's machines ask for their credentials."""
PUBLIC = [
    "8.8.8.8",
    "129.226.1.1",
    "2606:4700::1111",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2002:808:808::1",
]
NEIGHBOURS = ["192.0.1.1", "192.88.98.255", "192.88.100.0", "2001:200::1", "3ffe::1", "2620:4f:8000::1"]
"""Public addresses next to a special block."""


@pytest.mark.parametrize("address", WITHIN_A_BLOCK.values(), ids=WITHIN_A_BLOCK)
def test_address_inside_a_network_is_not_public(address: str) -> None:
    """Whatever form it takes, an address inside a network is not public, nor a host (S31)."""
    assert not is_public(address)
    assert not is_public_host(address)
    assert not is_public_host(f"{address}.")


@pytest.mark.parametrize("block", [block for blocks in SPECIAL_PURPOSE.values() for block in blocks])
def test_no_address_of_a_special_block_is_public(block: str) -> None:
    """The first and the last address of each block are refused, in every version of Python."""
    network = ipaddress.ip_network(block)

    assert not is_public(str(network[0]))
    assert not is_public(str(network[-1]))


def test_interface_of_a_link_local_address_is_no_way_out() -> None:
    """An address with a zone is what it is without it."""
    assert not is_public("fe80::1%eth0")


@given(st.ip_addresses())
def test_what_python_calls_private_is_not_public(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    """The list covers what any version of Python calls private; of 6to4 the IPv4 address in it decides."""
    is_6to4 = isinstance(address, ipaddress.IPv6Address) and address.sixtofour is not None
    assert address.is_global or is_6to4 or not is_public(str(address))


@pytest.mark.parametrize("address", [*PUBLIC, *NEIGHBOURS])
def test_address_of_the_open_internet_is_public(address: str) -> None:
    """Public addresses pass, in IPv4, in IPv6, and as IPv4 carried in IPv6; a host's in its one form."""
    assert is_public(address) is True
    assert is_public_host(address)


OTHER_SPELLINGS = {
    "a number": ["2130706433", "134744072", "0", "0x7f000001", "0x08080808"],
    "octal and hexadecimal": ["0177.0.0.1", "010.8.8.8", "8.8.8.08", "0x7f.0.0.1", "127.0.0.0x1", "1.0x7f"],
    "too few and too many": ["127.1", "8.8.2056", "8.8.8.8.8", "256.8.8.8"],
    "with a dot or a zone behind": ["8.8.8.8.", "8.8.8.8%25eth0", "fe80::1%eth0", "2606:4700::1111%1"],
    "escaped": ["%38.8.8.8", "8.8.8.8 ", "[8.8.8.8]"],
    "other digits": ["\uff11\uff12\uff17.0.0.1", "127\u30020\u30020\u30021", "\u2460\u2461\u2466.0.0.1"],
}


@pytest.mark.parametrize("host", [host for hosts in OTHER_SPELLINGS.values() for host in hosts])
def test_address_in_any_other_spelling_is_refused(host: str) -> None:
    """Decimal, octal, hexadecimal, shortened, escaped: even where a public one is meant (S31)."""
    assert not is_public_host(host)


@pytest.mark.parametrize(
    "host", ["app.example.com", "APP.Example.COM.", "a-b.c_d.xn--p1ai", "xn--ob0bz7i.kr", "7.com"]
)
def test_full_name_is_taken(host: str) -> None:
    """What it points at is looked up when it is needed."""
    assert is_public_host(host)


NO_PUBLIC_NAMES = {
    "of one label": ["", ".", "app", "localhost", "localhost.", "LOCALHOST"],
    "inner": ["app.localhost", "printer.local", "metadata.google.internal", "router.home.arpa."],
    "empty or long labels": ["app..com", ".app.com", "app.com..", f"{'a' * 64}.com"],
    "more than a host": ["app.com:443", "user@app.com", "app.com/x", "app.com\\@127.0.0.1", "app.com\n"],
    "not as the name service has it": ["app .com", "\ud504.com", "app.\u24d2om"],
}


@pytest.mark.parametrize("host", [host for hosts in NO_PUBLIC_NAMES.values() for host in hosts])
def test_name_of_one_network_alone_is_refused(host: str) -> None:
    """And so is whatever is no name, or one that is not written as the name service has it."""
    assert not is_public_host(host)


@given(st.integers(0, 2**32 - 1), st.sampled_from(["{0}", "{0:#x}", "0{0:o}", "{1}.{2}", "{1:#x}.{2:#o}"]))
def test_number_is_never_a_host(number: int, form: str) -> None:
    """In no spelling but the plain one is an address let through."""
    assert not is_public_host(form.format(number, number >> 24, number & 0xFF_FFFF))


@given(st.ip_addresses())
def test_any_address_is_a_host_exactly_if_it_is_public(address: object) -> None:
    """An address is accepted as a host exactly if it is public."""
    assert is_public_host(str(address)) is is_public(str(address))


@given(st.text(st.characters(exclude_categories=()), max_size=40))
def test_any_text_is_a_host_or_none(text: str) -> None:
    """Never an accident; and what is one has none of a URL's other characters."""
    assert not (is_public_host(text) and set(text) & set("/?#@\\ \t\r\n%"))
