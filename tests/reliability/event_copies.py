"""Thousands of events of many uploads, each in several copies.

Everything is derived from a seed, so that every process can generate the same.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from shared.domain.app_event import PULL, PUSH
from shared.domain.session import UploadState
from shared.domain.upload_id import new_upload_id
from shared.vod.notification import notification_from_pull, parse_notification
from tests.shared.service import token_of
from tests.shared.uploads import NOW, changed, new_session, uploaded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.domain.session import UploadSession
    from shared.vod.notification_types import EventNotification

MOST_COPIES = 10
WEEK_SECONDS = 7 * 86_400
USERS = 500
STEPS = (5, 20, 45, 70, 95)

Ending = Literal["no task flow", "SUCCESS", "FAIL", "second file"]
_ENDINGS: tuple[Ending, ...] = ("no task flow", "SUCCESS", "SUCCESS", "FAIL", "second file")
_STATES = {"SUCCESS": UploadState.READY, "FAIL": UploadState.FAILED}


@dataclass(frozen=True)
class Story:
    """One upload, all the events VOD sends about it, and the state they lead to in any order."""

    session: UploadSession
    events: Sequence[dict[str, Any]]
    state: UploadState


@dataclass(frozen=True)
class Week:
    """The stories, every event once, and its copies: each with its origin and the second of its receipt."""

    stories: Sequence[Story]
    events: Sequence[dict[str, Any]]
    copies: Sequence[tuple[dict[str, Any], str, int]]


def week(count: int, *, seed: int) -> Week:
    """Generate so many events, 1 to 10 copies of each, shuffled; one in twenty is about no upload of ours."""
    choose = random.Random(seed)  # noqa: S311  # to be repeatable is the point
    # Of the console or the server API: with a foreign context or none.
    events: list[dict[str, Any]] = [
        uploaded(f"order-{number}" if number % 2 else "", file_id=f"66{number:017}")
        for number in range(count // 20)
    ]
    stories: list[Story] = []
    while len(events) < count:
        stories.append(_story(len(stories), choose, most=count - len(events)))
        events += stories[-1].events
    # What VOD says in a pull takes the place of what was only pushed, so an upload's events come by one way.
    together = [*([event] for event in events[: count // 20]), *(story.events for story in stories)]
    copies = [
        (event, origin, NOW + choose.randrange(WEEK_SECONDS))
        for of_one in together
        for origin in [choose.choice((PUSH, PULL))]
        for event in of_one
        for _ in range(choose.randint(1, MOST_COPIES))
    ]
    choose.shuffle(copies)
    return Week(stories, events, copies)


def notification_in(event: dict[str, Any], origin: str, number: int) -> EventNotification:
    """Parse an event as received: a push omits nulls and is signed, a pull has nulls and a handle."""
    if origin == PUSH:
        return parse_notification(json.dumps({**event, "Sign": f"{number:032x}", "T": NOW + number}).encode())
    return notification_from_pull({**event, "EventHandle": f"handle-{number}", "FileDeleteEvent": None})


def _story(number: int, choose: random.Random, *, most: int) -> Story:
    session = new_session(f"user-{number % USERS}")._replace(upload_id=new_upload_id(now=NOW, random=number))
    token, file_id = token_of(session), f"55766780{number:011}"
    task_id = f"1500012345-Procedure-{number:032x}t0"
    ending = choose.choice(_ENDINGS)
    if ending in _STATES and most > len(STEPS) + 1:
        reached: dict[str, Any] = {"status": "PROCESSING", "subtask": "PROCESSING"}
        events: list[dict[str, Any]] = [changed(token, file_id=file_id, subtask=ending)]
        events += [changed(token, file_id=file_id, progress=step, **reached) for step in STEPS]
        for event in events:
            event["ProcedureStateChangeEvent"]["TaskId"] = task_id
        events.append(uploaded(token, file_id=file_id, task_id=task_id))
        return Story(session, events, _STATES[ending])
    events = [uploaded(token, file_id=file_id)]
    if ending == "second file" and most > 1:
        events.append(uploaded(token, file_id=f"{file_id}2"))
    elif ending == "no task flow" and most > 1:
        # A type that nobody here has heard of: it moves no state, and counts.
        news = {"FileId": file_id, "SessionContext": token, "Rating": number}
        events.append({"EventType": "SomethingNew", "SomethingNewEvent": news})
    return Story(session, events, UploadState.UPLOADED)
