"""Every setting, read from a mapping of environment variables.

Each function asks only for the groups it needs, so that it can be deployed without the secrets of
the others; all errors are reported at once, and no value is ever shown. Names, bounds and defaults are
declared in `shared.schema.models.settings`, by classes of the same names.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeVar

from shared.config.separate_keys import shared_keys
from shared.domain.rate_limits import UploadLimits
from shared.errors import ConfigurationError
from shared.schema.validation import ValidationError, errors_in, names_outside, validate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shared.config.endpoints import Endpoint
    from shared.domain.policy import Policy

JOINED = "OPTIONAL_SETTINGS"
"""The variable that holds the settings a deployment may leave empty: SCF's API takes no empty variable."""
_IN_A_FILE = "file:"
"""How a value begins that is the name of a file of the package."""
WRONG = "These settings are missing or invalid. "
_NOT_DEPLOYED = "undefined"
"""The deployment tool writes this word for a variable that had no value."""


class SettingsGroup:
    """Settings that belong together; a function's settings are a class that joins several groups.

    They never change, and show nothing of themselves: many are secrets.
    """

    def __init__(self, **members: Any) -> None:  # noqa: ANN401 -- each member has its own type
        vars(self).update(members)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        """Refuse."""
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __repr__(self) -> str:
        """Show only the name of the class."""
        return f"{type(self).__name__}(…)"


class StoreSettings(SettingsGroup):
    """The Redis that keeps sessions, nonces and the journal, and for how long."""

    redis_url: str
    stage: str
    retention_seconds: int
    upload_session_seconds: int


class CallerSettings(SettingsGroup):
    """How the app's end users authenticate: by a token, or for a trial by their network alone."""

    run_environment: str
    function_name: str
    auth_mode: Literal["jwt", "anonymous"]
    anonymous_key: str | None
    anonymous_in_cloud: Literal["anybody-may-upload"] | None
    jwt_secrets: tuple[str, ...]
    jwt_public_keys: tuple[str, ...]
    jwt_jwks_url: str | None
    jwt_issuers: tuple[dict[str, Any], ...]
    jwt_issuer: str | None
    jwt_user_claim: str
    jwt_user_prefix: str
    jwt_audience: tuple[str, ...]
    jwt_audience_claim: Literal["aud", "azp", "client_id"]
    cors_origins: tuple[str, ...]
    cors_credentials: Literal["on", "off"]

    @property
    def issuers(self) -> tuple[CallerSettings, ...]:
        """The settings of each issuer of JWT_ISSUERS, as `load_settings` reads them."""
        issuers: tuple[CallerSettings, ...] = vars(self).get("_issuers", ())
        return issuers


class ContextSettings(SettingsGroup):
    """The keys of the context token, newest first."""

    context_keys: tuple[str, ...]


class UserSettings(SettingsGroup):
    """How many uploads a user may begin, and how many of his newest are kept in a list."""

    new_uploads_per_minute: int
    open_uploads: int
    new_uploads_per_day: int
    new_bytes_per_day: int
    listed_uploads: int

    @cached_property
    def upload_limits(self) -> UploadLimits:
        """The limits on uploads of one user."""
        return UploadLimits(
            per_minute=self.new_uploads_per_minute,
            open_uploads=self.open_uploads,
            per_day=self.new_uploads_per_day,
            bytes_per_day=self.new_bytes_per_day,
            listed_uploads=self.listed_uploads,
        )


class SigningSettings(UserSettings):
    """The long-term key pair that signs uploads, the policies, and how often a user may ask."""

    vod_secret_id: str
    vod_secret_key: str
    vod_sub_app_id: int | None
    upload_policies: dict[str, Policy]
    network_uploads_per_minute: int
    renewals_per_minute: int
    signatures_per_upload: int
    cover_changes: Literal["on", "off"]

    @cached_property
    def upload_limits(self) -> UploadLimits:
        """The limits on uploads of one user, of one network and of one upload."""
        return super().upload_limits._replace(
            network_per_minute=self.network_uploads_per_minute,
            renewals_per_minute=self.renewals_per_minute,
            signatures_per_upload=self.signatures_per_upload,
        )


class CallbackSettings(SettingsGroup):
    """What tells VOD's normal callback from anybody else's request."""

    callback_tokens: tuple[str, ...]
    callback_sign_key: str | None


class VodApiSettings(SettingsGroup):
    """The server API: its address, and the role's credentials, or the long-term key pair without a role."""

    vod_api_url: str
    vod_api_sub_app_id: int | None
    vod_calls_per_second: int
    role_secret_id: str | None
    role_secret_key: str | None
    role_session_token: str | None
    long_term_secret_id: str | None
    long_term_secret_key: str | None

    @property
    def api_credentials(self) -> tuple[str, str, str | None]:
        """Id, key and session token of the role, if there is one; else the long-term pair."""
        if self.role_secret_id and self.role_secret_key and self.role_session_token:
            return self.role_secret_id, self.role_secret_key, self.role_session_token
        return str(self.long_term_secret_id), str(self.long_term_secret_key), None


class ShardSettings(VodApiSettings):
    """Where a timer's function starts further invocations of itself, by the credentials of its role."""

    invoke_api_url: str


class EndpointSettings(SettingsGroup):
    """Where the app receives its events.

    None as URL, and no `endpoints`: events are journaled and go nowhere.
    """

    app_webhook_allow_insecure: bool
    app_webhook_url: str | None
    app_webhooks: tuple[dict[str, Any], ...]

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """The endpoints of APP_WEBHOOKS, as `load_settings` reads them."""
        endpoints: tuple[Endpoint, ...] = vars(self).get("_endpoints", ())
        return endpoints

    @property
    def has_endpoint(self) -> bool:
        """True if events go anywhere."""
        return self.app_webhook_url is not None or bool(self.app_webhooks)

    @property
    def endpoint_urls(self) -> dict[str, str]:
        """The URL of each endpoint by its name; of the single one, which has none, under an empty text."""
        return {it.name: it.url for it in self.endpoints} or {"": self.app_webhook_url or ""}


class WebhookSettings(EndpointSettings):
    """How the app's events are signed (newest secret first), and whether VOD's own event is in them."""

    app_webhook_secrets: tuple[bytes, ...]
    app_webhook_raw: Literal["on", "off"]


class IngestSettings(WebhookSettings, ContextSettings, StoreSettings):
    """What the ingestion of events needs, pushed or pulled."""

    read_back: Literal["on", "off"]
    parked_bytes: int
    pushed_events_per_upload: int
    pushed_bytes_per_upload: int
    foreign_events_per_day: int
    foreign_bytes_per_day: int
    delivered_retention_seconds: int


class UploadSignatureSettings(SigningSettings, ContextSettings, CallerSettings, StoreSettings):
    """What `functions/upload_signature.py` needs."""


class UploadStatusSettings(UserSettings, CallerSettings, StoreSettings):
    """What `functions/upload_status.py` needs."""

    health_token: str | None


class DeliverySettings(IngestSettings, VodApiSettings):
    """What the delivery of events needs."""


class DeliveryRunSettings(ShardSettings, DeliverySettings):
    """What a timer's delivery run needs: events a second of all runs, and at the same time of one."""

    delivery_rate: int
    delivery_concurrency: int


class EventDeliverySettings(DeliveryRunSettings):
    """What `functions/event_delivery.py` needs."""

    delivery_shards: int
    limit_enforcement: Literal["on", "dry-run"]
    delete_grace_seconds: int


class ReliableNotificationSettings(DeliveryRunSettings):
    """What `functions/reliable_notification.py` needs."""

    pull_shards: int


class EventNotificationSettings(CallbackSettings, DeliverySettings):
    """What `functions/event_notification.py` needs."""

    callback_hold_seconds: float


_Settings = TypeVar("_Settings", bound=SettingsGroup)


def load_settings(kind: type[_Settings], environment: Mapping[str, str]) -> _Settings:
    """Read one function's settings; an empty variable counts as not set.

    Raises:
        ConfigurationError: naming every missing and invalid variable, without any value.

    """
    names = variables_of(kind)
    alone = {name: value for name, value in environment.items() if value}
    deployed = {**separated(environment.get(JOINED, "")), **alone}
    given, unusable = {}, {}
    for name in sorted(names & deployed.keys()):
        value = deployed[name]
        try:
            given[name] = _text_of_file(value) if value.startswith(_IN_A_FILE) else value
        except (OSError, ValueError):
            unusable[name] = "its file cannot be read: put it into settings/, and make package"
        if value == _NOT_DEPLOYED:
            unusable[name] = "had no value when this was deployed"
    defined = {name: value for name, value in given.items() if name not in unusable}
    found = [f"{name}: {reason}" for name, reason in unusable.items()]
    found += [f"{name}: has a key that {other} has too" for name, other in shared_keys(defined)]
    try:
        settings = validate(kind, given)
    except ValidationError as error:
        found += [text for name, text in _errors_by_variable(kind, error) if name not in unusable]
    else:
        found += _read_issuers(settings, defined) + _read_endpoints(settings, defined)
        if not found:
            return settings
    raise ConfigurationError(f"{WRONG}{'; '.join(found)}.", found=found)


def _read_issuers(settings: SettingsGroup, given: Mapping[str, str]) -> list[str]:
    """Add the settings of each issuer in JWT_ISSUERS; returns what is wrong with them.

    What an entry does not have is as in the settings beside it.
    """
    members = vars(settings)
    if not members.get("jwt_issuers"):
        return []
    from shared.config.issuers import read_issuers  # noqa: PLC0415 -- few deployments have several

    def read(own: dict[str, str]) -> SettingsGroup:
        return load_settings(type(settings), {**given, "JWT_ISSUERS": "", **own})

    members["_issuers"], found = read_issuers(members["jwt_issuers"], read)
    return [f"JWT_ISSUERS.{number}: {text.removeprefix(WRONG)}" for number, text in found]


def _read_endpoints(settings: SettingsGroup, given: Mapping[str, str]) -> list[str]:
    """Add each endpoint in APP_WEBHOOKS, with the settings as if it were the only one, in the same way."""
    members = vars(settings)
    if not members.get("app_webhooks"):
        return []
    from shared.config.endpoints import read_endpoints  # noqa: PLC0415 -- few deployments have several

    def read(own: dict[str, str]) -> Any:  # noqa: ANN401 -- of the kind of the settings
        return load_settings(type(settings), {**given, "APP_WEBHOOKS": "", **own})

    members["_endpoints"], found = read_endpoints(members["app_webhooks"], read)
    return [f"APP_WEBHOOKS.{number}: {text.removeprefix(WRONG)}" for number, text in found]


def _text_of_file(value: str) -> str:
    from shared.package_file import text_of  # noqa: PLC0415 -- few deployments have one

    return text_of(value.removeprefix(_IN_A_FILE))


def separated(joined: str) -> dict[str, str]:
    """Return the settings in `NAME=value NAME=value`, without the empty ones.

    A value ends where a blank, capitals and an equals sign follow, whatever group the name belongs to.
    """
    found, name = {"": ""}, ""
    for word in joined.split(" "):
        before, equals, after = word.partition("=")
        if equals and _is_name(before):
            name = before
            found[name] = after
        else:
            found[name] += f" {word}"
    return {name: value.strip() for name, value in found.items() if name and value.strip()}


def _is_name(text: str) -> bool:
    # No pattern: to compile one at import costs every cold start a million instructions.
    return text[:1].isalpha() and text.isascii() and text.isupper() and text.replace("_", "").isalnum()


def variables_of(kind: type[SettingsGroup]) -> frozenset[str]:
    """Return the names of the environment variables that a group is read from."""
    return frozenset(names_outside(kind).values())


def _errors_by_variable(kind: type[SettingsGroup], error: ValidationError) -> Iterator[tuple[str, str]]:
    names = names_outside(kind)
    for it in errors_in(error):
        # An error in a default has the field's name, not the variable's.
        first, *rest = map(str, it["loc"])
        variable = names.get(first, first)
        yield variable, f"{'.'.join([variable, *rest])}: {it['msg'].removeprefix('Value error, ')}"
