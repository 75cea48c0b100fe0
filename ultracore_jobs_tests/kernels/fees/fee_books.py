"""Small books of fees: one tenant, terms and NAVs as text, so that a test shows only what it is about."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from ultracore_jobs.catalog import Dataset, conform
from ultracore_jobs.catalog.fees import CONSENTS, FEE_ARRANGEMENTS, FEE_SCHEDULES
from ultracore_jobs.catalog.holdings import CLIENTS, PORTFOLIOS
from ultracore_jobs.catalog.market import CALENDARS, XASX
from ultracore_jobs.kernels.fees.accrual import accrue_fees
from ultracore_jobs.kernels.fees.charges import charge_accruals
from ultracore_jobs.kernels.valuation import VALUATIONS

KNOWN = datetime(2025, 1, 1, tzinfo=UTC)
JUNE, JULY = date(2026, 6, 1), date(2026, 7, 1)
TWO_TIERS: tuple[tuple[str, str | None, str], ...] = (("0", "500000", "100"), ("500000", None, "60"))
"""Worked example of domain_rules 3.1: 0-500k at 100 bps, above at 60."""

Rows = Mapping[str, Any]


def table(dataset: Dataset, *rows: Rows) -> pl.DataFrame:
    """Rows of a contract; columns left out are null, or the usual ones of every given table."""
    usual = {"tenant_id": "acme", "known_at": KNOWN, "source": "test"}
    filled = [{name: {**usual, **row}.get(name) for name in dataset.schema} for row in rows]
    return conform(pl.DataFrame(filled, schema=dataset.schema, orient="row"), dataset)


def schedule(
    name: str = "FS-1", tiers: Sequence[tuple[str, str | None, str]] = TWO_TIERS, **terms: Any
) -> Rows:
    """A marginal management schedule in AUD that needs consent."""
    slices = [
        {"from": Decimal(low), "to": None if high is None else Decimal(high), "bps": Decimal(bps)}
        for low, high, bps in tiers
    ]
    minimum = terms.pop("annual_minimum", None)
    return {
        "fee_schedule_id": name,
        "fee_type": "MANAGEMENT",
        "ccy": "AUD",
        "tier_method": "marginal",
        "tiers": slices,
        "consent_required": True,
        "annual_minimum": None if minimum is None else Decimal(minimum),
        **terms,
    }


def schedules(*rows: Rows) -> pl.DataFrame:
    """`FEE_SCHEDULES`; the usual one if none is given."""
    return table(FEE_SCHEDULES, *(rows or [schedule()]))


def arrangement(name: str = "A-1", **terms: Any) -> Rows:
    """PF-1 of C-1 pays by FS-1 since 1 March 2025."""
    return {
        "arrangement_id": name,
        "client_id": "C-1",
        "portfolio_id": "PF-1",
        "fee_schedule_id": "FS-1",
        "entered_on": date(2025, 3, 1),
        "start_on": date(2025, 3, 1),
        **terms,
    }


def arrangements(*rows: Rows) -> pl.DataFrame:
    """`FEE_ARRANGEMENTS`; the usual one if none is given."""
    return table(FEE_ARRANGEMENTS, *(rows or [arrangement()]))


def portfolios(*names: str, **columns: Any) -> pl.DataFrame:
    """`PORTFOLIOS` in AUD, opened in 2025; PF-1 if none is named."""
    usual: dict[str, Any] = {"client_id": "C-1", "base_ccy": "AUD", "calendar_id": XASX, "status": "OPEN"}
    usual |= {"opened_on": date(2025, 3, 1), **columns}
    return table(PORTFOLIOS, *({**usual, "portfolio_id": name} for name in names or ["PF-1"]))


def clients(*, retail: bool = True, entity: str = "individual") -> pl.DataFrame:
    """`CLIENTS` with C-1."""
    row = {
        "client_id": "C-1", "legal_name": "A Client", "entity": entity, "retail": retail,
        "marginal_rate": 0.3, "risk_profile": "balanced", "kyc_risk": "LOW", "residency_country": "AU",
        "timezone": "Australia/Sydney",
    }  # fmt: skip
    return table(CLIENTS, row)


def calendar(first: date = date(2025, 3, 1), last: date = date(2027, 12, 31)) -> pl.DataFrame:
    """`CALENDARS` of XASX: every weekday is a session."""
    days = (first + timedelta(days=place) for place in range((last - first).days + 1))
    return table(
        CALENDARS,
        *({"calendar_id": XASX, "date": day, "is_business_day": day.weekday() < 5} for day in days),
    )


CALENDAR = calendar()


def nav(day: date, amount: str | None, portfolio_id: str = "PF-1", **columns: Any) -> Rows:
    """One valuation before fees; without an amount it is INCOMPLETE."""
    value = None if amount is None else Decimal(amount)
    usual: dict[str, Any] = {
        "as_of_date": day, "portfolio_id": portfolio_id, "valuation_id": "val_x", "base_ccy": "AUD",
        "status": "INCOMPLETE" if value is None else "COMPLETE", "nav": value, "nav_aud": value,
        "accrued_fees_base": Decimal(0), "lines": 0, "stale_lines": 0,
    }  # fmt: skip
    return usual | columns


def valuations(*rows: Rows) -> pl.DataFrame:
    """`VALUATIONS`."""
    return table(VALUATIONS, *rows)


def steady(amount: str, first: date = date(2026, 5, 29), last: date = date(2026, 7, 31)) -> pl.DataFrame:
    """The same NAV on every weekday."""
    days = (first + timedelta(days=place) for place in range((last - first).days + 1))
    return valuations(*(nav(day, amount) for day in days if day.weekday() < 5))


def accrued(navs: pl.DataFrame, **given: Any) -> pl.DataFrame:
    """`FEE_ACCRUALS` of June 2026, or of what is *given*."""
    usual: dict[str, Any] = {
        "fee_arrangements": arrangements(),
        "fee_schedules": schedules(),
        "portfolios": portfolios(),
        "calendars": CALENDAR,
        "start": JUNE,
        "end": JULY,
    }
    return accrue_fees(valuations=navs, **(usual | given))


def charged(navs: pl.DataFrame, **given: Any) -> pl.DataFrame:
    """`FEE_CHARGES` of June 2026, or of what is *given*."""
    arranged = given.get("fee_arrangements", arrangements())
    scheduled = given.get("fee_schedules", schedules())
    return charge_accruals(accrued(navs, **given), fee_arrangements=arranged, fee_schedules=scheduled)


def consent(name: str, signed_on: date, kind: str = "DEDUCTION", **columns: Any) -> Rows:
    """A consent of holder H-1 to A-1, by method, up to A$100,000.00."""
    amount = columns.pop("consented_amount", "100000")
    usual = {
        "consent_id": name, "arrangement_id": "A-1", "account_id": "PF-1-CASH", "kind": kind,
        "holder_id": "H-1", "signed_on": signed_on, "basis": "method", "fee_schedule_id": "FS-1",
        "document_hash": "0" * 64, "consented_amount": Decimal(amount),
    }  # fmt: skip
    return usual | columns


def consents(*rows: Rows) -> pl.DataFrame:
    """`CONSENTS`."""
    return table(CONSENTS, *rows)
