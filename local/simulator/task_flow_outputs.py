"""Produce the outputs of a task flow's subtasks: real files under real URLs, made from the original.

A transcoding serves the original's bytes again; a cover is a real frame if ffmpeg is installed.
"""

from __future__ import annotations

import base64
import secrets
from typing import TYPE_CHECKING

from local.simulator.media_probe import take_picture

if TYPE_CHECKING:
    from pathlib import Path

    from local.simulator.media import Media
    from local.simulator.media_library import MediaLibrary
    from local.simulator.task_flow import FlowSubtask

# One grey pixel, for a machine without ffmpeg or a media without a picture.
_ONE_PIXEL_PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
)


def subtask_output(subtask: FlowSubtask, media: Media, library: MediaLibrary) -> dict[str, object] | None:
    """Produce a subtask's `Output`, or None if it fails. May run for ten seconds."""
    stored = library.objects.find(media.media_key)
    if subtask.fails or stored is None:
        return None
    if subtask.type in ("CoverBySnapshot", "SampleSnapshot"):
        url = _publish_picture(subtask, media, library, library.files.path(stored.file_name))
        if subtask.type == "CoverBySnapshot":
            return {"CoverUrl": url}
        return {
            "Definition": subtask.definition,
            "SampleType": "Percent",
            "Interval": 100,
            "ImageUrlSet": [url],
            "WaterMarkDefinition": [],
        }
    name = "v.f" if subtask.type == "Transcode" else "adp."
    url = library.publish_file(
        f"{media.folder}/{name}{subtask.definition}.{media.type}",
        stored.file_name,
        content_type=library.content_type(media.media_key),
    )
    if subtask.type == "AdaptiveDynamicStreaming":
        return {
            "Definition": subtask.definition,
            "Package": "HLS",
            "DrmType": "",
            "Url": url,
            "Size": stored.size,
        }
    return {
        "Url": url,
        "Definition": subtask.definition,
        "Md5": stored.etag.strip('"')[:32],
        **media.meta_data,
    }


def _publish_picture(subtask: FlowSubtask, media: Media, library: MediaLibrary, source: Path) -> str:
    file_name = secrets.token_hex(16)
    target = library.files.path(file_name)
    taken = take_picture(source, target) and target.exists()
    if not taken:
        target.write_bytes(_ONE_PIXEL_PNG)
    extension, content_type = ("jpg", "image/jpeg") if taken else ("png", "image/png")
    path = f"{media.folder}/{subtask.type.lower()}.{subtask.definition}.{extension}"
    return library.publish_file(path, file_name, content_type=content_type)
