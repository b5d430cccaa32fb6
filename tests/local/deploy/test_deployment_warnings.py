"""Warnings before a deployment that do not prevent it."""

from __future__ import annotations

import pytest

from local.deploy.deployment_warnings import about_callers, about_the_store


@pytest.mark.parametrize("mode", [None, "", "jwt"])
def test_nothing_is_said_of_callers_with_tokens_for_an_audience(mode: str | None) -> None:
    """With JWT_AUDIENCE and without AUTH_MODE=anonymous there is no warning about callers."""
    variables = {"JWT_AUDIENCE": "uploads", **({} if mode is None else {"AUTH_MODE": mode})}

    assert list(about_callers(variables)) == []


@pytest.mark.parametrize("audience", [{}, {"JWT_AUDIENCE": ""}, {"JWT_AUDIENCE": " , "}])
def test_missing_audience_is_a_warning(audience: dict[str, str]) -> None:
    """Tokens with an `aud` are refused then, and any other of the login service counts."""
    (caution,) = about_callers(audience)

    assert caution.detail.startswith("JWT_AUDIENCE is not set: ")


def test_anonymous_callers_are_never_overlooked() -> None:
    """Anonymous callers get a warning at every check."""
    (caution,) = about_callers({"AUTH_MODE": "anonymous", "ANONYMOUS_IN_CLOUD": "anybody-may-upload"})

    assert "at your cost" in caution.detail


@pytest.mark.parametrize(
    ("url", "missing"),
    [
        ("rediss://user:word@store.example.com:6380/0", []),
        ("rediss+cluster://:word@203.0.113.7", []),
        ("redis://:word@10.0.0.7:6379", []),
        ("redis+cluster://:word@192.168.7.7", []),
        ("redis://:word@[fd00::7]", []),
        ("redis://127.0.0.1:6379", []),
        ("redis://localhost", []),
        ("redis://[::1]:7", []),
        ("redis://", []),
        ("unix:///run/valkey.sock", []),
        ("redis://:word@store.example.com", ["not encrypted"]),
        ("redis://:word@8.8.8.8", ["not encrypted"]),
        ("redis+cluster://:word@43.128.0.1", ["not encrypted"]),
        ("redis://10.0.0.7", ["no password"]),
        ("rediss://store.example.com", ["no password"]),
        ("redis://user@store.example.com", ["not encrypted", "no password"]),
        ("http://store.example.com", []),
        ("redis://[x", []),
        ("", []),
    ],
)
def test_store_that_others_could_reach_is_named(url: str, missing: list[str]) -> None:
    """Without TLS outside a private network, and without a password outside this machine (S44)."""
    details = [caution.detail for caution in about_the_store({"REDIS_URL": url})]

    assert [part in detail for part, detail in zip(missing, details, strict=True)] == [True] * len(missing)
    assert not any(
        "word" in detail.replace("password", "") or "store.example" in detail for detail in details
    )
