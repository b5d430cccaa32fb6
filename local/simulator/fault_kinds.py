"""The kinds of faults that each action can have: the table that rules are validated against.

`faults` describes what each kind does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_Members = frozenset[str]
_SECONDS, _NONE = _Members({"seconds"}), _Members()
_REQUEST = {
    "slow": _SECONDS,
    "drop": _NONE,
    "drop-reply": _NONE,
    "error": _Members({"status", "retryAfter"}),
}
_CALL = {**_REQUEST, "refuse": _Members({"code"})}
_STORAGE = {**_REQUEST, "expire": _NONE}
_PUSH = {
    **dict.fromkeys(("slow", "delay", "reorder"), _SECONDS),
    **dict.fromkeys(("duplicate", "corrupt", "drop", "drop-reply", "error"), _NONE),
}
UPLOAD_CALLS = ("PrepareUploadUGC", "ApplyUploadUGC", "CommitUploadUGC")
_STORAGE_CALLS = (
    "InitiateMultipartUpload",
    "UploadPart",
    "ListParts",
    "ListMultipartUploads",
    "CompleteMultipartUpload",
    "AbortMultipartUpload",
    "PutObject",
    "PostObject",
    "HeadObject",
    "HeadBucket",
    "DeleteObject",
)
_SERVER_CALLS = (
    "DescribeMediaInfos",
    "SearchMedia",
    "DescribeEventConfig",
    "ModifyEventConfig",
    "ConfirmEvents",
    "DescribeTaskDetail",
    "DescribeTasks",
    "DescribeStorageRegions",
    "DescribeProcedureTemplates",
    "ApplyUpload",
    "CommitUpload",
    "PullUpload",
    "DeleteMedia",
    "ModifyMediaInfo",
    "ProcessMedia",
    "ProcessMediaByProcedure",
    "DescribeEventsState",
    "DescribeFileAttributes",
    "ForbidMediaDistribution",
    "ManageTask",
)
KINDS: Mapping[str, Mapping[str, frozenset[str]]] = {
    "Push": _PUSH,
    **dict.fromkeys(UPLOAD_CALLS, _CALL),
    **dict.fromkeys(_STORAGE_CALLS, _STORAGE),
    **dict.fromkeys(_SERVER_CALLS, _CALL),
    "PullEvents": {**_CALL, "duplicate": _NONE},
    "Receiver": {**_REQUEST, "redirect": _Members({"status"})},
}
"""Action → kind → the members that such a rule may have, apart from `times` and `probability`."""
