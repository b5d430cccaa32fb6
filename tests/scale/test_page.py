"""docs/scale.md: its tables and plots are those of the model, and what it says of them holds."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from functions.event_notification import INLINE_SECONDS
from local.operator.capacity import Assumed
from local.repository import REPOSITORY
from shared.schema.models.settings import StoreSettings, VodApiSettings
from shared.store.connection import PARTITIONS
from tests.scale.page import MOST_ERROR, measured_table, pictures, service_in, table, tables, with_tables
from tests.scale.parameters import Outage
from tests.scale.sizes import ARCHITECTURES, DAY, HOUR, OUTAGES, RETENTION_DAYS, run

DOCUMENTS = REPOSITORY / "docs"
PAGE = (DOCUMENTS / "scale.md").read_text(encoding="utf-8")
SERVICE = service_in(PAGE)


def test_tables_and_plots_are_those_of_the_model() -> None:
    """With the figures that the page says were measured."""
    assert with_tables(PAGE, [measured_table(SERVICE), *tables(SERVICE)]) == PAGE
    for name, picture in pictures(SERVICE).items():
        assert (DOCUMENTS / name).read_text(encoding="utf-8") == picture


@pytest.mark.parametrize("mode", ["push", "pull"])
@pytest.mark.parametrize("outage", OUTAGES[:2], ids=lambda it: it.kind)
def test_backlog_of_an_hour_is_bounded_and_gone_within_two(mode: str, outage: Outage) -> None:
    """At 1,000 uploads a second: no more than came in the hour, none refused or given up."""
    (it,) = (it for it in ARCHITECTURES if (it.uploads, it.mode) == (1_000, mode))
    system, figures = run(it, SERVICE, outage)

    assert figures.drained_at is not None
    assert figures.drained_at - outage.begins < 2 * HOUR
    assert system.backlog.peak < 1.05 * HOUR * it.uploads / it.deployments
    assert (figures.refused, figures.dead) == (0, 0)


@pytest.mark.parametrize("mode", ["push", "pull"])
def test_backlog_of_a_day_is_gone_within_another(mode: str) -> None:
    """At 1,000 uploads a second, and nothing is given up meanwhile."""
    (it,) = (it for it in ARCHITECTURES if (it.uploads, it.mode) == (1_000, mode))
    _, figures = run(it, SERVICE, OUTAGES[2])

    assert figures.drained_at is not None
    assert figures.drained_at - OUTAGES[2].ends < DAY
    assert (figures.refused, figures.dead) == (0, 0)


def test_limits_in_the_text_are_those_of_the_code() -> None:
    """What one account pulls, what a callback waits for, how far a store goes, how short retention can be."""
    given = ARCHITECTURES[0].parameters(SERVICE, outage=Outage(), jobs=1)
    most = replace(given, assumed=Assumed(pull_shards=64)).capacity.pulled_events
    least = StoreSettings.model_json_schema(by_alias=False)["properties"]["retention_seconds"]["minimum"]
    calls = VodApiSettings.model_fields["vod_calls_per_second"].default

    raised = replace(given, assumed=Assumed(pull_shards=64, vod_calls=100)).capacity.pulled_events
    assert f" {most:,.0f} events a second of one account, and {raised:,.0f} with all of the 100" in PAGE
    assert f"push beyond {calls} of these a second for long needs `READ_BACK=off`" in PAGE
    assert f"holds each callback for {INLINE_SECONDS:.0f} seconds" in PAGE
    assert f"A store has {PARTITIONS} partitions" in PAGE
    assert f"`RETENTION_SECONDS={least}`" in PAGE
    assert least == RETENTION_DAYS * DAY


def test_real_runs_are_within_the_error() -> None:
    """The table of the last run shows no figure that the model missed."""
    differences = [int(number) for number in re.findall(r"^\| .* \| ([+-]\d+)% \|$", PAGE, re.MULTILINE)]

    assert len(differences) == 5
    assert max(map(abs, differences)) <= MOST_ERROR * 100


def test_table_that_the_page_lacks_is_an_error() -> None:
    """A figure is never lost because a heading was changed."""
    with pytest.raises(ValueError, match="no table that begins"):
        with_tables("# A page\n", [table("one|two", [(1, 2)])])
