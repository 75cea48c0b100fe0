"""What the fee kernels return: the tables, their codes and their identifiers."""

from datetime import date
from hashlib import sha256

import polars as pl

from ultracore_jobs.catalog import Dataset
from ultracore_jobs.catalog.columns import (
    CURRENCY,
    TENANT_ID,
    Column,
    code,
    count,
    day,
    flag,
    fx_rate,
    instant,
    money,
    text,
    units,
)

ANNUAL_FEE = pl.Decimal(38, 12)
"""Unrounded amounts: money times basis points has 8 decimals and a 10,000th, so 12 hold it exactly."""

UNIT_VALUE = pl.Decimal(30, 12)
"""Amounts per portfolio unit, as `VALUATIONS` states NAV per unit."""

RATE = pl.Decimal(18, 8)
"""A rate given as a float fraction, made exact, because it multiplies money."""

DAYS_OF_YEAR = 365
"""ACT/365F: also in leap years."""

MANAGEMENT, PERFORMANCE, ADVICE = "MANAGEMENT", "PERFORMANCE", "ADVICE"
FEE_TYPES = (MANAGEMENT, PERFORMANCE, ADVICE)
TIERED = (MANAGEMENT, ADVICE)
"""Fees on assets, by tiers, accrued daily."""

NO_NAV = "NO_NAV"
DUE, NOTHING_DUE, BLOCKED, HELD = "DUE", "NOTHING_DUE", "BLOCKED", "HELD"
CLEARED, BLOCKED_NO_CONSENT = "CLEARED", "BLOCKED_NO_CONSENT"
BLOCKED_OVER_CONSENT, HELD_FOR_REVIEW = "BLOCKED_OVER_CONSENT", "HELD_FOR_REVIEW"
OUTCOMES = (CLEARED, BLOCKED_NO_CONSENT, BLOCKED_OVER_CONSENT, HELD_FOR_REVIEW)

OLD_REGIME = "OLD_REGIME"
"""Exemption of an arrangement older than 10 January 2025 until its first anniversary after that day."""

PENDING_APPROVAL = "PENDING_APPROVAL"
ADJUSTMENT_STATES = (PENDING_APPROVAL, BLOCKED, HELD)

_FEE_DAYS = Column(
    ANNUAL_FEE, "Sum over calendar days of each day's annual fee; a 365th of it is the fee", at_least=0
)

FEE_ACCRUALS = Dataset(
    name="fee_accruals",
    grain="one arrangement's accrual over days in a row that share one NAV",
    key=("arrangement_id", "from_on"),
    source="fee_charging",
    columns={
        "tenant_id": TENANT_ID,
        "portfolio_id": text("Portfolio that pays"),
        "arrangement_id": text("Arrangement it accrues under"),
        "fee_schedule_id": text("Schedule that sets the fee"),
        "fee_type": code("What is charged for", TIERED),
        "ccy": CURRENCY.described("Currency of the schedule, of assets and fee"),
        "period_start": day("First day of the period, or of the arrangement's part of it"),
        "period_end": day("First day after that"),
        "from_on": day("First day of the run"),
        "until_on": day("First day after the run"),
        "days": count("Calendar days of the run", at_least=1),
        "is_period_close": flag("Whether the run reaches the end of the period"),
        "assets_on": day("Day of the COMPLETE NAV taken; null without one", nullable=True),
        "assets": money("NAV of that day before accrued fees", nullable=True),
        "annual_fee": Column(ANNUAL_FEE, "Fee of a year on these assets", nullable=True, at_least=0),
        "fee_days": _FEE_DAYS.optional(),
        "reason": code("Why there is no accrual", [NO_NAV], nullable=True),
    },
)

FEE_CHARGES = Dataset(
    name="fee_charges",
    grain="one fee due for one portfolio, schedule and period, before the consent gate",
    key=("arrangement_id", "fee_type", "period_start", "period_end"),
    source="fee_charging",
    columns={
        "tenant_id": TENANT_ID,
        "charge_id": text("Identifier: `chg_` and a hash", pattern=r"chg_[0-9a-f]{32}"),
        "portfolio_id": text("Portfolio that pays"),
        "client_id": text("Client who pays"),
        "arrangement_id": text("Arrangement it is charged under"),
        "fee_schedule_id": text("Schedule that sets the fee"),
        "fee_type": code("What is charged for", FEE_TYPES),
        "ccy": CURRENCY.described("Currency of the charge"),
        "period_start": day("First day charged for"),
        "period_end": day("First day no longer charged for"),
        "days": count("Calendar days charged for", at_least=1),
        "settled_fee_days": _FEE_DAYS.described("Accrual that this charge settles, minimum included"),
        "is_minimum": flag("Whether the annual minimum was the larger fee"),
        "fee_unrounded": Column(ANNUAL_FEE, "Fee before rounding", nullable=True, at_least=0),
        "fee_ex_gst": money("Fee, rounded once", nullable=True, at_least=0),
        "gst": money("GST on the rounded fee", nullable=True, at_least=0),
        "total": money("Fee and GST: what is deducted", nullable=True, at_least=0),
        "status": code("What may be done", [DUE, NOTHING_DUE, BLOCKED, HELD]),
        "reason": text("Why nothing is due or may be taken", nullable=True),
        "consent_ids": Column(pl.List(pl.String), "Consents it is deducted under, sorted"),
        "exemption_code": text("Why no consent is needed", nullable=True),
        "marked_on": day("Day the mark moves; null but at a crystallisation", nullable=True),
        "mark_unit": Column(
            UNIT_VALUE, "Mark this charge leaves behind: NAV per unit after it, or the old one", nullable=True
        ),
        "mark_if_refused_unit": Column(
            UNIT_VALUE, "Mark left behind where the charge is refused: NAV per unit with it", nullable=True
        ),
    },
)

CONSENT_OUTCOMES = Dataset(
    name="consent_outcomes",
    grain="one charge held against the consents of its arrangement at one instant",
    key=("charge_id",),
    source="fee_charging",
    columns={
        "charge_id": text("Charge tested"),
        "arrangement_id": text("Arrangement it is charged under"),
        "deducted_at": instant("Instant of the deduction it is tested for"),
        "outcome": code("What the gate says", OUTCOMES),
        "reason": text("Why it does not pass", nullable=True),
        "exemption_code": text("Why no consent is needed", nullable=True),
        "consent_ids": Column(pl.List(pl.String), "Live consents the charge rests on, sorted"),
        "live_until": day("Last day on which all of them live", nullable=True),
        "consented_amount": money("Least amount or estimate a holder signed for", nullable=True),
        "cumulative": money("Charged under these consents, this charge included if it passes", nullable=True),
    },
)

ADJUSTMENTS = Dataset(
    name="fee_adjustments",
    grain="one difference between what is posted for a charge and what it should be",
    key=("adjustment_id",),
    source="fee_charging",
    columns={
        "tenant_id": TENANT_ID,
        "adjustment_id": text("Identifier: `adj_` and a hash", pattern=r"adj_[0-9a-f]{32}"),
        "charge_id": text("Charge it corrects"),
        "portfolio_id": text("Portfolio that paid"),
        "client_id": text("Client who paid"),
        "arrangement_id": text("Arrangement it was charged under"),
        "fee_schedule_id": text("Schedule that sets the fee"),
        "fee_type": code("What was charged for", FEE_TYPES),
        "ccy": CURRENCY.described("Currency of the charge"),
        "period_start": day("First day charged for"),
        "period_end": day("First day no longer charged for"),
        "settled_fee_days": Column(ANNUAL_FEE, "Accrual settled now less that settled by what is posted"),
        "fee_ex_gst": money("New fee less posted fee"),
        "gst": money("GST on the new fee less posted GST"),
        "total": money("Both; negative is given back"),
        "status": code("What may be done: a person decides, or a consent is missing", ADJUSTMENT_STATES),
        "reason": text("Why it may not be taken", nullable=True),
        "consent_ids": Column(pl.List(pl.String), "Consents it is deducted under, sorted"),
        "exemption_code": text("Why no consent is needed", nullable=True),
    },
)

FEE_MEMORY = Dataset(
    name="fee_memory",
    grain="one arrangement's fee accrued and not settled at the end of one day",
    key=("as_of_date", "arrangement_id"),
    source="portfolio_valuation",
    columns={
        "tenant_id": TENANT_ID,
        "as_of_date": day("Day up to whose end it has accrued"),
        "portfolio_id": text("Portfolio that pays"),
        "arrangement_id": text("Arrangement it accrues under"),
        "fee_type": code("What is charged for", TIERED),
        "ccy": CURRENCY.described("Currency of the schedule"),
        "since_on": day("First day that ever accrued here; what was charged for earlier days is not settled"),
        "period_start": day("First day of the period accruing now, or of the arrangement's part of it"),
        "period_fee_days": _FEE_DAYS.described("Accrued in this period, settled or not, minimum included"),
        "period_minimum_days": count("Days of this period that the minimum counts", at_least=0),
        "added_fee_days": Column(ANNUAL_FEE, "Accrued since the memory before, minimum included"),
        "settled_fee_days": Column(ANNUAL_FEE, "Settled up to the day, as the ledger says it now"),
        # May be below zero: a charge that was computed on a NAV restated upwards settles more than accrued.
        "open_fee_days": Column(ANNUAL_FEE, "Accrued and not settled"),
        "management_unrounded": Column(ANNUAL_FEE, "A 365th of that"),
        "accrued": money("The same, rounded: what is owed, in the schedule's currency"),
        "fx": fx_rate(
            "Base currency of the portfolio per unit of ccy; null without a usable rate",
            nullable=True,
            above=0,
        ),
        "accrued_base": money("The same in base currency: its part of accrued fees", nullable=True),
    },
)

PERFORMANCE_FEES = Dataset(
    name="performance_fees",
    grain="one portfolio's performance fee on one day, under one arrangement",
    key=("as_of_date", "arrangement_id"),
    source="fee_charging",
    columns={
        "tenant_id": TENANT_ID,
        "as_of_date": day("Day of the NAV"),
        "portfolio_id": text("Portfolio that pays"),
        "client_id": text("Client who pays"),
        "arrangement_id": text("Arrangement it accrues under"),
        "fee_schedule_id": text("Schedule that sets the fee"),
        "ccy": CURRENCY.described("Base currency of the portfolio"),
        "since_on": day("Last crystallisation, or day of the first mark"),
        "days": count("Days since then", at_least=0),
        "nav_unit": Column(UNIT_VALUE, "NAV per unit after the management fee, before this one"),
        "hwm_unit": Column(UNIT_VALUE, "High-water mark per unit"),
        "hurdle_unit": Column(UNIT_VALUE, "Mark grown by the hurdle"),
        "threshold_unit": Column(UNIT_VALUE, "The larger of mark and hurdle"),
        "fee_unit": Column(UNIT_VALUE, "Fee per unit, to 12 decimals", at_least=0),
        "units": units("Units held at the end of the day", at_least=0),
        "redeemed_units": units("Units redeemed on the day", at_least=0),
        "accrued": money("Fee on the units held, a level and not a sum", at_least=0),
        "charged": money("Fee that crystallises today: on units redeemed, or on all", at_least=0),
        "is_crystallised": flag("Whether the whole fee crystallises today"),
        "new_hwm_unit": Column(UNIT_VALUE, "Mark afterwards"),
    },
)


def charge_identifier(
    tenant: str, portfolio_id: str, fee_type: str, fee_schedule_id: str, *, start: date, end: date
) -> str:
    """The id of the one charge for a portfolio, fee type, schedule and period ``[start, end)``.

    As `ultracore_jobs.lifecycle.identity.identifier`, which no kernel may import.

    >>> charge_identifier("acme", "PF-1", "MANAGEMENT", "FS-1", start=date(2026, 1, 1), end=date(2026, 2, 1))
    'chg_c19355e71ae8a0bac470a5a02d7c17c3'
    """
    fields = (tenant, portfolio_id, fee_type, fee_schedule_id, start.isoformat(), end.isoformat())
    return hashed("chg_", *fields)


def hashed(prefix: str, *fields: str) -> str:
    """*prefix* and the first 32 hex digits of SHA-256 over *fields* joined by ``|`` (domain_rules 1)."""
    return prefix + sha256("|".join(fields).encode()).hexdigest()[:32]


def with_charge_ids(charges: pl.DataFrame) -> pl.DataFrame:
    """Add ``charge_id``.

    Args:
        charges: ``tenant_id``, ``portfolio_id``, ``fee_type``, ``fee_schedule_id``, ``period_start``,
            ``period_end``.

    Source: domain_rules 3.6.
    """
    fields = charges.select(
        "tenant_id", "portfolio_id", "fee_type", "fee_schedule_id", "period_start", "period_end"
    )
    ids = [charge_identifier(*row, start=start, end=end) for *row, start, end in fields.iter_rows()]
    return charges.with_columns(pl.Series("charge_id", ids, dtype=pl.String))


def exact_rate(rate: pl.Expr) -> pl.Expr:
    """A float fraction such as 0.05, to 8 decimals, exact from there on (`RATE`)."""
    return rate.round(8).cast(RATE)
