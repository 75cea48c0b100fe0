"""The assets a fee is a share of: the last COMPLETE NAV before accrued fees, while it is not too old."""

import polars as pl

from ultracore_jobs.catalog.columns import MONEY
from ultracore_jobs.kernels.fees.runs import following
from ultracore_jobs.kernels.money import round_money

AUD = "AUD"
_ONE_DAY = pl.duration(days=1)


def nav_spans(
    windows: pl.DataFrame, valuations: pl.DataFrame, calendars: pl.DataFrame, max_stale: int
) -> pl.DataFrame:
    """Each COMPLETE NAV, until when it is the last one, and the first day on which it is too old.

    One NAV before the windows is enough, so older ones are dropped before the large join.

    Args:
        windows: ``portfolio_id``, ``calendar_id``, ``from_on``, ``until_on``.
        valuations: `VALUATIONS` that reach over the windows.
        calendars: `CALENDARS` of the portfolios.
        max_stale: Greatest age in business days; where the calendar does not reach, a NAV is too old.

    Returns:
        By portfolio and day: ``portfolio_id``, ``assets_on``, ``next_on`` (null for the last), ``stale_on``,
        ``gross_base`` (NAV before accrued fees), ``nav``, ``nav_aud``.

    Source: domain_rules 3.2, 1A.6.
    """
    owners = windows.group_by("portfolio_id", "calendar_id").agg(
        pl.col("from_on").min().alias("needed_from"), pl.col("until_on").max().alias("needed_until")
    )
    navs = (
        valuations.filter(pl.col("status") == "COMPLETE")
        .select(
            "portfolio_id",
            pl.col("as_of_date").alias("assets_on"),
            "nav",
            "nav_aud",
            (pl.col("nav") + pl.col("accrued_fees_base")).cast(MONEY).alias("gross_base"),
        )
        .join(owners, on="portfolio_id")
        .filter(pl.col("assets_on") < pl.col("needed_until"))
        .sort("portfolio_id", "assets_on")
        .with_columns(following(pl.col("assets_on"), pl.col("portfolio_id")).alias("next_on"))
        .filter(pl.col("next_on").is_null() | (pl.col("next_on") > pl.col("needed_from")))
    )
    stale = _stale_days(navs.select("calendar_id", "assets_on").unique(), calendars, max_stale=max_stale)
    return navs.join(stale, on=["calendar_id", "assets_on"], how="left").drop(
        "calendar_id", "needed_from", "needed_until"
    )


def _stale_days(days: pl.DataFrame, calendars: pl.DataFrame, *, max_stale: int) -> pl.DataFrame:
    """For each calendar and day, the first later day with more than *max_stale* business days between.

    A calendar that ends earlier vouches up to its last day; one that lacks the day itself for that day only.
    """
    ours = (
        calendars.join(days.select("calendar_id").unique(), on="calendar_id", how="semi")
        .select("calendar_id", "date", "is_business_day")
        .sort("calendar_id", "date")
        .with_columns(pl.col("is_business_day").cast(pl.Int64).cum_sum().over("calendar_id").alias("ordinal"))
    )
    business = ours.filter("is_business_day").select(
        "calendar_id", pl.col("date").alias("over_on"), "ordinal"
    )
    last = ours.group_by("calendar_id").agg((pl.col("date").max() + _ONE_DAY).alias("unknown_on"))
    limit = pl.col("ordinal") + max_stale + 1
    return (
        days.join(
            ours.select("calendar_id", pl.col("date").alias("assets_on"), limit.alias("ordinal")),
            on=["calendar_id", "assets_on"],
            how="left",
        )
        .join(business, on=["calendar_id", "ordinal"], how="left")
        .join(last, on="calendar_id", how="left")
        .select(
            "calendar_id",
            "assets_on",
            pl.when(pl.col("ordinal").is_null())
            .then(pl.col("assets_on") + _ONE_DAY)
            .otherwise(pl.coalesce("over_on", "unknown_on"))
            .alias("stale_on"),
        )
    )


def assets_in_schedule_ccy() -> pl.Expr:
    """NAV before accrued fees in the schedule's currency; null where it cannot be expressed in it.

    In the portfolio's own currency as it is; in AUD at the rate that made ``nav_aud``. No rate is made up.
    """
    in_aud = round_money(pl.col("gross_base"), pl.col("nav_aud"), ccy=pl.lit(AUD), over=[pl.col("nav")])
    zero = pl.when((pl.col("gross_base") == 0) | (pl.col("nav") == 0)).then(pl.lit(0).cast(MONEY))
    return (
        pl.when(pl.col("ccy") == pl.col("base_ccy")).then("gross_base").otherwise(pl.coalesce(in_aud, zero))
    )
