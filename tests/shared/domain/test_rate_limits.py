"""The limits on new uploads in the real store; `tests/functions` tests them through the handler."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from shared.domain.rate_limits import UploadLimits, refusal, refuse_size
from shared.domain.session import expiry_facts
from shared.errors import RateLimit, RateLimitedError, UnprocessableError
from tests.shared.uploads import FILE_ID, NOW, facts_in, new_entry, new_session, uploaded

if TYPE_CHECKING:
    import redis

    from shared.domain.session import UploadSession
    from shared.store.journal import Store

MORNING = NOW - NOW % 86_400 + 3600
MIDNIGHT = MORNING + 82_800
NETWORK = ("198.51.100.7/32", "198.51.100.0/24", "198.51.0.0/16")
MANY = 1_000_000
LIMITS = ("user", "network", "open", "day", "bytes")
SIGNATURE_SECONDS, DAY_SECONDS = 600, 86_400
_numbers = count(1)


class File(NamedTuple):
    """A file that VOD reports, of a size that may be none; `number` tells it from others."""

    size: object = None
    number: int = 0
    verified: bool = True


class Beginner:
    """Begins uploads under the same limits."""

    def __init__(self, store: Store, limits: UploadLimits, networks: tuple[str, ...] = ()) -> None:
        self.store, self.limits, self.networks = store, limits, networks

    def begin(
        self, user: str = "alice", *, now: float = MORNING, size: int | None = None
    ) -> tuple[UploadSession, dict[str, RateLimit]]:
        """Begin an upload of so many bytes; return it and the remainder of each limit."""
        session = new_session(user, issued_at=int(now))
        session = session._replace(grant=session.grant._replace(file_size=size))
        reservation = self.store.begin_upload(
            session, randoms=(next(_numbers),), now=now, limits=self.limits, networks=self.networks
        )
        return session, {each.name: each for each in reservation.rate_limits}

    def refused(self, user: str = "alice", **upload: Any) -> RateLimitedError:  # noqa: ANN401 -- as `begin`
        """Return the refusal of an upload."""
        with pytest.raises(RateLimitedError) as caught:
            self.begin(user, **upload)
        return caught.value

    def crowd(self, *, size: int) -> int:
        """Let 64 begin at one moment; return how many passed."""

        def passes(_number: int) -> bool:
            try:
                self.begin(size=size)
            except RateLimitedError:
                return False
            return True

        with ThreadPoolExecutor(16) as pool:
            return sum(pool.map(passes, range(64)))

    def renew(self, session: UploadSession, *, now: int) -> UploadSession:
        """Ask for another signature; return the upload."""
        found, _ = self.store.renew_upload(
            session.user_id, session.upload_id, randoms=(next(_numbers),), now=now, limits=self.limits
        )
        return found

    def end(self, session: UploadSession, how: str | File, *, now: int = MORNING + 60) -> None:
        """Let an upload end with a file, by a cancellation or by its expiry."""
        if how == "cancel":
            self.store.cancel_upload(session.user_id, session.upload_id, now=now)
            return
        entry = new_entry(session, expiry_facts(now=now), verified=True)
        if isinstance(how, File):
            event: dict[str, Any] = uploaded(file_id=f"{FILE_ID}{how.number}")
            event["FileUploadEvent"]["MetaData"] = {"Size": how.size}
            entry = new_entry(session, facts_in(event), verified=how.verified)
        self.store.journal(entry, endpoint="", now=now, next_attempt_at=None)


@pytest.mark.parametrize(
    "limits",
    [
        *(UploadLimits(7), UploadLimits(MANY, network_per_minute=7), UploadLimits(MANY, open_uploads=7)),
        *(UploadLimits(MANY, per_day=7), UploadLimits(MANY, bytes_per_day=799)),
    ],
    ids=LIMITS,
)
def test_exactly_so_many_of_a_crowd_pass_each_limit(store: Store, limits: UploadLimits) -> None:
    """Of 64 at one moment as many begin as the limit says, not one more; bytes count at once (R13, S16)."""
    assert Beginner(store, limits, NETWORK).crowd(size=100) == 7


def test_network_is_one_for_all_its_users(store: Store) -> None:
    """Users of one partition share their network's limit, and no other; another network has its own."""
    limits = UploadLimits(1, network_per_minute=2)
    here, elsewhere = Beginner(store, limits, NETWORK), Beginner(store, limits, ("203.0.113.9/32",))
    partition = store._partition_of("alice")  # noqa: SLF001 -- which users share one is the store's secret
    neighbours = [f"user-{n}" for n in range(200) if store._partition_of(f"user-{n}") == partition]  # noqa: SLF001 -- as above

    here.begin(neighbours[0])
    here.begin(neighbours[1])
    refusal = here.refused(neighbours[2])

    assert (refusal.retry_after, refusal.rate_limits) == (30, (RateLimit("network", 2, 60, 0, 30),))
    assert elsewhere.begin(neighbours[2])


def test_without_a_network_only_the_user_counts(store: Store) -> None:
    """Where the platform says no address, nobody is refused for sharing it."""
    beginner = Beginner(store, UploadLimits(MANY, network_per_minute=1))

    assert [set(beginner.begin()[1]) for _ in range(3)] == [{"user"}] * 3


def test_what_is_left_is_told(store: Store) -> None:
    """Each limit tells its quota, its window, what is left of it and when all of it is there again."""
    limits = UploadLimits(6, network_per_minute=60, open_uploads=9, per_day=4, bytes_per_day=1000)
    beginner = Beginner(store, limits, NETWORK)

    beginner.begin(size=100)
    _, left = beginner.begin(size=250)

    assert left == {
        "user": RateLimit("user", 6, 60, 4, 20),
        "network": RateLimit("network", 60, 60, 58, 2),
        "day": RateLimit("day", 4, 86_400, 2, 82_800),
        "bytes": RateLimit("bytes", 1000, 86_400, 650, 82_800),
    }


@pytest.mark.parametrize(
    ("limits", "name", "wait"),
    [
        (UploadLimits(2), "user", 30),
        (UploadLimits(MANY, network_per_minute=2), "network", 30),
        (UploadLimits(MANY, open_uploads=2), None, SIGNATURE_SECONDS),
        (UploadLimits(MANY, per_day=2), "day", MIDNIGHT - MORNING),
        (UploadLimits(MANY, bytes_per_day=25), "bytes", MIDNIGHT - MORNING),
        (UploadLimits(2, open_uploads=2, per_day=2), "day", MIDNIGHT - MORNING),
    ],
    ids=(*LIMITS, "the longest of several"),
)
def test_retry_after_is_true_for_every_limit(
    store: Store, limits: UploadLimits, name: str | None, wait: int
) -> None:
    """Who waits as long as told passes; who comes a second earlier does not."""
    beginner = Beginner(store, limits, NETWORK)
    beginner.begin(size=10)
    beginner.begin(size=10)

    refusal = beginner.refused(size=10)

    assert refusal.retry_after == wait
    assert [each.name for each in refusal.rate_limits] == [name] * (name is not None)
    assert beginner.refused(now=MORNING + wait - 1, size=10)
    assert beginner.begin(now=MORNING + wait, size=10)


def test_refused_renewal_tells_its_own_limit() -> None:
    """It counts against the limit of its upload, not against those of its user."""
    refused = refusal("upload", UploadLimits(7, renewals_per_minute=3), wait_ms=1500)

    assert refused.rate_limits == (RateLimit("upload", 3, 60, 0, 2),)


@pytest.mark.parametrize(
    "limits", [UploadLimits(2), UploadLimits(MANY, network_per_minute=2)], ids=["user", "network"]
)
def test_clock_that_is_ahead_refuses_nobody_for_long(store: Store, limits: UploadLimits) -> None:
    """Who is answered by an instance an hour ahead, and then by another, waits for one upload's share."""
    beginner = Beginner(store, limits, NETWORK)
    beginner.begin(now=MORNING + 3600)

    assert beginner.refused(now=MORNING).retry_after == 30


def test_refused_upload_uses_up_nothing(store: Store, server: redis.Redis) -> None:
    """Whoever is refused by one limit has lost nothing of another, and no upload of his has begun."""
    beginner = Beginner(store, UploadLimits(2, per_day=2, bytes_per_day=100))
    beginner.begin(size=60)

    assert beginner.refused(size=60)

    assert len(server.keys("*:upload:*")) == 1
    _, left = beginner.begin(size=40)
    assert (left["user"].remaining, left["day"].remaining, left["bytes"].remaining) == (0, 0, 0)


@pytest.mark.parametrize("end", [File(), "expire"])
def test_upload_that_is_over_is_open_no_more(store: Store, end: str | File) -> None:
    """A file and an expiry each make room for the next upload."""
    beginner = Beginner(store, UploadLimits(MANY, open_uploads=1))
    session, _ = beginner.begin()
    assert beginner.refused()

    beginner.end(session, end)

    assert beginner.begin()


@pytest.mark.parametrize("cancelled", [False, True])
def test_upload_is_open_as_long_as_it_has_a_signature(store: Store, *, cancelled: bool) -> None:
    """Cancelled or not: until the last signature has expired, which another one puts off."""
    beginner = Beginner(store, UploadLimits(MANY, open_uploads=1))
    session, _ = beginner.begin()
    beginner.renew(session, now=MORNING + 500)
    if cancelled:
        beginner.end(session, "cancel", now=MORNING + 501)

    assert beginner.refused(now=MORNING + 501).retry_after == SIGNATURE_SECONDS - 1
    assert beginner.begin(now=MORNING + 500 + SIGNATURE_SECONDS)


def test_lowered_limit_applies_to_what_was_used_before(store: Store) -> None:
    """With more open uploads than a lowered limit allows, the excess must end first."""
    generous = Beginner(store, UploadLimits(MANY, open_uploads=5))
    for number in range(5):
        generous.begin(now=MORNING + number)
    strict = Beginner(store, UploadLimits(MANY, open_uploads=2))

    assert strict.refused(now=MORNING + 10).retry_after == SIGNATURE_SECONDS + 3 - 10


@pytest.mark.parametrize(
    ("declared", "ends", "uploads", "used"),
    [
        (100, ["cancel", "cancel"], 1, 100),
        (100, ["expire", "expire"], 0, 0),
        (100, ["expire", File(50)], 1, 50),
        *((100, [File(size), File(199)], 1, size) for size in (40, 100, 150)),
        *((100, [File(size), File(199)], 1, 100) for size in (None, "huge", -5, 1 << 60)),
        (None, [File(500)], 1, 500),
        (30, ["cancel", File(50)], 1, 50),
        (30, ["cancel", File()], 1, 30),
        (100, [File(100), File(50, 1), File(50, 1), File(60, 2), File(None, 3)], 4, 210),
        (100, [File(100), File(50, 1, verified=False)], 1, 100),
    ],
)
def test_upload_counts_as_what_came_of_it(
    store: Store, declared: int | None, ends: list[str | File], uploads: int, used: int
) -> None:
    """What came to nothing is given back to its day, once; a file counts with its real size, also late.

    Where VOD tells no size that can be, the declared one stays. Each further file counts once, and only if
    VOD has confirmed it.
    """
    beginner = Beginner(store, UploadLimits(MANY, per_day=9, bytes_per_day=1000))
    session, _ = beginner.begin(size=declared)

    for end in ends:
        beginner.end(session, end)

    _, left = beginner.begin(size=0)
    assert (left["day"].remaining, left["bytes"].remaining) == (9 - uploads - 1, 1000 - used)


@pytest.mark.parametrize(
    "limits", [UploadLimits(MANY, per_day=2), UploadLimits(MANY, bytes_per_day=100)], ids=["day", "bytes"]
)
def test_cancelled_upload_is_given_back_when_its_signatures_have_expired(
    store: Store, limits: UploadLimits
) -> None:
    """Nothing recalls a signature, so each cancelled upload counts until its last one ends, and no longer."""
    beginner = Beginner(store, limits)
    for number in (10, 0):
        session, _ = beginner.begin(now=MORNING + number, size=50)
        beginner.end(session, "cancel", now=MORNING + 20)

    assert beginner.refused(now=MORNING + 20, size=50).retry_after == SIGNATURE_SECONDS - 20
    assert beginner.begin(now=MORNING + SIGNATURE_SECONDS, size=50)
    assert beginner.refused(now=MORNING + SIGNATURE_SECONDS, size=50).retry_after == 10
    assert beginner.begin(now=MORNING + SIGNATURE_SECONDS + 10, size=50)
    assert beginner.refused(now=MORNING + SIGNATURE_SECONDS + 10, size=50).retry_after > DAY_SECONDS / 2


def test_file_of_a_cancelled_upload_counts_although_it_was_given_back(store: Store) -> None:
    """A late file has used its day after all."""
    beginner = Beginner(store, UploadLimits(MANY, per_day=9, bytes_per_day=1000))
    session, _ = beginner.begin(size=30)
    beginner.end(session, "cancel")
    beginner.begin(now=MORNING + SIGNATURE_SECONDS, size=10)
    beginner.end(session, File(50))

    _, left = beginner.begin(size=0)
    assert (left["day"].remaining, left["bytes"].remaining) == (9 - 3, 1000 - 60)


def test_cancelled_upload_that_goes_on_is_not_given_back(store: Store) -> None:
    """Another signature takes it up again: its day has it as if it had never been cancelled."""
    beginner = Beginner(store, UploadLimits(MANY, per_day=1))
    session, _ = beginner.begin()
    beginner.end(session, "cancel")

    found = beginner.renew(session, now=MORNING + SIGNATURE_SECONDS - 1)

    assert (found.cancelled_at, found.signed_until) == (None, MORNING + 2 * SIGNATURE_SECONDS - 1)
    assert beginner.refused(now=MORNING + 3 * SIGNATURE_SECONDS).retry_after > DAY_SECONDS / 2


def test_further_file_shuts_the_door_of_the_day_it_comes_on(store: Store) -> None:
    """The day of its upload may be over: then it counts on the present one."""
    beginner = Beginner(store, UploadLimits(MANY, per_day=1))
    session, _ = beginner.begin(now=MIDNIGHT - 1)
    beginner.end(session, File(), now=MIDNIGHT - 1)

    beginner.end(session, File(number=1), now=MIDNIGHT)

    assert beginner.refused(now=MIDNIGHT).retry_after == DAY_SECONDS


def test_quota_is_a_users_own_and_each_days(store: Store) -> None:
    """Users and days have separate quotas: an upload is given back to the day on which it began."""
    beginner = Beginner(store, UploadLimits(MANY, per_day=1))
    session, _ = beginner.begin(now=MIDNIGHT - 1)
    refusal = beginner.refused(now=MIDNIGHT - 1)
    assert (refusal.retry_after, refusal.detail) == (1, "Today's uploads are used up.")
    assert beginner.begin("bob", now=MIDNIGHT - 1)
    beginner.begin(now=MIDNIGHT)

    beginner.end(session, "expire", now=session.ends_at)

    assert beginner.refused(now=MIDNIGHT + 1)


def test_day_is_kept_for_clocks_that_are_an_hour_off(store: Store, server: redis.Redis) -> None:
    """One that is ahead sets the expiry; what one that is behind begins is counted with the day's others."""
    beginner = Beginner(store, UploadLimits(MANY, per_day=3))
    session, _ = beginner.begin(now=MIDNIGHT - 1)
    (day,) = server.scan_iter("*:usage:*")
    lives = [server.ttl(day)]

    server.expire(day, 60)
    for number in range(2):
        beginner.end(session, File(number=number), now=MIDNIGHT - 1)

    assert all(7190 < seconds <= 7201 for seconds in (*lives, server.ttl(day)))


def test_limits_that_are_off_leave_no_trace(store: Store, server: redis.Redis) -> None:
    """Without limits an upload stores its record, its nonce, its check and its own rate limit only."""
    Beginner(store, UploadLimits(30)).begin()

    kinds = sorted(key.split(":")[2] for key in server.scan_iter("*"))
    assert kinds == ["checks", "nonce", "rate", "upload"]


def test_file_larger_than_a_day_is_refused_for_good() -> None:
    """There is no time after which it would pass, so it is no matter of waiting."""
    limits = UploadLimits(MANY, bytes_per_day=100)
    refuse_size(None, limits)
    refuse_size(100, limits)
    refuse_size(1 << 50, UploadLimits(MANY))

    with pytest.raises(UnprocessableError):
        refuse_size(101, limits)
