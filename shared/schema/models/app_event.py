"""The events that the app receives, one model for each type; `shared.domain.app_event` makes them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import Field
from pydantic_core import MISSING

from shared.domain.event_status import Verdict
from shared.schema.models.documents import Document
from shared.schema.models.uploads import LimitViolation, Procedure, UploadId

VodEventType = Literal[
    "vod.AigcHunyuan3DTaskComplete",
    "vod.AigcImageTaskComplete",
    "vod.AigcVideoTaskComplete",
    "vod.ClipComplete",
    "vod.ComplexAdaptiveDynamicStreamingComplete",
    "vod.ComposeMediaComplete",
    "vod.ConcatComplete",
    "vod.CreateAigcAdvancedCustomElementCompleteEvent",
    "vod.CreateAigcCustomVoiceCompleteEvent",
    "vod.CreateImageSpriteComplete",
    "vod.CreateSnapshotByTimeOffsetComplete",
    "vod.DescribeAigcFaceInfoAsyncComplete",
    "vod.DescribeFileAttributesComplete",
    "vod.EditMediaComplete",
    "vod.ExtractBlindWatermarkComplete",
    "vod.ExtractCopyRightWatermarkComplete",
    "vod.ExtractTraceWatermarkComplete",
    "vod.FileDeleted",
    "vod.MediaCastStatusChanged",
    "vod.NewFileUpload",
    "vod.PersistenceComplete",
    "vod.ProcedureStateChanged",
    "vod.ProcessImageAsyncCompleteEvent",
    "vod.ProcessMediaByMPSComplete",
    "vod.PullComplete",
    "vod.QualityEnhanceComplete",
    "vod.QualityInspectComplete",
    "vod.RebuildMediaComplete",
    "vod.RemoveWatermark",
    "vod.RestoreMediaComplete",
    "vod.ReviewAudioVideoComplete",
    "vod.SceneAigcImageCompleteEvent",
    "vod.SplitMediaComplete",
    "vod.TranscodeComplete",
    "vod.Unknown",
    "vod.WechatMiniProgramPublishComplete",
    "vod.WechatPublishComplete",
]
"""What VOD documents (doc 266/33434); `Unknown` is an object that is no event of any known form."""
_MEANING = Field(description="What the event is to us.")
InTime = Literal[Verdict.ATTRIBUTED, Verdict.LATE]
AtAnyTime = Literal[Verdict.ATTRIBUTED, Verdict.LATE, Verdict.REPLAYED]
OfAnything = Literal[
    Verdict.ATTRIBUTED, Verdict.LATE, Verdict.REPLAYED, Verdict.COVER_CHANGED, Verdict.UNATTRIBUTED
]


class EventContent(Document):
    """What happened, to an upload of ours or without us."""

    upload_id: UploadId | None
    """The upload's id, a ULID; null for what was made without us."""
    uploader: str | None
    """The user who was allowed to make the upload, as the token names him."""
    context: str | None
    """The app's own text, from the request for the signature."""
    source_context: str | None
    """What the upload was made with, if not with a signature of ours."""
    file_id: str | None
    """VOD's id of the file."""
    verdict: Annotated[OfAnything, _MEANING]
    verified: bool
    """True if all of this event is VOD's own word: pulled, or asked for after a push.

    False: it is what somebody told who knows the callback's URL.
    """
    reconciled: bool
    """True if VOD's own event was missed, and this found by asking."""
    sequence: Annotated[int, Field(ge=0)]
    """Counts the events of one upload from 1; 0 without one."""


class UploadContent(EventContent):
    """What happened to an upload of ours."""

    upload_id: UploadId
    """The upload's id, a ULID."""
    uploader: str
    """The user who was allowed to make the upload, as the token names him."""
    context: str
    """The app's own text, from the request for the signature."""
    source_context: None
    """Only an event without an uploader has VOD's own context."""


class FileMembers(Document):
    """What VOD says of a file."""

    file_name: str
    """The file's name in VOD."""
    media_url: str | None
    """Where the file is."""
    cover_url: str | None
    """Where its cover is."""
    media_type: str
    """Its extension."""
    size: int | None
    """In bytes, as VOD measured it."""
    duration: float | None
    """In seconds, as VOD measured it."""
    storage_region: str | None
    """Where VOD stores it."""
    class_id: int | None
    """VOD's category."""
    procedure_task_id: str | None
    """The task flow that the upload started; null if VOD names none."""
    review_task_id: str | None
    """The review that the upload started."""
    source_type: str
    """How it was uploaded, in VOD's words."""
    breaches: tuple[LimitViolation, ...] | None
    """The limits of the upload's policy that the real file exceeds; empty: it is within all.

    Null: not known, because the upload's record is lost, it is none of ours, or VOD does not say what the
    file is.
    """


class ProcedureWithMessage(Procedure):
    """The state of a task flow."""

    message: str
    """VOD's sentence about the whole."""


class ProcedureMembers(Document):
    """What VOD says of a task flow."""

    media_url: str | None
    """Where the file is."""
    procedure_task_id: str | None
    """The task flow that the upload started; null if VOD names none."""
    procedure: ProcedureWithMessage
    """The state of the task flow."""


class CompletedContent(FileMembers, UploadContent):
    """The file of an upload."""

    verdict: Annotated[InTime, _MEANING]


class ReplayedContent(FileMembers, UploadContent):
    """A further file of an upload."""

    verdict: Annotated[Literal[Verdict.REPLAYED], _MEANING]


class CoverChangedContent(FileMembers, UploadContent):
    """A file that is known, with its other cover."""

    verdict: Annotated[Literal[Verdict.COVER_CHANGED], _MEANING]


class ExpiredContent(UploadContent):
    """An upload without a file."""

    file_id: None
    """There is no file."""
    verdict: Annotated[Literal[Verdict.ATTRIBUTED], _MEANING]


class FileDigest(Document):
    """A digest of a file's bytes, as it was declared and as VOD has computed it."""

    algorithm: Literal["md5", "sha1"]
    """The member of the request for the signature."""
    declared: str
    """What the request declared, in lower-case hex."""
    actual: str
    """What VOD has computed, in lower-case hex."""


class IntegrityContent(UploadContent):
    """The comparison of the bytes in VOD with those that were declared."""

    outcome: Literal["match", "mismatch"]
    """`match`: all digests are equal."""
    digests: Annotated[tuple[FileDigest, ...], Field(min_length=1)]
    """Each digest that was declared and that VOD computes."""
    verdict: Annotated[Literal[Verdict.ATTRIBUTED], _MEANING]


class RejectedContent(UploadContent):
    """A file beyond its policy, and what was done with it."""

    file_id: str
    """VOD's id of the file."""
    action: Literal["forbidden", "deleted", "none"]
    """What was done: VOD answers 403 for all its addresses, after five to ten minutes; or it is no more.

    `none`: it should have been forbidden, and VOD cannot.
    """
    reason: str | None
    """Why nothing was done; null if something was.

    `storageClass`: VOD forbids files of standard and infrequent access storage alone.
    """
    breaches: Annotated[tuple[LimitViolation, ...], Field(min_length=1)]
    """The limits of the upload's policy that the file exceeds, as VOD measured it just before."""
    verdict: Annotated[AtAnyTime, _MEANING]


class ProcedureContent(ProcedureMembers, UploadContent):
    """The task flow of an upload."""

    verdict: Annotated[AtAnyTime, _MEANING]


class ForeignFile(FileMembers, EventContent):
    """A file that was made without us."""


class ForeignProcedure(ProcedureMembers, EventContent):
    """A task flow of such a file."""


_Type = TypeVar("_Type")
_Content = TypeVar("_Content")


class AppEvent(Document, Generic[_Type, _Content]):
    """One event."""

    specversion: Annotated[str, Field(pattern=r"^1\.[0-9]+$")]
    """The version of this schema; the header `webhook-specversion` has it too.

    The second number grows with each new type or member: take members that you do not know as not there.
    """
    id: Annotated[str, Field(pattern=r"^evt_[0-9a-f]{32}$")]
    """The same for every delivery of one event: do its work once per id."""
    type: _Type
    """What kind of thing happened."""
    timestamp: datetime
    """When we received it."""
    occurred_at: datetime | None
    """When it happened, by VOD's clock: a file was made, a task flow last changed.

    Null if VOD does not say.
    """
    data: _Content
    """What happened."""
    raw: dict[str, Any] | None
    """The event in VOD's words, without `Sign`, `T` and `EventHandle`.

    As it came, or, if it was pushed and is verified, as VOD answered when it was asked about it. Null with
    APP_WEBHOOK_RAW=off, and where the body would have more than 1,048,576 bytes.
    """
    truncated: Literal[True] | MISSING = MISSING
    """There if the body would be too large even without `raw`.

    Its texts are then cut to 500 characters, its lists to 12 items.
    """


# Its types add no attribute, and to look for docstrings of theirs takes as long as all other models together.
AppEvent.model_config["use_attribute_docstrings"] = False


class UploadCompleted(AppEvent[Literal["upload.completed"], CompletedContent]):
    """VOD has the file."""


class UploadReplayed(AppEvent[Literal["upload.replayed"], ReplayedContent]):
    """Another file came under an upload that has one, by a further signature of it."""


class UploadCoverChanged(AppEvent[Literal["upload.cover_changed"], CoverChangedContent]):
    """VOD tells of another cover of a file that the app knows, whoever changed it."""


class UploadExpired(AppEvent[Literal["upload.expired"], ExpiredContent]):
    """Nothing was uploaded until the upload's end."""


class UploadIntegrity(AppEvent[Literal["upload.integrity"], IntegrityContent]):
    """VOD has computed digests of the file, of which the request for the signature declared some."""


class UploadRejected(AppEvent[Literal["upload.rejected"], RejectedContent]):
    """A file is beyond its policy, and was forbidden or deleted as that says (`onViolation`)."""


class ProcedureChanged(AppEvent[Literal["procedure.changed"], ProcedureContent]):
    """A task flow has moved, and is not at its end."""


class ProcedureFinished(AppEvent[Literal["procedure.finished"], ProcedureContent]):
    """A task flow is at its end."""


Foreign = ForeignFile | ForeignProcedure | EventContent


class VodEvent(AppEvent[VodEventType, Foreign]):
    """Everything else VOD says, as `vod.` and VOD's own event type.

    What was made without us, and tasks of other kinds. `raw` has it whole.
    """


class UnlistedVodEvent(AppEvent[Annotated[str, Field(pattern=r"^vod\.")], Foreign]):
    """An event of a type that is newer than this document: VOD has new ones every year."""


EVENTS: dict[str, type[Document]] = {
    "upload.completed": UploadCompleted,
    "upload.replayed": UploadReplayed,
    "upload.cover_changed": UploadCoverChanged,
    "upload.expired": UploadExpired,
    "upload.integrity": UploadIntegrity,
    "upload.rejected": UploadRejected,
    "procedure.changed": ProcedureChanged,
    "procedure.finished": ProcedureFinished,
    "vod.*": VodEvent,
}
"""By type; `vod.*` stands for all types that begin so. No event is ever `quarantined`."""
