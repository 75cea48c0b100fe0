"""Which tables have to be written again."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from ultracore_jobs.application.publishing import publish_table
from ultracore_jobs.application.reading import Inputs, Moment
from ultracore_jobs.application.results import Computation
from ultracore_jobs.catalog import REJECTS_SCHEMA
from ultracore_jobs.catalog.market import FX_RATES
from ultracore_jobs.jobs import job_types
from ultracore_jobs.jobs.spec import Parameters
from ultracore_jobs.ports import Coverage, JobStamp, Provenance
from ultracore_jobs_tests.stage import FRIDAY, application


def target(first: int, last: int) -> Coverage:
    """TARGET days of November 2026."""
    return Coverage(market="TARGET", first=date(2026, 11, first), last=date(2026, 11, last))


@pytest.mark.parametrize(
    ("then", "now", "is_written"),
    [
        ((target(2, 20),), (target(2, 20),), False),
        ((target(2, 20),), (target(5, 20),), False),
        ((target(5, 20),), (target(2, 20),), True),
        ((), (target(20, 20),), True),
        ((target(2, 20),), (), False),
    ],
    ids=["the same days", "fewer days", "more days", "first days", "no days"],
)
def test_an_empty_load_is_written_only_where_it_covers_more(
    tmp_path: Path, then: tuple[Coverage, ...], now: tuple[Coverage, ...], *, is_written: bool
) -> None:
    """A look-back that makes up for an outage covers more; the next day's, shorter again, does not."""
    app = application(tmp_path, job_types())
    spec = app.jobs["exchange_rate_update"]
    computation = Computation(
        spec=spec,
        moment=Moment("shared", FRIDAY, app.clock.now()),
        parameters=Parameters(),
        inputs=Inputs({}, {}),
        input_hash="",
        tables={FX_RATES.name: FX_RATES.empty()},
        quarantine=pl.DataFrame(schema=REJECTS_SCHEMA),
        gates=(),
        reused=False,
    )

    def provenance(covers: tuple[Coverage, ...]) -> Provenance:
        job = JobStamp(job_id="job_1", job_type=spec.name, code_version="test")
        return Provenance(job=job, as_of=FRIDAY, known_at=app.clock.now(), input_hash="", covers=covers)

    publish_table(app, computation, FX_RATES, provenance(then))
    _, written = publish_table(app, computation, FX_RATES, provenance(now))

    assert written is is_written
