"""What the ledger says about fees: charges posted or blocked, adjustments, and the cash they moved.

The form of a fee's payload is fixed here, because it is read for ever: money and dates are strings, as
canonical JSON wants them (`PAYLOAD`). Who posts fees writes these keys; who reads them asks this module.
"""

from datetime import date

import polars as pl

from ultracore_jobs.catalog import Dataset
from ultracore_jobs.catalog.columns import MONEY
from ultracore_jobs.kernels.fees.tables import ANNUAL_FEE, FEE_TYPES, UNIT_VALUE

FEE_ADJUSTMENT = "FEE_ADJUSTMENT"
FEE_KINDS = (*(f"{fee_type}_FEE" for fee_type in FEE_TYPES), FEE_ADJUSTMENT)
"""Kinds of ledger decisions that are about fees."""

CASH_ACCOUNT = "cash:"
"""Account of a portfolio's cash is this and its id; the client's side of every fee."""

PAYLOAD = pl.Struct(
    {
        "charge_id": pl.String,
        "portfolio_id": pl.String,
        "client_id": pl.String,
        "arrangement_id": pl.String,
        "fee_schedule_id": pl.String,
        "fee_type": pl.String,
        "period_start": pl.String,
        "period_end": pl.String,
        "fee_ex_gst": pl.String,
        "gst": pl.String,
        "total": pl.String,
        "settled_fee_days": pl.String,
        "mark_unit": pl.String,
        "marked_on": pl.String,
        "consent_ids": pl.List(pl.String),
        "exemption_code": pl.String,
        "reason": pl.String,
    }
)
"""Keys of the payload of a decision about a fee.

``charge_id`` is the decision's own id, for an adjustment that of the charge it corrects. ``settled_fee_days``
goes out of what is accrued, also where the charge was blocked. ``mark_unit`` and ``marked_on`` are there at a
crystallisation only.
"""

_TYPES = {
    "period_start": pl.Date(),
    "period_end": pl.Date(),
    "fee_ex_gst": MONEY,
    "gst": MONEY,
    "total": MONEY,
    "settled_fee_days": ANNUAL_FEE,
    "mark_unit": UNIT_VALUE,
    "marked_on": pl.Date(),
}


def fees_in_ledger(ledger_decisions: pl.DataFrame, *, upto: date | None = None) -> pl.DataFrame:
    """Every decision about a fee that was applied, or refused for good.

    Args:
        ledger_decisions: `LEDGER_DECISIONS`; kinds that are not about fees are left out.
        upto: Only decisions about this day or an earlier one; the day of a fee is the day it was deducted
            or blocked.

    Returns:
        In ledger order: ``decision_id``, ``kind``, ``as_of_date``, ``ccy``, ``outcome``, ``seq``, and the
        keys of `PAYLOAD`, typed (``fee_ex_gst``, ``gst``, ``total`` money; ``settled_fee_days`` and
        ``mark_unit`` exact decimals; ``period_start``, ``period_end``, ``marked_on`` dates).
    """
    fees = ledger_decisions.filter(pl.col("kind").is_in(FEE_KINDS))
    if upto is not None:
        fees = fees.filter(pl.col("as_of_date") <= upto)
    told = fees.select(
        "decision_id",
        "kind",
        "as_of_date",
        "ccy",
        "outcome",
        "seq",
        pl.col("payload").str.json_decode(PAYLOAD).alias("told"),
    ).unnest("told")
    typed = [
        pl.col(name).str.to_date("%Y-%m-%d") if dtype == pl.Date() else pl.col(name).cast(dtype)
        for name, dtype in _TYPES.items()
    ]
    return told.with_columns(typed).sort("seq")


def with_fee_cash(
    transactions: pl.DataFrame, ledger_entries: pl.DataFrame, portfolios: pl.DataFrame, dataset: Dataset
) -> pl.DataFrame:
    """The books and, as transactions of type FEE, what the ledger took out of or gave back to their cash.

    A fee is booked in the ledger only, never as a given transaction too, so nothing counts twice.

    Args:
        transactions: `TRANSACTIONS` as known.
        ledger_entries: `LEDGER_ENTRIES` as known; only those on a portfolio's cash are taken.
        portfolios: `PORTFOLIOS`, for the client.
        dataset: `TRANSACTIONS`, whose columns the rows get.

    Returns:
        `TRANSACTIONS` rows: the given ones in their order, then one for each cash entry, in ledger order,
        with the entry's id, day and amount; no external flow, and not the client's doing.
    """
    own = ledger_entries.filter(pl.col("account").str.starts_with(CASH_ACCOUNT)).with_columns(
        pl.col("account").str.strip_prefix(CASH_ACCOUNT).alias("portfolio_id")
    )
    day = pl.col("as_of_date")
    given = {
        "tenant_id": pl.col("tenant_id"),
        "transaction_id": pl.col("entry_id"),
        "portfolio_id": pl.col("portfolio_id"),
        "client_id": pl.col("client_id"),
        "type": pl.lit("FEE"),
        "at": pl.col("known_at"),
        "trade_on": day,
        "settle_on": day,
        "ccy": pl.col("ccy"),
        "amount": pl.col("amount"),
        "external_flow": pl.lit(value=False),
        "client_initiated": pl.lit(value=False),
        "physical_currency": pl.lit(value=False),
        "known_at": pl.col("known_at"),
        "source": pl.lit("ledger"),
    }
    if own.is_empty():
        return transactions
    rows = own.join(
        portfolios.select("portfolio_id", "client_id"), on="portfolio_id", how="left", maintain_order="left"
    ).select(given.get(name, pl.lit(None)).cast(dtype).alias(name) for name, dtype in dataset.schema.items())
    return pl.concat([transactions, rows])
