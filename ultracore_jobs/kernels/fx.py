"""Cross rates: what one currency is worth in another on a day, always through the publisher's pivot.

A publisher quotes every currency against one pivot (the ECB against the euro, the RBA against the
Australian dollar). Because each cross is the quotient of two of its quotes, all crosses agree with
each other. They are derived, never stored as given: a corrected fixing corrects every pair.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

from ultracore_jobs.catalog import Dataset, Retention, Scope
from ultracore_jobs.catalog.columns import CURRENCY, FX_RATE, TENANT_ID, code, count, day, fx_rate, text
from ultracore_jobs.catalog.market import TARGET
from ultracore_jobs.kernels.business_days import business_days_after

PIVOTS: Mapping[str, str] = {"ECB": "EUR", "RBA_F11": "AUD"}
"""The currency that each publisher quotes against."""

FX_CROSSES = Dataset(
    name="fx_crosses",
    grain="what one unit of one currency is worth in another on one day",
    key=("as_of_date", "base_ccy", "quote_ccy"),
    scope=Scope.SHARED,
    retention=Retention.MARKET_DATA,
    source="exchange_rate_update",
    licence="derived from ECB reference rates: reuse with attribution; information only",
    columns={
        "tenant_id": TENANT_ID,
        "as_of_date": day("Day the rate is used for"),
        "base_ccy": CURRENCY.described("Currency of which one unit is converted"),
        "quote_ccy": CURRENCY.described("Currency it is converted to"),
        "rate": fx_rate(
            "Quote units per 1 base unit; null where no rate may be used", nullable=True, above=0
        ),
        "rate_date": day("Day of the fixing; of two fixings the older", nullable=True),
        "stale_business_days": count(
            "TARGET business days after rate_date up to as_of_date; null where the calendar does not reach",
            nullable=True,
            at_least=0,
        ),
        "status": code(
            "OK is the day's own fixing, CARRIED an earlier one, FAILED_STALE means there is none to use",
            ["OK", "CARRIED", "FAILED_STALE"],
        ),
        "reason": text(
            "NO_FIXING, FIXING_QUARANTINED, MIXED_FIXINGS, TOO_OLD, CALENDAR_TOO_SHORT, NO_USABLE_FIXING or "
            "RATE_OUT_OF_RANGE; null where OK",
            nullable=True,
        ),
        "source": code("Publisher of both legs", sorted(PIVOTS)),
    },
)

_ONE = 10**10
"""1 in units of the tenth decimal, the scale of `FX_RATE`."""

_LARGEST = 10**18 - 1
"""The greatest rate that `FX_RATE` holds, in units of the tenth decimal."""


def cross_rates(
    fx_rates: pl.DataFrame,
    calendars: pl.DataFrame,
    *,
    as_of: date,
    max_stale_business_days: int = 3,
    source_priority: Sequence[str] = ("ECB", "RBA_F11"),
    pivots: Mapping[str, str] = PIVOTS,
    tenant: str = "shared",
) -> pl.DataFrame:
    """Derive every pair of the day from the fixings of one publisher.

    ``rate(A, B)`` is pivot units of B over pivot units of A, divided as whole numbers and rounded once,
    half-up to 10 decimals. Both legs are taken from the newest fixing that has both currencies; only
    where that one is too old, each currency's own newest fixing is taken (MIXED_FIXINGS). A currency
    missing from the publisher's list ages on its own and ends as FAILED_STALE; its rate is then null,
    never zero.

    Args:
        fx_rates: `FX_RATES`, one row for each key as known at the cut-off; later dates are ignored.
            Rows that are QUARANTINED are not used: the fixing before them is carried.
        calendars: `CALENDARS` with the days of TARGET from the oldest usable fixing to *as_of*.
        as_of: Day the rates are for.
        max_stale_business_days: Greatest age of a fixing, in TARGET business days.
        source_priority: Publishers in order of preference. The first whose newest fixing is not too
            old gives all rates of the day; publishers are never mixed.
        pivots: The currency each publisher quotes against.
        tenant: Owner of the rows.

    Returns:
        An `FX_CROSSES` table with all pairs of the publisher's currencies, by base and quote. A
        currency in itself is 1 and OK by definition. Without fixings the table is empty.

    Source: domain_rules 14.
    """
    known = fx_rates.filter(pl.col("rate_date") <= as_of)
    source = _source_of_the_day(known, calendars, as_of, max_stale_business_days, source_priority)
    if source is None:
        return FX_CROSSES.empty()
    pivot = pivots[source]
    fixings = known.filter((pl.col("source") == source) & (pl.col("base_ccy") == pivot))
    legs = _legs(fixings, pivot)
    chosen = _newest_common_fixing(legs, fixings, pivot)
    chosen = _aged(chosen, "rate_date", calendars, as_of)
    chosen = _with_own_newest_fixings(chosen, legs, calendars, as_of, max_stale_business_days)
    held = _newest_held(fixings)
    chosen = (
        chosen.join(held.rename({"ccy": "base_ccy", "held_on": "base_held_on"}), on="base_ccy", how="left")
        .join(held.rename({"ccy": "quote_ccy"}), on="quote_ccy", how="left")
        .with_columns(_quotient())
    )
    itself = pl.col("base_ccy") == pl.col("quote_ccy")
    age = pl.col("stale_business_days")
    usable = pl.col("units").is_between(1, _LARGEST) & (age <= max_stale_business_days)
    is_held = pl.max_horizontal("base_held_on", "held_on") > pl.col("rate_date")
    return (
        chosen.select(
            pl.lit(tenant).alias("tenant_id"),
            pl.lit(as_of).alias("as_of_date"),
            "base_ccy",
            "quote_ccy",
            pl.when(itself).then(_ONE).when(usable).then("units").alias("units"),
            pl.when(itself).then(pl.lit(as_of)).otherwise("rate_date").alias("rate_date"),
            pl.when(itself).then(0).otherwise(age).alias("stale_business_days"),
            pl.when(itself | (usable & (pl.col("rate_date") == as_of)))
            .then(pl.lit("OK"))
            .when(usable)
            .then(pl.lit("CARRIED"))
            .otherwise(pl.lit("FAILED_STALE"))
            .alias("status"),
            pl.when(itself)
            .then(None)
            .when(pl.col("rate_date").is_null())
            .then(pl.lit("NO_USABLE_FIXING"))
            .when(age.is_null())
            .then(pl.lit("CALENDAR_TOO_SHORT"))
            .when(age > max_stale_business_days)
            .then(pl.lit("TOO_OLD"))
            .when(~usable)
            .then(pl.lit("RATE_OUT_OF_RANGE"))
            .when(pl.col("rate_date") == as_of)
            .then(None)
            .when(is_held)
            .then(pl.lit("FIXING_QUARANTINED"))
            .when("is_mixed")
            .then(pl.lit("MIXED_FIXINGS"))
            .otherwise(pl.lit("NO_FIXING"))
            .alias("reason"),
            pl.lit(source).alias("source"),
        )
        .with_columns(_as_rate("units").alias("rate"))
        .select(FX_CROSSES.schema.names())
        .sort("base_ccy", "quote_ccy")
    )


def _source_of_the_day(
    known: pl.DataFrame,
    calendars: pl.DataFrame,
    as_of: date,
    max_stale_business_days: int,
    source_priority: Sequence[str],
) -> str | None:
    """The first publisher whose newest fixing may be used; else the first that has any; else None."""
    newest = (
        known.filter((pl.col("status") == "OK") & pl.col("source").is_in(list(source_priority)))
        .group_by("source")
        .agg(pl.col("rate_date").max())
    )
    fresh = _aged(newest, "rate_date", calendars, as_of).filter(
        pl.col("stale_business_days") <= max_stale_business_days
    )
    for candidates in (fresh["source"].to_list(), newest["source"].to_list()):
        for source in source_priority:
            if source in candidates:
                return source
    return None


def _legs(fixings: pl.DataFrame, pivot: str) -> pl.DataFrame:
    """Units of the tenth decimal per 1 pivot: ``ccy``, ``rate_date``, ``units`` (Int128)."""
    quoted = fixings.filter(pl.col("status") == "OK").select(
        pl.col("quote_ccy").alias("ccy"), "rate_date", pl.col("rate").to_physical().alias("units")
    )
    of_pivot = (
        quoted.select("rate_date")
        .unique()
        .select(
            pl.lit(pivot).alias("ccy"), "rate_date", pl.lit(_ONE, dtype=quoted.schema["units"]).alias("units")
        )
    )
    return pl.concat([quoted, of_pivot])


def _newest_held(fixings: pl.DataFrame) -> pl.DataFrame:
    """The newest fixing of each currency that waits for a person: ``ccy``, ``held_on``."""
    held = fixings.filter(pl.col("status") == "QUARANTINED")
    return held.group_by(pl.col("quote_ccy").alias("ccy")).agg(pl.col("rate_date").max().alias("held_on"))


def _newest_common_fixing(legs: pl.DataFrame, fixings: pl.DataFrame, pivot: str) -> pl.DataFrame:
    """For every pair the newest day that fixed both: ``base_units``, ``quote_units``, null if none did."""
    quoted = fixings.select(pl.col("quote_ccy").alias("base_ccy"))
    base = pl.concat([quoted, pl.DataFrame({"base_ccy": [pivot]})]).unique()
    pairs = base.join(base.rename({"base_ccy": "quote_ccy"}), how="cross")
    common = (
        legs.rename({"ccy": "base_ccy", "units": "base_units"})
        .join(legs.rename({"ccy": "quote_ccy", "units": "quote_units"}), on="rate_date")
        .sort("rate_date")
        .unique(["base_ccy", "quote_ccy"], keep="last")
    )
    return pairs.join(common, on=["base_ccy", "quote_ccy"], how="left")


def _with_own_newest_fixings(
    chosen: pl.DataFrame,
    legs: pl.DataFrame,
    calendars: pl.DataFrame,
    as_of: date,
    max_stale_business_days: int,
) -> pl.DataFrame:
    """Where no common fixing may be used, take each currency's own newest; the older one sets the age."""
    newest = legs.sort("rate_date").unique("ccy", keep="last")
    base = newest.rename({"ccy": "base_ccy", "units": "own_base_units", "rate_date": "base_on"})
    quote = newest.rename({"ccy": "quote_ccy", "units": "own_quote_units", "rate_date": "quote_on"})
    own = (
        chosen.join(base, on="base_ccy", how="left")
        .join(quote, on="quote_ccy", how="left")
        .with_columns(
            pl.when(pl.col("base_on").is_not_null() & pl.col("quote_on").is_not_null())
            .then(pl.min_horizontal("base_on", "quote_on"))
            .alias("own_on")
        )
    )
    own = _aged(own, "own_on", calendars, as_of, name="own_age")
    may_use_common = (pl.col("stale_business_days") <= max_stale_business_days).fill_null(value=False)
    may_use_own = (pl.col("own_age") <= max_stale_business_days).fill_null(value=False)
    # A pair never fixed together shows how old it is, even where it is too old to be used.
    better = ~may_use_common & (may_use_own | pl.col("rate_date").is_null())
    return own.with_columns(
        better.alias("is_mixed"),
        pl.when(better).then("own_base_units").otherwise("base_units").alias("base_units"),
        pl.when(better).then("own_quote_units").otherwise("quote_units").alias("quote_units"),
        pl.when(better).then("own_on").otherwise("rate_date").alias("rate_date"),
        pl.when(better).then("own_age").otherwise("stale_business_days").alias("stale_business_days"),
    )


def _aged(
    frame: pl.DataFrame, since: str, calendars: pl.DataFrame, as_of: date, name: str = "stale_business_days"
) -> pl.DataFrame:
    return business_days_after(
        frame.with_columns(pl.lit(TARGET).alias("__target")),
        since=since,
        calendar="__target",
        as_of=as_of,
        calendars=calendars,
        name=name,
    ).drop("__target")


def _quotient() -> pl.Expr:
    """``quote_units / base_units`` in units of the tenth decimal, half-up; both are positive.

    As whole numbers: `Decimal / Decimal` would round to the scale before we can round half-up.
    The largest product is 2 * 10^28, far inside Int128.
    """
    ones = pl.lit(2 * _ONE, dtype=pl.Int128)
    twice = pl.lit(2, dtype=pl.Int128) * pl.col("base_units")
    return ((ones * pl.col("quote_units") + pl.col("base_units")) // twice).alias("units")


def _as_rate(units: str) -> pl.Expr:
    """Units of the tenth decimal as `FX_RATE`, exactly."""
    one_unit = pl.lit("0.0000000001").cast(pl.Decimal(38, 10))
    return (pl.col(units).cast(pl.Decimal(38, 0)) * one_unit).cast(FX_RATE)
