"""Income earned and not yet paid: dividends between ex and pay day, coupons, interest on deposits."""

from datetime import date

import polars as pl

from ultracore_jobs.catalog.columns import UNITS

_RATE = pl.Decimal(18, 10)
_YEAR_DAYS = 365
_ICMA, _ACT_365F = "BOND", "TERM_DEPOSIT"


def dividend_claims(lots: pl.DataFrame, corporate_actions: pl.DataFrame, *, as_of: date) -> pl.DataFrame:
    """Dividends that are due to each portfolio.

    Whoever held the units at the close before the ex date has the claim, whether they hold them still
    or not. Franking credits are a matter of tax, not of NAV.

    Args:
        lots: `LOTS` as known.
        corporate_actions: `CORPORATE_ACTIONS` as known; counted while ``ex_on <= as_of < pay_on``.
        as_of: The day.

    Returns:
        ``portfolio_id``, ``instrument_id``, ``action_id``, ``qty`` (units at the close before the ex
        date) and ``cash_per_unit`` (instrument currency), by portfolio and action. Dividends without
        amount or pay day have a null ``cash_per_unit``.

    Source: domain_rules 1A.5.
    """
    has_terms = pl.col("cash_per_unit").is_not_null() & pl.col("pay_on").is_not_null()
    running = corporate_actions.filter(
        (pl.col("type") == "DIVIDEND")
        & (pl.col("ex_on") <= as_of)
        & ((pl.col("pay_on") > as_of) | ~has_terms)
    ).select(
        "instrument_id", "action_id", "ex_on", pl.when(has_terms).then("cash_per_unit").alias("cash_per_unit")
    )
    return (
        lots.join(running, on="instrument_id")
        .filter((pl.col("effective_on") < pl.col("ex_on")) & (pl.col("acquired_on") < pl.col("ex_on")))
        .sort("lot_id", "action_id", "effective_on")
        .unique(["lot_id", "action_id"], keep="last", maintain_order=True)
        .group_by("portfolio_id", "instrument_id", "action_id", "cash_per_unit")
        .agg(pl.col("qty_open").sum().cast(UNITS).alias("qty"))
        .filter(pl.col("qty") != 0)
        .sort("portfolio_id", "action_id")
    )


def interest_terms(instruments: pl.DataFrame, *, as_of: date) -> pl.DataFrame:
    """What one unit of each interest-bearing instrument has earned since its last payment.

    Bonds ACT/ACT ICMA: ``rate / freq x days(last, D) / days(last, next)``. Deposits ACT/365F:
    ``rate x days(last, D) / 365``. Days leave the first date out and count D. Where D lies outside the
    dates of the master (the job runs late, or the master is), the period is found by stepping along
    the schedule.

    Args:
        instruments: `INSTRUMENTS` as known.
        as_of: The day.

    Returns:
        One row for each instrument that bears interest: ``instrument_id``, ``coupon`` (Decimal, 10 dp),
        ``days``, ``period`` (what the product of quantity, coupon and days is divided by), ``is_rolled``,
        and ``is_unknown`` where the terms do not suffice.

    Source: domain_rules 1A.5.
    """
    bearing = instruments.filter(
        pl.col("type").is_in([_ICMA, _ACT_365F]) & (pl.col("coupon_rate").fill_null(0) != 0)
    )
    last, following, freq = pl.col("last_coupon_on"), pl.col("next_coupon_on"), pl.col("coupon_freq")
    is_bond = pl.col("type") == _ICMA
    day = pl.lit(as_of)
    outside = (last > day) | (following <= day)
    step = 12 // freq
    # Whole periods between the last coupon and D, rounded down: negative where D lies before it.
    months = (day.dt.year() - last.dt.year()).cast(pl.Int64) * 12 + (day.dt.month() - last.dt.month())
    periods = (months - (day.dt.day() < last.dt.day()).cast(pl.Int64)).floordiv(step)
    dated = bearing.with_columns(outside.fill_null(value=False).alias("is_rolled")).with_columns(
        pl.when("is_rolled").then(_months_later(last, periods * step)).otherwise(last).alias("__last"),
        pl.when("is_rolled")
        .then(_months_later(last, (periods + 1) * step))
        .otherwise(following)
        .alias("__next"),
    )
    since, period = pl.col("__last"), (pl.col("__next") - pl.col("__last")).dt.total_days()
    return dated.select(
        "instrument_id",
        pl.col("coupon_rate").round(10).cast(_RATE).alias("coupon"),
        (day - since).dt.total_days().alias("days"),
        pl.when(is_bond).then(period * freq).otherwise(_YEAR_DAYS).alias("period"),
        "is_rolled",
    ).with_columns(
        (
            pl.col("days").is_null() | (pl.col("days") < 0) | ~(pl.col("period") > 0).fill_null(value=False)
        ).alias("is_unknown")
    )


def _months_later(start: pl.Expr, months: pl.Expr) -> pl.Expr:
    """The same day of another month, clipped to its end."""
    return start.dt.offset_by(pl.concat_str(months.cast(pl.String), pl.lit("mo")))
