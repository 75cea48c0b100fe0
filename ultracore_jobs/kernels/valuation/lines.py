"""The lines of a valuation: what each position, cash balance and accrual is worth in base currency."""

from dataclasses import dataclass
from datetime import date

import polars as pl

from ultracore_jobs.catalog.columns import FX_RATE, MONEY
from ultracore_jobs.kernels.fx import cross_rates
from ultracore_jobs.kernels.money import minor_digits, round_to
from ultracore_jobs.kernels.valuation.cost import cost_in_base, local_costs, with_effects
from ultracore_jobs.kernels.valuation.income import dividend_claims, interest_terms
from ultracore_jobs.kernels.valuation.positions import (
    cash_balances,
    open_lots,
    positions_from_lots,
    split_factors,
)
from ultracore_jobs.kernels.valuation.pricing import price_instruments
from ultracore_jobs.kernels.valuation.tables import (
    ACCRUED_INCOME,
    CASH,
    MISSING_PRICE,
    POSITION,
    Books,
    MissingPrice,
    Policy,
)


@dataclass(frozen=True)
class Lines:
    """Everything one day's books are worth.

    Attributes:
        table: The columns of `VALUATION_LINES` but tenant and day, and for the totals ``digits``,
            ``price_fault``, ``is_split_adjusted``, ``is_rolled``, ``matures_on``, by portfolio, type, key.
        positions: ``portfolio_id``, ``instrument_id``, ``qty``, ``cost_base_aud`` by the lots.
        factors: Splits up to the day.
        rates: Every cross rate of the day.
    """

    table: pl.DataFrame
    positions: pl.DataFrame
    factors: pl.DataFrame
    rates: pl.DataFrame


def rates_of(books: Books, policy: Policy, *, as_of: date) -> pl.DataFrame:
    """The cross rates of a day: ``ccy``, ``base_ccy``, ``fx`` (base per unit of ccy), ``fx_status``."""
    crosses = cross_rates(
        books.fx_rates, books.calendars, as_of=as_of, max_stale_business_days=policy.max_fx_stale
    )
    return crosses.select(
        pl.col("base_ccy").alias("ccy"),
        pl.col("quote_ccy").alias("base_ccy"),
        pl.col("rate").alias("fx"),
        pl.col("status").alias("fx_status"),
    )


def with_fx(frame: pl.DataFrame, rates: pl.DataFrame) -> pl.DataFrame:
    """Add ``fx`` and ``fx_status`` for each row's ``ccy`` and ``base_ccy``; a currency in itself is 1.

    ``fx`` is null where no rate may be used.
    """
    same = pl.col("ccy") == pl.col("base_ccy")
    return frame.join(rates, on=["ccy", "base_ccy"], how="left", maintain_order="left").with_columns(
        pl.when(same).then(pl.lit(1).cast(FX_RATE)).otherwise("fx").alias("fx"),
        pl.when(same)
        .then(pl.lit("OK"))
        .otherwise(pl.col("fx_status").fill_null("FAILED_STALE"))
        .alias("fx_status"),
    )


def value_positions(positions: pl.LazyFrame) -> pl.LazyFrame:
    """What each position is worth: ``mv_base = round(qty x price x price_factor x fx)``.

    Args:
        positions: ``qty``, ``price``, ``price_factor``, ``fx`` (exact), ``digits`` (decimals of the base
            currency).

    Returns:
        *positions* with ``mv_base`` (base currency); null where a factor is null. Streams.

    Source: domain_rules 1A.3.
    """
    factors = (pl.col(name) for name in ("qty", "price", "price_factor", "fx"))
    return positions.with_columns(round_to(*factors, digits=pl.col("digits")).alias("mv_base"))


def build_lines(books: Books, portfolios: pl.DataFrame, policy: Policy, *, as_of: date) -> Lines:
    """Value everything that *portfolios* hold on the evening of *as_of*.

    Args:
        books: What is known; transactions up to *as_of* at least.
        portfolios: ``portfolio_id``, ``base_ccy``: those to value, and the currency to value them in.
        policy: The parameters.
        as_of: The day.

    Returns:
        `Lines`. A line that cannot be valued has a null ``mv_base`` and a reason; lines of instruments
        that are not in the master are left out.

    Source: domain_rules 1A.1-5, 7.
    """
    valued = portfolios.select("portfolio_id", "base_ccy", minor_digits(pl.col("base_ccy")).alias("digits"))
    moves = books.transactions.filter(pl.col("trade_on") <= as_of).join(
        valued.select("portfolio_id"), on="portfolio_id", how="semi"
    )
    lots = books.lots.join(valued.select("portfolio_id"), on="portfolio_id", how="semi")
    parcels = open_lots(lots, as_of=as_of)
    positions = positions_from_lots(parcels)
    rates = rates_of(books, policy, as_of=as_of)
    factors = split_factors(books.corporate_actions, as_of=as_of)
    priced = price_instruments(books, policy, as_of=as_of)
    costs = local_costs(parcels, moves, books.instruments, factors)
    held = positions.join(valued, on="portfolio_id").join(priced, on="instrument_id")
    held = held.join(costs, on=["portfolio_id", "instrument_id"], how="left")
    lines = [
        _position_lines(held, rates, policy.missing_price),
        _cash_lines(cash_balances(moves).join(valued, on="portfolio_id"), rates),
        _dividend_lines(
            dividend_claims(lots, books.corporate_actions, as_of=as_of)
            .join(valued, on="portfolio_id")
            .join(books.instruments.select("instrument_id", "ccy"), on="instrument_id"),
            rates,
        ),
        _interest_lines(held.join(interest_terms(books.instruments, as_of=as_of), on="instrument_id"), rates),
    ]
    table = pl.concat(lines, how="diagonal").sort("portfolio_id", "line_type", "line_key")
    return Lines(table, positions, factors, rates)


def _position_lines(held: pl.DataFrame, rates: pl.DataFrame, missing_price: MissingPrice) -> pl.DataFrame:
    to_base = with_fx(held.select(pl.lit("AUD").alias("ccy"), "base_ccy").unique(), rates)
    priced = with_fx(held, rates).join(
        to_base.select("base_ccy", pl.col("fx").alias("cost_rate")), on="base_ccy", how="left"
    )
    priced = priced.with_columns(cost_in_base().alias("cost_base"))
    valued = value_positions(priced.lazy()).collect()
    missing, faulty = pl.col("price_status") == MISSING_PRICE, pl.col("price_fault").is_not_null()
    carried = missing & pl.col("price").is_not_null() & pl.lit(missing_price == "carry_forward")
    at_cost = missing & pl.lit(missing_price == "cost")
    at_zero = missing & pl.lit(missing_price == "zero")
    # No policy mends a bad price, an unknown split or a missing rate (domain_rules 1A.3).
    is_barred = faulty | pl.col("fx").is_null() | pl.col("digits").is_null()
    return with_effects(
        valued.with_columns(
            pl.when(is_barred)
            .then(None)
            .when(at_cost)
            .then("cost_base")
            .when(at_zero)
            .then(pl.lit(0).cast(MONEY))
            .when(~missing | carried)
            .then("mv_base")
            .alias("mv_base"),
            (~missing | carried).alias("has_price"),
        ).with_columns(
            pl.lit(POSITION).alias("line_type"),
            pl.col("instrument_id").alias("line_key"),
            pl.when(faulty)
            .then("price_fault")
            .when(pl.col("digits").is_null() | minor_digits(pl.col("ccy")).is_null())
            .then(pl.lit("UNKNOWN_CURRENCY"))
            .when(pl.col("fx").is_null())
            .then(pl.lit("MISSING_FX"))
            .when(carried)
            .then(pl.lit("CARRIED_PRICE"))
            .when(at_cost & pl.col("mv_base").is_not_null())
            .then(pl.lit("AT_COST"))
            .when(at_cost)
            .then(pl.lit("MISSING_FX"))
            .when(at_zero)
            .then(pl.lit("AT_ZERO"))
            .when(missing)
            .then(pl.lit(MISSING_PRICE))
            .when(pl.col("mv_base").is_null())
            .then(pl.lit("AMOUNT_TOO_LARGE"))
            .alias("reason"),
        )
    ).select(
        *_KEYS, "digits", "qty", "price", "price_factor", "price_date", "stale_business_days", "price_status",
        "fx", "fx_status", "mv_base", "cost_base", "unrealised_base", "cost_price", "cost_fx",
        "price_effect_base", "fx_effect_base", "reason", "effects_reason", "price_fault", "is_split_adjusted",
        "matures_on",
    )  # fmt: skip


def _cash_lines(balances: pl.DataFrame, rates: pl.DataFrame) -> pl.DataFrame:
    converted = with_fx(balances, rates).with_columns(
        round_to(pl.col("amount_local"), pl.col("fx"), digits=pl.col("digits")).alias("mv_base"),
        pl.lit(CASH).alias("line_type"),
        pl.col("ccy").alias("line_key"),
        pl.lit(None, dtype=pl.String).alias("instrument_id"),
    )
    return _with_reason(converted)


def _dividend_lines(claims: pl.DataFrame, rates: pl.DataFrame) -> pl.DataFrame:
    qty, cash = pl.col("qty"), pl.col("cash_per_unit")
    accrued = with_fx(claims, rates).with_columns(
        round_to(qty, cash, digits=minor_digits(pl.col("ccy"))).alias("amount_local"),
        round_to(qty, cash, pl.col("fx"), digits=pl.col("digits")).alias("mv_base"),
        cash.is_null().alias("is_unknown"),
        pl.lit(ACCRUED_INCOME).alias("line_type"),
        pl.col("action_id").alias("line_key"),
    )
    return _with_reason(accrued, "qty", "amount_local")


def _interest_lines(held: pl.DataFrame, rates: pl.DataFrame) -> pl.DataFrame:
    earned = [pl.col("qty"), pl.col("coupon"), pl.col("days")]
    over = [pl.col("period")]
    accrued = with_fx(held, rates).with_columns(
        round_to(*earned, digits=minor_digits(pl.col("ccy")), over=over).alias("amount_local"),
        round_to(*earned, pl.col("fx"), digits=pl.col("digits"), over=over).alias("mv_base"),
        pl.lit(ACCRUED_INCOME).alias("line_type"),
        pl.col("instrument_id").alias("line_key"),
    )
    # On the coupon's own day nothing is accrued: it is cash.
    return _with_reason(accrued, "qty", "amount_local", "is_rolled").filter(
        pl.col("amount_local").is_null() | (pl.col("amount_local") != 0) | (pl.col("mv_base") != 0)
    )


_KEYS = ("portfolio_id", "line_type", "line_key", "instrument_id", "ccy", "base_ccy")


def _with_reason(lines: pl.DataFrame, *columns: str) -> pl.DataFrame:
    is_unknown = pl.col("is_unknown") if "is_unknown" in lines.columns else pl.lit(value=False)
    reason = (
        pl.when(is_unknown)
        .then(pl.lit("INCOME_TERMS_UNKNOWN"))
        .when(pl.col("digits").is_null() | minor_digits(pl.col("ccy")).is_null())
        .then(pl.lit("UNKNOWN_CURRENCY"))
        .when(pl.col("fx").is_null())
        .then(pl.lit("MISSING_FX"))
        .when(pl.col("mv_base").is_null())
        .then(pl.lit("AMOUNT_TOO_LARGE"))
    )
    amount = [] if "amount_local" in columns else ["amount_local"]
    return lines.select(
        *_KEYS,
        "digits",
        *amount,
        *columns,
        "fx",
        "fx_status",
        pl.when(is_unknown).then(None).otherwise("mv_base").alias("mv_base"),
        reason.alias("reason"),
    )
