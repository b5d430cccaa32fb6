"""1,000 files beyond their policies, under faults: each is dealt with and told once, no other is touched."""

from __future__ import annotations

import json
import random
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from local.simulator.database import Database
from local.simulator.faults import Fault
from local.simulator.media import Media
from shared.domain.file_limits import FileLimits
from shared.domain.rate_limits import UploadLimits
from shared.flows.enforce_limits import LONGEST_PAUSE_SECONDS, LimitEnforcement
from shared.flows.ingest_event import Ingester
from tests.reliability.many_uploads import VodLibrary
from tests.shared.service import Clock, Service, new_lease, token_of
from tests.shared.uploads import NOW, new_session

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.domain.session import UploadSession
    from tests.local.simulator.account import Account
    from tests.reliability.app_receiver import AppReceiver

pytestmark = pytest.mark.reliability

SEED = 20_261_127
DAY = 86_400
LARGE, SMALL = FileLimits(max_file_size=1 << 40), FileLimits(max_file_size=1)
KINDS: dict[str, tuple[int, str, str]] = {
    "forbidden": (500, "forbid", "forbidden"),
    "deleted": (350, "delete", "deleted"),
    "late": (50, "delete", "forbidden"),
    "further": (50, "delete", "forbidden"),
    "archived": (50, "forbid", "none"),
    "within": (100, "delete", ""),
    "reported": (100, "report", ""),
    "foreign": (50, "forbid", ""),
}
"""How many files of each kind there are, what their policy says, and what is done with them."""


class KilledError(BaseException):
    """The process of a run is gone."""


class Mortal:
    """An adapter in which one call in thirty kills the run, before it or after it."""

    def __init__(self, adapter: object, source: random.Random) -> None:
        self._adapter, self._source = adapter, source

    def __getattr__(self, name: str) -> object:
        """Return a call of the adapter."""
        call: Callable[..., object] = getattr(self._adapter, name)
        if name == "key_of":
            return call

        def mortal(*arguments: object, **options: object) -> object:
            fate = self._source.randrange(60)
            if fate == 0:
                raise KilledError
            result = call(*arguments, **options)
            if fate == 1:
                raise KilledError
            return result

        return mortal


class Violations:
    """The files of VOD, with the kind of each, and a deployment that looks after them."""

    def __init__(self, vod: Account, redis_url: str, app: AppReceiver) -> None:
        self.clock = Clock(NOW)
        changes = {"VOD_API_URL": vod.url, "READ_BACK": "on", "APP_WEBHOOK_URL": app.url}
        self.service = Service(redis_url, {**changes, "DELIVERY_RATE": "10000"}, self.clock, self.clock.move)
        self.vod, self.app = vod, app
        self.source = random.Random(SEED)  # noqa: S311  # to be repeatable is the point
        self.kind_of: dict[str, str] = {}
        self.audited: list[dict[str, Any]] = []
        self._database = vod.settings.folder / "simulator.sqlite3"
        sessions = [
            (kind, self._begin(kind, number, measure))
            for kind, (count, measure, _) in KINDS.items()
            for number in range(count)
        ]
        tokens = {session.upload_id: token_of(session) for _, session in sessions}
        uploads = VodLibrary(vod).finish_uploads(tokens)
        self._events = []
        for (kind, session), upload in zip(sessions, uploads, strict=True):
            media = upload.media
            self.kind_of[media.file_id] = kind
            if kind == "further":
                self.service.ingest({**upload.event, "FileUploadEvent": _first_file(session)})
            if kind == "archived":
                self._store(replace(media, storage_class="ARCHIVE"))
            if kind == "foreign":
                self._store(replace(media, source_context=""))
            self._events.append((session.ends_at + 1 if kind == "late" else NOW, upload.event))

    def _begin(self, kind: str, number: int, measure: str) -> UploadSession:
        session = new_session(f"{kind} {number}", issued_at=NOW)
        limits = LARGE if kind == "within" else SMALL
        grant = session.grant._replace(limits=limits, on_violation=measure)
        session = session._replace(grant=grant)
        randoms = (self.source.randrange(1 << 32),)
        self.service.store.begin_upload(session, randoms=randoms, now=NOW, limits=UploadLimits(100_000))
        return session

    def _store(self, media: Media) -> None:
        with closing(Database(self._database)) as database, database.transaction():
            change = "UPDATE media SET document = ? WHERE file_id = ?"
            database.change(change, json.dumps(vars(media)), media.file_id)

    def tell(self) -> None:
        """Bring the event of each file once to three times, in any order; those that are late at last."""
        copies = [copy for copy in self._events for _ in range(self.source.randint(1, 3))]
        self.source.shuffle(copies)
        for at, event in sorted(copies, key=lambda copy: copy[0] > NOW):
            self.clock.now = max(self.clock.now, at)
            self.service.ingest(event)

    def enforce(self) -> None:
        """Run as the timer does, until it has nothing left or dies."""
        service = self.service
        parts = (service.enforcements, service.store, service.vod_api)
        files, store, api = (Mortal(it, self.source) for it in parts)
        run = LimitEnforcement(
            store=files,  # type: ignore[arg-type]
            ingester=Ingester(store, self.service.settings),  # type: ignore[arg-type]
            library=api,  # type: ignore[arg-type]
            clock=self.clock,
            new_lease=new_lease,
            deadline=self.clock() + 53,
            audit=lambda **fields: self.audited.append(fields),
            grace_seconds=DAY,
            dry_run=False,
        )
        try:
            run.run()
        except KilledError:
            # So long what it had taken is nobody else's.
            self.clock.move(LONGEST_PAUSE_SECONDS)

    def left(self) -> int:
        """Return the number of files that are still to be looked at, now or later."""
        return self.service.store.due_enforcements(now=int(self.clock() + 10 * DAY))

    def done(self) -> dict[str, str]:
        """Return what has become of each file in VOD, if anything."""
        with closing(Database(self._database)) as database:
            rows = database.rows("SELECT document FROM media")
        kept = {media.file_id: media for media in (Media(**json.loads(row[0])) for row in rows)}
        words = {"Normal": "", "Forbidden": "forbidden"}
        return {
            file_id: words[kept[file_id].status] if file_id in kept else "deleted" for file_id in self.kind_of
        }

    def told(self) -> dict[str, list[str]]:
        """Deliver what is due; return what the app was told of each file, by distinct ids."""
        self.clock.move(60)
        self.service.delivery_run(seconds=10_000).run()
        bodies = {request.headers["webhook-id"]: json.loads(request.body) for request in self.app.received}
        told: dict[str, list[str]] = {file_id: [] for file_id in self.kind_of}
        for body in bodies.values():
            if body["type"] == "upload.rejected":
                assert body["data"]["breaches"][0]["limit"] == "maxFileSize"
                told[body["data"]["fileId"]].append(body["data"]["action"])
        return told


def _first_file(session: UploadSession) -> dict[str, object]:
    """Return what an event tells of another file of an upload, that is within all limits."""
    source = {"SourceType": "Upload", "SourceContext": token_of(session)}
    return {
        "FileId": f"1{session.user_id.rpartition(' ')[2]:0>18}",
        "MediaBasicInfo": {"Type": "mp4", "SourceInfo": source},
        "MetaData": {"Size": 1},
    }


@pytest.mark.usefixtures("patient_store")
def test_thousand_files_beyond_their_policies_are_each_dealt_with_and_told_once(
    vod: Account, valkey_url: str, app: AppReceiver
) -> None:
    """VOD errs and refuses; runs die before and after any call; events come in copies and in any order."""
    violations = Violations(vod, valkey_url, app)
    violations.tell()
    faults = [
        Fault(action, kind, probability=0.05)
        for action in ("DescribeMediaInfos", "ForbidMediaDistribution", "DeleteMedia")
        for kind in ("error", "refuse")
    ]
    vod.simulator.faults.set(faults, seed=SEED)

    for _ in range(500):
        violations.enforce()
        violations.clock.move(LONGEST_PAUSE_SECONDS)
        if not violations.left():
            break
    vod.simulator.faults.set([])

    assert violations.left() == 0
    done, told = violations.done(), violations.told()
    for file_id, kind in violations.kind_of.items():
        action = KINDS[kind][2]
        assert done[file_id] == ("" if action == "none" else action), kind
        assert told[file_id] == ([action] if action else []), kind
    assert sum(map(bool, told.values())) == 1000
    assert {line["fileId"] for line in violations.audited} == {file_id for file_id in told if told[file_id]}
