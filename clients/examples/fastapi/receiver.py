"""Receive events with FastAPI: WEBHOOK_SECRET=whsec_… uvicorn receiver:app --port 3000."""

import os

from fastapi import FastAPI, Request, Response
from vod_upload_events import EventVerifier, VerificationError

app = FastAPI()
events = EventVerifier(os.environ["WEBHOOK_SECRET"])
done: set[str] = set()  # in your database: a unique column


# The request itself and no model as a parameter: a model would take the body before it is verified.
@app.post("/webhook")
async def receive(request: Request) -> Response:
    """Do the work of an event once for its id."""
    try:
        event = events.verify(await request.body(), request.headers)
    except VerificationError:
        return Response(status_code=401)
    if event["id"] not in done:
        done.add(event["id"])
        data = event["data"]
        print(event["type"], data["uploader"], data["context"], data["verified"], flush=True)
    return Response(status_code=204)
