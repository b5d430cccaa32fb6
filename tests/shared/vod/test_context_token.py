from __future__ import annotations

import base64
import hashlib
import hmac
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from itsdangerous import URLSafeSerializer

from shared.errors import UnprocessableError
from shared.vod.context_token import MAX_TOKEN_LENGTH, BrokenSeal, NoSeal, UploadContext, seal, unseal

KEY = "the newest of the keys that seal, for tests"
OLD_KEY = "an older one, which still opens, for tests."
CONTEXT = UploadContext("01M81669D17WFRRRZ186G60VX5", "alice", "lesson 3")
TOKEN = seal(CONTEXT, keys=(KEY, OLD_KEY), stage="prod")
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=9)


def opened(token: str, *, keys: tuple[str, ...] = (KEY, OLD_KEY), stage: str = "prod") -> object:
    """Unseal with the keys of the production stage."""
    return unseal(token, keys=keys, stage=stage)


def handmade(payload: bytes, *, key: str = KEY, salt: str = "upload-context:1:prod") -> str:
    """Seal without the library: HMAC-SHA256, keyed with HMAC-SHA256(key, salt + "signer")."""
    derived = hmac.digest(key.encode(), salt.encode(), hashlib.sha256)
    digest = hmac.digest(derived, payload, hashlib.sha256)
    return f"vuf1.{payload.decode()}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def encoded(content: object) -> bytes:
    """Encode a payload as in a token."""
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=")


def of_the_library(*keys: str, stage: str = "prod") -> URLSafeSerializer:
    """Return itsdangerous' serializer of the same format; it signs with the last of the keys."""
    return URLSafeSerializer(
        list(reversed(keys)),
        salt=f"upload-context:1:{stage}",
        signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
    )


@given(TEXTS, TEXTS | st.text("ab", max_size=90), st.integers(1, 2**31) | st.none())
def test_seal_is_that_of_itsdangerous(user_id: str, app_context: str, sub_app_id: int | None) -> None:
    """It opens what we seal, and we what it seals, which is compressed wherever that is shorter."""
    context = UploadContext(CONTEXT.upload_id, user_id, app_context, sub_app_id)
    members = [CONTEXT.upload_id, user_id, app_context, *([sub_app_id] if sub_app_id else [])]

    token = seal(context, keys=(KEY, OLD_KEY), stage="prod")

    assert of_the_library(KEY, OLD_KEY).loads(token.removeprefix("vuf1.")) == members
    for keys in ((KEY,), (OLD_KEY,)):
        assert opened("vuf1." + of_the_library(*keys).dumps(members)) == context


def test_token_is_the_documented_one() -> None:
    """Another implementation of the same few lines makes the same token, so an app could read it."""
    assert handmade(encoded(["01M81669D17WFRRRZ186G60VX5", "alice", "lesson 3"])) == TOKEN


@given(TEXTS, TEXTS)
@example("a" * 110, "")
@example("앨리스", '"\\&=%.~')
def test_what_was_sealed_is_what_is_found(user_id: str, app_context: str) -> None:
    """Every user id and every context comes back unchanged, in plain ASCII of at most 250 characters."""
    context = UploadContext(CONTEXT.upload_id, user_id, app_context)
    token = seal(context, keys=(KEY,), stage="prod")

    assert opened(token) == context
    assert token.isascii()
    assert token.isprintable()
    assert len(token) <= 250


def test_token_names_another_sub_application() -> None:
    """What is asked of VOD about an upload is asked where the upload went."""
    context = UploadContext(CONTEXT.upload_id, "alice", "lesson 3", 1500067890)

    token = seal(context, keys=(KEY,), stage="prod")

    assert token == handmade(encoded([CONTEXT.upload_id, "alice", "lesson 3", 1500067890]))
    assert opened(token) == context


@pytest.mark.parametrize("content", [[], ["one"], ["1", "2", "3", 4, 5], 7, None])
def test_seal_around_something_else_is_broken(content: object) -> None:
    """A key of ours that sealed something else makes no upload of it."""
    assert opened(handmade(encoded(content))) == BrokenSeal()


@pytest.mark.parametrize("payload", [b".eJw", b".AAAA", b"AAAA", b"A", b"W1tb" * 3000])
def test_seal_around_what_is_no_json_is_broken(payload: bytes) -> None:
    """Nor is it a failure: half a compression, no text, and lists within lists without an end."""
    assert opened(handmade(payload)) == BrokenSeal()


@pytest.mark.parametrize("noise", ["é", "=", " ", "\n", "%"])
def test_token_has_one_spelling(noise: str) -> None:
    """Base64 decoders pass over foreign characters; a token with any is none of ours."""
    assert opened(TOKEN + noise) == BrokenSeal()


def test_token_of_an_older_key_is_opened() -> None:
    """An upload that began before the rotation ends well after it (S40)."""
    assert opened(seal(CONTEXT, keys=(OLD_KEY,), stage="prod")) == CONTEXT


def test_newest_key_seals() -> None:
    """The first key of the list seals."""
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
    """A digest of 32 bytes leaves two bits of its last character unused; nobody may write into them (S25)."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

    assert [last for last in alphabet if opened(TOKEN[:-1] + last) == CONTEXT] == [TOKEN[-1]]
    assert [opened(TOKEN + more) for more in ("=", "A", ".", "\n")] == [BrokenSeal()] * 4


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


@given(st.text(st.characters(exclude_categories=()), max_size=80))
def test_no_text_is_mistaken_for_a_token(text: str) -> None:
    """Any other text is no token, and raises no error."""
    assert opened(text) in (NoSeal(), BrokenSeal())
    assert opened("vuf1." + text) == BrokenSeal()


def test_context_that_does_not_fit_is_refused_by_name() -> None:
    """The refusal says how much too long the whole token is; nothing is cut."""
    long = "".join(hashlib.sha256(bytes([number])).hexdigest() for number in range(4))

    with pytest.raises(UnprocessableError) as caught:
        seal(UploadContext(CONTEXT.upload_id, "alice", long), keys=(KEY,), stage="prod")

    (fault,) = caught.value.field_errors
    assert fault.pointer == "/context"
    assert long not in str(caught.value) + fault.detail
