"""The page `exchange_rate_update`, run through the pipeline on a real table store."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ultracore_jobs.application import Application
from ultracore_jobs.application.pipeline import Completion, JobRequest, execute
from ultracore_jobs.application.reading import Moment
from ultracore_jobs.application.results import Status
from ultracore_jobs.catalog.market import CALENDARS, FX_RATES
from ultracore_jobs.catalog.vendor import VENDOR_FIXINGS
from ultracore_jobs.errors import MissingInputError, TooManyRejectsError, UsageError
from ultracore_jobs.jobs import JobSpec
from ultracore_jobs.jobs.types.exchange_rate_update import JOB
from ultracore_jobs.kernels.fx import FX_CROSSES
from ultracore_jobs.ports import Coverage, Delivery, VersionRef
from ultracore_jobs_tests.kernels.market_tables import calendar, delivered_fixings, fixings
from ultracore_jobs_tests.stage import FRIDAY, ShelfFeeds, StillClock, application, load

FIXING = datetime(2026, 11, 20, 15, tzinfo=UTC)
RATES = {"AUD": "1.6000", "USD": "1.0400", "GBP": "0.8700", "JPY": "160.00", "CHF": "0.9300", "NZD": "1.8000"}


def platform(folder: Path, delivery: pl.DataFrame) -> Application:
    """TARGET days, and one delivery on the shelf that completes Friday."""
    covers = (Coverage(market="TARGET", first=date(2026, 11, 11), last=FRIDAY),)
    feeds = ShelfFeeds({"vendor_fixings": Delivery(delivery, covers, "a shelf")})
    app = application(folder, {JOB.name: JOB}, feeds=feeds)
    load(app, CALENDARS, calendar("TARGET"))
    return app


def run(app: Application, *, as_of: date = FRIDAY, job: JobSpec = JOB, **parameters: Any) -> Completion:
    """Run the job as known now."""
    moment = Moment("shared", as_of, app.clock.now())
    return execute(
        app, JobRequest(job, moment, f"job_{as_of}_{app.clock.now():%d%H%M}", parameters=parameters)
    )


def stored(app: Application, dataset: Any, completion: Completion, as_of: date = FRIDAY) -> pl.DataFrame:
    """The rows of the version that stands for a table."""
    version = completion.versions[dataset.name].version
    ref = VersionRef(tenant="shared", dataset=dataset.name, partition=as_of.isoformat(), version=version)
    return app.tables.scan(dataset, ref).collect()


def friday(**rates: str) -> pl.DataFrame:
    """Friday's fixings as published."""
    return delivered_fixings(*(("2026-11-20", ccy, rate) for ccy, rate in rates.items()), known_at=FIXING)


def test_a_day_is_published_and_says_so(tmp_path: Path) -> None:
    """Six fixings, 7 x 7 crosses, AUDUSD 0.65."""
    app = platform(tmp_path, friday(**RATES))

    done = run(app)

    assert done.status is Status.COMPLETED
    for key, value in {"published": 6, "carried": 0, "quarantined": 0, "rejected": 0, "pairs": 49}.items():
        assert done.result[key] == value
    assert Decimal(done.result["audusd"]) == Decimal("0.65")
    assert stored(app, FX_RATES, done).height == 6
    assert stored(app, FX_CROSSES, done).height == 49


def test_a_second_run_writes_nothing_and_says_the_same(tmp_path: Path) -> None:
    """The provider's file is the same an hour later."""
    app = platform(tmp_path, friday(**RATES))
    first = run(app)
    assert isinstance(app.clock, StillClock)
    app.clock.move(timedelta(hours=1))

    second = run(app)

    assert second.reused
    assert second.versions == first.versions
    for key in ("published", "carried", "quarantined", "pairs", "source"):
        assert second.result[key] == first.result[key]
    assert second.result["new_fixings"] == 0


def test_a_revision_restates_the_day(tmp_path: Path) -> None:
    """A later delivery with another dollar makes version 2 of both tables; the old one can still be read."""
    app = platform(tmp_path, friday(**RATES))
    run(app)
    assert isinstance(app.clock, StillClock)
    assert isinstance(app.feeds, ShelfFeeds)
    app.clock.move(timedelta(hours=1))
    revised = friday(**{**RATES, "USD": "1.0410"}).with_columns(pl.lit(app.clock.now()).alias("known_at"))
    before = app.feeds.shelf["vendor_fixings"]
    app.feeds.shelf["vendor_fixings"] = Delivery(
        revised.cast(VENDOR_FIXINGS.schema), before.covers, "a shelf"
    )

    second = run(app)

    assert second.result["corrected"] == 1
    assert second.versions["fx_crosses"].version == 2
    assert stored(app, FX_RATES, second)["reason"].to_list()[-1] == "CORRECTION of 1.0400000000"


def test_a_jump_is_a_warning_and_the_rest_is_published(tmp_path: Path) -> None:
    """The franc moved 15 %: the job is COMPLETED_WITH_ERRORS, Thursday's franc is carried."""
    app = platform(tmp_path, friday(**{**RATES, "CHF": "1.0800"}))
    thursday = date(2026, 11, 19)
    load(app, FX_RATES, fixings({(thursday, ccy): rate for ccy, rate in RATES.items()}))

    done = run(app)

    assert done.status is Status.COMPLETED_WITH_ERRORS
    assert (done.result["published"], done.result["carried"], done.result["quarantined"]) == (5, 1, 1)
    assert any(warning.startswith("no_jump_quarantined") for warning in done.result["warnings"])


def test_a_bad_row_is_a_warning_and_too_many_are_a_failure(tmp_path: Path) -> None:
    """One of seven is 14 %: allowed at 20 %, too many at the default of 5 %."""
    app = platform(tmp_path, friday(**RATES, SEK="N/A"))

    with pytest.raises(TooManyRejectsError, match="1 of 7 delivered rows"):
        run(app)
    done = run(app, max_reject_pct=0.2)

    assert done.status is Status.COMPLETED_WITH_ERRORS
    assert done.result["rejected"] == 1


def test_without_dollars_nothing_is_written(tmp_path: Path) -> None:
    """The job fails before the write."""
    app = platform(tmp_path, friday(AUD="1.6"))

    with pytest.raises(MissingInputError, match="USD"):
        run(app)
    assert app.tables.partitions(FX_RATES, tenant="shared") == ()


@pytest.mark.parametrize(
    "wrong",
    [
        {"jump_limit": 0},
        {"jump_limits": {"TRY": -1}},
        {"source_priority": []},
        {"source_priority": ["ECB", "ECB"]},
        {"source_priority": ["REUTERS"]},
        {"max_stale_business_days": -1},
        {"pivot": "euro"},
        {"jump_limt": 0.1},
    ],
)
def test_a_wrong_parameter_is_refused_by_name(tmp_path: Path, wrong: dict[str, Any]) -> None:
    """Before anything is fetched."""
    app = platform(tmp_path, friday(**RATES))

    with pytest.raises(UsageError, match=next(iter(wrong))):
        run(app, **wrong)


def test_the_chart_shows_what_a_foreign_unit_costs_and_the_preview_trouble_first(tmp_path: Path) -> None:
    """100 yen cost A$1.00; the currency that is carried stands first."""
    app = platform(tmp_path, friday(**RATES))
    crosses = stored(app, FX_CROSSES, run(app))
    carried = crosses.with_columns(
        pl.when(pl.col("base_ccy") == "NZD").then(pl.lit("CARRIED")).otherwise("status").alias("status")
    )
    assert JOB.chart is not None
    assert JOB.preview is not None

    chart = JOB.chart(fx_crosses=crosses)
    preview = JOB.preview(fx_crosses=carried)

    assert dict(chart.bars)["100 JPY"] == pytest.approx(1.0)
    assert dict(chart.bars)["USD"] == pytest.approx(1.5384615385)
    assert preview["base_ccy"].to_list()[:2] == ["NZD", "CHF"]
