"""Asking for a foreign upload costs the same as asking for one that does not exist (S14)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import redis

from functions import upload_signature, upload_status
from shared.store.connection import PARTITIONS, digest

if TYPE_CHECKING:
    from tests.functions.conftest import Call, Sign
    from tests.functions.scf import Answer

UNKNOWN = "01M81669D17WFRRRZ186G60VX5"


def partition(user: str) -> int:
    """Return the partition of a user's records."""
    return int(digest(user)[:2], 16) % PARTITIONS


NEIGHBOUR = next(name for name in map("user-{}".format, range(999)) if partition(name) == partition("alice"))
STRANGER = next(name for name in map("user-{}".format, range(999)) if partition(name) != partition("alice"))


def commands_by(url: str, ask: object) -> tuple[Answer, dict[str, int]]:
    """Count each command that the store ran for a request, in scripts too."""
    assert callable(ask)
    with redis.Redis.from_url(url, decode_responses=True) as administrator:
        administrator.config_resetstat()
        answer: Answer = ask()
        counted = administrator.info("commandstats")
    return answer, {
        name: figures["calls"]
        for name, figures in counted.items()
        if "config" not in name and "info" not in name
    }


@pytest.mark.parametrize("owner", [NEIGHBOUR, STRANGER])
@pytest.mark.parametrize("kind", ["GET", "DELETE", "renewal"])
def test_foreign_upload_costs_what_an_unknown_one_does(
    call: Call, sign: Sign, valkey_url: str, kind: str, owner: str
) -> None:
    """The same body and headers, after the same commands and one round trip, wherever its record is kept."""
    foreign = sign({"policy": "course", "context": "x" * 90}, user=owner).json["uploadId"]

    def ask(upload_id: str) -> Answer:
        if kind == "renewal":
            return call(upload_signature.main_handler, "POST", "/signature", body={"uploadId": upload_id})
        return call(upload_status.main_handler, kind, f"/uploads/{upload_id}")

    # The scripts are known to the server after the first time.
    assert ask(UNKNOWN).status == 404
    unknown, for_unknown = commands_by(valkey_url, lambda: ask(UNKNOWN))
    found, for_foreign = commands_by(valkey_url, lambda: ask(foreign))

    assert (found.status, found.body, found.headers) == (404, unknown.body, unknown.headers)
    assert for_foreign == for_unknown
    assert for_unknown.pop("cmdstat_evalsha", 1) == 1
    assert sum(for_unknown.values()) == 1


def test_own_upload_is_found_by_the_same_counting(sign: Sign, valkey_url: str) -> None:
    """The same counting shows that an own upload is found, so the counts above are valid."""
    renewal = {"uploadId": sign({}).json["uploadId"]}
    # The script is known to the server after the first time.
    sign(renewal)
    answer, counts = commands_by(valkey_url, lambda: sign(renewal))

    assert answer.status == 200
    assert counts["cmdstat_evalsha"] == 1
    assert sum(counts.values()) > 3
