# Made by `make client-types` from the events in docs/openapi.json; SHA-256 ef53f1aeb3e43a2e0952b084c72b4d6c47121ca37db8123349d222e924b248fa

from __future__ import annotations

from typing import Any, Literal, TypeAlias, TypedDict

from typing_extensions import NotRequired


class EventContent(TypedDict):
    uploadId: str | None
    """
    The upload's id, a ULID; null for what was made without us.
    """
    uploader: str | None
    """
    The user who was allowed to make the upload, as the token names him.
    """
    context: str | None
    """
    The app's own text, from the request for the signature.
    """
    sourceContext: str | None
    """
    What the upload was made with, if not with a signature of ours.
    """
    fileId: str | None
    """
    VOD's id of the file.
    """
    verdict: Literal['attributed', 'late', 'replayed', 'cover_changed', 'unattributed']
    """
    What the event is to us.
    """
    verified: bool
    """
    True if all of this event is VOD's own word: pulled, or asked for after a push. False: it is what somebody told who knows the callback's URL.
    """
    reconciled: bool
    """
    True if VOD's own event was missed, and this found by asking.
    """
    sequence: int
    """
    Counts the events of one upload from 1; 0 without one.
    """


class ExpiredContent(TypedDict):
    uploadId: str
    """
    The upload's id, a ULID.
    """
    uploader: str
    """
    The user who was allowed to make the upload, as the token names him.
    """
    context: str
    """
    The app's own text, from the request for the signature.
    """
    sourceContext: None
    """
    Only an event without an uploader has VOD's own context.
    """
    fileId: None
    """
    There is no file.
    """
    verdict: Literal['attributed']
    """
    What the event is to us.
    """
    verified: bool
    """
    True if all of this event is VOD's own word: pulled, or asked for after a push. False: it is what somebody told who knows the callback's URL.
    """
    reconciled: bool
    """
    True if VOD's own event was missed, and this found by asking.
    """
    sequence: int
    """
    Counts the events of one upload from 1; 0 without one.
    """


class FileDigest(TypedDict):
    algorithm: Literal['md5', 'sha1']
    """
    The member of the request for the signature.
    """
    declared: str
    """
    What the request declared, in lower-case hex.
    """
    actual: str
    """
    What VOD has computed, in lower-case hex.
    """


class IntegrityContent(TypedDict):
    uploadId: str
    """
    The upload's id, a ULID.
    """
    uploader: str
    """
    The user who was allowed to make the upload, as the token names him.
    """
    context: str
    """
    The app's own text, from the request for the signature.
    """
    sourceContext: None
    """
    Only an event without an uploader has VOD's own context.
    """
    fileId: str | None
    """
    VOD's id of the file.
    """
    verdict: Literal['attributed']
    """
    What the event is to us.
    """
    verified: bool
    """
    True if all of this event is VOD's own word: pulled, or asked for after a push. False: it is what somebody told who knows the callback's URL.
    """
    reconciled: bool
    """
    True if VOD's own event was missed, and this found by asking.
    """
    sequence: int
    """
    Counts the events of one upload from 1; 0 without one.
    """
    outcome: Literal['match', 'mismatch']
    """
    `match`: all digests are equal.
    """
    digests: list[FileDigest]
    """
    Each digest that was declared and that VOD computes.
    """


class LimitViolation(TypedDict):
    limit: Literal['maxFileSize', 'maxDuration', 'fileTypes']
    """
    Its name in the policy.
    """
    allowed: int | list[str]
    """
    What the policy says: bytes, seconds or extensions.
    """
    actual: float | str
    """
    What VOD says: bytes, seconds or the extension.
    """


class RejectedContent(TypedDict):
    uploadId: str
    """
    The upload's id, a ULID.
    """
    uploader: str
    """
    The user who was allowed to make the upload, as the token names him.
    """
    context: str
    """
    The app's own text, from the request for the signature.
    """
    sourceContext: None
    """
    Only an event without an uploader has VOD's own context.
    """
    fileId: str
    """
    VOD's id of the file.
    """
    verdict: Literal['attributed', 'late', 'replayed']
    """
    What the event is to us.
    """
    verified: bool
    """
    True if all of this event is VOD's own word: pulled, or asked for after a push. False: it is what somebody told who knows the callback's URL.
    """
    reconciled: bool
    """
    True if VOD's own event was missed, and this found by asking.
    """
    sequence: int
    """
    Counts the events of one upload from 1; 0 without one.
    """
    action: Literal['forbidden', 'deleted', 'none']
    """
    What was done: VOD answers 403 for all its addresses, after five to ten minutes; or it is no more. `none`: it should have been forbidden, and VOD cannot.
    """
    reason: str | None
    """
    Why nothing was done; null if something was. `storageClass`: VOD forbids files of standard and infrequent access storage alone.
    """
    breaches: list[LimitViolation]
    """
    The limits of the upload's policy that the file exceeds, as VOD measured it just before.
    """


class ReplayedContent(TypedDict):
    uploadId: str
    """
    The upload's id, a ULID.
    """
    uploader: str
    """
    The user who was allowed to make the upload, as the token names him.
    """
    context: str
    """
    The app's own text, from the request for the signature.
    """
    sourceContext: None
    """
    Only an event without an uploader has VOD's own context.
    """
    fileId: str | None
    """
    VOD's id of the file.
    """
    verdict: Literal['replayed']
    """
    What the event is to us.
    """
    verified: bool
    """
    True if all of this event is VOD's own word: pulled, or asked for after a push. False: it is what somebody told who knows the callback's URL.
    """
    reconciled: bool
    """
    True if VOD's own event was missed, and this found by asking.
    """
    sequence: int
    """
    Counts the events of one upload from 1; 0 without one.
    """
    fileName: str
    """
    The file's name in VOD.
    """
    mediaUrl: str | None
    """
    Where the file is.
    """
    coverUrl: str | None
    """
    Where its cover is.
    """
    mediaType: str
    """
    Its extension.
    """
    size: int | None
    """
    In bytes, as VOD measured it.
    """
    duration: float | None
    """
    In seconds, as VOD measured it.
    """
    storageRegion: str | None
    """
    Where VOD stores it.
    """
    classId: int | None
    """
    VOD's category.
    """
    procedureTaskId: str | None
    """
    The task flow that the upload started; null if VOD names none.
    """
    reviewTaskId: str | None
    """
    The review that the upload started.
    """
    sourceType: str
    """
    How it was uploaded, in VOD's words.
    """
    breaches: list[LimitViolation] | None
    """
    The limits of the upload's policy that the real file exceeds; empty: it is within all. Null: not known, because the upload's record is lost, it is none of ours, or VOD does not say what the file is.
    """


class Subtask(TypedDict):
    kind: str
    """
    Such as `Transcode` or `CoverBySnapshot`.
    """
    definition: int | None
    """
    The template it was made with.
    """
    status: str
    """
    `PROCESSING`, `SUCCESS` or `FAIL`.
    """
    progress: int | None
    """
    From 0 to 100.
    """
    error: str | None
    """
    VOD's code for what went wrong.
    """
    message: str
    """
    VOD's sentence about it.
    """
    retriable: bool | None
    """
    True if VOD failed, and the task may succeed with the same file; false if file or template are wrong. Null: it has not failed, or VOD does not say.
    """
    urls: list[str]
    """
    What it made; first what a player wants: the playlist, the file, the cover.
    """


class UploadExpired(TypedDict):
    specversion: str
    """
    The version of this schema; the header `webhook-specversion` has it too. The second number grows with each new type or member: take members that you do not know as not there.
    """
    id: str
    """
    The same for every delivery of one event: do its work once per id.
    """
    type: Literal['upload.expired']
    """
    What kind of thing happened.
    """
    timestamp: str
    """
    When we received it.
    """
    occurredAt: str | None
    """
    When it happened, by VOD's clock: a file was made, a task flow last changed. Null if VOD does not say.
    """
    data: ExpiredContent
    """
    What happened.
    """
    raw: dict[str, Any] | None
    """
    The event in VOD's words, without `Sign`, `T` and `EventHandle`. As it came, or, if it was pushed and is verified, as VOD answered when it was asked about it. Null with APP_WEBHOOK_RAW=off, and where the body would have more than 1,048,576 bytes.
    """
    truncated: NotRequired[Literal[True]]
    """
    There if the body would be too large even without `raw`. Its texts are then cut to 500 characters, its lists to 12 items.
    """


class UploadIntegrity(TypedDict):
    specversion: str
    """
    The version of this schema; the header `webhook-specversion` has it too. The second number grows with each new type or member: take members that you do not know as not there.
    """
    id: str
    """
    The same for every delivery of one event: do its work once per id.
    """
    type: Literal['upload.integrity']
    """
    What kind of thing happened.
    """
    timestamp: str
    """
    When we received it.
    """
    occurredAt: str | None
    """
    When it happened, by VOD's clock: a file was made, a task flow last changed. Null if VOD does not say.
    """
    data: IntegrityContent
    """
    What happened.
    """
    raw: dict[str, Any] | None
    """
    The event in VOD's words, without `Sign`, `T` and `EventHandle`. As it came, or, if it was pushed and is verified, as VOD answered when it was asked about it. Null with APP_WEBHOOK_RAW=off, and where the body would have more than 1,048,576 bytes.
    """
    truncated: NotRequired[Literal[True]]
    """
    There if the body would be too large even without `raw`. Its texts are then cut to 500 characters, its lists to 12 items.
    """


class UploadRejected(TypedDict):
    specversion: str
    """
    The version of this schema; the header `webhook-specversion` has it too. The second number grows with each new type or member: take members that you do not know as not there.
    """
    id: str
    """
    The same for every delivery of one event: do its work once per id.
    """
    type: Literal['upload.rejected']
    """
    What kind of thing happened.
    """
    timestamp: str
    """
    When we received it.
    """
    occurredAt: str | None
    """
    When it happened, by VOD's clock: a file was made, a task flow last changed. Null if VOD does not say.
    """
    data: RejectedContent
    """
    What happened.
    """
    raw: dict[str, Any] | None
    """
    The event in VOD's words, without `Sign`, `T` and `EventHandle`. As it came, or, if it was pushed and is verified, as VOD answered when it was asked about it. Null with APP_WEBHOOK_RAW=off, and where the body would have more than 1,048,576 bytes.
    """
    truncated: NotRequired[Literal[True]]
    """
    There if the body would be too large even without `raw`. Its texts are then cut to 500 characters, its lists to 12 items.
    """


class UploadReplayed(TypedDict):
    specversion: str
    """
    The version of this schema; the header `webhook-specversion` has it too. The second number grows with each new type or member: take members that you do not know as not there.
    """
    id: str
    """
    The same for every delivery of one event: do its work once per id.
    """
    type: Literal['upload.replayed']
    """
    What kind of thing happened.
    """
    timestamp: str
    """
    When we received it.
    """
    occurredAt: str | None
    """
    When it happened, by VOD's clock: a file was made, a task flow last changed. Null if VOD does not say.
    """
    data: ReplayedContent
    """
    What happened.
    """
    raw: dict[str, Any] | None
    """
    The event in VOD's words, without `Sign`, `T` and `EventHandle`. As it came, or, if it was pushed and is verified, as VOD answered when it was asked about it. Null with APP_WEBHOOK_RAW=off, and where the body would have more than 1,048,576 bytes.
    """
    truncated: NotRequired[Literal[True]]
    """
    There if the body would be too large even without `raw`. Its texts are then cut to 500 characters, its lists to 12 items.
    """


class CompletedContent(TypedDict):
    uploadId: str
    """
    The upload's id, a ULID.
    """
    uploader: str
    """
    The user who was allowed to make the upload, as the token names him.
    """
    context: str
    """
    The app's own text, from the request for the signature.
    """
    sourceContext: None
    """
    Only an event without an uploader has VOD's own context.
    """
    fileId: str | None
    """
    VOD's id of the file.
    """
    verdict: Literal['attributed', 'late']
    """
    What the event is to us.
    """
    verified: bool
    """
    True if all of this event is VOD's own word: pulled, or asked for after a push. False: it is what somebody told who knows the callback's URL.
    """
    reconciled: bool
    """
    True if VOD's own event was missed, and this found by asking.
    """
    sequence: int
    """
    Counts the events of one upload from 1; 0 without one.
    """
    fileName: str
    """
    The file's name in VOD.
    """
    mediaUrl: str | None
    """
    Where the file is.
    """
    coverUrl: str | None
    """
    Where its cover is.
    """
    mediaType: str
    """
    Its extension.
    """
    size: int | None
    """
    In bytes, as VOD measured it.
    """
    duration: float | None
    """
    In seconds, as VOD measured it.
    """
    storageRegion: str | None
    """
    Where VOD stores it.
    """
    classId: int | None
    """
    VOD's category.
    """
    procedureTaskId: str | None
    """
    The task flow that the upload started; null if VOD names none.
    """
    reviewTaskId: str | None
    """
    The review that the upload started.
    """
    sourceType: str
    """
    How it was uploaded, in VOD's words.
    """
    breaches: list[LimitViolation] | None
    """
    The limits of the upload's policy that the real file exceeds; empty: it is within all. Null: not known, because the upload's record is lost, it is none of ours, or VOD does not say what the file is.
    """


class CoverChangedContent(TypedDict):
    uploadId: str
    """
    The upload's id, a ULID.
    """
    uploader: str
    """
    The user who was allowed to make the upload, as the token names him.
    """
    context: str
    """
    The app's own text, from the request for the signature.
    """
    sourceContext: None
    """
    Only an event without an uploader has VOD's own context.
    """
    fileId: str | None
    """
    VOD's id of the file.
    """
    verdict: Literal['cover_changed']
    """
    What the event is to us.
    """
    verified: bool
    """
    True if all of this event is VOD's own word: pulled, or asked for after a push. False: it is what somebody told who knows the callback's URL.
    """
    reconciled: bool
    """
    True if VOD's own event was missed, and this found by asking.
    """
    sequence: int
    """
    Counts the events of one upload from 1; 0 without one.
    """
    fileName: str
    """
    The file's name in VOD.
    """
    mediaUrl: str | None
    """
    Where the file is.
    """
    coverUrl: str | None
    """
    Where its cover is.
    """
    mediaType: str
    """
    Its extension.
    """
    size: int | None
    """
    In bytes, as VOD measured it.
    """
    duration: float | None
    """
    In seconds, as VOD measured it.
    """
    storageRegion: str | None
    """
    Where VOD stores it.
    """
    classId: int | None
    """
    VOD's category.
    """
    procedureTaskId: str | None
    """
    The task flow that the upload started; null if VOD names none.
    """
    reviewTaskId: str | None
    """
    The review that the upload started.
    """
    sourceType: str
    """
    How it was uploaded, in VOD's words.
    """
    breaches: list[LimitViolation] | None
    """
    The limits of the upload's policy that the real file exceeds; empty: it is within all. Null: not known, because the upload's record is lost, it is none of ours, or VOD does not say what the file is.
    """


class ForeignFile(TypedDict):
    uploadId: str | None
    """
    The upload's id, a ULID; null for what was made without us.
    """
    uploader: str | None
    """
    The user who was allowed to make the upload, as the token names him.
    """
    context: str | None
    """
    The app's own text, from the request for the signature.
    """
    sourceContext: str | None
    """
    What the upload was made with, if not with a signature of ours.
    """
    fileId: str | None
    """
    VOD's id of the file.
    """
    verdict: Literal['attributed', 'late', 'replayed', 'cover_changed', 'unattributed']
    """
    What the event is to us.
    """
    verified: bool
    """
    True if all of this event is VOD's own word: pulled, or asked for after a push. False: it is what somebody told who knows the callback's URL.
    """
    reconciled: bool
    """
    True if VOD's own event was missed, and this found by asking.
    """
    sequence: int
    """
    Counts the events of one upload from 1; 0 without one.
    """
    fileName: str
    """
    The file's name in VOD.
    """
    mediaUrl: str | None
    """
    Where the file is.
    """
    coverUrl: str | None
    """
    Where its cover is.
    """
    mediaType: str
    """
    Its extension.
    """
    size: int | None
    """
    In bytes, as VOD measured it.
    """
    duration: float | None
    """
    In seconds, as VOD measured it.
    """
    storageRegion: str | None
    """
    Where VOD stores it.
    """
    classId: int | None
    """
    VOD's category.
    """
    procedureTaskId: str | None
    """
    The task flow that the upload started; null if VOD names none.
    """
    reviewTaskId: str | None
    """
    The review that the upload started.
    """
    sourceType: str
    """
    How it was uploaded, in VOD's words.
    """
    breaches: list[LimitViolation] | None
    """
    The limits of the upload's policy that the real file exceeds; empty: it is within all. Null: not known, because the upload's record is lost, it is none of ours, or VOD does not say what the file is.
    """


class ProcedureWithMessage(TypedDict):
    status: str
    """
    `PROCESSING`, `FINISH`, or `ABORTED` if somebody ended it.
    """
    succeeded: bool
    """
    True if the task flow is finished and none of its subtasks failed.
    """
    subtasks: list[Subtask]
    """
    Each subtask with its own outcome.
    """
    message: str
    """
    VOD's sentence about the whole.
    """


class UploadCompleted(TypedDict):
    specversion: str
    """
    The version of this schema; the header `webhook-specversion` has it too. The second number grows with each new type or member: take members that you do not know as not there.
    """
    id: str
    """
    The same for every delivery of one event: do its work once per id.
    """
    type: Literal['upload.completed']
    """
    What kind of thing happened.
    """
    timestamp: str
    """
    When we received it.
    """
    occurredAt: str | None
    """
    When it happened, by VOD's clock: a file was made, a task flow last changed. Null if VOD does not say.
    """
    data: CompletedContent
    """
    What happened.
    """
    raw: dict[str, Any] | None
    """
    The event in VOD's words, without `Sign`, `T` and `EventHandle`. As it came, or, if it was pushed and is verified, as VOD answered when it was asked about it. Null with APP_WEBHOOK_RAW=off, and where the body would have more than 1,048,576 bytes.
    """
    truncated: NotRequired[Literal[True]]
    """
    There if the body would be too large even without `raw`. Its texts are then cut to 500 characters, its lists to 12 items.
    """


class UploadCoverChanged(TypedDict):
    specversion: str
    """
    The version of this schema; the header `webhook-specversion` has it too. The second number grows with each new type or member: take members that you do not know as not there.
    """
    id: str
    """
    The same for every delivery of one event: do its work once per id.
    """
    type: Literal['upload.cover_changed']
    """
    What kind of thing happened.
    """
    timestamp: str
    """
    When we received it.
    """
    occurredAt: str | None
    """
    When it happened, by VOD's clock: a file was made, a task flow last changed. Null if VOD does not say.
    """
    data: CoverChangedContent
    """
    What happened.
    """
    raw: dict[str, Any] | None
    """
    The event in VOD's words, without `Sign`, `T` and `EventHandle`. As it came, or, if it was pushed and is verified, as VOD answered when it was asked about it. Null with APP_WEBHOOK_RAW=off, and where the body would have more than 1,048,576 bytes.
    """
    truncated: NotRequired[Literal[True]]
    """
    There if the body would be too large even without `raw`. Its texts are then cut to 500 characters, its lists to 12 items.
    """


class ForeignProcedure(TypedDict):
    uploadId: str | None
    """
    The upload's id, a ULID; null for what was made without us.
    """
    uploader: str | None
    """
    The user who was allowed to make the upload, as the token names him.
    """
    context: str | None
    """
    The app's own text, from the request for the signature.
    """
    sourceContext: str | None
    """
    What the upload was made with, if not with a signature of ours.
    """
    fileId: str | None
    """
    VOD's id of the file.
    """
    verdict: Literal['attributed', 'late', 'replayed', 'cover_changed', 'unattributed']
    """
    What the event is to us.
    """
    verified: bool
    """
    True if all of this event is VOD's own word: pulled, or asked for after a push. False: it is what somebody told who knows the callback's URL.
    """
    reconciled: bool
    """
    True if VOD's own event was missed, and this found by asking.
    """
    sequence: int
    """
    Counts the events of one upload from 1; 0 without one.
    """
    mediaUrl: str | None
    """
    Where the file is.
    """
    procedureTaskId: str | None
    """
    The task flow that the upload started; null if VOD names none.
    """
    procedure: ProcedureWithMessage
    """
    The state of the task flow.
    """


class ProcedureContent(TypedDict):
    uploadId: str
    """
    The upload's id, a ULID.
    """
    uploader: str
    """
    The user who was allowed to make the upload, as the token names him.
    """
    context: str
    """
    The app's own text, from the request for the signature.
    """
    sourceContext: None
    """
    Only an event without an uploader has VOD's own context.
    """
    fileId: str | None
    """
    VOD's id of the file.
    """
    verdict: Literal['attributed', 'late', 'replayed']
    """
    What the event is to us.
    """
    verified: bool
    """
    True if all of this event is VOD's own word: pulled, or asked for after a push. False: it is what somebody told who knows the callback's URL.
    """
    reconciled: bool
    """
    True if VOD's own event was missed, and this found by asking.
    """
    sequence: int
    """
    Counts the events of one upload from 1; 0 without one.
    """
    mediaUrl: str | None
    """
    Where the file is.
    """
    procedureTaskId: str | None
    """
    The task flow that the upload started; null if VOD names none.
    """
    procedure: ProcedureWithMessage
    """
    The state of the task flow.
    """


class ProcedureFinished(TypedDict):
    specversion: str
    """
    The version of this schema; the header `webhook-specversion` has it too. The second number grows with each new type or member: take members that you do not know as not there.
    """
    id: str
    """
    The same for every delivery of one event: do its work once per id.
    """
    type: Literal['procedure.finished']
    """
    What kind of thing happened.
    """
    timestamp: str
    """
    When we received it.
    """
    occurredAt: str | None
    """
    When it happened, by VOD's clock: a file was made, a task flow last changed. Null if VOD does not say.
    """
    data: ProcedureContent
    """
    What happened.
    """
    raw: dict[str, Any] | None
    """
    The event in VOD's words, without `Sign`, `T` and `EventHandle`. As it came, or, if it was pushed and is verified, as VOD answered when it was asked about it. Null with APP_WEBHOOK_RAW=off, and where the body would have more than 1,048,576 bytes.
    """
    truncated: NotRequired[Literal[True]]
    """
    There if the body would be too large even without `raw`. Its texts are then cut to 500 characters, its lists to 12 items.
    """


class VodEvent(TypedDict):
    specversion: str
    """
    The version of this schema; the header `webhook-specversion` has it too. The second number grows with each new type or member: take members that you do not know as not there.
    """
    id: str
    """
    The same for every delivery of one event: do its work once per id.
    """
    type: Literal['vod.AigcHunyuan3DTaskComplete', 'vod.AigcImageTaskComplete', 'vod.AigcVideoTaskComplete', 'vod.ClipComplete', 'vod.ComplexAdaptiveDynamicStreamingComplete', 'vod.ComposeMediaComplete', 'vod.ConcatComplete', 'vod.CreateAigcAdvancedCustomElementCompleteEvent', 'vod.CreateAigcCustomVoiceCompleteEvent', 'vod.CreateImageSpriteComplete', 'vod.CreateSnapshotByTimeOffsetComplete', 'vod.DescribeAigcFaceInfoAsyncComplete', 'vod.DescribeFileAttributesComplete', 'vod.EditMediaComplete', 'vod.ExtractBlindWatermarkComplete', 'vod.ExtractCopyRightWatermarkComplete', 'vod.ExtractTraceWatermarkComplete', 'vod.FileDeleted', 'vod.MediaCastStatusChanged', 'vod.NewFileUpload', 'vod.PersistenceComplete', 'vod.ProcedureStateChanged', 'vod.ProcessImageAsyncCompleteEvent', 'vod.ProcessMediaByMPSComplete', 'vod.PullComplete', 'vod.QualityEnhanceComplete', 'vod.QualityInspectComplete', 'vod.RebuildMediaComplete', 'vod.RemoveWatermark', 'vod.RestoreMediaComplete', 'vod.ReviewAudioVideoComplete', 'vod.SceneAigcImageCompleteEvent', 'vod.SplitMediaComplete', 'vod.TranscodeComplete', 'vod.Unknown', 'vod.WechatMiniProgramPublishComplete', 'vod.WechatPublishComplete']
    """
    What kind of thing happened.
    """
    timestamp: str
    """
    When we received it.
    """
    occurredAt: str | None
    """
    When it happened, by VOD's clock: a file was made, a task flow last changed. Null if VOD does not say.
    """
    data: ForeignFile | ForeignProcedure | EventContent
    """
    What happened.
    """
    raw: dict[str, Any] | None
    """
    The event in VOD's words, without `Sign`, `T` and `EventHandle`. As it came, or, if it was pushed and is verified, as VOD answered when it was asked about it. Null with APP_WEBHOOK_RAW=off, and where the body would have more than 1,048,576 bytes.
    """
    truncated: NotRequired[Literal[True]]
    """
    There if the body would be too large even without `raw`. Its texts are then cut to 500 characters, its lists to 12 items.
    """


class ProcedureChanged(TypedDict):
    specversion: str
    """
    The version of this schema; the header `webhook-specversion` has it too. The second number grows with each new type or member: take members that you do not know as not there.
    """
    id: str
    """
    The same for every delivery of one event: do its work once per id.
    """
    type: Literal['procedure.changed']
    """
    What kind of thing happened.
    """
    timestamp: str
    """
    When we received it.
    """
    occurredAt: str | None
    """
    When it happened, by VOD's clock: a file was made, a task flow last changed. Null if VOD does not say.
    """
    data: ProcedureContent
    """
    What happened.
    """
    raw: dict[str, Any] | None
    """
    The event in VOD's words, without `Sign`, `T` and `EventHandle`. As it came, or, if it was pushed and is verified, as VOD answered when it was asked about it. Null with APP_WEBHOOK_RAW=off, and where the body would have more than 1,048,576 bytes.
    """
    truncated: NotRequired[Literal[True]]
    """
    There if the body would be too large even without `raw`. Its texts are then cut to 500 characters, its lists to 12 items.
    """


AppEvent: TypeAlias = UploadCompleted | UploadReplayed | UploadCoverChanged | UploadExpired | UploadIntegrity | UploadRejected | ProcedureChanged | ProcedureFinished | VodEvent
"""
An event. A type that is not listed here can come: take it as one that you do not handle. By `UnlistedVodEvent` it can be read nevertheless.
"""
