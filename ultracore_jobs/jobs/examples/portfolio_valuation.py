"""The worked example of `portfolio_valuation`: one share in another currency, and cash."""

from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from ultracore_jobs.catalog.fees import FEE_ARRANGEMENTS, FEE_SCHEDULES
from ultracore_jobs.catalog.holdings import LOTS, PORTFOLIOS, TRANSACTIONS
from ultracore_jobs.catalog.ledger import LEDGER_DECISIONS, LEDGER_ENTRIES
from ultracore_jobs.catalog.market import (
    CALENDARS,
    CORPORATE_ACTIONS,
    FX_RATES,
    INSTRUMENTS,
    NSW,
    PRICES,
    TARGET,
    XASX,
    XNYS,
)
from ultracore_jobs.jobs.spec import Example
from ultracore_jobs.kernels.fees.tables import FEE_MEMORY
from ultracore_jobs.kernels.valuation import VALUATION_LINES, VALUATIONS


def valuation_example() -> Example:
    """The example of domain_rules 1A."""
    day, known_at = date(2026, 11, 19), datetime(2026, 11, 19, 22, 30, tzinfo=UTC)
    shared = {"tenant_id": "shared", "known_at": known_at, "source": "example"}
    own = {**shared, "tenant_id": "acacia"}
    book = {"portfolio_id": "PF-1", "client_id": "C-1"}
    trade: dict[str, Any] = {
        **own,
        **book,
        "at": known_at,
        "trade_on": day,
        "client_initiated": True,
        "physical_currency": False,
        "external_flow": False,
    }
    moves: list[dict[str, Any]] = [
        {"transaction_id": "T-1", "type": "DEPOSIT", "ccy": "AUD", "amount": "7750", "external_flow": True},
        {"transaction_id": "T-2", "type": "WITHDRAWAL", "ccy": "AUD", "amount": "-7500"},
        {"transaction_id": "T-3", "type": "DEPOSIT", "ccy": "USD", "amount": "5000"},
        {
            "transaction_id": "T-4", "type": "BUY", "ccy": "USD", "amount": "-5000",
            "instrument_id": "I-1", "qty": "100", "price": "50",
        },
    ]  # fmt: skip
    paper = {
        "instrument_id": "I-1", "symbol": "ABC", "exchange": XNYS, "ccy": "USD", "type": "EQUITY",
        "price_factor": "1", "lot_size": "1", "asset_class": "US_EQUITY", "issuer_id": "A",
    }  # fmt: skip
    lot = {
        "lot_id": "L-1", "portfolio_id": "PF-1", "instrument_id": "I-1", "acquired_on": day,
        "effective_on": day, "qty_open": "100", "cost_base_aud": "7500", "reduced_cost_base_aud": "7500",
    }  # fmt: skip
    portfolio = {**book, "base_ccy": "AUD", "calendar_id": XASX, "opened_on": day, "status": "OPEN"}
    close = {"instrument_id": "I-1", "price_date": day, "close": "50.00", "status": "OK"}
    fixing = {"rate_date": day, "base_ccy": "EUR", "status": "OK"}
    rates = [{**fixing, "quote_ccy": ccy, "rate": rate} for ccy, rate in (("AUD", "1.65"), ("USD", "1.10"))]
    open_day = {"date": day, "is_business_day": True}
    calendars = [{**open_day, "calendar_id": name} for name in (XNYS, XASX, TARGET, NSW)]
    return Example(
        text="100 units at USD 50.00 with EURAUD 1.65 and EURUSD 1.10, and cash of A$250.00: the rate is "
        "1.65 / 1.10 = 1.5, the position 100 x 50.00 x 1.5 = A$7,500.00, NAV A$7,750.00.",
        as_of=day,
        known_at=known_at,
        inputs={
            "portfolios": _table(PORTFOLIOS, {**own, **portfolio}),
            "lots": _table(LOTS, {**own, **lot}),
            "transactions": _table(TRANSACTIONS, *({**trade, **move} for move in moves)),
            "instruments": _table(INSTRUMENTS, {**shared, **paper}),
            "prices": _table(PRICES, {**shared, **close}),
            "fx_rates": _table(FX_RATES, *({**shared, **rate, "source": "ECB"} for rate in rates)),
            "corporate_actions": CORPORATE_ACTIONS.empty(),
            "calendars": _table(CALENDARS, *({**shared, **row} for row in calendars)),
            "fee_arrangements": FEE_ARRANGEMENTS.empty(),
            "fee_schedules": FEE_SCHEDULES.empty(),
            "ledger_decisions": LEDGER_DECISIONS.empty(),
            "ledger_entries": LEDGER_ENTRIES.empty(),
            "previous_fee_memory": FEE_MEMORY.empty(),
            "previous_valuations": VALUATIONS.empty(),
            "recent_valuations": VALUATIONS.empty(),
            "stored_valuations": VALUATIONS.empty(),
        },
        expected={
            "valuations": pl.DataFrame(
                {"portfolio_id": ["PF-1"], "status": ["COMPLETE"], "nav": ["7750"], "cash_base": ["250"]}
            ).with_columns(pl.col("nav", "cash_base").cast(VALUATIONS.schema["nav"])),
            "valuation_lines": pl.DataFrame(
                {"line_key": ["I-1", "AUD"], "fx": ["1.5", "1"], "mv_base": ["7500", "250"]}
            ).with_columns(
                pl.col("fx").cast(VALUATION_LINES.schema["fx"]),
                pl.col("mv_base").cast(VALUATION_LINES.schema["mv_base"]),
            ),
        },
    )


def _table(dataset: Any, *rows: dict[str, Any]) -> pl.DataFrame:
    """Rows of a given table, decimals written as text."""
    frame = pl.DataFrame(list(rows), infer_schema_length=None)
    return frame.select(
        (pl.col(name) if name in frame.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in dataset.schema.items()
    )
