"""The one-time rule: what each SDK does passes, what an attacker does is refused."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from tests.local.simulator.account import Account

if TYPE_CHECKING:
    from pathlib import Path

REPEATED = 10011


def _apply(account: Account, signature: str, **members: object) -> int:
    reply = account.call(
        "ApplyUploadUGC", signature=signature, **(members or {"videoName": "a", "videoType": "mp4"})
    )
    return int(reply["code"])


def _stored(account: Account, signature: str) -> str:
    """Apply with that signature, store the object, and return the vodSessionKey."""
    applied = account.apply(1, signature=signature)
    account.storage(applied).put_object(applied.bucket, b"x", applied.key)
    return applied.session_key


def _commit(account: Account, signature: str, session_key: str) -> int:
    return int(account.call("CommitUploadUGC", signature=signature, vodSessionKey=session_key)["code"])


def test_prepare_uses_nothing_up(account: Account) -> None:
    """Android sends one string to Prepare, Apply and Commit, and Prepare twice when the net is bad."""
    signature = account.signature(one_time_valid=True)
    prepared = [account.call("PrepareUploadUGC", signature=signature)["code"] for _ in range(2)]
    session_key = _stored(account, signature)

    assert prepared == [0, 0]
    assert _commit(account, signature, session_key) == 0
    assert account.call("PrepareUploadUGC", signature=signature)["code"] == 0


def test_web_uses_a_fresh_one_for_each_call(account: Account) -> None:
    """Web asks for one signature per call."""
    session_key = _stored(account, account.signature(one_time_valid=True))

    assert _commit(account, account.signature(one_time_valid=True), session_key) == 0


def test_apply_uses_it_up(account: Account) -> None:
    """The same string opens no second session, nor resumes the first."""
    signature = account.signature(one_time_valid=True)
    session_key = account.apply(1, signature=signature).session_key

    assert _apply(account, signature) == REPEATED
    assert _apply(account, signature, vodSessionKey=session_key) == REPEATED
    assert _apply(account, account.signature(one_time_valid=True), vodSessionKey=session_key) == 0


def test_refused_apply_uses_it_up_too(account: Account) -> None:
    """After any failed upload a new signature is needed (doc 266/33922)."""
    signature = account.signature(one_time_valid=True)

    assert _apply(account, signature, videoType="mp4", storageRegion="na-nowhere") == 10001
    assert _apply(account, signature) == REPEATED


def test_resuming_signature_commits_the_session_it_resumed(account: Account) -> None:
    """A mobile SDK resumes with a second string and sends that to Commit."""
    session_key = _stored(account, account.signature(one_time_valid=True))
    resuming = account.signature(one_time_valid=True)

    assert _apply(account, resuming, vodSessionKey=session_key) == 0
    assert _commit(account, resuming, session_key) == 0
    assert _commit(account, resuming, session_key) == 0


def test_commit_refuses_the_signature_of_another_session(account: Account) -> None:
    """A string that opened or closed one upload closes no other."""
    first_signature = account.signature(one_time_valid=True)
    closing = account.signature(one_time_valid=True)
    first = _stored(account, first_signature)
    second = _stored(account, account.signature(one_time_valid=True))

    assert _commit(account, closing, first) == 0
    assert _commit(account, first_signature, second) == REPEATED
    assert _commit(account, closing, second) == REPEATED
    assert _apply(account, closing) == REPEATED


def test_refusal_names_the_reason_in_words(account: Account) -> None:
    """The documentation calls it a repeat signature; the number is a setting, as nothing confirms it."""
    signature = account.signature(one_time_valid=True)
    _apply(account, signature)

    reply = account.call("ApplyUploadUGC", signature=signature, videoName="a", videoType="mp4")

    assert reply == {"code": REPEATED, "message": "ugc upload | repeat signature"}


def test_number_of_the_refusal_can_be_chosen(tmp_path: Path) -> None:
    """A test may take another reading of the unconfirmed number."""
    with Account(tmp_path, repeat_signature_code=10006) as account:
        signature = account.signature(one_time_valid=True)

        assert [_apply(account, signature) for _ in range(2)] == [0, 10006]


@pytest.mark.parametrize("one_time", [None, False])
def test_reusable_signature_is_never_used_up(account: Account, one_time: bool | None) -> None:  # noqa: FBT001  # a table
    """Without oneTimeValid=1 a string works until it expires."""
    signature = account.signature(one_time_valid=one_time)
    session_keys = [_stored(account, signature) for _ in range(2)]

    assert [_commit(account, signature, session_key) for session_key in session_keys] == [0, 0]


def test_two_applies_at_once_have_one_winner(account: Account) -> None:
    """The claim is atomic: of many simultaneous uses one passes."""
    signature = account.signature(one_time_valid=True)
    codes: list[int] = []
    threads = [threading.Thread(target=lambda: codes.append(_apply(account, signature))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(codes) == [0] + [REPEATED] * 7
