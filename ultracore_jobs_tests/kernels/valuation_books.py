"""Small books of a tenant, written one line at a time, and valued with every law checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from ultracore_jobs.catalog import Dataset, conform
from ultracore_jobs.catalog.fees import FEE_ARRANGEMENTS, FEE_SCHEDULES
from ultracore_jobs.catalog.holdings import LOTS, PORTFOLIOS, TRANSACTIONS
from ultracore_jobs.catalog.ledger import LEDGER_DECISIONS, LEDGER_ENTRIES
from ultracore_jobs.catalog.market import (
    CALENDARS,
    CORPORATE_ACTIONS,
    FX_RATES,
    INSTRUMENTS,
    NSW,
    PRICES,
    TARGET,
    XASX,
    XNYS,
)
from ultracore_jobs.jobs.spec import call_by_name
from ultracore_jobs.jobs.types.portfolio_valuation import JOB, ValuationParameters
from ultracore_jobs.kernels.fees.tables import FEE_MEMORY
from ultracore_jobs.kernels.gates import Severity
from ultracore_jobs.kernels.valuation import VALUATIONS, ValuationTables, value_portfolios
from ultracore_jobs_tests.kernels.market_tables import calendar

DAY = date(2026, 11, 20)
"""A Friday, and a session everywhere."""
KNOWN = datetime(2026, 11, 20, 22, 30, tzinfo=UTC)
TENANT = "acacia"
RECENT = next(read.columns for read in JOB.inputs if read.argument == "recent_valuations")
"""The columns of an earlier valuation that the job reads."""

Row = dict[str, Any]


@dataclass
class Books:
    """Tables under construction; every method adds rows and says which."""

    rows: dict[str, list[Row]] = field(default_factory=dict)
    calendars: pl.DataFrame = field(default_factory=lambda: calendar(XNYS, XASX, TARGET, NSW))

    def add(self, table: str, row: Row, *, tenant: str = "shared") -> None:
        """One row of a given table."""
        given = {"tenant_id": tenant, "known_at": KNOWN, "source": "test"}
        self.rows.setdefault(table, []).append({**given, **row})

    def portfolio(self, portfolio_id: str = "PF-1", base: str = "AUD", **columns: Any) -> None:
        """A portfolio, open since January."""
        row = {"client_id": "C-1", "calendar_id": XASX, "opened_on": date(2026, 1, 1), "status": "OPEN"}
        self.add(
            "portfolios", {"portfolio_id": portfolio_id, "base_ccy": base, **row, **columns}, tenant=TENANT
        )

    def instrument(
        self, instrument_id: str = "I-1", ccy: str = "AUD", exchange: str = XASX, **columns: Any
    ) -> None:
        """A share, unless the columns say otherwise."""
        row = {
            "symbol": instrument_id, "type": "EQUITY", "price_factor": "1", "lot_size": "1",
            "asset_class": "EQUITY", "issuer_id": "X", "ccy": ccy, "exchange": exchange,
        }  # fmt: skip
        self.add("instruments", {"instrument_id": instrument_id, **row, **columns})

    def price(self, close: str, instrument_id: str = "I-1", on: date = DAY, status: str = "OK") -> None:
        """A close."""
        row = {"instrument_id": instrument_id, "price_date": on, "close": close, "status": status}
        self.add("prices", row)

    def fixing(self, ccy: str, rate: str, on: date = DAY, **columns: Any) -> None:
        """An ECB fixing: units of *ccy* for one euro."""
        row = {"rate_date": on, "base_ccy": "EUR", "quote_ccy": ccy, "rate": rate, "status": "OK"}
        self.add("fx_rates", {**row, "source": "ECB", **columns})

    def majors(self, on: date = DAY) -> None:
        """EURAUD 1.65, EURUSD 1.10, EURJPY 165: a US dollar is A$1.50, a yen one cent."""
        for ccy, rate in (("AUD", "1.65"), ("USD", "1.10"), ("JPY", "165"), ("KWD", "0.33")):
            self.fixing(ccy, rate, on)

    def action(
        self, action_id: str, kind: str, ex_on: date, instrument_id: str = "I-1", **columns: Any
    ) -> None:
        """A split or a dividend."""
        row = {"action_id": action_id, "instrument_id": instrument_id, "type": kind, "ex_on": ex_on}
        self.add("corporate_actions", {**row, **columns})

    def move(self, amount: str, kind: str = "DEPOSIT", on: date = DAY, **columns: Any) -> None:
        """A transaction; deposits, withdrawals and transfers are external flows."""
        number = len(self.rows.get("transactions", ())) + 1
        row = {
            "transaction_id": f"T-{number}", "portfolio_id": "PF-1", "client_id": "C-1", "type": kind,
            "at": KNOWN, "trade_on": on, "ccy": "AUD", "amount": amount, "client_initiated": True,
            "external_flow": kind in {"DEPOSIT", "WITHDRAWAL", "TRANSFER_IN", "TRANSFER_OUT"},
            "physical_currency": False,
        }  # fmt: skip
        self.add("transactions", {**row, **columns}, tenant=TENANT)

    def lot(self, qty: str, cost: str = "1000", on: date = DAY, **columns: Any) -> None:
        """A state of a parcel, acquired and effective on one day unless the columns say otherwise."""
        number = len(self.rows.get("lots", ())) + 1
        row = {
            "lot_id": f"L-{number}", "portfolio_id": "PF-1", "instrument_id": "I-1", "acquired_on": on,
            "effective_on": on, "qty_open": qty, "cost_base_aud": cost, "reduced_cost_base_aud": cost,
        }  # fmt: skip
        self.add("lots", {**row, **columns}, tenant=TENANT)

    def buy(self, qty: str, price: str, on: date = DAY, cost: str | None = None, **columns: Any) -> None:
        """A purchase without brokerage, and its lot; the cost base is the amount unless given."""
        amount = Decimal(qty) * Decimal(price)
        where = {name: columns[name] for name in ("portfolio_id", "instrument_id") if name in columns}
        trade = {"instrument_id": "I-1", "qty": qty, "price": price, **columns}
        self.move(str(-amount), "BUY" if amount >= 0 else "SELL", on, **trade)
        self.lot(qty, cost or str(amount), on, **where)

    def holding(self, qty: str, price: str = "10", **columns: Any) -> None:
        """Units bought on the day with money paid in on the day, so that cash is what it was."""
        amount = str(Decimal(qty) * Decimal(price))
        paid_in = {name: columns[name] for name in ("portfolio_id", "ccy", "on") if name in columns}
        self.move(amount, **paid_in)
        self.buy(qty, price, **columns)

    def tables(self) -> dict[str, pl.DataFrame]:
        """Every given table the valuation reads, conforming where the rows do."""
        given = (
            PORTFOLIOS, LOTS, TRANSACTIONS, INSTRUMENTS, PRICES, FX_RATES, CORPORATE_ACTIONS,
            FEE_ARRANGEMENTS, FEE_SCHEDULES, LEDGER_DECISIONS, LEDGER_ENTRIES,
        )  # fmt: skip
        tables = {dataset.name: table_of(dataset, self.rows.get(dataset.name, [])) for dataset in given}
        return {**tables, CALENDARS.name: self.calendars}

    def value(
        self,
        on: date = DAY,
        previous: pl.DataFrame | None = None,
        stored: pl.DataFrame | None = None,
        *,
        memory: pl.DataFrame | None = None,
        recent: pl.DataFrame | None = None,
        **parameters: Any,
    ) -> ValuationTables:
        """The valuation of a day, after its tables were held against their contracts and laws.

        Recent valuations are those of the previous day, unless given.
        """
        nothing = VALUATIONS.empty()
        checked = dict(ValuationParameters(**parameters))
        available = {
            **self.tables(),
            "previous_valuations": nothing if previous is None else previous,
            "stored_valuations": nothing if stored is None else stored,
            "previous_fee_memory": FEE_MEMORY.empty() if memory is None else memory,
            "recent_valuations": next(
                frame for frame in (recent, previous, nothing) if frame is not None
            ).select(RECENT),
            "as_of": on,
            "tenant": TENANT,
            **checked,
        }
        valued: ValuationTables = call_by_name(value_portfolios, available)
        for dataset in JOB.writes:
            conform(valued._asdict()[dataset.name], dataset)
        for gate in JOB.gates:
            if gate.severity is Severity.LAW:
                broken = call_by_name(gate.broken, {**available, **valued._asdict()})
                assert broken.is_empty(), f"{gate.name}: {broken.to_dicts()}"
        return valued


def table_of(dataset: Dataset, rows: list[Row]) -> pl.DataFrame:
    """Rows as a table; decimals may be written as text, what is left out is null."""
    if not rows:
        return dataset.empty()
    frame = pl.DataFrame(
        {name: [row.get(name) for row in rows] for name in dataset.schema},
        schema_overrides={
            name: pl.String if isinstance(dtype, pl.Decimal) else dtype
            for name, dtype in dataset.schema.items()
        },
    )
    return frame.cast(dataset.schema)


def valuation(valued: ValuationTables, portfolio_id: str = "PF-1") -> Row:
    """The row of one portfolio."""
    return valued.valuations.row(by_predicate=pl.col("portfolio_id") == portfolio_id, named=True)


def line(valued: ValuationTables, line_key: str, portfolio_id: str = "PF-1") -> Row:
    """One line of one portfolio."""
    found = (pl.col("portfolio_id") == portfolio_id) & (pl.col("line_key") == line_key)
    return valued.valuation_lines.row(by_predicate=found, named=True)


def sessions_before(count: int, day: date = DAY) -> date:
    """The weekday *count* weekdays before *day*."""
    while count:
        day -= timedelta(days=1)
        count -= day.weekday() < 5
    return day


def reject_reasons(valued: ValuationTables) -> set[tuple[str, str]]:
    """Table and reason of every row set aside."""
    return set(valued.quarantine.select("table_name", "reason").iter_rows())


def money(amounts: Mapping[str, Any]) -> dict[str, Decimal]:
    """Amounts as decimals."""
    return {name: Decimal(amount) for name, amount in amounts.items()}
