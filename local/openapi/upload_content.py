"""JSON Schema of the answers of POST /signature and GET /uploads/{uploadId}.

The tables name every member that `functions/` and `shared.domain.upload_representation` write; tests compare
them with real answers.
"""

from __future__ import annotations

from local.openapi.shapes import Schema, array, boolean, instant, integer, one_of, or_null, record, text
from shared.domain.session import UploadState

UPLOAD_ID = text("The upload's id, a ULID.", pattern="^[0-7][0-9A-HJKMNP-TV-Z]{25}$")

SUBTASK = record(
    "One subtask of a task flow; the words are VOD's.",
    {
        "kind": text("Such as `Transcode` or `CoverBySnapshot`."),
        "definition": or_null(integer("The template it was made with.")),
        "status": text("`PROCESSING`, `SUCCESS` or `FAIL`."),
        "progress": or_null(integer("From 0 to 100.")),
        "error": or_null(text("VOD's code for what went wrong.")),
        "message": text("VOD's sentence about it."),
        "urls": array(
            {"type": "string"}, "What it made; first what a player wants: the playlist, the file, the cover."
        ),
    },
)

OUTCOME: dict[str, Schema] = {
    "status": text("`PROCESSING` or `FINISH`."),
    "succeeded": boolean("Whether the task flow is finished and none of its subtasks failed."),
    "subtasks": array(SUBTASK, "Each subtask with its own outcome."),
}

VIOLATION = record(
    "One limit that a file is beyond.",
    {
        "limit": one_of(("maxFileSize", "maxDuration", "fileTypes"), "Its name in the policy."),
        "allowed": {
            "type": ["integer", "array"],
            "items": {"type": "string"},
            "description": "What the policy says: bytes, seconds or extensions.",
        },
        "actual": {
            "type": ["number", "string"],
            "description": "What VOD says: bytes, seconds or the extension.",
        },
    },
)

SIGNATURE = record(
    "An upload signature.",
    {
        "signature": text("What the SDK's `getSignature` returns.", pattern="^[A-Za-z0-9+/]+={0,2}$"),
        "uploadId": {**UPLOAD_ID, "description": "Send it with every further request for this upload."},
        "expiresAt": integer("Unix second after which VOD refuses this signature."),
        "oneTime": boolean("Whether VOD takes this signature once only."),
    },
)

UPLOAD = record(
    "One upload, as its owner sees it.",
    {
        "uploadId": UPLOAD_ID,
        "state": one_of((state.value for state in UploadState), "Where the upload stands."),
        "final": boolean("Whether nothing more is to come: a client that waits can stop asking."),
        "policy": text("The policy it was begun under; empty if the store has lost its record."),
        "context": text("The app's own text."),
        "fileId": or_null(text("VOD's id of the file.")),
        "mediaUrl": or_null(text("Where the file is.")),
        "coverUrl": or_null(text("Where its cover is.")),
        "procedureTaskId": or_null(text("The task flow that the upload started.")),
        "procedure": or_null(record("What is known of the task flow; null before its first event.", OUTCOME)),
        "breaches": or_null(
            array(
                VIOLATION,
                "The limits of the policy that the file is beyond; empty: none. Null: there is no file yet, "
                "or it is not known.",
            )
        ),
        "issuedAt": instant("When its first signature was issued."),
        "expiresAt": instant("When no further signature is issued for it."),
        "uploadedAt": or_null(instant("When we heard that VOD has the file.")),
        "cancelledAt": or_null(instant("When its owner cancelled it.")),
        "updatedAt": instant("When any of this last changed."),
    },
)
