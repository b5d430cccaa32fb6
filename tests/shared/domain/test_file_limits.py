"""Compare a real file with its policy's limits, and report violations to the app (F12)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import redis

from shared.domain.app_event import PULL, PUSH, RECONCILED, to_json
from shared.domain.file_limits import FileLimits, LimitViolation, read_limits, violations_of, write_limits
from shared.domain.upload_representation import upload_answer
from shared.vod.notification_types import FileUpload
from tests.shared.service import Clock, Service, token_of
from tests.shared.uploads import FILE_ID, OTHER_FILE_ID, new_session, uploaded
from tests.shared.vod_records import META_DATA, Records

if TYPE_CHECKING:
    from shared.domain.ingested_event import IngestedEvent
    from shared.domain.session import UploadSession

STRICT = FileLimits(max_file_size=100, max_duration=60, file_types=("mp4", "mov"))
FITTING = FileUpload(size=100, duration=60.0, media_type="mp4")


@pytest.mark.parametrize(
    ("changes", "violations"),
    [
        ({}, ()),
        ({"size": 1, "duration": 0.0, "media_type": "MOV"}, ()),
        ({"duration": 60.9}, ()),
        ({"size": 101}, (LimitViolation("maxFileSize", 100, 101),)),
        ({"duration": 61.0}, (LimitViolation("maxDuration", 60, 61.0),)),
        ({"media_type": "exe"}, (LimitViolation("fileTypes", ("mp4", "mov"), "exe"),)),
        (
            {"size": 2**62, "media_type": "mp4x"},
            (LimitViolation("maxFileSize", 100, 2**62), LimitViolation("fileTypes", ("mp4", "mov"), "mp4x")),
        ),
        ({"size": None, "duration": 61.0}, (LimitViolation("maxDuration", 60, 61.0),)),
        ({"size": None}, None),
        ({"duration": None}, None),
        ({"media_type": ""}, None),
    ],
)
def test_file_is_held_against_the_limits(
    changes: dict[str, Any], violations: tuple[LimitViolation, ...] | None
) -> None:
    """Each limit that it is beyond is named; what VOD does not tell makes the answer unknown."""
    assert violations_of(STRICT, FITTING._replace(**changes)) == violations


def test_nothing_is_beyond_no_limit() -> None:
    """A policy without limits accepts any file, also one of unknown size."""
    assert violations_of(FileLimits(), FileUpload()) == ()
    assert violations_of(None, FITTING) is None


@pytest.mark.parametrize("limits", [STRICT, FileLimits(), FileLimits(max_duration=1)])
def test_limits_survive_being_kept(limits: FileLimits) -> None:
    """Limits are read back as they were stored."""
    assert read_limits(write_limits(limits)) == limits


@pytest.fixture
def service(valkey_url: str) -> Service:
    """Return a deployment with the read-back on."""
    changes = {"READ_BACK": "on", "APP_WEBHOOK_URL": "https://app.example.test/hook"}
    return Service(valkey_url, changes, Clock())


@pytest.fixture
def session(service: Service) -> UploadSession:
    """Begin an upload under a policy that limits size and type."""
    session = new_session()
    limits = FileLimits(max_file_size=META_DATA["Size"] - 1, file_types=("mp4",))  # type: ignore[arg-type]  # a whole number
    return service.begin(session._replace(grant=session.grant._replace(limits=limits)))


def big(token: str, file_id: str = FILE_ID) -> dict[str, Any]:
    """Return the event of a file that is one byte too large, as VOD itself reports it."""
    event: dict[str, Any] = uploaded(token, file_id=file_id)
    event["FileUploadEvent"]["MetaData"] = META_DATA
    return event


def violations_reported(ingested: IngestedEvent) -> object:
    """Return the violations that the app receives."""
    data: Any = to_json(ingested.event)["data"]
    return data["breaches"]


TOO_LARGE = [{"limit": "maxFileSize", "allowed": META_DATA["Size"] - 1, "actual": META_DATA["Size"]}]


@pytest.mark.parametrize("origin", [PUSH, PULL, RECONCILED])
def test_app_is_told_of_a_violation(service: Service, session: UploadSession, origin: str) -> None:
    """However the event comes: the size is VOD's own, whatever was declared or pushed; and so later."""
    token = token_of(session)
    ingested = service.ingest(uploaded(token) if origin == PUSH else big(token), origin)
    if origin == PUSH:
        ingested = service.verify(ingested, Records({FILE_ID: token}))

    assert violations_reported(ingested) == TOO_LARGE
    assert to_json(service.recall_due().event) == to_json(ingested.event)


def test_owner_is_told_as_well(service: Service, session: UploadSession) -> None:
    """From what is kept of the file, whatever the app makes of it."""
    service.ingest(big(token_of(session)))

    found = service.find(session)

    assert (found.size, found.duration, found.media_type) == (META_DATA["Size"], 120.04, "mp4")
    assert upload_answer(found, now=int(service.clock()))["breaches"] == TOO_LARGE


def test_second_file_is_held_against_the_same_limits(service: Service, session: UploadSession) -> None:
    """A signature that was used twice lets through twice, and is told twice."""
    token = token_of(session)
    service.ingest(uploaded(token))

    ingested = service.ingest(big(token, OTHER_FILE_ID))

    assert ingested.event.type == "upload.replayed"
    assert violations_reported(ingested) == TOO_LARGE


def test_file_within_its_limits_has_no_violation(service: Service, session: UploadSession) -> None:
    """Then the list is there, and empty."""
    event = big(token_of(session))
    event["FileUploadEvent"]["MetaData"] = {"Size": 1}

    assert violations_reported(service.ingest(event)) == []


def test_limits_that_are_not_known_are_not_called_kept(service: Service, session: UploadSession) -> None:
    """Without the upload's record, and of an upload from the console, the violations are unknown."""
    with redis.Redis.from_url(service.redis_url) as client:
        client.flushall()

    ingested, foreign = service.ingest(big(token_of(session))), service.ingest(big("order-7781"))

    assert (ingested.event.uploader is None, foreign.event.uploader is None) == (False, True)
    assert violations_reported(ingested) is violations_reported(foreign) is None
