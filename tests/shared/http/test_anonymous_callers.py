from __future__ import annotations

import pytest

from shared.config.settings import CallerSettings, load_settings
from shared.domain.policy import NO_CLAIMS
from shared.errors import ConfigurationError, UnauthenticatedError
from shared.http.authentication import Caller, authenticate

KEY = "a key of the anonymous callers' names"
SAID_TWICE = {"AUTH_MODE": "anonymous", "ANONYMOUS_KEY": KEY, "ANONYMOUS_IN_CLOUD": "anybody-may-upload"}
HERE = {"AUTH_MODE": "anonymous", "ANONYMOUS_KEY": KEY}


def caller(address: str, *, authorization: str = "", **changes: str) -> Caller:
    """Authenticate a request from an address."""
    headers = {"authorization": authorization, "x-forwarded-for": "203.0.113.99"}
    settings = load_settings(CallerSettings, {**HERE, **changes})
    return authenticate(headers, settings, now=0, client_address=address)


def faults(variables: dict[str, str]) -> str:
    """Return what is wrong with these settings."""
    with pytest.raises(ConfigurationError) as caught:
        load_settings(CallerSettings, variables)
    return caught.value.detail


def test_caller_is_known_by_his_network() -> None:
    """The same one is the same user, whatever token or header he sends; a household has one IPv6 network."""
    alice = caller("203.0.113.7")

    assert alice.user_id == caller("203.0.113.7", authorization="Bearer a.b.c").user_id
    assert alice.user_id == caller("::ffff:203.0.113.7").user_id
    assert alice.user_id != caller("203.0.113.8").user_id
    assert caller("2001:db8:1:2::1").user_id == caller("2001:db8:1:2:ffff::9").user_id
    assert caller("2001:db8:1:2::1").user_id != caller("2001:db8:1:3::1").user_id
    assert alice.claims == NO_CLAIMS


def test_name_does_not_tell_the_network() -> None:
    """It is a keyed digest, so that trying all addresses takes the key; OpenSSL makes the same one.

    printf %s 203.0.113.7/32 | openssl dgst -sha256 -hmac KEY
    """
    alice = caller("203.0.113.7").user_id

    assert alice == "anonymous-89fd093803d626efbf61109b"
    assert alice != caller("203.0.113.7", ANONYMOUS_KEY=KEY.upper()).user_id


@pytest.mark.parametrize("address", ["", "unknown", "203.0.113", "203.0.113.7, 10.0.0.1", "::x", "[::1]"])
def test_caller_without_an_address_is_nobody(address: str) -> None:
    """Without an address the request is refused: otherwise all callers would be one user."""
    with pytest.raises(UnauthenticatedError):
        caller(address)


def test_tokens_are_the_default() -> None:
    """Without AUTH_MODE=anonymous an address is no credential."""
    settings = load_settings(CallerSettings, {"JWT_SECRETS": KEY})

    assert settings.auth_mode == "jwt"
    with pytest.raises(UnauthenticatedError):
        authenticate({}, settings, now=0, client_address="203.0.113.7")


@pytest.mark.parametrize("cloud", [{"TENCENTCLOUD_RUNENV": "SCF"}, {"SCF_FUNCTIONNAME": "upload_signature"}])
def test_anonymous_is_said_twice_in_the_cloud(cloud: dict[str, str]) -> None:
    """In the cloud a second setting must confirm the mode; on a developer's machine one is enough."""
    assert "ANONYMOUS_IN_CLOUD: AUTH_MODE=anonymous counts in the cloud only" in faults({**HERE, **cloud})
    assert "ANONYMOUS_IN_CLOUD" in faults({**HERE, **cloud, "ANONYMOUS_IN_CLOUD": "yes"})
    assert load_settings(CallerSettings, {**SAID_TWICE, **cloud}).auth_mode == "anonymous"
    assert load_settings(CallerSettings, HERE).auth_mode == "anonymous"
    assert load_settings(CallerSettings, {"JWT_SECRETS": KEY, **cloud}).auth_mode == "jwt"


def test_second_word_alone_opens_nothing() -> None:
    """The confirmation alone has no effect: tokens are required."""
    assert "set exactly one of" in faults({"ANONYMOUS_IN_CLOUD": "anybody-may-upload"})


def test_anonymous_needs_a_key_of_its_own() -> None:
    """The mode needs a long key that no other setting has."""
    assert faults({"AUTH_MODE": "anonymous"}).count(": ") == 1
    assert "ANONYMOUS_KEY: needed with AUTH_MODE=anonymous" in faults({"AUTH_MODE": "anonymous"})
    assert "ANONYMOUS_KEY: String should have at least 32" in faults({**HERE, "ANONYMOUS_KEY": "short"})
    assert "ANONYMOUS_KEY: has a key that JWT_SECRETS has too" in faults({**HERE, "JWT_SECRETS": KEY})


@pytest.mark.parametrize("mode", ["JWT", "none", "off", "anonymous "])
def test_mode_is_one_of_two_words(mode: str) -> None:
    """An unknown mode is an invalid setting."""
    assert "AUTH_MODE: " in faults({"JWT_SECRETS": KEY, "AUTH_MODE": mode})
