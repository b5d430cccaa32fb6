"""The aws-chunked encoding: whole, in any pieces, and broken."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.simulator.aws_chunked import AwsChunkedDecoder
from local.simulator.storage_errors import StorageError

WIRE = b"5\r\nhello\r\n6;chunk-signature=ab\r\n world\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n"


@pytest.mark.parametrize("step", [1, 2, 3, 7, 1000])
def test_body_decodes_whatever_its_pieces(step: int) -> None:
    """Chunks and network packets need not agree; the trailer is kept."""
    decoder = AwsChunkedDecoder()
    decoded = b"".join(decoder.feed(WIRE[start : start + step]) for start in range(0, len(WIRE), step))
    decoder.finish()

    assert decoded == b"hello world"
    assert decoder.trailers == {"x-amz-checksum-crc32": "DUoRhQ=="}


def test_last_line_end_may_be_missing() -> None:
    """Some clients end right after the trailer."""
    decoder = AwsChunkedDecoder()
    decoder.feed(WIRE.rstrip())
    decoder.finish()

    assert decoder.trailers == {"x-amz-checksum-crc32": "DUoRhQ=="}


@pytest.mark.parametrize(
    "wire",
    [b"", b"5\r\nhel", b"x\r\n", b"-1\r\n", b"5\r\nhelloXX\r\n", b"\r\n", b"f" * 9000, b"1" * 17 + b"\r\n"],
)
def test_broken_body_is_refused(wire: bytes) -> None:
    """Anything but chunks up to the last one is an incomplete body, without endless buffering."""
    decoder = AwsChunkedDecoder()

    with pytest.raises(StorageError) as refused:  # noqa: PT012  # either may notice
        decoder.feed(wire)
        decoder.finish()

    assert refused.value.code == "IncompleteBody"


@given(st.binary(max_size=200))
def test_any_bytes_decode_or_are_refused(wire: bytes) -> None:
    """Nothing but a StorageError ever comes out."""
    decoder = AwsChunkedDecoder()
    with contextlib.suppress(StorageError):
        assert len(decoder.feed(wire)) <= len(wire)
        decoder.finish()
