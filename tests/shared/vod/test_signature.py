from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import ConfigurationError, InvalidRequestError, UnprocessableError
from shared.vod.signature import (
    MAX_RANDOM,
    MAX_SIGNATURE_CHARACTERS,
    MAX_VALIDITY_SECONDS,
    WIRE_NAMES,
    SignatureParameters,
    build_original,
    decode,
    inspect,
    is_signed_with,
    sign,
    sign_original,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

KEY = "EXAMPLEKEY"
ISSUED_AT = 1793318400


def parameters(**changes: Any) -> SignatureParameters:  # noqa: ANN401  # wrong types are what some tests are about
    """Return a small valid set of parameters with some of them changed."""
    return SignatureParameters(
        **{
            "secret_id": "AKIDEXAMPLE0000000000",
            "current_time_stamp": ISSUED_AT,
            "expire_time": ISSUED_AT + 600,
            "random": 3735928559,
            **changes,
        }
    )


def faults(**changes: object) -> dict[str, str]:
    """Return pointer -> detail of everything refused in such a set."""
    with pytest.raises(UnprocessableError) as caught:
        build_original(parameters(**changes))
    return {fault.pointer: fault.detail for fault in caught.value.field_errors}


def texts(most_bytes: int) -> st.SearchStrategy[str]:
    """Return a strategy for any text that VOD accepts: no control characters, within its limit of bytes."""
    characters = st.characters(exclude_categories=("Cs", "Cc"))
    return st.text(characters, min_size=1, max_size=most_bytes).filter(
        lambda text: len(text.encode()) <= most_bytes
    )


@st.composite
def valid_parameters(draw: st.DrawFn) -> SignatureParameters:
    """Draw any set of parameters that is within the documented limits."""
    optional = {
        "class_id": st.integers(0, 2**63 - 1),
        "source_context": texts(250),
        "one_time_valid": st.booleans(),
        "vod_sub_app_id": st.integers(0, 2**63 - 1),
        "session_context": texts(1000),
        "storage_region": st.sampled_from(["ap-seoul", "ap-beijing-1", "na-siliconvalley"]),
    }
    with_procedure = {
        "task_priority": st.integers(-10, 10),
        "task_notify_mode": st.sampled_from(["Finish", "Change", "None"]),
    }
    values: dict[str, Any] = draw(st.fixed_dictionaries({}, optional=optional))
    if draw(st.booleans()):
        values |= {"procedure": draw(texts(128)), **draw(st.fixed_dictionaries({}, optional=with_procedure))}
    issued_at = draw(st.integers(0, 9_000_000_000))
    return parameters(
        secret_id=draw(texts(128)),
        current_time_stamp=issued_at,
        expire_time=issued_at + draw(st.integers(1, MAX_VALIDITY_SECONDS)),
        random=draw(st.integers(0, MAX_RANDOM)),
        **values,
    )


def flipped(signature: str, bit: int) -> str:
    """Return the signature with one bit of its decoded bytes inverted."""
    signed = bytearray(base64.b64decode(signature))
    signed[bit // 8] ^= 1 << bit % 8
    return base64.b64encode(signed).decode()


def test_parameters_left_out_are_not_mentioned() -> None:
    """None means absent, so that VOD applies its own default."""
    original = build_original(parameters())

    assert original == (
        "secretId=AKIDEXAMPLE0000000000&currentTimeStamp=1793318400&expireTime=1793319000&random=3735928559"
    )


def test_every_field_has_a_wire_name_in_the_same_order() -> None:
    """No field of the parameters can be forgotten on the wire."""
    assert tuple(WIRE_NAMES) == SignatureParameters._fields


def each(values: Mapping[str, Sequence[object]]) -> list[tuple[str, object]]:
    """Return each name with each of its values."""
    return [(name, value) for name, its_values in values.items() for value in its_values]


@pytest.mark.parametrize(
    ("field", "value"),
    each(
        {
            "expire_time": (ISSUED_AT + 1, ISSUED_AT + MAX_VALIDITY_SECONDS),
            "random": (0, MAX_RANDOM),
            "class_id": (0,),
            "task_priority": (-10, 10),
            "task_notify_mode": ("Finish", "Change", "None"),
            "source_context": ("x" * 250, "한" * 83),
            "session_context": ("x" * 1000,),
            "vod_sub_app_id": (0,),
            "storage_region": ("ap-seoul", "ap-beijing-1"),
        }
    ),
)
def test_value_at_its_limit_is_accepted(field: str, value: object) -> None:
    """Every documented limit is inclusive."""
    assert build_original(parameters(**{"procedure": "p", field: value}))


@pytest.mark.parametrize(
    ("field", "value"),
    each(
        {
            "secret_id": ("", None, b"AKID", "AKID\n"),
            "current_time_stamp": (float(ISSUED_AT), str(ISSUED_AT)),
            "expire_time": (ISSUED_AT, ISSUED_AT + MAX_VALIDITY_SECONDS + 1, True),
            "random": (-1, MAX_RANDOM + 1, True),
            "class_id": (-1, False, 2**63),
            "procedure": ("", "p" * 129),
            "task_priority": (11, -11),
            "task_notify_mode": ("finish", ["Finish"]),
            "source_context": ("x" * 251, "한" * 84, "tab\there", "\x7f", "\ud83d"),
            "one_time_valid": (1, "1"),
            "vod_sub_app_id": (-1,),
            "session_context": ("x" * 1001, {"a": 1}),
            "storage_region": ("ap-seoul\n", "Seoul", 7),
        }
    ),
)
def test_value_off_its_limit_is_refused_by_its_wire_name(field: str, value: object) -> None:
    """What VOD would refuse, or read as something else, never gets signed."""
    assert list(faults(**{"procedure": "p", field: value})) == [f"/{WIRE_NAMES[field]}"]


def test_all_faults_are_reported_at_once() -> None:
    """A caller learns everything from the first answer."""
    lonely = {"task_priority": 0, "task_notify_mode": "Finish"}

    found = faults(secret_id=None, random=-1, class_id=-1, storage_region="", source_context="", **lonely)

    assert found == {
        "/secretId": "is required",
        "/random": "must be a whole number from 0 to 4294967295",
        "/classId": "must be a whole number from 0 to 9223372036854775807",
        "/taskPriority": "is only allowed together with procedure",
        "/taskNotifyMode": "is only allowed together with procedure",
        "/sourceContext": "must not be empty",
        "/storageRegion": 'must be a region such as "ap-seoul"',
    }


def test_milliseconds_are_refused_as_such() -> None:
    """The commonest mistake with the time is named in the fault."""
    found = faults(current_time_stamp=ISSUED_AT * 1000, expire_time=ISSUED_AT * 1000 + 600)

    assert found == dict.fromkeys(
        ["/currentTimeStamp", "/expireTime"], "must be Unix time in whole seconds, not milliseconds"
    )


def test_faults_do_not_repeat_the_value() -> None:
    """What somebody sent by mistake, such as a key, does not reach a log through an error."""
    with pytest.raises(UnprocessableError) as caught:
        build_original(parameters(source_context="canary\x00"))

    assert "canary" not in f"{caught.value.detail}{caught.value.field_errors}"


@given(valid_parameters())
def test_any_valid_parameters_survive_the_round_trip(drawn: SignatureParameters) -> None:
    """Whatever the values contain, exactly the intended names and values are read back, in order."""
    expected = [(name, str(int(v) if isinstance(v, bool) else v)) for name, v in drawn.wire_values().items()]

    signature = sign(drawn, secret_key=KEY)
    decoded = decode(signature)

    assert expected == list(decoded.pairs)
    assert is_signed_with(decoded, KEY)
    assert signature == sign_original(decoded.original, secret_key=KEY)


def test_largest_signature_can_still_be_read() -> None:
    """Everything we build is shorter than what we read."""
    texts = {
        "secret_id": "한" * 42,
        "procedure": "한" * 42,
        "source_context": "한" * 83,
        "session_context": "한" * 333,
    }
    widest = parameters(class_id=2**63 - 1, vod_sub_app_id=2**63 - 1, task_notify_mode="Finish", **texts)

    assert len(sign(widest, secret_key=KEY)) < MAX_SIGNATURE_CHARACTERS


@pytest.mark.parametrize(("secret_key", "is_genuine"), [(None, None), (KEY, True), ("EXAMPLEKEz", False)])
def test_inspection_verifies_only_with_a_key(secret_key: str | None, is_genuine: bool | None) -> None:  # noqa: FBT001 -- a table
    """What a signature says can be read by anybody; only who has the key learns whether it is genuine."""
    inspected = inspect(sign(parameters(), secret_key=KEY), secret_key=secret_key)

    assert (inspected.is_genuine, inspected.parameters["secretId"]) == (is_genuine, parameters().secret_id)


@pytest.mark.parametrize("secret_key", ["EXAMPLEKEz", "examplekey", "EXAMPLEKEY ", "E"])
def test_other_key_does_not_pass(secret_key: str) -> None:
    """Only the very key that signed is accepted."""
    assert not is_signed_with(decode(sign(parameters(), secret_key=KEY)), secret_key)


def test_no_single_bit_can_be_flipped() -> None:
    """Any flipped bit of digest or text breaks the signature, and so does a digest that is cut off."""
    signature = sign(parameters(source_context="한"), secret_key=KEY)
    decoded, bits = decode(signature), len(base64.b64decode(signature)) * 8

    passing = [bit for bit in range(bits) if is_signed_with(decode(flipped(signature, bit)), KEY)]

    assert passing == []
    assert not is_signed_with(decoded._replace(digest=decoded.digest[:19]), KEY)


@pytest.mark.parametrize("secret_key", ["", "\udc80"])
def test_key_that_is_no_key_checks_nothing(secret_key: str) -> None:
    """An empty key would verify like any other, so it is refused."""
    with pytest.raises(ConfigurationError):
        is_signed_with(decode(sign_original("a=b", secret_key=KEY)), secret_key)


@pytest.mark.parametrize(
    "hostile",
    [
        *("", " \n", "null", "not base64", "YWJj", "YWJj=", "=" * 8, "한글", "\ud800", "\x00"),
        base64.b64encode(bytes(20)).decode(),
        base64.urlsafe_b64encode(b"\xff" * 40).decode(),
        # "Yg==" with other unused bits: one signature has one spelling, so that none can be used twice.
        base64.b64encode(bytes(20) + b"a=1&b").decode().replace("Yg==", "Yh=="),
    ],
)
def test_hostile_text_is_refused_with_an_error_of_ours(hostile: str) -> None:
    """Whatever stands where a signature should is answered with a sentence, and without the text."""
    with pytest.raises(InvalidRequestError) as caught:
        decode(hostile)

    assert len(caught.value.detail) < 100


def test_line_breaks_in_base64_are_skipped() -> None:
    """MIME-style Base64, as some encoders wrap it, reads the same."""
    signature = sign(parameters(), secret_key=KEY)
    wrapped = "\r\n".join(signature[at : at + 76] for at in range(0, len(signature), 76)) + "\n"

    assert decode(signature) == decode(wrapped)


@pytest.mark.parametrize(
    ("original", "expected"),
    [
        ("a=1+2", (("a", "1 2"),)),
        ("a=1%202", (("a", "1 2"),)),
        ("a=1%2B2", (("a", "1+2"),)),
        ("a=x y/한=", (("a", "x y/한="),)),
        ("a=&b", (("a", ""), ("b", ""))),
        ("&&a=1&", (("a", "1"),)),
        ("a=1&a=2", (("a", "1"), ("a", "2"))),
        ("a=%ff%zz%", (("a", "\ufffd%zz%"),)),
        ("a=%ED%A0%80", (("a", "\ufffd\ufffd\ufffd"),)),
        ("%61=1", (("a", "1"),)),
    ],
)
def test_original_is_read_as_leniently_as_its_writers_need(
    original: str, expected: tuple[tuple[str, str], ...]
) -> None:
    """Plus and %20 are both a space, unencoded values are taken as they are, and nothing is lost."""
    assert expected == decode(sign_original(original, secret_key=KEY)).pairs


def test_first_of_two_values_is_the_one_looked_up() -> None:
    """A parameter appended to a text does not replace the one before it; the order stays."""
    decoded = decode(sign_original("random=1&classId=7&random=2", secret_key=KEY))

    assert list(decoded.values.items()) == [("random", "1"), ("classId", "7")]


def test_signature_over_bytes_that_are_not_utf8_can_be_checked() -> None:
    """A signer that uses its machine's encoding is verified on its very bytes."""
    original = "sourceContext=한글".encode("euc_kr")
    signature = sign_original(original.decode(errors="surrogateescape"), secret_key=KEY)

    decoded = decode(signature)

    assert original == base64.b64decode(signature)[20:]
    assert is_signed_with(decoded, KEY)
    assert decoded.values["sourceContext"].encode()


def test_signature_of_exactly_the_longest_is_read() -> None:
    """8192 characters are read, and four more are not: the bound is what is said."""
    longest = base64.b64encode(b"x" * (MAX_SIGNATURE_CHARACTERS // 4 * 3)).decode()

    assert len(longest) == MAX_SIGNATURE_CHARACTERS
    assert decode(longest).digest == b"x" * 20
    with pytest.raises(InvalidRequestError):
        decode(longest + "AAAA")
