"""Portfolio valuation: what every portfolio is worth at the close, daily."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal

import polars as pl
from pydantic import Field, ValidationInfo, field_validator

from ultracore_jobs.catalog.holdings import LOTS, PORTFOLIOS, TRANSACTIONS
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
from ultracore_jobs.jobs.spec import Cadence, Chart, Example, JobSpec, Parameters, Priority
from ultracore_jobs.kernels.gates import Gate, Severity
from ultracore_jobs.kernels.money import MINOR_DIGITS
from ultracore_jobs.kernels.valuation import VALUATION_LINES, VALUATIONS, value_portfolios
from ultracore_jobs.kernels.valuation.laws import (
    incomplete,
    nav_not_reconciled,
    not_one_row_each,
    positions_not_in_ledger,
    short_positions,
    stale_not_flagged,
    units_not_consistent,
)
from ultracore_jobs.kernels.valuation.moves import moves_not_explained


class ValuationParameters(Parameters):
    """Parameters of `portfolio_valuation`."""

    max_stale_business_days: int = Field(
        default=5, ge=0, le=25, description="Greatest age of a listed price, in business days of its exchange"
    )
    max_stale_unlisted: int = Field(
        default=25, ge=0, le=25, description="Greatest age of an unlisted price, in NSW business days"
    )
    missing_price: Literal["fail_portfolio", "carry_forward", "cost", "zero"] = Field(
        default="fail_portfolio", description="What a position without a usable price is worth"
    )
    allow_short: bool = Field(default=False, description="Whether a quantity may be below zero")
    base: str | None = Field(
        default=None, description="Currency to value every portfolio in; each one's own if not given"
    )
    max_fx_stale: int = Field(
        default=3, ge=0, le=7, description="Greatest age of an exchange rate, in TARGET business days"
    )
    include_all_portfolios: bool = Field(
        default=True, description="False values portfolio_ids only, on a day that is not valued yet"
    )
    portfolio_ids: list[str] = Field(
        default_factory=list, validate_default=True, description="Portfolios to value"
    )
    update_cache: bool = Field(
        default=True, description="Accepted and without effect: the newest partition is the cache"
    )

    @field_validator("base")
    @classmethod
    def _known_currency(cls, base: str | None) -> str | None:
        if base is not None and base not in MINOR_DIGITS:
            raise ValueError("give an ISO 4217 code, such as AUD")
        return base

    @field_validator("portfolio_ids")
    @classmethod
    def _named_where_needed(cls, portfolio_ids: list[str], info: ValidationInfo) -> list[str]:
        includes_all = info.data.get("include_all_portfolios", True)
        if not includes_all and not portfolio_ids:
            raise ValueError("name the portfolios, or leave include_all_portfolios true")
        if includes_all and portfolio_ids:
            raise ValueError("set include_all_portfolios to false to value these only")
        return portfolio_ids


def _result(valuations: pl.DataFrame) -> dict[str, Any]:
    complete = valuations.filter(pl.col("status") == "COMPLETE")
    reasons = valuations.select(pl.col("reason").drop_nulls().str.split(";").explode())
    return {
        "portfolios_updated": complete.height,
        "total_value": complete["nav_aud"].sum() or Decimal("0.0000"),
        "incomplete": valuations.height - complete.height,
        "stale_lines": valuations["stale_lines"].sum(),
        "incomplete_by_reason": dict(reasons.group_by("reason").len().sort("reason").iter_rows()),
    }


def _chart(valuations: pl.DataFrame) -> Chart:
    largest = valuations.filter(pl.col("nav_aud").is_not_null()).sort(
        "nav_aud", "portfolio_id", descending=[True, False]
    )
    bars = largest.head(10).select("portfolio_id", pl.col("nav_aud").cast(pl.Float64))
    return Chart("The ten largest portfolios", "A$", tuple(bars.iter_rows()))


def _preview(valuations: pl.DataFrame) -> pl.DataFrame:
    """Portfolios without a NAV first, then those with flags, then the largest."""
    return (
        valuations.sort(
            pl.col("status") == "COMPLETE",
            pl.col("flags").is_null(),
            -pl.col("nav_aud").fill_null(0).cast(pl.Float64),
            "portfolio_id",
        )
        .select("portfolio_id", "status", "reason", "flags", "base_ccy", "nav", "last_nav", "stale_lines")
        .head(12)
    )


def _example() -> Example:
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
            "previous_valuations": VALUATIONS.empty(),
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


JOB = JobSpec(
    name="portfolio_valuation",
    family="valuation",
    summary="What every portfolio is worth at the close: one NAV for each portfolio and session.",
    rule="""
**NAV = positions + cash + accrued income - accrued fees**, in the portfolio's currency. Each line is rounded
once, half-up, to the currency's minor unit; totals are sums of rounded lines.

- **Positions** are those of the trade date: the lots' open units, which must equal the transaction ledger.
  `value = units x close x price factor x rate`.
- **Price**: the latest OK close up to the day. Of the last session it is FRESH; up to
  `max_stale_business_days` older (unlisted: `max_stale_unlisted`) STALE, used and flagged; else it is
  MISSING_PRICE, and `missing_price` decides: `fail_portfolio` (no NAV; the last one stands),
  `carry_forward`, `cost` or `zero`. A close from before a split is put on the basis after it, and flagged.
- **Exchange rate**: the day's cross through the publisher's pivot. Without one, no line of that currency has
  a value, whatever the policy: a rate is never made up.
- **Cash** by currency; below zero it is a liability, flagged OVERDRAWN.
- **Accrued income**: dividends from ex to pay day on the units held before the ex date; bonds ACT/ACT ICMA;
  deposits ACT/365F. Franking credits are not NAV. **Accrued fees** are 0.00 until fees accrue.
- **Unrealised** = value - cost base, split into what the price and what the exchange rate made. The cost is
  the lots' (AUD, at acquisition rates); in another base currency it is what was paid, where that was paid in
  it, and else the AUD cost at the day's rate.
- **Units**: the first NAV makes as many units; external flows buy or cancel units at the NAV per unit before
  them, so that NAV per unit grows with the return alone.
- **A fault in the data** (missing price or rate, position break, short position, a bond past maturity, an
  unknown instrument or currency) makes that portfolio INCOMPLETE, with every reason, and touches no other.
""",
    source="domain_rules 1A, 20b",
    reads=(
        PORTFOLIOS,
        LOTS.to_date().optional(),
        TRANSACTIONS.to_date(),
        INSTRUMENTS,
        PRICES.last(days=45),
        FX_RATES.last(days=15),
        CORPORATE_ACTIONS.plainly().optional(),
        CALENDARS.last(days=60),
        VALUATIONS.previous(days=45),
        VALUATIONS.stored(unless="include_all_portfolios"),
    ),
    kernel=value_portfolios,
    writes=(VALUATIONS, VALUATION_LINES),
    cadence=Cadence.SESSIONS,
    priority=Priority.HIGH,
    rerun="The same inputs write nothing; inputs that change a number write the next version of the day.",
    parameters=ValuationParameters,
    gates=(
        Gate(
            "nav_reconciled",
            "valuations",
            "A NAV is the sum of its lines less accrued fees, to the cent",
            nav_not_reconciled,
        ),
        Gate(
            "positions_match_ledger",
            "valuation_lines",
            "Every quantity in a NAV equals the transaction ledger, splits included",
            positions_not_in_ledger,
        ),
        Gate(
            "stale_prices_flagged",
            "valuation_lines",
            "A price that is not of the last session is called STALE or MISSING_PRICE",
            stale_not_flagged,
        ),
        Gate(
            "no_short_positions",
            "valuation_lines",
            "No NAV contains a quantity below zero unless that is allowed",
            short_positions,
        ),
        Gate(
            "one_row_per_open_portfolio",
            "valuations",
            "Every portfolio that exists on the day has exactly one row, and no other has",
            not_one_row_each,
        ),
        Gate(
            "nav_moves_explained",
            "valuations",
            "A NAV moved by flows, gains, income and fees, within a cent for each line",
            moves_not_explained,
        ),
        Gate(
            "units_consistent",
            "valuations",
            "Units follow from the last valuation and the flows since, and make up the NAV",
            units_not_consistent,
        ),
        Gate(
            "all_portfolios_complete",
            "valuations",
            "Every portfolio asked for has a NAV of the day",
            incomplete,
            Severity.WARNING,
        ),
    ),
    result=_result,
    chart=_chart,
    preview=_preview,
    example=_example,
)
