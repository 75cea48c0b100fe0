"""What a valuation reads and returns: its tables, their codes, and the rules it may vary."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import polars as pl

from ultracore_jobs.catalog import Dataset
from ultracore_jobs.catalog.columns import (
    TENANT_ID,
    Column,
    code,
    count,
    day,
    fx_rate,
    money,
    price,
    text,
    units,
)
from ultracore_jobs.kernels.fees.tables import PERFORMANCE_FEES

UNIT_VALUE = pl.Decimal(30, 12)
"""NAV per portfolio unit: 12 decimals, so that the returns linked from it lose nothing that shows."""

FIRST_UNIT_VALUE = 1
"""What one unit is worth on the first COMPLETE day; so it is the first high-water mark."""

MissingPrice = Literal["fail_portfolio", "carry_forward", "cost", "zero"]
"""What a line without a usable price is worth (domain_rules 1A.2)."""

COMPLETE, INCOMPLETE = "COMPLETE", "INCOMPLETE"
POSITION, CASH, ACCRUED_INCOME = "POSITION", "CASH", "ACCRUED_INCOME"
FRESH, STALE, MISSING_PRICE = "FRESH", "STALE", "MISSING_PRICE"

REASONS = {
    "AMOUNT_TOO_LARGE": "an amount has more digits than money holds",
    "BAD_PRICE": "the newest price is zero or negative",
    "INCOME_TERMS_UNKNOWN": "a dividend, coupon or deposit lacks the terms its accrual needs",
    "MATURED": "a bond or deposit is held after the day its principal was due",
    "MISSING_FX": "no usable exchange rate for a currency held, or for one in which fees are owed",
    "MISSING_PRICE": "no usable price for an instrument held",
    "NOT_SELECTED": "the job was asked for other portfolios only",
    "POSITION_BREAK": "lots and transaction ledger disagree about a quantity",
    "SHORT_POSITION": "a quantity is below zero, and that is not allowed",
    "SPLIT_BASIS_UNKNOWN": "a split without a ratio lies between a price or a trade and the day",
    "UNKNOWN_CURRENCY": "a currency is not in ISO 4217",
    "UNKNOWN_INSTRUMENT": "an instrument is not in the instrument master",
    "UNVALUED_FLOW": "an external flow of units has neither a price nor a rate",
}
"""Why a portfolio is INCOMPLETE."""

FLAGS = {
    "AT_COST": "a position without a usable price stands at its cost base",
    "AT_ZERO": "a position without a usable price stands at zero",
    "CARRIED_FX": "a rate is an earlier day's fixing",
    "CARRIED_PRICE": "a price older than the limit was carried forward",
    "COUPON_DATES_ROLLED": "coupon dates were derived from the schedule, because the master's lie elsewhere",
    "FEE_TERMS_UNUSABLE": "a fee arrangement has terms by which no fee can be computed, and none accrues",
    "FLOW_AT_LATER_RATE": "an external flow was converted at the rate of the valuation day",
    "NO_AUD_RATE": "the NAV could not be expressed in AUD",
    "OVERDRAWN": "a cash balance is below zero",
    "SPLIT_ADJUSTED_PRICE": "a price from before a split was put on the basis after it",
    "STALE_PRICE": "a price is older than the last session, and within the limit",
    "UNITS_RESTARTED": "units could not follow from the last valuation and were set anew",
}
"""What a person should know about a portfolio that has a NAV all the same."""

_CODES = r"[A-Z_]+(;[A-Z_]+)*"

VALUATIONS = Dataset(
    name="valuations",
    grain="one portfolio's value at the close of one day",
    key=("as_of_date", "portfolio_id"),
    source="portfolio_valuation",
    columns={
        "tenant_id": TENANT_ID,
        "as_of_date": day("Day the value is about"),
        "portfolio_id": text("Portfolio valued"),
        "valuation_id": text("Identifier: `val_` and a hash of tenant, portfolio and day"),
        "base_ccy": text("Currency the portfolio is valued in"),
        "status": code("INCOMPLETE has no NAV", [COMPLETE, INCOMPLETE]),
        "reason": text("Why it is INCOMPLETE: sorted codes, joined by ;", nullable=True, pattern=_CODES),
        "flags": text("What to know about it: sorted codes, joined by ;", nullable=True, pattern=_CODES),
        "nav": money("Net asset value: positions, cash and accrued income less accrued fees", nullable=True),
        "positions_base": money("Market value of all positions", nullable=True),
        "cash_base": money("Cash of all currencies; negative is a liability", nullable=True),
        "accrued_income_base": money(
            "Dividends, coupons and interest earned and not yet paid", nullable=True
        ),
        "accrued_fees_base": money(
            "Fees accrued and not yet charged, ex GST; of an INCOMPLETE day those on assets only, and null "
            "where they are owed in a currency without a rate",
            nullable=True,
        ),
        "nav_aud": money("NAV in AUD, for totals over portfolios", nullable=True),
        "aud_rate": fx_rate("AUD per unit of base currency on the day", nullable=True, above=0),
        "lines": count("Lines the NAV is the sum of", at_least=0),
        "stale_lines": count("Positions with a price that is STALE or MISSING_PRICE", at_least=0),
        "flow_base": money(
            "External flows after units_on of the previous valuation, which bought or cancelled units",
            nullable=True,
        ),
        "units": units(
            "Portfolio units after those flows; of the last COMPLETE day", nullable=True, at_least=0
        ),
        "nav_per_unit_base": Column(
            UNIT_VALUE,
            "NAV per unit in base currency, after all accrued fees; of the last COMPLETE day",
            nullable=True,
        ),
        "first_on": day("The first COMPLETE day, on which one unit was worth 1", nullable=True),
        "units_on": day(
            "The last COMPLETE day: units, NAV per unit and last NAV are of this day", nullable=True
        ),
        "last_nav": money("NAV of the last COMPLETE day, which stands while INCOMPLETE", nullable=True),
    },
)

VALUATION_LINES = Dataset(
    name="valuation_lines",
    grain="one position, cash balance or accrual within one portfolio's value on one day",
    key=("as_of_date", "portfolio_id", "line_type", "line_key"),
    source="portfolio_valuation",
    columns={
        "tenant_id": TENANT_ID,
        "as_of_date": day("Day the value is about"),
        "portfolio_id": text("Portfolio it belongs to"),
        "line_type": code("What the line is", [POSITION, CASH, ACCRUED_INCOME]),
        "line_key": text(
            "instrument_id of a position or interest accrual, currency of cash, action_id of a dividend"
        ),
        "instrument_id": text("Instrument held or accruing; null for cash", nullable=True),
        "ccy": text("Currency of the line"),
        "base_ccy": text("Currency the portfolio is valued in"),
        "qty": units("Units held on the day, or entitled to a dividend; null for cash", nullable=True),
        "price": price("Last close on the day's basis, instrument currency; positions only", nullable=True),
        "price_factor": price("Price multiplier of the instrument; positions only", nullable=True),
        "price_date": day("Day of that close; positions only", nullable=True),
        "stale_business_days": count(
            "Business days after price_date up to the day; null where unknown", nullable=True, at_least=0
        ),
        "price_status": code("Positions only", [FRESH, STALE, MISSING_PRICE], nullable=True),
        "amount_local": money("Balance or accrual in the line's currency; null for positions", nullable=True),
        "fx": fx_rate("Base currency per unit of the line's currency", nullable=True, above=0),
        "fx_status": code("CARRIED is an earlier fixing", ["OK", "CARRIED", "FAILED_STALE"], nullable=True),
        "mv_base": money("Value in base currency; null has a reason", nullable=True),
        "cost_base": money("Cost base in base currency; positions only", nullable=True),
        "unrealised_base": money("mv_base less cost_base; positions only", nullable=True),
        "cost_price": price("Average price paid, per unit as quoted; positions only", nullable=True),
        "cost_fx": fx_rate("Base per instrument currency that the cost base implies", nullable=True),
        "price_effect_base": money("Part of unrealised_base made by the price", nullable=True),
        "fx_effect_base": money("Part of unrealised_base made by the exchange rate", nullable=True),
        "reason": text("Why mv_base is null, or which policy gave it", nullable=True),
        "effects_reason": text("Why a position has no price and fx effect", nullable=True),
    },
)


_LEVEL = (
    "tenant_id",
    "as_of_date",
    "portfolio_id",
    "client_id",
    "arrangement_id",
    "fee_schedule_id",
    "ccy",
    "since_on",
    "days",
    "nav_unit",
    "hwm_unit",
    "hurdle_unit",
    "threshold_unit",
    "fee_unit",
    "units",
    "accrued",
)

PERFORMANCE_ACCRUALS = Dataset(
    name="performance_accruals",
    grain="the level of one portfolio's performance fee on one COMPLETE day, under one arrangement",
    key=("as_of_date", "arrangement_id"),
    source="portfolio_valuation",
    columns={name: PERFORMANCE_FEES.columns[name] for name in _LEVEL},
)
"""How the performance part of accrued fees came about; what crystallises is the fee job's to say."""


class ValuationTables(NamedTuple):
    """What `value_portfolios` returns: the four tables it is named after, and rows set aside."""

    valuations: pl.DataFrame
    valuation_lines: pl.DataFrame
    fee_memory: pl.DataFrame
    performance_accruals: pl.DataFrame
    quarantine: pl.DataFrame


@dataclass(frozen=True, kw_only=True)
class Books:
    """What is known: the given tables of domain_rules 2, one row for each key as known at the cut-off."""

    lots: pl.DataFrame
    transactions: pl.DataFrame
    instruments: pl.DataFrame
    prices: pl.DataFrame
    fx_rates: pl.DataFrame
    corporate_actions: pl.DataFrame
    calendars: pl.DataFrame


@dataclass(frozen=True, kw_only=True)
class Policy:
    """The parameters of domain_rules 2b that change a number."""

    max_stale_business_days: int = 5
    max_stale_unlisted: int = 25
    missing_price: MissingPrice = "fail_portfolio"
    allow_short: bool = False
    max_fx_stale: int = 3


def as_codes(found: pl.DataFrame, name: str) -> pl.DataFrame:
    """One row for each portfolio: its distinct codes, sorted, joined by ``;``.

    Args:
        found: ``portfolio_id``, ``code``; any number of rows.
        name: Column of the outcome that holds the joined codes.
    """
    return (
        found.unique()
        .sort("portfolio_id", "code")
        .group_by("portfolio_id", maintain_order=True)
        .agg(pl.col("code").str.join(";").alias(name))
    )
