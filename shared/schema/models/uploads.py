"""The API of uploads: the body of POST /signature, and the bodies of all answers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictInt, StrictStr, StringConstraints
from pydantic_core import MISSING

from shared.domain.file_limits import MAX_SIZE
from shared.domain.session import UploadState
from shared.schema.models.documents import ClosedDocument, Document

UPLOAD_ID = "^[0-7][0-9A-HJKMNP-TV-Z]{25}$"
UploadId = Annotated[str, Field(pattern=UPLOAD_ID)]


class SignatureRequest(ClosedDocument):
    """What to sign for.

    Every member may be left out or null, and then means: not chosen. No other member is accepted.
    """

    upload_id: Annotated[StrictStr, Field(pattern=r"^[0-9A-HJKMNP-TV-Z]{26}$")] | None = None
    """Sign once more for this upload, instead of beginning another.

    The other members may then be repeated, and not changed.
    """
    cover: StrictBool | None = None
    """True, with `uploadId`: sign for another cover of the upload's file, where the deployment allows it."""
    policy: StrictStr | None = None
    """Which of the deployment's policies to upload under; `default` without it."""
    context: Annotated[StrictStr, Field(max_length=1000)] | None = None
    """The app's own text, handed back in every event of this upload.

    Sealed together with the user's id, and compressed if it is long, it has to fit into the 250 characters
    that VOD carries.
    """
    procedure: StrictStr | None = None
    """The task flow that VOD starts when the file is there, if the policy offers it."""
    storage_region: StrictStr | None = None
    """The region VOD stores the file in, if the policy offers it."""
    class_id: StrictInt | None = None
    """VOD's category for the file, if the policy offers it."""
    file_name: StrictStr | None = None
    """255 UTF-16 code units at most; checked against the policy's file types by its last extension."""
    file_size: Annotated[StrictInt, Field(le=MAX_SIZE)] | None = None
    """In bytes; required where the policy limits the size."""
    file_type: StrictStr | None = None
    """An extension such as `mp4`, in either case.

    Required where the policy limits the type and no `fileName` is sent.
    """
    md5: Annotated[StrictStr, StringConstraints(pattern=r"^[0-9A-Fa-f]{32}$", to_lower=True)] | None = None
    """The MD5 of the file's bytes in hex: VOD's is compared with it, which `upload.integrity` reports."""
    sha1: Annotated[StrictStr, StringConstraints(pattern=r"^[0-9A-Fa-f]{40}$", to_lower=True)] | None = None
    """The SHA-1 likewise; both may be given."""


class Signature(Document):
    """An upload signature."""

    signature: Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]+={0,2}$")]
    """What the SDK's `getSignature` returns."""
    upload_id: UploadId
    """Send it with every further request for this upload."""
    expires_at: int
    """Unix second after which VOD refuses this signature."""
    one_time: bool
    """True if VOD accepts this signature once only."""
    file_id: str | MISSING = MISSING
    """The file whose cover may be changed, if the request was for a `cover`."""


class Subtask(Document):
    """One subtask of a task flow; the words are VOD's."""

    kind: str
    """Such as `Transcode` or `CoverBySnapshot`."""
    definition: int | None
    """The template it was made with."""
    status: str
    """`PROCESSING`, `SUCCESS` or `FAIL`."""
    progress: int | None
    """From 0 to 100."""
    error: str | None
    """VOD's code for what went wrong."""
    message: str
    """VOD's sentence about it."""
    retriable: bool | None
    """True if VOD failed, and the task may succeed with the same file; false if file or template are wrong.

    Null: it has not failed, or VOD does not say.
    """
    urls: tuple[str, ...]
    """What it made; first what a player wants: the playlist, the file, the cover."""


class Procedure(Document):
    """The state of a task flow."""

    status: str
    """`PROCESSING`, `FINISH`, or `ABORTED` if somebody ended it."""
    succeeded: bool
    """True if the task flow is finished and none of its subtasks failed."""
    subtasks: tuple[Subtask, ...]
    """Each subtask with its own outcome."""


class LimitViolation(Document):
    """One limit that a file exceeds."""

    limit: Literal["maxFileSize", "maxDuration", "fileTypes"]
    """Its name in the policy."""
    allowed: int | tuple[str, ...]
    """What the policy says: bytes, seconds or extensions."""
    actual: float | str
    """What VOD says: bytes, seconds or the extension."""


class Upload(Document):
    """One upload, as its owner sees it."""

    upload_id: UploadId
    """The upload's id, a ULID."""
    state: UploadState
    """The state of the upload."""
    final: bool
    """True if nothing more is to come: a client that waits can stop asking."""
    policy: str
    """The policy it was begun under; empty if the store has lost its record."""
    context: str
    """The app's own text."""
    file_id: str | None
    """VOD's id of the file."""
    media_url: str | None
    """Where the file is."""
    cover_url: str | None
    """Where its cover is."""
    procedure_task_id: str | None
    """The task flow that the upload started."""
    procedure: Procedure | None
    """What is known of the task flow; null before its first event."""
    breaches: tuple[LimitViolation, ...] | None
    """The limits of the policy that the file exceeds; empty: none.

    Null: there is no file yet, or it is not known.
    """
    issued_at: datetime
    """When its first signature was issued."""
    expires_at: datetime
    """When no further signature is issued for it."""
    uploaded_at: datetime | None
    """When we heard that VOD has the file."""
    cancelled_at: datetime | None
    """When its owner cancelled it."""
    updated_at: datetime
    """When any of this last changed."""


class UserLimit(Document):
    """What is left of one of a user's limits."""

    name: Literal["user", "day", "bytes", "open"]
    """Uploads begun in a minute, uploads and bytes of a UTC day, or uploads under way."""
    quota: int
    """How many there are in all."""
    window_seconds: int | None
    """In what time; null: at any one time."""
    remaining: int
    """How many are left."""
    reset_seconds: int
    """When all are back; of `open`, when the first of the uploads under way ends by itself."""


class Uploads(Document):
    """A page of a user's uploads, the newest first."""

    uploads: tuple[Upload, ...]
    """Those in the state that was asked for, if one was: fewer than were read, or none."""
    next: UploadId | None
    """What to send as `after` for the next page; null: this is the last one."""
    limits: tuple[UserLimit, ...]
    """The user's limits, of those that are set."""


class Backlog(Document):
    """The events that wait here, or were given up and are still kept."""

    due: int
    """Events that wait for their next attempt."""
    overdue_seconds: int
    """For how long the first of them has been due already."""
    dead: int
    """Events whose attempts are used up."""
    quarantined: int
    """Events that claim to be of an upload and are not."""
    parked: int
    """Callbacks that cannot be read."""


class Health(Document):
    """How a deployment does; with the operator's token all members are there."""

    status: Literal["alive", "ok", "degraded"]
    """`alive`: nothing was asked. `degraded`: the clocks differ by more than a minute."""
    clock_ahead_seconds: float | MISSING = MISSING
    """By how much the function's clock is ahead of the store's."""
    backlog: Backlog | MISSING = MISSING
    """Events over all partitions of the store."""


class FieldError(Document):
    """One member that is not acceptable."""

    pointer: str
    """Where it is in the body, as a JSON pointer (RFC 6901)."""
    detail: str
    """What is wrong with it."""


class Problem(Document):
    """What went wrong, in the form of RFC 9457."""

    type: Annotated[str, Field(json_schema_extra={"format": "uri"})]
    """A stable name of the problem, to be compared with."""
    title: str
    """A stable sentence about it."""
    status: Annotated[int, Field(ge=400, le=599)]
    """The answer's status."""
    detail: str
    """What to do about it, for people."""
    request_id: str
    """The id under which the function's log knows this request."""
    errors: tuple[FieldError, ...] | MISSING = MISSING
    """Every member that is not acceptable, if it is about members."""
