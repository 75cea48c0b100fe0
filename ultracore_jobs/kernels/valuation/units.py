"""Portfolio units: external flows buy or cancel them, gains move what one is worth.

NAV per unit is what one dollar, left alone, would have become. Its growth is the time-weighted
return of domain_rules 2A with flows at the start of the day. The table carries its own memory: the
row of an INCOMPLETE day repeats units, NAV per unit and NAV of the last COMPLETE one, with its date.
"""

from datetime import date

import polars as pl

from ultracore_jobs.catalog.columns import MONEY, UNITS
from ultracore_jobs.kernels.money import minor_digits, round_to
from ultracore_jobs.kernels.valuation.lines import rates_of, with_fx
from ultracore_jobs.kernels.valuation.pricing import price_instruments
from ultracore_jobs.kernels.valuation.tables import FIRST_UNIT_VALUE, UNIT_VALUE, Books, Policy

_FIRST = pl.lit(FIRST_UNIT_VALUE).cast(UNIT_VALUE)

_FLOWS = pl.Schema(
    {"portfolio_id": pl.String(), "flow_base": MONEY, "is_late": pl.Boolean(), "is_unvalued": pl.Boolean()}
)


def remembered(portfolios: pl.DataFrame, previous_valuations: pl.DataFrame) -> pl.DataFrame:
    """What each portfolio remembers of its last COMPLETE day.

    Args:
        portfolios: ``portfolio_id``, ``base_ccy``.
        previous_valuations: `VALUATIONS` of the latest day before, or empty.

    Returns:
        *portfolios* with ``units_before``, ``unit_value_before``, ``nav_before``, ``complete_on``,
        ``first_before``; null without memory, and where the base currency has changed: units of another
        currency are no units of this one, and their first day is not the first of these.
    """
    memory = previous_valuations.select(
        "portfolio_id",
        "base_ccy",
        pl.col("units").alias("units_before"),
        pl.col("nav_per_unit_base").alias("unit_value_before"),
        pl.col("last_nav").alias("nav_before"),
        pl.col("units_on").alias("complete_on"),
        pl.col("first_on").alias("first_before"),
    )
    return portfolios.join(memory, on=["portfolio_id", "base_ccy"], how="left", maintain_order="left")


def external_flows(books: Books, portfolios: pl.DataFrame, policy: Policy, *, as_of: date) -> pl.DataFrame:
    """Client money and assets that came in or went out since the last COMPLETE day.

    Cash counts at the exchange rate of its day; units transferred at their market price of their day
    or the last one known before, else at the price stated in the transfer. Where that day's rate is
    not known (any more), the rate of *as_of* is taken, and the portfolio says so.

    Args:
        books: What is known.
        portfolios: What `remembered` returns.
        policy: How old a rate may be.
        as_of: Flows up to this day count.

    Returns:
        One row for each portfolio with a flow: ``portfolio_id``, ``flow_base`` (base currency, positive
        in), ``is_late`` (a later rate was taken), ``is_unvalued`` (no price, or no rate at all).

    Source: domain_rules 1A.6, 2A.
    """
    flows = (
        books.transactions.filter(pl.col("external_flow") & (pl.col("trade_on") <= as_of))
        .join(portfolios.select("portfolio_id", "base_ccy", "complete_on"), on="portfolio_id")
        .filter(pl.col("trade_on") > pl.col("complete_on"))
        .with_columns(pl.col("type").is_in(["TRANSFER_IN", "TRANSFER_OUT"]).alias("is_transfer"))
    )
    days = flows["trade_on"].unique().sort().to_list()
    if not days:
        return pl.DataFrame(schema=_FLOWS)
    today = rates_of(books, policy, as_of=as_of)
    valued = pl.concat(
        [_flows_of(books, flows.filter(pl.col("trade_on") == day), policy, today, day) for day in days]
    )
    return (
        valued.group_by("portfolio_id")
        .agg(
            pl.col("flow_base").sum().cast(MONEY),
            pl.col("is_late").any(),
            pl.col("flow_base").is_null().any().alias("is_unvalued"),
        )
        .sort("portfolio_id")
    )


def _flows_of(
    books: Books, flows: pl.DataFrame, policy: Policy, today: pl.DataFrame, day: date
) -> pl.DataFrame:
    columns = ["portfolio_id", "base_ccy", "ccy", "qty", "price", "price_factor"]
    cash = flows.filter(pl.col("amount") != 0).select(
        "portfolio_id",
        "base_ccy",
        "ccy",
        # Cash is priced at one, so that both kinds are valued by the same product.
        pl.col("amount").cast(pl.Decimal(18, 4)).alias("qty"),
        pl.lit(1).cast(pl.Decimal(18, 6)).alias("price"),
        pl.lit(1).cast(pl.Decimal(18, 6)).alias("price_factor"),
    )
    moved = flows.filter(pl.col("is_transfer") & pl.col("qty").is_not_null())
    parts = [cash]
    if moved.height:
        market = price_instruments(books, policy, as_of=day).select(
            "instrument_id",
            pl.col("ccy").alias("instrument_ccy"),
            "price_factor",
            pl.when(pl.col("price_fault").is_null()).then("price").alias("market_price"),
        )
        parts.append(
            moved.join(market, on="instrument_id", how="left")
            .with_columns(
                pl.coalesce("market_price", "price").alias("price"),
                pl.coalesce("instrument_ccy", "ccy").alias("ccy"),
            )
            .select(columns)
        )
    rates = rates_of(books, policy, as_of=day)
    return pl.concat([_in_base(part, rates, today) for part in parts])


def _in_base(flows: pl.DataFrame, rates: pl.DataFrame, today: pl.DataFrame) -> pl.DataFrame:
    then = with_fx(flows, rates).with_row_index("__row")
    now = with_fx(flows, today)["fx"]
    rate = then.with_columns(now.alias("fx_now"), pl.col("fx").is_null().alias("is_late")).with_columns(
        pl.coalesce("fx", "fx_now").alias("fx")
    )
    factors = (pl.col(name) for name in ("qty", "price", "price_factor", "fx"))
    return rate.select(
        "portfolio_id",
        round_to(*factors, digits=minor_digits(pl.col("base_ccy"))).alias("flow_base"),
        "is_late",
    )


def with_units(valued: pl.DataFrame, *, as_of: date) -> pl.DataFrame:
    """Let flows buy or cancel units.

    - First COMPLETE day: as many units as NAV, each worth 1.
    - Afterwards: flow / NAV per unit before it.
    - NAV 0 after a full redemption: no units.
    - Where that leads nowhere (units or NAV at or below zero): units are set anew at the last NAV per
      unit, so that the day counts as no return, flag UNITS_RESTARTED.

    Args:
        valued: ``net_base`` (NAV before the performance fee, which is a fee per unit; null where
            INCOMPLETE), ``flow_base``, and what `remembered` adds.
        as_of: The day.

    Returns:
        *valued* with ``units``, ``first_on``, ``is_restarted``, and ``restart_value`` for
        `with_unit_values`. An INCOMPLETE row carries its memory forward. A restart leaves ``first_on``:
        units go on from the last value, and a high-water mark falls by a reset only (5).

    Source: domain_rules 1A.6, 2A (TWR, start_of_day).
    """
    nav, flow = pl.col("net_base"), pl.col("flow_base")
    before, value_before = pl.col("units_before"), pl.col("unit_value_before")
    flowed = valued.with_columns(
        (before + round_to(flow, digits=6, over=[value_before], dtype=UNITS)).cast(UNITS).alias("__flowed"),
        # After a loss of everything there is no unit value to go on from.
        pl.when(value_before > 0).then(value_before).otherwise(_FIRST).alias("restart_value"),
    )
    is_first = before.is_null()
    is_gone = ~is_first & (nav == 0)
    goes_on = (value_before > 0) & (pl.col("nav_before") >= 0) & (pl.col("__flowed") > 0)
    anew = round_to(nav, digits=6, over=[pl.col("restart_value")], dtype=UNITS)
    is_complete = nav.is_not_null()
    today = (
        pl.when(is_gone)
        .then(pl.lit(0).cast(UNITS))
        .when(~is_first & goes_on)
        .then("__flowed")
        .when(nav > 0)
        .then(anew)
        .otherwise(pl.lit(0).cast(UNITS))
    )
    return flowed.with_columns(
        pl.when(is_complete).then(today).otherwise("units_before").alias("units"),
        pl.when(is_complete & is_first).then(pl.lit(as_of)).otherwise("first_before").alias("first_on"),
        (~is_first & ~is_gone & ~goes_on.fill_null(value=False) & is_complete).alias("is_restarted"),
    )


def with_unit_values(valued: pl.DataFrame, *, as_of: date) -> pl.DataFrame:
    """State what one unit is worth after all fees: NAV / units.

    Without units after a full redemption it is what they were redeemed at, so that money that comes back
    later buys at that value.

    Args:
        valued: ``nav`` (null where INCOMPLETE), and what `with_units` adds.
        as_of: The day.

    Returns:
        *valued* with ``nav_per_unit_base``, ``units_on``, ``last_nav``. An INCOMPLETE row carries its
        memory forward.

    Source: domain_rules 1A.6, 2A (end_of_day where the value is 0).
    """
    nav, before = pl.col("nav"), pl.col("units_before")
    redeemed_at = round_to(0 - pl.col("flow_base"), digits=12, over=[before], dtype=UNIT_VALUE)
    today = (
        pl.when((nav == 0) & (before > 0))
        .then(pl.max_horizontal(redeemed_at, pl.lit(0).cast(UNIT_VALUE)))
        .when(pl.col("units") > 0)
        .then(round_to(nav, digits=12, over=[pl.col("units")], dtype=UNIT_VALUE))
        .otherwise("restart_value")
    )
    is_complete = nav.is_not_null()
    return valued.with_columns(
        pl.when(is_complete).then(today).otherwise("unit_value_before").alias("nav_per_unit_base"),
        pl.when(is_complete).then(pl.lit(as_of)).otherwise("complete_on").alias("units_on"),
        pl.when(is_complete).then("nav").otherwise("nav_before").alias("last_nav"),
    )
