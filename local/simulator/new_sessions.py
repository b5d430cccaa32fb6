"""Plan new upload sessions: the region, bucket and keys that an Apply gets. Nothing is stored here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.simulator.business_errors import invalid_request
from local.simulator.sessions import (
    UploadSession,
    bucket_name,
    cover_key_of,
    media_key_of,
    new_file_id,
)

if TYPE_CHECKING:
    from local.simulator.apply_request import ApplyRequest
    from local.simulator.media import Media
    from local.simulator.settings import SimulatorSettings
    from local.simulator.signatures import SignedTerms


def media_session(
    request: ApplyRequest, terms: SignedTerms, *, settings: SimulatorSettings, key: str, now: float
) -> UploadSession:
    """Plan the upload of a media, with a cover if one is announced; `key` is the vodSessionKey.

    Raises:
        BusinessError: 10001: no media is announced, or its region is not enabled.

    """
    if request.media is None:
        raise invalid_request("videoType is missing")
    # Which of the two regions wins is UNVERIFIED; the signature is the one the app's server made.
    region = terms.storage_region or request.storage_region or settings.storage_regions[0]
    if region not in settings.storage_regions:
        raise invalid_request(f"storageRegion {region[:64]!r} is not enabled")
    bucket = bucket_name(terms.application, region)
    file_id = new_file_id()
    media_key = media_key_of(bucket, file_id, request.media.type)
    return UploadSession(
        vod_session_key=key,
        file_id=file_id,
        terms=terms,
        region=region,
        bucket=bucket,
        media=request.media,
        media_key=media_key,
        cover=request.cover,
        cover_key=cover_key_of(media_key, request.cover.type) if request.cover else None,
        expire_time=request.expire_time,
        opened_at=now,
    )


def cover_session(
    request: ApplyRequest, terms: SignedTerms, media: Media | None, *, key: str, now: float
) -> UploadSession:
    """Plan the upload of a new cover for a media; `key` is the vodSessionKey.

    Raises:
        BusinessError: 10001: there is no such media, or no cover is announced.

    """
    if media is None or request.cover is None:
        raise invalid_request("a cover change needs a fileId of this application, and a cover")
    return UploadSession(
        vod_session_key=key,
        file_id=media.file_id,
        terms=terms,
        region=media.storage_region,
        bucket=bucket_name(media.application, media.storage_region),
        media=None,
        media_key=None,
        cover=request.cover,
        cover_key=cover_key_of(media.media_key, request.cover.type),
        expire_time=media.expire_time,
        opened_at=now,
    )
