"""The model of `tests/scale` beside real runs, and what it says about each size: docs/scale.md."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.bench.plots import DOCUMENTS, write
from tests.bench.series import keep, machine
from tests.scale.measured import measure_service
from tests.scale.page import MOST_ERROR, measured_table, pictures, real_table, service_in, tables, with_tables
from tests.scale.real_runs import compare


def measure() -> list[str]:
    """Measure, run the model, write the page's tables and plots, and return where the model is wrong."""
    with tempfile.TemporaryDirectory() as scratch:
        # With as many digits as the page shows, from which a test repeats the rest.
        service = service_in(measured_table(measure_service(Path(scratch) / "measured")))
        rows = compare(Path(scratch) / "compared")
    real = real_table(rows, machine())
    keep("scale", {"service": service.__dict__, "rows": [row.__dict__ for row in rows]})
    page = DOCUMENTS / "scale.md"
    texts = [measured_table(service), real, *tables(service)]
    page.write_text(with_tables(page.read_text("utf-8"), texts), encoding="utf-8")
    for name, picture in pictures(service).items():
        write(name, picture)
    sys.stdout.write("\n".join(texts))
    return [
        f"{row.figure}: {row.model:.2f} s, really {row.real:.2f} s." for row in rows if row.error > MOST_ERROR
    ]
