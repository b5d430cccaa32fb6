"""POST /signature: an upload signature for an authenticated user."""

from __future__ import annotations

from shared.errors import NotFoundError
from shared.flows.issue_signature import RANDOM_BITS, Issuer, random_values
from shared.http.authentication import authenticate
from shared.http.request import Request, idempotency_key, prefers_text, read_json
from shared.http.response import Cors, Response, cors_of, json_response, rate_limit_headers, text_response
from shared.invocation_log import note
from shared.runtime import bootstrap
from shared.runtime.invocation import answer_http
from shared.schema.signature_request import read_signature_request

MAX_BODY_BYTES = 16_384


def main_handler(event: object, context: object) -> dict[str, object]:
    """Answer one invocation by SCF."""
    return answer_http(event, context, methods=("POST",), respond=_respond, cors=_cors)


def _cors() -> Cors:
    return cors_of(bootstrap.upload_signature().settings)


def _respond(request: Request) -> Response:
    # Read.
    runtime = bootstrap.upload_signature()
    now = bootstrap.now()
    if request.segments[-1:] not in ((), ("signature",)):
        raise NotFoundError("Post to /signature.")
    caller = authenticate(
        request.headers, runtime.settings, now=int(now), client_address=request.client_address
    )
    key = idempotency_key(request)
    wanted = read_signature_request(read_json(request, max_bytes=MAX_BODY_BYTES))
    note(uploadId=wanted.upload_id)

    # Decide, and reserve what was decided.
    issuer = Issuer(runtime.settings, runtime.store)
    randomness = random_values(bootstrap.random_bits(RANDOM_BITS))
    if wanted.upload_id is None:
        issued = issuer.begin(wanted, caller, now=now, randomness=randomness, key=key)
    else:
        issued = issuer.renew(wanted, caller, now=now, randomness=randomness)

    # Act.
    event = "signature.renewed" if issued.renewed else "signature.issued"
    note(event, uploadId=issued.upload_id, policy=issued.policy, **issued.audit)
    headers = rate_limit_headers(issued.rate_limits)
    if prefers_text(request):
        return text_response(200, issued.signature, Upload_Id=issued.upload_id, **headers)
    answer = {
        "signature": issued.signature,
        "uploadId": issued.upload_id,
        "expiresAt": issued.expires_at,
        "oneTime": issued.one_time,
        **({"fileId": issued.file_id} if issued.file_id else {}),
    }
    return json_response(200, answer, **headers)
