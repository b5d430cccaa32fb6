"""Where this repository lies on disk; every other path of `local/` is derived from it.

Reading and writing there is left to the callers.
"""

from __future__ import annotations

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
