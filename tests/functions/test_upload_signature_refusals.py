"""POST /signature: requests that are refused, and how the refusal names the fault."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from functions import upload_signature
from shared.errors import InvalidRequestError
from shared.vod.context_token import UploadContext, unseal
from shared.vod.signature import decode
from tests.functions.deployment import CONTEXT_KEY

if TYPE_CHECKING:
    from tests.functions.conftest import Call, Sign


def irregular(length: int) -> str:
    """Return a text that compresses badly."""
    digests = (hashlib.sha256(bytes([number])).digest() for number in range(8))
    return base64.b64encode(b"".join(digests)).decode()[:length]


@pytest.mark.parametrize(
    "body",
    [
        "{",
        "null",
        "[]",
        '"text"',
        "7",
        "{} {}",
        "\ufeff{}",
        "{'context': None}",
        '{"context": NaN}',
        '{"fileSize": -Infinity}',
        '{"context": "a", "context": "b"}',
        '{"a":' * 70 + "1" + "}" * 70,
        "[" * 16_000,
        '{"fileSize": ' + "9" * 5000 + "}",
    ],
)
def test_unreadable_body_is_400(sign: Sign, body: str) -> None:
    """A body that is not one JSON object is refused, including Python's extensions of JSON."""
    answer = sign(body)

    assert answer.status == 400
    assert answer.json["type"].endswith(":" + InvalidRequestError.code)


def test_oversized_body_is_413(sign: Sign) -> None:
    """16 KB hold every honest request; the limit is exact and counts bytes."""
    around = len(json.dumps({"x": ""}))

    assert sign({"x": "a" * (16_384 - around)}).status == 422
    assert sign({"x": "a" * (16_385 - around)}).status == 413
    assert sign('{"x": "' + "é" * 8_192 + '"}').status == 413


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("classId", "7011"),
        ("classId", 1.0),
        ("classId", True),
        ("classId", -1),
        ("classId", 2**63),
        ("context", 7),
        ("context", {"lesson": 3}),
        ("policy", []),
        ("policy", False),
        ("procedure", 1),
        ("storageRegion", ["ap-seoul"]),
        ("fileName", 7),
        ("fileSize", "9"),
        ("fileSize", 9.5),
        ("fileType", {}),
    ],
)
def test_value_of_a_wrong_type_is_refused_by_name(sign: Sign, member: str, value: object) -> None:
    """No value is converted to another type."""
    answer = sign({member: value})

    assert answer.status == 422
    assert answer.pointers == [f"/{member}"]


@pytest.mark.parametrize(
    "member",
    [
        "secretId",
        "currentTimeStamp",
        "expireTime",
        "random",
        "sourceContext",
        "sessionContext",
        "oneTimeValid",
        "vodSubAppId",
        "taskPriority",
        "taskNotifyMode",
        "ttlSeconds",
        "upload_id",
        "UploadId",
        "",
    ],
)
def test_member_that_is_not_the_clients_to_say_is_refused_by_name(sign: Sign, member: str) -> None:
    """What the policy and the server decide cannot be sent, in whatever spelling."""
    answer = sign({member: 1})

    assert answer.status == 422
    assert answer.pointers == [f"/{member}"]


@pytest.mark.parametrize(
    ("member", "pointer"),
    [("a/b~c", "/a~1b~0c"), ("a\n\x00", "/a\ufffd\ufffd"), ("x" * 9000, "/" + "x" * 64)],
)
def test_pointer_is_well_formed_whatever_the_member_is_called(sign: Sign, member: str, pointer: str) -> None:
    """The name is escaped as RFC 6901 says, made printable, and not echoed at length."""
    assert sign({member: 1}).pointers == [pointer]


def test_member_named_with_a_lone_surrogate_is_refused(sign: Sign) -> None:
    """JSON can spell a name that no encoding can carry; it is refused like any unknown one."""
    assert sign('{"\\ud800": 1}').status == 422


def test_all_faults_are_told_at_once(sign: Sign) -> None:
    """All invalid members are reported in one answer."""
    wrong = {"classId": "x", "policy": 1, "what": 1}
    off_the_policy = {"storageRegion": "ap-chongqing", "classId": 5, "procedure": "Other", "context": "\x00"}

    assert sorted(sign(wrong).pointers) == ["/classId", "/policy", "/what"]
    assert sorted(sign(off_the_policy).pointers) == ["/classId", "/context", "/procedure", "/storageRegion"]


@pytest.mark.parametrize("policy", ["nosuch", "", "Default", "default ", "__proto__", "\ud800"])
def test_unknown_policy_is_403(sign: Sign, policy: str) -> None:
    """The list of policies is not told, only that this one is not to be had."""
    answer = sign({"policy": policy})

    assert (answer.status, answer.pointers) == (403, ["/policy"])
    assert "course" not in answer.body


@pytest.mark.parametrize(
    "wish",
    [
        {"storageRegion": "ap-chongqing"},
        {"storageRegion": "AP-SEOUL"},
        {"storageRegion": "ap-seoul\n"},
        {"storageRegion": ""},
        {"classId": 1},
        {"procedure": "LongVideoPreset"},
        {"procedure": ""},
        {"policy": "course", "procedure": "longvideopreset"},
        {"policy": "course", "procedure": "LongVideoPreset&oneTimeValid=0"},
        {"policy": "course", "storageRegion": "ap-seoul"},
    ],
)
def test_value_off_the_policy_is_refused_by_name(sign: Sign, wish: dict[str, object]) -> None:
    """Only what is on the policy's list, letter by letter; an empty list leaves nothing to choose (S10)."""
    answer = sign(wish)

    assert answer.status == 422
    assert answer.pointers == [f"/{name}" for name in wish if name != "policy"]


@pytest.mark.parametrize(
    ("wish", "pointers"),
    [
        ({}, ["/fileSize", "/fileType"]),
        ({"fileSize": 1001, "fileType": "mp4"}, ["/fileSize"]),
        ({"fileSize": 0, "fileType": "mp4"}, ["/fileSize"]),
        ({"fileSize": -5, "fileType": "mp4"}, ["/fileSize"]),
        ({"fileSize": 2**70, "fileType": "mp4"}, ["/fileSize"]),
        ({"fileSize": 5, "fileType": "exe"}, ["/fileType"]),
        ({"fileSize": 5, "fileType": ""}, ["/fileType"]),
        ({"fileSize": 5, "fileName": "a.mp4.exe"}, ["/fileName"]),
        ({"fileSize": 5, "fileName": "mp4.", "fileType": "mp4"}, ["/fileName"]),
        ({"fileSize": 5, "fileName": "noextension"}, ["/fileName"]),
        ({"fileSize": 5, "fileName": "a.mp4", "fileType": "exe"}, ["/fileType"]),
        ({"fileSize": 5, "fileName": "../a.mp4"}, ["/fileName"]),
        ({"fileSize": 5, "fileName": "a\x00.mp4"}, ["/fileName"]),
        ({"fileSize": 5, "fileName": "\ud800.mp4"}, ["/fileName"]),
        ({"fileSize": 5, "fileName": "a" * 252 + ".mp4"}, ["/fileName"]),
        ({"fileSize": 5, "fileName": "바" * 84 + ".mp4"}, ["/fileName"]),
        ({"fileSize": 5, "fileName": ".mp4"}, ["/fileName"]),
        ({"fileSize": 5, "fileName": ".hidden.mp4"}, ["/fileName"]),
        ({"fileSize": 5, "fileName": "a.PHP.mp4"}, ["/fileName"]),
        ({"fileSize": 5, "fileName": "a.exe.final.mp4"}, ["/fileName"]),
    ],
)
def test_file_outside_the_policys_limits_is_refused_by_name(
    sign: Sign, wish: dict[str, object], pointers: list[str]
) -> None:
    """A policy with limits wants to be told size and type, and holds them against its lists.

    A name has no dot in front, 255 bytes at most, and no program's extension before its own (S15).
    """
    answer = sign({"policy": "strict", **wish})

    assert (answer.status, answer.pointers) == (422, pointers)


@pytest.mark.parametrize(
    "wish",
    [
        {"fileSize": 1000, "fileType": "mp4"},
        {"fileSize": 1, "fileType": "MOV"},
        {"fileSize": 5, "fileName": "바다 산책.final.MP4"},
        {"fileSize": 5, "fileName": "a" * 251 + ".mp4", "fileType": "mp4"},
        {"fileSize": 5, "fileName": "바" * 83 + "a.mp4"},
        {"fileSize": 5, "fileName": "php.2026.11.25.mp4"},
    ],
)
def test_file_within_the_policys_limits_passes(sign: Sign, wish: dict[str, object]) -> None:
    """The limits themselves are allowed, and the case of an extension says nothing."""
    assert sign({"policy": "strict", **wish}).status == 200


def test_context_is_taken_whole_or_not_at_all(sign: Sign) -> None:
    """The longest context that fits is signed unchanged; anything longer is refused, never cut (S12)."""
    answers = {length: sign({"context": irregular(length)}) for length in range(1, 251)}
    fits = max(length for length, answer in answers.items() if answer.status == 200)

    token = decode(answers[fits].json["signature"]).values["sourceContext"]
    context = unseal(token, keys=(CONTEXT_KEY,), stage="test")

    assert 90 < fits < 150
    assert len(token) <= 250
    assert isinstance(context, UploadContext)
    assert context.app_context == irregular(fits)
    for length in range(fits + 1, 251):
        assert (answers[length].status, answers[length].pointers) == (422, ["/context"])


@pytest.mark.parametrize("context", ["a\nb", "\x00", "\x7f", "\ud800"])
def test_context_with_unprintable_characters_is_refused(sign: Sign, context: str) -> None:
    """Characters that would not come back unchanged are refused."""
    answer = sign({"context": context})

    assert (answer.status, answer.pointers) == (422, ["/context"])


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "json", "", "application/jsonp"]
)
def test_body_that_is_not_declared_as_json_is_415(sign: Sign, content_type: str) -> None:
    """A form that another site makes a browser send is refused without being parsed."""
    assert sign({"context": "a"}, content_type=content_type).status == 415


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/vnd.x+json"]
)
def test_every_spelling_of_json_is_read(sign: Sign, content_type: str) -> None:
    """Parameters and case of a media type say nothing here (RFC 9110, section 8.3.1)."""
    assert sign({"context": "a"}, content_type=content_type).status == 200


@pytest.mark.parametrize("encoding", ["gzip", "br", "gzip, identity"])
def test_compressed_body_is_415(sign: Sign, encoding: str) -> None:
    """Nothing is unpacked, so no small body can become a large one."""
    assert sign({"context": "a"}, content_encoding=encoding).status == 415


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD", "TRACE", "post ", "", "💥"])
def test_other_methods_are_405_with_allow(call: Call, method: str) -> None:
    """The answer says which methods there are (S20)."""
    answer = call(upload_signature.main_handler, method, "/signature")

    assert (answer.status, answer.headers["allow"]) == (405, "POST, OPTIONS")


@pytest.mark.parametrize("path", ["/", "", "/signature", "/signature/", "/release/signature", "//signature"])
def test_path_may_have_what_the_platform_puts_around_it(call: Call, path: str) -> None:
    """A function URL has its function at the root; the gateway may put a stage before the path."""
    assert call(upload_signature.main_handler, "POST", path).status == 200


@pytest.mark.parametrize(
    "path", ["/signatures", "/signature/x", "/Signature", "/uploads/1", "/%73ignature", "/\ud800"]
)
def test_other_paths_are_404(call: Call, path: str) -> None:
    """Only /signature exists."""
    assert call(upload_signature.main_handler, "POST", path).status == 404
