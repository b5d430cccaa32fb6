"""Signatures computed by other programs; ours must be the same, byte for byte."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from shared.vod.signature import SignatureParameters, decode, sign

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


def test_vector_with_all_parameters() -> None:
    """All thirteen parameters, in the order and encoding of the known signature."""
    everything = SignatureParameters(
        **EXAMPLE,  # type: ignore[arg-type]  # a dict of mixed types
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


@pytest.mark.parametrize("secret_key", [KEY, "비밀", "k" * 200])
def test_whole_signature_is_what_node_computes(secret_key: str) -> None:
    """Node's own encoder, HMAC and Base64 arrive at the same signatures, with any key."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed, and these answers are computed by it")
    expected = subprocess.run(  # noqa: S603  # a fixed program, and a table of this file
        [node, "--input-type=commonjs", "-e", NODE],
        input=json.dumps([secret_key, CONTEXTS]),
        encoding="utf-8",
        capture_output=True,
        check=True,
        timeout=30,
    )

    assert json.loads(expected.stdout) == [
        sign(SignatureParameters(**EXAMPLE, source_context=context), secret_key=secret_key)  # type: ignore[arg-type]  # a dict of mixed types
        for context in CONTEXTS
    ]
