"""The upload policies, which an app's team writes into UPLOAD_POLICIES."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StrictBool, StrictInt, StrictStr, StringConstraints

from shared.schema import values
from shared.schema.models.documents import ClosedDocument

MAX_TTL_SECONDS = 86_400
"""Our own cap; VOD accepts 90 days (doc 266/33922)."""

Name = Annotated[StrictStr, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]
Region = Annotated[StrictStr, StringConstraints(pattern=r"^[a-z]{2}-[a-z]+(-\d+)?$")]
FileType = Annotated[StrictStr, StringConstraints(pattern=r"^[a-z0-9]{1,10}$")]
ClassId = Annotated[StrictInt, Field(ge=0)]
Positive = Annotated[StrictInt, Field(ge=1)]
ClaimName = Annotated[StrictStr, StringConstraints(min_length=1, max_length=128)]
ClaimValues = Annotated[tuple[StrictStr | StrictInt | StrictBool, ...], Field(min_length=1)]


class Policy(ClosedDocument):
    """See `shared.domain.policy.Policy`, which is made of it."""

    client: Literal["web", "mobile"] | None = None
    claims: dict[ClaimName, ClaimValues] = {}  # noqa: RUF012 -- pydantic copies it
    procedures: tuple[Name, ...] = ()
    storage_regions: tuple[Region, ...] = ()
    class_ids: tuple[ClassId, ...] = ()
    ttl_seconds: Annotated[Positive, Field(le=MAX_TTL_SECONDS)] = 600
    one_time: StrictBool = True
    task_priority: Annotated[StrictInt, Field(ge=-10, le=10)] = 0
    task_notify_mode: Literal["Finish", "Change", "None"] = "Finish"
    vod_sub_app_id: Positive | None = None
    file_types: tuple[FileType, ...] = ()
    max_file_size: Positive | None = None
    max_duration: Positive | None = None
    on_violation: Annotated[Literal["report", "forbid", "delete"], AfterValidator(values.require_limit)] = (
        "report"
    )
