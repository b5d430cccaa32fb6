"""What a user can make VOD take at most, and what is counted afterwards: real store, simulated VOD."""

from __future__ import annotations

from typing import TYPE_CHECKING

from functions import reliable_notification
from tests.functions.deployment import services_of

if TYPE_CHECKING:
    from tests.functions.conftest import Deploy, ReadStatus, Sign
    from tests.local.simulator.account import Account
    from tests.shared.loopback_peer import HttpPeer

UPLOADS, SIGNATURES = 3, 4
RENEWALS, BEGINNINGS = 10, 10


def store_file(vod: Account, signature: str) -> None:
    """Upload a file of ten bytes with one signature, for Apply and Commit as the mobile SDKs do."""
    applied = vod.apply(10, signature=signature)
    vod.storage(applied).put_object(applied.bucket, b"ten bytes.", applied.key)
    assert vod.call("CommitUploadUGC", signature=signature, vodSessionKey=applied.session_key)["code"] == 0


def signatures_of_an_attacker(sign: Sign, read_status: ReadStatus) -> list[str]:
    """Begin, cancel, repeat and renew whatever is possible; return every signature."""
    got = []
    for number in range(BEGINNINGS):
        key = f'"key-{number}"'
        answers = [sign({}, idempotency_key=key) for _ in range(2)]
        for upload_id in {answer.json["uploadId"] for answer in answers if answer.status == 200}:
            for _ in range(RENEWALS):
                read_status(upload_id, method="DELETE")
                answers.append(sign({"uploadId": upload_id}))
        got += [answer.json["signature"] for answer in answers if answer.status == 200]
    return got


def test_files_are_at_most_uploads_times_signatures(
    vod: Account, app: HttpPeer, deploy: Deploy, sign: Sign, read_status: ReadStatus
) -> None:
    """Whatever is cancelled, repeated or renewed; and each file more than its upload counts in the day."""
    services = services_of(vod.url, app.url)
    settings = {**services, "SIGNATURES_PER_UPLOAD": str(SIGNATURES), "READ_BACK": "on"}
    deploy(**settings, NEW_UPLOADS_PER_DAY=str(UPLOADS))

    signatures = signatures_of_an_attacker(sign, read_status)
    for signature in signatures:
        store_file(vod, signature)
    reliable_notification.main_handler({}, {"time_limit_in_ms": 60_000})

    files = UPLOADS * SIGNATURES
    assert (len(signatures), len(app.received)) == (files, files)
    deploy(**settings, NEW_UPLOADS_PER_DAY=str(files))
    assert sign({}).status == 429
    deploy(**settings, NEW_UPLOADS_PER_DAY=str(files + 1), NEW_BYTES_PER_DAY=str(10 * files))
    assert (sign({"fileSize": 1}).status, sign({}).status) == (429, 200)
