"""Hostile events for every function, by the ten thousand, through the real handlers and a real store (R12).

`python -m tests.fuzz.hostile_events --events 100000` is behind `make fuzz-events`; a test sends a share. Each
answer must be one that the platform can send and no 5xx, no log line may report a defect, and memory must
stay flat.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import gc
import importlib
import json
import os
import random
import resource
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import redis

from local.stack.embedded_store import EmbeddedStore
from tests.functions.deployment import CALLBACK_TOKEN, environment, start_anew, user_token
from tests.functions.scf import event_of, read_answer
from tests.fuzz.fuzzing import CORPUS, changed_at_random, changed_json
from tests.fuzz.parsers import words_of
from tests.shared.loopback_peer import refused_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.functions.scf import Dialect

SHARES: dict[str, float] = {"upload_signature": 40, "upload_status": 20, "event_notification": 39}
SHARES |= {"event_delivery": 0.5, "reliable_notification": 0.5}
"""How many of a hundred events each function gets; a timer's event has little to parse."""
USUAL = {
    "upload_signature": ("POST", "/signature"),
    "upload_status": ("GET", "/uploads/01KAPVZ9M80000000000000000"),
    "event_notification": ("POST", f"/{CALLBACK_TOKEN}"),
}
MOST_GROWTH = 10 * 1024 * 1024
_SETTLED = 0.2
_FLUSHED_AFTER = 5000
_MEGABYTE = 1024 * 1024

METHODS = ["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "TRACE", "get", "", "P\u00d6ST", "X" * 5000]
PATHS = ["/", "/signature", "/uploads", "/uploads/", "/uploads/01KAPVZ9M80000000000000000", "", "//", "/%00"]
PATHS += ["/../../etc/passwd", "/uploads/" + "x" * 9000, "/\ud800", "signature", "/signature/more"]
PATHS += ["/\r\nX: y"]
HEADERS = ["authorization", "Authorization", "content-type", "content-encoding", "accept", "origin", "cookie"]
HEADERS += ["x-scf-remote-addr", "if-none-match", "content-length", "x-request-id", "host", "\ud800", ""]
TEXTS = ["", " ", "null", "\x00", "\r\nSet-Cookie: a=b", "\ud800", "\u202e", "x" * 9000, "Bearer"]
TEXTS += ["https://app.example.test", 'W/"1"', "%", "{{7*7}}", "' OR 1=1 --", "${jndi:x}", "*", "Bearer "]
TEXTS += ["application/json", "text/plain", "gzip", "text/plain;q=nan", "*/*;q=1e999", "[::1]:80", "1.2.3.4"]
VALUES: list[object] = [None, True, 0, -1, 1.5, 1e308, float("inf"), 2**70, [], {}, [[]], {"a": None}, b"x"]
MEMBERS = ["uploadId", "policy", "context", "procedure", "storageRegion", "classId", "fileName", "fileSize"]
MEMBERS += ["fileType", "secretId", "random", "__proto__", "\ud800", "", "sourceContext"]
JSON_TEXTS = ["", "null", "[]", "{}", "{", "NaN", '{"a":NaN}', '{"a":1e999}', '{"a":1,"a":2}', "\ufeff{}"]
JSON_TEXTS += ["1" * 5000, "[" * 100_000, '{"context":"\\ud800"}', '{"classId":' + "9" * 5000 + "}"]
JSON_TEXTS += ['{"a":' * 70 + "1" + "}" * 70]
LIMITLESS = dict.fromkeys(("NETWORK_UPLOADS_PER_MINUTE", "OPEN_UPLOADS", "NEW_UPLOADS_PER_DAY"), "0")


@dataclass
class Randomness:
    """Generates hostile events, the same ones for the same seed."""

    seed: int
    users: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Seed the generator, and read the fuzzing corpus."""
        self.draw = random.Random(self.seed)  # noqa: S311 -- no secret
        self._bodies = [path.read_bytes() for path in sorted((CORPUS / "notification").iterdir())]
        self._words = [word.encode() for word in words_of("notification")]

    def event(self, function: str) -> object:
        """Return an event for one function: mostly well-formed, and wrong in some places."""
        if self.draw.random() < 0.02:
            return self.draw.choice(VALUES)
        method, path = USUAL.get(function, ("POST", "/"))
        headers: dict[str, Any] = {"content-type": "application/json", "authorization": self._credential()}
        body = self._body(function)
        dialect: Dialect = "function-url" if self.draw.random() < 0.5 else "api-gateway"
        event = event_of(method, path, headers=headers, body=body, dialect=dialect)
        for spoil in (self._method, self._path, self._headers, self._encoding, self._member):
            if self.draw.random() < 0.08:
                spoil(event)
        return event

    def context(self) -> object:
        """Return the second argument; the platform makes it, so only its form varies."""
        usual = {"request_id": "r-1", "time_limit_in_ms": 3000}
        return self.draw.choice([usual, usual, usual, {}, None, 7, {"request_id": None}, {"request_id": ""}])

    def _credential(self) -> str:
        if self.users and self.draw.random() < 0.8:
            return f"Bearer {self.draw.choice(self.users)}"
        token = self.draw.choice(self.users) if self.users else "a.b.c"
        return "Bearer " + changed_at_random(token.encode(), self._words, self.draw).decode("latin-1")

    def _body(self, function: str) -> str:
        if self.draw.random() < 0.15:
            return self.draw.choice(JSON_TEXTS)
        if function == "event_notification":
            kept = self.draw.choice(self._bodies)
            if self.draw.random() < 0.3:
                return changed_at_random(kept, self._words, self.draw).decode("utf-8", "surrogateescape")
            with contextlib.suppress(ValueError, RecursionError):
                return json.dumps(changed_json(json.loads(kept), self.draw))
            return kept.decode()
        values = [*TEXTS, *(value for value in VALUES if not isinstance(value, bytes))]
        names = self.draw.sample(MEMBERS, self.draw.randint(0, 3))
        return json.dumps({name: self.draw.choice(values) for name in names})

    def _method(self, event: dict[str, Any]) -> None:
        event["httpMethod"] = self.draw.choice([*METHODS, *VALUES])

    def _path(self, event: dict[str, Any]) -> None:
        event["path"] = self.draw.choice([*PATHS, *TEXTS, *VALUES])

    def _headers(self, event: dict[str, Any]) -> None:
        if self.draw.random() < 0.1:
            event["headers"] = self.draw.choice([*VALUES, *TEXTS])
            return
        value = self.draw.choice([*TEXTS, *VALUES, [self.draw.choice(TEXTS), 7]])
        event["headers"] = {**event["headers"], self.draw.choice(HEADERS): value}

    def _encoding(self, event: dict[str, Any]) -> None:
        event["isBase64Encoded"] = self.draw.choice([True, True, "true", 1, None])
        content = self.draw.choice([str(event["body"]).encode("utf-8", "replace"), self.draw.randbytes(50)])
        event["body"] = self.draw.choice([base64.b64encode(content).decode(), "====", "\ud800", None, 7])

    def _member(self, event: dict[str, Any]) -> None:
        name = self.draw.choice([*event, "queryString", "requestContext", "more"])
        event[name] = self.draw.choice([*VALUES, *TEXTS, {"a": ["b", None]}, {"Sign": 1, "T": []}])


@dataclass
class Watch:
    """The result of all events: answers by function and status, defects, and growth of memory."""

    answers: Counter[tuple[str, object]] = field(default_factory=Counter)
    defects: list[str] = field(default_factory=list)
    settled_bytes: int = 0
    growth_bytes: int = 0

    def write(self, line: str) -> int:
        """Receive a line of the log in place of standard output."""
        if '"request.failed"' in line:
            self.defects.append(line)
        return len(line)

    def flush(self) -> None:
        """Do nothing: no output is buffered."""


def send(events: int, redis_url: str, *, seed: int = 1) -> Watch:
    """Send so many events to the functions, deployed in this process with a store of their own."""
    away = f"http://127.0.0.1:{refused_port()}"
    variables = environment(redis_url, VOD_API_URL=away, **LIMITLESS)
    randomness, watch = Randomness(seed), Watch()
    handlers = {name: importlib.import_module(f"functions.{name}").main_handler for name in SHARES}
    with (
        patch.dict(os.environ, variables),
        redis.Redis.from_url(redis_url) as store,
        contextlib.redirect_stdout(watch),
    ):
        start_anew()
        for number in range(events):
            if number % _FLUSHED_AFTER == 0:
                store.flushall()
                randomness.users = [user_token(f"user-{n}", exp=4_000_000_000) for n in range(50)]
            if number == int(events * _SETTLED):
                watch.settled_bytes = resident_bytes()
            (function,) = randomness.draw.choices(list(SHARES), list(SHARES.values()))
            result = handlers[function](randomness.event(function), randomness.context())
            watch.answers[function, _outcome(function, result)] += 1
        watch.growth_bytes = resident_bytes() - watch.settled_bytes
    start_anew()
    return watch


def _outcome(function: str, result: dict[str, object]) -> object:
    if function in USUAL:
        return read_answer(result).status
    json.dumps(result, allow_nan=False)
    return result.get("error", "done")


def resident_bytes() -> int:
    """Return this process's resident memory after a garbage collection."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


def faults_of(watch: Watch) -> Iterator[str]:
    """Yield a sentence for each violated promise."""
    yield from watch.defects[:5]
    for (function, status), count in watch.answers.items():
        if isinstance(status, int) and status >= 500:
            yield f"{function} answered {status}, {count} times"
    if watch.growth_bytes > MOST_GROWTH:
        yield f"memory grew by {watch.growth_bytes / _MEGABYTE:.1f} MiB"


def main(arguments: Sequence[str] | None = None) -> int:
    """Send the events, and print the figures; return 1 if a promise is broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.hostile_events", description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, EmbeddedStore(Path(folder)) as store:
        watch = send(wanted.events, store.url, seed=wanted.seed)
    for (function, outcome), count in sorted(watch.answers.items(), key=str):
        sys.stdout.write(f"{function:22} {outcome!s:16} {count:6}\n")
    sys.stdout.write(
        f"{watch.answers.total()} events; memory grew by {watch.growth_bytes / _MEGABYTE:.1f} MiB "
        "after the first fifth.\n"
    )
    faults = list(faults_of(watch))
    sys.stderr.writelines(f"{fault}\n" for fault in faults)
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
