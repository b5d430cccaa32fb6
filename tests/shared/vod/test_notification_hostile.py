from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.errors import ContentTooLargeError, InvalidRequestError
from shared.vod.notification import notification_from_pull, parse_notification, raw_json

if TYPE_CHECKING:
    from shared.vod.notification_types import FileUpload


def upload_in(members: str) -> FileUpload:
    """Push a v3 upload event with these members, and return its typed values."""
    upload = parse_notification(
        f'{{"EventType": "NewFileUpload", "FileUploadEvent": {{{members}}}}}'.encode()
    ).file_upload
    assert upload is not None
    return upload


@pytest.mark.parametrize("value", ["null", "true", "[]", "{}", "1.5", "9223372036854775808", '""'])
def test_wrong_values_become_empty_ones(value: str) -> None:
    """Text that is none is empty, and a number that is none, or too large, is None."""
    basic = f'{{"Name": {value}, "ClassId": {value}}}'
    upload = upload_in(f'"FileId": {value}, "MediaBasicInfo": {basic}, "MetaData": {{"Size": {value}}}')

    assert (upload.file_id, upload.name) == ("", "")
    assert (upload.class_id, upload.size) == (None, None)


@pytest.mark.parametrize(("value", "expected"), [("1e999", "Infinity"), ("-1e999", "-Infinity")])
def test_number_beyond_a_double_becomes_text(value: str, expected: str) -> None:
    """What JSON could not write back is kept as a word, and is no number."""
    notification = parse_notification(f'{{"EventType": "X", "XEvent": {{"Size": {value}}}}}'.encode())

    assert notification.raw == {"EventType": "X", "XEvent": {"Size": expected}}
    assert upload_in(f'"MetaData": {{"Duration": {value}}}').duration is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [("7", 7.0), ("7.25", 7.25), ("true", None), ('"7"', None), ("1" + "0" * 400, None)],
    ids=["integer", "fraction", "boolean", "text", "giant"],
)
def test_duration_is_a_float_or_nothing(value: str, expected: float | None) -> None:
    """An integer is a valid duration; a boolean, a text or a giant is none."""
    assert upload_in(f'"MetaData": {{"Duration": {value}}}').duration == expected


def test_typed_text_and_raw_lose_nothing_that_can_be_kept() -> None:
    """Typed values stop at 64 bits and at what an encoding can carry; raw does not."""
    odd = (
        rb'{"FileId": 5576678020011223344, "Size": 123456789012345678901234567890, "TaskId": "a\udfff\ud83d"}'
    )
    body = b'{"EventType": "\\udfff", "XEvent": ' + odd + b"}"

    notification = parse_notification(body)

    assert (notification.event_type, notification.task_id) == ("\ufffd", "a\ufffd\ufffd")
    assert notification.file_id == "5576678020011223344"
    assert raw_json(notification) == body.decode().replace(" ", "")


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b" ", b"null", b"true", b"7", b'"text"', b"[]", b'[{"EventType": "NewFileUpload"}]'),
        *(b"{", b'{"EventType": "X",}', b"{'EventType': 'X'}", b"EventType=NewFileUpload"),
        *(b'{"EventType": "X"} {"EventType": "Y"}', b'{"EventType": "a\nb"}'),
        *(b'{"EventType": "\xff"}', b'{"EventType": "\xed\xa0\x80"}', b"\x1f\x8b\x08\x00\x00"),
        '{"EventType": "X"}'.encode("utf-16"),
        *(b'{"EventType": "X", "T": ' + word + b"}" for word in (b"NaN", b"Infinity", b"-Infinity")),
        *(b'{"T": ' + b"9" * 1001 + b"}", b'{"T": -' + b"9" * 900_000 + b"}"),
        *(b'{"a": ' + b"[" * depth + b"]" * depth + b"}" for depth in (64, 400_000)),
        *(b'{"a":' * 65 + b"1" + b"}" * 65, b"[" * 500_000, b'{"a":' * 150_000),
    ],
    ids=lambda body: repr(body[:30]),
)
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    """Anything that is not exactly one sound JSON object is the sender's fault, and says so."""
    with pytest.raises(InvalidRequestError):
        parse_notification(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": ' + b"[" * 63 + b"]" * 63 + b"}",
        b'{"a":' * 64 + b"1" + b"}" * 64,
        b'{"a": [' + b"[]," * 200 + b"{}]}",
        b'{"a": "' + b"[{" * 200 + b'"}',
        b'{"T": -' + b"9" * 1000 + b"}",
    ],
    ids=["64 deep lists", "64 deep objects", "wide", "brackets in text", "1000 digits"],
)
def test_bodies_at_the_limits_are_read(body: bytes) -> None:
    """Depth 64, many small containers, brackets in text and 1000 digits are all still fine."""
    assert parse_notification(body).wire_format == "unknown"


def test_body_over_the_platforms_limit_is_too_large() -> None:
    """Exactly 6 MiB pass; one byte more is refused before anything is decoded."""
    body = b'{"a": "' + b"x" * (6 * 1024 * 1024 - 9) + b'"}'

    assert parse_notification(body).wire_format == "unknown"
    with pytest.raises(ContentTooLargeError):
        parse_notification(body + b" ")


def test_body_of_too_many_containers_is_refused_unparsed() -> None:
    """50,000 objects and lists pass, four times what the largest genuine event has; one more is refused."""
    body = b'{"a": [' + b"{}," * 49_997 + b"{}]}"

    assert parse_notification(body).wire_format == "unknown"
    with pytest.raises(InvalidRequestError, match="too many"):
        parse_notification(body.replace(b"[", b"[{},", 1))


def test_body_of_too_many_values_is_refused_unparsed() -> None:
    """300,000 commas pass; one more is refused."""
    body = b'{"a": [' + b"0," * 300_000 + b"0]}"

    assert parse_notification(body).wire_format == "unknown"
    with pytest.raises(InvalidRequestError, match="too many"):
        parse_notification(body.replace(b"[", b"[0,", 1))


@pytest.mark.parametrize(
    ("body", "raw"),
    [
        (b'\xef\xbb\xbf{"EventType": "X"}', {"EventType": "X"}),
        (b'{"EventType": "X", "EventType": "Y"}', {"EventType": "Y"}),
        (b'{"EventType": "X", "Event\\u0054ype": "Y"}', {"EventType": "Y"}),
        (
            b'{"EventType": "X", "XEvent": {"a": {"b": 1, "b": 2}}}',
            {"EventType": "X", "XEvent": {"a": {"b": 2}}},
        ),
    ],
    ids=["byte order mark", "doubled", "doubled when decoded", "doubled inside"],
)
def test_odd_but_readable_body_is_read(body: bytes, raw: dict[str, object]) -> None:
    """A byte order mark is ignored (RFC 8259, section 8.1); of a doubled member the last one counts."""
    assert parse_notification(body).raw == raw


@pytest.mark.parametrize("depth", [64, 100_000])
def test_pull_item_nested_too_deep_is_refused(depth: int) -> None:
    """An item too deep for us, or for Python's own writer, raises our error as well."""
    value: list[object] = []
    for _ in range(depth - 1):
        value = [value]

    with pytest.raises(InvalidRequestError):
        notification_from_pull({"EventType": "X", "XEvent": value})
