"""Every setting, read from a mapping of environment variables.

Each function asks only for the groups it needs, so that it can be deployed without the secrets of
the others; all faults are reported at once, and no value is ever shown.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from shared.errors import ConfigurationError
from shared.upload_policy import DEFAULT_POLICY, Policy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails
    from typing_extensions import Self

MIN_KEY_LENGTH = 32
_WEBHOOK_SECRET_PREFIX = "whsec_"  # noqa: S105 -- the prefix that Standard Webhooks gives to secrets
_WEBHOOK_SECRET_BYTES = range(24, 65)


def _split(value: object) -> object:
    """Read a comma-separated list; blanks around the entries do not count."""
    return (
        tuple(entry.strip() for entry in value.split(",") if entry.strip())
        if isinstance(value, str)
        else value
    )


def _read_policies(value: object) -> object:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        raise ValueError("is not valid JSON") from None


def _read_pem(value: object) -> object:
    """Restore the line breaks of a PEM text that was flattened to fit into one variable."""
    return value.replace("\\n", "\n") if isinstance(value, str) else value


def _none_if_off(value: object) -> object:
    return None if value == "off" else value


def _read_webhook_secret(value: str) -> bytes:
    try:
        key = base64.b64decode(value.removeprefix(_WEBHOOK_SECRET_PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not value.startswith(_WEBHOOK_SECRET_PREFIX) or len(key) not in _WEBHOOK_SECRET_BYTES:
        raise ValueError("must be whsec_ followed by the Base64 of 24 to 64 bytes")
    return key


def _check_http_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        port_is_readable = parts.port is None or parts.port > 0
    except ValueError:
        raise ValueError("is not a URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_readable:
        raise ValueError("must be an http or https URL")
    if parts.username is not None or parts.fragment:
        raise ValueError("must have no user name and no fragment")
    return value


Key = Annotated[str, StringConstraints(min_length=MIN_KEY_LENGTH)]
Keys = Annotated[tuple[Key, ...], BeforeValidator(_split), Field(min_length=1, repr=False)]
HttpUrl = Annotated[str, BeforeValidator(lambda value: _check_http_url(str(value)))]
CallbackToken = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{24,128}$")]
WebhookSecret = Annotated[bytes, BeforeValidator(lambda value: _read_webhook_secret(str(value)))]


class SettingsGroup(BaseModel):
    """Settings that belong together; a function's settings are a class that joins several groups."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class StoreSettings(SettingsGroup):
    """Where sessions, nonces and the journal are kept, and for how long."""

    redis_url: Annotated[str, Field(alias="REDIS_URL", pattern=r"^(rediss?|unix)://", repr=False)]
    stage: Annotated[str, Field(alias="STAGE", pattern=r"^[a-z0-9-]{1,20}$")] = "dev"
    retention_seconds: Annotated[int, Field(alias="RETENTION_SECONDS", ge=3600, le=31_536_000)] = 604_800
    upload_session_seconds: Annotated[int, Field(alias="UPLOAD_SESSION_SECONDS", ge=60, le=604_800)] = 90_000


class CallerSettings(SettingsGroup):
    """How the app's end users prove who they are; exactly one kind of key."""

    jwt_secrets: Annotated[
        tuple[Key, ...], BeforeValidator(_split), Field(alias="JWT_SECRETS", repr=False)
    ] = ()
    jwt_public_key: Annotated[
        str | None,
        BeforeValidator(_read_pem),
        Field(alias="JWT_PUBLIC_KEY", pattern=r"^-----BEGIN PUBLIC KEY-----"),
    ] = None
    jwt_jwks_url: Annotated[HttpUrl | None, Field(alias="JWT_JWKS_URL")] = None
    jwt_issuer: Annotated[str | None, Field(alias="JWT_ISSUER")] = None
    jwt_audience: Annotated[str | None, Field(alias="JWT_AUDIENCE")] = None
    cors_origins: Annotated[
        tuple[Annotated[str, StringConstraints(pattern=r"^https?://[^/*\s]+$")], ...],
        BeforeValidator(_split),
        Field(alias="CORS_ORIGINS"),
    ] = ()

    @model_validator(mode="after")
    def _one_kind_of_key(self) -> Self:
        given = [bool(self.jwt_secrets), self.jwt_public_key is not None, self.jwt_jwks_url is not None]
        if given.count(True) != 1:
            raise ValueError("set exactly one of JWT_SECRETS, JWT_PUBLIC_KEY and JWT_JWKS_URL")
        return self


class ContextSettings(SettingsGroup):
    """The keys of the context token, newest first."""

    context_keys: Annotated[Keys, Field(alias="CONTEXT_KEYS", repr=False)]


class SigningSettings(SettingsGroup):
    """The long-term key pair that signs uploads, the policies, and how often a user may ask."""

    vod_secret_id: Annotated[str, Field(alias="VOD_SECRET_ID", pattern=r"^[A-Za-z0-9_-]{8,128}$")]
    vod_secret_key: Annotated[str, Field(alias="VOD_SECRET_KEY", min_length=8, max_length=128, repr=False)]
    vod_sub_app_id: Annotated[int | None, Field(alias="VOD_SUB_APP_ID", ge=1)] = None
    upload_policies: Annotated[
        dict[str, Policy], BeforeValidator(_read_policies), Field(alias="UPLOAD_POLICIES")
    ]
    new_uploads_per_minute: Annotated[int, Field(alias="NEW_UPLOADS_PER_MINUTE", ge=1, le=100_000)] = 30
    renewals_per_minute: Annotated[int, Field(alias="RENEWALS_PER_MINUTE", ge=10, le=100_000)] = 60

    @model_validator(mode="after")
    def _default_policy_exists(self) -> Self:
        if DEFAULT_POLICY not in self.upload_policies:
            raise ValueError(f"UPLOAD_POLICIES needs a policy named {DEFAULT_POLICY!r}")
        return self


class CallbackSettings(SettingsGroup):
    """How VOD's normal callback is told from anybody else's request."""

    callback_tokens: Annotated[
        tuple[CallbackToken, ...],
        BeforeValidator(_split),
        Field(alias="CALLBACK_TOKENS", min_length=1, max_length=2, repr=False),
    ]
    callback_sign_key: Annotated[
        str | None, Field(alias="VOD_CALLBACK_SIGN_KEY", pattern=r"^[A-Za-z0-9]{1,32}$", repr=False)
    ] = None
    read_back: Annotated[Literal["on", "off"], Field(alias="READ_BACK")] = "on"
    callback_hold_seconds: Annotated[float, Field(alias="CALLBACK_HOLD_SECONDS", ge=0, le=60)] = 6.0
    """How long an event that cannot be journaled is left without an answer: VOD sends again after 5 s."""


class VodApiSettings(SettingsGroup):
    """The server API: its address, and the role's credentials, or the long-term key pair without a role."""

    vod_api_url: Annotated[HttpUrl, Field(alias="VOD_API_URL")] = "https://vod.tencentcloudapi.com"
    vod_api_sub_app_id: Annotated[int | None, Field(alias="VOD_SUB_APP_ID", ge=1)] = None
    role_secret_id: Annotated[str | None, Field(alias="TENCENTCLOUD_SECRETID", repr=False)] = None
    role_secret_key: Annotated[str | None, Field(alias="TENCENTCLOUD_SECRETKEY", repr=False)] = None
    role_session_token: Annotated[str | None, Field(alias="TENCENTCLOUD_SESSIONTOKEN", repr=False)] = None
    long_term_secret_id: Annotated[str | None, Field(alias="VOD_SECRET_ID", repr=False)] = None
    long_term_secret_key: Annotated[str | None, Field(alias="VOD_SECRET_KEY", repr=False)] = None

    @model_validator(mode="after")
    def _some_credentials(self) -> Self:
        role = self.role_secret_id and self.role_secret_key and self.role_session_token
        if not role and not (self.long_term_secret_id and self.long_term_secret_key):
            raise ValueError("the server API needs an execution role, or VOD_SECRET_ID and VOD_SECRET_KEY")
        return self

    @property
    def api_credentials(self) -> tuple[str, str, str | None]:
        """Id, key and session token of the role, if there is one; else the long-term pair."""
        if self.role_secret_id and self.role_secret_key and self.role_session_token:
            return self.role_secret_id, self.role_secret_key, self.role_session_token
        return str(self.long_term_secret_id), str(self.long_term_secret_key), None


class WebhookSettings(SettingsGroup):
    """Where the app receives its events, and how they are signed (newest secret first).

    The URL may be the word `off`: events are then journaled and go nowhere. It has to be said,
    because an app that hears nothing should have meant it.
    """

    app_webhook_url: Annotated[HttpUrl | None, BeforeValidator(_none_if_off), Field(alias="APP_WEBHOOK_URL")]
    app_webhook_secrets: Annotated[
        tuple[WebhookSecret, ...],
        BeforeValidator(_split),
        Field(alias="APP_WEBHOOK_SECRETS", max_length=2, repr=False),
    ] = ()
    app_webhook_allow_insecure: Annotated[bool, Field(alias="APP_WEBHOOK_ALLOW_INSECURE")] = False

    @model_validator(mode="after")
    def _signed_and_https(self) -> Self:
        if self.app_webhook_url is None:
            return self
        if not self.app_webhook_secrets:
            raise ValueError("APP_WEBHOOK_SECRETS: needed to sign what goes to APP_WEBHOOK_URL")
        if self.app_webhook_url.startswith("http:") and not self.app_webhook_allow_insecure:
            raise ValueError("APP_WEBHOOK_URL: must be an https URL")
        return self


class UploadSignatureSettings(SigningSettings, ContextSettings, CallerSettings, StoreSettings):
    """What `functions/upload_signature.py` needs."""


class UploadStatusSettings(CallerSettings, StoreSettings):
    """What `functions/upload_status.py` needs."""


class EventNotificationSettings(
    WebhookSettings, VodApiSettings, CallbackSettings, ContextSettings, StoreSettings
):
    """What `functions/event_notification.py` needs."""


_Settings = TypeVar("_Settings", bound=SettingsGroup)


def load_settings(kind: type[_Settings], environment: Mapping[str, str]) -> _Settings:
    """Read one function's settings; an empty variable counts as not set.

    Raises:
        ConfigurationError: naming every missing and invalid variable, without any value.

    """
    names = {str(field.alias) for field in kind.model_fields.values()}
    given = {name: environment[name] for name in sorted(names) if environment.get(name, "") != ""}
    # The deployment tool writes this word for a variable that had no value (scf-platform 3.3).
    undefined = [name for name, value in given.items() if value == "undefined"]
    if undefined:
        raise _error([f"{name}: had no value when this was deployed" for name in undefined])
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        raise _error([_fault(fault) for fault in error.errors(include_input=False)]) from None


def _error(faults: list[str]) -> ConfigurationError:
    return ConfigurationError(
        "These settings are missing or invalid. " + "; ".join(dict.fromkeys(faults)) + "."
    )


def _fault(fault: ErrorDetails) -> str:
    place = ".".join(str(part) for part in fault["loc"])
    sentence = fault["msg"].removeprefix("Value error, ")
    return f"{place}: {sentence}" if place else sentence
