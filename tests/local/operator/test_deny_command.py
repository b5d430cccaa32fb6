"""`python -m local deny` against a real store, with the real function that signs."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
import redis

from functions import upload_signature
from local.__main__ import main
from tests.functions.deployment import VARIABLES, environment, start_anew, user_token
from tests.functions.scf import CLIENT_ADDRESS, event_of, read_answer
from tests.shared.loopback_peer import refused_port

if TYPE_CHECKING:
    from collections.abc import Iterator


class Desk:
    """A deployment, and an operator's terminal beside it."""

    def __init__(
        self, redis_url: str, patch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]
    ) -> None:
        """Deploy with the store at this URL."""
        self._capture = capture
        for name in VARIABLES:
            patch.delenv(name, raising=False)
        for name, value in environment(redis_url).items():
            patch.setenv(name, value)
        start_anew()

    def deny(self, *words: str) -> tuple[int, str, str]:
        """Run the command."""
        self._capture.readouterr()
        code = main(["deny", *words])
        printed = self._capture.readouterr()
        return code, printed.out, printed.err

    def sign(self, user: str = "alice", **wish: object) -> int:
        """Request a signature; return the status."""
        headers = {"authorization": f"Bearer {user_token(user)}", "content-type": "application/json"}
        event = event_of("POST", "/signature", headers=headers, body=json.dumps(wish))
        answer = read_answer(upload_signature.main_handler(event, {"request_id": "r-1"}))
        if answer.status == 403:
            assert answer.json["detail"] == "No uploads are allowed here at present."
        return answer.status


@pytest.fixture
def desk(
    valkey_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Desk]:
    """Deploy with an empty store."""
    yield Desk(valkey_url, monkeypatch, capsys)
    start_anew()


@pytest.mark.parametrize(
    ("subject", "others"),
    [
        (("--user", "alice"), {"user": "bob"}),
        (("--network", CLIENT_ADDRESS), None),
        (("--network", f"{CLIENT_ADDRESS}/16"), None),
        (("--policy", "course"), {}),
        (("--everybody",), None),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_who_is_put_on_the_list_is_refused_until_he_is_taken_off(
    desk: Desk, subject: tuple[str, ...], others: dict[str, str] | None
) -> None:
    """From the next request on, in the running process, and back again."""
    wish = {"policy": "course"} if subject[0] == "--policy" else {}
    assert desk.sign(**wish) == 200

    assert desk.deny("add", *subject)[0] == 0
    denied = desk.sign(**wish)
    other = 200 if others is None else desk.sign(**others)
    assert desk.deny("remove", *subject)[0] == 0

    assert (denied, other, desk.sign(**wish)) == (403, 200, 200)


def test_list_is_told_to_people_and_programs(desk: Desk) -> None:
    """Who, since when, until when, and why; nothing that a name holds can disturb the terminal."""
    assert desk.deny("list") == (0, "Nobody is on the list.\n", "")
    code, out, _ = desk.deny("add", "--user", "mal\x1b[2Jlory", "--for", "2h", "--reason", "spam")
    assert (code, re.sub(r"\d{4}-\S+Z", "TIME", out)) == (
        0,
        "No uploads for user mal\\x1b[2Jlory, until TIME.\n",
    )
    assert desk.deny("add", "--everybody")[1] == "No uploads for everybody, until it is taken off the list.\n"

    _, table, _ = desk.deny("list")
    entries = json.loads(desk.deny("list", "--json")[1])

    assert "\x1b" not in table
    assert table.splitlines()[0].split() == ["kind", "subject", "since", "until", "state", "reason"]
    assert [(e["kind"], e["subject"], e["state"], e["reason"]) for e in entries] == [
        ("user", "mal\x1b[2Jlory", "denied", "spam"),
        ("everybody", None, "denied", None),
    ]
    assert entries[0]["until"] > entries[0]["since"]
    assert entries[1]["until"] is None


def test_change_of_the_list_is_told_to_programs_as_well(desk: Desk) -> None:
    """What was added has the members of the list's entries."""
    added = json.loads(desk.deny("add", "--user", "mallory", "--json")[1])
    [entry] = json.loads(desk.deny("list", "--json")[1])
    removed = json.loads(desk.deny("remove", "--user", "mallory", "--json")[1])

    assert (added, added["subject"]) == (entry, "mallory")
    assert removed == {"kind": "user", "subject": "mallory", "removed": True}


def test_entry_that_is_over_or_not_whole_says_so(desk: Desk, valkey_url: str) -> None:
    """An ended entry stays to be read until it is removed; a part of one has to be added again."""
    desk.deny("add", "--user", "alice", "--for", "1s")
    desk.deny("add", "--user", "bob")
    with redis.Redis.from_url(valkey_url, decode_responses=True) as client:
        keys = sorted(client.scan_iter("*:denied"))
        for key in keys:
            kept = {mark: json.loads(text) for mark, text in client.hgetall(key).items()}
            for mark, entry in kept.items():
                if entry["subject"] == "alice":
                    client.hset(key, mark, json.dumps({**entry, "until": entry["since"]}))
                elif key == keys[0]:
                    client.hdel(key, mark)

    states = {e["subject"]: e["state"] for e in json.loads(desk.deny("list", "--json")[1])}

    assert states == {"alice": "over", "bob": "in part: add it again"}


def test_nobody_is_taken_off_who_is_not_on_it(desk: Desk) -> None:
    """Removing a missing entry is reported."""
    assert desk.deny("remove", "--user", "alicia") == (1, "", "There is no entry for user alicia.\n")


@pytest.mark.parametrize(
    "words",
    [
        ("add",),
        ("add", "--user", "a", "--policy", "b"),
        ("add", "--network", "example.com"),
        ("add", "--network", "198.51.100.7/8"),
        ("add", "--user", "a", "--for", "soon"),
        ("add", "--user", "a", "--for", "0s"),
        ("remove",),
        (),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_told(desk: Desk, words: tuple[str, ...]) -> None:
    """Exactly one subject, a network of a size there is, a length of time: else nothing is done."""
    with pytest.raises(SystemExit) as caught:
        desk.deny(*words)

    assert caught.value.code == 2
    assert desk.deny("list")[1] == "Nobody is on the list.\n"


def test_store_that_is_away_is_told_in_a_sentence(desk: Desk) -> None:
    """The message has no traceback and no address, and says what to do."""
    away = f"redis://127.0.0.1:{refused_port()}/0"

    code, out, err = desk.deny("add", "--everybody", "--redis-url", away)

    assert (code, out) == (1, "")
    assert "did not answer" in err
    assert err.endswith(" It may be done in part.\n")
    assert away not in err
    assert "in part" not in desk.deny("list", "--redis-url", away)[2]


def test_without_a_store_one_learns_how_to_name_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    """The message names REDIS_URL and the local stack."""
    monkeypatch.delenv("REDIS_URL")

    code, out, err = desk.deny("list", "--folder", str(tmp_path))

    assert (code, out) == (2, "")
    assert "Name the store with REDIS_URL" in err
