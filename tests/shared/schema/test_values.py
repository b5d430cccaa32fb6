from __future__ import annotations

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from pydantic import TypeAdapter, ValidationError

from shared.schema.models import settings as models
from tests.keys import ec_key, public_pem, rsa_key

PEM = public_pem(rsa_key())
WEB_VIEWS = ("capacitor", "ionic", "tauri")


def read(kind: Any, text: object) -> Any:  # noqa: ANN401  # each kind of value is another
    """Read one value as the settings do."""
    return TypeAdapter(kind).validate_python(text)


def is_refused(kind: Any, text: object) -> bool:  # noqa: ANN401  # as above
    """Return whether the text is refused, in words that do not repeat it."""
    with pytest.raises(ValidationError) as caught:
        read(kind, text)
    messages = [error["msg"] for error in caught.value.errors(include_input=False)]
    return not any(len(str(text)) > len("whsec_") and str(text) in message for message in messages)


def test_list_is_separated_by_commas() -> None:
    """Blanks and empty entries, which are left over from editing, do not count."""
    first, second = "a" * 32, "b" * 40

    assert read(models.Keys, f" {first} ,,{second}, ") == (first, second)
    assert read(models.Keys, (first,)) == (first,)
    assert read(models.Origins, "") == ()


def test_short_keys_are_refused() -> None:
    """32 characters are the least."""
    assert is_refused(models.Keys, "a" * 31)
    assert is_refused(models.Keys, 7)


def test_wrong_entry_and_no_entry_are_two_mistakes() -> None:
    """A list whose only entry is wrong is not called empty as well."""
    for kind in (models.ContextKeys, models.CallbackTokens):
        with pytest.raises(ValidationError) as caught:
            read(kind, "short")

        assert [error["loc"] for error in caught.value.errors()] == [(0,)]
        assert is_refused(kind, " , ")


@pytest.mark.parametrize("pem", [PEM, PEM.strip(), PEM.replace("\n", "\\n"), PEM.replace("\n", "")])
def test_public_key_is_read(pem: str) -> None:
    """With line breaks as they are, or flattened into one line."""
    (key,) = read(models.PublicKeys, pem)

    assert key.startswith("-----BEGIN PUBLIC KEY-----")


def test_two_public_keys_stand_one_behind_the_other() -> None:
    """While a login service changes its key both count; they may be of two kinds (S40)."""
    first, second = public_pem(rsa_key()), public_pem(ec_key())

    assert read(models.PublicKeys, first + second) == (first.strip(), second.strip())
    assert read(models.PublicKeys, (first + second).replace("\n", "\\n")) == (first.strip(), second.strip())
    for broken in (first + "and more", first + second[:-40], f"{first},{second}"):
        with pytest.raises(ValueError, match="is not a readable public key"):
            read(models.PublicKeys, broken)


@pytest.mark.parametrize(
    "pem",
    [
        *("", "AAAA", 7, PEM[: len(PEM) // 2], PEM.replace("PUBLIC", "PRIVATE")),
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
        public_pem(rsa_key("weak", 1024)),
        public_pem(ec_key("bitcoin", ec.SECP256K1)),
        public_pem(x25519.X25519PrivateKey.generate()),  # type: ignore[arg-type]  # a kind that is refused
    ],
)
def test_public_key_that_verifies_nothing_is_refused(pem: object) -> None:
    """Better at the start than with a 401 for every user."""
    assert is_refused(models.PublicKeys, pem)


@pytest.mark.parametrize("url", ["https://a.test", "http://127.0.0.1:8000/x?y=1", "https://[::1]:8443/"])
def test_http_url_is_taken_as_it_is(url: str) -> None:
    """Port, path and query are nobody's business here."""
    assert read(models.HttpUrl, url) == url


@pytest.mark.parametrize(
    "url",
    [
        *("", "a.test", "ftp://a.test", "file:///etc/passwd", "https://", "https:///x", 7),
        *("https://a.test:0", "https://a.test:99999", "https://a.test:x", "https://[::1"),
        *("https://user:word@a.test", "https://@a.test", "https://a.test/#x", "https://\u00e4.test/"),
        *("https://a.test/\u00e4", "https://a.test/a b", "https://a.test/a\nb", "https://a.test/a\x7fb"),
    ],
)
def test_other_addresses_are_refused(url: object) -> None:
    """Other schemes, user names, fragments, impossible ports and non-ASCII text are refused (RFC 3986)."""
    assert is_refused(models.HttpUrl, url)


def test_off_is_no_address() -> None:
    """It is the word for none."""
    assert read(models.HttpUrlOrOff, "off") is None
    assert read(models.HttpUrlOrOff, "https://a.test") == "https://a.test"
    assert is_refused(models.HttpUrlOrOff, "OFF")


@pytest.mark.parametrize(
    "url", ["https://login.example.test/keys", "http://127.0.0.1:9000/keys", "http://localhost/"]
)
def test_key_set_comes_encrypted_or_from_this_machine(url: str) -> None:
    """Who can change the keys on their way can be any user."""
    assert read(models.JwksUrl, url) == url
    assert is_refused(models.JwksUrl, "http://login.example.test/keys")
    assert is_refused(models.JwksUrl, "http://127.0.0.1.example.test/keys")


@pytest.mark.parametrize(
    "url",
    [
        *("redis://localhost", "rediss://:word@a.test:6380/1", "redis+cluster://somebody:word@a.test"),
        *("redis://somebody:@a.test", "redis://:a%2Fb%23c%3Fd%40e%25@a.test/2", "redis://:a:b@a.test?db=3"),
        *("redis://:a@b@a.test", "rediss://[2001:db8::1]:6380/0?ssl_ca_certs=/etc/ca.pem"),
        *("unix:///run/valkey.sock", "unix://:word@/run/valkey.sock?db=1"),
    ],
)
def test_redis_url_is_taken_as_it_is(url: str) -> None:
    """User name, password, host, port and database are taken, for a server, a cluster and a socket."""
    assert read(models.RedisUrl, url) == url


@pytest.mark.parametrize(
    ("words", "url"),
    [
        *(("match", url) for url in ("", "localhost:6379", "http://a.test")),
        *(("not a URL", f"redis://{host}") for host in ("a.test:port/0", "a.test:99999", "[::1")),
        *(
            ("%2F %3F %23", f"redis://{secret}@a.test:6379/0")
            for secret in (":12/34", ":12?34", ":12#34", "user:12/34", ":50%", ":%ff")
        ),
        ("%2F %3F %23", "unix://:12/34@/run/valkey.sock"),
        ("has a user name alone", "redis://user@a.test"),
        *(
            ("must name a host in ASCII", url)
            for url in ("redis://:word@", "redis://", "redis://\u00e4.test")
        ),
        *(("database by its number", f"redis://a.test{end}") for end in ("/zero", "/\u0661", "?db=x")),
    ],
)
def test_redis_url_that_could_mean_another_thing_is_refused(words: str, url: str) -> None:
    """An ambiguous URL is refused with the cause, and without any part of the URL."""
    with pytest.raises(ValidationError, match=words) as caught:
        read(models.RedisUrl, url)

    (error,) = caught.value.errors(include_input=False)
    assert not any(secret in error["msg"] for secret in ("12/34", "a.test", "valkey.sock"))


@pytest.mark.parametrize("length", [24, 32, 64])
def test_webhook_secret_is_decoded(length: int) -> None:
    """As Standard Webhooks spells it: whsec_ and Base64 of 24 to 64 bytes."""
    key = bytes(range(length))

    assert read(models.WebhookSecrets, "whsec_" + base64.b64encode(key).decode()) == (key,)


@pytest.mark.parametrize(
    "text", ["whsec_", "whsec_!!!!", "whsec_" + "A" * 28, "whsec_" + "A" * 88, "A" * 44, "whsec_é"]
)
def test_other_webhook_secrets_are_refused(text: str) -> None:
    """Too short, too long, not Base64, or without the prefix."""
    assert is_refused(models.WebhookSecrets, text)


@pytest.mark.parametrize("token", ["a" * 31, "a" * 32 + "!", "a" * 32 + "/x", "a" * 129])
def test_callback_token_is_one_long_part_of_a_path(token: str) -> None:
    """32 to 128 characters that need no escaping in a URL: 192 bits, if they are random (S42)."""
    assert read(models.CallbackTokens, "a" * 32 + ", " + "_-Z9" * 8) == ("a" * 32, "_-Z9" * 8)
    assert is_refused(models.CallbackTokens, token)


@pytest.mark.parametrize(
    "origin",
    [
        *("*", "null", "https://*.a.test", "https://a.test/path", "a.test", "https://a test", "ftp://a.test"),
        *(
            "https://",
            "https:///",
            "https://user@a.test",
            "https://a.test?x",
            "https://a.test#x",
            "https:a.test",
        ),
        *(
            "https://a.test:",
            "https://a.test:0",
            "https://a.test:65536",
            "https://a.test:https",
            "https://:443",
        ),
        *("https://bücher.test", "https://[::1", "https://[a.test]", "https://[::1]x", "//a.test"),
        "https://a.test:\u0661",
    ],
)
def test_origin_is_a_scheme_and_a_host(origin: str) -> None:
    """As a browser sends it, or a framework that shows a page inside an app; with no pattern in it."""
    origins = ("https://a.test", "http://localhost:5173", *(f"{it}://localhost" for it in WEB_VIEWS))

    assert read(models.Origins, ",".join(origins)) == origins
    assert is_refused(models.Origins, origin)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "7", "{}", '{"other": {}}', '{"default": 7}', '{"default": {"x": 1}}', "[" * 100_000],
)
def test_policies_are_an_object_with_a_default(text: str) -> None:
    """A request that names no policy has to get one."""
    assert is_refused(models.Policies, text)


@pytest.mark.parametrize("limit", [{"maxFileSize": 1}, {"maxDuration": 1}, {"fileTypes": ["mp4"]}])
def test_policy_that_does_something_about_files_has_a_limit(limit: dict[str, object]) -> None:
    """Without one no file can be beyond it."""
    policies = {"default": {**limit, "onViolation": "delete"}}

    assert read(models.Policies, policies)["default"].on_violation == "delete"
    assert is_refused(models.Policies, {"default": {"onViolation": "delete"}})
    assert is_refused(models.Policies, {"default": {**limit, "onViolation": "burn"}})


def test_policies_are_read() -> None:
    """From JSON, or from what JSON gave."""
    assert read(models.Policies, '{"default": {"oneTime": false}}')["default"].one_time is False
    assert read(models.Policies, {"default": {}})["default"].one_time is True


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        ("HTTPS://App.Example.TEST", "https://app.example.test"),
        ("https://app.example.test/", "https://app.example.test"),
        ("https://app.example.test:443", "https://app.example.test"),
        ("http://localhost:80", "http://localhost"),
        ("http://localhost:443", "http://localhost:443"),
        ("https://app.example.test:08443", "https://app.example.test:8443"),
        ("https://xn--bcher-kva.test", "https://xn--bcher-kva.test"),
        ("http://[0:0:0:0:0:0:0:1]:8000", "http://[::1]:8000"),
        ("http://[::1]", "http://[::1]"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("tauri://localhost:80", "tauri://localhost:80"),
    ],
)
def test_origin_is_compared_as_a_browser_writes_it(written: str, compared: str) -> None:
    """A browser sends lower case, no default port and no path; however it is set, it is found."""
    assert read(models.Origins, written) == (compared,)
