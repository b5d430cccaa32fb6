"""The rules about declared digests: each declaration is compared once with what VOD computed of the file."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from random import Random

    from tests.simulation.users import Upload
    from tests.simulation.world import World

DIGITS = {"md5": 32, "sha1": 40}
MATCHES, HALF_MATCHES = 0.6, 0.1
"""How many files have the digests that were declared, and how many have one of two."""


def draw_digests(random: Random) -> dict[str, str]:
    """Draw the digests of some bytes, in hex."""
    return {name: f"{random.getrandbits(4 * digits):0{digits}x}" for name, digits in DIGITS.items()}


def digests_under(declared: dict[str, str], random: Random) -> dict[str, str]:
    """Draw the digests of a file whose upload declared these."""
    drawn, sample = draw_digests(random), random.random()
    if sample < MATCHES:
        return {**drawn, **declared}
    return {**drawn, **dict(list(declared.items())[: sample < MATCHES + HALF_MATCHES])}


class IntegrityRules:
    """The rules, which hear of what the app is told."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._require = world.invariants.require
        self._ids_of_upload: dict[str, set[str]] = defaultdict(set)

    def on_event(self, event: dict[str, Any]) -> None:
        """Hear of each copy of an `upload.integrity` that the app takes."""
        content = event["data"]
        upload = self._world.users.uploads.get(content["uploadId"])
        file = self._world.vod.files.get(str(content["fileId"]))
        if not upload or not file or file.token != upload.token:
            self._require("integrity-is-true", holds=False, what=f"{content['fileId']} is not of the upload")
            return
        expected = [
            {"algorithm": name, "declared": upload.declared[name], "actual": file.digests[name]}
            for name in self._comparable(upload)
        ]
        matches = all(it["declared"] == it["actual"] for it in expected)
        told = sorted(content["digests"], key=lambda it: str(it["algorithm"]))
        is_true = expected and told == expected and content["outcome"] == ("match" if matches else "mismatch")
        self._require("integrity-is-true", is_true, f"{upload.upload_id} is told {content['outcome']}")
        self._require("integrity-is-true", content["verified"], f"{upload.upload_id} is told unverified")
        ids = self._ids_of_upload[upload.upload_id]
        ids.add(event["id"])
        self._require("told-once", len(ids) == 1, f"the digests of {upload.upload_id} have several ids")

    def check_end(self) -> None:
        """Check that each declaration was compared of which VOD has the file and such a digest."""
        files = self._world.vod.files.values()
        present = {file.token for file in files} - {file.token for file in files if file.deleted_at}
        for upload in self._world.users.uploads.values():
            if upload.token in present and self._comparable(upload):
                is_told = upload.upload_id in self._ids_of_upload
                self._require("integrity-is-told", is_told, f"the app never heard of {upload.upload_id}")

    def _comparable(self, upload: Upload) -> list[str]:
        return [name for name in self._world.vod.attributes.computes if name in upload.declared]
