"""Shrink compiled libraries to what the loader reads: debugger data is a fifth of the largest one.

The format is 64-bit little-endian ELF, as on Linux x86_64; other content is returned as it is.
"""

from __future__ import annotations

import struct

_ELF_64_LITTLE_ENDIAN = b"\x7fELF\x02\x01"
_SEGMENTS_AT = struct.Struct("<Q")
_SEGMENT_COUNT = struct.Struct("<HH")
_FILE_RANGE = struct.Struct("<Q16xQ")
_SECTIONS_AT = struct.Struct("<Q")
_SECTION_COUNT = struct.Struct("<HHH")


def without_symbol_tables(content: bytes) -> bytes:
    """Cut off what follows the last segment: the loader maps segments and reads no section (elf(5))."""
    if not content.startswith(_ELF_64_LITTLE_ENDIAN):
        return content
    (table,) = _SEGMENTS_AT.unpack_from(content, 32)
    size, count = _SEGMENT_COUNT.unpack_from(content, 54)
    ends = [sum(_FILE_RANGE.unpack_from(content, table + number * size + 8)) for number in range(count)]
    loaded = bytearray(content[: max(ends)])
    # The list of sections is gone with them: its place, the size of an entry, their number, their names.
    _SECTIONS_AT.pack_into(loaded, 40, 0)
    _SECTION_COUNT.pack_into(loaded, 58, 0, 0, 0)
    return bytes(loaded)
