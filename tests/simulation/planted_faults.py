"""The kinds of fault that were found once, planted again one at a time: each has to be found by some seed."""

from __future__ import annotations

from typing import NamedTuple


class Change(NamedTuple):
    """A text in a file, which stands there once, and what takes its place."""

    file: str
    old: str
    new: str


PLANTED: dict[str, tuple[Change, ...]] = {
    "1 the journal's reader unwraps": (
        Change(
            "shared/vod/notification.py",
            "return _notification(read_event_object(raw), event_handle=None)",
            "body = read_event_object(raw)\n"
            '    inner = body.get("eventContent")\n'
            "    return _notification(inner if isinstance(inner, dict) else body, event_handle=None)",
        ),
        Change(
            "shared/flows/settle_event.py",
            "return named is None or named == uploader",
            "return uploader == uploader",
        ),
    ),
    "1 another's file is believed": (
        Change("shared/flows/settle_event.py", "return named is None or named == uploader", "return True"),
        Change(
            "shared/flows/verify_event.py",
            'return media if as_text(source.get("SourceContext")) == claim.context_token else None',
            "return media if source else None",
        ),
    ),
    "1 a push is trusted": (
        Change(
            "shared/flows/ingest_event.py",
            'trusted = source.authenticated or self.settings.read_back == "off"',
            "trusted = True",
        ),
    ),
    "2 an upload has no expiry": (
        Change("shared/store/lua/begin_upload.lua", "redis.call('EXPIRE', KEYS[1], terms.record_ttl)\n", ""),
    ),
    "3 an upload gets signatures without end": (
        Change(
            "shared/store/lua/steps/renew.lua",
            "local refused = signatures >= terms.signatures",
            "local refused = false",
        ),
    ),
    "3 what is cancelled is given back at once": (
        Change("shared/store/lua/steps/today.lua", "if one.at > now then", "if one.at < 0 then"),
    ),
    "3 further files are not counted": (
        Change("shared/store/lua/steps/apply.lua", "    charge_replay(at, tonumber(now), facts)\n", ""),
    ),
    "3 any number is open": (
        Change("shared/store/lua/begin_upload.lua", "if too_many >= 0 then", "if too_many >= 1000 then"),
    ),
    "4 what cannot be read is refused": (
        Change(
            "functions/event_notification.py",
            "return None, error.detail if isinstance(error, ServiceError) else type(error).__name__",
            "raise",
        ),
    ),
    "4 a failure is answered at once": (
        Change(
            "functions/event_notification.py",
            "bootstrap.wait(started + bootstrap.callback_hold_seconds() - bootstrap.now())",
            "pass",
        ),
    ),
    "4 only a silent store is held": (
        Change(
            "functions/event_notification.py",
            "    except Exception:\n        kept",
            "    except __import__('shared.errors').errors.StoreUnavailableError:\n        kept",
        ),
    ),
    "4 what failed is confirmed": (
        Change(
            "shared/flows/pull_events.py",
            'if figure != "failed" and handle:',
            "if handle:",
        ),
    ),
    "5 a quarantined lie stands in the way": (
        Change("shared/store/lua/journal_event.lua", "if disbelieved or given_up or", "if given_up or"),
        Change("shared/store/lua/journal_event.lua", "if waits or is_further or not", "if true or not"),
    ),
    "6 the demoted primary is kept": (
        Change(
            "shared/redis/resp.py",
            "if any(map(is_about_the_server, _errors_in(replies))):",
            "if not replies:",
        ),
    ),
    "7 a dripping app holds a delivery": (
        Change(
            "shared/http/outbound.py",
            "self._connected.settimeout(self._deadline.left())\n        return",
            "self._connected.settimeout(15.0)\n        return",
        ),
    ),
    "7 a dripping store holds a call": (
        Change(
            "shared/redis/resp.py",
            "                deadline.left()\n                chunk",
            "                chunk",
        ),
    ),
    "8 an interim answer is final": (
        Change(
            "shared/http/outbound.py",
            "if self.status >= _FINAL_STATUS or self.status == http.client.SWITCHING_PROTOCOLS:",
            "if self.status:",
        ),
    ),
    "8 what failed is not sent again": (
        Change(
            "shared/store/lua/finish_attempt.lua",
            "redis.call('ZADD', KEYS[2], ARGV[5], KEYS[1])",
            "redis.call('ZREM', KEYS[2], KEYS[1])",
        ),
    ),
    "9 an aborted flow does not end": (
        Change(
            "shared/vod/notification_types.py", '{"FINISH", "ABORTED", FORGOTTEN}', '{"FINISH", FORGOTTEN}'
        ),
    ),
    "9 any end of a flow is believed": (
        Change(
            "shared/flows/verify_event.py",
            "if state.finished and status != state.status:",
            "if state.finished and not has_ended:",
        ),
    ),
    "10 VOD is asked for ever": (
        Change("shared/flows/verify_event.py", "MAX_ATTEMPTS = 3", "MAX_ATTEMPTS = 1_000_000"),
    ),
    "11 any audience is accepted": (
        Change(
            "shared/http/token_claims.py", 'return "aud_unexpected" if "aud" in claims else ""', 'return ""'
        ),
    ),
    "11 one of several audiences counts": (
        Change("shared/http/token_claims.py", "{*settings.jwt_audience}", "{settings.jwt_audience[0]}"),
    ),
    "11 an expired token is accepted": (
        Change("shared/http/token_claims.py", "if now < instant + LEEWAY_SECONDS else", "if instant else"),
    ),
    "12 the Idempotency-Key is not read": (
        Change("functions/upload_signature.py", "key = idempotency_key(request)", "key = None"),
    ),
    "12 what nobody renews stays open": (
        Change(
            "shared/store/lua/begin_upload.lua",
            "redis.call('ZADD', KEYS[7], terms.signed_until,",
            "redis.call('ZADD', KEYS[7], now + 90000,",
        ),
    ),
    "13 a wrong clock is never set": (
        Change(
            "shared/tencent_api.py",
            "if not was_lost and not (error.get_code() == _EXPIRED and self._set_clock()):",
            "if not was_lost:",
        ),
    ),
    "13 a body that is a value is dropped": (
        Change(
            "shared/http/request.py",
            'return b"" if body is None else json.dumps(body, default=str).encode("ascii")',
            'return b""',
        ),
    ),
    "S14 others' uploads are shown": (
        Change("shared/store/uploads.py", 'if fields.get("user_id") != user_id:', "if not fields:"),
    ),
}
"""Each name begins with the number of the kind of fault, or of the item in docs/security.md."""
