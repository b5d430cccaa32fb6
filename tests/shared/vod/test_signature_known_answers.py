"""Signatures computed by other programs; ours must be the same, byte for byte."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from shared.vod.signature import SignatureParameters, decode, sign

SAMPLES = Path(__file__).parents[2] / "samples" / "signatures"
EXAMPLE = {
    "secret_id": "AKIDEXAMPLE0000000000",
    "current_time_stamp": 1793318400,
    "expire_time": 1793319000,
    "random": 3735928559,
}
CONTEXTS = [
    *("user-42", "안녕하세요 세계", "🎬 clip 🇰🇷", "&=%+/?#", "%26%3D", "a b+c&d=é*~'()!/한"),
    *('{"u":"user-42","v":"p1"}', " leading and trailing ", "\u202eright to left", "e\u0301 is not é"),
    *("\u00a0\u0080\uffff", "\\\"'`$(id)"),
]


def test_vector_with_all_parameters() -> None:
    """All thirteen parameters, in the order and encoding of the known signature."""
    known = json.loads((SAMPLES / "all_parameters.json").read_text("utf-8"))

    signature = sign(SignatureParameters(**known["parameters"]), secret_key=known["secret_key"])

    assert signature == known["signature"]
    assert decode(signature).digest.hex() == known["digest"]


@pytest.mark.parametrize("secret_key", ["EXAMPLEKEY", "비밀", "k" * 200])
def test_whole_signature_is_what_node_computes(secret_key: str) -> None:
    """Node's own encoder, HMAC and Base64 arrive at the same signatures, with any key."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed, and these answers are computed by it")
    expected = subprocess.run(  # noqa: S603  # a fixed program, and a table of this file
        [node, str(SAMPLES / "contexts.mjs")],
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
