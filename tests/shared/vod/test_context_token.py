from __future__ import annotations

import base64
import hashlib
import json
import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from itsdangerous import URLSafeSerializer

from shared.vod.context_token import MAX_TOKEN_LENGTH, BrokenSeal, NoSeal, UploadContext, seal, unseal

KEY = "the newest of the keys that seal, for tests"
OLD_KEY = "an older one, which still opens, for tests."
CONTEXT = UploadContext("01M81669D17WFRRRZ186G60VX5", "alice", "lesson 3")
TOKEN = seal(CONTEXT, keys=(KEY, OLD_KEY), stage="prod")
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=9)


def opened(token: str, *, keys: tuple[str, ...] = (KEY, OLD_KEY), stage: str = "prod") -> object:
    """Unseal with the keys of the production stage."""
    return unseal(token, keys=keys, stage=stage)


def of_the_library(*keys: str) -> URLSafeSerializer:
    """Return itsdangerous' serializer of the same format; it signs with the last of the keys."""
    return URLSafeSerializer(
        list(reversed(keys)),
        salt="upload-context:1:prod",
        signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
    )


def sealed(payload: bytes) -> str:
    """Seal any payload with the newest key."""
    return f"vuf1.{of_the_library(KEY).make_signer().sign(payload).decode()}"


@given(TEXTS, TEXTS | st.text("ab", max_size=90), st.integers(1, 2**31) | st.none())
@example("a" * 110, "", None)
@example("앨리스", '"\\&=%.~', 1500067890)
def test_seal_is_that_of_itsdangerous(user_id: str, app_context: str, sub_app_id: int | None) -> None:
    """It opens what we seal, and we what it seals, which is compressed wherever that is shorter."""
    context = UploadContext(CONTEXT.upload_id, user_id, app_context, sub_app_id)
    members = [CONTEXT.upload_id, user_id, app_context, *([sub_app_id] if sub_app_id else [])]

    token = seal(context, keys=(KEY, OLD_KEY), stage="prod")

    assert opened(token) == context
    assert of_the_library(KEY, OLD_KEY).loads(token.removeprefix("vuf1.")) == members
    for keys in ((KEY,), (OLD_KEY,)):
        assert opened("vuf1." + of_the_library(*keys).dumps(members)) == context
    assert token.isascii()
    assert token.isprintable()


def test_token_is_the_documented_one() -> None:
    """The payload is the JSON array in base64url, so an app could read it."""
    payload = json.dumps(["01M81669D17WFRRRZ186G60VX5", "alice", "lesson 3"], separators=(",", ":")).encode()

    assert sealed(base64.urlsafe_b64encode(payload).rstrip(b"=")) == TOKEN


@pytest.mark.parametrize("content", [[], ["one"], ["1", "2", "3", 4, 5], 7, None])
def test_seal_around_something_else_is_broken(content: object) -> None:
    """A key of ours that sealed something else makes no upload of it."""
    assert opened("vuf1." + of_the_library(KEY).dumps(content)) == BrokenSeal()


@pytest.mark.parametrize("payload", [b".eJw", b".AAAA", b"AAAA", b"A", b"W1tb" * 3000])
def test_seal_around_what_is_no_json_is_broken(payload: bytes) -> None:
    """Half a compression, no text, and lists within lists without an end are no failure."""
    assert opened(sealed(payload)) == BrokenSeal()


def test_token_of_an_older_key_is_opened() -> None:
    """An upload that began before the rotation ends well after it; the first of the keys seals (S40)."""
    assert opened(seal(CONTEXT, keys=(OLD_KEY,), stage="prod")) == CONTEXT
    assert opened(TOKEN, keys=(KEY,)) == CONTEXT
    assert opened(TOKEN, keys=(OLD_KEY,)) == BrokenSeal()


def test_tokens_of_another_stage_are_broken() -> None:
    """A token of the test deployment opens nothing in production, even with the same keys."""
    assert opened(TOKEN, stage="dev") == BrokenSeal()


@pytest.mark.parametrize("place", range(5, len(TOKEN), 7))
def test_changed_token_is_broken(place: int) -> None:
    """One changed character of payload or digest breaks the seal."""
    other = "A" if TOKEN[place] != "A" else "B"

    assert opened(TOKEN[:place] + other + TOKEN[place + 1 :]) == BrokenSeal()


def test_longest_token_has_250_characters() -> None:
    """VOD carries so many (doc 266/33922), and the 250th is not one too many."""
    text = "".join(hashlib.sha256(digit.encode()).hexdigest() for digit in "012")[:143]
    longest = UploadContext("01M81A6PGJ0HVA99K5G7FWHBZ5", "alice", text + "x")

    token = seal(longest, keys=("canary-of-the-context-key-newest-one",), stage="t")

    assert len(token) == MAX_TOKEN_LENGTH == 250


def test_digest_has_one_spelling() -> None:
    """Nobody may use the two bits that 32 bytes leave over, nor what Base64 decoders pass over (S25)."""
    alphabet = string.ascii_letters + string.digits + "-_"

    assert [last for last in alphabet if opened(TOKEN[:-1] + last) == CONTEXT] == [TOKEN[-1]]
    assert {opened(TOKEN + more) for more in "=A.\n é%"} == {BrokenSeal()}


def test_parts_of_two_tokens_make_no_third() -> None:
    """The payload of one token with the digest of another is broken."""
    bobs = seal(UploadContext(CONTEXT.upload_id, "bob"), keys=(KEY,), stage="prod")

    assert opened(TOKEN.rpartition(".")[0] + "." + bobs.rpartition(".")[2]) == BrokenSeal()


@pytest.mark.parametrize(
    "tail", ["", ".", "..", "x", "a.b", "é", "\ud800", "\x00", ".eJw.x", TOKEN, "." * 300]
)
def test_prefix_alone_makes_no_token(tail: str) -> None:
    """A broken seal is distinguished from a text that is no token."""
    assert opened("vuf1." + tail) == BrokenSeal()


@pytest.mark.parametrize(
    "text", ["", "user-42", "VUF1.x", " " + TOKEN, '{"u": 1}', TOKEN[5:], "vuf1", "\ud800"]
)
def test_other_texts_are_not_ours(text: str) -> None:
    """Uploads by the console, the server API or another app carry what they like."""
    assert opened(text) == NoSeal()
