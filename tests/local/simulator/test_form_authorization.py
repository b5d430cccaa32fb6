"""The older signature of the server API, as the official SDK makes it with `signMethod`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tencentcloud.common.credential import Credential  # type: ignore[import-untyped]  # no stubs exist
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException  # type: ignore[import-untyped]  # no stubs exist
from tencentcloud.common.profile.client_profile import ClientProfile  # type: ignore[import-untyped]  # no stubs exist
from tencentcloud.common.profile.http_profile import HttpProfile  # type: ignore[import-untyped]  # no stubs exist
from tencentcloud.vod.v20180717 import models  # type: ignore[import-untyped]  # no stubs exist
from tencentcloud.vod.v20180717.vod_client import VodClient  # type: ignore[import-untyped]  # no stubs exist

from local.simulator.form_authorization import form_parameters, form_signature, verify_form
from local.simulator.tc3_authorization import ApiError
from tests.local.simulator.account import HOST, SECRET_ID, SECRET_KEY

if TYPE_CHECKING:
    from tests.local.simulator.account import Account

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def _api(
    account: Account, method: str, *, secret_key: str = SECRET_KEY, token: str | None = None
) -> VodClient:
    http = HttpProfile(protocol="http", endpoint=f"{HOST}:{account.port}", reqMethod="POST")
    return VodClient(
        Credential(SECRET_ID, secret_key, token), "", ClientProfile(signMethod=method, httpProfile=http)
    )


@pytest.mark.parametrize("method", ["HmacSHA1", "HmacSHA256"])
def test_form_is_a_call_like_any_other(account: Account, method: str) -> None:
    """Numbers, lists and nested objects arrive, though all of them are texts."""
    file_id = account.upload(b"x" * 7)["data"]["fileId"]
    request = models.SearchMediaRequest()
    request.FileIds, request.Limit, request.Filters = [file_id], 1, ["metaData", "basicInfo"]
    request.Sort = models.SortBy()
    request.Sort.Field, request.Sort.Order = "CreateTime", "Asc"
    answer = _api(account, method).SearchMedia(request)

    assert [media.FileId for media in answer.MediaInfoSet] == [file_id]
    assert answer.MediaInfoSet[0].MetaData.Size == 7


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("AuthFailure.SignatureFailure", {"secret_key": "other"}),
        ("AuthFailure.TokenFailure", {"token": "some"}),
        ("AuthFailure.SignatureExpire", {}),
    ],
)
def test_form_is_verified(account: Account, code: str, changes: dict[str, Any]) -> None:
    """The refusals are those of the newer scheme."""
    account.clock.moved_by = 0 if changes else 310
    with pytest.raises(TencentCloudSDKException) as refused:
        _api(account, "HmacSHA256", **changes).DescribeEventConfig(models.DescribeEventConfigRequest())

    assert refused.value.get_code() == code


def test_signature_is_the_one_of_the_published_steps() -> None:
    """The known answer of 266/31757's steps: sorted names, no encoding, the first digest without a method."""
    fields = {"Action": "PullEvents", "Timestamp": "1793318400", "Nonce": "7", "SecretId": "id"}
    signature = form_signature(fields, host="vod.tencentcloudapi.com", secret_key="k", digest="sha1")
    verify_form(
        {**fields, "Signature": signature},
        host="vod.tencentcloudapi.com",
        keys={"id": ("k", "")},
        now=1793318400,
    )
    with pytest.raises(ApiError, match="SignatureMethod"):
        verify_form({"SignatureMethod": "MD5"}, host="", keys={}, now=0)


def test_nested_names_become_lists_and_objects() -> None:
    """Ten items keep their order, and what belongs to the call itself is no parameter."""
    fields = {"Action": "X", **{f"FileIds.{n}": str(n) for n in range(11)}, "Task.Sets.0.Definition": "20"}

    assert form_parameters(fields) == {
        "FileIds": [str(n) for n in range(11)],
        "Task": {"Sets": [{"Definition": "20"}]},
    }


@pytest.mark.parametrize("name", ["A.0.0", ".".join("x" * 20)])
def test_name_that_makes_no_sense_is_refused(name: str) -> None:
    """A text has no members, and nothing is nested without an end."""
    with pytest.raises(ApiError, match="makes no sense"):
        form_parameters({"A.0": "1", name: "2"})


def test_body_that_is_no_form_is_refused(account: Account) -> None:
    """More fields than any call has, or bytes that are no text."""
    for body in (b"&".join(b"a=1" for _ in range(3000)), b"\xff"):
        answer = account.request("POST", "vod.tencentcloudapi.com", "/", data=body, headers=FORM)

        assert answer.json()["Response"]["Error"]["Code"] == "InvalidParameter"
