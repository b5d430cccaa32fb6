"""Checks of the store: reachable, fast, atomic, durable (docs/operations.md).

`local.doctor.store_probe` sends the commands.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from local.deploy.deployment_warnings import about_the_store
from local.doctor.findings import Check, CheckSkippedError, Group, fault, needed, ok, warning
from local.doctor.store_failures import failure_of
from local.doctor.store_limits import StoreLimits
from local.doctor.store_probe import CLAIMANTS, ROUND_TRIPS, StoreProbe
from shared.config.settings import StoreSettings
from shared.errors import StoreUnavailableError
from shared.redis.redis_py import CLUSTER_MARK
from shared.store.connection import StoreScope

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.doctor.deployment import Deployment
    from local.doctor.findings import Finding

_SLOW_SECONDS = 0.02
_LEAST_VERSION = 4
"""The first version whose HSET takes several fields, as our scripts use it."""
_SAFE_SYNCS = frozenset({"always", "everysec"})


class StoreChecks:
    """The checks of one deployment's store; all after `reachable` need it to answer."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._answers = False
        self._takes_writes = True

    def group(self) -> Group:
        """List the checks in their order."""
        limits = StoreLimits(lambda: self._probe, lambda: self._information, self._deployment.instances)
        checks = {
            "protection": self._protection,
            "reachable": self._reachable,
            "round trip": self._round_trip,
            "commands": self._commands,
            "atomicity": self._atomicity,
            "durability": self._durability,
            "memory": limits.memory,
            "connections": limits.connections,
            "idle time-out": limits.idle_timeout,
            "cluster": self._cluster,
            "version": self._version,
        }
        return Group("store", tuple(Check(name, run) for name, run in checks.items()))

    @cached_property
    def _settings(self) -> StoreSettings:
        return needed(StoreSettings, self._deployment.environment)

    @cached_property
    def _connection(self) -> StoreProbe:
        return StoreProbe(
            self._settings.redis_url, StoreScope(self._settings.stage, self._settings.retention_seconds)
        )

    @property
    def _probe(self) -> StoreProbe:
        if not self._answers and self._settings:
            raise CheckSkippedError("the store does not answer")
        return self._connection

    @cached_property
    def _information(self) -> dict[str, str]:
        return self._probe.information()

    def _protection(self) -> Iterator[Finding]:
        cautions = [
            warning("protection", caution.detail, caution.advice)
            for caution in about_the_store({"REDIS_URL": self._settings.redis_url})
        ]
        yield from cautions or [ok("protection", "its address shows nothing that is open")]

    def _reachable(self) -> Iterator[Finding]:
        try:
            self._connection.ping()
        except StoreUnavailableError as error:
            # The functions do without PING, and so may their user.
            if error.store_code != "NOPERM":
                reason, advice = failure_of(error)
                yield fault("reachable", reason, advice)
                return
        self._answers = True
        yield ok("reachable", f"it answers, for stage {self._settings.stage}")

    def _round_trip(self) -> Iterator[Finding]:
        median = self._probe.round_trip_seconds()
        told = f"{median * 1000:.2f} ms, the median of {ROUND_TRIPS} from this machine"
        if median > _SLOW_SECONDS:
            advice = "Every signature takes one: put the functions into the store's region and network."
            yield warning("round trip", told, advice)
        else:
            yield ok("round trip", told)

    def _commands(self) -> Iterator[Finding]:
        try:
            forbidden = self._probe.forbidden_commands()
        except StoreUnavailableError as error:
            self._takes_writes = False
            yield _failed("commands", "it takes no writes", error)
            return
        if forbidden:
            told = f"our user may not send {' '.join(forbidden)} (NOPERM), for stage {self._settings.stage}"
            yield fault("commands", told, "Give the user the whole rule of docs/security.md, for this stage.")
        else:
            yield ok("commands", "what the functions send is allowed, and writes are taken")

    def _atomicity(self) -> Iterator[Finding]:
        probe = self._probe
        if not self._takes_writes:
            raise CheckSkippedError("the store takes no writes")
        try:
            claims = probe.claims()
        except StoreUnavailableError as error:
            failed = _failed("atomicity", "scripts do not run", error)
            advice = "Our scripts need EVALSHA and SCRIPT LOAD, or EVAL: let the user run them."
            yield replace(failed, advice=advice) if error.store_code == "NOPERM" else failed
            return
        winners = sum(won for won, _ in claims)
        if winners == 1 and sorted(place for _, place in claims) == list(range(1, CLAIMANTS + 1)):
            yield ok("atomicity", f"of {CLAIMANTS} scripts at once that claim a key, one won")
        else:
            advice = "Use a store that runs a script undisturbed: Redis, Valkey or TencentDB for Redis."
            yield fault(
                "atomicity", f"of {CLAIMANTS} scripts at once that claim a key, {winners} won", advice
            )

    def _durability(self) -> Iterator[Finding]:
        seen, configured = self._information, self._probe.configured("appendonly", "appendfsync", "save")
        replicas = f"replicas: {seen.get('connected_slaves', 'unknown')}"
        if seen.get("role") == "slave":
            yield fault(
                "durability", "this node is a replica and takes no writes", "Name the primary in REDIS_URL."
            )
            return
        if seen.get("aof_last_write_status", "ok") != "ok":
            yield fault(
                "durability", "its last write to the disk failed", "Look at the store's disk and log."
            )
        appends = configured.get("appendonly", {"1": "yes", "0": "no"}.get(seen.get("aof_enabled", ""), ""))
        sync, snapshots = configured.get("appendfsync", "unknown"), configured.get("save")
        if appends == "yes" and sync in _SAFE_SYNCS:
            lost = "nothing" if sync == "always" else "about one second"
            yield ok(
                "durability", f"append-only file, appendfsync {sync}: a power cut loses {lost}; {replicas}"
            )
        elif appends == "yes":
            advice = "Set appendfsync to everysec: without it a power cut may lose half a minute."
            yield warning("durability", f"append-only file, appendfsync {sync}; {replicas}", advice)
        elif appends == "no" and snapshots == "":
            advice = "Set appendonly to yes: events that VOD has handed over are lost when the store ends."
            yield fault("durability", f"nothing is written to a disk; {replicas}", advice)
        elif appends == "no":
            advice = "Set appendonly to yes: what came after the last snapshot is lost when the store ends."
            yield warning("durability", f"snapshots only; {replicas}", advice)
        else:
            advice = "Look in its console that the append-only file is on."
            yield warning(
                "durability", f"the store does not say what it writes to a disk; {replicas}", advice
            )

    @property
    def _mode(self) -> str:
        # Valkey has given the member a name of its own.
        return str(self._information.get("redis_mode") or self._information.get("server_mode", "unknown"))

    def _cluster(self) -> Iterator[Finding]:
        named, mode = CLUSTER_MARK in self._settings.redis_url, self._mode
        kind = "a Redis Cluster" if named else "a single address"
        if mode == "cluster" and not named:
            advice = (
                "Write redis+cluster:// or rediss+cluster:// in REDIS_URL, unless a proxy is in front of it."
            )
            yield warning(
                "cluster", "it says that it is a cluster, and REDIS_URL names a single server", advice
            )
        else:
            yield ok("cluster", f"{kind}, mode {mode}")

    def _version(self) -> Iterator[Finding]:
        seen = self._information
        version = str(seen.get("redis_version", ""))
        name = f"Valkey {seen['valkey_version']}, like Redis" if "valkey_version" in seen else "Redis"
        major = version.partition(".")[0]
        if not major.isdecimal():
            yield warning(
                "version", "the store does not say its version", f"It must be {_LEAST_VERSION}.0 or newer."
            )
        elif int(major) < _LEAST_VERSION:
            yield fault("version", f"{name} {version}", f"Our scripts need {_LEAST_VERSION}.0 or newer.")
        else:
            yield ok("version", f"{name} {version}")


def _failed(check: str, what: str, error: StoreUnavailableError) -> Finding:
    """Return a fault if the store refused; without its word it may answer the next time."""
    reason, advice = failure_of(error)
    grade = fault if error.store_code else warning
    return grade(check, f"{what}: {reason}", advice)
