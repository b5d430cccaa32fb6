"""Every setting, read from a mapping of environment variables.

Each function asks only for the groups it needs, so that it can be deployed without the secrets of
the others; all faults are reported at once, and no value is ever shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, TypeVar
from urllib.parse import urlsplit

from shared.config.values import (
    MIN_KEY_LENGTH,
    CallbackTokens,
    HttpUrl,
    HttpUrlOrOff,
    JwksUrl,
    Keys,
    Origins,
    Policies,
    PublicKeys,
    RedisUrl,
    WebhookSecrets,
    shared_keys,
)
from shared.domain.rate_limits import MAX_SIZE, UploadLimits
from shared.errors import ConfigurationError
from shared.field_types import Field, InvalidValueError
from shared.model import Model, ValidationInfo, field_validator

if TYPE_CHECKING:
    from collections.abc import Mapping

WEBHOOK_PORTS = (443, 8443)
"""Where HTTPS is spoken: no event is ever sent to what listens on another port."""
_NOT_DEPLOYED = "undefined"
"""The deployment tool writes this word for a variable that had no value."""


class SettingsGroup(Model):
    """Settings that belong together; a function's settings are a class that joins several groups.

    What several settings must be together is checked with the last of them, so that it is
    reported beside the faults of the others.
    """


class StoreSettings(SettingsGroup):
    """Where sessions, nonces and the journal are kept, and for how long.

    Four days at the least: so long VOD keeps an event in its queue (doc 266/34183), and so long an
    event may wait for the app; an upload must not outlive its record.
    """

    redis_url: Annotated[RedisUrl, Field(alias="REDIS_URL", repr=False)]
    stage: Annotated[str, Field(alias="STAGE", pattern=r"^[a-z0-9-]{1,20}$")] = "dev"
    retention_seconds: Annotated[int, Field(alias="RETENTION_SECONDS", ge=345_600, le=31_536_000)] = 604_800
    upload_session_seconds: Annotated[int, Field(alias="UPLOAD_SESSION_SECONDS", ge=60, le=345_600)] = 90_000


class CallerSettings(SettingsGroup):
    """How the app's end users authenticate: by a token, or for a trial by their network alone.

    Or, for a trial, not at all: `anonymous` knows each by his network. In the cloud that has to be said
    twice, because it lets anybody who finds the URL upload at the operator's cost.
    """

    run_environment: Annotated[str, Field(alias="TENCENTCLOUD_RUNENV")] = ""
    function_name: Annotated[str, Field(alias="SCF_FUNCTIONNAME")] = ""
    auth_mode: Annotated[Literal["jwt", "anonymous"], Field(alias="AUTH_MODE")] = "jwt"
    anonymous_key: Annotated[
        str | None, Field(alias="ANONYMOUS_KEY", min_length=MIN_KEY_LENGTH, repr=False, validate_default=True)
    ] = None
    anonymous_in_cloud: Annotated[
        Literal["anybody-may-upload"] | None, Field(alias="ANONYMOUS_IN_CLOUD", validate_default=True)
    ] = None
    jwt_secrets: Annotated[Keys, Field(alias="JWT_SECRETS", repr=False)] = ()
    jwt_public_keys: Annotated[PublicKeys, Field(alias="JWT_PUBLIC_KEY")] = ()
    jwt_jwks_url: Annotated[JwksUrl | None, Field(alias="JWT_JWKS_URL", validate_default=True)] = None
    jwt_issuer: Annotated[str | None, Field(alias="JWT_ISSUER")] = None
    jwt_audience: Annotated[str | None, Field(alias="JWT_AUDIENCE")] = None
    cors_origins: Annotated[Origins, Field(alias="CORS_ORIGINS")] = ()

    @field_validator("anonymous_key")
    @classmethod
    def _is_there_to_tell_callers_apart(cls, key: str | None, info: ValidationInfo) -> str | None:
        if key is None and info.data.get("auth_mode") == "anonymous":
            raise ValueError("needed with AUTH_MODE=anonymous, to name callers by their networks")
        return key

    @field_validator("anonymous_in_cloud")
    @classmethod
    def _is_said_twice(cls, said: str | None, info: ValidationInfo) -> str | None:
        in_cloud = info.data.get("run_environment") or info.data.get("function_name")
        if said is None and in_cloud and info.data.get("auth_mode") == "anonymous":
            raise ValueError("AUTH_MODE=anonymous counts in the cloud only if this says anybody-may-upload")
        return said

    @field_validator("jwt_jwks_url")
    @classmethod
    def _one_kind_of_key(cls, url: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("auth_mode", "jwt") == "anonymous":
            return url
        # A key with a fault of its own is not in `info.data`, and was given all the same.
        others = [info.data.get(name, "given") for name in ("jwt_secrets", "jwt_public_keys")]
        if [bool(key) for key in (*others, url)].count(True) != 1:
            raise ValueError("set exactly one of JWT_SECRETS, JWT_PUBLIC_KEY and JWT_JWKS_URL")
        return url


class ContextSettings(SettingsGroup):
    """The keys of the context token, newest first."""

    context_keys: Annotated[Keys, Field(alias="CONTEXT_KEYS", min_length=1, repr=False)]


class SigningSettings(SettingsGroup):
    """The long-term key pair that signs uploads, the policies, and how often a user may ask."""

    vod_secret_id: Annotated[str, Field(alias="VOD_SECRET_ID", pattern=r"^[A-Za-z0-9_-]{8,128}$")]
    vod_secret_key: Annotated[str, Field(alias="VOD_SECRET_KEY", min_length=8, max_length=128, repr=False)]
    vod_sub_app_id: Annotated[int | None, Field(alias="VOD_SUB_APP_ID", ge=1)] = None
    upload_policies: Annotated[Policies, Field(alias="UPLOAD_POLICIES")]
    new_uploads_per_minute: Annotated[int, Field(alias="NEW_UPLOADS_PER_MINUTE", ge=1, le=100_000)] = 30
    network_uploads_per_minute: Annotated[
        int, Field(alias="NETWORK_UPLOADS_PER_MINUTE", ge=0, le=1_000_000)
    ] = 300
    open_uploads: Annotated[int, Field(alias="OPEN_UPLOADS", ge=0, le=100_000)] = 100
    new_uploads_per_day: Annotated[int, Field(alias="NEW_UPLOADS_PER_DAY", ge=0, le=1_000_000)] = 1000
    new_bytes_per_day: Annotated[int, Field(alias="NEW_BYTES_PER_DAY", ge=0, le=MAX_SIZE)] = 0
    renewals_per_minute: Annotated[int, Field(alias="RENEWALS_PER_MINUTE", ge=10, le=100_000)] = 60

    @property
    def upload_limits(self) -> UploadLimits:
        """The limits on uploads of one user."""
        return UploadLimits(
            per_minute=self.new_uploads_per_minute,
            network_per_minute=self.network_uploads_per_minute,
            open_uploads=self.open_uploads,
            per_day=self.new_uploads_per_day,
            bytes_per_day=self.new_bytes_per_day,
        )


class CallbackSettings(SettingsGroup):
    """The secret that authenticates VOD's normal callback."""

    callback_tokens: Annotated[
        CallbackTokens,
        Field(alias="CALLBACK_TOKENS", min_length=1, max_length=2, repr=False),
    ]
    callback_sign_key: Annotated[
        str | None, Field(alias="VOD_CALLBACK_SIGN_KEY", pattern=r"^[A-Za-z0-9]{1,32}$", repr=False)
    ] = None
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
    long_term_secret_key: Annotated[
        str | None, Field(alias="VOD_SECRET_KEY", repr=False, validate_default=True)
    ] = None

    @field_validator("long_term_secret_key")
    @classmethod
    def _some_credentials(cls, key: str | None, info: ValidationInfo) -> str | None:
        role = [info.data.get(f"role_{name}") for name in ("secret_id", "secret_key", "session_token")]
        if not all(role) and not (info.data.get("long_term_secret_id") and key):
            raise ValueError("the server API needs an execution role, or VOD_SECRET_ID and VOD_SECRET_KEY")
        return key

    @property
    def api_credentials(self) -> tuple[str, str, str | None]:
        """Id, key and session token of the role, if there is one; else the long-term pair."""
        if self.role_secret_id and self.role_secret_key and self.role_session_token:
            return self.role_secret_id, self.role_secret_key, self.role_session_token
        return str(self.long_term_secret_id), str(self.long_term_secret_key), None


class WebhookSettings(SettingsGroup):
    """Where the app receives its events, and how they are signed (newest secret first).

    The URL may be the word `off`: events are then journaled and go nowhere. It has to be said,
    because an app that hears nothing should have meant it. It must lead out into the open Internet,
    to one of the ports that are for HTTPS; what its name points at is checked when connecting.
    """

    app_webhook_allow_insecure: Annotated[bool, Field(alias="APP_WEBHOOK_ALLOW_INSECURE")] = False
    app_webhook_url: Annotated[HttpUrlOrOff, Field(alias="APP_WEBHOOK_URL")]
    app_webhook_secrets: Annotated[
        WebhookSecrets,
        Field(alias="APP_WEBHOOK_SECRETS", max_length=2, repr=False, validate_default=True),
    ] = ()

    @field_validator("app_webhook_url")
    @classmethod
    def _leads_out(cls, url: str | None, info: ValidationInfo) -> str | None:
        if url is None or info.data.get("app_webhook_allow_insecure", False):
            return url
        from shared.addresses import is_public_host  # noqa: PLC0415 -- only a function that sends events pays

        parts = urlsplit(url)
        if parts.scheme != "https":
            raise ValueError("must be an https URL")
        if parts.port not in (None, *WEBHOOK_PORTS):
            raise ValueError("must have no port, or 443 or 8443")
        if not is_public_host(str(parts.hostname)):
            raise ValueError("must name a host of the open Internet, by its full name or a public address")
        return url

    @field_validator("app_webhook_secrets")
    @classmethod
    def _are_there(cls, secrets: tuple[bytes, ...], info: ValidationInfo) -> tuple[bytes, ...]:
        if not secrets and info.data.get("app_webhook_url") is not None:
            raise ValueError("needed to sign what goes to APP_WEBHOOK_URL")
        return secrets


class IngestSettings(WebhookSettings, ContextSettings, StoreSettings):
    """What the ingestion of events needs, pushed or pulled."""

    read_back: Annotated[Literal["on", "off"], Field(alias="READ_BACK")] = "on"


class UploadSignatureSettings(SigningSettings, ContextSettings, CallerSettings, StoreSettings):
    """What `functions/upload_signature.py` needs."""


class UploadStatusSettings(CallerSettings, StoreSettings):
    """What `functions/upload_status.py` needs."""


class EventDeliverySettings(IngestSettings, VodApiSettings):
    """What `functions/event_delivery.py` needs."""


class ReliableNotificationSettings(EventDeliverySettings):
    """What `functions/reliable_notification.py` needs."""


class EventNotificationSettings(CallbackSettings, EventDeliverySettings):
    """What `functions/event_notification.py` needs."""


_Settings = TypeVar("_Settings", bound=SettingsGroup)


def load_settings(kind: type[_Settings], environment: Mapping[str, str]) -> _Settings:
    """Read one function's settings; an empty variable counts as not set.

    Raises:
        ConfigurationError: naming every missing and invalid variable, without any value.

    """
    names = {field: info.alias for field, info in kind.model_fields.items()}
    given = {name: environment[name] for name in sorted(names.values()) if environment.get(name, "") != ""}
    undefined = [name for name, value in given.items() if value == _NOT_DEPLOYED]
    field_errors = [f"{name}: had no value when this was deployed" for name in undefined]
    defined = {name: value for name, value in given.items() if name not in undefined}
    field_errors += [f"{name}: has a key that {other} has too" for name, other in shared_keys(defined)]
    try:
        settings = kind.model_validate(given)
    except InvalidValueError as error:
        for finding in error.findings:
            # A default that does not fit is reported under the field's name, not the variable's.
            first, *rest = map(str, finding.place)
            name = names.get(first, first)
            if name not in undefined:
                field_errors.append(
                    f"{'.'.join([name, *rest])}: {finding.message.removeprefix('Value error, ')}"
                )
    else:
        if not field_errors:
            return settings
    raise ConfigurationError("These settings are missing or invalid. " + "; ".join(field_errors) + ".")
