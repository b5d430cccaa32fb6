"""The forgery drill against a stack of its own (Done when 5), and proof that it detects forgeries."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from tests.security.forgery_drill import LIE, Drill, drill_in, rotated_stack
from tests.security.vods_word import untrue

if TYPE_CHECKING:
    from collections.abc import Iterator

ATTEMPTS = 24


@pytest.fixture(scope="module")
def drill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drill]:
    """Run the drill once, in a stack with a SignKey, after a rotation of its callback token."""
    folder = tmp_path_factory.mktemp("drilled")
    with rotated_stack(folder) as (stack, old_token):
        yield drill_in(folder, stack, old_token)


def test_nothing_forged_is_told_as_true_and_nothing_true_is_lost(drill: Drill) -> None:
    """Wrong tokens, replayed Sign, spliced and foreign contexts, lies about his own: all without effect.

    S23, S23b, S24, S25, S26, S27: the app's receiver gets no `verified: true` that is not so, what is
    contradicted is listed as quarantined, and every genuine event has come, once.
    """
    assert drill.faults == []
    assert len(drill.lines) >= ATTEMPTS


@pytest.mark.parametrize(
    "path",
    [
        ("data", "mediaUrl"),
        ("data", "size"),
        ("data", "uploader"),
        ("data", "procedureTaskId"),
        ("raw", "FileUploadEvent", "MediaBasicInfo", "MediaUrl"),
        ("raw", "FileUploadEvent", "MetaData"),
    ],
)
def test_lie_would_be_noticed(drill: Drill, path: tuple[str, ...]) -> None:
    """The drill compares what the app has heard with VOD itself, member by member."""
    heard = next(event for event in drill.heard if event["type"] == "upload.completed")
    lie: dict[str, Any] = copy.deepcopy(heard)
    place = lie
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = LIE

    assert untrue(heard, drill.outside) == []
    assert len(untrue(lie, drill.outside)) == 1
