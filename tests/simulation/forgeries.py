"""Made-up events: posts to the callback URL by somebody who knows it, and has tokens of his own."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.simulation.features import DIGESTS
from tests.simulation.integrity import digests_under
from tests.simulation.vod_attributes import FILE_ATTRIBUTES, VOD_NAMES
from tests.simulation.vod_messages import flow_event, upload_event
from tests.simulation.vod_model import PUSH_SECONDS

if TYPE_CHECKING:
    from random import Random

    from tests.simulation.users import Users
    from tests.simulation.vod_messages import File
    from tests.simulation.world import World

GARBAGE = (b"", b"\xff\xfe{}", b"[" * 5000, b'{"EventType": NaN}', b"{}", b'{"EventType":"NewFileUpload"}')


def forge(users: Users, user: str) -> None:
    """Post made-up events to the callback URL."""
    for _ in range(users.forger.choice((1, 1, 1, 2, 5))):
        _post(users, forged_body(users.world, users.forger, user))
        users.scheduler.sleep(users.forger.uniform(0, 2))
    if DIGESTS in users.world.features and users.digests.random() < 0.5:
        _post(users, _forged_digests(users, user))


def be_first(users: Users, user: str) -> None:
    """Upload, and be there before VOD: with the event, another's wrapped inside, and with an early end."""
    _, signature = users.sign(user, patience=3, policy="flow", procedure="LongVideoPreset")
    file = users.take(signature) if signature else None
    others = [it for it in users.world.vod.files.values() if file and it.token != file.token]
    if file and file.flow and others:
        _post(users, _wrapped(file, users.forger.choice(others), users.forger))
        _post(users, json.dumps(flow_event(file.flow, "FINISH", 100)).encode())


def _post(users: Users, body: bytes) -> None:
    users.forged_posts += 1
    users.forged_bytes += len(body)
    sent_at = users.scheduler.now

    def on_answer(status: int | None) -> None:
        if status is not None and users.scheduler.now - sent_at < PUSH_SECONDS:
            users.world.invariants.on_answer("a made-up event", status)

    users.world.post(body, on_answer)


def _wrapped(outer: File, inner: File, random: Random) -> bytes:
    event = upload_event(inner)
    return json.dumps(
        {**upload_event(outer), "eventContent": random.choice((event, json.dumps(event)))}
    ).encode()


def _forged_digests(users: Users, user: str) -> bytes:
    """Invent the digests of a file, under a token of the user: those that were declared, or others."""
    random, world = users.digests, users.world
    own = [upload for upload in users.uploads.values() if upload.user == user][-3:]
    upload = random.choice(own) if own else None
    tasks = [it.task_id for it in world.vod.attributes.by_id.values()][-10:]
    digests = digests_under(upload.declared if upload else {}, random)
    member = {
        "TaskId": random.choice([*tasks, "1500012345-DescribeFileAttributes-0t0"]),
        "FileId": random.choice([*list(world.vod.files)[-10:], "1234567890123456789"]),
        "Output": {VOD_NAMES[name]: digests[name] for name in random.choice((["md5"], ["md5", "sha1"]))},
        "SessionContext": upload.token if upload else "",
    }
    body = {"EventType": FILE_ATTRIBUTES, "DescribeFileAttributesCompleteEvent": member}
    return json.dumps(body).encode()


def forged_body(world: World, random: Random, user: str) -> bytes:
    """Invent the body of a callback: about files and task flows that exist, or about nothing."""
    own = [upload.token for upload in world.users.uploads.values() if upload.user == user] or ["vuf1.x.y"]
    files, flows = list(world.vod.files.values())[-30:], list(world.vod.flows.values())[-10:]
    kind = random.choice(("garbage", "file", "flow", "wrapped", "wrapped", "other"))
    if kind == "garbage" or not files or not flows:
        return random.choice(GARBAGE)
    file, token = random.choice(files), random.choice((*own[-3:], ""))
    if kind == "flow":
        status = random.choice(("FINISH", "ABORTED", "PROCESSING"))
        event = flow_event(random.choice(flows), status, random.randrange(101))
        if random.random() < 0.5:
            event["ProcedureStateChangeEvent"]["SessionContext"] = token
    elif kind == "other":
        member = {"FileId": file.file_id, "SessionContext": random.choice((token, file.token))}
        event = {"EventType": "ReviewAudioVideoComplete", "ReviewEvent": member}
    elif kind == "wrapped":
        outer = [it for it in files if it.token in own]
        return _wrapped(outer[-1] if outer else replace(file, token=own[-1]), file, random)
    else:
        claimed = random.choice((replace(file, token=token), replace(file, file_id="1234567890123456789")))
        event = upload_event(replace(claimed, size=random.choice((1, 2**63 - 1, 10**40))))
    return json.dumps(event).encode()
