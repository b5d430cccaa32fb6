from __future__ import annotations

import socket

import pytest

from shared.outbound_address import RefusedAddressError, is_public, resolve

PRIVATE = [
    pytest.param("0.0.0.0", id="this host"),  # noqa: S104 -- judged, not bound to
    pytest.param("10.1.2.3", id="private, class A"),
    pytest.param("172.16.0.1", id="private, class B"),
    pytest.param("192.168.1.1", id="private, class C"),
    pytest.param("127.0.0.1", id="loopback"),
    pytest.param("127.255.255.254", id="loopback's far end"),
    pytest.param("169.254.0.23", id="link-local"),
    pytest.param("169.254.169.254", id="cloud metadata"),
    pytest.param("100.64.0.1", id="carrier-grade NAT"),
    pytest.param("100.127.255.254", id="carrier-grade NAT's far end"),
    pytest.param("192.0.2.1", id="documentation"),
    pytest.param("198.18.0.1", id="benchmarks"),
    pytest.param("224.0.0.1", id="multicast"),
    pytest.param("240.0.0.1", id="reserved"),
    pytest.param("255.255.255.255", id="broadcast"),
    pytest.param("::", id="IPv6 unspecified"),
    pytest.param("::1", id="IPv6 loopback"),
    pytest.param("fe80::1", id="IPv6 link-local"),
    pytest.param("fe80::1%eth0", id="IPv6 link-local with its interface"),
    pytest.param("fc00::1", id="unique local"),
    pytest.param("fd12:3456:789a::1", id="unique local, random"),
    pytest.param("fec0::1", id="site-local"),
    pytest.param("ff02::1", id="IPv6 multicast"),
    pytest.param("2001:db8::1", id="IPv6 documentation"),
    pytest.param("::127.0.0.1", id="IPv4-compatible"),
    pytest.param("::ffff:127.0.0.1", id="mapped loopback"),
    pytest.param("::ffff:10.0.0.1", id="mapped private"),
    pytest.param("64:ff9b::7f00:1", id="NAT64 loopback"),
    pytest.param("64:ff9b::a9fe:a9fe", id="NAT64 cloud metadata"),
    pytest.param("64:ff9b:1::a00:1", id="a network's own NAT64"),
    pytest.param("2002:7f00:1::", id="6to4 loopback"),
    pytest.param("2002:c0a8:101::1", id="6to4 private"),
    pytest.param("2001:0:4136:e378:8000:63bf:80ff:fffe", id="Teredo of a loopback"),
]
PUBLIC = [
    "8.8.8.8",
    "129.226.1.1",
    "2606:4700::1111",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2002:808:808::1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_address_inside_a_network_is_not_public(address: str) -> None:
    """Whatever form it takes, an address that is not one of the open Internet is not public."""
    assert is_public(address) is False


@pytest.mark.parametrize("address", PUBLIC)
def test_address_of_the_open_internet_is_public(address: str) -> None:
    """Public addresses pass, in IPv4, in IPv6, and as IPv4 carried in IPv6."""
    assert is_public(address) is True


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "::1", "::ffff:127.0.0.1", "0"],
)
def test_number_that_means_loopback_is_refused(host: str) -> None:
    """Decimal, octal, hexadecimal and shortened spellings are read as the system reads them."""
    with pytest.raises(RefusedAddressError):
        resolve(host, 443, allow_private=False)


def test_public_address_is_handed_back_for_connecting() -> None:
    """The address that was checked comes back, so that nobody has to ask again."""
    assert resolve("8.8.8.8", 443, allow_private=False) == "8.8.8.8"


def test_private_address_is_allowed_where_the_operator_says_so() -> None:
    """On a developer's machine, with the setting for it, loopback may be used."""
    assert resolve("127.0.0.1", 8000, allow_private=True) == "127.0.0.1"


def test_name_with_a_private_address_among_public_ones_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every address of a name must be public: which one a later question gives is not ours to say."""
    answers = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in ("8.8.8.8", "10.0.0.1")
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_arguments, **_options: answers)

    with pytest.raises(RefusedAddressError) as refusal:
        resolve("app.example.test", 443, allow_private=False)

    assert "private network" in refusal.value.detail
    assert "10.0.0.1" not in refusal.value.detail
    assert "app.example.test" not in refusal.value.detail


@pytest.mark.parametrize("host", ["a" * 64 + ".test", "app..test", "\udcff.test", "app example.test"])
def test_name_that_is_no_name_is_refused(host: str) -> None:
    """A host that cannot be looked up is refused in the same way; no error of the resolver escapes."""
    with pytest.raises(RefusedAddressError) as refusal:
        resolve(host, 443, allow_private=False)

    assert refusal.value.detail == "The host name of the webhook has no address."
