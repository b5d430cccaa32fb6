"""Which addresses a webhook may go to: public ones, checked at the moment of connecting.

The address that was checked is the one to connect to, so that a name cannot change its answer in
between. What is public is left to `shared.public_address`, and speaking to it to `shared.app_webhook`.
"""

from __future__ import annotations

import socket

from shared.errors import ServiceError
from shared.public_address import is_public


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
