"""Explain what the functions would say of a user's token, check by check.

The functions' own checks decide, by the settings of --env-file, of --stage (.env.STAGE, else .env), of the
environment, or of the local stack that runs; a key set is fetched as they fetch it. Neither the token nor a
secret is shown. Exit code: 0 accepted, 1 refused, 2 wrong usage or settings.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

from local.doctor.sources import SourceError
from local.operator.settings_source import add_source_arguments, chosen_variables
from local.operator.signature_inspection import iso_time
from local.terminal_text import printable, shortened, terminal_columns, wrapped
from shared.config.settings import CallerSettings, load_settings, variables_of
from shared.errors import ConfigurationError, KeysUnavailableError, UnauthenticatedError
from shared.http.authentication import MAX_TOKEN_LENGTH, issuer_settings, read_bearer_token, token_checks
from shared.http.token_claims import LEEWAY_SECONDS, MAX_USER_ID_BYTES, claim_checks
from shared.invocation_log import recorded

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from shared.http.hs256 import Token

MEANINGS = {
    "no_token": "There is none: the header is Authorization: Bearer <JWT>.",
    "too_long": f"It has more than {MAX_TOKEN_LENGTH} characters.",
    "malformed": "It is no signed JWT: some logins issue an opaque token unless asked for an audience.",
    "wrong_algorithm": "JWT_SECRETS verify HS256; of RS, PS, ES and EdDSA a public key verifies its own.",
    "unsupported_header": "Its header has crit or b64, and no such extension is understood.",
    "no_key_id": "Its header has no kid, and the keys of a key set are not tried one by one.",
    "unknown_key": "The key set has no usable key with its kid: is it the key set of this issuer?",
    "bad_signature": "No key of the settings has signed it: it is another login's, or was changed.",
    "sub_missing": "It names no user: have the login service put his id into sub, or set JWT_USER_CLAIM.",
    "sub_invalid": f"A user's id is a text of 1 to {MAX_USER_ID_BYTES} bytes without control characters; "
    "a number only with :number in JWT_USER_CLAIM.",
    "exp_missing": "It never ends, and such a token is not accepted.",
    "exp_invalid": "A time is a number: seconds since 1970.",
    "nbf_invalid": "A time is a number: seconds since 1970.",
    "iat_invalid": "A time is a number: seconds since 1970.",
    "expired": f"It ended more than {LEEWAY_SECONDS} seconds ago.",
    "not_yet_valid": f"It counts only from then on; clocks may differ by {LEEWAY_SECONDS} seconds.",
    "jti_invalid": "A token's id is a text.",
    "iss_missing": "It names no issuer, and JWT_ISSUER or JWT_ISSUERS is set.",
    "iss_mismatch": "JWT_ISSUER is another, to the last character, or none of JWT_ISSUERS is this one.",
    "aud_missing": "It has no such claim: JWT_AUDIENCE_CLAIM chooses among aud, azp and client_id.",
    "aud_mismatch": "None of it stands in JWT_AUDIENCE.",
    "aud_unexpected": "It is for somebody, and JWT_AUDIENCE does not say that this is us (RFC 7519, 4.1.3).",
}
"""Each word of a check, and what it means to the operator."""
_UNAVAILABLE = "keys_unavailable"
_ACCEPTED, _REFUSED, _WRONG_USAGE = 0, 1, 2
_MOST_CHARACTERS = 120


class Row(NamedTuple):
    """One check: its result, "" if it passes, what the token says there, and what the result means."""

    check: str
    problem: str
    said: str
    meaning: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `python -m local token` takes."""
    add_source_arguments(parser)
    parser.add_argument("action", choices=["explain"])
    parser.add_argument("token", metavar="TOKEN", help="a user's token; - reads it from stdin")
    parser.add_argument("--json", action="store_true", help="print one JSON document, and nothing else")


def main(arguments: argparse.Namespace) -> int:
    """Run the checks and print the results."""
    text = arguments.token
    if text == "-":
        text = sys.stdin.buffer.read(2 * MAX_TOKEN_LENGTH).decode(errors="replace")
    has_settings = any(os.environ.get(name) for name in variables_of(CallerSettings) if "JWT_" in name)
    try:
        settings = load_settings(CallerSettings, chosen_variables(arguments, here_if=has_settings))
    except (SourceError, ConfigurationError) as error:
        sys.stderr.write(f"{printable(str(error))}\n")
        return _WRONG_USAGE
    if settings.auth_mode == "anonymous":
        sys.stderr.write("AUTH_MODE is anonymous: the functions look at no token.\n")
        return _WRONG_USAGE
    rows = list(explained(text, settings, now=int(time.time())))
    status = _status_of(rows)
    if arguments.json:
        document = {"status": status, "checks": [row._asdict() for row in rows]}
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
    else:
        sys.stdout.writelines(f"{line}\n" for row in rows for line in _lines_of(row))
        sys.stdout.write("The functions accept it.\n" if not status else f"The functions answer {status}.\n")
    return _REFUSED if status else _ACCEPTED


def explained(text: str, settings: CallerSettings, *, now: int) -> Iterator[Row]:
    """Run every check that a token allows; `now` is in Unix seconds."""
    try:
        token = read_bearer_token(text)
    except UnauthenticatedError as error:
        yield Row("form", error.problem, "", MEANINGS[error.problem])
        return
    yield Row("form", "", "", "")
    with recorded() as record:
        try:
            for check, problem in token_checks(token, settings, now=now):
                yield Row(check, problem, _said(token, check), MEANINGS.get(problem, ""))
        except KeysUnavailableError:
            meaning = f"The key set at JWT_JWKS_URL: {record.about['keySetProblem']}"
            yield Row("signature", _UNAVAILABLE, _said(token, "signature"), meaning)
            issuer = issuer_settings(token, settings) or settings
            for check, problem in claim_checks(token.claims, issuer, now=now):
                yield Row(check, problem, _said(token, check), MEANINGS.get(problem, ""))


def _said(token: Token, check: str) -> str:
    """Return what the token says about a check, cut off where it is long; "" if nothing."""
    if check == "signature":
        said = ", ".join(f"{name} {token.header[name]!r}" for name in ("alg", "kid") if name in token.header)
    elif check not in token.claims:
        return ""
    else:
        value = token.claims[check]
        said = repr(value)
        if check in ("exp", "nbf", "iat") and isinstance(value, int):
            said = _instant(value)
    return said if len(said) <= _MOST_CHARACTERS else f"{said[:_MOST_CHARACTERS]}…"


def _instant(seconds: int) -> str:
    try:
        return iso_time(seconds)
    except (ValueError, OverflowError, OSError):
        return repr(seconds)


def _status_of(rows: list[Row]) -> int:
    """Return the status that the functions answer to the first problem; 0 if there is none."""
    problem = next((row.problem for row in rows if row.problem), "")
    if not problem:
        return 0
    return KeysUnavailableError.status if problem == _UNAVAILABLE else UnauthenticatedError.status


def _lines_of(row: Row) -> Iterator[str]:
    said = printable(f"{row.check:<9}  {row.problem or 'ok':<18}  {row.said}").rstrip()
    yield shortened(said, terminal_columns())
    if row.meaning:
        yield from wrapped(printable(row.meaning), first="           -> ")
