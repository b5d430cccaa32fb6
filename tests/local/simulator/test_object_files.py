from __future__ import annotations

import pytest

from local.simulator.object_files import crc64_function


@pytest.mark.parametrize("library", ["liblzma.so.5", "there is none"])
def test_checksum_is_continued(library: str) -> None:
    """The check value of CRC-64/XZ, over bytes that come in two batches, whichever library there is."""
    crc64 = crc64_function(library)

    assert crc64(b"56789", crc64(b"1234", 0)) == 0x995DC9BBDF1939FA
    assert crc64(b"\0" * 8, 0) != crc64(b"\0" * 9, 0)
