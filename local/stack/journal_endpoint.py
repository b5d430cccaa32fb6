"""GET /local/journal and POST /local/journal/ID/retry: what became of events, and sending one again."""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.operator.event_store import EventQuery, OperatorStore
from local.operator.events_listing import summary_of
from local.operator.events_retry import Retry
from local.operator.store_choice import chosen_store
from local.stack.problems import problem
from shared.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request

    from local.operator.events_retry import RetryReport

SHOWN = 50


def journal_routes(environment: Mapping[str, str], clock: Callable[[], float]) -> list[Route]:
    """Return the routes; `environment` names the store of the functions, `clock` gives Unix seconds."""
    store = OperatorStore(*chosen_store(environment))
    # The store's one connection answers one request at a time.
    turn = asyncio.Lock()

    def newest() -> list[dict[str, object]]:
        found = [event.at for event in islice(store.find(EventQuery()), SHOWN)]
        return [summary_of(event) for event in store.read(found)]

    def revive(event_id: str) -> RetryReport:
        return Retry(store, int(clock()), dry_run=False).run_by_id([event_id])

    async def show(_request: Request) -> Response:
        """Return the newest events of the journal, as `events list --json` has them, without their bytes."""
        try:
            async with turn:
                return JSONResponse(await run_in_threadpool(newest))
        except ServiceError as error:
            return problem(error.status, error.detail)

    async def retry(request: Request) -> Response:
        """Schedule one event for now, as `events retry ID --yes` does; 409 says why that is not possible."""
        try:
            async with turn:
                report = await run_in_threadpool(revive, request.path_params["event_id"])
        except ServiceError as error:
            return problem(error.status, error.detail)
        if not report.complete:
            return problem(409, " ".join(report.complaints()))
        return JSONResponse(report.document())

    return [
        Route("/local/journal", show),
        Route("/local/journal/{event_id}/retry", retry, methods=["POST"]),
    ]
