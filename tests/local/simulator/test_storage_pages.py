"""Pages of parts and of open uploads, as mobile SDKs read them: on until there is no marker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from qcloud_cos import CosServiceError  # type: ignore[import-untyped]  # no stubs exist

from local.simulator.storage_errors import StorageError
from local.simulator.storage_lists import uploads_page
from local.simulator.storage_request import StorageRequest

if TYPE_CHECKING:
    from tests.local.simulator.account import Account, Applied


def _opened(account: Account, *, parts: int = 0) -> tuple[Applied, Any, str]:
    applied = account.apply()
    storage = account.storage(applied)
    upload_id = storage.create_multipart_upload(applied.bucket, applied.key)["UploadId"]
    for number in range(1, parts + 1):
        storage.upload_part(applied.bucket, applied.key, b"x", number, upload_id)
    return applied, storage, upload_id


def test_parts_are_paged_one_by_one_until_there_is_no_marker(account: Account) -> None:
    """Android's reader goes on while NextPartNumberMarker has a text, and ignores IsTruncated."""
    applied, storage, upload_id = _opened(account, parts=3)
    pages: list[dict[str, Any]] = []
    marker: str | None = "0"
    while marker and len(pages) < 10:
        page = storage.list_parts(
            applied.bucket, applied.key, upload_id, MaxParts=1, PartNumberMarker=int(marker)
        )
        pages.append(page)
        marker = page.get("NextPartNumberMarker")

    assert [page["Part"][0]["PartNumber"] for page in pages] == ["1", "2", "3"]
    assert [page["IsTruncated"] for page in pages] == ["true", "true", "false"]
    assert [page.get("NextPartNumberMarker", "absent") for page in pages] == ["1", "2", "absent"]
    assert [page["PartNumberMarker"] for page in pages] == ["0", "1", "2"]
    assert {page["MaxParts"] for page in pages} == {"1"}


def test_whole_list_has_no_marker(account: Account) -> None:
    """Neither an empty list nor a full one names a next page."""
    applied, storage, upload_id = _opened(account)
    empty = storage.list_parts(applied.bucket, applied.key, upload_id)
    storage.upload_part(applied.bucket, applied.key, b"x", 1, upload_id)
    whole = storage.list_parts(applied.bucket, applied.key, upload_id, MaxParts=1)

    assert "NextPartNumberMarker" not in empty
    assert "NextPartNumberMarker" not in whole
    assert (empty["MaxParts"], empty["IsTruncated"], "Part" in empty) == ("1000", "false", False)


def test_page_has_at_most_a_thousand(account: Account) -> None:
    """A larger page than COS's largest is that one."""
    applied, storage, upload_id = _opened(account)

    assert storage.list_parts(applied.bucket, applied.key, upload_id, MaxParts=5000)["MaxParts"] == "1000"


def test_open_uploads_are_paged_by_key_and_id(account: Account) -> None:
    """The two markers together name the last upload of a page; encoded keys come back encoded."""
    applied, storage, first = _opened(account)
    ids = [first]
    ids += [storage.create_multipart_upload(applied.bucket, applied.key)["UploadId"] for _ in range(2)]
    pages: list[dict[str, Any]] = []
    markers: dict[str, str] = {}
    while len(pages) < 10:
        page = storage.list_multipart_uploads(applied.bucket, MaxUploads=1, EncodingType="url", **markers)
        pages.append(page)
        if page["IsTruncated"] == "false":
            break
        markers = {"KeyMarker": applied.key, "UploadIdMarker": page["NextUploadIdMarker"]}
    whole = storage.list_multipart_uploads(applied.bucket, KeyMarker=applied.key)

    assert [page["Upload"][0]["UploadId"] for page in pages] == ids
    assert {page["Upload"][0]["Key"] for page in pages} == {applied.key.replace("/", "%2F")}
    assert ["NextKeyMarker" in page for page in pages] == [True, True, False]
    assert pages[0]["NextKeyMarker"] == applied.key.replace("/", "%2F")
    assert "Upload" not in whole


@pytest.mark.parametrize("parameters", [{"MaxParts": 0}, {"MaxParts": "ten"}, {"PartNumberMarker": "-1"}])
def test_page_that_makes_no_sense_is_refused(account: Account, parameters: dict[str, Any]) -> None:
    """A page has at least one part, and begins after a number."""
    applied, storage, upload_id = _opened(account)
    with pytest.raises(CosServiceError) as refused:
        storage.list_parts(applied.bucket, applied.key, upload_id, **parameters)

    assert refused.value.get_error_code() == "InvalidArgument"


def test_encoding_that_cos_does_not_have_is_refused() -> None:
    """`url` is the only one; the SDK would not even ask for another."""
    query = (("uploads", ""), ("encoding-type", "base64"))
    wire = StorageRequest("GET", "/", query, {}, (), "bucket-1", "ap-seoul", "")
    with pytest.raises(StorageError, match="encoding-type is url"):
        uploads_page(wire, "bucket-1", [])
