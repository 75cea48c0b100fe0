"""Which rows a job reads for its day, as known at its cut-off."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pytest

from ultracore_jobs.application.reading import Moment, fetch
from ultracore_jobs.catalog import Dataset, Partitioning
from ultracore_jobs.catalog.columns import KNOWN_AT, TENANT_ID, count, day, text
from ultracore_jobs.jobs import Cadence, JobSpec, Priority
from ultracore_jobs_tests.stage import FRIDAY, SATURDAY_MORNING, StillClock, application, load

BOOKINGS = Dataset(
    name="bookings",
    grain="one booking, as known from one moment on",
    key=("booking_id",),
    partitioning=Partitioning.BY_LOAD,
    valid_date="booked_on",
    source="test",
    columns={
        "tenant_id": TENANT_ID,
        "booking_id": text("Booking"),
        "booked_on": day("Day it counts from; a correction may move it"),
        "known_at": KNOWN_AT,
    },
)

COUNTS = Dataset(
    name="counts",
    grain="the bookings of one day",
    key=("as_of_date",),
    source="booking_count",
    columns={"as_of_date": day("Day"), "bookings": count("Bookings up to it")},
)


class Counts(NamedTuple):
    """What `count_bookings` returns."""

    counts: pl.DataFrame


def count_bookings(*, bookings: pl.DataFrame, as_of: date) -> Counts:
    """How many bookings there are up to the day."""
    rows = {"as_of_date": [as_of], "bookings": [bookings.height]}
    return Counts(pl.DataFrame(rows, schema=COUNTS.schema))


BOOKING_COUNT = JobSpec(
    name="booking_count",
    family="toys",
    summary="How many bookings there are.",
    rule="Count them.",
    source="test",
    reads=(BOOKINGS.to_date().optional(),),
    kernel=count_bookings,
    writes=(COUNTS,),
    cadence=Cadence.SESSIONS,
    priority=Priority.LOW,
    rerun="Writes nothing.",
    result=lambda counts: {"bookings": counts["bookings"].item()},
)


def booking(booked_on: date, known_at: datetime) -> pl.DataFrame:
    """Booking B1, as it was known from one instant on."""
    row = {"tenant_id": ["acacia"], "booking_id": ["B1"], "booked_on": [booked_on], "known_at": [known_at]}
    return pl.DataFrame(row, schema=BOOKINGS.schema)


@pytest.mark.parametrize(
    ("first", "corrected", "days_read"),
    [
        (FRIDAY, FRIDAY + timedelta(days=5), []),
        (FRIDAY + timedelta(days=5), FRIDAY, [FRIDAY]),
        (FRIDAY, FRIDAY - timedelta(days=1), [FRIDAY - timedelta(days=1)]),
    ],
    ids=["moved past the day", "moved to the day", "moved to an earlier day"],
)
def test_a_correction_that_moves_the_day_replaces_the_row_it_corrects(
    tmp_path: Path, first: date, corrected: date, days_read: list[date]
) -> None:
    """The load that holds the correction alone lies out of the range read, and must be looked at."""
    app = application(tmp_path, {}, clock=StillClock(SATURDAY_MORNING + timedelta(days=9)))
    load(app, BOOKINGS, booking(first, datetime(2026, 11, 20, 5, tzinfo=UTC)), tenant="acacia")
    later = booking(corrected, datetime(2026, 11, 26, 5, tzinfo=UTC))
    load(app, BOOKINGS, later, tenant="acacia", partition="2026-11-26")

    read = fetch(app, BOOKING_COUNT, Moment("acacia", FRIDAY, app.clock.now()))
    before = fetch(app, BOOKING_COUNT, Moment("acacia", FRIDAY, SATURDAY_MORNING))

    assert read.tables["bookings"]["booked_on"].to_list() == days_read
    assert before.tables["bookings"]["booked_on"].to_list() == [day for day in [first] if day <= FRIDAY]
