"""One finished media: what VOD knows about it, as its API and its events show it.

`media_library` stores it, `media_endpoint` serves its bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.simulator.wire_time import iso_time

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Extensions by kind (266/9760); what is in neither list counts as video.
_AUDIO = frozenset({"mp3", "m4a", "flac", "ogg", "wav", "ra", "aac", "amr"})
_IMAGE = frozenset({"jpg", "jpeg", "png", "gif", "bmp", "tiff", "tif", "ai", "cdr", "eps"})


@dataclass(frozen=True)
class Media:
    """One media; keys and paths without a leading slash, times in Unix seconds, size in bytes."""

    file_id: str
    application: int
    name: str
    type: str
    class_id: int
    source_context: str
    storage_region: str
    media_key: str
    media_url: str
    cover_url: str
    size: int
    meta_data: Mapping[str, object]
    created_at: float
    updated_at: float
    expire_time: str
    procedure_task_id: str
    source_type: str = "Upload"
    description: str = ""
    tags: Sequence[str] = ()
    status: str = "Normal"
    storage_class: str = "STANDARD"

    @property
    def folder(self) -> str:
        """The folder of everything that belongs to this media, without a slash at its ends."""
        return self.media_key.rpartition("/")[0]

    @property
    def category(self) -> str:
        """Video, Audio or Image."""
        if self.type in _AUDIO:
            return "Audio"
        return "Image" if self.type in _IMAGE else "Video"

    def basic_info(self) -> dict[str, object]:
        """Build the API's MediaBasicInfo, which the upload event carries too."""
        class_name = "Other" if self.class_id == 0 else f"Class {self.class_id}"
        return {
            "Name": self.name,
            "Description": self.description,
            "CreateTime": iso_time(self.created_at),
            "UpdateTime": iso_time(self.updated_at),
            "ExpireTime": self.expire_time,
            "ClassId": self.class_id,
            "ClassName": class_name,
            "ClassPath": class_name,
            "CoverUrl": self.cover_url,
            "Type": self.type,
            "MediaUrl": self.media_url,
            "SourceInfo": {"SourceType": self.source_type, "SourceContext": self.source_context},
            "StorageRegion": self.storage_region,
            "StoragePath": "",
            "TagSet": list(self.tags),
            "Vid": self.file_id,
            "Category": self.category,
            "Status": self.status,
            "StorageClass": self.storage_class,
        }

    def upload_event(self) -> dict[str, object]:
        """Build the NewFileUpload event (266/33950)."""
        return {
            "EventType": "NewFileUpload",
            "FileUploadEvent": {
                "FileId": self.file_id,
                "MediaBasicInfo": self.basic_info(),
                "ProcedureTaskId": self.procedure_task_id,
                "ReviewAudioVideoTaskId": "",
                "MetaData": dict(self.meta_data),
            },
        }

    def delete_event(self) -> dict[str, object]:
        """Build the FileDeleted event (API model FileDeleteTask)."""
        deleted = {"FileId": self.file_id, "DeleteParts": []}
        return {
            "EventType": "FileDeleted",
            "FileDeleteEvent": {"FileIdSet": [self.file_id], "FileDeleteResultInfo": [deleted]},
        }
