from __future__ import annotations

import json

import pytest

from shared.vod.notification import (
    callback_signature_from_query,
    callback_signature_matches,
    parse_notification,
)
from shared.vod.notification_types import CallbackSignature

SIGN_KEY = "AbCd1234EfGh5678"
EXPIRES_AT = 1793319136
SIGN = "1eeeeab74ca295f918795043ffc2c466"
SIGNATURE = CallbackSignature(sign=SIGN, expires_at=EXPIRES_AT)


def signature_in(**members: object) -> CallbackSignature | None:
    """Push a body with these top-level members, and return the signature."""
    return parse_notification(json.dumps({"EventType": "X", **members}).encode()).signature


def test_signature_is_not_shown() -> None:
    """The proof would serve whoever reads a log."""
    assert repr(SIGNATURE) == f"CallbackSignature(expires_at={EXPIRES_AT})"


def test_known_signature_matches_up_to_its_second() -> None:
    """`printf %s AbCd1234EfGh56781793319136 | openssl dgst -md5` gives this Sign, in either case."""
    upper = CallbackSignature(sign=SIGN.upper(), expires_at=EXPIRES_AT)

    assert callback_signature_matches(SIGNATURE, sign_key=SIGN_KEY, now=EXPIRES_AT - 600)
    assert callback_signature_matches(upper, sign_key=SIGN_KEY, now=EXPIRES_AT)
    assert not callback_signature_matches(SIGNATURE, sign_key=SIGN_KEY, now=EXPIRES_AT + 1)


@pytest.mark.parametrize(
    ("signature", "sign_key"),
    [
        (None, SIGN_KEY),
        (SIGNATURE, "AbCd1234EfGh5679"),
        (SIGNATURE, ""),
        (CallbackSignature(sign=SIGN, expires_at=EXPIRES_AT + 1), SIGN_KEY),
        (CallbackSignature(sign=SIGN[:-1], expires_at=EXPIRES_AT), SIGN_KEY),
        (CallbackSignature(sign=SIGN + "0", expires_at=EXPIRES_AT), SIGN_KEY),
        (CallbackSignature(sign="字" * 32, expires_at=EXPIRES_AT), SIGN_KEY),
        (signature_in(Sign="\ud800" * 32, T=EXPIRES_AT), SIGN_KEY),
        # `printf %s 1793319136 | openssl dgst -md5`: what an unset key would accept
        (CallbackSignature(sign="7dd6da2f06bf4882ee845150115ec93a", expires_at=EXPIRES_AT), ""),
    ],
)
def test_anything_else_does_not_match(signature: CallbackSignature | None, sign_key: str) -> None:
    """A missing signature, another key, another T or another Sign: all the same answer, and no exception."""
    assert not callback_signature_matches(signature, sign_key=sign_key, now=EXPIRES_AT)


@pytest.mark.parametrize("expires_at", [EXPIRES_AT, str(EXPIRES_AT)])
def test_signature_is_read_from_the_body(expires_at: object) -> None:
    """T counts as a number and as text, for which of them VOD sends is not documented."""
    assert signature_in(Sign=SIGN, T=expires_at) == SIGNATURE


@pytest.mark.parametrize(
    ("sign", "expires_at"),
    [
        *((sign, EXPIRES_AT) for sign in (None, "", 5, [SIGN])),
        *((SIGN, second) for second in (None, True, 0, -1, 1793319136.0, 10**30)),
        *(
            (SIGN, text)
            for text in ("01793319136", "1793319136 ", "1793319136\n", "१७९३३१९१३६", "1e9", "9" * 5000)
        ),
    ],
)
def test_malformed_signature_is_no_signature(sign: object, expires_at: object) -> None:
    """What is not a text and a Unix second counts as unsigned, and does not get into raw."""
    assert signature_in(Sign=sign, T=expires_at) is None
    assert callback_signature_from_query({"Sign": SIGN}) is None
    body = json.dumps({"EventType": "X", "Sign": sign, "T": expires_at}).encode()
    assert parse_notification(body).raw == {"EventType": "X"}


def test_signature_is_read_from_the_query_string() -> None:
    """The other place where Sign and T may be sent."""
    assert callback_signature_from_query({"Sign": SIGN, "T": str(EXPIRES_AT)}) == SIGNATURE
    assert callback_signature_from_query({}) is None
