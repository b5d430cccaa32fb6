from __future__ import annotations

import base64
import json
import traceback
from typing import TYPE_CHECKING

import pytest

from shared import package_file
from shared.config.settings import (
    JOINED,
    CallbackSettings,
    CallerSettings,
    EventNotificationSettings,
    SettingsGroup,
    StoreSettings,
    UploadSignatureSettings,
    UploadStatusSettings,
    VodApiSettings,
    WebhookSettings,
    load_settings,
    separated,
)
from shared.errors import ConfigurationError
from tests.functions.deployment import environment

if TYPE_CHECKING:
    from pathlib import Path

COMPLETE = {
    **environment("redis://localhost:6379/0"),
    "APP_WEBHOOK_URL": "https://app.example.test/events",
    "APP_WEBHOOK_SECRETS": "whsec_" + base64.b64encode(b"canary-of-the-webhook-secret").decode(),
    "VOD_CALLBACK_SIGN_KEY": "canaryOfTheSignKey",
    "TENCENTCLOUD_SECRETID": "canary-of-the-role-id",
    "TENCENTCLOUD_SECRETKEY": "canary-of-the-role-key",
    "TENCENTCLOUD_SESSIONTOKEN": "canary-of-the-role-token",
}
KINDS = [UploadSignatureSettings, UploadStatusSettings, EventNotificationSettings]


def faults(kind: type[SettingsGroup], variables: dict[str, str]) -> dict[str, str]:
    """Return variable -> what is wrong with it."""
    with pytest.raises(ConfigurationError) as caught:
        load_settings(kind, variables)
    text = str(caught.value)
    assert text.startswith("These settings are missing or invalid. ")
    assert text.endswith(".")
    listed = text.removeprefix("These settings are missing or invalid. ")[:-1].split("; ")
    return dict(fault.split(": ", 1) for fault in listed)


@pytest.mark.parametrize(
    ("kind", "missing"),
    [
        (
            UploadSignatureSettings,
            "CONTEXT_KEYS JWT_JWKS_URL REDIS_URL UPLOAD_POLICIES VOD_SECRET_ID VOD_SECRET_KEY",
        ),
        (UploadStatusSettings, "JWT_JWKS_URL REDIS_URL"),
        (EventNotificationSettings, "APP_WEBHOOK_URL CALLBACK_TOKENS CONTEXT_KEYS REDIS_URL VOD_SECRET_KEY"),
    ],
)
def test_everything_that_is_missing_is_named_at_once(kind: type[SettingsGroup], missing: str) -> None:
    """Also what only one of several variables would satisfy."""
    for variables in ({}, dict.fromkeys(COMPLETE, "")):
        assert " ".join(sorted(faults(kind, variables))) == missing


def test_everything_that_is_wrong_is_named_at_once() -> None:
    """Missing and invalid, in every group, down to the place in a list or in the policies."""
    wrong = {
        **COMPLETE,
        "REDIS_URL": "",
        "STAGE": "Prod!",
        "JWT_SECRETS": f"{'x' * 32},short",
        "JWT_ISSUER": "undefined",
        "UPLOAD_POLICIES": '{"default": {"procedures": [7], "ttl": 5}, "other": 3}',
        "NEW_UPLOADS_PER_MINUTE": "many",
        "CORS_ORIGINS": "https://fine.test,https://*.test",
    }

    assert sorted(faults(UploadSignatureSettings, wrong)) == [
        *("CORS_ORIGINS.1", "JWT_ISSUER", "JWT_SECRETS.1", "NEW_UPLOADS_PER_MINUTE", "REDIS_URL", "STAGE"),
        *("UPLOAD_POLICIES.default.procedures.0", "UPLOAD_POLICIES.default.ttl", "UPLOAD_POLICIES.other"),
    ]


def test_variable_that_had_no_value_at_deployment_is_named() -> None:
    """The deployment tool writes `undefined` then, which would pass for a key or a stage."""
    empty = dict.fromkeys(["STAGE", "UPLOAD_POLICIES"], "undefined")

    assert faults(UploadSignatureSettings, {**COMPLETE, **empty}) == dict.fromkeys(
        empty, "had no value when this was deployed"
    )


def refuses_webhook(url: str, *, insecure: bool = False) -> bool:
    """Return whether the settings refuse this URL of the app; if they take it, it is as it was given."""
    given = {name: COMPLETE[name] for name in COMPLETE if name == "APP_WEBHOOK_SECRETS"}
    given |= {"APP_WEBHOOK_URL": url, "APP_WEBHOOK_ALLOW_INSECURE": "1" if insecure else ""}
    try:
        return load_settings(WebhookSettings, given).app_webhook_url != url
    except ConfigurationError:
        return faults(WebhookSettings, given).keys() == {"APP_WEBHOOK_URL"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "shape", ["{0}", "http://{0}.test", "{0},{0}", '{{"default": {{"procedures": "{0}"}}}}', "\x00{0}"]
)
def test_no_value_is_ever_shown(kind: type[SettingsGroup], shape: str) -> None:
    """Not in the message, nor in what is printed with its traceback."""
    canary = "CANARY!"
    wrong = dict.fromkeys(COMPLETE, shape.format(canary))

    with pytest.raises(ConfigurationError) as caught:
        load_settings(kind, wrong)

    error = caught.value
    assert canary not in str(error) + repr(error) + error.detail
    assert canary not in "".join(traceback.format_exception(type(error), error, error.__traceback__))


@pytest.mark.parametrize("kind", KINDS)
def test_settings_show_no_secret(kind: type[SettingsGroup]) -> None:
    """Settings that land in a log show what they are, and none of what is in them; they never change."""
    settings = load_settings(kind, COMPLETE)

    assert repr(settings) == str(settings) == f"{kind.__name__}(…)"
    with pytest.raises(AttributeError, match="frozen"):
        settings.stage = "prod"


def test_defaults_are_the_documented_ones() -> None:
    """Variables that are not set have the documented defaults."""
    unset = dict.fromkeys(["STAGE", "NEW_UPLOADS_PER_MINUTE", "RENEWALS_PER_MINUTE", "CORS_ORIGINS"], "")
    settings = load_settings(UploadSignatureSettings, {**COMPLETE, **unset, "PATH": "undefined"})

    assert (settings.stage, settings.cors_origins, settings.vod_sub_app_id) == ("dev", (), None)
    assert (settings.retention_seconds, settings.upload_session_seconds) == (604_800, 90_000)
    assert (settings.new_uploads_per_minute, settings.renewals_per_minute) == (30, 60)


def test_default_lets_the_longest_upload_of_the_web_sdk_through() -> None:
    """Nine signatures at most, and one whenever 90 % of the life of a storage credential are over."""
    settings = load_settings(UploadSignatureSettings, COMPLETE)
    refreshes = {life: settings.upload_session_seconds * 10 // (9 * life) for life in (1800, 7200)}

    assert settings.upload_limits.signatures_per_upload == 9 + refreshes[1800]
    # Four each time, where a credential lives for two hours.
    assert settings.upload_limits.signatures_per_upload >= 9 + 4 * refreshes[7200]


class TestSettingsThatGoTogether:
    """Rules across several variables."""

    @pytest.mark.parametrize("names", [(), ("JWT_SECRETS", "JWT_JWKS_URL")])
    def test_there_is_exactly_one_kind_of_user_key(self, names: tuple[str, ...]) -> None:
        """Two kinds would let a token choose how it is verified."""
        kinds = {"JWT_SECRETS": "x" * 32, "JWT_JWKS_URL": "https://login.example.test/keys"}
        variables = {name: kinds[name] for name in names}

        assert "exactly one of" in faults(CallerSettings, variables)["JWT_JWKS_URL"]

    def test_claim_for_the_audience_needs_an_audience(self) -> None:
        """Without a value to look for, naming the claim would have no effect."""
        caller = {"JWT_SECRETS": "x" * 32, "JWT_AUDIENCE_CLAIM": "client_id"}

        assert load_settings(CallerSettings, {**caller, "JWT_AUDIENCE": "web"}).jwt_audience == ("web",)
        assert "needs JWT_AUDIENCE" in faults(CallerSettings, caller)["JWT_AUDIENCE_CLAIM"]
        caller["JWT_AUDIENCE_CLAIM"] = "sub"
        assert faults(CallerSettings, caller).keys() == {"JWT_AUDIENCE_CLAIM"}

    def test_user_claim_has_a_name(self) -> None:
        """With `:number` alone no token would name a user."""
        caller = {"JWT_SECRETS": "x" * 32}

        assert load_settings(CallerSettings, caller).jwt_user_claim == "sub"
        assert faults(CallerSettings, {**caller, "JWT_USER_CLAIM": ":number"}).keys() == {"JWT_USER_CLAIM"}

    def test_key_with_a_fault_is_not_reported_as_missing(self) -> None:
        """An invalid key is not reported as missing as well."""
        assert faults(CallerSettings, {"JWT_SECRETS": "short"}).keys() == {"JWT_SECRETS.0"}
        assert faults(CallerSettings, {"JWT_PUBLIC_KEY": "short"}).keys() == {"JWT_PUBLIC_KEY"}

    def test_sessions_end_before_they_are_forgotten(self) -> None:
        """A record that is gone before its upload ends would refuse every renewal."""
        at_most = {"RETENTION_SECONDS": "345600", "UPLOAD_SESSION_SECONDS": "345600"}
        store = {"REDIS_URL": "redis://localhost"}

        assert load_settings(StoreSettings, {**store, **at_most})
        for wrong in ({"RETENTION_SECONDS": "345599"}, {"UPLOAD_SESSION_SECONDS": "345601"}):
            assert faults(StoreSettings, {**store, **wrong}).keys() == wrong.keys()

    @pytest.mark.parametrize(
        "given",
        [
            {"VOD_SECRET_ID": "id", "TENCENTCLOUD_SECRETID": "role-id", "TENCENTCLOUD_SECRETKEY": "role-key"},
            {"VOD_SECRET_KEY": "key"},
            {},
        ],
    )
    def test_server_api_needs_a_whole_set_of_credentials(self, given: dict[str, str]) -> None:
        """Half of one kind and half of another make none."""
        assert faults(VodApiSettings, given).keys() == {"VOD_SECRET_KEY"}

    def test_role_outweighs_the_long_term_pair(self) -> None:
        """The role's credentials are short-lived, so they are the ones to use where there are any."""
        pair = {"VOD_SECRET_ID": "id", "VOD_SECRET_KEY": "key"}
        role = {f"TENCENTCLOUD_{name}": name for name in ("SECRETID", "SECRETKEY", "SESSIONTOKEN")}

        assert load_settings(VodApiSettings, pair).api_credentials == ("id", "key", None)
        for given in (role, {**pair, **role}):
            credentials = load_settings(VodApiSettings, given).api_credentials
            assert credentials == ("SECRETID", "SECRETKEY", "SESSIONTOKEN")

    def test_webhook_is_signed_and_encrypted(self) -> None:
        """A URL without secrets, or over plain http, is a mistake, unless a developer says otherwise."""
        url, unsigned = "http://localhost:8000/events", {"APP_WEBHOOK_URL": "https://a.test/"}

        assert faults(WebhookSettings, unsigned).keys() == {"APP_WEBHOOK_SECRETS"}
        assert refuses_webhook(url)
        assert not refuses_webhook(url, insecure=True)

    @pytest.mark.parametrize(
        "host",
        [
            *("127.0.0.1", "2130706433", "10.0.0.7:8443", "[::1]", "[fe80::1%25eth0]", "app.internal"),
            *("app.example.test:22", "app.example.test:80", "app.example.test:6379", "8.8.8.8:8444"),
        ],
    )
    def test_webhook_that_leads_inside_is_refused(self, host: str) -> None:
        """No address inside a network, in no spelling, no name of one network alone, no odd port (S31)."""
        assert refuses_webhook(f"https://{host}/hook")
        assert not refuses_webhook(f"https://{host}/hook", insecure=True)

    @pytest.mark.parametrize(
        "url",
        [
            *("https://user:word@app.example.test/", "https://app.example.test@127.0.0.1/"),
            *(r"https://app.example.test\@127.0.0.1/", "ftp://app.example.test/", "file:///etc/passwd"),
        ],
    )
    def test_webhook_with_a_user_or_another_scheme_is_refused(self, url: str) -> None:
        """Whatever else is allowed: who reads such a URL differently would go elsewhere (S31)."""
        assert refuses_webhook(url)
        assert refuses_webhook(url, insecure=True)

    @pytest.mark.parametrize(
        "url", ["https://app.example.test", "https://app.example.test:8443/a?b=c", "https://8.8.8.8:443/"]
    )
    def test_webhook_on_the_open_internet_is_taken(self, url: str) -> None:
        """At one of the two ports of HTTPS."""
        assert not refuses_webhook(url)

    def test_webhook_can_be_off_but_not_forgotten(self) -> None:
        """APP_WEBHOOK_URL must be set, at least to `off`."""
        assert load_settings(WebhookSettings, {"APP_WEBHOOK_URL": "off"}).app_webhook_url is None
        assert faults(WebhookSettings, {}).keys() == {"APP_WEBHOOK_URL"}


JOINABLE = {
    "AUTH_MODE": "jwt",
    "JWT_AUDIENCE": "uploads, others",
    "JWT_AUDIENCE_CLAIM": "",
    "JWT_ISSUER": "https://login.test/?a=b STAGE",
    "JWT_PUBLIC_KEY": "-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----",
    "RETENTION_SECONDS": "0",
}


@pytest.mark.parametrize("names", [list(JOINABLE), sorted(JOINABLE, reverse=True)])
def test_settings_in_one_variable_are_taken_apart(names: list[str]) -> None:
    """In any order, with blanks and line breaks in them, and the empty ones as if they were not set."""
    joined = " ".join(f"{name}={JOINABLE[name]}" for name in names)

    assert separated(joined) == {name: value for name, value in JOINABLE.items() if value}
    assert separated("") == {}


def test_joined_setting_ends_before_one_of_another_group() -> None:
    """A part of a function's settings is read as all of them are, by names that it does not know."""
    joined = {
        **COMPLETE,
        JOINED: "VOD_CALLBACK_SIGN_KEY=theSignKey READ_BACK=off",
        "VOD_CALLBACK_SIGN_KEY": "",
    }

    assert load_settings(CallbackSettings, joined).callback_sign_key == "theSignKey"


def test_setting_alone_goes_before_the_joined_one() -> None:
    """What somebody adds in the console counts; an empty one does not."""
    joined = {
        **COMPLETE,
        JOINED: "RETENTION_SECONDS=400000 REDIS_URL=redis://other:6379 STAGE=prod",
        "STAGE": "",
    }
    settings = load_settings(StoreSettings, joined)

    assert settings.redis_url == COMPLETE["REDIS_URL"]
    assert (settings.retention_seconds, settings.stage) == (400_000, "prod")


def test_joined_setting_without_a_value_is_refused() -> None:
    """The CLI writes `undefined` into a longer text, and that is no value."""
    assert faults(StoreSettings, {**COMPLETE, JOINED: "RETENTION_SECONDS=undefined"}) == {
        "RETENTION_SECONDS": "had no value when this was deployed"
    }


def test_long_setting_is_read_from_a_file_of_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SCF allows 4 KB of variables; policies can take more."""
    monkeypatch.setattr(package_file, "FOLDER", tmp_path)
    policies = {"default": {}, **{f"policy{number}": {"procedures": ["p" * 60]} for number in range(99)}}
    (tmp_path / "upload_policies.json").write_text(json.dumps(policies))
    settings = load_settings(
        UploadSignatureSettings, {**COMPLETE, "UPLOAD_POLICIES": "file:upload_policies.json"}
    )

    assert settings.upload_policies.keys() == policies.keys()


@pytest.mark.parametrize("value", ["file:none.json", "file:", "file:../settings/a.json", "file:latin.json"])
def test_file_that_cannot_be_read_is_named_by_its_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    """Not there, outside the folder, or no text: none of them is taken for the value itself."""
    monkeypatch.setattr(package_file, "FOLDER", tmp_path)
    (tmp_path / "latin.json").write_bytes(b'{"default": "\xe9"}')

    assert faults(UploadSignatureSettings, {**COMPLETE, "UPLOAD_POLICIES": value}) == {
        "UPLOAD_POLICIES": "its file cannot be read: put it into settings/, and make package"
    }
