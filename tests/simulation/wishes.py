"""What uploads begin with: the deployment's policies, and what users choose of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.simulation.features import DIGESTS, LIMITS
from tests.simulation.integrity import draw_digests

if TYPE_CHECKING:
    from collections.abc import Collection
    from random import Random

    from tests.simulation.scheduler import Scheduler

LARGEST_FILE = 1 << 36
MOST_BYTES = LARGEST_FILE // 2
"""The limit of policies that have one: about half of all files under them exceed it."""
POLICIES: dict[str, dict[str, Any]] = {
    "default": {},
    "flow": {"procedures": ["LongVideoPreset"]},
    "steps": {"procedures": ["LongVideoPreset"], "taskNotifyMode": "Change"},
    "quiet": {"procedures": ["LongVideoPreset"], "taskNotifyMode": "None"},
    "reusable": {"oneTime": False, "ttlSeconds": 1200},
}
LIMITED: dict[str, dict[str, Any]] = {
    "forbidding": {
        "procedures": ["LongVideoPreset"],
        "oneTime": False,
        "maxFileSize": MOST_BYTES,
        "onViolation": "forbid",
    },
    "deleting": {"oneTime": False, "maxFileSize": MOST_BYTES, "onViolation": "delete"},
}
LIMITED_SHARE = DECLARED_SHARE = 0.3


class Wishes:
    """Draws what uploads begin with."""

    def __init__(self, scheduler: Scheduler, random: Random, features: Collection[str]) -> None:
        self._random = random
        self._limits = scheduler.random_of("limits") if LIMITS in features else None
        self._digests = scheduler.random_of("digests") if DIGESTS in features else None

    def draw(self) -> dict[str, Any]:
        """Draw what an upload begins with."""
        random, limits = self._random, self._limits
        policy = random.choice(list(POLICIES))
        wish: dict[str, Any] = {"policy": policy, "fileSize": random.randrange(1, LARGEST_FILE)}
        if limits and limits.random() < LIMITED_SHARE:
            policy = limits.choice(list(LIMITED))
            wish = {"policy": policy, "fileSize": limits.randrange(1, MOST_BYTES + 1)}
        if {**POLICIES, **LIMITED}[policy].get("procedures"):
            wish["procedure"] = "LongVideoPreset"
        if random.random() < 0.5:
            wish["context"] = f"lesson {random.randrange(100)}"
        if self._digests and self._digests.random() < DECLARED_SHARE:
            drawn = draw_digests(self._digests)
            names = self._digests.choice((("md5",), ("sha1",), ("md5", "sha1")))
            wish |= {name: drawn[name] for name in names}
        return wish
