"""A handler that does what the vendor's demo of a signature function does, and no more.

The work is that of `web_upload_scf/ugc_upload_sign` in the public repository tencentyun/vod-server-demo:
read a configuration file, take a sourceContext out of the body, sign by HMAC-SHA1, answer in plain text. It
asks nobody who he is, keeps nothing and limits nothing. Written anew; the same modules are imported.
"""

from __future__ import annotations

import ast
import base64
import hashlib
import hmac
import json
import random
import time
from urllib.parse import urlencode

LONGEST_CONTEXT = 250


def main_handler(event, _context):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201  # as the demo has it
    """Answer with a signature, without authentication."""
    with open("demo.json") as file:  # noqa: PTH123  # as the demo has it
        configuration = json.loads(file.read())
    now = int(time.time())
    parameters = {
        "secretId": configuration["id"],
        "currentTimeStamp": now,
        "expireTime": now + configuration["seconds"],
        "random": random.randint(0, 999_999),  # noqa: S311  # as the demo has it
        "classId": 0,
        "oneTimeValid": 0,
        "vodSubAppId": 0,
    }
    wanted = ast.literal_eval(event.get("body") or "{}")
    if wanted.get("sourceContext"):
        parameters["sourceContext"] = wanted["sourceContext"][:LONGEST_CONTEXT]
    text = urlencode(parameters).encode()
    signature = base64.b64encode(hmac.new(configuration["key"].encode(), text, hashlib.sha1).digest() + text)
    return {
        "isBase64Encoded": False,
        "statusCode": 200,
        "headers": {"Content-Type": "text/plain; charset=utf-8", "Access-Control-Allow-Origin": "*"},
        "body": signature.decode(),
    }
