"""Any request gets a proper answer below 500, and nothing unintended enters a signature."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions import upload_signature, upload_status
from shared.vod.signature import decode, is_signed_with
from tests.functions.deployment import SECRET_KEY, user_token
from tests.functions.scf import read_answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.functions.conftest import Call, Deploy, Sign

TEXTS = st.text(st.characters(exclude_categories=()), max_size=40)
"""Any text, including lone surrogates and control characters."""
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
MEMBERS = st.sampled_from(
    [
        "uploadId",
        "policy",
        "context",
        "procedure",
        "storageRegion",
        "classId",
        "fileName",
        "fileSize",
        "fileType",
    ]
)
HEADERS = st.dictionaries(
    st.sampled_from(
        ["Accept", "Authorization", "Content-Type", "Content-Encoding", "Origin", "If-None-Match"]
    )
    | TEXTS.map("X-".__add__),
    TEXTS,
    max_size=4,
)
POLICIES = st.sampled_from(["default", "course", "quiet", "reusable", "strict", "nosuch"])
INTENDED = {
    "default": {"classId", "storageRegion"},
    "course": {"procedure", "taskPriority", "taskNotifyMode"},
}
ALWAYS = {
    "secretId",
    "currentTimeStamp",
    "expireTime",
    "random",
    "sourceContext",
    "oneTimeValid",
    "sessionContext",
}
thoroughly = settings(
    max_examples=50,
    deadline=None,
    # The deployment of the test is not changed by what is sent to it.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@thoroughly
@given(body=st.dictionaries(MEMBERS | TEXTS, VALUES, max_size=5), policy=POLICIES)
def test_any_object_as_body_gets_a_proper_answer(sign: Sign, body: dict[str, Any], policy: str) -> None:
    """Whatever the members are, the answer is a signature or a refusal."""
    assert sign(body).status in (200, 400, 403, 404, 422)
    assert sign({"policy": policy, **body}).status in (200, 400, 403, 404, 422)


@thoroughly
@given(body=st.text(max_size=200) | TEXTS)
def test_any_text_as_body_gets_a_proper_answer(sign: Sign, body: str) -> None:
    """Whatever the bytes are, the answer is a signature or a refusal."""
    assert sign(body).status in (200, 400, 415, 422)


@pytest.mark.parametrize("handler", [upload_signature.main_handler, upload_status.main_handler])
@thoroughly
@given(
    method=st.sampled_from(["GET", "POST", "DELETE", "OPTIONS"]) | TEXTS,
    path=st.sampled_from(["/signature", "/uploads/", "/uploads/01KAPVZ9M80000000000000000", "//", ""])
    | TEXTS,
    query=st.dictionaries(TEXTS, TEXTS, max_size=3),
    headers=HEADERS,
)
def test_any_method_path_query_and_header_get_a_proper_answer(  # noqa: PLR0913, PLR0917  # a request has that many parts
    call: Call,
    handler: Callable[[object, object], dict[str, object]],
    method: str,
    path: str,
    query: dict[str, str],
    headers: dict[str, str],
) -> None:
    """Nothing that a client writes around the body leads to a failure of ours."""
    answer = call(handler, method, path, query=query, headers=headers)

    assert answer.status in (200, 204, 304, 400, 401, 404, 405, 415, 422)


@pytest.mark.parametrize("handler", [upload_signature.main_handler, upload_status.main_handler])
@thoroughly
@given(
    event=st.dictionaries(
        st.sampled_from(
            ["httpMethod", "path", "headers", "queryString", "body", "isBase64Encoded", "requestContext"]
        ),
        VALUES | st.sampled_from(["POST", "GET", "/signature"]),
    )
    | VALUES,
    context=VALUES | st.dictionaries(st.just("request_id"), VALUES),
)
def test_any_event_gets_a_proper_answer(
    deploy: Deploy, handler: Callable[[object, object], dict[str, object]], event: object, context: object
) -> None:
    """Even an event that no gateway would send gets an answer without a traceback."""
    assert deploy
    result = handler(event, context)

    assert type(result["statusCode"]) is int
    assert result["statusCode"] < 500
    json.dumps(result)


@thoroughly
@given(
    context=TEXTS | st.text('&=%+#?;\r\n\x00 é수💥"\\', max_size=40), policy=st.sampled_from(sorted(INTENDED))
)
def test_context_smuggles_no_parameter_into_the_signature(sign: Sign, context: str, policy: str) -> None:
    """Decoded, a signature has exactly the intended names, once each, whatever the context says (S11)."""
    answer = sign({"context": context, "policy": policy})

    if answer.status == 200:
        decoded = decode(answer.json["signature"])
        assert is_signed_with(decoded, SECRET_KEY)
        assert sorted(name for name, _ in decoded.pairs) == sorted(ALWAYS | INTENDED[policy])
    else:
        assert (answer.status, answer.pointers) == (422, ["/context"])


@thoroughly
@given(user=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=140))
def test_user_id_smuggles_no_parameter_into_the_signature(sign: Sign, user: str) -> None:
    """Nor does the user's id, which the app's login service chose."""
    answer = sign({}, user=None, authorization=f"Bearer {user_token(user)}")

    if answer.status == 200:
        pairs = decode(answer.json["signature"]).pairs
        assert sorted(name for name, _ in pairs) == sorted(ALWAYS | INTENDED["default"])
    else:
        assert answer.status in (401, 422)


@thoroughly
@given(token=TEXTS | st.from_regex(r"[A-Za-z0-9_-]{0,30}(\.[A-Za-z0-9_-]{0,30}){2}", fullmatch=True))
def test_any_token_gets_a_401(sign: Sign, token: str) -> None:
    """Any text that is not a signed token gets 401."""
    assert sign({}, user=None, authorization=f"Bearer {token}").status == 401


def test_answer_survives_what_the_platform_does_with_it(deploy: Deploy) -> None:
    """The result is JSON with the keys that the platform requires, for any event."""
    assert deploy
    events: tuple[object, ...] = (None, [], "POST", {}, {"httpMethod": 7}, {"Type": "Timer", "Message": "{}"})
    for event in events:
        answer = read_answer(json.loads(json.dumps(upload_signature.main_handler(event, None))))
        assert answer.status == 400
