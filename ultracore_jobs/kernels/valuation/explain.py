"""Why a portfolio is worth what it is: every stored number of one day, with its formula (domain_rules 1A)."""

from datetime import date

import polars as pl

from ultracore_jobs.kernels.explained import Explained, Row, RowExplainer, row_where, rows_where, used
from ultracore_jobs.kernels.fees.performance import HurdleType
from ultracore_jobs.kernels.fees.posted import fees_in_ledger
from ultracore_jobs.kernels.fees.tables import FEE_MEMORY
from ultracore_jobs.kernels.formula import number, rounded, total
from ultracore_jobs.kernels.money import MINOR_DIGITS
from ultracore_jobs.kernels.valuation.explain_case import Case, books_of
from ultracore_jobs.kernels.valuation.explain_fees import FeeCase, explain_memory
from ultracore_jobs.kernels.valuation.explain_lines import explain_lines
from ultracore_jobs.kernels.valuation.explain_performance import explain_levels
from ultracore_jobs.kernels.valuation.explain_units import explain_flows, explain_units
from ultracore_jobs.kernels.valuation.tables import (
    ACCRUED_INCOME,
    CASH,
    COMPLETE,
    MISSING_PRICE,
    PERFORMANCE_ACCRUALS,
    POSITION,
    STALE,
    VALUATION_LINES,
    VALUATIONS,
    Books,
    MissingPrice,
    Policy,
)

_AUD = "AUD"
_BEFORE_FEES = ("portfolio_id", "as_of_date", "status", "nav", "accrued_fees_base", "aud_rate")
_PARTS = {"positions_base": POSITION, "cash_base": CASH, "accrued_income_base": ACCRUED_INCOME}


def explain_valuation(  # noqa: PLR0913 - each table and parameter is bound by its name on the page
    *,
    portfolios: pl.DataFrame,
    lots: pl.DataFrame,
    transactions: pl.DataFrame,
    instruments: pl.DataFrame,
    prices: pl.DataFrame,
    fx_rates: pl.DataFrame,
    corporate_actions: pl.DataFrame,
    calendars: pl.DataFrame,
    fee_arrangements: pl.DataFrame,
    fee_schedules: pl.DataFrame,
    ledger_decisions: pl.DataFrame,
    ledger_entries: pl.DataFrame,
    previous_fee_memory: pl.DataFrame,
    previous_valuations: pl.DataFrame,
    recent_valuations: pl.DataFrame,
    valuations: pl.DataFrame,
    valuation_lines: pl.DataFrame,
    fee_memory: pl.DataFrame,
    performance_accruals: pl.DataFrame,
    as_of: date,
    portfolio_id: str,
    max_stale_business_days: int = 5,
    max_stale_unlisted: int = 25,
    missing_price: MissingPrice = "fail_portfolio",
    allow_short: bool = False,
    base: str | None = None,
    max_fx_stale: int = 3,
    hurdle_type: HurdleType = "hard",
) -> list[Explained]:
    """Explain every number that a valuation stored about one portfolio.

    Args:
        portfolios: As read by the valuation; so the tables that follow.
        lots: `LOTS`.
        transactions: `TRANSACTIONS`.
        instruments: `INSTRUMENTS`.
        prices: `PRICES`.
        fx_rates: `FX_RATES`.
        corporate_actions: `CORPORATE_ACTIONS`.
        calendars: `CALENDARS`.
        fee_arrangements: `FEE_ARRANGEMENTS`.
        fee_schedules: `FEE_SCHEDULES`.
        ledger_decisions: `LEDGER_DECISIONS`.
        ledger_entries: `LEDGER_ENTRIES`.
        previous_fee_memory: `FEE_MEMORY` of the latest day before.
        previous_valuations: `VALUATIONS` of the latest day before.
        recent_valuations: Columns of `VALUATIONS` of the days before.
        valuations: As stored by the valuation; so the tables that follow.
        valuation_lines: `VALUATION_LINES`.
        fee_memory: `FEE_MEMORY`.
        performance_accruals: `PERFORMANCE_ACCRUALS`.
        as_of: The day.
        portfolio_id: Which.
        max_stale_business_days: As the kernel's; so the parameters that follow.
        max_stale_unlisted: As the kernel's.
        missing_price: As the kernel's.
        allow_short: As the kernel's.
        base: As the kernel's.
        max_fx_stale: As the kernel's.
        hurdle_type: As the kernel's.

    Returns:
        NAV and its parts first, then the lines, fees on assets, performance fees. Of a portfolio that was
        not valued, its memory of fees where it still has one.

    Source: domain_rules 1A, 3.1, 3.2, 3.4, 7, 14.
    """
    stored = row_where(valuations, portfolio_id=portfolio_id)
    owner = row_where(portfolios, portfolio_id=portfolio_id)
    if stored is None and owner is None:
        return []
    # A portfolio that has closed has no row; its memory of fees may stand until it is settled.
    row: Row = stored or {"base_ccy": base or (owner or {})["base_ccy"]}
    given = Books(
        lots=lots,
        transactions=transactions,
        instruments=instruments,
        prices=prices,
        fx_rates=fx_rates,
        corporate_actions=corporate_actions,
        calendars=calendars,
    )
    case = Case(
        portfolio_id=portfolio_id,
        as_of=as_of,
        books=books_of(given, portfolios, ledger_entries, portfolio_id),
        policy=Policy(
            max_stale_business_days=max_stale_business_days,
            max_stale_unlisted=max_stale_unlisted,
            missing_price=missing_price,
            allow_short=allow_short,
            max_fx_stale=max_fx_stale,
        ),
        row=row,
        lines=rows_where(valuation_lines, portfolio_id=portfolio_id),
        before=row_where(previous_valuations, portfolio_id=portfolio_id, base_ccy=row["base_ccy"]),
    )
    is_ours = pl.col("portfolio_id") == portfolio_id
    fees = FeeCase(
        case=case,
        portfolios=portfolios.filter(is_ours).with_columns(pl.lit(row["base_ccy"]).alias("base_ccy")),
        fee_arrangements=fee_arrangements.filter(is_ours),
        fee_schedules=fee_schedules,
        charges=fees_in_ledger(ledger_decisions, upto=as_of).filter(is_ours),
        memory=rows_where(fee_memory, portfolio_id=portfolio_id),
        memory_before=previous_fee_memory.filter(is_ours),
        recent=recent_valuations.filter(is_ours, pl.col("base_ccy") == row["base_ccy"]).select(_BEFORE_FEES),
        performance=rows_where(performance_accruals, portfolio_id=portfolio_id),
        hurdle_type=hurdle_type,
    )
    if stored is None:
        return explain_memory(fees)
    return [
        *_explain_row(case, fees),
        *explain_lines(case),
        *explain_memory(fees),
        *explain_levels(fees),
    ]


def _explain_row(case: Case, fees: FeeCase) -> list[Explained]:
    """NAV, its parts, its units."""
    page = RowExplainer(VALUATIONS, case.row, "", case.base_ccy, "1A.6")
    _explain_nav(page)
    _explain_parts(page, case)
    _explain_accrued_fees(page, fees)
    _explain_nav_in_aud(page, case)
    explain_flows(page, case)
    explain_units(page, case, list(fees.performance))
    _explain_counts(page, case)
    return page.found


def _explain_nav(page: RowExplainer) -> None:
    if page.row["nav"] is None:
        page.absent("nav", f"INCOMPLETE: {page.row['reason']}", source="1A.2")
        return
    parts = [page.number(name) for name in _PARTS]
    page.computed(
        "nav",
        total(parts) - page.number("accrued_fees_base"),
        inputs=[page.itself(*_PARTS, "accrued_fees_base")],
        how="positions + cash + accrued income - accrued fees",
    )


def _explain_parts(page: RowExplainer, case: Case) -> None:
    for column, kind in _PARTS.items():
        if page.row["status"] != COMPLETE:
            page.absent(column, f"INCOMPLETE: {page.row['reason']}", source="1A.2")
            continue
        lines = [line for line in case.lines if line["line_type"] == kind]
        page.computed(
            column,
            total(number(line["mv_base"]) for line in lines),
            inputs=[used(VALUATION_LINES, line, "mv_base") for line in lines],
            how=f"the sum of its {len(lines)} rounded lines" if lines else "there are none",
            source="1, 1A.6",
        )


def _explain_accrued_fees(page: RowExplainer, fees: FeeCase) -> None:
    if page.row["accrued_fees_base"] is None:
        page.absent("accrued_fees_base", "fees are owed in a currency without a usable rate", source="1A.3")
        return
    on_assets = [number(row["accrued_base"]) for row in fees.memory]
    shared = [number(row["accrued"]) for row in fees.performance]
    page.computed(
        "accrued_fees_base",
        total([*on_assets, *shared]),
        inputs=[
            *(used(FEE_MEMORY, row, "accrued_base") for row in fees.memory),
            *(used(PERFORMANCE_ACCRUALS, row, "accrued") for row in fees.performance),
        ],
        how=f"fees on assets of {len(on_assets)} and performance fees of {len(shared)} arrangements, ex GST",
    )


def _explain_nav_in_aud(page: RowExplainer, case: Case) -> None:
    rate = case.rate(case.base_ccy, _AUD)
    if rate is None:
        page.absent("aud_rate", f"no usable rate of {case.base_ccy} in AUD", source="1A.3")
    else:
        formula, legs, words = rate
        page.computed("aud_rate", formula, inputs=legs, how=words, source="14")
    if page.row["nav_aud"] is None:
        why = "there is no NAV" if page.row["nav"] is None else "there is no rate to AUD"
        page.absent("nav_aud", why, source="1A.3")
        return
    page.computed(
        "nav_aud",
        rounded(page.number("nav") * page.number("aud_rate"), MINOR_DIGITS[_AUD]),
        inputs=[page.itself("nav", "aud_rate")],
        ccy=_AUD,
        source="1A.3",
    )


def _explain_counts(page: RowExplainer, case: Case) -> None:
    aged = [line for line in case.lines if line["price_status"] in {STALE, MISSING_PRICE}]
    lines = [used(VALUATION_LINES, line) for line in case.lines]
    page.counted("lines", len(case.lines), "lines of this portfolio", inputs=lines)
    page.counted(
        "stale_lines",
        len(aged),
        "positions with a price that is STALE or MISSING_PRICE",
        inputs=[used(VALUATION_LINES, line, "price_status") for line in aged],
        source="1A.1",
    )
