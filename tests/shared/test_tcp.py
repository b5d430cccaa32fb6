"""Name resolution and connections with a deadline, on real sockets."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest

from shared import tcp
from shared.deadline import Deadline, in_daemon_thread
from shared.tcp import ResolutionError, ResolutionTimeoutError, Resolver, connect
from tests.shared.loopback_peer import HOST, RawPeer, refused_port, say_nothing, swallowing_port

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.tcp import Address
    from tests.shared.name_service import NameService

PATIENCE = 60.0
SHORT = 0.01


def addresses_of(resolver: Resolver, host: str, seconds: float = PATIENCE) -> list[Address]:
    """Resolve a name for port 443."""
    return resolver.resolve(host, 443, Deadline(seconds))


def at_once(function: Callable[[], None]) -> None:
    """Run a resolution in the caller's thread."""
    function()


def on_port(*ports: int) -> list[Address]:
    """Return addresses of this machine with these ports."""
    return [(socket.AF_INET, (HOST, port)) for port in ports]


class TestNames:
    """`Resolver`."""

    def test_all_addresses_of_a_name_come_in_the_order_of_the_system(self, names: NameService) -> None:
        """Each address is there once, with its family."""
        names.places["app.test"] = [("2606:4700::1111", 443), ("8.8.8.8", 443), ("8.8.8.8", 443)]

        assert addresses_of(Resolver(start=at_once), "app.test") == [
            (socket.AF_INET6, ("2606:4700::1111", 443, 0, 0)),
            (socket.AF_INET, ("8.8.8.8", 443)),
        ]

    def test_answer_that_another_caller_took_first_is_ones_own_too(self, names: NameService) -> None:
        """Two callers share a lookup; whoever comes second finds it taken out already."""
        names.places["app.test"] = [("8.8.8.8", 443)]
        resolver = Resolver(start=at_once)

        class Overtaken(Deadline):
            def left(self) -> float:
                assert addresses_of(resolver, "app.test") == found
                return super().left()

        found = [(socket.AF_INET, ("8.8.8.8", 443))]
        assert resolver.resolve("app.test", 443, Overtaken(PATIENCE)) == found

    @pytest.mark.parametrize(
        ("host", "family"), [("8.8.8.8", socket.AF_INET), ("2606:4700::1111", socket.AF_INET6)]
    )
    def test_address_is_not_looked_up(self, names: NameService, host: str, family: int) -> None:
        """An IP address is returned without the name service, and so without a thread."""
        assert addresses_of(Resolver(start=at_once), host) == [(family, (host, 443))]
        assert names.asked == []

    @pytest.mark.parametrize(
        "host", ["nobody.test", "a" * 64 + ".test", "app..test", "\udcff.test", "a\0.test"]
    )
    def test_name_that_nobody_has_is_an_error(self, names: NameService, host: str) -> None:
        """An unknown name and a malformed one raise the same error."""
        assert names.places == {}
        with pytest.raises(ResolutionError):
            addresses_of(Resolver(start=at_once), host)

    def test_name_is_looked_up_for_each_connection(self, names: NameService) -> None:
        """Answers are not cached: after a failover the name resolves to another address."""
        resolver = Resolver()
        for address in ("8.8.8.8", "9.9.9.9"):
            names.places["moved.test"] = [(address, 443)]

            assert addresses_of(resolver, "moved.test") == [(socket.AF_INET, (address, 443))]

    def test_name_service_that_swallows_ends_at_the_deadline(self, names: NameService) -> None:
        """Callers get their error before the answer; all of them share one lookup."""
        resolver = Resolver()
        names.is_answering.clear()
        for _ in range(20):
            with pytest.raises(ResolutionTimeoutError):
                addresses_of(resolver, "slow.test", SHORT)

        names.places["slow.test"] = [("8.8.8.8", 443)]
        names.is_answering.set()
        assert addresses_of(resolver, "slow.test")
        assert names.asked == ["slow.test"]

    @pytest.mark.parametrize(
        ("age", "late", "found"),
        [
            (1.0, [("8.8.8.8", 443)], "8.8.8.8"),
            (11.0, [("8.8.8.8", 443)], "9.9.9.9"),
            (1.0, [], "9.9.9.9"),
        ],
        ids=["fresh", "old", "none"],
    )
    def test_answer_that_came_too_late_serves_the_next_caller(
        self, names: NameService, age: float, late: list[tuple[str, int]], found: str
    ) -> None:
        """With a first name server that is down every answer is late; an old one leads to a new lookup."""
        clock = [0.0]
        resolver, ended = started_and_given_up(names, "late.test", clock=lambda: clock[0])
        names.places["late.test"] = late
        names.is_answering.set()
        assert ended.wait(PATIENCE)
        clock[0] += age
        names.places["late.test"] = [("9.9.9.9", 443)]

        assert addresses_of(resolver, "late.test") == [(socket.AF_INET, (found, 443))]

    def test_so_many_names_wait_and_no_more(self, names: NameService) -> None:
        """At most MOST_LOOKUPS run at the same time; one that ends makes room for another."""
        resolver = Resolver()
        hosts = [f"name-{number}.test" for number in range(tcp.MOST_LOOKUPS + 1)]
        names.is_answering.clear()
        for host in hosts:
            with pytest.raises(ResolutionTimeoutError):
                addresses_of(resolver, host, SHORT)
        names.places = {host: [("8.8.8.8", 443)] for host in hosts}
        names.is_answering.set()

        assert all(addresses_of(resolver, host) for host in hosts[:-1])
        assert sorted(names.asked) == hosts[:-1]
        assert addresses_of(resolver, hosts[-1])


def started_and_given_up(
    names: NameService, host: str, *, clock: Callable[[], float]
) -> tuple[Resolver, threading.Event]:
    """Start a resolution and let its deadline pass; the event is set when it has ended."""
    ended = threading.Event()

    def start(function: Callable[[], None]) -> None:
        def run() -> None:
            function()
            ended.set()

        in_daemon_thread(run)

    resolver = Resolver(start=start, clock=clock)
    names.is_answering.clear()
    with pytest.raises(ResolutionTimeoutError):
        addresses_of(resolver, host, SHORT)
    return resolver, ended


class TestConnections:
    """`connect`."""

    def test_first_address_that_accepts_is_connected_to(self) -> None:
        """No other address is connected to; small packets are sent at once."""
        with (
            RawPeer(say_nothing) as first,
            RawPeer(say_nothing) as second,
            connect(on_port(first.port, second.port), Deadline(PATIENCE)) as connection,
        ):
            assert connection.getpeername() == (HOST, first.port)
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

    def test_address_that_refuses_is_passed_over(self) -> None:
        """A closed port and an unreachable network lead to the next address."""
        nowhere = (socket.AF_INET6, ("100::1", 443, 0, 0))
        with RawPeer(say_nothing) as peer:
            addresses = [nowhere, *on_port(refused_port(), peer.port)]
            with connect(addresses, Deadline(PATIENCE)) as connection:
                assert connection.getpeername() == (HOST, peer.port)

    def test_address_that_swallows_is_passed_over(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A silent address uses up its part of the time, and the next one is tried."""
        monkeypatch.setattr(tcp, "ATTEMPT_SECONDS", SHORT)
        with (
            swallowing_port() as dead,
            RawPeer(say_nothing) as peer,
            connect(on_port(dead, dead, peer.port), Deadline(PATIENCE)) as connection,
        ):
            assert connection.getpeername() == (HOST, peer.port)

    def test_last_address_has_all_the_time_that_is_left(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Earlier addresses get an equal part, and ATTEMPT_SECONDS at most."""
        waits = []

        def connected(_family: int, _place: tuple[object, ...], seconds: float) -> socket.socket:
            waits.append(seconds)
            raise TimeoutError

        monkeypatch.setattr(tcp, "_connected", connected)
        for seconds in (0.9, 15.0):
            with pytest.raises(TimeoutError):
                connect(on_port(1, 2, 3), Deadline(seconds, lambda: 0.0))

        assert waits == pytest.approx([0.3, 0.45, 0.9, 1.0, 1.0, 15.0])

    @pytest.mark.parametrize("addresses", [on_port(refused_port()) * 2, []])
    def test_no_address_that_accepts_is_an_error(self, addresses: list[Address]) -> None:
        """The last failure is raised."""
        with pytest.raises(OSError, match=r"refused|no address"):
            connect(addresses, Deadline(PATIENCE))

    def test_deadline_holds_for_a_name_with_a_thousand_addresses(self) -> None:
        """Only MOST_ADDRESSES are tried, so that each has a part of the time."""
        with swallowing_port() as dead, RawPeer(say_nothing) as peer, pytest.raises(TimeoutError):
            connect(on_port(*[dead] * tcp.MOST_ADDRESSES, peer.port), Deadline(10 * SHORT))
