"""An event that tells of another cover of a known file is told once, as `upload.cover_changed`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from shared.domain.app_event import PULL, PUSH, RECONCILED
from shared.domain.session import UploadState
from tests.shared.service import client_of, token_of
from tests.shared.uploads import FILE_ID, OTHER_FILE_ID, changed, new_session, uploaded

if TYPE_CHECKING:
    from shared.domain.session import UploadSession
    from tests.shared.flows.world import World

HOST = "1500012345.vod-example.test"


def cover(letter: str, *, scheme: str = "https") -> str:
    """Return the address of a cover; `-` is none."""
    return "" if letter == "-" else f"{scheme}://{HOST}/{FILE_ID}/{letter}.png"


@dataclass
class Case:
    """A file of an upload, and what VOD and others say of its cover."""

    world: World
    session: UploadSession = field(default_factory=new_session)
    token: str = ""

    def __post_init__(self) -> None:
        """Begin the upload, and let VOD have its file."""
        self.token = self.token or token_of(self.world.begin(self.session))
        self.world.vod.kept[FILE_ID] = self.token

    def event(self, letter: str, *, file_id: str = FILE_ID, **parts: str) -> dict[str, Any]:
        """Return VOD's event about the file with this cover."""
        event = uploaded(self.token, file_id=file_id, **parts)
        event["FileUploadEvent"]["MediaBasicInfo"]["CoverUrl"] = cover(letter)
        return event

    def take(self, step: str) -> None:
        """Take one step: a word, and the letter of a cover."""
        word, _, letter = step.partition(" ")
        vod, world = self.world.vod, self.world
        if word == "vod":
            vod.covers[FILE_ID] = cover(letter)
        elif word == "list":
            world.deliver(self.event(letter), RECONCILED)
        elif word == "legacy":
            content = {"fileId": FILE_ID, "fileUrl": "", "sourceContext": self.token}
            content["coverUrl"] = cover(letter, scheme="http")
            world.deliver({"version": "4.0", "eventType": "NewFileUpload", "data": content}, PUSH)
        elif word == "believed":
            world.with_settings(READ_BACK="off").deliver(self.event(letter), PUSH)
        elif word == "lose":
            self.change_store(f"*:upload:{self.session.upload_id}")
        elif word == "older":
            self.change_store("*:event:*", letter)
        else:
            world.deliver(self.event(letter), {"push": PUSH, "pull": PULL}[word])

    def change_store(self, keys: str, contents: str | None = None) -> None:
        """Delete the records of these names, or have them as an earlier release kept versions; `-`: not."""
        with client_of(self.world.redis_url) as client:
            for key in client.scan_iter(keys):
                if contents is None:
                    client.delete(key)
                elif contents == "-":
                    client.hdel(key, "contents")
                else:
                    client.hset(key, "contents", "")

    def told(self) -> list[str]:
        """Return what the app has heard: the event's type, and the letter of the cover."""
        told = self.world.told()
        assert len({it["id"] for it in told}) == len(told)
        covers = [it["data"]["coverUrl"] or "/-.png" for it in told]
        letters = [at.rpartition("/")[2].removesuffix(".png") for at in covers]
        return [f"{it['type'].rpartition('.')[2]} {at}" for it, at in zip(told, letters, strict=True)]


CASES = {
    # The same event, however often and by whichever way.
    "vod A, push A, push A, pull A": "completed A",
    "vod A, pull A, push A, pull A": "completed A",
    "vod A, legacy A, push A, pull A": "completed A",
    "vod A, push A, legacy A": "completed A",
    # Another cover.
    "vod A, push A, vod B, push B, push B, push A, pull B": "completed A, cover_changed B",
    "pull A, pull B, pull B, pull A, pull C": "completed A, cover_changed B, cover_changed C",
    "vod A, push A, vod B, legacy B, push B": "completed A, cover_changed B",
    "vod A, push A, pull B": "completed A, cover_changed B",
    "pull A, vod B, push B, pull B": "completed A, cover_changed B",
    "vod -, push -, vod B, push B": "completed -, cover_changed B",
    "pull -, pull B": "completed -, cover_changed B",
    "pull B, pull -": "completed B",
    # The cover P is made by a task flow, of which no NewFileUpload tells.
    "vod -, push -, vod P, push -, pull -": "completed -",
    "vod A, push A, vod P, push A, pull A": "completed A",
    "vod P, push -, push -": "completed P",
    "vod P, push A, push A": "completed P",
    "pull -, vod P, push -, pull B": "completed -, cover_changed B",
    # VOD's list of files tells of no change, and the first event that is pulled after it is the missed one.
    "vod -, push -, list P, push -": "completed -",
    "pull A, list P, pull A": "completed A",
    "list -, list P": "completed -",
    "vod P, list P, push -, push A": "completed P",
    "list P, pull A, pull B": "completed P, cover_changed B",
    "list A, pull A, pull B": "completed A, cover_changed B",
    "list A, vod B, push B": "completed A, cover_changed B",
    # A pusher lies (L): what VOD says is told, if it is not yet.
    "vod A, push L, push A, push L": "completed A",
    "vod A, push A, push L": "completed A",
    "vod -, push -, vod P, push L, push M": "completed -, cover_changed P",
    "believed A, believed B": "completed A",
    "believed A, pull B, believed C, pull D": "completed A, completed B, cover_changed D",
    "pull A, believed B": "completed A",
    # The upload's record is lost.
    "pull A, lose, pull B": "completed A, cover_changed B",
    # Records of releases that compared no covers, and of those that had no versions.
    "vod A, push A, older, push A, pull A, pull B, vod C, push C": "completed A",
    "vod A, push A, older -, push A, pull A, pull B, vod C, push C": "completed A",
}


@pytest.mark.no_cover  # the tracer takes as long as the test
@pytest.mark.parametrize(("steps", "told"), CASES.items())
def test_changed_cover_is_told_once(world_of_copies: World, steps: str, told: str) -> None:
    """Never is the upload completed twice, and the session has the cover that was told last."""
    case = Case(world_of_copies)
    if "older" in steps and not world_of_copies.settings.delivered_retention_seconds:
        pytest.skip("An earlier release kept the record.")
    for step in steps.split(", "):
        case.take(step)
        world_of_copies.clock.move(1)

    assert ", ".join(case.told()) == told
    assert (world_of_copies.find(case.session).cover_url or cover("-")) == cover(told[-1])
    assert world_of_copies.state(case.session) is UploadState.UPLOADED


@pytest.mark.parametrize("steps", ["vod A, push A, vod B, push B, push L, push A", "pull A, pull B, push A"])
def test_cover_of_a_file_made_without_us_is_told_in_vods_words(world: World, steps: str) -> None:
    """The app gets another `vod.NewFileUpload`, once, with an id of its own."""
    case = Case(world, token="order-7781")
    for step in steps.split(", "):
        case.take(step)

    assert case.told() == ["NewFileUpload A", "NewFileUpload B"]
    assert [it["data"]["verified"] for it in world.received] == [True, True]


def test_change_counts_as_an_event_of_its_upload(world: World) -> None:
    """It is in sequence, verified, never late, and leaves all but the cover as it was."""
    case = Case(world)
    case.take("pull A")
    before = world.find(case.session)
    world.clock.move(100_000)
    case.take("pull B")

    content = world.received[1]["data"]
    assert {name: content[name] for name in ("verdict", "sequence", "verified", "uploader", "fileId")} == {
        "verdict": "cover_changed",
        "sequence": 2,
        "verified": True,
        "uploader": "alice",
        "fileId": FILE_ID,
    }
    after = world.find(case.session)
    assert {name for name, value in after._asdict().items() if value != getattr(before, name)} == {
        "cover_url",
        "updated_at",
        "sequence",
    }


def test_cover_of_a_further_file_is_not_that_of_the_upload(world: World) -> None:
    """It is told as changed, and the upload keeps the cover of its own file."""
    case = Case(world)
    case.take("pull A")
    for letter in "BC":
        world.deliver(case.event(letter, file_id=OTHER_FILE_ID), PULL)

    assert case.told() == ["completed A", "replayed B", "cover_changed C"]
    assert world.find(case.session).cover_url == cover("A")


def test_task_flow_is_checked_as_planned_after_a_change(world: World) -> None:
    """The event of a changed cover need not name the task flow, whose end is still waited for."""
    case = Case(world)
    flow = changed(case.token)["ProcedureStateChangeEvent"]["TaskId"]
    world.deliver(case.event("A", task_id=flow), PULL)
    planned = world.checks()
    world.clock.move(10)
    case.take("pull B")

    assert planned
    assert world.checks() == planned


@pytest.mark.parametrize(("origin", "told"), [(PUSH, []), (PULL, ["completed B"])])
def test_event_with_the_context_of_who_changed_the_cover(world: World, origin: str, told: list[str]) -> None:
    """The file's own context is VOD's word: a push that names another is quarantined, a pull believed."""
    owners = Case(world)
    owners.take("pull A")
    others = Case(world, new_session("mallory"))
    world.vod.kept[FILE_ID] = owners.token

    assert (world.deliver(others.event("B"), origin) == "quarantined") is (origin == PUSH)
    assert owners.told() == ["completed A", *told]
    assert world.find(owners.session).cover_url == cover("A")
