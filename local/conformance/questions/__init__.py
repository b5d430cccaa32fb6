"""All questions, in the order in which they are asked: what costs nothing comes first."""

from __future__ import annotations

from local.conformance.questions import (
    commits,
    media,
    one_time,
    pulled_events,
    pushed_events,
    server_api,
    sessions,
    signatures,
    storage,
    tasks,
    uploads,
)

QUESTIONS = (
    *signatures.QUESTIONS,
    *sessions.QUESTIONS,
    *one_time.QUESTIONS,
    *storage.QUESTIONS,
    *server_api.QUESTIONS,
    *uploads.QUESTIONS,
    *commits.QUESTIONS,
    *media.QUESTIONS,
    *tasks.QUESTIONS,
    *pulled_events.QUESTIONS,
    *pushed_events.QUESTIONS,
)
