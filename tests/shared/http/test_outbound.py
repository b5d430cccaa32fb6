from __future__ import annotations

import socket

import pytest

from shared.http.outbound import RefusedAddressError, resolve


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
