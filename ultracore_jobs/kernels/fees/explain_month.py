"""One portfolio's month of fees, taken apart for its explanation: its own rows, terms, ledger and cash."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from ultracore_jobs.kernels.explained import Row, RowExplainer, rows_where
from ultracore_jobs.kernels.fees.crystallisation import crystallised_fees
from ultracore_jobs.kernels.fees.explain_terms import period_of
from ultracore_jobs.kernels.fees.performance import Crystallisation, HurdleType
from ultracore_jobs.kernels.fees.standing import Standing, standing_charges
from ultracore_jobs.kernels.fees.tables import FEE_CHARGES, FEE_TYPES


@dataclass(frozen=True, kw_only=True)
class Month:
    """What a fee run knew of one portfolio, and what it decided.

    Attributes:
        tenant: Owner of the portfolio.
        start: First day of the month.
        end: First day after it.
        known_at: Instant for which consents and cash were tested.
        timezone: IANA zone of the tenant.
        fee_charges: Its `FEE_CHARGES` as stored.
        fee_accruals: Its `FEE_ACCRUALS`.
        fee_adjustments: Its `ADJUSTMENTS`.
        fee_arrangements: Its `FEE_ARRANGEMENTS`.
        fee_schedules: `FEE_SCHEDULES`.
        consents: `CONSENTS` of its arrangements.
        clients: `CLIENTS`.
        valuations: Its `VALUATIONS`.
        performance_accruals: Its `PERFORMANCE_ACCRUALS`.
        fees: What `fees_in_ledger` says of it.
        moves: Its movements of cash, the ledger's among them.
        gst: Rate of GST as a fraction.
        tolerance: By how much charges may exceed an estimate, as a fraction.
        hurdle_type: Where a schedule does not say.
        crystallisation: Where a schedule does not say.
    """

    tenant: str
    start: date
    end: date
    known_at: datetime
    timezone: str
    fee_charges: pl.DataFrame
    fee_accruals: pl.DataFrame
    fee_adjustments: pl.DataFrame
    fee_arrangements: pl.DataFrame
    fee_schedules: pl.DataFrame
    consents: pl.DataFrame
    clients: pl.DataFrame
    valuations: pl.DataFrame
    performance_accruals: pl.DataFrame
    fees: pl.DataFrame
    moves: pl.DataFrame
    gst: Decimal
    tolerance: Decimal
    hurdle_type: HurdleType
    crystallisation: Crystallisation

    @property
    def on(self) -> date:
        """The tenant's day on which consents and cash were tested."""
        return self.known_at.astimezone(ZoneInfo(self.timezone)).date()

    @cached_property
    def standing(self) -> Standing:
        """The charges of the month that the ledger held already."""
        return standing_charges(
            self.fees, tenant=self.tenant, start=self.start, end=self.end, fee_types=FEE_TYPES
        )

    @cached_property
    def shared(self) -> pl.DataFrame:
        """The performance fees of the days on which some of them became a charge: `PERFORMANCE_FEES`."""
        marks = self.fees.filter(pl.col("mark_unit").is_not_null()).select(
            "portfolio_id",
            "marked_on",
            "mark_unit",
            pl.col("as_of_date").alias("deducted_on"),
            # What was refused is owed by nobody.
            pl.when(pl.col("outcome") == "POSTED").then("fee_ex_gst").otherwise(0).alias("fee_ex_gst"),
        )
        return crystallised_fees(
            performance_accruals=self.performance_accruals,
            valuations=self.valuations,
            marks=marks,
            fee_arrangements=self.fee_arrangements,
            fee_schedules=self.fee_schedules,
            start=self.start,
            end=self.end,
            hurdle_type=self.hurdle_type,
            crystallisation=self.crystallisation,
        )

    def page_of(self, charge: Row) -> RowExplainer:
        """A page for one charge."""
        return RowExplainer(FEE_CHARGES, charge, label_of(charge), charge["ccy"], "3")

    def runs_of(self, charge: Row) -> list[dict[str, Any]]:
        """The accruals that a charge on assets is the sum of."""
        return rows_where(
            self.fee_accruals,
            arrangement_id=charge["arrangement_id"],
            fee_type=charge["fee_type"],
            period_start=charge["period_start"],
            period_end=charge["period_end"],
        )


def label_of(charge: Row) -> str:
    """A charge for people."""
    period = period_of(charge["period_start"], charge["period_end"])
    return f"{charge['fee_type'].lower()} fee {charge['arrangement_id']}, {period}"
