"""One seeded fault of a deployment: what is changed, which finding names it, and how it is put right."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from local.stack.demo_settings import user_token
from tests.cluster.valkey_server import ValkeyServer
from tests.shared.loopback_peer import HttpPeer, Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import ExitStack
    from pathlib import Path

    import redis

    from tests.local.doctor.patient import Outcome, Patient
    from tests.shared.loopback_peer import Received

PASSWORD = "words-of-the-user"


@dataclass(frozen=True)
class Seeded:
    """One fault: the check that must find it, words of its advice, and what is changed.

    `settings` are those at hand, and not what is deployed on the stack. `store` is the store's configuration,
    `keys` are keys in it, `user` the rule of an ACL user in place of the deployment's; `server` the
    configuration of another store in its place. `vod` is VOD's event configuration, `api` a refused call.
    `peers` answer in place of the option's or setting's URL. In settings and words `{stack}` is the stack's
    URL, `{store}` and `{place}` the store's without a database, and its host and port. `token` is how long a
    token of alice lives, in seconds, signed by `token_settings`.
    """

    check: str
    advice: str
    settings: Mapping[str, str | None] = field(default_factory=dict)
    store: Mapping[str, str | int] = field(default_factory=dict)
    keys: Mapping[str, int] = field(default_factory=dict)
    user: tuple[str, ...] = ()
    server: Mapping[str, str] = field(default_factory=dict)
    vod: Mapping[str, Any] = field(default_factory=dict)
    api: Mapping[str, str] = field(default_factory=dict)
    peers: Mapping[str, Reply | Callable[[Received], Reply]] = field(default_factory=dict)
    token: int | None = None
    token_settings: Mapping[str, str] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    level: str = "fault"

    def examined(self, patient: Patient, store: redis.Redis, folder: Path, parts: ExitStack) -> Outcome:
        """Seed the fault, and run the doctor; `parts` and the fixtures put everything right afterwards."""
        for setting, value in self.store.items():
            store.config_set(setting, value)
        for key, seconds_ago in self.keys.items():
            store.set(key, int(store.time()[0]) - seconds_ago, ex=60)
        if self.vod:
            patient.set_event_configuration(replace(patient.event_configuration(), **self.vod))
        if self.api:
            patient.set_fault(kind="refuse", **self.api)
        settings = {name: value and _filled_in(value, patient) for name, value in self.settings.items()}
        words = [_filled_in(word, patient) for word in self.words]
        if self.user:
            settings["REDIS_URL"] = parts.enter_context(acl_user(store, patient, self.user))
        if self.server:
            settings["REDIS_URL"] = parts.enter_context(_other_store(folder, self.server))
        for place, reply in self.peers.items():
            peer = parts.enter_context(HttpPeer(reply if callable(reply) else partial(_always, reply)))
            if place.startswith("--"):
                words += [place, peer.url]
            else:
                settings[place] = f"{peer.url}/"
        if self.token is not None:
            issuer = {**patient.stack.environment, **self.token_settings}
            words += ["--token", user_token(issuer, user="alice", ttl_seconds=self.token)]
        return patient.examine(*words, **settings)


def _always(reply: Reply, _request: Received) -> Reply:
    return reply


def _filled_in(text: str, patient: Patient) -> str:
    url = patient.stack.environment["REDIS_URL"]
    known = {"stack": patient.stack.url, "store": url.rpartition("/")[0], "place": place_of(url)}
    for name, value in known.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def place_of(redis_url: str) -> str:
    """Return the host and the port of a store."""
    return urlsplit(redis_url).netloc.rpartition("@")[2]


@contextmanager
def acl_user(store: redis.Redis, patient: Patient, rule: tuple[str, ...]) -> Iterator[str]:
    """Create a user of the store with these rights, and return the store's address for it."""
    store.execute_command("ACL", "SETUSER", "seeded", "reset", "on", f">{PASSWORD}", *rule)  # type: ignore[no-untyped-call]
    yield f"redis://seeded:{PASSWORD}@{place_of(patient.stack.environment['REDIS_URL'])}/0"
    store.acl_deluser("seeded")


@contextmanager
def _other_store(folder: Path, options: Mapping[str, str]) -> Iterator[str]:
    """Start a store of its own, with one connection taken."""
    with ValkeyServer(folder, options) as server, server.client as client:
        client.ping()
        yield server.url


def problem(status: int, word: str) -> Reply:
    """Return an answer of a function of ours."""
    return Reply(status, f'{{"type": "urn:vod-upload-functions:problem:{word}"}}'.encode())


def of_the_platform(code: int) -> Reply:
    """Return an answer of SCF in place of a function."""
    return Reply(500, f'{{"errorCode": 1, "errorMessage": "x", "statusCode": {code}}}'.encode())
