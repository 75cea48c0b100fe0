"""Portfolio valuation: what every portfolio is worth at the close, daily."""

from decimal import Decimal
from typing import Any, Literal

import polars as pl
from pydantic import Field, ValidationInfo, field_validator

from ultracore_jobs.catalog.fees import FEE_ARRANGEMENTS, FEE_SCHEDULES
from ultracore_jobs.catalog.holdings import LOTS, PORTFOLIOS, TRANSACTIONS
from ultracore_jobs.catalog.ledger import LEDGER_DECISIONS, LEDGER_ENTRIES
from ultracore_jobs.catalog.market import (
    CALENDARS,
    CORPORATE_ACTIONS,
    FX_RATES,
    INSTRUMENTS,
    PRICES,
)
from ultracore_jobs.jobs.cadence import Cadence
from ultracore_jobs.jobs.examples.portfolio_valuation import valuation_example
from ultracore_jobs.jobs.spec import Chart, JobSpec, Parameters, Priority
from ultracore_jobs.kernels.fees.tables import FEE_MEMORY
from ultracore_jobs.kernels.gates import Gate, Severity
from ultracore_jobs.kernels.money import MINOR_DIGITS
from ultracore_jobs.kernels.valuation import (
    PERFORMANCE_ACCRUALS,
    VALUATION_LINES,
    VALUATIONS,
    value_portfolios,
)
from ultracore_jobs.kernels.valuation.accrual_laws import accruals_not_agreed
from ultracore_jobs.kernels.valuation.explain import explain_valuation
from ultracore_jobs.kernels.valuation.fee_laws import (
    accrued_fees_not_reconciled,
    fees_not_carried,
    performance_not_level,
)
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

_MEMORY_DAYS = 45
"""How far back the last valuation may lie: over the longest holidays, and an outage of a month."""

_NAV_DAYS = 14
"""Calendar days in which five business days have surely passed, Christmas and New Year included."""

_ASSETS = ("portfolio_id", "as_of_date", "base_ccy", "status", "nav", "accrued_fees_base", "aud_rate")
"""What fees on assets ask of an earlier valuation."""


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
    hurdle_type: Literal["hard", "soft"] = Field(
        default="hard", description="Hurdle of performance fees, where the fee schedule does not say"
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
  deposits ACT/365F. Franking credits are not NAV.
- **Accrued fees**, ex GST: what each arrangement on assets has accrued and not settled, and the performance
  fee. Each calendar day adds a 365th of a year's fee on its NAV before accrued fees; a day without one takes
  the last, up to five business days old. A charge posted or blocked takes out what it settles. The
  performance fee is a level: today's NAV per unit against the high-water mark, which is 1 until a
  crystallisation in the ledger moves it. Fees owed in a currency without a rate leave no NAV.
- **Fees charged** are in the ledger, and only there: what they took out of cash counts from their day on.
- **Unrealised** = value - cost base, split into what the price and what the exchange rate made. The cost is
  the lots' (AUD, at acquisition rates); in another base currency it is what was paid, where that was paid in
  it, and else the AUD cost at the day's rate.
- **Units**: the first NAV makes as many units, each worth 1; external flows buy or cancel units at the NAV
  per unit before them, so that NAV per unit, which is after all fees, grows with the return alone.
- **A fault in the data** (missing price or rate, position break, short position, a bond past maturity, an
  unknown instrument or currency) makes that portfolio INCOMPLETE, with every reason, and touches no other.
""",
    source="domain_rules 1A, 3.1-3.4, 5, 20b",
    reads=(
        PORTFOLIOS,
        LOTS.to_date().optional(),
        TRANSACTIONS.to_date(),
        INSTRUMENTS,
        PRICES.last(days=45),
        FX_RATES.last(days=15),
        CORPORATE_ACTIONS.plainly().optional(),
        CALENDARS.last(days=60),
        FEE_ARRANGEMENTS.plainly().optional(),
        FEE_SCHEDULES.plainly().optional(),
        LEDGER_DECISIONS.from_ledger(),
        LEDGER_ENTRIES.from_ledger(),
        FEE_MEMORY.previous(days=_MEMORY_DAYS),
        VALUATIONS.previous(days=_MEMORY_DAYS),
        VALUATIONS.recent(days=_MEMORY_DAYS + _NAV_DAYS).only(*_ASSETS),
        VALUATIONS.stored(unless="include_all_portfolios"),
    ),
    kernel=value_portfolios,
    writes=(VALUATIONS, VALUATION_LINES, FEE_MEMORY, PERFORMANCE_ACCRUALS),
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
            "accrued_fees_reconciled",
            "valuations",
            "Accrued fees are what each arrangement has open and the performance fees, to the cent",
            accrued_fees_not_reconciled,
        ),
        Gate(
            "fees_carried_forward",
            "fee_memory",
            "What is open is what was open, and what accrued, less what the ledger settled since",
            fees_not_carried,
        ),
        Gate(
            "fees_accrue_as_agreed",
            "fee_memory",
            "Each day added the fee of its NAV by the schedule's tiers, and a period's end its minimum",
            accruals_not_agreed,
        ),
        Gate(
            "performance_fee_is_a_level",
            "performance_accruals",
            "A performance fee is its share of today's gain above the ledger's mark and the hurdle",
            performance_not_level,
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
    explain=explain_valuation,
    example=valuation_example,
)
