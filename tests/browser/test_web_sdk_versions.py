"""Each version of the Web SDK that apps have, unmodified, in COS mode and, 1.8.0 alone, in S3 mode."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import urllib3

from local.repository import REPOSITORY
from local.simulator.switches import POSITIONS
from tests.browser.parts import hold_last_part
from tests.browser.upload_page import digest_at, digest_of_file, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser

    from local.stack.stack import Stack
    from tests.browser.tab import Tab

    MakeFile = Callable[[str, int], Path]

MIB = 1024 * 1024
COVER = REPOSITORY / "tests/samples/media/cover.png"
CLIENTS = REPOSITORY / "tests/clients/node/node_modules"
BUNDLES = {
    "1.4.12": CLIENTS / "vod-js-sdk-v6-1.4/dist/vod-js-sdk-v6.js",
    "1.7.3": CLIENTS / "vod-js-sdk-v6-1.7/dist/vod-js-sdk-v6.js",
    "1.8.0": REPOSITORY / "local/page/node_modules/vod-js-sdk-v6/dist/vod-js-sdk-v6.js",
}
PART = {"cos": MIB, "s3": 5 * MIB}
"""COS takes parts of 1 MiB, which is also what 1.4.12 sends whatever it is told; S3's are 5 MiB at least."""
EVERY = [("1.4.12", "cos"), ("1.7.3", "cos"), ("1.8.0", "cos"), ("1.8.0", "s3")]
FORM = '<!doctype html><input type="file" id="media"><input type="file" id="cover">'


class SdkPage:
    """A page of the stack with one version of the SDK; the browser resolves VOD's names to the stack."""

    def __init__(self, tab: Tab, stack: Stack, version: str, storage: str = "cos") -> None:
        self._tab = tab
        self.page = tab.page
        self.line = tab.line
        self._stack = stack
        self._version = version
        self._options = {"storageType": storage, "chunkSize": PART[storage], "chunkParallelLimit": 1}

    def open(self, media: Path | None, cover: Path | None = None) -> None:
        """Open or reload the page, and choose files."""
        # From the stack: a page that the test served could not reach this machine in Chrome.
        self.page.goto(f"{self._stack.tls_url}/local/info")
        self.page.set_content(FORM)
        if self._version == "1.8.0":
            self.page.add_script_tag(url="/vod-js-sdk-v6.js")  # 4 MB, which the stack serves
        else:
            self.page.add_script_tag(path=BUNDLES[self._version])
        self.page.add_script_tag(path=Path(__file__).with_name("sdk_page.js"))
        self.choose(media, cover)

    def choose(self, media: Path | None, cover: Path | None = None) -> None:
        """Choose files instead of those before."""
        for name, file in {"media": media, "cover": cover}.items():
            self.page.locator(f"#{name}").set_input_files([] if file is None else file)

    def upload(self, **job: Any) -> dict[str, Any]:  # noqa: ANN401  # JSON
        """Upload the chosen files and return the outcome."""
        outcome: dict[str, Any] = self.page.evaluate("job => run(job)", self._job(job))
        return outcome

    def start(self, **job: Any) -> None:  # noqa: ANN401  # JSON
        """Start to upload the chosen files."""
        self.page.evaluate("job => void run(job)", self._job(job))

    def start_two_parts(self, media: Path) -> str:
        """Open the page, send two parts of three, hold the third, and return the upload's id."""
        self.open(media)
        hold_last_part(self._tab, self._stack, lambda: self.start(request={"policy": "default"}), parts=3)
        return str(self.page.evaluate("window.uploadId"))

    def begin_another_upload(self) -> str:
        """Get a signature for another upload, and return its id."""
        headers = {"Authorization": f"Bearer {self._token()}"}
        answer = urllib3.request("POST", f"{self._stack.url}/signature", json={}, headers=headers, timeout=10)
        return str(answer.json()["uploadId"])

    def lose_reply(self, address_pattern: str) -> None:
        """Let the next request to an address arrive, and fail it instead of its reply."""
        devtools = self.page.context.new_cdp_session(self.page)

        def fail(paused: dict[str, Any]) -> None:
            lost = {"requestId": paused["requestId"], "errorReason": "ConnectionReset"}
            devtools.send("Fetch.failRequest", lost)
            devtools.detach()

        # A page that asks again before the end of this is paused as well, and goes on with it.
        devtools.once("Fetch.requestPaused", fail)
        pattern = {"urlPattern": address_pattern, "requestStage": "Response"}
        devtools.send("Fetch.enable", {"patterns": [pattern]})

    def switch(self, *faults: dict[str, object], **positions: str) -> None:
        """Set switches and faults of the stack."""
        body = {"faults": list(faults), "switches": positions}
        answer = urllib3.request("PUT", f"{self._stack.url}/local/faults", json=body, timeout=5)
        assert answer.status == 200

    def events(self, id_: str) -> list[dict[str, Any]]:
        """Return the app's events that name an upload or a file, once there is one."""
        found: list[dict[str, Any]] = []

        def are_there() -> bool:
            heard = self._get("/local/events")
            found[:] = [event["body"] for event in heard if id_ in str(event)]
            return bool(found)

        wait_until(are_there, f"events about {id_}", meanwhile=lambda: self.page.wait_for_timeout(100))
        return found

    def counters(self) -> dict[str, Any]:
        """Return the simulator's counters."""
        counters: dict[str, Any] = self._get("/local/simulator/counters")
        return counters

    def parts_sent(self, suffix: str) -> int:
        """Return how many parts the storage received for all objects whose keys end so."""
        objects = self.counters()["objects"].items()
        return sum(counts.get("UploadPart", 0) for key, counts in objects if key.endswith(suffix))

    def _job(self, job: dict[str, Any]) -> dict[str, Any]:
        return {**job, "token": self._token(), "options": {**self._options, **job.get("options", {})}}

    def _token(self) -> str:
        return urllib3.request("GET", f"{self._stack.url}/local/token?user=web", timeout=5).data.decode()

    def _get(self, path: str) -> Any:  # noqa: ANN401  # JSON
        return urllib3.request("GET", self._stack.url + path, timeout=5).json()


@pytest.fixture
def sdk_page(
    stack: Stack, browser_by_name: Browser, lend_tab: Callable[[Browser], Tab]
) -> Iterator[Callable[..., SdkPage]]:
    """Create a page for a version, or skip where its bundle is not installed."""
    pages: list[SdkPage] = []

    def create(version: str, storage: str = "cos") -> SdkPage:
        if not BUNDLES[version].is_file():
            pytest.skip("needs the SDKs of tests/clients/node: make test installs them")
        pages.append(SdkPage(lend_tab(browser_by_name), stack, version, storage))
        return pages[-1]

    yield create
    for page in pages:
        page.switch(**{name: first for name, (first, *_) in POSITIONS.items()})


@pytest.mark.parametrize(("version", "storage"), EVERY)
def test_small_and_multipart_files_reach_the_app(
    sdk_page: Callable[..., SdkPage], make_file: MakeFile, version: str, storage: str
) -> None:
    """A small file with a cover under a one-time policy, then two parts under a reusable one."""
    page = sdk_page(version, storage)
    small, large = make_file("small.mp4", 50_000), make_file("large.mp4", PART[storage] + 1)
    page.open(small, COVER)
    of_small = page.upload(request={"policy": "default", "context": version})
    page.choose(large)
    of_large = page.upload(request={"policy": "reusable"})
    [first], [second] = page.events(of_small["uploadId"]), page.events(of_large["uploadId"])

    assert [event["type"] for event in (first, second)] == ["upload.completed"] * 2
    assert (first["data"]["uploader"], first["data"]["context"]) == ("web", version)
    assert digest_at(first["data"]["mediaUrl"]) == digest_of_file(small)
    assert digest_at(first["data"]["coverUrl"]) == digest_of_file(COVER)
    assert digest_at(second["data"]["mediaUrl"]) == digest_of_file(large)
    # 1.4.12 sends no Prepare; each call has a signature of its own.
    assert len(set(of_small["asked"])) == len(of_small["asked"]) == (2 if version == "1.4.12" else 3)
    assert page.parts_sent(Path(second["data"]["mediaUrl"]).name) == 2


@pytest.mark.parametrize(("version", "storage"), EVERY)
def test_interrupted_upload_is_resumed(
    sdk_page: Callable[..., SdkPage], make_file: MakeFile, version: str, storage: str
) -> None:
    """After a reload COS mode sends the missing part alone, S3 mode every part anew, in the same upload."""
    page, media = sdk_page(version, storage), make_file("resumed.mp4", 2 * PART[storage] + 1)
    upload_id = page.start_two_parts(media)
    page.page.goto("about:blank")  # ends the held request, which would be sent otherwise
    page.line.restore()
    page.open(media)
    page.upload(uploadId=upload_id)
    [event] = page.events(upload_id)

    assert digest_at(event["data"]["mediaUrl"]) == digest_of_file(media)
    assert page.parts_sent(Path(event["data"]["mediaUrl"]).name) == (3 if storage == "cos" else 2 + 3)


@pytest.mark.parametrize("version", BUNDLES)
def test_paused_upload_goes_on(sdk_page: Callable[..., SdkPage], make_file: MakeFile, version: str) -> None:
    """What the SDK calls cancel is a pause in COS mode: the same page goes on with the missing part."""
    page, media = sdk_page(version), make_file("paused.mp4", 2 * PART["cos"] + 1)
    upload_id = page.start_two_parts(media)
    page.page.evaluate("window.uploader.cancel()")
    page.line.restore()
    page.upload(uploadId=upload_id)
    [event] = page.events(upload_id)

    assert digest_at(event["data"]["mediaUrl"]) == digest_of_file(media)
    assert page.parts_sent(Path(event["data"]["mediaUrl"]).name) == 3


@pytest.mark.parametrize(("version", "storage"), [EVERY[0], *EVERY[2:]])
def test_expired_credential_ends_the_upload(
    sdk_page: Callable[..., SdkPage], make_file: MakeFile, version: str, storage: str
) -> None:
    """Where the storage goes on refusing, the upload fails with its code after one Apply, whichever it is."""
    page = sdk_page(version, storage)
    page.open(make_file("late.mp4", 1000))
    action = "UploadPart" if storage == "cos" else "PutObject"
    for code in ("AccessDenied", "RequestTimeTooSkewed"):
        page.switch({"action": action, "kind": "expire", "times": 99}, expiredCredential=code)
        outcome = page.upload(request={"policy": "default"})

        assert outcome["error"] == code
        assert len(outcome["asked"]) == (1 if version == "1.4.12" else 2)


def test_lost_reply_is_made_up_for_by_another_signature(
    sdk_page: Callable[..., SdkPage], make_file: MakeFile
) -> None:
    """Each attempt of Apply asks for a signature: whether VOD takes one twice matters to no page."""
    page = sdk_page("1.8.0")
    page.open(make_file("lost.mp4", 1000))
    for position in ("refuse", "accept"):
        page.switch(repeatedApply=position)
        page.lose_reply("*?Action=ApplyUploadUGC")
        outcome = page.upload(request={"policy": "default"}, options={"retryDelay": 10})

        assert len(set(outcome["asked"])) == 4
        assert page.events(outcome["fileId"])


def test_one_signature_decides_whose_the_upload_is(
    sdk_page: Callable[..., SdkPage], make_file: MakeFile
) -> None:
    """An app that mixes up two uploads signs Apply for one and Commit for the other: VOD decides."""
    page = sdk_page("1.8.0")
    page.open(make_file("mixed.mp4", 1000))
    for winner in ("apply", "commit"):
        page.switch(context=winner)
        other = page.begin_another_upload()
        outcome = page.upload(request={"policy": "default"}, commitAs=other)
        [event] = page.events(outcome["fileId"])

        assert event["data"]["uploadId"] == {"apply": outcome["uploadId"], "commit": other}[winner]


@pytest.mark.parametrize("version", ["1.4.12", "1.8.0"])
def test_changed_cover_raises_an_event_or_not(
    sdk_page: Callable[..., SdkPage], make_file: MakeFile, version: str
) -> None:
    """The SDK changes the cover of a finished file by its fileId, with a signature of a new upload."""
    page = sdk_page(version)
    page.open(make_file("covered.mp4", 1000))
    file_id = page.upload(request={"policy": "default"})["fileId"]
    page.choose(None, COVER)
    for position, raised in (("silent", 0), ("event", 1)):
        page.switch(coverChange=position)
        before = page.counters()["EventPushed"]
        outcome = page.upload(request={"policy": "default"}, options={"fileId": file_id})

        assert digest_at(outcome["coverUrl"]) == digest_of_file(COVER)
        assert page.counters()["EventPushed"] - before == raised
