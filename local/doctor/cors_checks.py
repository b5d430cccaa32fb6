"""Check what pages of other origins may do at a deployed function."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from local.doctor.findings import fault, ok
from local.doctor.http_answers import ask

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from local.doctor.findings import Finding
    from local.doctor.http_answers import Answer
    from shared.http.response import Cors

_ALLOWED = "Access-Control-Allow-Origin"
_WANTED = ("authorization", "content-type")
_OTHERS = "Take corsConfig off its URL, and see that no gateway adds headers: the code alone answers CORS."
_OURS = "Deploy CORS_ORIGINS and CORS_CREDENTIALS as they are here, and let OPTIONS through to the function."


def cors_findings(name: str, url: str, method: str, cors: Cors) -> Iterator[Finding]:
    """Send a preflight for each listed origin, and for one that is not listed."""
    check = f"CORS of {name}"
    sound = True
    for origin in cors.origins:
        problem = _problem(_preflight(url, method, origin), method, origin, cors)
        if problem is not None:
            sound = False
            yield fault(check, f"{origin}: {problem[0]}", problem[1])
    stranger = f"https://{secrets.token_hex(8)}.invalid"
    answer = _preflight(url, method, stranger)
    if answer.headers.get(_ALLOWED):
        told = "pages of an origin that is not listed may call it"
        yield fault(check, told, _OTHERS)
    elif sound:
        listed = ", ".join(cors.origins)
        yield ok(check, f"pages of {listed} may call it, and no others" if listed else "no page may call it")


def origin_problem(headers: Mapping[str, str], origin: str, cors: Cors) -> tuple[str, str] | None:
    """Return what is wrong with the answer to a listed origin, and what to do; None if nothing is."""
    allowed = headers.get(_ALLOWED)
    if not allowed:
        return "its pages may not read the answer, though it is listed", _OURS
    if allowed != origin:
        return f"the answer allows {allowed!r}: the function has not written that, or not alone", _OTHERS
    if cors.with_credentials != (headers.get("Access-Control-Allow-Credentials") == "true"):
        return "credentials are allowed here or there, and not in both", _OURS
    return None


def _preflight(url: str, method: str, origin: str) -> Answer:
    asked = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": ",".join(_WANTED)}
    return ask("OPTIONS", url, {"Origin": origin, **asked})


def _problem(answer: Answer, method: str, origin: str, cors: Cors) -> tuple[str, str] | None:
    if answer.error:
        return f"the preflight is not answered ({answer.error})", _OURS
    problem = origin_problem(answer.headers, origin, cors)
    if problem is not None:
        return problem
    if method not in _words(answer.headers.get("Access-Control-Allow-Methods", "").upper()):
        return f"the preflight does not allow {method}", _OTHERS
    if not _words(answer.headers.get("Access-Control-Allow-Headers", "").lower()).issuperset(_WANTED):
        return f"the preflight does not allow the headers {' and '.join(_WANTED)}", _OTHERS
    return None


def _words(text: str) -> set[str]:
    return set(text.replace(" ", "").split(","))
