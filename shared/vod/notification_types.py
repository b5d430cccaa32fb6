"""The typed values of an event notification, named as in VOD's v3 format."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple

from shared.vod.lenient_json import texts_in

if TYPE_CHECKING:
    from collections.abc import Mapping

NEW_FILE_UPLOAD = "NewFileUpload"
PROCEDURE_STATE_CHANGED = "ProcedureStateChanged"
FILE_ATTRIBUTES = "DescribeFileAttributesComplete"
FORGOTTEN = "FORGOTTEN"
"""Our own word: VOD knows a task flow no more, and its end was never heard of."""
ENDED_STATUSES = frozenset({"FINISH", "ABORTED", FORGOTTEN})
"""Of a task flow that sends no further state."""


class CallbackSignature(NamedTuple):
    """The proof sent when a SignKey is set: an MD5 in hex, and the Unix second until which it is valid."""

    sign: str
    expires_at: int

    def __repr__(self) -> str:
        """Show no proof."""
        return f"CallbackSignature(expires_at={self.expires_at})"


class FileUpload(NamedTuple):
    """One finished upload (doc 266/33950); text that was not sent is `""`, a number None.

    `procedure_task_id` names the task flow that the upload started, if any; the procedure event repeats it as
    its task id. `source_type` is kept as sent: `Upload` in v3, `ClientUpload` or `ServerUpload` in the legacy
    format. `size` is in bytes, `duration` in seconds, `created_at` an ISO 8601 instant.
    """

    file_id: str = ""
    name: str = ""
    media_url: str = ""
    cover_url: str = ""
    media_type: str = ""
    source_type: str = ""
    source_context: str = ""
    procedure_task_id: str = ""
    review_task_id: str = ""
    storage_region: str = ""
    class_id: int | None = None
    size: int | None = None
    duration: float | None = None
    created_at: str = ""


SubtaskGroup = Literal["media", "review", "analysis", "recognition"]


class Subtask(NamedTuple):
    """One subtask of a task flow (doc 266/33953), such as one `Transcode`.

    `status` is PROCESSING, SUCCESS or FAIL; `progress` runs from 0 to 100. `output_urls` begins with the one
    a player wants: the playlist or file, the cover, the WebVTT of a sprite; then come the single images.
    """

    group: SubtaskGroup
    kind: str
    definition: int | None = None
    status: str = ""
    err_code_ext: str = ""
    err_code: int | None = None
    message: str = ""
    progress: int | None = None
    output_urls: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """True if VOD reports this subtask as failed."""
        return self.status == "FAIL"


_ADDRESSES = re.compile(r"(?i).*url(s|set|list)?|cover(set)?|(subtitle|highlight|picinfo)set|imginfo")


def output_urls(output: Mapping[str, object]) -> tuple[str, ...]:
    """Return the addresses in a subtask's output, those in lists and their objects last; in both formats."""
    named = filter(_ADDRESSES.fullmatch, output)
    values = map(output.get, sorted(named, key=lambda name: (isinstance(output[name], list), len(name))))
    items = [item for value in values for item in (value if isinstance(value, list) else [value])]
    urls = (output_urls(item) if isinstance(item, dict) else texts_in([item]) for item in items)
    return tuple(url for of_one in urls for url in of_one)


class ProcedureState(NamedTuple):
    """The state of a task flow (doc 266/33953): PROCESSING, FINISH, ABORTED (266/39438) or FORGOTTEN.

    `changed_at` is the latest instant at which a subtask began or ended, in ISO 8601.
    """

    task_id: str = ""
    status: str = ""
    file_id: str = ""
    file_name: str = ""
    media_url: str = ""
    session_context: str = ""
    err_code: int | None = None
    message: str = ""
    changed_at: str = ""
    subtasks: tuple[Subtask, ...] = ()

    @property
    def finished(self) -> bool:
        """True if no further state of this task flow will come."""
        return self.status in ENDED_STATUSES

    @property
    def succeeded(self) -> bool:
        """True if the flow ran to its end and none of its subtasks failed."""
        has_failed = any(subtask.failed for subtask in self.subtasks) if self.subtasks else self.err_code
        return self.status == "FINISH" and not has_failed


class EventNotification(NamedTuple):
    """One event, however it was sent.

    `event_type` is VOD's own word, perhaps one unknown here. `file_id`, `task_id` and `status` are those the
    event is about, `""` where it has none. `event_handle` confirms a pulled event; a pushed one has None.
    `digests` are those that DescribeFileAttributes has computed of the file's bytes: `md5`, `sha1`, in
    lower-case hex.

    `raw` is the whole object as it was read, without `Sign`, `T` and `EventHandle`, so that push, retry and
    pull of one event are equal. It is a plain dict, which `json` can write; treat it as read-only.
    """

    event_type: str
    wire_format: Literal["v3", "legacy", "unknown"]
    raw: Mapping[str, object]
    event_handle: str | None = None
    file_id: str = ""
    task_id: str = ""
    status: str = ""
    file_upload: FileUpload | None = None
    procedure_state: ProcedureState | None = None
    source_context: str = ""
    session_context: str = ""
    signature: CallbackSignature | None = None
    digests: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        """Show whose event it is, and nothing that was sent with it."""
        return f"EventNotification({self.event_type!r}, {self.file_id!r}, {self.task_id!r})"

    @property
    def context_token(self) -> str:
        """The `sourceContext` of the upload signature, else its `sessionContext`."""
        return self.source_context or self.session_context
