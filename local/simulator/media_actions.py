"""Actions of the server API on finished media: find, change, forbid, delete."""

from __future__ import annotations

import base64
import binascii
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from local.simulator.api_action import Action, page
from local.simulator.api_parameters import invalid_value
from local.simulator.media_info import FILTERS, media_info
from local.simulator.tc3_authorization import ApiError
from local.simulator.wire_time import iso_time

if TYPE_CHECKING:
    from local.simulator.api_action import Members
    from local.simulator.api_parameters import ApiParameters
    from local.simulator.media import Media
    from local.simulator.media_library import MediaLibrary
    from local.simulator.task_flow_runner import TaskFlowRunner

_MOST_FILE_IDS = 20
_SEARCH_LIMIT = 5000
"""The most that Offset and Limit of SearchMedia may be together (266/31813)."""
_LONGEST_NAME, _LONGEST_DESCRIPTION, _MOST_TAGS = 64, 128, 16
_PICTURES = {b"\xff\xd8": ("jpg", "image/jpeg"), b"\x89P": ("png", "image/png"), b"GI": ("gif", "image/gif")}
_STATUSES = {"forbid": "Forbidden", "recover": "Normal"}
_FORBIDDABLE = ("STANDARD", "STANDARD_IA")


@dataclass(frozen=True)
class MediaActions:
    """Each works on the media of one application."""

    library: MediaLibrary
    task_flows: TaskFlowRunner

    def actions(self) -> dict[str, Action]:
        """Return the actions by name."""
        return {
            "DescribeMediaInfos": Action(self._describe, "FileIds Filters"),
            "SearchMedia": Action(
                self._search, "FileIds Names SourceTypes CreateTime Offset Limit Sort Filters"
            ),
            "ModifyMediaInfo": Action(
                self._modify,
                "FileId Name Description ClassId ExpireTime CoverData AddTags DeleteTags ClearTags",
            ),
            "ForbidMediaDistribution": Action(self._forbid, "FileIds Operation"),
            "DeleteMedia": Action(self._delete, "FileId DeleteParts"),
        }

    def _describe(self, parameters: ApiParameters, application: int) -> Members:
        found, missing = self._find_all(parameters, application)
        return {"MediaInfoSet": self._infos(found, parameters), "NotExistFileIdSet": missing}

    def _search(self, parameters: ApiParameters, application: int) -> Members:
        file_ids, names = parameters.texts("FileIds"), parameters.texts("Names")
        source_types = parameters.texts("SourceTypes")
        created = parameters.inner("CreateTime")
        after, before = created.instant("After"), created.instant("Before")
        # Whole seconds, as the times are shown.
        found = [
            media
            for media in self.library.all(application=application)
            if (not file_ids or media.file_id in file_ids)
            and (not names or any(name.lower() in media.name.lower() for name in names))
            and (not source_types or "Upload" in source_types)
            and (after is None or int(media.created_at) >= after)
            and (before is None or int(media.created_at) <= before)
        ]
        if parameters.inner("Sort").text("Order") == "Asc":
            found.reverse()
        if parameters.integer("Offset") + parameters.integer("Limit", 10) > _SEARCH_LIMIT:
            raise invalid_value("Offset", "Offset and Limit are 5000 at most.")
        selected = page(parameters, found)
        return {"TotalCount": len(found), "MediaInfoSet": self._infos(selected, parameters)}

    def _infos(self, found: list[Media], parameters: ApiParameters) -> list[Members]:
        wanted = frozenset(parameters.texts("Filters"))
        if not wanted <= FILTERS:
            raise invalid_value("Filters", "A filter is unknown.")
        return [
            media_info(media, self.task_flows.of_media(media.file_id), wanted or FILTERS) for media in found
        ]

    def _modify(self, parameters: ApiParameters, application: int) -> Members:
        media = find_media(self.library, parameters, application)
        name, description = parameters.text("Name"), parameters.text("Description")
        if len(name) > _LONGEST_NAME:
            raise invalid_value("Name", "Name has at most 64 characters.")
        if len(description) > _LONGEST_DESCRIPTION:
            raise invalid_value("Description", "Description has at most 128 characters.")
        expires_at = parameters.instant("ExpireTime")
        picture = _picture(parameters.text("CoverData"))
        changed = replace(
            media,
            name=name or media.name,
            description=description or media.description,
            class_id=parameters.integer("ClassId", media.class_id),
            expire_time=media.expire_time if expires_at is None else iso_time(expires_at),
            tags=_tags(media, parameters),
            updated_at=self.library.clock(),
        )
        if picture is not None:
            content, extension, content_type = picture
            file_name = secrets.token_hex(16)
            self.library.files.path(file_name).write_bytes(content)
            path = f"{media.folder}/{secrets.token_hex(6)}.{extension}"
            url = self.library.publish_file(path, file_name, content_type=content_type)
            changed = replace(changed, cover_url=url)
        self.library.save(changed)
        return {} if picture is None else {"CoverUrl": changed.cover_url}

    def _forbid(self, parameters: ApiParameters, application: int) -> Members:
        """Take effect at once; VOD needs five to ten minutes.

        Which code refuses a file of another storage class (266/40636), and whether the others of its call are
        refused with it, is UNVERIFIED.
        """
        status = _STATUSES.get(parameters.text("Operation"))
        if status is None:
            raise invalid_value("Operation", "Operation is forbid or recover.")
        found, missing = self._find_all(parameters, application)
        if any(media.storage_class not in _FORBIDDABLE for media in found):
            raise invalid_value("UnsupportedStorageClass", "Only STANDARD and STANDARD_IA can be forbidden.")
        for media in found:
            self.library.save(replace(media, status=status))
        return {"NotExistFileIdSet": missing}

    def _delete(self, parameters: ApiParameters, application: int) -> Members:
        if parameters.items("DeleteParts"):
            raise ApiError("UnsupportedOperation", "The simulator deletes whole media only.")
        self.library.delete(find_media(self.library, parameters, application))
        return {}

    def _find_all(self, parameters: ApiParameters, application: int) -> tuple[list[Media], list[str]]:
        file_ids = list(dict.fromkeys(parameters.texts("FileIds")))
        if not 1 <= len(file_ids) <= _MOST_FILE_IDS:
            raise invalid_value("FileIds", "FileIds has 1 to 20 entries.")
        found = {file_id: self.library.find(file_id, application=application) for file_id in file_ids}
        return [media for media in found.values() if media], [
            file_id for file_id, media in found.items() if media is None
        ]


def find_media(library: MediaLibrary, parameters: ApiParameters, application: int) -> Media:
    """Return the media that FileId names.

    Raises:
        ApiError: ResourceNotFound.FileNotExist; that VOD has this code for every action is UNVERIFIED.

    """
    media = library.find(parameters.text("FileId"), application=application)
    if media is None:
        raise ApiError("ResourceNotFound.FileNotExist", "The file does not exist.")
    return media


def _tags(media: Media, parameters: ApiParameters) -> tuple[str, ...]:
    added, deleted = parameters.texts("AddTags"), parameters.texts("DeleteTags")
    if parameters.integer("ClearTags") == 1:
        if added:
            raise invalid_value("AddTagsAndClearTagsConflict", "AddTags and ClearTags exclude each other.")
        return ()
    if set(added) & set(deleted):
        raise invalid_value("AddTagsAndDeleteTagsConflict", "A tag is both added and deleted.")
    tags = tuple(dict.fromkeys(tag for tag in (*media.tags, *added) if tag not in deleted))
    if len(tags) > _MOST_TAGS:
        raise ApiError("LimitExceeded.TagCountReachMax", "A media has at most 16 tags.")
    return tags


def _picture(cover: str) -> tuple[bytes, str, str] | None:
    """Decode CoverData into bytes, extension and content type; None if there is none."""
    if not cover:
        return None
    try:
        content = base64.b64decode(cover, validate=True)
    except binascii.Error:
        raise invalid_value("ImageDecodeError", "CoverData is not Base64.") from None
    if content[:2] not in _PICTURES:
        raise invalid_value("PicFormatError", "CoverData is a JPEG, PNG or GIF.")
    return content, *_PICTURES[content[:2]]
