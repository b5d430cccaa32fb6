"""Compare how VOD notifies an application with how it should; no call is made here.

`local.doctor.vod_calls` reads and sets the configuration.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from local.doctor.deployment import shown_url, token_of, with_token, without_token
from local.doctor.findings import CheckSkippedError, fault, needed, ok, warning
from local.doctor.vod_calls import ON, EventConfiguration
from shared.config.settings import CallbackSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.doctor.deployment import Deployment, Mode
    from local.doctor.findings import Finding

PUSH: Literal["PUSH"] = "PUSH"
PULL: Literal["PULL"] = "PULL"
_FIX = "--fix does it"
_MEANINGS = {PUSH: "VOD calls event_notification", PULL: "reliable_notification pulls"}


@dataclass(frozen=True)
class Wish:
    """What VOD should be set to; None: any value.

    `tokens` is empty if the settings are invalid. `is_own` is False for an application that only policies
    name.
    """

    mode: Mode | None
    callback_url: str | None = field(repr=False)
    tokens: tuple[str, ...] = field(repr=False)
    sign_key: str | None = field(repr=False)
    is_own: bool = True


@dataclass(frozen=True)
class Change:
    """One difference, as text that holds no secret."""

    name: str
    present: str
    wanted: str


def wish_of(deployment: Deployment, *, is_own: bool = True) -> Wish:
    """Combine the settings and the operator's options into the wanted configuration.

    `is_own`: whether it is the deployment's own application. VOD must push from the others, because the
    functions pull from their own one only.
    """
    mode = deployment.mode if is_own else PUSH
    try:
        settings = needed(CallbackSettings, deployment.environment)
    except CheckSkippedError:
        return Wish(mode, None, (), None, is_own)
    url = deployment.callback_url
    return Wish(
        mode,
        None if url is None else with_token(url, settings.callback_tokens),
        settings.callback_tokens,
        settings.callback_sign_key,
        is_own,
    )


def wanted_configuration(present: EventConfiguration, wish: Wish) -> EventConfiguration:
    """Return the configuration to set.

    Unless the operator named a callback URL, VOD's own is kept, with the newest token.
    """
    mode, url = wish.mode or present.mode, present.notification_url
    if mode == PUSH and wish.callback_url is not None:
        url = wish.callback_url
    elif mode == PUSH and wish.tokens and token_of(url, wish.tokens):
        url = with_token(without_token(url), wish.tokens[:1])
    return replace(present, mode=mode, notification_url=url, upload_complete=ON)


def changes(present: EventConfiguration, wish: Wish) -> tuple[Change, ...]:
    """List what would be set.

    The SignKey is listed whenever there is one: the API does not return the present one.
    """
    wanted = wanted_configuration(present, wish)
    found = []
    if wanted.mode != present.mode:
        found.append(Change("Mode", present.mode or "(none)", wanted.mode))
    if wanted.notification_url != present.notification_url:
        urls = [shown_url(url, wish.tokens) for url in (present.notification_url, wanted.notification_url)]
        found.append(Change("NotificationUrl", *urls))
    if wanted.upload_complete != present.upload_complete:
        found.append(Change("UploadMediaCompleteEventSwitch", present.upload_complete or "(none)", ON))
    if wish.sign_key is not None:
        found.append(Change("SignKey", "(VOD does not tell)", "(VOD_CALLBACK_SIGN_KEY)"))
    return tuple(found)


def findings(present: EventConfiguration, wish: Wish) -> Iterator[Finding]:
    """Yield the findings about the configuration of one application."""
    yield _mode(present, wish)
    if present.upload_complete == ON:
        yield ok("upload-complete switch", "ON")
    else:
        yield fault(
            "upload-complete switch",
            "OFF, as it is by default: nobody hears of an upload",
            f"Turn UploadMediaCompleteEventSwitch on: {_FIX}.",
        )
    if present.mode == PUSH:
        yield from _callback_url(present.notification_url, wish)
    if wish.sign_key is not None:
        yield ok("SignKey", "set here; VOD does not tell whether it has the same one; --fix sets it")


def _mode(present: EventConfiguration, wish: Wish) -> Finding:
    if present.mode not in _MEANINGS:
        return fault("mode", "VOD names none that we know", f"Choose with --mode: {_FIX}.")
    if wish.mode is not None and present.mode != wish.mode:
        reason = "" if wish.is_own else ": the functions pull from VOD_SUB_APP_ID's application only"
        told = f"{present.mode}, and {wish.mode} is wanted{reason}"
        return fault("mode", told, f"Set Mode to {wish.mode}: {_FIX}.")
    told = "" if wish.mode else "; --mode says which one is wanted"
    return ok("mode", f"{present.mode}: {_MEANINGS[present.mode]}{told}")


def _callback_url(present: str, wish: Wish) -> Iterator[Finding]:
    check = "callback URL in VOD"
    shown = shown_url(present, wish.tokens)
    wanted = wish.callback_url
    if not present:
        yield fault(check, "there is none, so nothing is pushed", f"Name it with --callback-url: {_FIX}.")
        return
    if not wish.tokens:
        raise CheckSkippedError("CALLBACK_TOKENS must be mended first")
    token = token_of(present, wish.tokens)
    if token is None or (wanted is not None and without_token(wanted) != without_token(present)):
        told = shown if wanted is None else f"{shown}, and {shown_url(wanted, wish.tokens)} is wanted"
        reason = "" if token else "; it does not end in one of CALLBACK_TOKENS"
        yield fault(check, f"{told}{reason}", f"Name the right one with --callback-url: {_FIX}.")
    elif token != wish.tokens[0]:
        yield warning(check, f"{shown}: VOD still calls with the older token", f"Set the newest: {_FIX}.")
    elif urlsplit(present).scheme != "https" and urlsplit(present).hostname != "127.0.0.1":
        yield warning(check, f"{shown}: the token travels in the clear", "Use https.")
    else:
        yield ok(check, shown)
