"""The worked example of domain_rules 3 as tables: thirty days of A$600,000, charged with consent."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from ultracore_jobs.catalog import Dataset
from ultracore_jobs.catalog.columns import MONEY
from ultracore_jobs.catalog.fees import CONSENTS, FEE_ARRANGEMENTS, FEE_SCHEDULES
from ultracore_jobs.catalog.holdings import CLIENTS, PORTFOLIOS, TRANSACTIONS
from ultracore_jobs.catalog.ledger import LEDGER_DECISIONS, LEDGER_ENTRIES
from ultracore_jobs.catalog.market import CALENDARS, XASX
from ultracore_jobs.jobs.spec import Example
from ultracore_jobs.kernels.high_water_mark import HIGH_WATER_MARKS
from ultracore_jobs.kernels.valuation import VALUATIONS
from ultracore_jobs.kernels.valuation.tables import PERFORMANCE_ACCRUALS

_JUNE, _JULY = date(2026, 6, 1), date(2026, 7, 1)
_KNOWN = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
_SATURDAY = 5
_NAV = (
    "as_of_date",
    "portfolio_id",
    "base_ccy",
    "status",
    "nav",
    "nav_aud",
    "aud_rate",
    "accrued_fees_base",
    "units",
    "flow_base",
)


def fee_example() -> Example:
    """One portfolio with consent, one without: 460.27 and 46.03 each; the second is blocked."""
    return Example(
        text="A$600,000 on each of the 30 days of June, 100 bps up to 500,000 and 60 above: A$5,600 a year, "
        "5,600 x 30 / 365 = 460.27, GST 46.03, total 506.30. PF-1 has signed; PF-2 has not, and is blocked.",
        as_of=_JUNE,
        known_at=_KNOWN,
        inputs={
            "portfolios": _portfolios(),
            "clients": _clients(),
            "fee_arrangements": _arrangements(),
            "fee_schedules": _schedule(),
            "consents": _consents(),
            "valuations": _valuations(),
            "performance_accruals": PERFORMANCE_ACCRUALS.empty(),
            "high_water_marks": HIGH_WATER_MARKS.empty().select("as_of_date", "portfolio_id"),
            "calendars": _calendar(),
            "transactions": _cash(),
            "ledger_decisions": LEDGER_DECISIONS.empty(),
            "ledger_entries": LEDGER_ENTRIES.empty(),
        },
        expected={
            "fee_charges": pl.DataFrame(
                {
                    "portfolio_id": ["PF-1", "PF-2"],
                    "fee_ex_gst": [Decimal("460.27")] * 2,
                    "gst": [Decimal("46.03")] * 2,
                    "total": [Decimal("506.30")] * 2,
                    "status": ["DUE", "BLOCKED"],
                    "reason": [None, "BLOCKED_NO_CONSENT: NOT_SIGNED"],
                },
                schema_overrides=dict.fromkeys(("fee_ex_gst", "gst", "total"), MONEY),
            )
        },
    )


def _rows(dataset: Dataset, *rows: dict[str, Any]) -> pl.DataFrame:
    usual = {"tenant_id": "acacia", "known_at": datetime(2026, 1, 5, tzinfo=UTC), "source": "example"}
    filled = [{name: {**usual, **row}.get(name) for name in dataset.schema} for row in rows]
    return pl.DataFrame(filled, schema=dataset.schema, orient="row")


def _portfolios() -> pl.DataFrame:
    usual = {
        "client_id": "C-1", "base_ccy": "AUD", "calendar_id": XASX, "status": "OPEN",
        "opened_on": date(2025, 3, 1),
    }  # fmt: skip
    return _rows(PORTFOLIOS, *({**usual, "portfolio_id": name} for name in ("PF-1", "PF-2")))


def _clients() -> pl.DataFrame:
    return _rows(
        CLIENTS,
        {
            "client_id": "C-1", "legal_name": "A Client", "entity": "individual", "retail": True,
            "marginal_rate": 0.3, "risk_profile": "balanced", "kyc_risk": "LOW", "residency_country": "AU",
            "timezone": "Australia/Sydney",
        },
    )  # fmt: skip


def _schedule() -> pl.DataFrame:
    limit = Decimal(500_000)
    tiers = [
        {"from": Decimal(0), "to": limit, "bps": Decimal(100)},
        {"from": limit, "to": None, "bps": Decimal(60)},
    ]
    return _rows(
        FEE_SCHEDULES,
        {
            "fee_schedule_id": "FS-1", "fee_type": "MANAGEMENT", "ccy": "AUD", "tier_method": "marginal",
            "tiers": tiers, "consent_required": True,
        },
    )  # fmt: skip


def _arrangements() -> pl.DataFrame:
    usual = {
        "client_id": "C-1", "fee_schedule_id": "FS-1", "entered_on": date(2026, 3, 1),
        "start_on": date(2026, 3, 1),
    }  # fmt: skip
    return _rows(
        FEE_ARRANGEMENTS,
        {**usual, "arrangement_id": "A-1", "portfolio_id": "PF-1"},
        {**usual, "arrangement_id": "A-2", "portfolio_id": "PF-2"},
    )


def _consents() -> pl.DataFrame:
    usual = {
        "arrangement_id": "A-1", "account_id": "PF-1-CASH", "holder_id": "C-1-H1", "basis": "method",
        "signed_on": date(2026, 3, 1), "consented_amount": Decimal(6_500), "fee_schedule_id": "FS-1",
        "document_hash": "0" * 64,
    }  # fmt: skip
    return _rows(
        CONSENTS,
        {**usual, "consent_id": "CON-1", "kind": "OFA"},
        {**usual, "consent_id": "CON-2", "kind": "DEDUCTION"},
    )


def _valuations() -> pl.DataFrame:
    worth = Decimal(600_000)
    value = {
        "base_ccy": "AUD", "status": "COMPLETE", "nav": worth, "nav_aud": worth, "units": worth,
        "accrued_fees_base": Decimal(0), "flow_base": Decimal(0),
        "aud_rate": Decimal(1),
    }  # fmt: skip
    days = [day for day in _days(_JUNE, _JULY) if day.weekday() < _SATURDAY]
    return _rows(
        VALUATIONS,
        *({**value, "as_of_date": day, "portfolio_id": name} for day in days for name in ("PF-1", "PF-2")),
    ).select(_NAV)


def _calendar() -> pl.DataFrame:
    days = _days(date(2026, 5, 18), date(2026, 7, 20))
    return _rows(
        CALENDARS,
        *(
            {
                "tenant_id": "shared",
                "calendar_id": XASX,
                "date": day,
                "is_business_day": day.weekday() < _SATURDAY,
            }
            for day in days
        ),
    )


def _cash() -> pl.DataFrame:
    usual = {
        "client_id": "C-1", "type": "DEPOSIT", "at": datetime(2026, 3, 2, tzinfo=UTC), "ccy": "AUD",
        "trade_on": date(2026, 3, 2), "settle_on": date(2026, 3, 2), "amount": Decimal(600_000),
        "external_flow": True, "client_initiated": True, "physical_currency": False,
    }  # fmt: skip
    return _rows(
        TRANSACTIONS,
        {**usual, "transaction_id": "T-1", "portfolio_id": "PF-1"},
        {**usual, "transaction_id": "T-2", "portfolio_id": "PF-2"},
    )


def _days(first: date, end: date) -> list[date]:
    return [first + timedelta(days=place) for place in range((end - first).days)]
