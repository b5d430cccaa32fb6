"""Write JSON with the encoder of `json`, made once.

pydantic_core is quicker still, and imports 20 modules for types that nobody writes here.
"""

from __future__ import annotations

from json.encoder import c_make_encoder, encode_basestring_ascii  # type: ignore[attr-defined]  # CPython has it

_ENCODER = c_make_encoder(None, str, encode_basestring_ascii, None, ":", ",", False, False, True)  # noqa: FBT003 -- it takes no keywords; neither sorts nor skips keys, and allows NaN
"""What a JSONEncoder without a check for circles makes anew for each call of `encode`."""


def ascii_json(value: object) -> str:
    """Encode a value as JSON without spaces and in ASCII; what JSON has no form for is written by `str`."""
    return "".join(_ENCODER(value, 0))
