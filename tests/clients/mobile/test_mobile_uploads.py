"""Android's and iOS's order of calls, from POST /signature to the app's event and GET /uploads/{id}."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.clients.mobile.client import MobileClient, Published
from tests.clients.mobile.network import Network
from tests.clients.mobile.platforms import ANDROID, IOS, Platform, PublishError
from tests.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from local.stack.stack import Stack

PARTS = ["UploadPart"] * 3


class App:
    """An app with one user: it gets signatures of our service, hears its events and asks for the status."""

    def __init__(self, stack: Stack, user: str) -> None:
        self._url = stack.url
        self._session = requests.Session()
        self._session.trust_env = False
        token = self._session.get(f"{self._url}/local/token", params={"user": user}, timeout=10).text
        self._session.headers["Authorization"] = f"Bearer {token}"

    def signature(self, **wish: str | int) -> dict[str, Any]:
        """Post to /signature."""
        answer = self._session.post(f"{self._url}/signature", json=wish, timeout=10)
        answer.raise_for_status()
        issued: dict[str, Any] = answer.json()
        return issued

    def status(self, upload_id: str) -> dict[str, Any]:
        """Get the status of an upload."""
        status: dict[str, Any] = self._session.get(f"{self._url}/uploads/{upload_id}", timeout=10).json()
        return status

    def events(self, upload_id: str) -> list[dict[str, Any]]:
        """Return the events of an upload that the app's receiver has taken."""
        query = {"uploadId": upload_id}
        received = self._session.get(f"{self._url}/local/events", params=query, timeout=10).json()
        return [event["body"] for event in received]

    def completed(self, upload_id: str) -> dict[str, Any]:
        """Wait for the event of an upload, which is the only one."""
        wait_until(lambda: self.events(upload_id), "the event")
        [event] = self.events(upload_id)
        assert event["type"] == "upload.completed"
        content: dict[str, Any] = event["data"]
        return content

    def download(self, url: str) -> bytes:
        """Return a stored file."""
        return self._session.get(url, timeout=10).content


def _expect_told(app: App, upload_id: str, published: Published, media: Path, cover: Path | None) -> None:
    """Assert that app, status and phone know the same file, and that its bytes are right."""
    told, status = app.completed(upload_id), app.status(upload_id)

    assert told["fileId"] == published.video_id == status["fileId"]
    assert (told["verdict"], told["verified"], status["state"]) == ("attributed", True, "uploaded")
    assert app.download(published.video_url) == media.read_bytes()
    if cover is not None:
        assert told["coverUrl"] == published.cover_url
        assert app.download(published.cover_url) == cover.read_bytes()


@pytest.mark.parametrize("policy", ["default", "reusable", "mobile"])
@pytest.mark.parametrize("file", ["small", "three_parts"])
def test_mobile_upload_reaches_the_app(
    stack: Stack, platform: Platform, policy: str, file: str, request: pytest.FixtureRequest
) -> None:
    """One string serves the whole upload, one-time or not; the cover follows the media."""
    media, cover = request.getfixturevalue(file), request.getfixturevalue("cover")
    app = App(stack, f"{platform.name}-{policy}-{file.replace('_', '-')}")
    phone = MobileClient(platform, Network(stack.url).session())
    issued = app.signature(policy=policy, fileSize=media.stat().st_size)

    published = phone.publish(issued["signature"], media, cover=cover)

    assert issued["oneTime"] == (policy != "reusable")
    _expect_told(app, issued["uploadId"], published, media, cover)


def test_paused_upload_goes_on_with_another_signature(
    stack: Stack, platform: Platform, three_parts: Path, cover: Path
) -> None:
    """The app remembers the uploadId; the SDK its session, and sends the parts that are missing."""
    app = App(stack, f"{platform.name}-pause")
    network = Network(stack.url)
    phone = MobileClient(platform, network.session(), list_page=1)
    issued = app.signature(policy="mobile")
    with pytest.raises(PublishError) as paused:
        phone.publish(issued["signature"], three_parts, cover=cover, pause_after=2)
    before = len(network.asked)

    # Another start of the app, with what the last one has remembered.
    later = MobileClient(platform, network.session(), records=phone.records, list_page=1)
    renewed = app.signature(uploadId=issued["uploadId"])
    published = later.publish(renewed["signature"], three_parts, cover=cover)

    assert paused.value.code == 1017
    assert network.names[before:].count("UploadPart") == 1
    assert "InitiateMultipartUpload" not in network.names[before:]
    _expect_told(app, issued["uploadId"], published, three_parts, cover)


def test_lists_are_paged_part_by_part_to_their_end(
    stack: Stack, platform: Platform, three_parts: Path
) -> None:
    """Three stored parts are three pages, and the last one names no next: the SDK would ask for ever."""
    app = App(stack, f"{platform.name}-pages")
    network = Network(stack.url)
    phone = MobileClient(platform, network.session(), list_page=1)
    issued = app.signature(policy="mobile")
    network.before = _cut_off_before_the_end
    with pytest.raises(PublishError):
        phone.publish(issued["signature"], three_parts)
    network.before = lambda _name: None
    before = len(network.asked)
    published = phone.publish(app.signature(uploadId=issued["uploadId"])["signature"], three_parts)
    again = network.asked[before:]
    pages = [parse_qs(urlsplit(asked.url).query) for asked in again if asked.name == "ListParts"]

    assert [page.get("part-number-marker") for page in pages] == [["0"], ["1"], ["2"]]
    assert "UploadPart" not in [asked.name for asked in again]
    _expect_told(app, issued["uploadId"], published, three_parts, None)


def _cut_off_before_the_end(name: str) -> None:
    if name == "CompleteMultipartUpload":
        raise requests.ConnectionError("the network is gone")


@pytest.mark.parametrize(
    ("sdk", "file", "storage"),
    [
        (ANDROID, "small", ["InitiateMultipartUpload", "PutObject"]),
        (IOS, "small", ["PutObject"]),
        (
            ANDROID,
            "three_parts",
            ["InitiateMultipartUpload", "ListParts", *PARTS, "CompleteMultipartUpload"],
        ),
        (IOS, "three_parts", ["InitiateMultipartUpload", "ListParts", *PARTS, "CompleteMultipartUpload"]),
    ],
    ids=lambda value: value.name if isinstance(value, Platform) else None,
)
def test_calls_are_in_the_order_of_the_sdk(
    stack: Stack, sdk: Platform, file: str, storage: list[str], request: pytest.FixtureRequest
) -> None:
    """Prepare and the race come first, the cover after the media, Commit last; all with one string."""
    media, cover = request.getfixturevalue(file), request.getfixturevalue("cover")
    network = Network(stack.url)
    app = App(stack, f"{sdk.name}-order")
    signature = app.signature(policy="mobile")["signature"]

    MobileClient(sdk, network.session()).publish(signature, media, cover=cover)

    regions = ["HeadBucket"] * len(network.called("HeadBucket"))
    assert network.names == [
        "PrepareUploadUGC",
        *regions,
        "ApplyUploadUGC",
        *storage,
        "PutObject",
        "CommitUploadUGC",
    ]
    assert {asked.members["signature"] for asked in network.asked if asked.members} == {signature}
    assert all(asked.url.startswith("http://") for asked in network.asked if not asked.members)


def test_members_of_the_calls_are_the_sdks(stack: Stack, platform: Platform, small: Path) -> None:
    """Android names the file with its extension and reports at Commit; iOS names VOD's domain as its host."""
    network = Network(stack.url)
    app = App(stack, f"{platform.name}-members")
    phone = MobileClient(platform, network.session())
    phone.publish(app.signature(policy="mobile")["signature"], small)
    [prepare], [apply], [commit] = (
        network.called(f"{name}UploadUGC") for name in ("Prepare", "Apply", "Commit")
    )
    reports = {"clientReportId", "clientVersion"}

    assert prepare.members.keys() == {"clientVersion", "signature"}
    assert apply.members.keys() == reports | {
        "signature",
        "videoName",
        "videoType",
        "videoSize",
        "storageRegion",
    }
    assert apply.members["videoName"] == ("holiday.mp4" if platform is ANDROID else "holiday")
    assert commit.members.keys() == {"signature", "vodSessionKey"} | (
        reports if platform is ANDROID else set()
    )
    assert (commit.host, commit.url.partition("?")[0]) == (
        "vod2.qcloud.com",
        "https://vod2.qcloud.com/v3/index.php",
    )


def test_phone_with_a_proxy_runs_no_race(stack: Stack, platform: Platform, small: Path) -> None:
    """Then it asks no HTTPDNS, sends no Prepare, and VOD chooses the region."""
    network = Network(stack.url)
    app = App(stack, f"{platform.name}-proxied")
    phone = MobileClient(platform, network.session(), has_proxy=True)
    phone.publish(app.signature(policy="mobile")["signature"], small)

    assert network.names[0] == "ApplyUploadUGC"
    assert "storageRegion" not in network.asked[0].members
