"""POST /signature: requests that are refused, and how the refusal names the fault.

tests/shared/domain/test_policy.py tests grants; tests/shared/vod/test_notification_hostile.py tests the JSON
reader, which is the same for all bodies.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions import upload_signature
from shared.vod.context_token import UploadContext, unseal
from shared.vod.signature import decode, is_signed_with
from tests.functions.deployment import CONTEXT_KEY, SECRET_KEY

if TYPE_CHECKING:
    from tests.functions.conftest import Call, Sign

INTENDED = {
    "default": {"classId", "storageRegion"},
    "course": {"procedure", "taskPriority", "taskNotifyMode"},
}
MOST_BYTES = 16_384
AROUND = len(json.dumps({"x": ""}))
ALWAYS = {"secretId", "currentTimeStamp", "expireTime", "random"}
ALWAYS |= {"sourceContext", "oneTimeValid", "sessionContext"}
TEXTS = st.text(st.characters(exclude_categories=()), max_size=40) | st.text(
    "&=%+#?;\r\n\x00 é수💥", max_size=40
)
"""Any text, lone surrogates and control characters included, and what parameters are made of."""
thoroughly = settings(
    max_examples=50,
    deadline=None,
    # The deployment of the test is not changed by what is sent to it.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def irregular(length: int) -> str:
    """Return a text that compresses badly."""
    digests = (hashlib.sha256(bytes([number])).digest() for number in range(8))
    return base64.b64encode(b"".join(digests)).decode()[:length]


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        *((body, {}, 400) for body in ("{", "[]", '{"context": "a", "context": "b"}', "[" * 16_000)),
        (json.dumps({"x": "a" * (MOST_BYTES - AROUND)}), {}, 422),
        (json.dumps({"x": "a" * (MOST_BYTES - AROUND + 1)}), {}, 413),
        ('{"x": "' + "é" * (MOST_BYTES // 2) + '"}', {}, 413),
        ("{}", {"content_type": "text/plain"}, 415),
        ("{}", {"content_type": "application/x-www-form-urlencoded"}, 415),
        ("{}", {"content_type": "application/jsonp"}, 415),
        ("{}", {"content_encoding": "gzip, identity"}, 415),
        *((body, {}, 200) for body in ("", " \r\n")),
        ("{}", {"content_type": "APPLICATION/JSON; charset=utf-8"}, 200),
        ("{}", {"content_type": "application/vnd.x+json"}, 200),
    ],
)
def test_body_is_one_plain_json_object_of_16_kb(
    sign: Sign, body: str, headers: dict[str, str], status: int
) -> None:
    """400 for what cannot be read, 413 beyond 16,384 bytes (S19), 415 for a form or a compressed body (S20).

    Nothing is decompressed, so a small body cannot become a large one. Every spelling of JSON is read, and
    so is an empty body: all members are optional.
    """
    assert sign(body, **headers).status == status


@pytest.mark.parametrize(
    ("member", "pointer"),
    [
        *((name, f"/{name}") for name in (*sorted(ALWAYS), "vodSubAppId", "taskPriority", "ttlSeconds", "")),
        *(
            ("UploadId", "/UploadId"),
            ("a/b~c", "/a~1b~0c"),
            ("\ud800", "/\ufffd"),
            ("x" * 9000, "/" + "x" * 64),
        ),
        ("a\n\x00", "/a\ufffd\ufffd"),
    ],
)
def test_member_that_is_not_the_clients_to_say_is_refused_by_name(
    sign: Sign, member: str, pointer: str
) -> None:
    """Members that the policy or the server decides are refused, in any spelling (S10, S13).

    The name is escaped as RFC 6901 says, made printable, and not echoed at length.
    """
    answer = sign(json.dumps({member: 1}))

    assert (answer.status, answer.pointers) == (422, [pointer])


@pytest.mark.parametrize(
    "wrong",
    [
        {"classId": "7011", "fileSize": 9.5, "fileType": {}, "policy": []},
        {"classId": True, "context": 7, "what": 1},
        {"classId": 1, "context": "\x00", "procedure": "", "storageRegion": "ap-seoul\n"},
        {"procedure": "LongVideoPreset&oneTimeValid=0"},
        {"md5": "0" * 31, "sha1": "0" * 32},
        {"md5": "g" * 32, "sha1": "0" * 41},
        {"md5": 10**31, "sha1": ["0" * 40]},
        *({"fileSize": size} for size in (50_000 * 2**30 + 1, 2**53, 2**63 - 1, 2**63, 10**400)),
    ],
)
def test_all_faults_are_told_at_once(sign: Sign, wrong: dict[str, object]) -> None:
    """No value is converted, and only what is on the policy's list can be had, letter by letter (S10)."""
    answer = sign(wrong)

    assert (answer.status, sorted(answer.pointers)) == (422, [f"/{name}" for name in wrong])


def test_context_is_taken_whole_or_not_at_all(sign: Sign) -> None:
    """The longest context that fits is signed unchanged; anything longer is refused, never cut (S12)."""
    answers = {length: sign({"context": irregular(length)}) for length in range(90, 151)}
    fits = max(length for length, answer in answers.items() if answer.status == 200)

    token = decode(answers[fits].json["signature"]).values["sourceContext"]
    context = unseal(token, keys=(CONTEXT_KEY,), stage="test")

    assert 90 < fits < 150
    assert len(token) <= 250
    assert isinstance(context, UploadContext)
    assert context.app_context == irregular(fits)
    for length in range(fits + 1, 151):
        assert (answers[length].status, answers[length].pointers) == (422, ["/context"])


def test_context_that_would_fit_only_because_it_repeats_itself_is_bounded(sign: Sign) -> None:
    """However well it can be compressed, the store and each event would have it whole."""
    longest, longer = (sign({"context": "x" * length}) for length in (1000, 1001))

    assert (longest.status, longer.status, longer.pointers) == (200, 422, ["/context"])


@thoroughly
@given(context=TEXTS, policy=st.sampled_from(sorted(INTENDED)))
def test_context_smuggles_no_parameter_into_the_signature(sign: Sign, context: str, policy: str) -> None:
    """Decoded, a signature has exactly the intended names, once each, whatever the context says (S11)."""
    answer = sign({"context": context, "policy": policy})

    if answer.status == 200:
        decoded = decode(answer.json["signature"])
        assert is_signed_with(decoded, SECRET_KEY)
        assert sorted(name for name, _ in decoded.pairs) == sorted(ALWAYS | INTENDED[policy])
    else:
        assert (answer.status, answer.pointers) == (422, ["/context"])


@pytest.mark.parametrize(
    ("path", "status"),
    [
        *(
            (path, 200)
            for path in ("/signature", "/", "", "/signature/", "/release/signature", "//signature")
        ),
        *((path, 404) for path in ("/signature/x", "/Signature", "/%73ignature", "/\ud800")),
    ],
)
def test_path_may_have_what_the_platform_puts_around_it(call: Call, path: str, status: int) -> None:
    """A function URL has its function at the root, the gateway a stage before the path; else it is 404."""
    assert call(upload_signature.main_handler, "POST", path).status == status
