"""The page `market_data_refresh`, run through the pipeline on a real table store."""

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
from ultracore_jobs.catalog.market import CALENDARS, INSTRUMENTS, PRICES
from ultracore_jobs.catalog.vendor import VENDOR_ACTIONS
from ultracore_jobs.errors import UsageError
from ultracore_jobs.jobs.types.market_data_refresh import JOB
from ultracore_jobs.ports import Coverage, Delivery, VersionRef
from ultracore_jobs_tests.kernels.market_tables import (
    calendar,
    delivered_actions,
    delivered_price,
    delivered_prices,
    instruments,
)
from ultracore_jobs_tests.stage import FRIDAY, ShelfFeeds, StillClock, application, load

CLOSE = datetime(2026, 11, 20, 21, tzinfo=UTC)
SYMBOLS = ("AAA", "BBB", "CCC")


def platform(folder: Path, *extra: dict[str, Any], actions: pl.DataFrame | None = None) -> Application:
    """Three American shares with ten sessions delivered, and what the test adds."""
    app = application(folder, {JOB.name: JOB}, feeds=ShelfFeeds())
    load(app, CALENDARS, calendar("XNYS", "XASX", "NSW"))
    load(app, INSTRUMENTS, instruments(**dict.fromkeys(SYMBOLS, ("XNYS", "USD"))))
    lay_out(app, *sessions(), *extra, actions=actions)
    return app


def sessions() -> list[dict[str, Any]]:
    """Ten sessions to Friday for each share, closes around 100."""
    days = [day for n in range(14) if (day := FRIDAY - timedelta(days=n)).weekday() < 5]
    return [
        delivered_price(symbol, day.isoformat(), f"{100 + n % 3}", known_at=CLOSE)
        for symbol in SYMBOLS
        for n, day in enumerate(days)
    ]


def lay_out(app: Application, *rows: dict[str, Any], actions: pl.DataFrame | None = None) -> None:
    """Put a delivery on the shelf."""
    assert isinstance(app.feeds, ShelfFeeds)
    covers = (Coverage(market="XNYS", first=date(2026, 11, 9), last=FRIDAY),)
    app.feeds.shelf["vendor_prices"] = Delivery(delivered_prices(*rows), covers, "a shelf")
    none = VENDOR_ACTIONS.empty() if actions is None else actions
    app.feeds.shelf["vendor_actions"] = Delivery(none, covers, "a shelf")


def run(app: Application, **parameters: Any) -> Completion:
    """Run the job for Friday as known now."""
    moment = Moment("shared", FRIDAY, app.clock.now())
    return execute(app, JobRequest(JOB, moment, f"job_{app.clock.now():%d%H%M}", parameters=parameters))


def an_hour_later(app: Application) -> datetime:
    """Move the clock."""
    assert isinstance(app.clock, StillClock)
    app.clock.move(timedelta(hours=1))
    return app.clock.now()


def stored(app: Application, completion: Completion) -> pl.DataFrame:
    """Prices of Friday's load."""
    version = completion.versions["prices"].version
    ref = VersionRef(tenant="shared", dataset="prices", partition=FRIDAY.isoformat(), version=version)
    return app.tables.scan(PRICES, ref).collect()


def test_a_delivery_is_loaded_and_counted(tmp_path: Path) -> None:
    """Three shares, ten sessions, one split."""
    app = platform(tmp_path, actions=delivered_actions({"ex_on": "2026-12-01", "known_at": CLOSE}))

    done = run(app)

    assert done.status is Status.COMPLETED
    expected = {"loaded": 30, "corrected": 0, "rejected": 0, "quarantined": 0, "actions_loaded": 1}
    assert {key: done.result[key] for key in expected} == expected
    assert stored(app, done).height == 30


def test_a_second_run_writes_nothing(tmp_path: Path) -> None:
    """The same file, an hour later."""
    app = platform(tmp_path)
    first = run(app)
    an_hour_later(app)

    second = run(app)

    assert second.reused
    assert second.versions == first.versions
    assert second.result["loaded"] == 0


def test_a_correction_is_appended_and_a_material_one_is_a_warning(tmp_path: Path) -> None:
    """Friday's 100 becomes 101: 100 basis points. The old row stays in the file."""
    app = platform(tmp_path)
    run(app)
    now = an_hour_later(app)
    lay_out(app, *sessions()[1:], delivered_price("AAA", "2026-11-20", "101", known_at=now))

    done = run(app)

    assert (done.result["corrected"], done.result["restated"]) == (1, 1)
    assert done.status is Status.COMPLETED_WITH_ERRORS
    friday = stored(app, done).filter((pl.col("instrument_id") == "I-AAA") & (pl.col("price_date") == FRIDAY))
    assert friday.select("close", "reason").rows() == [
        (Decimal(100), None),
        (Decimal(101), "CORRECTION of 100.000000"),
    ]


def test_bad_rows_are_set_aside_and_the_rest_is_loaded(tmp_path: Path) -> None:
    """One unknown symbol among 31 rows is within 5 %."""
    app = platform(tmp_path, delivered_price("ZZZ", "2026-11-20", "1", known_at=CLOSE))

    done = run(app)

    assert done.status is Status.COMPLETED_WITH_ERRORS
    assert (done.result["loaded"], done.result["rejected"]) == (30, 1)
    assert done.result["rejected_by_reason"] == {"UNKNOWN_SYMBOL": 1}


def test_a_partial_failure_of_the_provider_is_flagged(tmp_path: Path) -> None:
    """CCC has no price on Friday: its earlier ones are loaded, the job says it is late."""
    app = platform(tmp_path)
    missing = ("CCC", FRIDAY.isoformat())
    lay_out(app, *(row for row in sessions() if (row["symbol"], row["price_date"]) != missing))

    done = run(app)

    assert done.result["loaded"] == 29
    assert done.result["instruments_without_price"] == 1
    assert any(warning.startswith("every_instrument_priced") for warning in done.result["warnings"])


def test_a_spike_is_held_and_named(tmp_path: Path) -> None:
    """Friday's close of AAA is ten times the others."""
    app = platform(tmp_path)
    rows = [
        row | {"close": "1000"} if row["symbol"] == "AAA" and row["price_date"] == "2026-11-20" else row
        for row in sessions()
    ]
    lay_out(app, *rows)

    done = run(app)

    assert done.result["quarantined"] == 1
    assert any(warning.startswith("no_price_quarantined") for warning in done.result["warnings"])
    held = stored(app, done).filter(pl.col("status") == "QUARANTINED")
    assert held.select("instrument_id", "price_date").rows() == [("I-AAA", FRIDAY)]


@pytest.mark.parametrize(
    "wrong", [{"spike_z": 0}, {"lookback_sessions": 0}, {"spike_confirm_limit": 0.5}, {"spike_window": 5}]
)
def test_a_wrong_parameter_is_refused_by_name(tmp_path: Path, wrong: dict[str, Any]) -> None:
    """Before anything is fetched."""
    with pytest.raises(UsageError, match=next(iter(wrong))):
        run(platform(tmp_path), **wrong)


def test_chart_and_preview_show_what_became_of_the_delivery(tmp_path: Path) -> None:
    """What a person should look at stands first."""
    app = platform(tmp_path, delivered_price("ZZZ", "2026-11-20", "1", known_at=CLOSE))
    done = run(app)
    prices = stored(app, done)
    rejects = {"table_name": "vendor_prices", "row_number": 31, "row_key": "ZZZ|XNYS|2026-11-20"}
    quarantine = pl.DataFrame(
        [{**rejects, "column_name": "symbol", "value": "ZZZ", "reason": "UNKNOWN_SYMBOL"}]
    )
    assert JOB.chart is not None
    assert JOB.preview is not None

    chart = JOB.chart(prices=prices, corporate_actions=prices.clear(), quarantine=quarantine)
    preview = JOB.preview(prices=prices, quarantine=quarantine)

    assert dict(chart.bars)["new prices"] == 30
    assert dict(chart.bars)["rejected: UNKNOWN_SYMBOL"] == 1
    assert preview.row(0) == ("ZZZ|XNYS|2026-11-20", "symbol = ZZZ", "REJECTED", "UNKNOWN_SYMBOL")
