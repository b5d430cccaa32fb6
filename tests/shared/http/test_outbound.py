from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.deadline import Deadline
from shared.http.outbound import RefusedAddressError, resolve

if TYPE_CHECKING:
    from tests.shared.name_service import NameService

PATIENCE = 60.0


def addresses_of(host: str, *, allow_private: bool = False, seconds: float = PATIENCE) -> list[str]:
    """Resolve a host for port 443."""
    found = resolve(host, 443, Deadline(seconds), allow_private=allow_private)
    return [str(place[0]) for _, place in found]


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "::1", "::ffff:127.0.0.1", "0"],
)
def test_number_that_means_loopback_is_refused(host: str) -> None:
    """Decimal, octal, hexadecimal and shortened spellings are read as the system reads them."""
    with pytest.raises(RefusedAddressError):
        addresses_of(host)


def test_addresses_that_were_checked_are_handed_back_for_connecting(names: NameService) -> None:
    """All of them, so that the next can be tried where one does not accept; inner ones if that is allowed."""
    names.places["app.example.test"] = [("8.8.8.8", 443), ("2606:4700::1111", 443)]

    assert addresses_of("8.8.8.8") == ["8.8.8.8"]
    assert addresses_of("app.example.test") == ["8.8.8.8", "2606:4700::1111"]
    assert addresses_of("127.0.0.1", allow_private=True) == ["127.0.0.1"]


def test_name_with_a_private_address_among_public_ones_is_refused(names: NameService) -> None:
    """Every address of a name must be public: which one a later question gives is not ours to say."""
    names.places["app.example.test"] = [("8.8.8.8", 443), ("10.0.0.1", 443)]

    with pytest.raises(RefusedAddressError) as refusal:
        addresses_of("app.example.test")

    assert refusal.value.detail == "The host name points into a private network."
