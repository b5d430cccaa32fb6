from __future__ import annotations

import pytest

from tests.bench.cachegrind import CountError, instruction_count

VERSION_3_19 = """\
==10111== Cachegrind, a cache and branch-prediction profiler
==10111== Using Valgrind-3.19.0 and LibVEX; rerun with -h for copyright info
==10111== Command: python3.10 -s -S scf_runtime.py event_notification
==10111==\x20
==10111==\x20
==10111== I   refs:      1,315,974,903
"""
VERSION_3_22 = """\
==7== Cachegrind, a high-precision tracing profiler
==7== Command: python3.10
==7==\x20
==7==\x20
==7== I refs:        134,325,097
"""


@pytest.mark.parametrize(
    ("report", "count"),
    [
        pytest.param(VERSION_3_19, 1_315_974_903, id="3.19"),
        pytest.param(VERSION_3_22, 134_325_097, id="3.22"),
        pytest.param("==1== I refs: 950\n", 950, id="less than a thousand"),
    ],
)
def test_count_is_read_from_the_line_of_instruction_references(report: str, count: int) -> None:
    """Both spellings of the line give the number, without its commas."""
    assert instruction_count(report) == count


@pytest.mark.parametrize(
    "report",
    [
        pytest.param("", id="empty"),
        pytest.param(VERSION_3_19.rpartition("==10111== I")[0], id="killed before the summary"),
        pytest.param(VERSION_3_19 + VERSION_3_22, id="two processes"),
        pytest.param("==1== I refs: 1,31,974\n", id="digits in wrong groups"),
        pytest.param("==1== I refs: \n", id="no number"),
        pytest.param("==1== D refs: 12,345\n", id="another counter"),
        pytest.param("the handler logged I refs: 12,345\n", id="not a line of valgrind"),
    ],
)
def test_report_without_exactly_one_count_is_refused(report: str) -> None:
    """A count is never guessed; the error quotes the end of the report."""
    with pytest.raises(CountError, match="instead of one"):
        instruction_count(report)
