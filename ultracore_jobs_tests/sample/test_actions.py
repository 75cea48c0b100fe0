"""Planted splits and dividends, and the raw closes that agree with them."""

from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl

from ultracore_jobs.catalog.market import CORPORATE_ACTIONS, PRICES
from ultracore_jobs.kernels.adjustment import back_adjusted
from ultracore_jobs.sample.actions import SPLITS, planted_actions, raw_closes
from ultracore_jobs.sample.redating import redated_closes

KNOWN = datetime(2020, 1, 1, tzinfo=UTC)


def closes_of(symbol: str) -> dict[date, int]:
    """Raw closes in ten-thousandths by day."""
    rows = raw_closes().filter(symbol=symbol)
    return dict(zip(rows["price_date"], rows["close_e4"], strict=True))


def adjusted_of(symbol: str) -> dict[date, Decimal]:
    """Real adjusted closes by new day."""
    rows = redated_closes().filter(symbol=symbol)
    return dict(zip(rows["date"], rows["close"], strict=True))


def test_the_close_before_a_two_for_one_is_doubled() -> None:
    """UNH pays no dividend and splits on 16 November 2026: doubled before, the file's own after."""
    raw, real = closes_of("UNH"), adjusted_of("UNH")

    assert raw[date(2026, 11, 13)] == 2 * real[date(2026, 11, 13)] * 10_000
    assert raw[date(2026, 11, 16)] == real[date(2026, 11, 16)] * 10_000


def test_the_close_before_a_dividend_is_divided_by_one_less_its_share() -> None:
    """The last dividend of XOM: before it, real = raw x (1 - D / raw close the day before)."""
    last = planted_actions().filter(pl.col("symbol") == "XOM").row(-1, named=True)
    raw, real = closes_of("XOM"), adjusted_of("XOM")
    before = max(day for day in raw if day < last["ex_on"])
    factor = 1 - last["cash_cents"] * 100 / raw[before]

    for day in sorted(raw)[-60:]:
        expected = raw[day] * factor if day < last["ex_on"] else raw[day]
        assert abs(expected - float(real[day]) * 10_000) < 1


def test_back_adjusting_the_raw_closes_gives_the_real_series() -> None:
    """By the kernel of domain_rules 16, over twelve years of splits and dividends: within a basis point."""
    named = pl.format("XNYS-{}", "symbol").alias("instrument_id")
    prices = raw_closes().select(
        pl.lit("shared").alias("tenant_id"), named, "price_date",
        (pl.col("close_e4").cast(pl.Decimal(38, 0)) * Decimal("0.0001")).cast(PRICES.schema["close"])
        .alias("close"),
        pl.lit(None, dtype=PRICES.schema["volume"]).alias("volume"), pl.lit("OK").alias("status"),
        pl.lit(None, dtype=pl.String).alias("reason"), "known_at", pl.lit("replay").alias("source"),
    )  # fmt: skip
    actions = planted_actions().select(
        pl.lit("shared").alias("tenant_id"), "action_id", named, "type", pl.col("ratio").alias("ratio"),
        (pl.col("cash_cents").cast(pl.Decimal(38, 0)) * Decimal("0.01")).alias("cash_per_unit"),
        pl.lit(None).alias("franked_pct"), "ex_on", "pay_on", pl.lit(KNOWN).alias("known_at"),
        pl.lit("planted").alias("source"),
    ).cast(CORPORATE_ACTIONS.schema)  # fmt: skip

    adjusted = back_adjusted(prices, actions, as_of=date(2031, 12, 31))

    real = redated_closes().select(named, pl.col("date").alias("price_date"), pl.col("close").alias("real"))
    both = adjusted.join(real, on=["instrument_id", "price_date"])
    error = (both["adjusted_close"] / both["real"].cast(pl.Float64) - 1).abs()
    assert both.height == real.height
    assert error.max() < 1e-4  # type: ignore[operator]  # a float for a float column


def test_an_action_is_announced_before_it_goes_ex_and_paid_after() -> None:
    """Ten sessions of notice, about three weeks to payment; splits pay nothing."""
    actions = planted_actions()

    assert (actions["announced_on"] < actions["ex_on"]).all()
    assert (actions.drop_nulls("pay_on")["pay_on"] > actions.drop_nulls("pay_on")["ex_on"]).all()
    assert actions.filter(type="SPLIT").height == len(SPLITS)
    assert actions["action_id"].is_unique().all()


def test_no_ticker_splits_and_pays_on_one_day() -> None:
    """So that units held before the ex date are the same on both bases."""
    assert planted_actions().select("symbol", "ex_on").is_unique().all()
