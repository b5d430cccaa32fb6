"""An event's JSON as the journal keeps it: compressed, with a dictionary of what VOD's events have in common.

RFC 1950, with a preset dictionary (FDICT). A text that follows another has that as its dictionary.
"""

from __future__ import annotations

import json
import zlib
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.vod.notification_types import EventNotification

# Outside ASCII a third of what escapes would take; it cannot be compared with `raw_json`.
_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)
_SMALL_BYTES = 4096
DICTIONARY = (
    '{"data":{"author":"","coverUrl":"http://fileId":"fileName":"fileUrl":"procedureTaskId":"sourceContext":"",'
    '"sourceType":"ServerUpload","streamId":"","transcodeTaskId":""},"eventType":"version":"4.0"}'
    '"EventHandle":"AiAnalysisResultSet":[{"AiContentReviewResultSet":[{"AiRecognitionResultSet":[{"Confidence":'
    '"Suggestion":"pass""SegmentSet":[]"ReviewAudioVideoTask""OperationType":"TSC","Operator":"System",'
    '{"AnimatedGraphicTask":{"Type":"AnimatedGraphics"}{"SnapshotByTimeOffsetTask":{"PicInfoSet":[{"TimeOffset":'
    '"WaterMarkDefinition":[]"TimeOffsetSet":["StartTimeOffset":"EndTimeOffset":"Type":"SnapshotByTimeOffset"},'
    '{"ImageSpriteTask":{"TotalCount":"WebVttUrl":"Type":"ImageSprites"},{"SampleSnapshotTask":{"ImageUrlSet":['
    '"SampleType":"Percent","Interval":"Type":"SampleSnapshot"},{"AdaptiveDynamicStreamingTask":{'
    '"DrmType":"","Package":"HLS","Type":"AdaptiveDynamicStreaming"},"adp.10.m3u8"'
    '"ErrCode":70000,"ErrCodeExt":"InternalError","Message":"internal error","Progress":0,"Status":"FAIL"},'
    '{"CoverBySnapshotTask":{"Input":{"Definition":10,"PositionType":"Time","PositionValue":0,"WatermarkSet":[]},'
    '"CoverUrl":"Type":"CoverBySnapshot"}],'
    '{"EventType":"ProcedureStateChanged","ProcedureStateChangeEvent":{"ErrCode":0,"ErrCodeExt":"","FileId":"'
    '"FileName":"FileUrl":"https://"MediaProcessResultSet":[{"TranscodeTask":{"BeginProcessTime":"2026-'
    '"ErrCode":0,"ErrCodeExt":"","FinishTime":"2026-"Input":{"Definition":100030,"WatermarkSet":[]},'
    '"Message":"SUCCESS","Output":{"AudioStreamSet":[{"Bitrate":48100,"Codec":"aac","SamplingRate":44100}],'
    '"Bitrate":"Container":"mov,mp4,m4a,3gp,3g2,mj2","Definition":100030,"Duration":"Height":720,"Md5":"'
    '"Size":"Url":"https://"/v.f100030.mp4","VideoStreamSet":[{"Bitrate":"Codec":"h264","Fps":30,"Height":720,'
    '"Width":1280}],"Width":1280},"Progress":100,"Status":"SUCCESS"},"Type":"Transcode"},"Message":"",'
    '"SessionContext":"vuf1.W","SessionId":"","Status":"FINISH","TaskId":"-Procedure-"t0","TasksNotifyMode":'
    '"Finish","TasksPriority":0}}"PROCESSING"'
    '{"EventType":"NewFileUpload","FileUploadEvent":{"FileId":"5145403"MediaBasicInfo":{"Category":"Video",'
    '"ClassId":0,"ClassName":"Other","ClassPath":"Other","CoverUrl":"https://1500012345.vod2.myqcloud.com/'
    '"vodtranscq15000"/cover.png","CreateTime":"2026-T00:00:00Z","Description":"","ExpireTime":"9999-12-31T23:59:59Z",'
    '"MediaUrl":"https://1500012345.vod2.myqcloud.com/"/original.mp4","Name":"'
    '"SourceInfo":{"SourceContext":"vuf1.WyIwM","SourceType":"Upload"},"Status":"Normal","StorageClass":"STANDARD",'
    '"StoragePath":"","StorageRegion":"ap-singapore"ap-seoul","TagSet":[],"Type":"mp4","UpdateTime":"2026-T'
    ':00Z","Vid":"'
    '"MetaData":{"AudioDuration":"AudioStreamSet":[{"Bitrate":128000,"Codec":"aac","SamplingRate":48000}],'
    '"Bitrate":"Container":"mov,mp4,m4a,3gp,3g2,mj2","Duration":"Height":1080,"Md5":"","Rotate":0,"Size":'
    '"VideoDuration":"VideoStreamSet":[{"Bitrate":"Codec":"h264","Fps":25,"Height":1080,"Width":1920}],"Width":1920},'
    '"ProcedureTaskId":"1500012345-Procedure-"t0","ReviewAudioVideoTaskId":""}}'
).encode("ascii")
"""Fragments of VOD's JSON, the most frequent ones last; what was compressed with others cannot be read."""


def packed(*notifications: EventNotification) -> bytes:
    """Compress an event for the journal, as JSON in UTF-8; after it what was pushed, should VOD's differ."""
    kept, dictionary = b"", DICTIONARY
    for it in notifications:
        text = _JSON.encode(it.raw).encode("utf-8", "surrogatepass")
        is_small = dictionary is DICTIONARY and len(text) <= _SMALL_BYTES
        stream = _stream_of_small_texts().copy() if is_small else zlib.compressobj(zdict=dictionary)
        kept += stream.compress(text) + stream.flush()
        dictionary = text
    return kept


@cache
def _stream_of_small_texts() -> zlib._Compress:
    """Return a stream to copy; its window of 8 KB holds the dictionary and the text.

    To clear the memory of a full one would take longer than to compress a small text.
    """
    return zlib.compressobj(wbits=13, memLevel=5, zdict=DICTIONARY)


def unpacked(kept: str) -> list[str]:
    """Return the JSON of each event that `packed` was given, or that a release wrote which did not compress.

    `kept` is as the store returns bytes that are not UTF-8: with surrogate escapes.

    Raises:
        ValueError: it is neither.

    """
    if kept.startswith("{"):
        return [kept]
    texts, rest, dictionary = [], kept.encode("utf-8", "surrogateescape"), DICTIONARY
    try:
        while rest:
            # Of a release that had no dictionary, the stream needs none.
            stream = zlib.decompressobj(zdict=dictionary)
            dictionary = stream.decompress(rest)
            texts.append(dictionary.decode("utf-8", "surrogatepass"))
            rest = stream.unused_data
    except zlib.error as error:
        raise ValueError("The event's bytes are damaged.") from error
    return texts
