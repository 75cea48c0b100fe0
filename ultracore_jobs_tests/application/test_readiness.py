"""What a job waits for, said in words an operator can act on."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from ultracore_jobs.application import Application
from ultracore_jobs.application.pipeline import JobRequest, execute
from ultracore_jobs.application.readiness import waiting_for
from ultracore_jobs.application.reading import Moment
from ultracore_jobs.catalog.market import CALENDARS, PRICES
from ultracore_jobs.jobs import job_types
from ultracore_jobs.ports import Coverage
from ultracore_jobs_tests.stage import FRIDAY, application, load
from ultracore_jobs_tests.toys import ACCOUNTS, TOYS, accounts


def test_a_table_of_the_day_must_have_landed(tmp_path: Path) -> None:
    """The factor of Friday is missing, then there."""
    app = application(tmp_path, TOYS)
    load(app, ACCOUNTS, accounts(A="10.00"), tenant="acacia")
    moment = Moment("acacia", FRIDAY, app.clock.now())

    before = waiting_for(app, app.jobs["account_balance"], moment)
    execute(app, JobRequest(app.jobs["daily_factor"], Moment("shared", FRIDAY, app.clock.now()), "job_1"))

    assert before == ["factors of 2026-11-20 (daily_factor for tenant shared)"]
    assert waiting_for(app, app.jobs["account_balance"], moment) == []


@pytest.fixture
def market(tmp_path: Path) -> Application:
    """Calendars in which Friday 20 November 2026 is a business day everywhere, the weekend nowhere."""
    app = application(tmp_path, job_types())
    days = [date(2026, 11, day) for day in range(9, 23)]
    rows = pl.DataFrame(
        [
            ("shared", market, day, day.weekday() < 5)
            for market in ("XNYS", "XASX", "TARGET", "NSW")
            for day in days
        ],
        schema=["tenant_id", "calendar_id", "date", "is_business_day"],
        orient="row",
    ).with_columns(
        pl.lit(datetime(2026, 1, 1, tzinfo=UTC)).dt.cast_time_unit("us").alias("known_at"),
        pl.lit("test").alias("source"),
    )
    load(app, CALENDARS, rows.select(CALENDARS.schema.names()))
    return app


def valuation_waits_for(app: Application, as_of: date = FRIDAY) -> list[str]:
    """What the valuation of acacia waits for."""
    return waiting_for(app, app.jobs["portfolio_valuation"], Moment("acacia", as_of, app.clock.now()))


def test_market_data_is_asked_for_coverage_not_for_a_partition(market: Application) -> None:
    """Thursday's load does not cover Friday's session in New York; each market is named."""
    thursday = date(2026, 11, 19)
    covers = tuple(Coverage(market=name, first=date(2024, 1, 1), last=thursday) for name in ("XNYS", "XASX"))
    load(market, PRICES, PRICES.empty(), partition="2026-11-19", covers=covers)

    waits = valuation_waits_for(market)

    assert "prices of XNYS for 2026-11-20 (market_data_refresh for tenant shared)" in waits
    assert "prices of XASX for 2026-11-20 (market_data_refresh for tenant shared)" in waits
    assert "fx_rates of TARGET for 2026-11-20 (exchange_rate_update for tenant shared)" in waits


def test_a_later_load_may_cover_an_earlier_day(market: Application) -> None:
    """A load of Saturday that brings Friday's prices late makes Friday ready."""
    friday = (
        Coverage(market="XNYS", first=FRIDAY, last=FRIDAY),
        Coverage(market="XASX", first=FRIDAY, last=FRIDAY),
    )
    load(market, PRICES, PRICES.empty(), partition="2026-11-21", covers=friday)

    assert [line for line in valuation_waits_for(market) if line.startswith("prices")] == []


def test_at_the_weekend_the_last_session_is_enough(market: Application) -> None:
    """On Sunday the last business day is Friday, which is covered."""
    friday = (
        Coverage(market="XNYS", first=FRIDAY, last=FRIDAY),
        Coverage(market="XASX", first=FRIDAY, last=FRIDAY),
    )
    load(market, PRICES, PRICES.empty(), partition="2026-11-20", covers=friday)

    waits = valuation_waits_for(market, date(2026, 11, 22))

    assert [line for line in waits if line.startswith("prices")] == []
