from __future__ import annotations

import base64

import pytest

from shared import errors
from shared.http.request import Request, idempotency_key, parse_request, prefers_text, read_json
from tests.functions.scf import sample


def request(**event: object) -> Request:
    """Parse a small event."""
    return parse_request({"httpMethod": "POST", "path": "/", **event}, request_id="r-1")


def headed(**headers: str) -> Request:
    """Parse an event with these headers; underscores stand for hyphens."""
    return request(headers={name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize("key", ['"a"', '" "', '"8e03978e-40d5"', r'"\"\\"', '"' + "~" * 255 + '"'])
def test_idempotency_key_is_a_string_of_structured_fields(key: str) -> None:
    """It is what stands between the quotation marks; blanks around them do not count (RFC 8941)."""
    assert idempotency_key(headed(idempotency_key=f" {key} ")) == key
    assert idempotency_key(headed()) is None


@pytest.mark.parametrize(
    "key",
    ["", '""', "a", '"a', '"a"b"', r'"\a"', '"\u00e9"', '"\x1f"', '"a", "b"', '"a";x', '"' + "a" * 256 + '"'],
)
def test_any_other_idempotency_key_is_refused(key: str) -> None:
    """The refusal names the header, and does not repeat what was sent."""
    with pytest.raises(errors.InvalidRequestError, match=r"^Idempotency-Key must be 1 to 255 "):
        idempotency_key(headed(idempotency_key=key))


class TestReadingAnEvent:
    """Parsing the platform's two event dialects into one request."""

    @pytest.mark.parametrize("method", ["post", "get"])
    def test_both_dialects_say_the_same(self, method: str) -> None:
        """The samples of the function URL and of the API gateway hold one and the same request."""
        names = ("accept", "authorization", "content-type", "if-none-match", "origin")
        first, second = (
            parse_request(sample(f"{dialect}_{method}"), request_id="r-1")
            for dialect in ("function_url", "api_gateway")
        )

        for name in ("method", "path", "segments", "query", "body", "client_address", "request_id"):
            assert getattr(first, name) == getattr(second, name)
        assert [first.headers.get(name) for name in names] == [second.headers.get(name) for name in names]

    def test_sample_is_read_completely(self) -> None:
        """Method, path, query, headers, body and address of a POST to a function URL."""
        got = parse_request(sample("function_url_post"), request_id="r-1")

        assert (got.method, got.path, got.segments, got.query) == ("POST", "/signature", ("signature",), {})
        assert got.body == '{"context":"수업 3"}'.encode()
        assert got.headers["content-type"] == "application/json; charset=utf-8"
        assert (got.client_address, got.request_id) == ("203.0.113.7", "r-1")

    def test_request_shows_no_content_of_it(self) -> None:
        """A request that lands in a log or a debugger shows no header, query or body."""
        shown = repr(request(headers={"Authorization": "canary"}, queryString={"a": "canary"}, body="canary"))

        assert "canary" not in shown

    @pytest.mark.parametrize(
        "event", [None, [], "x", 7, {}, {"httpMethod": None}, {"httpMethod": ["GET"]}, {"Type": "Timer"}]
    )
    def test_other_events_are_refused(self, event: object) -> None:
        """A timer's event, or no event at all, is no HTTP request."""
        with pytest.raises(errors.InvalidRequestError):
            parse_request(event, request_id="r-1")

    @pytest.mark.parametrize(
        "absent", [{}, {"path": None, "queryString": None, "headers": None, "body": None}]
    )
    def test_parts_may_be_missing(self, absent: dict[str, object]) -> None:
        """What the platform leaves out of a GET is undocumented, so all of it may be."""
        got = parse_request({"httpMethod": "get", **absent}, request_id="r-1")

        assert (got.method, got.path, got.query, got.headers, got.body) == ("GET", "/", {}, {}, b"")
        assert got.client_address == ""

    @pytest.mark.parametrize(
        "headers",
        [{"Some-Name": "1, 2"}, {"Some-Name": ["1", "2"]}, {"Some-Name": ["1"], "some-name": ["2", 7]}],
    )
    def test_header_is_one_whatever_its_case_and_number(self, headers: dict[str, object]) -> None:
        """The gateway hands on what the client wrote; no value is dropped, so none hides behind another."""
        assert request(headers=headers).headers == {"some-name": "1, 2"}

    def test_what_is_no_text_is_left_out(self) -> None:
        """Of headers and query; of a query key that came twice the first value counts."""
        got = request(
            headers={"a": 1, "b": [], "c": None, 7: "x"},
            queryString={"a": ["1", "2"], "b": [], "c": 1, 7: "x"},
        )

        assert (got.headers, got.query) == ({}, {"a": "1"})

    @pytest.mark.parametrize("path", ["", "/", "//", None, 7])
    def test_root_has_no_segments(self, path: object) -> None:
        """The root path has no segments, in any spelling."""
        assert request(path=path).segments == ()

    def test_body_in_base64_is_decoded(self) -> None:
        """The gateway says so when it encodes; the word must be `true` itself."""
        coded = base64.b64encode(b"\xff\x00").decode()

        assert request(body=coded, isBase64Encoded=True).body == b"\xff\x00"
        for word in (False, None, "true", 1):
            assert request(body=coded, isBase64Encoded=word).body == coded.encode()

    @pytest.mark.parametrize(
        ("body", "coded", "kept"),
        [
            ("a", True, b"a"),
            ("\n!", True, b"\n!"),
            ("é===", True, "é===".encode()),
            ("\ud800", False, b"\xed\xa0\x80"),
            ({"a": "é"}, True, b'{"a": "\\u00e9"}'),
            ([b"a"], False, b"[\"b'a'\"]"),
        ],
    )
    def test_body_of_another_form_is_not_dropped(self, body: object, kept: bytes, *, coded: bool) -> None:
        """Base64 that is none stays as it is, and another value than a text is written as JSON."""
        assert request(body=body, isBase64Encoded=coded).body == kept


class TestClientAddress:
    """The client address that the platform reports."""

    @pytest.mark.parametrize(
        ("said", "address"),
        [
            ("203.0.113.7", "203.0.113.7"),
            ("203.0.113.7:50123", "203.0.113.7"),
            ("2001:db8::7", "2001:db8::7"),
            ("[2001:db8::7]:50123", "2001:db8::7"),
            (" 203.0.113.7 ", "203.0.113.7"),
        ],
    )
    def test_port_is_not_part_of_it(self, said: str, address: str) -> None:
        """Every spelling that was seen, of both dialects."""
        assert headed(x_scf_remote_addr=said).client_address == address
        assert request(requestContext={"sourceIp": said}).client_address == address

    def test_headers_of_the_client_do_not_count(self) -> None:
        """Behind the gateway its own word counts, and a forwarded-for header never."""
        forged = {"x-forwarded-for": "198.51.100.9", "x-real-ip": "198.51.100.9"}

        assert request(headers=forged).client_address == ""
        forged |= {"X-Scf-Remote-Addr": "198.51.100.9"}
        behind = request(headers=forged, requestContext={"sourceIp": "203.0.113.7"})
        assert behind.client_address == "203.0.113.7"


class TestReadingJson:
    """One JSON object, declared as such, of a bounded size."""

    def test_object_is_read(self) -> None:
        """A JSON object in UTF-8 is parsed; an empty body is an empty object, and needs no content type."""
        got = request(body='{"context": "수업"}', headers={"Content-Type": "application/json"})

        assert read_json(got, max_bytes=100) == {"context": "수업"}
        assert read_json(request(body=" \r\n"), max_bytes=1) == {}

    def test_body_without_a_media_type_is_refused(self) -> None:
        """A body has to be declared as JSON."""
        with pytest.raises(errors.UnsupportedMediaTypeError):
            read_json(request(body="{}"), max_bytes=100)

    @pytest.mark.parametrize(
        "body", [b"\xff\xfe{\x00}\x00", b"\x80", b'{"a": "\xc3"}', b"\xed\xa0\x80", b"[]", b"{"]
    )
    def test_other_bytes_are_refused(self, body: bytes) -> None:
        """UTF-16, broken UTF-8, and JSON that is no object."""
        coded = base64.b64encode(body).decode()
        with pytest.raises(errors.InvalidRequestError):
            read_json(
                request(body=coded, isBase64Encoded=True, headers={"content-type": "application/json"}),
                max_bytes=100,
            )


@pytest.mark.parametrize(
    ("text", "accept"),
    [
        *((True, it) for it in ("text/plain", "text/*", "text/plain;q=0.9, application/json;q=0.8")),
        *((True, it) for it in ("text/plain; charset=utf-8; q=0.9, */*;q=0.1", "application/json;q=0, */*")),
        *((False, it) for it in ("", "*/*", "text/plain, */*", "text/plain;q=0.5, */*", "text/plain;q=0")),
        *(
            (False, it)
            for it in ("text/plain, application/*", "text/html", ";,;q=,text", "text/plain;q=high, */*")
        ),
    ],
)
def test_text_has_to_be_preferred(*, text: bool, accept: str) -> None:
    """Weights and wildcards count as in RFC 9110, section 12.5.1; a tie is JSON's."""
    assert prefers_text(headed(accept=accept)) is text
