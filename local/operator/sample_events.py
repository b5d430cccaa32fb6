"""The recorded event notifications of VOD that `python -m local trigger` sends: the v3 wire samples.

They are the files that the tests read.
"""

from __future__ import annotations

import json
import re
import secrets
from typing import TYPE_CHECKING, Any

from local.repository import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Mapping

SAMPLES = REPOSITORY / "tests/samples/vod/v3"
SAMPLE_FILE_ID = "5576678020044556677"
"""The FileId in most samples."""

# VOD's FileIds have 19 digits, and a TaskId ends in 32 hexadecimal digits and a suffix.
_ID = re.compile(r"(?<![0-9])[0-9]{19}(?![0-9])|(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")


class SampleError(Exception):
    """There is no such sample, or none at all; the message is a sentence."""


def sample_names() -> list[str]:
    """Return the event types that there are samples of.

    Raises:
        SampleError: the samples are not there.

    """
    names = sorted(file.stem for file in SAMPLES.glob("*.json"))
    if not names:
        raise SampleError(
            f"There are no samples in {SAMPLES}: they come with the repository, not with a package."
        )
    return names


def fresh_sample(name: str, ids: Mapping[str, str]) -> dict[str, Any]:
    """Return a sample with new ids, so that it is a new event; `ids` sets some of them.

    Raises:
        SampleError: there is no such sample.

    """
    if name not in sample_names():
        raise SampleError(f"There is no sample of {name!r}: --list shows all names.")
    new_ids = dict(ids)

    def renewed(match: re.Match[str]) -> str:
        old = match.group()
        return new_ids.setdefault(old, _new_file_id() if old.isdecimal() else secrets.token_hex(16))

    text = (SAMPLES / f"{name}.json").read_text("utf-8")
    sample: dict[str, Any] = json.loads(_ID.sub(renewed, text))
    return sample


def _new_file_id() -> str:
    return "5" + str(secrets.randbelow(10**18)).zfill(18)
