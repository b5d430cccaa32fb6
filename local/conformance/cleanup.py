"""Remove what a run left in the application: its media and its event configuration."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.conformance.http_calls import NoAnswerError

if TYPE_CHECKING:
    from local.conformance.subject import Subject

_SECONDS = 300.0
_GONE = ("200 ok", "200 ResourceNotFound")
_SEARCHES = 3
_NOT_TRIED = "not tried: interrupted"


@dataclass(frozen=True)
class Removal:
    """What was removed at the end of a run: the number of media, and a sentence for all that is left."""

    deleted: int
    leftovers: tuple[str, ...]


def clean_up(subject: Subject) -> Removal:
    """Restore the event configuration and delete the run's media; what cannot be is reported.

    An interrupt ends it: everything that is not done yet is left over.
    """
    subject.http.begin(_SECONDS)
    left = dict.fromkeys(subject.ledger.files, _NOT_TRIED)
    configuration, deleted = _NOT_TRIED if subject.events.are_set else "", 0
    with contextlib.suppress(KeyboardInterrupt):
        configuration = _restored(subject)
        if subject.ledger.unclear:
            left |= dict.fromkeys(_unclear(subject), _NOT_TRIED)
        for file_id in list(left):
            left[file_id] = _deleted(subject, file_id)
            deleted += not left[file_id]
    sentences = [f"the event configuration as the run set it ({configuration})"] if configuration else []
    if subject.ledger.unclear > len(left) - len(subject.ledger.files):
        sentences.append(f"perhaps media that the index shows late: search for {subject.run}")
    sentences += [f"the media {file_id} ({reason})" for file_id, reason in left.items() if reason]
    return Removal(deleted, tuple(sentences))


def _restored(subject: Subject) -> str:
    try:
        return subject.events.restore()
    except NoAnswerError as error:
        return str(error)


def _deleted(subject: Subject, file_id: str) -> str:
    try:
        word = subject.api("DeleteMedia", FileId=file_id).word
    except NoAnswerError as error:
        return str(error)
    return "" if word.startswith(_GONE) else word


def _unclear(subject: Subject) -> set[str]:
    """Return the run's media that nobody told; the index may be late, so it is asked a few times."""
    known, found = set(subject.ledger.files), set[str]()
    for attempt in range(_SEARCHES):
        time.sleep(subject.pace.silence if attempt else 0)
        with contextlib.suppress(NoAnswerError):
            reply = subject.api("SearchMedia", Names=[subject.run], Limit=100).members
            found |= {str(media["FileId"]) for media in reply.get("MediaInfoSet") or ()} - known
        if len(found) >= subject.ledger.unclear:
            break
    return found
