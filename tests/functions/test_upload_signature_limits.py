"""POST /signature: rate limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.functions.conftest import Deploy, Sign


def test_network_is_the_one_the_platform_saw(sign: Sign, deploy: Deploy) -> None:
    """Users behind one address share its limit in each of 16 partitions, whatever they claim."""
    deploy(NETWORK_UPLOADS_PER_MINUTE="1")
    forged = {"x_forwarded_for": "198.51.100.1", "x_scf_remote_addr": "198.51.100.2"}

    answers = [sign({}, user=f"user-{number}", **forged) for number in range(40)]

    statuses = [answer.status for answer in answers]
    assert 24 <= statuses.count(429) < 40
    assert statuses.count(200) + statuses.count(429) == 40


def test_what_is_left_is_told_in_every_answer(sign: Sign, deploy: Deploy) -> None:
    """RateLimit fields in JSON and text, for uploads, renewals and refusals; none of open uploads."""
    per_minute = {"NEW_UPLOADS_PER_MINUTE": "2", "RENEWALS_PER_MINUTE": "10"}
    deploy(**per_minute, NEW_UPLOADS_PER_DAY="50", OPEN_UPLOADS="9")
    begun = sign({})
    renewed = sign({"uploadId": begun.json["uploadId"]}, accept="text/plain")
    sign({})
    refused = sign({})

    assert begun.headers["ratelimit-policy"] == '"user";q=2;w=60, "day";q=50;w=86400'
    assert begun.headers["ratelimit"].startswith('"user";r=1;t=30, "day";r=49;t=')
    assert renewed.headers["ratelimit-policy"] == '"upload";q=10;w=60'
    assert renewed.headers["ratelimit"] == '"upload";r=9;t=6'
    assert refused.status == 429
    assert refused.headers["ratelimit-policy"] == '"user";q=2;w=60'
    assert refused.headers["ratelimit"] == f'"user";r=0;t={refused.headers["retry-after"]}'
    deploy(OPEN_UPLOADS="1")
    crowded = sign({})
    assert (crowded.status, "retry-after" in crowded.headers, "ratelimit" in crowded.headers) == (
        429,
        True,
        False,
    )


def test_file_larger_than_a_days_bytes_is_refused_by_name(sign: Sign, deploy: Deploy) -> None:
    """No waiting helps, so it is no 429; and a day's bytes that are used up are."""
    deploy(NEW_BYTES_PER_DAY="1000")

    too_large, fits, used_up = (sign({"fileSize": size}) for size in (1001, 900, 101))

    assert (too_large.status, too_large.pointers) == (422, ["/fileSize"])
    assert (fits.status, used_up.status) == (200, 429)


def test_quota_survives_a_deployment(sign: Sign, deploy: Deploy) -> None:
    """A new instance or version begins where the last one was, because the store counts (S18)."""
    deploy(NEW_UPLOADS_PER_DAY="2")
    assert [sign({}).status for _ in range(2)] == [200, 200]

    deploy(NEW_UPLOADS_PER_DAY="2")

    assert sign({}).status == 429
