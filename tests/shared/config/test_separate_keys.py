from __future__ import annotations

import base64

import pytest

from shared.config.separate_keys import KEY_SETTINGS, shared_keys
from shared.config.settings import EventNotificationSettings, UploadSignatureSettings, load_settings
from shared.errors import ConfigurationError
from tests.functions.deployment import CALLBACK_TOKEN, JWT_SECRET, OLD_CONTEXT_KEY, environment

KEY = "one-key-that-is-used-for-two-things"
PLAIN = [name for name in KEY_SETTINGS if name != "APP_WEBHOOK_SECRETS"]
WEBHOOK_SECRET = "whsec_" + base64.b64encode(KEY.encode()).decode()


@pytest.mark.parametrize("first", PLAIN)
@pytest.mark.parametrize("second", PLAIN)
def test_key_in_two_settings_is_named(first: str, second: str) -> None:
    """A key that two settings share is reported, wherever it is in their lists."""
    found = list(shared_keys({first: f"another-one, {KEY}", second: f"{KEY} ,a-third-one"}))

    later, earlier = sorted((first, second), key=KEY_SETTINGS.index, reverse=True)
    assert found == ([] if first == second else [(later, earlier)])


def test_webhook_secret_is_compared_as_bytes_and_as_text() -> None:
    """A webhook secret is compared decoded and as its whole text."""
    found = list(shared_keys({"CONTEXT_KEYS": KEY, "APP_WEBHOOK_SECRETS": WEBHOOK_SECRET}))
    assert found == [("APP_WEBHOOK_SECRETS", "CONTEXT_KEYS")]
    assert list(shared_keys({"CALLBACK_TOKENS": WEBHOOK_SECRET, "APP_WEBHOOK_SECRETS": WEBHOOK_SECRET}))


def test_password_of_the_store_is_a_key_too() -> None:
    """Its URL may escape it."""
    for url in (f"rediss://:{KEY}@10.0.0.1", "redis://user:one%2Dkey%2dthat-is-used-for-two-things@a.test/0"):
        assert list(shared_keys({"JWT_SECRETS": KEY, "REDIS_URL": url})) == [("REDIS_URL", "JWT_SECRETS")]


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"CONTEXT_KEYS": f"{KEY},{KEY}", "JWT_SECRETS": " , ", "CALLBACK_TOKENS": ""},
        {"CONTEXT_KEYS": KEY, "JWT_SECRETS": KEY + "x", "CALLBACK_TOKENS": KEY[:-1]},
        {"CONTEXT_KEYS": KEY, "JWT_ISSUER": KEY, "STAGE": KEY},
        {"CONTEXT_KEYS": "redis", "REDIS_URL": "redis://redis"},
        {"CONTEXT_KEYS": "x", "REDIS_URL": "redis://[x"},
        {"CONTEXT_KEYS": "?", "APP_WEBHOOK_SECRETS": "whsec_!"},
        {"CONTEXT_KEYS": "\ud800", "APP_WEBHOOK_SECRETS": "whsec_\ud801"},
    ],
)
def test_nothing_else_is_a_shared_key(variables: dict[str, str]) -> None:
    """Empty values, a key twice in one list and similar keys are not reported."""
    assert list(shared_keys(variables)) == []


def test_function_does_not_start_with_a_shared_key() -> None:
    """It names both settings, each such pair, and shows no value (S42)."""
    shared = f"{OLD_CONTEXT_KEY},{JWT_SECRET}"
    variables = environment(f"redis://:{CALLBACK_TOKEN}@127.0.0.1:1", CONTEXT_KEYS=shared)

    with pytest.raises(ConfigurationError) as users:
        load_settings(UploadSignatureSettings, variables)
    with pytest.raises(ConfigurationError) as events:
        load_settings(EventNotificationSettings, {**variables, "CALLBACK_TOKENS": OLD_CONTEXT_KEY})

    assert "JWT_SECRETS: has a key that CONTEXT_KEYS has too." in str(users.value)
    assert "CALLBACK_TOKENS: has a key that CONTEXT_KEYS has too." in str(events.value)
    assert "canary" not in str(users.value) + str(events.value)
