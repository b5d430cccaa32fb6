"""The media that a run makes, noted so that they are deleted at the end."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Ledger:
    """The media of one run; `unclear` counts calls that may have made a media whose FileId is unknown."""

    files: list[str] = field(default_factory=list)
    unclear: int = 0

    def note(self, file_id: str, *, word: str = "200") -> None:
        """Note a media, so that it is deleted at the end; after a 5xx one may be there without its id."""
        self.unclear += word.startswith("5")
        if file_id and file_id not in self.files:
            self.files.append(file_id)

    @contextlib.contextmanager
    def making(self) -> Iterator[None]:
        """Surround a call that may make a media: if it breaks off, the media is searched for at the end."""
        self.unclear += 1
        yield
        self.unclear -= 1
