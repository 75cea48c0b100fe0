"""Fees on assets as formulas: what each arrangement accrued, what the ledger settled, what is still open."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from ultracore_jobs.catalog.ledger import LEDGER_DECISIONS
from ultracore_jobs.kernels.explained import (
    Explained,
    InputRow,
    Row,
    RowExplainer,
    row_where,
    rows_where,
    used,
)
from ultracore_jobs.kernels.fees.accrual import accrue_windows, fee_windows
from ultracore_jobs.kernels.fees.explain_terms import a_365th, annual_fee, least_fee, terms_of
from ultracore_jobs.kernels.fees.memory import before_fees
from ultracore_jobs.kernels.fees.performance import HurdleType
from ultracore_jobs.kernels.fees.tables import DAYS_OF_YEAR, FEE_MEMORY
from ultracore_jobs.kernels.formula import Formula, largest, number, rounded, total
from ultracore_jobs.kernels.money import MINOR_DIGITS
from ultracore_jobs.kernels.valuation.explain_case import Case
from ultracore_jobs.kernels.valuation.tables import VALUATIONS

_STALE = 5
_UNROUNDED_DIGITS = 12
_DECEMBER = 12
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class FeeCase:
    """What is known about the fees of one portfolio.

    Attributes:
        case: The portfolio on the day.
        portfolios: Its row of `PORTFOLIOS`, with the currency it is valued in.
        fee_arrangements: Its `FEE_ARRANGEMENTS`.
        fee_schedules: `FEE_SCHEDULES`.
        charges: What `fees_in_ledger` says of it, up to the day.
        memory: Its `FEE_MEMORY` of the day.
        memory_before: That of the latest day before.
        recent: `VALUATIONS` of the days before, the columns that `before_fees` names.
        performance: Its `PERFORMANCE_ACCRUALS` of the day.
        hurdle_type: Where a schedule does not say.
    """

    case: Case
    portfolios: pl.DataFrame
    fee_arrangements: pl.DataFrame
    fee_schedules: pl.DataFrame
    charges: pl.DataFrame
    memory: Sequence[Row]
    memory_before: pl.DataFrame
    recent: pl.DataFrame
    performance: Sequence[Row]
    hurdle_type: HurdleType


def explain_memory(fees: FeeCase) -> list[Explained]:
    """Explain each arrangement's fee on assets, accrued and not settled.

    Source: domain_rules 1A.6, 3.1, 3.2.
    """
    found: list[Explained] = []
    for row in fees.memory:
        label = f"{row['fee_type'].lower()} fee {row['arrangement_id']}"
        page = RowExplainer(FEE_MEMORY, row, label, row["ccy"], "1A.6")
        before = row_where(fees.memory_before, arrangement_id=row["arrangement_id"])
        _explain_accrual(page, fees, before)
        _explain_settled(page, fees)
        _explain_open(page, before)
        _explain_owed(page, fees.case)
        found += page.found
    return found


def _explain_accrual(page: RowExplainer, fees: FeeCase, before: Row | None) -> None:
    """What was added since the memory before: each day's annual fee, and the minimum as a month closes."""
    months = _months_of(page.row, fees, before)
    if not months and before is not None:
        for column in ("period_fee_days", "period_minimum_days"):
            page.copied(column, used(FEE_MEMORY, before, column), how="the arrangement no longer accrues")
        page.computed("added_fee_days", number(0), how="the arrangement no longer accrues")
        return
    arrangement = rows_where(fees.fee_arrangements, arrangement_id=page.row["arrangement_id"])[0]
    schedule, terms = terms_of(fees.fee_schedules, arrangement["fee_schedule_id"])
    inputs = [terms]
    added: list[Formula] = []
    accrued, counted = number(0), number(0)
    for spans in months:
        held, days = _held(spans, before)
        gathered = [number(span["days"]) * annual_fee(schedule, span["assets"]) for span in _valued(spans)]
        inputs += [_taken(span) for span in _valued(spans)]
        counted = total([*days, *(number(span["days"]) for span in _valued(spans) if span["assets"] >= 0)])
        least = least_fee(schedule, counted) if any(span["is_period_close"] for span in spans) else None
        accrued = total([*held, *gathered])
        if least is None:
            added += gathered
            continue
        accrued = largest(accrued, least)
        added.append(accrued - held[0] if held else accrued)
    if before is not None:
        inputs.append(used(FEE_MEMORY, before, "period_fee_days", "period_minimum_days"))
    how = "calendar days x a year's fee on NAV before accrued fees, by tiers; the minimum, as a month closes"
    page.computed("added_fee_days", total(added), inputs=inputs, how=how, source="3.1, 3.2")
    page.computed(
        "period_fee_days", accrued, inputs=inputs, how="of this month, settled or not", source="3.2"
    )
    page.computed(
        "period_minimum_days", counted, inputs=inputs, how="days with a NAV of 0 or more", source="3.2"
    )


def _valued(spans: Sequence[Row]) -> list[Row]:
    return [span for span in spans if span["assets"] is not None]


def _taken(span: Row) -> InputRow:
    """The valuation whose NAV before accrued fees a run of days pays on."""
    told = {"as_of_date": span["assets_on"], "portfolio_id": span["portfolio_id"]}
    return used(VALUATIONS, {**told, "nav_before_fees": span["assets"]}, "nav_before_fees")


def _held(spans: Sequence[Row], before: Row | None) -> tuple[list[Formula], list[Formula]]:
    """What the memory before already holds of the month of *spans*: fee days, and days of the minimum."""
    if before is None or before["period_start"] != spans[0]["period_start"]:
        return [], []
    return [number(before["period_fee_days"])], [number(before["period_minimum_days"])]


def _months_of(row: Row, fees: FeeCase, before: Row | None) -> list[list[Row]]:
    """The days that accrued since the memory before: runs that share one NAV, by month."""
    as_of = fees.case.as_of
    begin = before["as_of_date"] + _ONE_DAY if before is not None else as_of.replace(day=1)
    months = _calendar_months(begin, as_of)
    arrangement = fees.fee_arrangements.filter(pl.col("arrangement_id") == row["arrangement_id"])
    windows = (
        fee_windows(arrangement, fees.fee_schedules, fees.portfolios, months, through=as_of)
        .with_columns(pl.max_horizontal("from_on", pl.lit(begin)).alias("from_on"))
        .filter(pl.col("from_on") < pl.col("until_on"))
    )
    today = (
        pl.DataFrame([fees.case.row], schema=VALUATIONS.schema)
        .select(fees.recent.columns)
        .cast(fees.recent.schema)
    )
    spans = accrue_windows(
        windows,
        fees.fee_schedules,
        before_fees(pl.concat([fees.recent, today])),
        fees.case.books.calendars,
        max_stale_business_days=_STALE,
    )
    return [
        list(part.iter_rows(named=True)) for part in spans.partition_by("period_start", maintain_order=True)
    ]


def _calendar_months(first: date, last: date) -> list[tuple[date, date]]:
    months, start = [], first.replace(day=1)
    while start <= last:
        end = date(start.year + start.month // _DECEMBER, start.month % _DECEMBER + 1, 1)
        months.append((start, end))
        start = end
    return months


def _explain_settled(page: RowExplainer, fees: FeeCase) -> None:
    row = page.row
    settled = fees.charges.filter(
        (pl.col("arrangement_id") == row["arrangement_id"]) & (pl.col("period_end") > row["since_on"])
    ).to_dicts()
    page.computed(
        "settled_fee_days",
        total(number(each["settled_fee_days"]) for each in settled),
        inputs=[decision(each, "settled_fee_days") for each in settled],
        how="what charges posted or blocked up to the day took out, as the ledger says it now",
    )


def decision(fee: Row, *columns: str) -> InputRow:
    """A reference to a decision in the ledger."""
    values = {name: fee[name] for name in columns}
    return InputRow(
        table=LEDGER_DECISIONS.name, key={"decision_id": fee["decision_id"]}, values=values, source="ledger"
    )


def _explain_open(page: RowExplainer, before: Row | None) -> None:
    opened = [] if before is None else [number(before["open_fee_days"])]
    known = number(0) if before is None else number(before["settled_fee_days"])
    still = total([*opened, page.number("added_fee_days")]) - page.number("settled_fee_days")
    page.computed(
        "open_fee_days",
        still if before is None else still + known,
        inputs=[
            *([] if before is None else [used(FEE_MEMORY, before, "open_fee_days", "settled_fee_days")]),
            page.itself("added_fee_days", "settled_fee_days"),
        ],
        how="open before, and added, less what was settled since: up to today less up to then",
    )


def _explain_owed(page: RowExplainer, case: Case) -> None:
    row = page.row
    fee = a_365th(page.number("open_fee_days"))
    opened = [page.itself("open_fee_days")]
    how = f"open fee days / {DAYS_OF_YEAR}"
    page.computed("management_unrounded", rounded(fee, _UNROUNDED_DIGITS), inputs=opened, how=how)
    page.computed("accrued", rounded(fee, MINOR_DIGITS[row["ccy"]]), inputs=opened, how=how)
    rate = case.rate(row["ccy"], case.base_ccy)
    if rate is None:
        page.absent("fx", f"no usable rate of {row['ccy']} in {case.base_ccy}", source="1A.3")
        page.absent("accrued_base", "no usable rate", source="1A.3")
        return
    formula, legs, words = rate
    page.computed("fx", formula, inputs=legs, how=words, source="14")
    page.computed(
        "accrued_base",
        rounded(page.number("accrued") * page.number("fx"), MINOR_DIGITS[case.base_ccy]),
        inputs=[page.itself("accrued", "fx")],
        ccy=case.base_ccy,
        how="what is owed, converted like cash in its currency",
    )
