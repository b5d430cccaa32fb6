"""Tail VOD's lists of media by creation time: every file of ours that the journal lacks is ingested.

Each sub-application's list is read twice, however many uploads there are. The first pass follows the clock at
the distance that VOD's index may be behind. The second finds what the first could not see: whether a file's
CreateTime is that of its Apply or of its Commit is undocumented, and between them the upload takes its time.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, NamedTuple, Protocol

from shared.domain.app_event import RECONCILED
from shared.domain.event_status import IngestOutcome
from shared.domain.ingested_event import Source, journal_name
from shared.domain.list_position import ListPosition, TailLease
from shared.domain.upload_id import made_at
from shared.errors import VodApiError
from shared.flows.settle_event import has_flow
from shared.flows.verify_event import started_under, upload_event
from shared.vod.context_token import UploadContext, unseal
from shared.vod.lenient_json import as_object, as_text
from shared.vod.notification import notification_from_pull

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Mapping, Sequence

    from shared.flows.ingest_event import Ingester

    Media = Mapping[str, object]

INDEX_SECONDS = 2400
"""Younger files are not listed: VOD's index may not have them, and their events be under verification."""
AHEAD_SECONDS = 300
"""A run lists all files older than INDEX_SECONDS and this, and fills its last page with younger ones."""
FIRST_PASS_SECONDS = INDEX_SECONDS + AHEAD_SECONDS
LATER_SECONDS = 86_400
"""The second pass comes so long, and the time of an upload session, after the first."""
API_SECONDS = 5.0


class MediaList(Protocol):
    """The calls of the VOD API that tailing needs."""

    def uploads_created(
        self, *, after: str, before: str, offset: int, sub_app_id: int | None, timeout_seconds: float
    ) -> tuple[dict[str, object], ...]:
        """List one page of the media uploaded between two instants, the oldest first."""

    def tasks_of_file(
        self, file_id: str, *, sub_app_id: int | None, timeout_seconds: float
    ) -> tuple[dict[str, object], ...]:
        """List the tasks about a file, the oldest first."""


class _Tail(NamedTuple):
    """One pass through the list of one sub-application.

    It stays `distance` seconds behind the clock, and begins `begins` seconds behind it.
    """

    sub_app_id: int | None
    number: int
    distance: int
    begins: int

    @property
    def name(self) -> str:
        return f"{self.sub_app_id or 'own'}:{self.number}"


class UploadTails(NamedTuple):
    """One run through the lists of media, which counts in `figures` what it finds."""

    ingester: Ingester
    media_list: MediaList
    clock: Callable[[], float]
    new_lease: Callable[[], str]
    deadline: float
    figures: Counter[str]

    def run(self) -> dict[int | None, int]:
        """Read every list on.

        Returns until which creation time (Unix seconds) the first pass has read, by sub-application.

        Raises:
            StoreUnavailableError: the store did not answer; what was read since the last page is read again.

        """
        store, session_seconds = self.ingester.store, self.ingester.settings.upload_session_seconds
        begins = max(FIRST_PASS_SECONDS, session_seconds)
        later = FIRST_PASS_SECONDS + session_seconds + LATER_SECONDS
        applications = (None, *store.tailed_applications(now=int(self.clock())))
        self.figures.update(listed=0, crowded=0, behindSeconds=0)
        tails = [_Tail(it, 1, FIRST_PASS_SECONDS, begins) for it in applications]
        tails += [_Tail(it, 2, later, later) for it in applications]
        listed_until = {}
        for place, tail in enumerate(tails):
            # An equal share for each and for what follows: none waits for the backlog of another.
            share = (self.deadline - self.clock()) / (len(tails) - place + 1)
            position = self._read_on(tail, deadline=self.clock() + share)
            if tail.number == 1:
                listed_until[tail.sub_app_id] = position.second
        return listed_until

    def _read_on(self, tail: _Tail, *, deadline: float) -> ListPosition:
        """Read one list on, until it has reached its distance or the time is up."""
        store, now = self.ingester.store, int(self.clock())
        until = now - tail.distance
        lease = TailLease(self.new_lease(), int(deadline + 2 * API_SECONDS))
        first = ListPosition(now - tail.begins)
        taken, numbers = store.take_tail(tail.name, first=first, now=now, lease=lease)
        position = ListPosition(*numbers)
        try:
            while taken and position.second <= until and self.clock() < deadline:
                following = self._read_page(tail, position, before=until + AHEAD_SECONDS, deadline=deadline)
                if following == position:
                    break
                position = following
                taken = store.move_tail(tail.name, position, lease=lease)
        except VodApiError:
            self.figures["unanswered"] += 1
        if taken:
            store.move_tail(tail.name, position, lease=lease._replace(ends_at=0))
        self.figures["behindSeconds"] = max(self.figures["behindSeconds"], until - position.second)
        return position

    def _read_page(
        self, tail: _Tail, position: ListPosition, *, before: int, deadline: float
    ) -> ListPosition:
        """Ingest what one page has; return the position after it, or the same if the time did not suffice."""
        page = self.media_list.uploads_created(
            after=_iso(position.second),
            before=_iso(before),
            offset=position.offset,
            sub_app_id=tail.sub_app_id,
            timeout_seconds=API_SECONDS,
        )
        self.figures["listed"] += len(page)
        for count, (media, context) in enumerate(self._missed(tail, page)):
            if count > 0 and self.clock() >= deadline:
                return position
            event = notification_from_pull(upload_event(media, self._tasks(context, media)))
            ingested = self.ingester.ingest(event, Source(RECONCILED, int(self.clock()), self.new_lease()))
            self.figures["reconciled"] += ingested.journaled.outcome is not IngestOutcome.DUPLICATE
        created = [_created_at(media) for media in page]
        self.figures["crowded"] += position.is_crowded(created)
        return position.after(created, before=before)

    def _missed(self, tail: _Tail, page: Sequence[Media]) -> list[tuple[Media, UploadContext]]:
        """Return the files of our uploads of which the journal does not have VOD's own event."""
        settings = self.ingester.settings
        kept_since = int(self.clock()) - settings.retention_seconds
        ours, names = [], []
        for media in page:
            context = unseal(_token_in(media), keys=settings.context_keys, stage=settings.stage)
            # Of an older upload the journal may have forgotten that its event was delivered.
            if (
                isinstance(context, UploadContext)
                and context.vod_sub_app_id == tail.sub_app_id
                and made_at(context.upload_id) > kept_since
            ):
                ours.append((media, context))
                names.append((context.user_id, journal_name(notification_from_pull(upload_event(media, {})))))
        known = self.ingester.store.are_verified(names) if names else []
        return [one for one, is_known in zip(ours, known, strict=True) if not is_known]

    def _tasks(self, context: UploadContext, media: Media) -> dict[str, str]:
        """Query which tasks an upload started, which the list of media lacks: task ids by kind."""
        if has_flow(self.ingester.store, context) is False:
            return {}
        try:
            tasks = self.media_list.tasks_of_file(
                as_text(media.get("FileId")),
                sub_app_id=context.vod_sub_app_id,
                timeout_seconds=API_SECONDS,
            )
        except VodApiError:
            # The upload itself is certain, and must not wait for its task flow.
            return {}
        return started_under(_token_in(media), tasks)


def _token_in(media: Media) -> str:
    source = as_object(as_object(media.get("BasicInfo")).get("SourceInfo"))
    return as_text(source.get("SourceContext"))


def _created_at(media: Media) -> int:
    """Return the time of creation (Unix seconds); 0 if it cannot be read."""
    text = as_text(as_object(media.get("BasicInfo")).get("CreateTime"))
    try:
        return int(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp())
    except ValueError:
        return 0


def _iso(instant: int) -> str:
    return datetime.fromtimestamp(instant, tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
