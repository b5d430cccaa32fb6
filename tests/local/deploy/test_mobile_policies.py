"""Warnings of signatures that end before a phone has sent its file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from local.deploy.mobile_policies import about_mobile_uploads, policies_in
from local.stack.demo_settings import POLICIES

if TYPE_CHECKING:
    from collections.abc import Mapping

GIBIBYTE_AT_TWO_MEGABITS = 4295
"""Seconds, rounded up."""


def warned_of(policies: Mapping[str, object]) -> list[str]:
    """Return the policies that get a warning."""
    written = {"UPLOAD_POLICIES": json.dumps(policies)}
    return [name for name, _caution in about_mobile_uploads(policies_in(written))]


@pytest.mark.parametrize(
    ("policies", "warned"),
    [
        ({"default": {}}, ["default"]),
        ({"default": {}, "course": {"client": "web"}}, ["default"]),
        ({"default": {"client": "web"}}, []),
        ({"default": {"ttlSeconds": GIBIBYTE_AT_TWO_MEGABITS}}, []),
        ({"default": {}, "app": {"client": "mobile", "ttlSeconds": GIBIBYTE_AT_TWO_MEGABITS}}, []),
        ({"default": {}, "app": {"client": "mobile", "ttlSeconds": GIBIBYTE_AT_TWO_MEGABITS - 1}}, ["app"]),
        ({"default": {"maxFileSize": 150_000_000}}, []),
        ({"default": {"maxFileSize": 150_000_001}}, ["default"]),
    ],
)
def test_policy_that_a_phone_outlasts_is_named(policies: dict[str, object], warned: list[str]) -> None:
    """One for mobile, or for everybody where none is; the transfer is its largest file, or 1 GiB."""
    assert warned_of(policies) == warned


def test_demo_has_a_policy_for_phones_and_would_be_warned_without_it() -> None:
    """Then the default policy is named, under which an upload of three times its life is lost."""
    assert POLICIES["mobile"]["client"] == "mobile"
    assert warned_of(POLICIES) == []
    assert "default" in warned_of({name: it for name, it in POLICIES.items() if name != "mobile"})


@pytest.mark.parametrize(
    ("policy", "advice"),
    [
        ({}, '"client": "mobile" and "ttlSeconds": 4295 or more'),
        ({"client": "mobile"}, "Set its ttlSeconds to 4295 or more, or lower its maxFileSize."),
        ({"maxFileSize": 48 * 10**12}, "Lower its maxFileSize: no signature lives longer than 86400 s."),
    ],
)
def test_warning_says_what_was_assumed_and_what_to_do(policy: dict[str, object], advice: str) -> None:
    """The transfer and the speed are stated, and the advice can be followed."""
    written = {"UPLOAD_POLICIES": json.dumps({"default": policy})}
    [(_name, caution)] = about_mobile_uploads(policies_in(written))

    assert "the policy 'default' it lives 600 s" in caution.detail
    assert " MB at 2 Mbit/s take " in caution.detail
    assert advice in caution.advice


@pytest.mark.parametrize("text", [None, "", "{", '{"default": {"ttlSeconds": 0}}'])
def test_policies_that_are_invalid_are_a_fault_of_their_own(text: str | None) -> None:
    """Nothing is said of them here."""
    assert policies_in({} if text is None else {"UPLOAD_POLICIES": text}) == {}
