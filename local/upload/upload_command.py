"""Upload a real file through the whole chain, without a browser, and wait for the app's event."""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from local.stack_choice import NoStackError, add_stack_arguments, chosen_stack, named_url
from local.terminal_text import sheet_of
from local.upload.client import StackUnreachableError, UploadClient
from local.upload.order import UploadError, UploadOrder, check_uploadable, sha256_of
from local.upload.progress import Progress

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping

DEFAULT_URL = "http://127.0.0.1:8000"
_CHUNK_BYTES = 1024 * 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("file", type=Path, metavar="FILE", help="a video or audio file")
    parser.add_argument("--cover", type=Path, metavar="IMG", help="an image to be its cover")
    parser.add_argument("--user", default="alice", help="the demo user who uploads (default %(default)s)")
    parser.add_argument(
        "--policy", help="the upload policy; those of the demo: default, course, reusable, strict, mobile"
    )
    parser.add_argument("--context", metavar="TEXT", help="the app's own text, handed back in the event")
    parser.add_argument("--json", action="store_true", help="print one JSON object, and nothing else")
    add_stack_arguments(parser)


def main(arguments: argparse.Namespace) -> int:
    """Upload, wait for the event and verify what was stored; return 0 only if all of it succeeds."""
    order = UploadOrder(
        file=arguments.file,
        user=arguments.user,
        cover=arguments.cover,
        policy=arguments.policy,
        context=arguments.context,
    )
    try:
        for file in filter(None, (order.file, order.cover)):
            check_uploadable(file)
        with _chosen_client(arguments) as client:
            outcome = _upload(client, order)
    except NoStackError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except UploadError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(json.dumps(outcome) + "\n" if arguments.json else _summary(order, outcome))
    return 0


def _upload(client: UploadClient, order: UploadOrder) -> dict[str, object]:
    with order.file.open("rb") as file:
        digest = sha256_of(iter(lambda: file.read(_CHUNK_BYTES), b""))
    total = sum(file.stat().st_size for file in (order.file, order.cover) if file)
    progress = Progress(total, sys.stderr)
    try:
        stored = client.upload(order, progress.advance)
    finally:
        progress.close()
    event = client.wait_for_event(stored.upload_id)
    if client.media_sha256(stored.media_url) != digest:
        raise UploadError(
            "What is stored differs from the file: upload it again, and leave it alone meanwhile."
        )
    return {
        "uploadId": stored.upload_id,
        "fileId": stored.file_id,
        "mediaUrl": stored.media_url,
        "sha256": digest,
        "event": event,
    }


@contextlib.contextmanager
def _chosen_client(arguments: argparse.Namespace) -> Iterator[UploadClient]:
    """Use the stack that was named, the one that runs, or else one that is started for this upload."""
    is_named = bool(arguments.url or arguments.folder)
    url = named_url(arguments)
    try:
        url = url or chosen_stack(arguments)["VOD_API_URL"]
    except NoStackError:
        if is_named:
            raise
        url = DEFAULT_URL
    with contextlib.closing(UploadClient(url)) as client:
        try:
            client.check()
        except StackUnreachableError:
            if is_named:
                raise
            sys.stderr.write(f"No stack runs at {url}: starting one for this upload.\n")
        else:
            yield client
            return
    # Only now: the stack needs more libraries than an upload to a running one.
    from local.stack.stack import Stack, StackStartError  # noqa: PLC0415  # see above

    try:
        with (
            tempfile.TemporaryDirectory(prefix="vod-upload-") as folder,
            Stack(folder=Path(folder)) as stack,
            contextlib.closing(UploadClient(stack.url)) as client,
        ):
            yield client
    except StackStartError as error:
        raise UploadError(str(error)) from error


def _summary(order: UploadOrder, outcome: Mapping[str, object]) -> str:
    event = json.dumps(outcome["event"], indent=2, ensure_ascii=False)
    stored = {name: outcome[name] for name in ("uploadId", "fileId", "mediaUrl", "sha256")}
    stored["sha256"] = f"{outcome['sha256']}  (file and stored copy)"
    sheet = sheet_of((f"  {name}", value) for name, value in stored.items())
    return f"{order.file.name} is stored, and the app has heard of it.\n{sheet}\nThe event:\n{event}\n"
