"""Read a media file's metadata with ffprobe, and take a picture out of it with ffmpeg.

Where they are not installed the result has fewer members and no picture.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_PROBE_SECONDS = 3
_PICTURE_SECONDS = 10
# A playlist could name other files; no protocol that leaves this machine is ever opened.
_LOCAL_ONLY = ("-protocol_whitelist", "file")


def probe(path: Path, *, size: int, container: str) -> dict[str, object]:
    """Build the `MetaData` of an event: always Size and Container, the rest as far as it is known.

    Bitrates are in bit/s, durations in seconds (API model MediaMetaData). Runs for up to three seconds.
    """
    found, streams = _ffprobe(path)
    meta: dict[str, object] = {"Size": size, "Container": found.get("format_name", container)}
    videos = [stream for stream in streams if stream.get("codec_type") == "video"]
    audios = [stream for stream in streams if stream.get("codec_type") == "audio"]
    if not streams:
        return meta
    duration = _number(found.get("duration"))
    meta |= {
        "Bitrate": int(_number(found.get("bit_rate"))),
        "Height": int(_number(videos[0].get("height"))) if videos else 0,
        "Width": int(_number(videos[0].get("width"))) if videos else 0,
        "Duration": duration,
        "Rotate": 0,
        "VideoStreamSet": [_video_stream(stream) for stream in videos],
        "AudioStreamSet": [_audio_stream(stream) for stream in audios],
        "VideoDuration": _number(videos[0].get("duration"), duration) if videos else 0.0,
        "AudioDuration": _number(audios[0].get("duration"), duration) if audios else 0.0,
    }
    return meta


def take_picture(path: Path, target: Path) -> bool:
    """Write the first frame of a video as JPEG; return False if that is not possible."""
    program = shutil.which("ffmpeg")
    if program is None:
        return False
    arguments = (*_LOCAL_ONLY, "-i", str(path), "-frames:v", "1", "-c:v", "mjpeg", "-f", "image2")
    return (
        _run([program, "-v", "error", *arguments, "-update", "1", str(target)], _PICTURE_SECONDS) is not None
    )


def _ffprobe(path: Path) -> tuple[dict[str, object], list[dict[str, object]]]:
    """Return the format and the streams that ffprobe finds."""
    program = shutil.which("ffprobe")
    if program is None:
        return {}, []
    options = ("-print_format", "json", "-show_format", "-show_streams")
    output = _run([program, "-v", "error", *_LOCAL_ONLY, *options, str(path)], _PROBE_SECONDS)
    found = json.loads(output) if output else {}
    return found.get("format", {}), found.get("streams", [])


def _run(command: list[str], seconds: int) -> bytes | None:
    try:
        done = subprocess.run(  # noqa: S603  # a fixed program, and a path that we named ourselves
            command, capture_output=True, stdin=subprocess.DEVNULL, timeout=seconds, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def _video_stream(stream: dict[str, object]) -> dict[str, object]:
    frames, _, seconds = str(stream.get("avg_frame_rate", "0/1")).partition("/")
    return {
        "Bitrate": int(_number(stream.get("bit_rate"))),
        "Height": int(_number(stream.get("height"))),
        "Width": int(_number(stream.get("width"))),
        "Codec": stream.get("codec_name", ""),
        "Fps": round(_number(frames) / (_number(seconds) or 1)),
    }


def _audio_stream(stream: dict[str, object]) -> dict[str, object]:
    return {
        "Bitrate": int(_number(stream.get("bit_rate"))),
        "SamplingRate": int(_number(stream.get("sample_rate"))),
        "Codec": stream.get("codec_name", ""),
    }


def _number(value: object, default: float = 0.0) -> float:
    try:
        return float(str(value))
    except ValueError:
        return default
