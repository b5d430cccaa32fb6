from __future__ import annotations

import base64
import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.operator.signature_inspection import Explanation, explain, iso_time
from shared.errors import ConfigurationError, InvalidRequestError, ServiceError
from shared.vod.signature import SignatureParameters, build_original, sign, sign_original

KEY = "kX7EXAMPLEKEYkX7EXAMPLEKEYkX7abc"
ISSUED_AT = 1793318400
REQUIRED = f"secretId=AKID&currentTimeStamp={ISSUED_AT}&expireTime={ISSUED_AT + 600}&random=7"


def inspected(extra: str = "", *, original: str = REQUIRED, now: int = ISSUED_AT + 60) -> Explanation:
    """Inspect a well-signed text: the required parameters and something extra."""
    return explain(sign_original(original + extra, secret_key=KEY), now=now, secret_key=KEY)


def test_our_own_signature_is_valid_and_without_problems() -> None:
    """What this service issues is what it finds nothing wrong with."""
    everything = SignatureParameters(
        secret_id="AKIDEXAMPLE",
        current_time_stamp=ISSUED_AT,
        expire_time=ISSUED_AT + 600,
        random=0,
        class_id=0,
        procedure="한 flow",
        task_priority=-10,
        task_notify_mode="Change",
        source_context="&=%+/?# 🎬",
        one_time_valid=False,
        vod_sub_app_id=1500012345,
        session_context="x" * 1000,
        storage_region="ap-seoul",
    )

    inspection = explain(sign(everything, secret_key=KEY), now=ISSUED_AT, secret_key=KEY)

    assert inspection.verdict == "valid"
    assert inspection.problems == ()
    assert inspection.parameters == {
        "secretId": "AKIDEXAMPLE",
        "currentTimeStamp": "1793318400",
        "expireTime": "1793319000",
        "random": "0",
        "classId": "0",
        "procedure": "한 flow",
        "taskPriority": "-10",
        "taskNotifyMode": "Change",
        "sourceContext": "&=%+/?# 🎬",
        "oneTimeValid": "0",
        "vodSubAppId": "1500012345",
        "sessionContext": "x" * 1000,
        "storageRegion": "ap-seoul",
    }


def test_without_a_key_the_verdict_stays_open() -> None:
    """What cannot be checked is neither called valid nor invalid."""
    inspection = explain(sign_original(REQUIRED, secret_key=KEY), now=ISSUED_AT)

    assert inspection.verdict == "unverified"
    assert inspection.problems == ()


def test_other_key_is_invalid_and_still_explained() -> None:
    """A wrong key is a problem in words, and the parameters are shown all the same."""
    inspection = explain(sign_original(REQUIRED, secret_key="another key"), now=ISSUED_AT, secret_key=KEY)

    assert inspection.verdict == "invalid"
    assert inspection.problems == (
        "The digest is not that of this SecretKey: another key signed, or the text was changed since.",
    )
    assert inspection.parameters["secretId"] == "AKID"


def test_digest_taken_before_encoding_is_recognised() -> None:
    """The classic mistake of a home-made signer is named, rather than called a wrong key."""
    digest = base64.b64decode(sign_original(f"{REQUIRED}&sourceContext=a b", secret_key=KEY))[:20]
    signature = base64.b64encode(digest + f"{REQUIRED}&sourceContext=a%20b".encode()).decode()

    inspection = explain(signature, now=ISSUED_AT, secret_key=KEY)

    assert inspection.verdict == "invalid"
    assert inspection.problems == (
        "The digest was taken before the values were percent-encoded: it must cover the encoded text.",
    )


@pytest.mark.parametrize(
    ("extra", "problem"),
    [
        ("&random=8", "random is given 2 times; the first is shown."),
        ("&procedure=", "procedure has no value: leave it out instead."),
        ("&oneTime=1", "'oneTime' is no parameter that VOD documents."),
        (
            "&sourcecontext=a",
            (
                "'sourcecontext' is no parameter that VOD documents: sourceContext is meant, "
                "and the case of letters counts."
            ),
        ),
        ("&%1B%5B2J=1", "'\\x1b[2J' is no parameter that VOD documents."),
        ('&sourceContext={"a":1}', "sourceContext is not percent-encoded."),
        ("&sourceContext=한글", "sourceContext is not percent-encoded."),
        ("&sourceContext=50%", "sourceContext is not percent-encoded."),
        ("&sourceContext=a=b", "sourceContext is not percent-encoded."),
        ("&sourceContext=%C7%D1", "sourceContext is percent-encoded, but not from UTF-8."),
        (
            "&sourceContext=%00",
            "sourceContext must not contain control characters or lone surrogates.",
        ),
        (f"&sourceContext={'a' * 251}", "sourceContext must be at most 250 bytes of UTF-8."),
        (f"&sessionContext={'a' * 1001}", "sessionContext must be at most 1000 bytes of UTF-8."),
        ("&", "A part of the text is no name=value: is there a value with a bare & in it?"),
        ("&taskPriority=1", "taskPriority is only allowed together with procedure."),
        ("&procedure=p&taskPriority=11", "taskPriority must be a whole number from -10 to 10."),
        ("&classId=1.0", "classId must be a whole number from 0 to 9223372036854775807."),
        (f"&classId={'9' * 5000}", "classId must be a whole number from 0 to 9223372036854775807."),
        ("&oneTimeValid=true", "oneTimeValid must be true or false (1 or 0 in the signature)."),
        ("&storageRegion=Seoul", 'storageRegion must be a region such as "ap-seoul".'),
    ],
)
def test_each_mistake_is_named_in_a_sentence_of_its_own(extra: str, problem: str) -> None:
    """A well-signed text with one thing wrong is valid, with exactly that one problem."""
    inspection = inspected(extra)

    assert inspection.verdict == "valid"
    assert inspection.problems == (problem,)


@pytest.mark.parametrize(
    ("original", "problems"),
    [
        (
            f"secretId=AKID&currentTimeStamp={ISSUED_AT}.5&expireTime={ISSUED_AT + 600}&random=7",
            ("currentTimeStamp must be Unix time in whole seconds, not milliseconds.",),
        ),
        (
            f"secretId=AKID&currentTimeStamp={ISSUED_AT}000&expireTime={ISSUED_AT}600&random=7",
            (
                "currentTimeStamp must be Unix time in whole seconds, not milliseconds.",
                "expireTime must be Unix time in whole seconds, not milliseconds.",
            ),
        ),
        (
            REQUIRED.replace("random=7", "random=4294967296"),
            ("random must be a whole number from 0 to 4294967295.",),
        ),
        (
            REQUIRED.replace("random=7", "random=\u0667"),
            ("random is not percent-encoded.", "random must be a whole number from 0 to 4294967295."),
        ),
        (
            f"secretId=AKID&currentTimeStamp={ISSUED_AT}&expireTime={ISSUED_AT + 7_776_001}&random=7",
            ("expireTime must lie 1 to 7776000 seconds (90 days) after currentTimeStamp.",),
        ),
        (
            "secretId=&procedure=p",
            (
                "secretId has no value: leave it out instead.",
                "secretId is required.",
                "currentTimeStamp is required.",
                "expireTime is required.",
                "random is required.",
            ),
        ),
    ],
)
def test_mistakes_in_required_parameters_are_named(original: str, problems: tuple[str, ...]) -> None:
    """Fractions, milliseconds, Node's 2^32, ten years and missing names are each told as what they are."""
    assert problems == inspected(original=original).problems


def test_bare_ampersand_in_a_value_is_pointed_at() -> None:
    """A value that was cut in two by its own ampersand leaves a part without a name."""
    inspection = inspected("&sourceContext=rock&roll")

    assert inspection.parameters["sourceContext"] == "rock"
    assert inspection.problems == (
        "A part of the text is no name=value: is there a value with a bare & in it?",
        "'roll' has no value: leave it out instead.",
        "'roll' is no parameter that VOD documents.",
    )


def test_text_in_another_encoding_is_verified_and_named() -> None:
    """A signer on a Korean Windows machine is told about its bytes, although the digest is right."""
    original = f"{REQUIRED}&sourceContext=".encode() + "한글".encode("euc_kr")

    inspection = inspected(original=original.decode(errors="surrogateescape"))

    assert inspection.verdict == "valid"
    assert inspection.problems == ("The text is not UTF-8.", "sourceContext is not percent-encoded.")
    assert inspection.parameters["sourceContext"].encode()


@pytest.mark.parametrize(
    ("now", "problems"),
    [
        (
            ISSUED_AT - 61,
            ("currentTimeStamp lies in the future, at 2026-10-30T00:00:00Z: is the signer's clock right?",),
        ),
        (ISSUED_AT - 60, ()),
        (ISSUED_AT + 599, ()),
        (ISSUED_AT + 600, ("It expired at 2026-10-30T00:10:00Z.",)),
        (10**30, ("It expired at 2026-10-30T00:10:00Z.",)),
    ],
)
def test_signature_has_its_time(now: int, problems: tuple[str, ...]) -> None:
    """It is good from a minute before it was issued until the second in which it expires."""
    assert problems == inspected(now=now).problems


def test_instants_are_numbers_only_when_they_have_the_form_of_such() -> None:
    """What is no time in seconds is not turned into one."""
    readable = inspected()
    unreadable = inspected(original="currentTimeStamp=-1&random=7")

    assert (readable.issued_at, readable.expires_at) == (ISSUED_AT, ISSUED_AT + 600)
    assert (unreadable.issued_at, unreadable.expires_at) == (None, None)


@pytest.mark.parametrize("seconds", [0, 9_999_999_999])
def test_every_instant_of_ten_digits_has_a_date(seconds: int) -> None:
    """The largest accepted time can still be shown."""
    assert iso_time(seconds).endswith("Z")


@pytest.mark.parametrize("zone", ["UTC", "Asia/Seoul"])
def test_times_are_shown_in_utc_wherever_the_desk_stands(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Times are shown in UTC, whatever the time zone of the machine."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert iso_time(ISSUED_AT) == "2026-10-30T00:00:00Z"
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    ("extra", "is_fault"),
    [("&a", True), ("&=b", True), ("&a=b", False), ("&ab=c=d", False), ("&a=b=", False)],
)
def test_part_needs_a_name_and_an_equals_sign(extra: str, *, is_fault: bool) -> None:
    """One letter is a name; a second sign belongs to the value."""
    problem = "A part of the text is no name=value: is there a value with a bare & in it?"

    assert (problem in inspected(extra).problems) is is_fault


@pytest.mark.parametrize("byte", [b"\x80", b"\xbf", b"\xc0", b"\xff"])
def test_any_byte_that_is_no_utf8_is_told(byte: bytes) -> None:
    """From the first to the last that can stand alone."""
    original = REQUIRED + "&sourceContext=" + byte.decode("utf-8", "surrogateescape")

    assert (
        "The text is not UTF-8." in explain(sign_original(original, secret_key=KEY), now=ISSUED_AT).problems
    )


def test_long_name_is_shown_up_to_its_fortieth_character() -> None:
    """A long name is cut after 40 characters."""
    (problem,) = inspected(f"&{'n' * 39}ox=1").problems

    assert problem == f"'{'n' * 39}o' is no parameter that VOD documents."


@pytest.mark.parametrize(
    ("text", "is_fault"), [("0", False), ("1", False), ("2", True), ("true", True), ("01", True)]
)
def test_one_time_flag_is_0_or_1(text: str, *, is_fault: bool) -> None:
    """As the documents spell it (doc 266/33922)."""
    problem = "oneTimeValid must be true or false (1 or 0 in the signature)."

    assert (problem in inspected(f"&oneTimeValid={text}").problems) is is_fault


@pytest.mark.parametrize(
    "leak", ["&sourceContext={}", "&{}=1", "&sourceContext=user-{}-{}", f"&{'x' * 30}{{}}=1", "&secretId={}"]
)
def test_key_that_stands_in_the_text_is_not_shown(leak: str) -> None:
    """Who put the SecretKey into the signature is told so, without the key being repeated."""
    inspection = inspected(leak.replace("{}", KEY))

    assert inspection.problems[0] == (
        "The SecretKey itself stands in the text, readable by everybody: replace that key at once."
    )
    assert KEY not in repr(inspection)
    assert KEY[:10] not in repr(inspection)


def test_key_is_not_shown_when_it_does_not_fit_either() -> None:
    """No verdict and no error ever contains the key."""
    invalid = explain(sign_original(REQUIRED, secret_key="another"), now=ISSUED_AT, secret_key=KEY)
    with pytest.raises(InvalidRequestError) as caught:
        explain(KEY + "!", now=ISSUED_AT, secret_key=KEY)

    assert KEY not in repr(invalid)
    assert KEY not in repr(caught.value)


def test_empty_key_is_an_error_and_no_verdict() -> None:
    """A key that was never set cannot call a signature invalid."""
    with pytest.raises(ConfigurationError):
        explain(sign_original(REQUIRED, secret_key=KEY), now=ISSUED_AT, secret_key="")


def test_inspection_cannot_be_changed() -> None:
    """A result can be handed on without copies."""
    with pytest.raises(TypeError):
        inspected().parameters["random"] = "8"  # type: ignore[index]  # this is the attempt


@given(st.binary(max_size=400), st.integers())
def test_any_bytes_behind_a_right_digest_are_explained(original: bytes, now: int) -> None:
    """Whatever was signed, the explanation is complete, printable Unicode, and never another error."""
    signature = sign_original(original.decode(errors="surrogateescape"), secret_key=KEY)
    try:
        inspection = explain(signature, now=now, secret_key=KEY)
    except ServiceError:
        assert original == b""
        return

    assert inspection.verdict == "valid"
    assert inspection.problems  # four parameters are required, and chance does not write them
    assert all(problem.isprintable() for problem in inspection.problems)
    assert "".join([*inspection.parameters, *inspection.parameters.values()]).encode() is not None


@given(st.text(st.characters()), st.integers(), st.none() | st.text(st.characters()))
def test_any_text_is_explained_or_refused(signature: str, now: int, secret_key: str | None) -> None:
    """No text, time or key makes it fail in any other way than with an error of ours."""
    with contextlib.suppress(ServiceError):
        explain(signature, now=now, secret_key=secret_key)


def test_megabytes_are_refused_before_they_are_read() -> None:
    """The limit of 8 KiB comes first."""
    with pytest.raises(InvalidRequestError, match="8192"):
        explain("A" * 10_000_000, now=ISSUED_AT, secret_key=KEY)


def test_thousands_of_parts_are_explained() -> None:
    """The largest text that is read, made of nothing but separators and names, has an explanation."""
    assert inspected(original="a&" * 2900).problems


def test_order_of_the_parameters_is_that_of_the_signature() -> None:
    """The explanation follows the text, so that both can be read side by side."""
    backwards = "&".join(reversed(REQUIRED.split("&")))

    assert list(inspected(original=backwards).parameters) == [
        "random",
        "expireTime",
        "currentTimeStamp",
        "secretId",
    ]
    assert inspected(original=backwards).problems == ()


def test_original_of_our_own_is_plain_ascii() -> None:
    """What we sign passes every channel: the text itself needs no encoding."""
    context = SignatureParameters("AKID", ISSUED_AT, ISSUED_AT + 1, 0, source_context="한글 🎬")

    assert build_original(context).isascii()
