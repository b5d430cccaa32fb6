"""The settings of the functions: environment variables, in groups of which each function joins several.

What several settings must be together is checked with the last of them, so that it is reported beside
the errors of the others. `shared.config.settings` has the values that are made of these.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from shared.domain.rate_limits import MAX_BYTES_PER_DAY
from shared.schema import values
from shared.schema.models.policy import Policy

Secret = Field(repr=False)
CommaSeparated = BeforeValidator(values.split_list)
Key = Annotated[str, StringConstraints(min_length=values.MIN_KEY_LENGTH)]
Keys = Annotated[tuple[Key, ...], CommaSeparated]
JwtSecret = Annotated[Key, AfterValidator(values.check_jwt_secret)]
JwtSecrets = Annotated[tuple[JwtSecret, ...], CommaSeparated]
Issuers = Annotated[tuple[dict[str, Any], ...], Field(max_length=8), BeforeValidator(values.parse_json)]
"""`shared.config.issuers` reads the members of each."""
ContextKeys = Annotated[Keys, AfterValidator(values.require_entry)]
Origin = Annotated[str, AfterValidator(values.canonical_origin)]
Origins = Annotated[tuple[Origin, ...], CommaSeparated]
CallbackToken = Annotated[Key, StringConstraints(max_length=128, pattern=r"^[A-Za-z0-9_-]+$")]
CallbackTokens = Annotated[
    tuple[CallbackToken, ...],
    Field(max_length=2),
    CommaSeparated,
    AfterValidator(values.require_entry),
]
WebhookSecret = Annotated[bytes, BeforeValidator(values.decode_webhook_secret)]
WebhookSecrets = Annotated[tuple[WebhookSecret, ...], Field(max_length=2), CommaSeparated]
Webhooks = Annotated[
    tuple[dict[str, Any], ...],
    Field(max_length=8),
    BeforeValidator(values.parse_json),
    AfterValidator(values.require_one_form_of_webhook),
]
"""`shared.config.endpoints` reads the members of each."""
HttpUrl = Annotated[str, AfterValidator(values.check_http_url)]
HttpUrlOrOff = Annotated[HttpUrl | None, BeforeValidator(values.none_if_off)]
JwksUrl = Annotated[str, AfterValidator(values.check_jwks_url)]
RedisUrl = Annotated[
    str,
    StringConstraints(pattern=r"^(rediss?(\+cluster)?|unix)://"),
    AfterValidator(values.check_redis_url),
]
PublicKeys = Annotated[tuple[str, ...], BeforeValidator(values.parse_public_keys)]
Policies = Annotated[
    dict[str, Policy], BeforeValidator(values.parse_json), AfterValidator(values.require_default_policy)
]


class SettingsGroup(BaseModel):
    """Settings that belong together; a variable has its field's name in capitals, or its own as alias."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True, alias_generator=str.upper)


class StoreSettings(SettingsGroup):
    """The Redis that keeps sessions, nonces and the journal, and for how long.

    Four days at the least: so long VOD keeps an event in its queue (doc 266/34183), and so long an
    event may wait for the app; an upload must not outlive its record.
    """

    redis_url: Annotated[RedisUrl, Secret]
    stage: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,20}$")] = "dev"
    retention_seconds: Annotated[int, Field(ge=345_600, le=31_536_000)] = 604_800
    upload_session_seconds: Annotated[int, Field(ge=60, le=345_600)] = 90_000


class CallerSettings(SettingsGroup):
    """How the app's end users prove who they are: by a token, and exactly one kind of key.

    Or, for a trial, not at all: `anonymous` knows each by his network. In the cloud that has to be set
    twice, because it lets anybody who finds the URL upload at the operator's cost.
    """

    run_environment: Annotated[str, Field(alias="TENCENTCLOUD_RUNENV")] = ""
    function_name: Annotated[str, Field(alias="SCF_FUNCTIONNAME")] = ""
    auth_mode: Literal["jwt", "anonymous"] = "jwt"
    anonymous_key: Annotated[
        Key | None,
        Field(repr=False, validate_default=True),
        AfterValidator(values.require_anonymous_key),
    ] = None
    anonymous_in_cloud: Annotated[
        Literal["anybody-may-upload"] | None,
        Field(validate_default=True),
        AfterValidator(values.require_consent_in_cloud),
    ] = None
    jwt_secrets: Annotated[JwtSecrets, Secret] = ()
    jwt_public_keys: Annotated[PublicKeys, Field(alias="JWT_PUBLIC_KEY")] = ()
    jwt_issuers: Annotated[Issuers, Secret] = ()
    jwt_jwks_url: Annotated[
        JwksUrl | None, Field(validate_default=True), AfterValidator(values.require_one_key_source)
    ] = None
    jwt_issuer: str | None = None
    jwt_user_claim: Annotated[str, AfterValidator(values.require_claim_name)] = "sub"
    jwt_user_prefix: Annotated[str, StringConstraints(max_length=20, pattern=r"^[!-~]*$")] = ""
    """What a user's id begins with here, so that two login services that give one id have two users."""
    jwt_audience: Annotated[tuple[str, ...], CommaSeparated] = ()
    jwt_audience_claim: Annotated[
        Literal["aud", "azp", "client_id"], AfterValidator(values.require_audience)
    ] = "aud"
    cors_origins: Origins = ()
    cors_credentials: Literal["on", "off"] = "off"


class ContextSettings(SettingsGroup):
    """The keys of the context token, newest first."""

    context_keys: Annotated[ContextKeys, Secret]


class UserSettings(SettingsGroup):
    """How many uploads a user may begin, and how many of his newest are kept in a list."""

    new_uploads_per_minute: Annotated[int, Field(ge=1, le=100_000)] = 30
    open_uploads: Annotated[int, Field(ge=0, le=100_000)] = 100
    new_uploads_per_day: Annotated[int, Field(ge=0, le=1_000_000)] = 1000
    new_bytes_per_day: Annotated[int, Field(ge=0, le=MAX_BYTES_PER_DAY)] = 0
    listed_uploads: Annotated[int, Field(ge=0, le=1000)] = 100


class SigningSettings(UserSettings):
    """The long-term key pair that signs uploads, the policies, and how often a user may ask."""

    vod_secret_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{8,128}$")]
    vod_secret_key: Annotated[str, Field(min_length=8, max_length=128, repr=False)]
    vod_sub_app_id: Annotated[int, Field(ge=1)] | None = None
    upload_policies: Policies
    network_uploads_per_minute: Annotated[int, Field(ge=0, le=1_000_000)] = 300
    renewals_per_minute: Annotated[int, Field(ge=10, le=100_000)] = 60
    signatures_per_upload: Annotated[int, Field(ge=1, le=10_000)] = 64
    """The Web SDK takes nine at most, and one for each 90 % of the life of a storage credential.

    So 64 let an upload through that lasts 25 hours on credentials of half an hour.
    """
    cover_changes: Literal["on", "off"] = "off"


class CallbackSettings(SettingsGroup):
    """How VOD's normal callback is told from anybody else's request."""

    callback_tokens: Annotated[CallbackTokens, Secret]
    callback_sign_key: Annotated[
        str | None, Field(alias="VOD_CALLBACK_SIGN_KEY", pattern=r"^[A-Za-z0-9]{1,32}$", repr=False)
    ] = None


class VodApiSettings(SettingsGroup):
    """The server API: its address, and the role's credentials, or the long-term key pair without a role."""

    vod_api_url: HttpUrl = "https://vod.tencentcloudapi.com"
    vod_api_sub_app_id: Annotated[int | None, Field(alias="VOD_SUB_APP_ID", ge=1)] = None
    vod_calls_per_second: Annotated[int, Field(ge=1, le=1000)] = 80
    """Of each action, by all instances together; VOD takes 100 of an account (doc 266/34183)."""
    role_secret_id: Annotated[str | None, Field(alias="TENCENTCLOUD_SECRETID", repr=False)] = None
    role_secret_key: Annotated[str | None, Field(alias="TENCENTCLOUD_SECRETKEY", repr=False)] = None
    role_session_token: Annotated[str | None, Field(alias="TENCENTCLOUD_SESSIONTOKEN", repr=False)] = None
    long_term_secret_id: Annotated[str | None, Field(alias="VOD_SECRET_ID", repr=False)] = None
    long_term_secret_key: Annotated[
        str | None,
        Field(alias="VOD_SECRET_KEY", repr=False, validate_default=True),
        AfterValidator(values.require_credentials),
    ] = None


class ShardSettings(VodApiSettings):
    """Where a timer's function starts further invocations of itself, by the credentials of its role."""

    invoke_api_url: HttpUrl = "https://scf.tencentcloudapi.com"


class EndpointSettings(SettingsGroup):
    """Where the app receives its events.

    The URL may be the word `off`: events are then journaled and go nowhere. It has to be set,
    because an app that hears nothing should have meant it. It must lead out into the open Internet,
    to one of the ports that are for HTTPS; what its name points at is checked when connecting.
    """

    app_webhook_allow_insecure: bool = False
    app_webhook_url: Annotated[HttpUrlOrOff, AfterValidator(values.require_public_address)]
    app_webhooks: Annotated[Webhooks, Secret] = ()


class WebhookSettings(EndpointSettings):
    """How the app's events are signed (newest secret first), and whether VOD's own event is in them."""

    app_webhook_secrets: Annotated[
        WebhookSecrets,
        Field(repr=False, validate_default=True),
        AfterValidator(values.require_webhook_secrets),
    ] = ()
    app_webhook_raw: Literal["on", "off"] = "on"


class IngestSettings(WebhookSettings, ContextSettings, StoreSettings):
    """What it takes to ingest events, however they come."""

    read_back: Literal["on", "off"] = "on"
    parked_bytes: Annotated[int, Field(ge=0, le=1_073_741_824)] = 16_777_216
    pushed_events_per_upload: Annotated[int, Field(ge=10, le=100_000)] = 100
    pushed_bytes_per_upload: Annotated[int, Field(ge=65_536, le=1_073_741_824)] = 1_048_576
    foreign_events_per_day: Annotated[int, Field(ge=160, le=100_000_000)] = 50_000
    foreign_bytes_per_day: Annotated[int, Field(ge=1_048_576, le=1_099_511_627_776)] = 67_108_864
    delivered_retention_seconds: Annotated[int, Field(ge=0, le=31_536_000)] = 86_400
    """What the parked bodies of a stage may take: whoever knows the callback URL can post them."""


class UploadSignatureSettings(SigningSettings, ContextSettings, CallerSettings, StoreSettings):
    """What `functions/upload_signature.py` needs."""


class UploadStatusSettings(UserSettings, CallerSettings, StoreSettings):
    """What `functions/upload_status.py` needs."""

    health_token: Annotated[Key | None, Field(repr=False)] = None


class DeliverySettings(IngestSettings, VodApiSettings):
    """What the delivery of events needs."""


class DeliveryRunSettings(ShardSettings, DeliverySettings):
    """What a timer's delivery run needs: events a second of all runs, and at the same time of one."""

    delivery_rate: Annotated[int, Field(ge=1, le=10_000)] = 50
    delivery_concurrency: Annotated[int, Field(ge=1, le=512)] = 64


class EventDeliverySettings(DeliveryRunSettings):
    """What `functions/event_delivery.py` needs."""

    delivery_shards: Annotated[int, Field(ge=1, le=16)] = 1
    """Each delivers the events of its partitions, of which the store has 16."""
    limit_enforcement: Literal["on", "dry-run"] = "on"
    delete_grace_seconds: Annotated[int, Field(ge=0, le=259_200)] = 86_400
    """Three days at the most, a day less than a record is kept at the least."""


class ReliableNotificationSettings(DeliveryRunSettings):
    """What `functions/reliable_notification.py` needs."""

    pull_shards: Annotated[int, Field(ge=1, le=32)] = 1
    """VOD takes 100 calls of PullEvents a second (doc 266/34183), of which a loop makes three to ten."""


class EventNotificationSettings(CallbackSettings, DeliverySettings):
    """What `functions/event_notification.py` needs."""

    callback_hold_seconds: Annotated[float, Field(ge=0, le=60)] = 6.0
    """How long an event that cannot be journaled is left without an answer: VOD sends again after 5 s."""
