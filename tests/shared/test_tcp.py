"""Names that are resolved and connections that are made by a deadline, on real sockets."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest

from shared import tcp
from shared.deadline import Deadline, in_daemon_thread
from shared.tcp import ResolutionError, ResolutionTimeoutError, Resolver, connect
from tests.shared.loopback_peer import HOST, RawPeer, refused_port, say_nothing, swallowing_port
from tests.shared.name_service import NameService, serving_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shared.tcp import Address

PATIENCE = 60.0
SHORT = 0.01


@pytest.fixture
def names() -> Iterator[NameService]:
    """Serve names instead of the system."""
    with serving_names() as service:
        yield service


def addresses_of(resolver: Resolver, host: str, seconds: float = PATIENCE) -> list[Address]:
    """Resolve a name as for HTTPS."""
    return resolver.resolve(host, 443, Deadline(seconds))


def at_once(function: Callable[[], None]) -> None:
    """Run a resolution where it is asked for, in no other thread."""
    function()


def on_port(*ports: int) -> list[Address]:
    """Return addresses of this machine."""
    return [(socket.AF_INET, (HOST, port)) for port in ports]


class TestNames:
    """`Resolver`."""

    def test_all_addresses_of_a_name_come_in_the_order_of_the_system(self, names: NameService) -> None:
        """Each once, with the family that a socket for it needs."""
        names.places["app.test"] = [("2606:4700::1111", 443), ("8.8.8.8", 443), ("8.8.8.8", 443)]

        assert addresses_of(Resolver(start=at_once), "app.test") == [
            (socket.AF_INET6, ("2606:4700::1111", 443, 0, 0)),
            (socket.AF_INET, ("8.8.8.8", 443)),
        ]

    @pytest.mark.parametrize(
        ("host", "family"), [("8.8.8.8", socket.AF_INET), ("2606:4700::1111", socket.AF_INET6)]
    )
    def test_address_is_not_looked_up(self, names: NameService, host: str, family: int) -> None:
        """An IP address needs no name service, and so no thread."""
        assert addresses_of(Resolver(start=at_once), host) == [(family, (host, 443))]
        assert names.asked == []

    @pytest.mark.parametrize(
        "host", ["nobody.test", "a" * 64 + ".test", "app..test", "\udcff.test", "a\0.test"]
    )
    def test_name_that_nobody_has_is_an_error(self, names: NameService, host: str) -> None:
        """As is one that cannot be looked up."""
        assert names.places == {}
        with pytest.raises(ResolutionError):
            addresses_of(Resolver(start=at_once), host)

    def test_name_is_looked_up_for_each_connection(self, names: NameService) -> None:
        """An answer is not kept: after a failover the name leads elsewhere."""
        resolver = Resolver()
        for address in ("8.8.8.8", "9.9.9.9"):
            names.places["moved.test"] = [(address, 443)]

            assert addresses_of(resolver, "moved.test") == [(socket.AF_INET, (address, 443))]

    def test_name_service_that_swallows_ends_at_the_deadline(self, names: NameService) -> None:
        """It still holds its answer back when everybody has been told; all who asked share one thread."""
        resolver = Resolver()
        names.is_answering.clear()
        for _ in range(20):
            with pytest.raises(ResolutionTimeoutError):
                addresses_of(resolver, "slow.test", SHORT)

        names.places["slow.test"] = [("8.8.8.8", 443)]
        names.is_answering.set()
        assert addresses_of(resolver, "slow.test")
        assert names.asked == ["slow.test"]

    def test_answer_that_came_too_late_serves_the_next_caller(self, names: NameService) -> None:
        """With a first name server that is down every answer is late, and the second one is asked in vain."""
        resolver, ended = started_and_given_up(names, "late.test")
        names.places["late.test"] = [("8.8.8.8", 443)]
        names.is_answering.set()
        assert ended.wait(PATIENCE)

        assert addresses_of(resolver, "late.test", PATIENCE) == [(socket.AF_INET, ("8.8.8.8", 443))]
        assert names.asked == ["late.test"]

    @pytest.mark.parametrize(("age", "places"), [(11.0, [("8.8.8.8", 443)]), (1.0, [])])
    def test_late_answer_that_is_old_or_none_is_not_used(
        self, names: NameService, age: float, places: list[tuple[str, int]]
    ) -> None:
        """The name may lead elsewhere in the meantime, or be there again."""
        clock = [0.0]
        resolver, ended = started_and_given_up(names, "late.test", clock=lambda: clock[0])
        names.places["late.test"] = places
        names.is_answering.set()
        assert ended.wait(PATIENCE)
        clock[0] += age
        names.places["late.test"] = [("9.9.9.9", 443)]

        assert addresses_of(resolver, "late.test") == [(socket.AF_INET, ("9.9.9.9", 443))]

    def test_so_many_names_wait_and_no_more(self, names: NameService) -> None:
        """The number of threads that are stuck has a bound; one that ends makes room."""
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

    def test_callers_at_the_same_time_share_one_answer(self, names: NameService) -> None:
        """Both get it, and the next one asks anew."""
        resolver, answers = Resolver(), []
        names.places["shared.test"] = [("8.8.8.8", 443)]
        names.is_answering.clear()
        callers = [
            threading.Thread(target=lambda: answers.append(addresses_of(resolver, "shared.test")))
            for _ in range(2)
        ]
        for caller in callers:
            caller.start()
        names.is_answering.set()
        for caller in callers:
            caller.join()
        first_questions = len(names.asked)

        assert answers == [[(socket.AF_INET, ("8.8.8.8", 443))]] * 2
        assert first_questions <= 2
        assert addresses_of(resolver, "shared.test") == answers[0]
        assert len(names.asked) == first_questions + 1


def started_and_given_up(
    names: NameService, host: str, *, clock: Callable[[], float] = lambda: 0.0
) -> tuple[Resolver, threading.Event]:
    """Abandon a resolution; the event is set when it has ended nevertheless."""
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
        """The ones behind it are left alone."""
        with (
            RawPeer(say_nothing) as first,
            RawPeer(say_nothing) as second,
            connect(on_port(first.port, second.port), Deadline(PATIENCE)) as connection,
        ):
            assert connection.getpeername() == (HOST, first.port)
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

    def test_address_that_refuses_is_passed_over(self) -> None:
        """Whatever it refuses with, and a family that this machine does not have as well."""
        nowhere = (socket.AF_INET6, ("100::1", 443, 0, 0))
        with RawPeer(say_nothing) as peer:
            addresses = [nowhere, *on_port(refused_port(), peer.port)]
            with connect(addresses, Deadline(PATIENCE)) as connection:
                assert connection.getpeername() == (HOST, peer.port)

    def test_address_that_swallows_is_passed_over(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """It gets its part of the time, and what is left is enough for the others."""
        monkeypatch.setattr(tcp, "ATTEMPT_SECONDS", SHORT)
        with (
            swallowing_port() as dead,
            RawPeer(say_nothing) as peer,
            connect(on_port(dead, dead, peer.port), Deadline(PATIENCE)) as connection,
        ):
            assert connection.getpeername() == (HOST, peer.port)

    def test_last_address_has_all_the_time_that_is_left(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Those before it an equal part, and a second at most."""
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
        """The last failure tells which."""
        with pytest.raises(OSError, match=r"refused|no address"):
            connect(addresses, Deadline(PATIENCE))

    def test_deadline_holds_for_a_name_with_a_thousand_addresses(self) -> None:
        """So many are tried and no more, or none would have any time."""
        with swallowing_port() as dead, RawPeer(say_nothing) as peer, pytest.raises(TimeoutError):
            connect(on_port(*[dead] * tcp.MOST_ADDRESSES, peer.port), Deadline(10 * SHORT))
