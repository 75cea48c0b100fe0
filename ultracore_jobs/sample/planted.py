"""Which portfolios of the sample carry a planted anomaly; the first of each tenant do, in this order."""

from datetime import date
from enum import StrEnum

import numpy as np
import polars as pl

from ultracore_jobs.sample.draws import Flags, Ints
from ultracore_jobs.sample.redating import FIRST_DAY


class Planted(StrEnum):
    """What is wrong with a portfolio, and what should come of it."""

    CASH_ONLY = "holds cash only: NAV equals cash, COMPLETE"
    EMPTY = "was opened and never funded: NAV 0.00, COMPLETE"
    JPY_BASE = "is valued in yen: no decimals"
    OVERDRAWN = "withdrew more cash than it had: negative cash kept and flagged OVERDRAWN"
    SUSPENDED_HOLDER = "holds the suspended instrument: MISSING_PRICE, portfolio INCOMPLETE"
    STALE_HOLDER_1 = "first holder of an instrument priced once a week: STALE on the other days, flagged"
    STALE_HOLDER_2 = "second holder of an instrument priced once a week: STALE on the other days, flagged"
    STALE_HOLDER_3 = "third holder of an instrument priced once a week: STALE on the other days, flagged"
    CONSENT_MISSING = "no consent was ever signed: fee BLOCKED_NO_CONSENT"
    CONSENT_EXPIRED = "the first consent was never renewed: BLOCKED_NO_CONSENT after anniversary + 150 days"
    CONSENT_WITHDRAWN = (
        "the consent to deduct was withdrawn on 20 May 2025 and not renewed: BLOCKED_NO_CONSENT"
    )
    JOINT_LATE_SIGNATURE = "one joint holder signed 90 days late: life runs from the latest signature"
    AML_STRUCTURING = "cash deposits below 10,000 each month on days 4, 6 and 9: STRUCTURING, 60 points"
    AML_THRESHOLD = "cash 10,000.00 is a TTR on day 11, 9,999.99 on day 12 is not"
    AML_RAPID_IN_OUT = "20,000 in and 18,000 out within 72 hours each month: RAPID_IN_OUT"
    AML_DORMANT = "nothing client-initiated for 180 days, then 6,000 out each August: DORMANT"
    AML_JURISDICTION = "paid from MM in February and from XA in other quarters: JURISDICTION"
    AML_ROUND = "5,000, 6,000 and 7,000 within 30 days each month: ROUND"
    SANCTIONS_NAME = "the client's name matches the sanctions list: SANCTIONS"
    PEP_NAME = "the client's name matches the list of politically exposed persons: PEP"
    AML_VELOCITY = "60,000 in one day each quarter: VELOCITY"
    FEE_SCHEDULE_CHANGED = "the fee schedule changed on 16 September 2026: two part charges"
    CLOSED = "closed on 31 March 2025 without ever trading; the relationship ended"
    INCOME_HOLDER = "holds the bond, the term deposit and the weekly fund"
    CONSENT_TOO_SMALL = "the fixed amount consented to is A$1.00: BLOCKED_OVER_CONSENT"
    REFERENCE_DAY = "an agreed reference day replaces the anniversary"
    KYC_OVERDUE = "due diligence was never reviewed again: KYC overdue"
    LARGE_WHOLESALE = "a wholesale client of several million: exempt from consent, more than one fee tier"

    @property
    def place(self) -> int:
        """Place of the portfolio, counted from 0."""
        return list(Planted).index(self)

    @property
    def kind(self) -> str:
        """Short name."""
        return self.name


def is_planted(portfolio: Ints, *which: Planted) -> Flags:
    """Whether each portfolio (by place) is one of *which*."""
    return np.isin(portfolio, [each.place for each in which])


_MONTHLY = tuple(range(1, 13))
_QUARTERLY = (2, 5, 8, 11)
_MOVEMENTS: tuple[tuple[Planted, tuple[int, ...], int, str, int, bool, str | None, str | None], ...] = (
    (Planted.AML_STRUCTURING, _MONTHLY, 4, "DEPOSIT", 950_000, True, None, None),
    (Planted.AML_STRUCTURING, _MONTHLY, 6, "DEPOSIT", 890_000, True, None, None),
    (Planted.AML_STRUCTURING, _MONTHLY, 9, "DEPOSIT", 920_000, True, None, None),
    (Planted.AML_THRESHOLD, _QUARTERLY, 11, "DEPOSIT", 1_000_000, True, None, None),
    (Planted.AML_THRESHOLD, _QUARTERLY, 12, "DEPOSIT", 999_999, True, None, None),
    (Planted.AML_RAPID_IN_OUT, _MONTHLY, 7, "DEPOSIT", 2_000_000, False, None, "AU"),
    (Planted.AML_RAPID_IN_OUT, _MONTHLY, 8, "WITHDRAWAL", -1_800_000, False, None, "AU"),
    (Planted.AML_DORMANT, (8,), 12, "WITHDRAWAL", -600_000, False, None, "AU"),
    (Planted.AML_JURISDICTION, (2,), 17, "DEPOSIT", 750_000, False, "Emberfall Trading House", "MM"),
    (Planted.AML_JURISDICTION, (5, 8, 11), 17, "DEPOSIT", 750_000, False, "Quillon Freight", "XA"),
    (Planted.AML_ROUND, _MONTHLY, 3, "DEPOSIT", 500_000, False, None, "AU"),
    (Planted.AML_ROUND, _MONTHLY, 10, "DEPOSIT", 600_000, False, None, "AU"),
    (Planted.AML_ROUND, _MONTHLY, 17, "DEPOSIT", 700_000, False, None, "AU"),
    (Planted.AML_VELOCITY, _QUARTERLY, 14, "DEPOSIT", 6_000_000, False, None, "AU"),
)
"""Portfolio, months, day of the month, type, cents, in notes and coins, other party and its country."""

_FIRST_MONTH = date(2023, 3, 1)


def planted_movements(portfolios: int, until: date) -> pl.DataFrame:
    """The cash movements that the money-laundering typologies consist of.

    Args:
        portfolios: How many portfolios the tenant has; movements of others are left out.
        until: Last day.

    Returns:
        ``portfolio`` (place), ``on`` (date), ``type``, ``amount`` (signed cents, AUD),
        ``physical_currency``, ``counterparty_name``, ``counterparty_country``, ``kind``.
    """
    rows = [
        {
            "portfolio": planted.place, "months": list(months), "day": day, "type": kind, "amount": cents,
            "physical_currency": cash, "counterparty_name": party, "counterparty_country": country,
            "kind": planted.kind,
        }
        for planted, months, day, kind, cents, cash, party, country in _MOVEMENTS
    ]  # fmt: skip
    months = pl.date_range(_FIRST_MONTH, max(until, FIRST_DAY, _FIRST_MONTH), "1mo", eager=True).alias(
        "month"
    )
    return (
        pl.DataFrame(rows, infer_schema_length=None)
        .join(months.to_frame(), how="cross")
        .filter(pl.col("month").dt.month().cast(pl.Int64).is_in(pl.col("months")))
        .with_columns((pl.col("month") + pl.duration(days=pl.col("day") - 1)).alias("on"))
        .filter((pl.col("on") <= until) & (pl.col("portfolio") < portfolios))
        .drop("months", "day", "month")
        .sort("on", "portfolio")
    )
