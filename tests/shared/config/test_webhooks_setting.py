"""APP_WEBHOOKS: what an endpoint has, and what is wrong with an entry."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, get_args

import pytest

from shared.config.settings import (
    EndpointSettings,
    EventDeliverySettings,
    EventNotificationSettings,
    load_settings,
)
from shared.errors import ConfigurationError
from shared.schema.models import app_event
from tests.functions.deployment import WEBHOOK_SECRET, environment

if TYPE_CHECKING:
    from shared.config.endpoints import Endpoint

URL = "https://crm.example.com/vod"
CRM: dict[str, Any] = {"name": "crm", "url": URL, "secrets": [WEBHOOK_SECRET]}


def read(*entries: object, **variables: str) -> tuple[Endpoint, ...]:
    """Load the settings of a timer with these endpoints."""
    webhooks = {"APP_WEBHOOKS": json.dumps(entries), **variables}
    return load_settings(EventDeliverySettings, environment("redis://127.0.0.1:1", **webhooks)).endpoints


def faults_of(*entries: object, **variables: str) -> str:
    """Return what is wrong with endpoints."""
    with pytest.raises(ConfigurationError) as caught:
        read(*entries, **variables)
    return caught.value.detail


def test_endpoint_has_its_own_settings_and_the_others_beside_them() -> None:
    """URL, secrets and rate are its own; what it does not have is as in the settings beside it."""
    second = {**CRM, "name": "billing", "url": f"{URL}/2", "rate": 5, "types": ["vod.*"], "subApps": [0]}
    crm, billing = read(CRM, second, DELIVERY_RATE="70", APP_WEBHOOK_RAW="off", VOD_SUB_APP_ID="1500012345")

    assert (crm.name, crm.url, crm.rate, billing.rate) == ("crm", URL, 70, 5)
    assert (crm.types, crm.sub_apps, billing.types, billing.sub_apps) == ((), (), ("vod.*",), (0,))
    assert crm.settings.app_webhook_raw == "off"
    assert crm.settings.app_webhook_secrets == (b"canary-of-the-webhook-secret-001",)
    assert crm.own_sub_app == 1500012345
    assert "canary" not in repr(crm)
    assert crm.settings.endpoints == ()


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"nome": 1}, "APP_WEBHOOKS.0: there is no member 'nome'"),
        ({"name": "CRM"}, "name must be 1 to 20 of a to z, digits and hyphens"),
        ({"name": None}, "name must be 1 to 20"),
        ({"url": ""}, "APP_WEBHOOKS.0: APP_WEBHOOK_URL: Field required"),
        ({"url": "http://crm.example.com"}, "APP_WEBHOOK_URL: must be an https URL"),
        ({"url": "off"}, "url must be one of its own"),
        ({"secrets": []}, "APP_WEBHOOK_SECRETS: needed to sign"),
        ({"secrets": "canary"}, "APP_WEBHOOK_SECRETS.0: must be whsec_ followed by"),
        ({"rate": 0}, "rate must be a number from 1 to 10000"),
        ({"rate": True}, "rate must be a number"),
        ({"types": []}, "types must be a list of upload.completed, "),
        ({"types": ["upload.complete"]}, "types must be a list"),
        ({"types": "upload.*"}, "types must be a list"),
        ({"subApps": ["1500012345"]}, "subApps must be a list of numbers"),
        ({"subApps": [-1]}, "subApps must be a list of numbers"),
    ],
)
def test_entry_that_can_never_work_is_refused(change: dict[str, object], fault: str) -> None:
    """By its number, with the reason and without a value of it."""
    found = faults_of({**CRM, **change})

    assert fault in found
    assert "canary" not in found


def test_all_faults_of_all_entries_are_told_at_once() -> None:
    """Two endpoints have no name or URL in common, and there are eight at most."""
    found = faults_of(CRM, {**CRM, "url": f"{URL}/2", "rate": 0}, {**CRM, "name": "other", "types": [1]})

    for fault in ("1: has the name of another", "1: rate must", "2: url must be one of its own", "2: types"):
        assert f"APP_WEBHOOKS.{fault}" in found
    assert "APP_WEBHOOKS: Tuple should have at most 8 items" in faults_of(*[CRM] * 9)
    assert "APP_WEBHOOKS.0: Input should be a valid dictionary" in faults_of("crm")


def test_single_endpoint_is_not_set_beside_several() -> None:
    """Nobody could tell which of them is meant; nor is there anything that its secrets alone would sign."""
    single = {"APP_WEBHOOK_SECRETS": WEBHOOK_SECRET}

    assert "APP_WEBHOOKS: set APP_WEBHOOK_URL to off" in faults_of(CRM, **single, APP_WEBHOOK_URL=URL)
    assert "APP_WEBHOOK_SECRETS: must not be set beside APP_WEBHOOKS" in faults_of(CRM, **single)


def test_secret_of_an_endpoint_serves_no_other_purpose() -> None:
    """A key that another setting has too is named."""
    assert "APP_WEBHOOKS: has a key that CONTEXT_KEYS has too" in faults_of(CRM, CONTEXT_KEYS=WEBHOOK_SECRET)


def test_urls_are_read_by_the_same_rules_without_a_secret() -> None:
    """For who asks how endpoints do; what is wrong with them is told as elsewhere."""
    variables = {"APP_WEBHOOK_URL": "off", "APP_WEBHOOKS": json.dumps([{"name": "crm", "url": URL}])}
    assert load_settings(EndpointSettings, variables).endpoint_urls == {"crm": URL}

    variables["APP_WEBHOOKS"] = json.dumps([{"name": "crm", "url": "http://crm.example.com"}])
    with pytest.raises(ConfigurationError, match=r"APP_WEBHOOKS\.0: APP_WEBHOOK_URL: must be an https URL"):
        load_settings(EndpointSettings, variables)


def test_function_without_a_timer_reads_the_same_endpoints() -> None:
    """Its settings have no rate."""
    variables = environment("redis://127.0.0.1:1", APP_WEBHOOKS=json.dumps([CRM]))
    (crm,) = load_settings(EventNotificationSettings, variables).endpoints

    assert crm.url == URL


def test_every_type_of_the_schema_can_be_named() -> None:
    """A filter can name each type that an app may receive."""
    models = [it for it in vars(app_event).values() if isinstance(it, type) and hasattr(it, "model_fields")]
    fields = [it.model_fields["type"] for it in models if "type" in it.model_fields]
    named = {name for field in fields for name in get_args(field.annotation) if isinstance(name, str)}

    assert "upload.completed" in named
    assert read({**CRM, "types": sorted(named)})[0].types == tuple(sorted(named))
