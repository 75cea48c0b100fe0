"""What a portfolio holds on the evening of a day, by its lots, and by its transaction ledger.

Trade-date accounting: an unsettled trade has moved its units already (domain_rules 1A).
"""

from collections import defaultdict
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal

import polars as pl

from ultracore_jobs.catalog.columns import MONEY, UNITS
from ultracore_jobs.kernels.money import round_to

_FACTOR = pl.Decimal(30, 12)
_SPLITS = pl.Schema(
    {"instrument_id": pl.String(), "ex_on": pl.Date(), "factor": _FACTOR, "slack": pl.Float64()}
)
_HALF_A_RATIO_DECIMAL = 0.5e-6
_EXACT = Context(prec=60, rounding=ROUND_HALF_UP)


def open_lots(lots: pl.DataFrame, *, as_of: date) -> pl.DataFrame:
    """The state of each parcel on the evening of *as_of*.

    Args:
        lots: `LOTS` as known.
        as_of: The day; a state that holds from a later day on is not yet true.

    Returns:
        The rows of `LOTS` with the latest ``effective_on`` up to *as_of*, acquired by then, and with
        units still open.

    Source: domain_rules 1A; docs/adr/0005.
    """
    return (
        lots.filter((pl.col("effective_on") <= as_of) & (pl.col("acquired_on") <= as_of))
        .sort("lot_id", "effective_on")
        .unique("lot_id", keep="last", maintain_order=True)
        .filter(pl.col("qty_open") != 0)
    )


def positions_from_lots(parcels: pl.DataFrame) -> pl.DataFrame:
    """Open parcels, added up.

    Args:
        parcels: What `open_lots` returns.

    Returns:
        ``portfolio_id``, ``instrument_id``, ``qty`` (units, negative for a short position),
        ``cost_base_aud``; without positions whose parcels cancel out, by portfolio and instrument.
    """
    return (
        parcels.group_by("portfolio_id", "instrument_id")
        .agg(pl.col("qty_open").sum().cast(UNITS).alias("qty"), pl.col("cost_base_aud").sum().cast(MONEY))
        .filter(pl.col("qty") != 0)
        .sort("portfolio_id", "instrument_id")
    )


def split_factors(corporate_actions: pl.DataFrame, *, as_of: date) -> pl.DataFrame:
    """What a unit, or a price, from before an ex date is multiplied, or divided, by.

    Args:
        corporate_actions: `CORPORATE_ACTIONS` as known.
        as_of: Splits up to this day count.

    Returns:
        One row for each instrument and ex date of a split: ``instrument_id``, ``ex_on``, ``factor``
        (new units per old unit of this split and all later ones up to *as_of*, 12 decimals; null where
        one of them has no ratio), ``slack`` (relative error of factor, above 0 where a ratio uses its
        sixth decimal, such as 0.333333, and so is taken as rounded), sorted by ex_on.
    """
    splits = corporate_actions.filter((pl.col("type") == "SPLIT") & (pl.col("ex_on") <= as_of))
    by_day: dict[str, dict[date, list[Decimal | None]]] = defaultdict(lambda: defaultdict(list))
    for instrument_id, ex_on, ratio in splits.select("instrument_id", "ex_on", "ratio").iter_rows():
        by_day[instrument_id][ex_on].append(ratio if ratio is not None and ratio > 0 else None)
    rows: list[tuple[str, date, Decimal | None, float]] = []
    for instrument_id, days in by_day.items():
        factor: Decimal | None = Decimal(1)
        slack = 0.0
        for ex_on in sorted(days, reverse=True):
            for ratio in days[ex_on]:
                factor = None if factor is None or ratio is None else _EXACT.multiply(factor, ratio)
                if ratio is not None and ratio * 10**5 % 1:
                    slack += _HALF_A_RATIO_DECIMAL / float(ratio)
            stored = None if factor is None else _EXACT.quantize(factor, Decimal(1).scaleb(-12))
            rows.append((instrument_id, ex_on, stored, slack))
    return pl.DataFrame(rows, schema=_SPLITS, orient="row").sort("ex_on", "instrument_id")


def with_split_factor(frame: pl.DataFrame, since: str, factors: pl.DataFrame) -> pl.DataFrame:
    """Add what happened to a unit between a day and the day of *factors*.

    Args:
        frame: Has ``instrument_id`` and the date column *since*.
        since: A split with ``ex_on`` after this day counts; one on it does not.
        factors: What `split_factors` returns.

    Returns:
        *frame* in the same order with ``is_split``, ``factor`` (1 without a split, null where the basis
        cannot be known) and ``slack``.
    """
    return (
        frame.with_row_index("__order")
        .sort(since)
        .join_asof(
            factors,
            left_on=since,
            right_on="ex_on",
            by="instrument_id",
            strategy="forward",
            allow_exact_matches=False,
            check_sortedness=False,
        )
        .sort("__order")
        .drop("__order")
        .with_columns(
            pl.col("ex_on").is_not_null().alias("is_split"),
            pl.when(pl.col("ex_on").is_null())
            .then(pl.lit(1).cast(_FACTOR))
            .otherwise("factor")
            .alias("factor"),
            pl.col("slack").fill_null(0.0),
        )
        .drop("ex_on")
    )


def ledger_positions(transactions: pl.DataFrame, factors: pl.DataFrame) -> pl.DataFrame:
    """Quantities as the transaction ledger has them, on today's basis.

    Args:
        transactions: `TRANSACTIONS` up to the day.
        factors: What `split_factors` returns for the day.

    Returns:
        ``portfolio_id``, ``instrument_id``, ``ledger_qty`` (units; null where a split has no ratio) and
        ``tolerance`` (units: 0 where no split lies between; else what its roundings can make of it).

    Source: domain_rules 1A, invariant "position quantities equal the transaction ledger".
    """
    moved = (
        transactions.filter(pl.col("instrument_id").is_not_null() & pl.col("qty").is_not_null())
        .group_by("portfolio_id", "instrument_id", "trade_on")
        .agg(
            pl.col("qty").sum().cast(UNITS),
            pl.col("qty").abs().sum().cast(pl.Float64).alias("moved"),
            pl.len().alias("trades"),
        )
    )
    on_basis = with_split_factor(moved, "trade_on", factors).with_columns(
        pl.when("is_split")
        .then(round_to(pl.col("qty"), pl.col("factor"), digits=6, dtype=UNITS))
        .otherwise("qty")
        .alias("qty")
    )
    rounding = pl.col("trades") * 1e-6 + pl.col("moved") * pl.col("factor").cast(pl.Float64) * pl.col("slack")
    return (
        on_basis.group_by("portfolio_id", "instrument_id")
        .agg(
            pl.when(pl.col("qty").is_not_null().all())
            .then(pl.col("qty").sum())
            .cast(UNITS)
            .alias("ledger_qty"),
            pl.when("is_split").then(rounding).otherwise(0.0).sum().alias("tolerance"),
        )
        .sort("portfolio_id", "instrument_id")
    )


def position_breaks(positions: pl.DataFrame, ledger: pl.DataFrame) -> pl.DataFrame:
    """Positions that lots and ledger disagree about.

    Args:
        positions: ``portfolio_id``, ``instrument_id``, ``qty`` by the lots.
        ledger: What `ledger_positions` returns.

    Returns:
        ``portfolio_id``, ``instrument_id``, ``qty``, ``ledger_qty``, ``tolerance``; null quantities are
        0 (no lot, or no transaction), except that a null ``ledger_qty`` with ``is_unknown`` true means
        that a split without a ratio hides it.
    """
    here = positions.select("portfolio_id", "instrument_id", "qty")
    there = ledger.with_columns(pl.col("ledger_qty").is_null().alias("is_unknown"))
    both = here.join(there, on=["portfolio_id", "instrument_id"], how="full", coalesce=True).with_columns(
        pl.col("is_unknown").fill_null(value=False),
        pl.col("tolerance").fill_null(0.0),
    )
    off = (pl.col("qty").fill_null(0) - pl.col("ledger_qty").fill_null(0)).cast(pl.Float64).abs()
    return both.filter(pl.col("is_unknown") | (off > pl.col("tolerance"))).sort(
        "portfolio_id", "instrument_id"
    )


def cash_balances(transactions: pl.DataFrame) -> pl.DataFrame:
    """Cash of each portfolio in each currency: the sum of all amounts.

    Args:
        transactions: `TRANSACTIONS` up to the day.

    Returns:
        ``portfolio_id``, ``ccy``, ``amount_local`` (money, never 0), by portfolio and currency.
    """
    return (
        transactions.group_by("portfolio_id", "ccy")
        .agg(pl.col("amount").sum().cast(MONEY).alias("amount_local"))
        .filter(pl.col("amount_local") != 0)
        .sort("portfolio_id", "ccy")
    )
