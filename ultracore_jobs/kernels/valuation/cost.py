"""What positions cost, and how much of their gain the price made and how much the exchange rate.

Lots carry their cost base in AUD at acquisition rates, as tax law wants it. What was paid in the
instrument's currency is in the ledger: the purchases of the day on which a lot was acquired.
"""

import polars as pl

from ultracore_jobs.catalog.columns import FX_RATE, MONEY, PRICE
from ultracore_jobs.kernels.money import round_to
from ultracore_jobs.kernels.valuation.positions import with_split_factor

_LOCAL_COST = pl.Decimal(38, 6)


def local_costs(
    parcels: pl.DataFrame, transactions: pl.DataFrame, instruments: pl.DataFrame, factors: pl.DataFrame
) -> pl.DataFrame:
    """What the open units of each position cost in the instrument's currency, incidental costs included.

    A lot costs its share of what all purchases and transfers in of its acquisition day cost. A purchase
    paid in the instrument's currency costs its amount, brokerage included; another one, and a transfer,
    quantity x price x price factor.

    Args:
        parcels: Open lots of the day.
        transactions: `TRANSACTIONS` up to the day.
        instruments: `INSTRUMENTS` as known.
        factors: Splits up to the day (`split_factors`).

    Returns:
        ``portfolio_id``, ``instrument_id``, ``local_cost`` (instrument currency, 6 decimals; null where
        the ledger has no purchase, or no price, for one of the lots).
    """
    paid_in_own_currency = (pl.col("type") == "BUY") & (pl.col("ccy") == pl.col("instrument_ccy"))
    by_price = round_to(
        pl.col("qty"), pl.col("price"), pl.col("price_factor"), digits=6, dtype=pl.Decimal(24, 6)
    )
    bought = (
        transactions.filter(pl.col("qty") > 0)
        .join(
            instruments.select("instrument_id", pl.col("ccy").alias("instrument_ccy"), "price_factor"),
            on="instrument_id",
        )
        .with_columns(
            pl.when(paid_in_own_currency)
            .then((0 - pl.col("amount")).cast(pl.Decimal(24, 6)))
            .otherwise(by_price)
            .alias("paid")
        )
        .group_by("portfolio_id", "instrument_id", pl.col("trade_on").alias("acquired_on"))
        .agg(
            pl.when(pl.col("paid").is_not_null().all()).then(pl.col("paid").sum()).alias("paid"),
            pl.col("qty").sum().alias("bought_qty"),
        )
    )
    on_basis = with_split_factor(bought, "acquired_on", factors)
    share = round_to(
        pl.col("qty_open"),
        pl.col("paid"),
        digits=6,
        over=[pl.col("bought_qty"), pl.col("factor")],
        dtype=_LOCAL_COST,
    )
    return (
        parcels.join(on_basis, on=["portfolio_id", "instrument_id", "acquired_on"], how="left")
        .with_columns(pl.when(pl.col("qty_open") > 0).then(share).alias("local_cost"))
        .group_by("portfolio_id", "instrument_id")
        .agg(
            pl.when(pl.col("local_cost").is_not_null().all())
            .then(pl.col("local_cost").sum())
            .alias("local_cost")
        )
        .sort("portfolio_id", "instrument_id")
    )


def cost_in_base() -> pl.Expr:
    """The cost base of each position in base currency, rounded to it.

    Lots know their cost in AUD, at acquisition rates. What was bought in the base currency itself cost
    what the ledger says was paid, and no rate had a part in it. In any other base currency the AUD cost
    is converted at the rate of the day, because rates of the acquisition days are not at hand.

    Returns:
        An expression over ``cost_base_aud``, ``cost_rate`` (base per AUD on the day), ``local_cost``,
        ``ccy``, ``base_ccy`` and ``digits`` (decimals of base_ccy); null where neither is known.
    """
    digits = pl.col("digits")
    in_own = (pl.col("ccy") == pl.col("base_ccy")) & (pl.col("base_ccy") != "AUD")
    paid = pl.when(in_own).then(round_to(pl.col("local_cost"), digits=digits))
    return pl.coalesce(paid, round_to(pl.col("cost_base_aud"), pl.col("cost_rate"), digits=digits))


def with_effects(lines: pl.DataFrame) -> pl.DataFrame:
    """Split each position's unrealised gain into what the price and what the exchange rate made.

    ``unrealised = mv - cost``; with P0 the average price paid and FX0 the exchange rate that the cost
    base implies, ``price_effect = round(qty x (P1 - P0) x FX0)``, and the rest is the rate's. What is
    quoted in the base currency has no rate: all of it is the price's.

    Args:
        lines: Position lines with ``mv_base``, ``cost_base``, ``local_cost``, ``qty``, ``price``,
            ``price_factor``, ``ccy``, ``base_ccy``, ``digits`` (decimals of base_ccy), ``has_price``
            (whether mv_base is the price's).

    Returns:
        *lines* with ``unrealised_base``, ``cost_price``, ``cost_fx``, ``price_effect_base``,
        ``fx_effect_base`` and ``effects_reason``.

    Source: domain_rules 1A.7.
    """
    qty, factor = pl.col("qty"), pl.col("price_factor")
    is_own = pl.col("ccy") == pl.col("base_ccy")
    at_home = is_own & ((pl.col("base_ccy") == "AUD") | pl.col("local_cost").is_not_null())
    own_cost = pl.when(at_home).then(pl.col("cost_base").cast(_LOCAL_COST)).otherwise("local_cost")
    gain = pl.col("mv_base") - pl.col("cost_base")
    by_price = round_to(
        qty, pl.col("price") - pl.col("cost_price"), factor, pl.col("cost_fx"), digits=pl.col("digits")
    )
    return (
        lines.with_columns(
            gain.cast(MONEY).alias("unrealised_base"),
            round_to(own_cost, digits=6, over=[qty, factor], dtype=PRICE).alias("cost_price"),
        )
        .with_columns(
            pl.when(at_home)
            .then(pl.lit(1).cast(FX_RATE))
            .otherwise(
                round_to(
                    pl.col("cost_base"), digits=10, over=[qty, pl.col("cost_price"), factor], dtype=FX_RATE
                )
            )
            .alias("cost_fx")
        )
        .with_columns(
            pl.when("has_price")
            .then(pl.when(at_home).then("unrealised_base").otherwise(by_price))
            .alias("price_effect_base")
        )
        .with_columns(
            (pl.col("unrealised_base") - pl.col("price_effect_base")).cast(MONEY).alias("fx_effect_base"),
            pl.when(pl.col("price_effect_base").is_not_null() & pl.col("unrealised_base").is_not_null())
            .then(None)
            .when(pl.col("cost_base").is_null())
            .then(pl.lit("NO_AUD_RATE"))
            .when(pl.col("mv_base").is_null() | ~pl.col("has_price"))
            .then(pl.lit("NO_PRICE"))
            .otherwise(pl.lit("NO_LOCAL_COST"))
            .alias("effects_reason"),
        )
    )
