"""Check of the login service's key set, which is fetched as the functions fetch it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.doctor.findings import Check, Group, fault, needed, ok
from shared.config.settings import CallerSettings
from shared.errors import KeysUnavailableError
from shared.http.jwks import KeySet
from shared.invocation_log import recorded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local.doctor.deployment import Deployment
    from local.doctor.findings import Finding

_ADVICE = (
    "Set JWT_JWKS_URL to the jwks_uri of the login service's /.well-known/openid-configuration, and let "
    "the User-Agent vod-upload-functions through; a login that signs with HS256 has JWT_SECRETS instead."
)


class KeySetChecks:
    """The check of JWT_JWKS_URL; `clock` returns Unix seconds."""

    def __init__(self, deployment: Deployment, clock: Callable[[], float]) -> None:
        self._deployment = deployment
        self._clock = clock

    def group(self) -> Group:
        """List the check."""
        return Group("login service", (Check("key set", self._key_set),))

    def _key_set(self) -> Iterator[Finding]:
        settings = needed(CallerSettings, self._deployment.environment)
        issuers = settings.issuers or (settings,)
        urls = [issuer.jwt_jwks_url for issuer in issuers if issuer.jwt_jwks_url]
        if not urls:
            yield ok("key set", "JWT_JWKS_URL is not set: none is needed")
        for number, url in enumerate(urls, 1):
            check = f"key set {number}" if len(urls) > 1 else "key set"
            with recorded() as record:
                try:
                    KeySet(url).find("", now=self._clock())
                except KeysUnavailableError:
                    yield fault(check, f"it cannot be used: {record.about['keySetProblem']}", _ADVICE)
                else:
                    yield ok(check, "it was fetched and has usable keys")
