from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shared.domain.file_limits import FileLimits
from shared.domain.policy import Grant, grant_for, refuse_change
from shared.errors import ForbiddenError, UnprocessableError
from shared.schema.models.policy import MAX_TTL_SECONDS
from shared.schema.signature_request import read_signature_request
from shared.schema.validation import ValidationError
from tests.shared.policies import read_policy

if TYPE_CHECKING:
    from collections.abc import Mapping

POLICIES = {
    "default": read_policy({}),
    "full": read_policy(
        {
            "procedures": ["Long", "Short"],
            "storageRegions": ["ap-seoul", "ap-beijing-1"],
            "classIds": [7, 0],
            "ttlSeconds": 60,
            "oneTime": False,
            "taskPriority": -3,
            "taskNotifyMode": "Change",
            "vodSubAppId": 15,
            "fileTypes": ["mp4", "mov", "webm"],
            "maxFileSize": 1000,
            "maxDuration": 90,
            "onViolation": "forbid",
            "client": "mobile",
        }
    ),
}
WRONG: dict[str, tuple[object, ...]] = {
    "client": ("ios", "Mobile", True),
    "ttlSeconds": (0, -1, 60.0, True, "60", None, MAX_TTL_SECONDS + 1, 2**63, 10**9),
    "oneTime": (1, "maybe", "false", None),
    "claims": (
        ["role"],
        {"": ["admin"]},
        *({"role": it} for it in ("admin", [], [None], [1.5], [["admin"]])),
    ),
    "taskPriority": (11, -11),
    "taskNotifyMode": ("finish", None),
    "procedures": ("Long", [""], ["a\nb"], ["a" * 65]),
    "storageRegions": (["Seoul"], ["ap-seoul\n"]),
    "classIds": ([-1], ["7"], [True]),
    "vodSubAppId": (0,),
    "fileTypes": ([".mp4"], ["MP4"]),
    "maxFileSize": (0,),
    "maxDuration": (0, 1.5),
    "ttl": (60,),
    "ttl_seconds": (60,),
}
"""Values that no policy may have, by its members."""
FILE_NAMES = [
    "Screencast from 2024-01-01 10:30:00.webm",
    "What is this?.mp4",
    'a*"<b>|c.mp4',
    "node.js.mp4",
    "Lecture 3 - Vue.js.mp4",
    "a.v2.mp4",
    "sh.mp4",
    "mp4.a.MOV",
    "a..b.mp4",
    "\uac00" * 84 + ".mp4",
    "\uac00" * 251 + ".mp4",
    "\U0001f30a" * 125 + "a.mp4",
]
NO_FILE_NAMES = ["", ".", "..", ".a.mp4", "a/b.mp4", "../a.mp4", "a\\b.mp4", "..\\a.mp4"]
NO_FILE_NAMES += ["a\n.mp4", "a\x00.mp4", "a\x7f.mp4", "a\ud800.mp4", "a" * 256, "\U0001f30a" * 126 + ".mp4"]
FILE = {"fileName": "a.mp4", "fileSize": 1000}
FIRST_CHOICES = {"procedure": "Long", "storageRegion": "ap-seoul", "classId": 7}


def granted(members: Mapping[str, object], *, sub_app_id: int | None = None) -> Grant:
    """Parse a request and decide it."""
    return grant_for(read_signature_request(members), POLICIES, vod_sub_app_id=sub_app_id)


def refused(members: Mapping[str, object]) -> list[str]:
    """Return the pointers of all faults of a request."""
    with pytest.raises(UnprocessableError) as caught:
        granted(members)
    return [fault.pointer for fault in caught.value.field_errors]


class TestPolicies:
    """Parsing of policies."""

    def test_policy_without_a_word_is_the_careful_one(self) -> None:
        """Ten minutes, once, and nothing for the client to choose."""
        assert granted({}) == Grant(policy="default", ttl_seconds=600, one_time=True, limits=FileLimits())

    @pytest.mark.parametrize(
        ("member", "wrong"),
        [(member, value) for member, values in WRONG.items() for value in values],
    )
    def test_policy_with_a_mistake_is_none(self, member: str, wrong: object) -> None:
        """Wrong names, types and ranges show at the start, not with the first user (S13)."""
        with pytest.raises(ValidationError):
            read_policy({member: wrong})


class TestGranting:
    """From a request and a policy to what all signatures of an upload carry."""

    def test_first_choices_are_the_defaults(self) -> None:
        """Members that the client omits get the policy's first entries."""
        assert granted({"policy": "full", **FILE}) == Grant(
            policy="full",
            ttl_seconds=60,
            one_time=False,
            procedure="Long",
            storage_region="ap-seoul",
            class_id=7,
            task_priority=-3,
            task_notify_mode="Change",
            vod_sub_app_id=15,
            file_name="a.mp4",
            file_size=1000,
            limits=FileLimits(max_file_size=1000, max_duration=90, file_types=("mp4", "mov", "webm")),
            on_violation="forbid",
        )

    def test_client_chooses_from_the_lists(self) -> None:
        """Each of its choices, its own text, and what it says of its file."""
        choices = {"procedure": "Short", "storageRegion": "ap-beijing-1", "classId": 0, "context": "lesson 3"}
        digests = {"md5": "0a" * 16, "sha1": "0b" * 20}
        grant = granted({"policy": "full", **choices, **FILE, "fileType": "mov", **digests})

        assert (grant.procedure, grant.storage_region, grant.class_id) == ("Short", "ap-beijing-1", 0)
        assert (grant.context, grant.file_type) == ("lesson 3", "mov")
        assert {"md5": grant.md5, "sha1": grant.sha1} == digests

    def test_policys_sub_application_outweighs_the_deployments(self) -> None:
        """Where the policy names none, the deployment's counts."""
        assert granted({}, sub_app_id=7).vod_sub_app_id == 7
        assert granted({"policy": "full", **FILE}, sub_app_id=7).vod_sub_app_id == 15

    @pytest.mark.parametrize(
        ("members", "pointers"),
        [
            ({"storageRegion": "ap-seoul"}, ["/storageRegion"]),
            ({"classId": 0}, ["/classId"]),
            ({"policy": "full", **FILE, "classId": 8, "procedure": "long"}, ["/procedure", "/classId"]),
            ({"context": "\udc00"}, ["/context"]),
            *(({"fileName": name}, ["/fileName"]) for name in NO_FILE_NAMES),
            *(({**FILE, "policy": "full", "fileName": name}, ["/fileName"]) for name in ("a.mp4.exe", "a")),
            ({"policy": "full", "fileSize": 1, "fileType": "exe"}, ["/fileType"]),
            ({**FILE, "policy": "full", "fileSize": 1001, "fileType": "exe"}, ["/fileSize", "/fileType"]),
        ],
    )
    def test_value_off_the_policy_is_named(self, members: dict[str, Any], pointers: list[str]) -> None:
        """All values that are not on the policy's lists are reported at once (S15)."""
        assert refused(members) == pointers

    @pytest.mark.parametrize("name", FILE_NAMES)
    def test_legal_file_name_is_granted(self, name: str) -> None:
        """A name that Windows, macOS or Linux takes is granted; of several extensions the last one counts."""
        assert granted({"policy": "full", "fileSize": 1, "fileName": name}).file_name == name

    @pytest.mark.parametrize(
        "claims", [{}, {"role": "viewer"}, {"role": None}, {"other": "teacher"}, {"role": ["viewer"]}]
    )
    def test_policy_for_others_looks_like_an_unknown_one(self, claims: dict[str, object]) -> None:
        """A policy for other users is refused word for word like an unknown one (S09)."""
        policies = {**POLICIES, "lessons": read_policy({"claims": {"role": ["teacher"]}})}
        answers = set()
        for name in ("lessons", "nosuch", "", "Default", "\ud800"):
            with pytest.raises(ForbiddenError) as caught:
                grant_for(
                    read_signature_request({"policy": name}), policies, vod_sub_app_id=None, claims=claims
                )
            answers.add((caught.value.detail, caught.value.field_errors))

        assert len(answers) == 1


class TestRenewing:
    """Renewals repeat the first request, or omit members."""

    GRANT = granted({"policy": "full", "context": "c", "fileType": "mp4", **FILE})

    def test_same_again_is_fine(self) -> None:
        """A renewal may repeat all, some or none of the members."""
        same = {"policy": "full", "context": "c", "fileType": "mp4", **FIRST_CHOICES, **FILE}

        for members in (
            same,
            {"policy": "full"},
            {"uploadId": "01M81669D17WFRRRZ186G60VX5"},
            {"context": None},
        ):
            refuse_change(read_signature_request(members), self.GRANT)

    def test_every_difference_is_named(self) -> None:
        """Even one that the policy would have allowed at the beginning."""
        choices = {"procedure": "Short", "storageRegion": "ap-beijing-1", "classId": 0}
        file = {"fileName": "b.mp4", "fileSize": 1, "fileType": "mov"}
        changed = {"policy": "default", "context": "", **choices, **file}

        with pytest.raises(UnprocessableError) as caught:
            refuse_change(read_signature_request(changed), self.GRANT)

        assert [fault.pointer for fault in caught.value.field_errors] == [f"/{name}" for name in changed]
