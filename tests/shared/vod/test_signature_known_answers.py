"""Signatures computed by other programs; ours must be the same, byte for byte."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess

import pytest

from shared.vod.signature import SignatureParameters, build_original, decode, sign, sign_original

KEY = "EXAMPLEKEY"
EXAMPLE = {
    "secret_id": "AKIDEXAMPLE0000000000",
    "current_time_stamp": 1793318400,
    "expire_time": 1793319000,
    "random": 3735928559,
}
CONTEXTS = [
    "user-42",
    "안녕하세요 세계",
    "🎬 clip 🇰🇷",
    "&=%+/?#",
    "%26%3D",
    "a b+c&d=é*~'()!/한",
    '{"u":"user-42","v":"p1"}',
    " leading and trailing ",
    "\u202eright to left",
    "e\u0301 is not é",
    "\u00a0\u0080\uffff",
    "\\\"'`$(id)",
]

NODE = """
const { createHmac } = require("node:crypto");
const [key, contexts] = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const percent = (c) => "%" + c.charCodeAt(0).toString(16).toUpperCase();
const signatures = contexts.map((context) => {
  const value = encodeURIComponent(context).replace(/[!'()*]/g, percent);
  const original = "secretId=AKIDEXAMPLE0000000000&currentTimeStamp=1793318400&expireTime=1793319000"
    + "&random=3735928559&sourceContext=" + value;
  const digest = createHmac("sha1", key).update(original, "utf8").digest();
  return Buffer.concat([digest, Buffer.from(original, "utf8")]).toString("base64");
});
process.stdout.write(JSON.stringify(signatures));
"""


def program(name: str) -> str:
    """Return the path of a program, or skip the test that needs it."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed, and this answer is computed by it")
    return path


def example(source_context: str) -> SignatureParameters:
    """Return the example's parameters with this context."""
    return SignatureParameters(**EXAMPLE, source_context=source_context)  # type: ignore[arg-type]  # a dict of mixed types


def test_vector_of_the_official_sample() -> None:
    """The inputs of the vendor's Python and Go samples give the known signature (doc 266/33923).

    Their ten years are over today's limit, so the text is signed as it is.
    printf %s "$original" | openssl dgst -sha1 -hmac IamSecretKey -binary, then the text, in Base64.
    """
    original = "secretId=IamSecretId&currentTimeStamp=1571215095&expireTime=1886575095&random=220625"

    signature = sign_original(original, secret_key="IamSecretKey")

    assert signature == (
        "aG6ZX3aZf+6tg/yRDZdRSNtM39lzZWNyZXRJZD1JYW1TZWNyZXRJZCZjdXJyZW50VGltZVN0YW1wPTE1NzEyMTUwOTUm"
        "ZXhwaXJlVGltZT0xODg2NTc1MDk1JnJhbmRvbT0yMjA2MjU="
    )
    assert decode(signature).digest.hex() == "686e995f76997feead83fc910d975148db4cdfd9"


def test_vector_with_all_parameters() -> None:
    """All thirteen parameters, in the order and encoding of the known signature."""
    everything = SignatureParameters(
        secret_id="AKIDEXAMPLE0000000000",
        current_time_stamp=1793318400,
        expire_time=1793319000,
        random=3735928559,
        class_id=0,
        procedure="LongVideoPreset",
        task_priority=0,
        task_notify_mode="Finish",
        source_context='{"u":"user-42","v":"p1"}',
        one_time_valid=True,
        vod_sub_app_id=1500012345,
        session_context="trace=ab c",
        storage_region="ap-seoul",
    )

    signature = sign(everything, secret_key=KEY)

    assert signature == (
        "zEVk+7JwCLeST9jQNw9vHDL5ltNzZWNyZXRJZD1BS0lERVhBTVBMRTAwMDAwMDAwMDAmY3VycmVudFRpbWVTdGFtcD0x"
        "NzkzMzE4NDAwJmV4cGlyZVRpbWU9MTc5MzMxOTAwMCZyYW5kb209MzczNTkyODU1OSZjbGFzc0lkPTAmcHJvY2VkdXJl"
        "PUxvbmdWaWRlb1ByZXNldCZ0YXNrUHJpb3JpdHk9MCZ0YXNrTm90aWZ5TW9kZT1GaW5pc2gmc291cmNlQ29udGV4dD0l"
        "N0IlMjJ1JTIyJTNBJTIydXNlci00MiUyMiUyQyUyMnYlMjIlM0ElMjJwMSUyMiU3RCZvbmVUaW1lVmFsaWQ9MSZ2b2RT"
        "dWJBcHBJZD0xNTAwMDEyMzQ1JnNlc3Npb25Db250ZXh0PXRyYWNlJTNEYWIlMjBjJnN0b3JhZ2VSZWdpb249YXAtc2Vv"
        "dWw="
    )
    assert decode(signature).digest.hex() == "cc4564fbb27008b7924fd8d0370f6f1c32f996d3"


def test_vector_with_korean_text() -> None:
    """Korean text is percent-encoded UTF-8, a space is %20 and a tilde stays."""
    signature = sign(example("한글 ~ok"), secret_key=KEY)

    assert signature == (
        "gvXC6KZfGEkiXLixxTCuH4RLdiBzZWNyZXRJZD1BS0lERVhBTVBMRTAwMDAwMDAwMDAmY3VycmVudFRpbWVTdGFtcD0x"
        "NzkzMzE4NDAwJmV4cGlyZVRpbWU9MTc5MzMxOTAwMCZyYW5kb209MzczNTkyODU1OSZzb3VyY2VDb250ZXh0PSVFRCU5"
        "NSU5QyVFQSVCOCU4MCUyMH5vaw=="
    )
    assert decode(signature).digest.hex() == "82f5c2e8a65f1849225cb8b1c530ae1f844b7620"


@pytest.mark.parametrize("source_context", CONTEXTS)
def test_digest_is_what_openssl_computes(source_context: str) -> None:
    """The digest of every text is the one of `openssl dgst -sha1 -hmac KEY -binary`."""
    original = build_original(example(source_context))

    answer = subprocess.run(  # noqa: S603  # a fixed program, and a table of this file
        [program("openssl"), "dgst", "-sha1", "-hmac", KEY, "-binary"],
        input=original.encode(),
        capture_output=True,
        check=True,
        timeout=30,
    )

    assert base64.b64encode(answer.stdout + original.encode()).decode() == sign_original(
        original, secret_key=KEY
    )


@pytest.mark.parametrize("secret_key", [KEY, "비밀", "k" * 200])
def test_whole_signature_is_what_node_computes(secret_key: str) -> None:
    """Node's own encoder, HMAC and Base64 arrive at the same signatures, with any key."""
    node = program("node")
    expected = subprocess.run(  # noqa: S603  # a fixed program, and a table of this file
        [node, "--input-type=commonjs", "-e", NODE],
        input=json.dumps([secret_key, CONTEXTS]),
        encoding="utf-8",
        capture_output=True,
        check=True,
        timeout=30,
    )

    ours = [sign(example(context), secret_key=secret_key) for context in CONTEXTS]

    assert json.loads(expected.stdout) == ours
