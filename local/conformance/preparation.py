"""What a run needs before it asks: the account and the receiver of the options, and keys that VOD takes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from local.conformance.account import Account
from local.conformance.http_calls import NoAnswerError
from local.conformance.push_receiver import PushReceiver
from local.operator.settings_source import named_deployment
from shared.config.settings import VodApiSettings, load_settings
from shared.errors import ConfigurationError

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from local.conformance.subject import Subject


_API_DOMAIN = ".tencentcloudapi.com"


class UsageError(Exception):
    """The command cannot begin; the message says what to change."""


def account_of(arguments: argparse.Namespace) -> Account:
    """Read the application and its keys from the settings.

    Raises:
        UsageError: a setting or a URL is missing or invalid.
        SourceError: the settings cannot be read.

    """
    named = named_deployment(arguments)
    environment = os.environ if named is None else named
    try:
        settings = load_settings(VodApiSettings, environment)
    except ConfigurationError as error:
        raise UsageError(error.detail) from None
    if not (settings.long_term_secret_id and settings.long_term_secret_key):
        raise UsageError("VOD_SECRET_ID and VOD_SECRET_KEY are needed: uploads are signed with them.")
    for name in ("vod_endpoint", "push_url"):
        _check_url(name, getattr(arguments, name))
    secret_id, secret_key, token = settings.api_credentials
    return Account(
        secret_id=settings.long_term_secret_id,
        secret_key=settings.long_term_secret_key,
        api_credentials=(secret_id, secret_key, token or ""),
        sub_app_id=settings.vod_api_sub_app_id,
        api_url=settings.vod_api_url,
        endpoint=arguments.vod_endpoint or _endpoint_of(settings.vod_api_url),
        sign_key=environment.get("VOD_CALLBACK_SIGN_KEY", ""),
    )


def _endpoint_of(api_url: str) -> str | None:
    """Return the address of a simulator, which has all of VOD's hosts; None for VOD's own server API."""
    host = urlsplit(api_url).hostname or ""
    return None if host.endswith(_API_DOMAIN) else api_url


def _check_url(name: str, url: str | None) -> None:
    if url is not None and urlsplit(url).scheme not in ("http", "https"):
        raise UsageError(f"--{name.replace('_', '-')} is an http or https URL.")


def prepare_folder(folder: Path | None) -> None:
    """Create the folder of the fixtures before anything is asked.

    Raises:
        UsageError: it cannot be created.

    """
    try:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--record: {folder} cannot be created: {error.strerror}.") from None


def check_keys(subject: Subject) -> None:
    """Ask for the regions first, so that wrong keys are one sentence and not one for each question.

    Raises:
        UsageError: VOD does not answer, or refuses the keys or the application.

    """
    try:
        word = subject.api("DescribeStorageRegions").word
    except NoAnswerError as error:
        raise UsageError(f"VOD does not answer: {error}.") from None
    if "SignatureExpire" in word:
        raise UsageError("This machine's clock is more than five minutes from VOD's: set it.")
    if "AuthFailure" in word or "SubAppId" in word:
        raise UsageError(f"VOD refuses the keys or VOD_SUB_APP_ID: {word}.")


def receiver_of(arguments: argparse.Namespace) -> PushReceiver:
    """Bind the port that the push URL leads to.

    Raises:
        UsageError: the port is taken.

    """
    try:
        return PushReceiver(port=arguments.push_port, public_url=arguments.push_url)
    except OSError:
        raise UsageError(f"Port {arguments.push_port} is taken: choose another --push-port.") from None
