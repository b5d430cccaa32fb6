"""Receive events with Django: WEBHOOK_SECRET=whsec_… python receiver.py runserver 3000."""

import os
import sys

from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from vod_upload_events import EventVerifier, VerificationError

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY=os.urandom(32).hex())
events = EventVerifier(os.environ["WEBHOOK_SECRET"])
done: set[str] = set()  # in your database: a unique column


# The signature takes the place of Django's own protection, which would answer 403.
@csrf_exempt
@require_POST
def receive(request: HttpRequest) -> HttpResponse:
    """Do the work of an event once for its id."""
    try:
        event = events.verify(request.body, request.headers)
    except VerificationError:
        return HttpResponse(status=401)
    if event["id"] not in done:
        done.add(event["id"])
        data = event["data"]
        print(event["type"], data["uploader"], data["context"], data["verified"], flush=True)
    return HttpResponse(status=204)


urlpatterns = [path("webhook", receive)]

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
