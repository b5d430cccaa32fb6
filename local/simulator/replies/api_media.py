"""What the server API says of one media and of one task flow; `server_api` has the actions."""

from __future__ import annotations

from local.simulator.replies.members import ALWAYS, Declaration, absent_unless, may_be_empty, under

_UNSET = may_be_empty("nobody has set one")
_PROBED = absent_unless("ffprobe can read the file")
_NOT_ASKED = "null where the filters do not ask for it, or there is none (API model)"
_NEVER = may_be_empty("the simulator has no such outputs: null")

PROBED: Declaration = {
    "Size": ALWAYS,
    "Container": ALWAYS,
    "Bitrate": _PROBED,
    "Height": _PROBED,
    "Width": _PROBED,
    "Duration": _PROBED,
    "Rotate": _PROBED,
    **under(
        "VideoStreamSet[]",
        {"Bitrate": ALWAYS, "Height": ALWAYS, "Width": ALWAYS, "Codec": ALWAYS, "Fps": ALWAYS},
        absent_unless("ffprobe can read the file", may_be_empty="a sound has no pictures"),
    ),
    **under(
        "AudioStreamSet[]",
        {"Bitrate": ALWAYS, "SamplingRate": ALWAYS, "Codec": ALWAYS},
        absent_unless("ffprobe can read the file", may_be_empty="a silent video has no sound"),
    ),
    "VideoDuration": _PROBED,
    "AudioDuration": _PROBED,
}
META_DATA: Declaration = {**PROBED, "Md5": absent_unless("DescribeFileAttributes has computed it")}
BASIC_INFO: Declaration = {
    "Name": may_be_empty("ApplyUpload needs no MediaName"),
    "Description": _UNSET,
    "CreateTime": ALWAYS,
    "UpdateTime": ALWAYS,
    "ExpireTime": ALWAYS,
    "ClassId": ALWAYS,
    "ClassName": ALWAYS,
    "ClassPath": ALWAYS,
    "CoverUrl": _UNSET,
    "Type": ALWAYS,
    "MediaUrl": ALWAYS,
    **under("SourceInfo", {"SourceType": ALWAYS, "SourceContext": _UNSET}),
    "StorageRegion": ALWAYS,
    "StoragePath": may_be_empty("of applications with path-based storage only"),
    "TagSet": _UNSET,
    "Vid": ALWAYS,
    "Category": ALWAYS,
    "Status": ALWAYS,
    "StorageClass": ALWAYS,
}
_TRANSCODED: Declaration = {**PROBED, "Url": ALWAYS, "Definition": ALWAYS, "Md5": ALWAYS}
_STREAMED: Declaration = {
    "Definition": ALWAYS,
    "Package": ALWAYS,
    "DrmType": may_be_empty("without encryption"),
    "Url": ALWAYS,
    "Size": ALWAYS,
}
_SAMPLED: Declaration = {
    "Definition": ALWAYS,
    "SampleType": ALWAYS,
    "Interval": ALWAYS,
    "ImageUrlSet": ALWAYS,
    "WaterMarkDefinition": may_be_empty("without watermarks"),
}
MEDIA_INFO: Declaration = {
    "FileId": ALWAYS,
    **under("BasicInfo", BASIC_INFO, may_be_empty(_NOT_ASKED)),
    **under("MetaData", META_DATA, may_be_empty(_NOT_ASKED)),
    **under("TranscodeInfo", under("TranscodeSet[]", _TRANSCODED), may_be_empty(_NOT_ASKED)),
    **under(
        "AdaptiveDynamicStreamingInfo",
        under("AdaptiveDynamicStreamingSet[]", _STREAMED),
        may_be_empty(_NOT_ASKED),
    ),
    **under("SampleSnapshotInfo", under("SampleSnapshotSet[]", _SAMPLED), may_be_empty(_NOT_ASKED)),
    "AnimatedGraphicsInfo": _NEVER,
    "ImageSpriteInfo": _NEVER,
    "SnapshotByTimeOffsetInfo": _NEVER,
    "KeyFrameDescInfo": _NEVER,
    "MiniProgramReviewInfo": _NEVER,
    "SubtitleInfo": _NEVER,
    "ReviewInfo": _NEVER,
    "MPSAiMediaInfo": _NEVER,
    "KnowledgeBasesInfo": _NEVER,
}
TASK_TIMES: Declaration = {
    "CreateTime": ALWAYS,
    "BeginProcessTime": may_be_empty("the task has not begun"),
    "FinishTime": may_be_empty("the task is not over"),
}
