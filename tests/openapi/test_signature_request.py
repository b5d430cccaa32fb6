"""The schema of the body of POST /signature, compared with the code that parses it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.domain.policy import SignatureRequest, grant_for
from shared.errors import UnprocessableError
from shared.schema.signature_request import read_signature_request
from shared.schema.validation import ValidationError, names_outside
from tests.openapi.schemas import document, faults
from tests.shared.policies import read_policy

if TYPE_CHECKING:
    from collections.abc import Mapping

UPLOAD_ID = "01KAPVZ9M80000000000000000"
MEMBERS = set(names_outside(SignatureRequest).values())

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = (
    TEXTS
    | st.none()
    | st.booleans()
    | st.integers(-2, 3)
    | st.integers()
    | st.floats(allow_nan=False).filter(lambda value: not value.is_integer())
    | st.sampled_from([UPLOAD_ID, "ap-seoul", "eu-1", "a/b.mp4", "x" * 64, "x" * 65, "x" * 255, "x" * 256])
    | st.lists(TEXTS, max_size=1)
)
REQUESTS = st.dictionaries(st.sampled_from(sorted(MEMBERS)) | TEXTS, VALUES, max_size=4)


def schema() -> Mapping[str, Any]:
    """Return the schema in the document."""
    found: Mapping[str, Any] = document()["components"]["schemas"]["SignatureRequest"]
    return found


def is_granted(members: dict[str, object]) -> bool:
    """Return whether some policy would grant this: one that offers exactly what is asked for."""
    try:
        wanted = read_signature_request(members)
        policy = read_policy(
            {
                "procedures": [] if wanted.procedure is None else [wanted.procedure],
                "storageRegions": [] if wanted.storage_region is None else [wanted.storage_region],
                "classIds": [] if wanted.class_id is None else [wanted.class_id],
            }
        )
        grant_for(wanted, {wanted.policy or "default": policy, "": policy}, vod_sub_app_id=None)
    except (UnprocessableError, ValidationError):
        # The latter: no policy can have such an entry on its lists.
        return False
    return True


def test_every_member_of_the_model_is_described() -> None:
    """What the model takes, the document names; and nothing else."""
    assert schema()["properties"].keys() == MEMBERS
    assert all(member["description"] for member in schema()["properties"].values())
    assert schema()["additionalProperties"] is False


@given(REQUESTS)
@example(dict.fromkeys(MEMBERS))
def test_schema_allows_what_some_policy_grants_and_nothing_else(members: dict[str, object]) -> None:
    """A client can check its request before it sends it; only what the policy's lists say is left."""
    assert is_granted(members) == (faults(members, schema()) == [])


@pytest.mark.parametrize(
    "members",
    [
        {"secretId": "x"},
        {"currentTimeStamp": 1},
        {"random": 1},
        {"sourceContext": "x"},
        {"expireTime": 1},
        {"vodSubAppId": 1},
        {"uploadId": "x"},
        {"policy": 1},
        {"context": "a\nb"},
        {"procedure": ""},
        {"storageRegion": "Seoul"},
        {"classId": -1},
        {"fileName": "../x.mp4"},
        {"fileName": ""},
        {"fileName": ".mp4"},
        {"fileSize": 0},
        {"fileSize": "1"},
        {"fileType": 4},
    ],
    ids=str,
)
def test_what_every_policy_refuses_is_refused_by_the_schema(members: dict[str, object]) -> None:
    """Each limit that does not depend on the policy is in the document."""
    assert faults(members, schema()) != []
    assert not is_granted(members)
