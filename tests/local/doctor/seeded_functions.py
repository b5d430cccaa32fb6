"""Faults of the deployed functions: URLs, CORS, users' tokens, and the way of the doctor's own event."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.local.doctor.patient import ORIGIN
from tests.local.doctor.seeded import Seeded, of_the_platform, problem
from tests.shared.loopback_peer import HOST, Reply

if TYPE_CHECKING:
    from tests.shared.loopback_peer import Received

NOBODY = 1
"""A port on which nothing listens."""
FOR_THE_APP = {"Access-Control-Allow-Origin": ORIGIN}
OTHER_SECRET = "another-secret-of-at-least-thirty-two-characters"


def domain_without_the_list(request: Received) -> Reply:
    """Answer as the function below /uploads/, and as a gateway that knows no other path."""
    return problem(401, "unauthenticated") if request.path.startswith("/uploads/") else Reply(404)


FUNCTIONS = {
    "domain that maps one path of two": Seeded(
        "paths of upload_status",
        "Map /uploads, /uploads/* and /health to it",
        settings={"CORS_ORIGINS": None},
        peers={"--status-url": domain_without_the_list},
    ),
    "function that is not deployed": Seeded(
        "upload_signature URL",
        "See that the function is deployed",
        words=("--signature-url", f"http://{HOST}:{NOBODY}"),
    ),
    "callback that is not deployed": Seeded(
        "callback URL",
        "See that the function is deployed",
        words=("--callback-url", f"http://{HOST}:{NOBODY}/vod-callback"),
    ),
    "URL of another function": Seeded(
        "upload_signature URL",
        "Give --signature-url the URL of upload_signature",
        words=("--signature-url", "{stack}/vod-callback"),
    ),
    "URL of another function that refuses the method": Seeded(
        "upload_status URL",
        "Give --status-url the URL of upload_status",
        words=("--status-url", "{stack}/vod-callback"),
    ),
    "URL of somebody else": Seeded(
        "upload_status URL", "is this its URL?", words=("--status-url", "{stack}/local/media")
    ),
    "callback URL of somebody else": Seeded(
        "callback URL", "is this its URL?", words=("--callback-url", "{stack}/local/info")
    ),
    "function that raises": Seeded(
        "upload_signature URL", "Its log has the traceback", peers={"--signature-url": of_the_platform(430)}
    ),
    "function that cannot be loaded": Seeded(
        "upload_status URL", "for the runtime's Python", peers={"--status-url": of_the_platform(443)}
    ),
    "function that runs into its time-out": Seeded(
        "callback URL", "See what its log waits for", peers={"--callback-url": of_the_platform(433)}
    ),
    "no instance is free": Seeded(
        "upload_signature URL", "the account's concurrency", peers={"--signature-url": of_the_platform(432)}
    ),
    "function without its settings": Seeded(
        "upload_status URL",
        "Its log names the settings",
        peers={"--status-url": problem(500, "configuration")},
    ),
    "function that cannot reach the login service": Seeded(
        "upload_signature URL",
        "Let it reach JWT_JWKS_URL",
        peers={"--signature-url": problem(503, "keys-unavailable")},
    ),
    "function that asks for a token": Seeded(
        "upload_status URL",
        "Deploy AUTH_MODE",
        settings={
            "AUTH_MODE": "anonymous",
            "ANONYMOUS_KEY": "k" * 32,
            "ANONYMOUS_IN_CLOUD": "anybody-may-upload",
        },
    ),
    "function that asks for no token": Seeded(
        "upload_signature URL", "Deploy AUTH_MODE", peers={"--signature-url": problem(400, "invalid-request")}
    ),
}
CORS = {
    "origin that is not deployed": Seeded(
        "CORS of upload_signature",
        "Deploy CORS_ORIGINS",
        settings={"CORS_ORIGINS": "https://new.example.test"},
    ),
    "credentials that are not deployed": Seeded(
        "CORS of upload_status",
        "Deploy CORS_ORIGINS and CORS_CREDENTIALS",
        settings={"CORS_CREDENTIALS": "on"},
    ),
    "CORS of the platform as well": Seeded(
        "CORS of upload_signature",
        "Take corsConfig off its URL",
        peers={
            "--signature-url": replace(
                problem(401, "unauthenticated"), headers={"Access-Control-Allow-Origin": f"*, {ORIGIN}"}
            )
        },
    ),
    "gateway that answers preflights": Seeded(
        "CORS of upload_status",
        "Take corsConfig off its URL",
        peers={"--status-url": replace(problem(401, "unauthenticated"), headers=FOR_THE_APP)},
    ),
    "gateway that takes the headers off": Seeded(
        "CORS of upload_status",
        "Deploy CORS_ORIGINS",
        peers={"--status-url": problem(401, "unauthenticated")},
    ),
    "pages of every origin": Seeded(
        "CORS of event_notification",
        "Take corsConfig off its URL",
        peers={
            "--callback-url": replace(problem(404, "not-found"), headers={"Access-Control-Allow-Origin": "*"})
        },
    ),
}
TOKENS = {
    "expired token": Seeded("token: exp", "It ended more than", token=-600),
    "token for somebody else": Seeded(
        "token: aud", "None of it stands in JWT_AUDIENCE", token=600, token_settings={"JWT_AUDIENCE": "shop"}
    ),
    "token of another login": Seeded(
        "token: signature", "it is another login's", token=600, token_settings={"JWT_SECRETS": OTHER_SECRET}
    ),
    "opaque token": Seeded("token: form", "It is no signed JWT", words=("--token", "an-opaque-token")),
    "login that is not deployed": Seeded(
        "token at upload_status",
        "its log has tokenProblem",
        settings={"JWT_SECRETS": OTHER_SECRET},
        token=600,
        token_settings={"JWT_SECRETS": OTHER_SECRET},
    ),
    "function that does not reach its store": Seeded(
        "token at upload_status",
        "the store's security group",
        peers={"--status-url": problem(503, "store-unavailable")},
        token=600,
    ),
    "key set that nobody serves": Seeded(
        "key set",
        "Set JWT_JWKS_URL to the jwks_uri",
        settings={"JWT_SECRETS": None, "JWT_JWKS_URL": f"http://{HOST}:{NOBODY}/keys"},
    ),
    "key set without a key": Seeded(
        "key set",
        "Set JWT_JWKS_URL to the jwks_uri",
        settings={"JWT_SECRETS": None},
        peers={"JWT_JWKS_URL": Reply(200, b'{"keys": []}')},
    ),
}
PROBE = {
    "another database": Seeded(
        "event found again",
        "the number of the database",
        settings={"REDIS_URL": "{store}/1"},
        words=("--probe",),
    ),
    "another stage": Seeded("event found again", "and STAGE", words=("--probe", "--stage", "elsewhere")),
    "another context key": Seeded(
        "event found again",
        "Deploy CONTEXT_KEYS",
        settings={"CONTEXT_KEYS": "another-context-key-of-at-least-32-characters"},
        words=("--probe",),
    ),
    "another callback token": Seeded(
        "event taken in",
        "are CALLBACK_TOKENS and VOD_CALLBACK_SIGN_KEY",
        settings={"CALLBACK_TOKENS": "another-callback-token-of-32-characters"},
        words=("--probe",),
    ),
    "SignKey that is not deployed": Seeded(
        "SignKey where it runs",
        "Deploy VOD_CALLBACK_SIGN_KEY",
        settings={"VOD_CALLBACK_SIGN_KEY": "CanaryOfTheSignKey01"},
        words=("--probe",),
    ),
}
