"""Name why the store failed, without its own text, which may name the address."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from shared.redis.resp import RespError
from shared.tcp import ResolutionError, ResolutionTimeoutError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.errors import StoreUnavailableError

_PRIMARY = "Name the primary in REDIS_URL."
_REFUSALS: Mapping[str, tuple[str, str]] = {
    "WRONGPASS": ("it refuses our password", "Compare the password in REDIS_URL with the store's."),
    "NOAUTH": ("it asks for a password", "Put the store's password into REDIS_URL."),
    "NOPERM": ("our user may not do this (NOPERM)", "Give the user the whole rule of docs/security.md."),
    "OOM": (
        "it is full (OOM)",
        "Make it larger, or shorten RETENTION_SECONDS; until then signatures are 503 and events wait at VOD.",
    ),
    "READONLY": ("this node is a replica and takes no writes (READONLY)", _PRIMARY),
    "MASTERDOWN": ("this node is a replica that has lost its primary (MASTERDOWN)", _PRIMARY),
    "NOREPLICAS": (
        "too few replicas follow it (NOREPLICAS)",
        "See why they are away; min-replicas-to-write says how many it wants.",
    ),
    "MISCONF": ("it cannot write to its disk (MISCONF)", "Look at the store's disk and log."),
    "LOADING": ("it reads its data from the disk (LOADING)", "Wait until it has started."),
    "BUSY": ("a script keeps it busy (BUSY)", "Find out whose it is, and end it with SCRIPT KILL."),
    "CLUSTERDOWN": ("a part of the cluster is down (CLUSTERDOWN)", "See which nodes fail, and start them."),
    "DENIED": (
        "it runs in protected mode (DENIED)",
        "Give the store a password, and let it listen in its private network.",
    ),
    "MOVED": (
        "it has a part of the keys only, as a node of a Redis Cluster does",
        "Write redis+cluster:// or rediss+cluster:// in REDIS_URL.",
    ),
    "PROTOCOL": (
        "what answers there does not speak Redis's protocol",
        "Do host and port of REDIS_URL name the store, and does it want TLS (rediss://)?",
    ),
}
"""What a refusal with this code means, and what to do about it."""
_WITHOUT_A_CODE: Mapping[str, tuple[str, str]] = {
    "password": _REFUSALS["WRONGPASS"],
    "max number of clients": (
        "all its connections are taken",
        "Set maxclients above the number of instances, or cap the functions' concurrency.",
    ),
    "DB index": (
        "it has no database of this number",
        "Correct the number at the end of REDIS_URL; a cluster has 0 alone.",
    ),
}
"""The same for words in a refusal whose code is that of all other errors."""
_UNRESOLVED = (
    "its host name was not resolved",
    "Does the name service of this machine know the host in REDIS_URL?",
)
_WITHOUT_A_REPLY: Mapping[type[Exception], tuple[str, str]] = {
    ResolutionError: _UNRESOLVED,
    ResolutionTimeoutError: _UNRESOLVED,
    ssl.SSLCertVerificationError: (
        "its certificate is not accepted",
        "It must be the host's, of an authority that the runtime trusts.",
    ),
    ssl.SSLError: (
        "TLS failed",
        "Does the store speak TLS at this port? Without it, write redis:// in REDIS_URL.",
    ),
    TimeoutError: (
        "no answer in time",
        "Is this machine in the store's private network, and does the security group let us in?",
    ),
}
"""The same for errors of the connection; of two that fit the first counts."""


def failure_of(error: StoreUnavailableError) -> tuple[str, str]:
    """Return reason and advice for a failure."""
    cause = error.__cause__
    if isinstance(cause, RespError):
        told = [known for words, known in _WITHOUT_A_CODE.items() if words in str(cause)]
        if cause.code == "ERR" and told:
            return told[0]
        unknown = (f"it fails ({cause.code})", "See whether REDIS_URL names the right kind of store.")
        return _REFUSALS.get(cause.code, unknown)
    if isinstance(cause, TimeoutError) and "handshake" in str(cause):
        # Redis waits for the rest of what it takes for a command.
        return _WITHOUT_A_REPLY[ssl.SSLError]
    kinds = (known for kind, known in _WITHOUT_A_REPLY.items() if isinstance(cause, kind))
    advice = "Does the store run, and do host, port and TLS (rediss://) of REDIS_URL fit?"
    return next(kinds, ("no connection", advice))
