"""Checks of what the store has room for: memory, connections, and how long it keeps an idle one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.doctor.findings import fault, ok, warning
from shared.redis.resp import MAX_IDLE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from local.doctor.findings import Finding
    from local.doctor.store_probe import StoreProbe

_NEARLY_FULL = 0.8
_NEARLY_ALL = 0.9
_SILENT = "the store does not say"


@dataclass(frozen=True)
class StoreLimits:
    """The checks; `probe` returns the client, `information` what INFO says, `instances` may run at once."""

    probe: Callable[[], StoreProbe]
    information: Callable[[], Mapping[str, str]]
    instances: int

    def memory(self) -> Iterator[Finding]:
        """Check what the store does when it is full, and how full it is."""
        seen, configured = self.information(), self.probe().configured("maxmemory-policy", "maxmemory")
        policy = configured.get("maxmemory-policy", seen.get("maxmemory_policy"))
        limit, used = (
            int(configured.get("maxmemory", seen.get("maxmemory", 0))),
            int(seen.get("used_memory", 0)),
        )
        if policy is None:
            advice = "Look in its console that maxmemory-policy is noeviction."
            yield warning("eviction", f"{_SILENT} what it does when it is full", advice)
        elif policy != "noeviction":
            yield fault(
                "eviction",
                f"maxmemory-policy is {policy}: a full store would throw events away",
                "Set maxmemory-policy to noeviction: then writes fail, and VOD sends or keeps its events.",
            )
        else:
            yield ok("eviction", "maxmemory-policy is noeviction")
        if limit and used > limit * _NEARLY_FULL:
            advice = "Make it larger, or shorten RETENTION_SECONDS, before writes fail."
            yield warning("memory", f"{used / limit:.0%} of its memory is used", advice)
        elif limit:
            yield ok("memory", f"{used / limit:.0%} of its memory is used")

    def connections(self) -> Iterator[Finding]:
        """Compare the connections that the store takes with the instances, which have one each."""
        seen, check = self.information(), "connections"
        most = self.probe().configured("maxclients").get("maxclients", seen.get("maxclients", ""))
        taken = int(seen.get("connected_clients", 0))
        advice = "Set maxclients higher, or cap the functions' concurrency, and name that with --instances."
        if not most.isdecimal():
            told = f"{_SILENT} how many connections it takes"
            yield warning(check, told, f"See in its console that they are more than {self.instances}.")
        elif int(most) < self.instances:
            told = f"it takes {most}, and {self.instances} instances may run, each with one of its own"
            yield fault(check, told, advice)
        elif taken > int(most) * _NEARLY_ALL:
            yield fault(check, f"{taken} of {most} are taken: the next instances get none", advice)
        else:
            yield ok(check, f"{taken} of {most} are taken; {self.instances} instances may run")

    def idle_timeout(self) -> Iterator[Finding]:
        """Compare the store's idle time-out with the time for which we keep a connection."""
        check = "idle time-out"
        seconds = self.probe().configured("timeout").get("timeout", "")
        if not seconds.isdecimal():
            advice = f"See in its console that timeout is 0, or more than {MAX_IDLE_SECONDS:g} s."
            yield warning(check, f"{_SILENT} when it closes an idle connection", advice)
        elif 0 < int(seconds) <= MAX_IDLE_SECONDS:
            told = (
                f"it closes a connection after {seconds} s, and ours are used again for {MAX_IDLE_SECONDS:g}"
            )
            advice = "Set timeout to 0, or higher: a call that meets a closing connection is answered 503."
            yield warning(check, told, advice)
        else:
            yield ok(check, "it keeps an idle connection for longer than we do")
