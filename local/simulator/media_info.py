"""One media as DescribeMediaInfos and SearchMedia show it, reduced to what the filters ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.simulator.task_flow import SUCCESS

if TYPE_CHECKING:
    from local.simulator.media import Media
    from local.simulator.task_flow import TaskFlow

# Filter names by API model DescribeMediaInfosRequest, each with the member it asks for.
_MEMBERS = {
    "basicInfo": "BasicInfo",
    "metaData": "MetaData",
    "transcodeInfo": "TranscodeInfo",
    "animatedGraphicsInfo": "AnimatedGraphicsInfo",
    "imageSpriteInfo": "ImageSpriteInfo",
    "snapshotByTimeOffsetInfo": "SnapshotByTimeOffsetInfo",
    "sampleSnapshotInfo": "SampleSnapshotInfo",
    "keyFrameDescInfo": "KeyFrameDescInfo",
    "adaptiveDynamicStreamingInfo": "AdaptiveDynamicStreamingInfo",
    "miniProgramReviewInfo": "MiniProgramReviewInfo",
    "subtitleInfo": "SubtitleInfo",
    "reviewInfo": "ReviewInfo",
    "mpsAiMediaInfo": "MPSAiMediaInfo",
    "knowledgeBasesInfo": "KnowledgeBasesInfo",
}
FILTERS = frozenset(_MEMBERS)


def media_info(media: Media, flows: list[TaskFlow], wanted: frozenset[str]) -> dict[str, object]:
    """Build one item of MediaInfoSet; members that were not requested or do not exist are null."""
    present: dict[str, object] = {"BasicInfo": media.basic_info(), "MetaData": dict(media.meta_data)}
    for member, name, kind in (
        ("TranscodeInfo", "TranscodeSet", "Transcode"),
        ("AdaptiveDynamicStreamingInfo", "AdaptiveDynamicStreamingSet", "AdaptiveDynamicStreaming"),
        ("SampleSnapshotInfo", "SampleSnapshotSet", "SampleSnapshot"),
    ):
        outputs = _outputs(flows, kind)
        if outputs:
            present[member] = {name: outputs}
    members = {
        member: present.get(member) if filter_name in wanted else None
        for filter_name, member in _MEMBERS.items()
    }
    return {"FileId": media.file_id, **members}


def _outputs(flows: list[TaskFlow], kind: str) -> list[dict[str, object]]:
    return [
        dict(subtask.output)
        for flow in flows
        for subtask in flow.subtasks
        if subtask.type == kind and subtask.status == SUCCESS and subtask.output is not None
    ]
