from __future__ import annotations

import pytest

from shared.http.trace import trace_headers

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01"


@pytest.mark.parametrize("traceparent", [TRACEPARENT, f"cc-{TRACE_ID}-00f067aa0ba902b7-01-what-may-be-added"])
@pytest.mark.parametrize("state", ["rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", "x" * 512, ""])
def test_trace_is_passed_on_as_it_came(traceparent: str, state: str) -> None:
    """Also of a later version of the recommendation, whose first four fields are the same."""
    headers = {"traceparent": traceparent, **({"tracestate": state} if state else {})}

    assert trace_headers(headers) == (TRACE_ID, headers)


@pytest.mark.parametrize(
    "traceparent",
    [
        "",
        "00",
        f"ff-{TRACE_ID}-00f067aa0ba902b7-01",
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"00-{TRACE_ID}-{'0' * 16}-01",
        TRACEPARENT.upper(),
        TRACEPARENT + "x",
        TRACEPARENT + "-more",
        f"cc{TRACEPARENT[2:]}-\u00e9",
        TRACEPARENT + "\n",
        f"cc{TRACEPARENT[2:]}-a\r\nb: c",
        f"cc{TRACEPARENT[2:]}-{'x' * 256}",
    ],
)
def test_invalid_trace_is_none(traceparent: str) -> None:
    """Nothing of it is passed on, the state beside it neither (section 3.2)."""
    assert trace_headers({"traceparent": traceparent, "tracestate": "a=1"}) == ("", {})


@pytest.mark.parametrize("state", ["x" * 513, "a=1\r\nb: c", "a=\u00e9"])
def test_state_that_no_header_can_hold_is_left_out(state: str) -> None:
    """The trace goes on without it."""
    assert trace_headers({"traceparent": TRACEPARENT, "tracestate": state}) == (
        TRACE_ID,
        {"traceparent": TRACEPARENT},
    )
