"""Books of a tenant whose portfolios pay fees: terms, what the ledger decided, one day after the other."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from ultracore_jobs.catalog.market import NSW, TARGET, XASX, XNYS
from ultracore_jobs.kernels.fees.tables import FEE_MEMORY
from ultracore_jobs.kernels.valuation import VALUATIONS, ValuationTables
from ultracore_jobs_tests.kernels.market_tables import calendar
from ultracore_jobs_tests.kernels.valuation_books import RECENT, TENANT, Books, Row, valuation

JUNE, LAST_OF_JUNE, JULY = date(2026, 6, 1), date(2026, 6, 30), date(2026, 7, 1)
TWO_TIERS: tuple[tuple[str, str | None, str], ...] = (("0", "500000", "100"), ("500000", None, "60"))
"""Worked example of domain_rules 3.1: 0-500k at 100 bps, above at 60; on 600,000 that is 5,600 a year."""


@dataclass
class FeeBooks(Books):
    """Books with fees; `walk` values one day after the other, each with the memory of the one before."""

    decided: int = 0
    calendars: pl.DataFrame = field(
        default_factory=lambda: calendar(XNYS, XASX, TARGET, NSW, first=date(2026, 4, 1))
    )

    def schedule(
        self,
        name: str = "FS-1",
        tiers: Sequence[tuple[str, str | None, str]] = TWO_TIERS,
        **terms: Any,
    ) -> None:
        """A marginal management schedule in AUD."""
        slices = [
            {"from": Decimal(low), "to": None if high is None else Decimal(high), "bps": Decimal(bps)}
            for low, high, bps in tiers
        ]
        row = {
            "fee_schedule_id": name, "fee_type": "MANAGEMENT", "ccy": "AUD", "tier_method": "marginal",
            "tiers": slices, "consent_required": True,
        }  # fmt: skip
        self.add("fee_schedules", {**row, **terms}, tenant=TENANT)

    def performance(self, name: str = "FS-P", **terms: Any) -> None:
        """A fifth of the gain above a hard hurdle of five per cent, as in domain_rules 3.4."""
        usual = {"fee_type": "PERFORMANCE", "perf_rate": 0.20, "hurdle_annual": 0.05, "hurdle_type": "hard"}
        self.schedule(name, (), **{**usual, **terms})

    def arrangement(self, name: str = "A-1", fee_schedule_id: str = "FS-1", **terms: Any) -> None:
        """PF-1 pays by a schedule since 1 January."""
        begun = date(2026, 1, 1)
        row = {
            "arrangement_id": name, "client_id": "C-1", "portfolio_id": "PF-1",
            "fee_schedule_id": fee_schedule_id, "entered_on": begun, "start_on": begun,
        }  # fmt: skip
        self.add("fee_arrangements", {**row, **terms}, tenant=TENANT)

    def decide(self, on: date, total: str = "0", *, outcome: str = "POSTED", **told: Any) -> None:
        """A decision about a fee; what is posted leaves the cash of its portfolio."""
        self.decided += 1
        name = f"chg_{self.decided}"
        fee_type = told.get("fee_type", "MANAGEMENT")
        ccy = told.pop("ccy", "AUD")
        payload = {
            "charge_id": name, "portfolio_id": "PF-1", "client_id": "C-1", "arrangement_id": "A-1",
            "fee_type": fee_type, "total": total, **told,
        }  # fmt: skip
        seq = 10 * self.decided
        common = {"decision_id": name, "kind": f"{fee_type}_FEE", "as_of_date": on, "ccy": ccy}
        row = {
            "job_id": "job_1",
            "amount": total,
            "payload": json.dumps(payload),
            "batch_id": "b",
            "seq": seq,
        }
        self.add("ledger_decisions", {**common, **row, "outcome": outcome, "actor": "test"}, tenant=TENANT)
        if outcome == "POSTED" and Decimal(total):
            sides = ((f"cash:{payload['portfolio_id']}", -Decimal(total)), ("fee_income", Decimal(total)))
            for number, (account, amount) in enumerate(sides, start=1):
                entry = {
                    "entry_id": f"{name}:{number}",
                    "account": account,
                    "amount": str(amount),
                    "seq": seq,
                }
                self.add("ledger_entries", {**common, **entry}, tenant=TENANT)

    def charge(self, on: date, fee: str, gst: str, fee_days: str, **told: Any) -> None:
        """A charge for June, posted on a day."""
        period = {"period_start": "2026-06-01", "period_end": "2026-07-01"}
        total = str(Decimal(fee) + Decimal(gst))
        self.decide(
            on, total, **{**period, "fee_ex_gst": fee, "gst": gst, "settled_fee_days": fee_days, **told}
        )

    def walk(
        self, *days: date, after: Sequence[ValuationTables] = (), **parameters: Any
    ) -> list[ValuationTables]:
        """Value *days* in order, after others; every table and law is checked on each."""
        walked = list(after)
        for day in days:
            earlier = [valued.valuations.select(RECENT) for valued in walked]
            today = self.value(
                day,
                walked[-1].valuations if walked else VALUATIONS.empty(),
                memory=walked[-1].fee_memory if walked else FEE_MEMORY.empty(),
                recent=pl.concat([VALUATIONS.empty().select(RECENT), *earlier]),
                **parameters,
            )
            walked.append(today)
        return walked[len(after) :]


def paying(cash: str = "600000", base: str = "AUD", ccy: str | None = None, **terms: Any) -> FeeBooks:
    """PF-1 with cash paid in at the end of May, paying a management fee; rates of `majors` all along."""
    books = FeeBooks()
    books.portfolio(base=base)
    books.schedule(**terms)
    books.arrangement()
    books.move(cash, on=date(2026, 5, 29), ccy=ccy or base)
    for day in weekdays(date(2026, 5, 29), date(2026, 8, 31)):
        books.majors(day)
    return books


def weekdays(first: date, last: date) -> Iterator[date]:
    """Every Monday to Friday from *first* to *last*."""
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        if day.weekday() < 5:
            yield day


def rows(walked: Sequence[ValuationTables], portfolio_id: str = "PF-1") -> list[Row]:
    """The row of one portfolio on each day."""
    return [valuation(valued, portfolio_id) for valued in walked]
