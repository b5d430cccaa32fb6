"""The progress line, on a terminal and in a file, with a test clock."""

from __future__ import annotations

import io
import itertools

import pytest

from local.upload.progress import Progress, clock_text


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        """Return True: it is a terminal."""
        return True


def test_terminal_line_shows_share_speed_and_time_left() -> None:
    """Half of 20 MB after two seconds is 5 MB/s with two seconds to go."""
    screen = Terminal()
    progress = Progress(20_000_000, screen, clock=iter([0.0, 2.0]).__next__)
    progress.advance("part", 10_000_000)

    assert "[############............]  50 %  10.0 of 20.0 MB  5.0 MB/s  2 s left" in screen.getvalue()


def test_small_file_is_shown_in_kilobytes() -> None:
    """In megabytes there would be nothing but zeros."""
    screen = Terminal()
    Progress(11_252, screen, clock=iter([0.0, 2.0]).__next__).advance("part", 5626)

    assert " 50 %  5.6 of 11.3 kB  2.8 kB/s  2 s left" in screen.getvalue()


def test_parts_are_counted_together() -> None:
    """Parts that are sent at the same time add up."""
    screen = Terminal()
    progress = Progress(100, screen, clock=itertools.count().__next__)
    for part, position in (("a", 10), ("b", 20), ("a", 30)):
        progress.advance(part, position)

    assert " 50 %" in screen.getvalue().rpartition("\r")[2]


def test_retried_part_sets_the_line_back() -> None:
    """A part that starts again does not count twice."""
    screen = Terminal()
    progress = Progress(100, screen, clock=itertools.count().__next__)
    for position in (80, 0, 40):
        progress.advance("part", position)

    assert " 40 %" in screen.getvalue().rpartition("\r")[2]


def test_terminal_is_not_redrawn_for_every_chunk() -> None:
    """A thousand chunks within one tenth of a second are one line, and the end is always shown."""
    screen = Terminal()
    clock = itertools.chain([0.0], itertools.repeat(0.05)).__next__
    progress = Progress(1000, screen, clock=clock)
    for position in range(1, 1001):
        progress.advance("part", position)

    assert screen.getvalue().count("\r") == 2
    assert "100 %" in screen.getvalue()


def test_file_gets_four_plain_lines() -> None:
    """Where nothing can be redrawn there are a few lines, without control characters."""
    log = io.StringIO()
    progress = Progress(1000, log, clock=itertools.count().__next__)
    for position in range(1, 1001):
        progress.advance("part", position)
    progress.close()

    assert [line[:5] for line in log.getvalue().splitlines()] == [" 25 %", " 50 %", " 75 %", "100 %"]
    assert log.getvalue().replace("\n", "").isprintable()


def test_nothing_is_written_before_the_first_byte() -> None:
    """A refused upload leaves no half line behind."""
    screen = Terminal()
    Progress(1000, screen).close()

    assert screen.getvalue() == ""


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0 s"), (59.4, "59 s"), (187, "3:07"), (3723, "1:02:03"), (-5, "0 s")],
)
def test_durations_read_like_a_clock(seconds: float, expected: str) -> None:
    """Short times are seconds, longer ones have minutes and hours."""
    assert expected == clock_text(seconds)
