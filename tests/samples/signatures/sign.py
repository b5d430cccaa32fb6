"""Sign in Python's way: no value is percent-encoded.

Usage: python sign.py SECRET_ID SECRET_KEY ISSUED_AT EXPIRES_AT RANDOM; nothing of this project is imported.
"""

import base64
import hashlib
import hmac
import sys

secret_id, secret_key, issued_at, expires_at, random = sys.argv[1:]
original = (
    f"secretId={secret_id}&currentTimeStamp={issued_at}&expireTime={expires_at}&random={random}".encode()
)
digest = hmac.new(secret_key.encode(), original, hashlib.sha1).digest()
sys.stdout.write(base64.b64encode(digest + original).decode())
