"""Every law of a valuation notices when it is broken."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

import polars as pl
import pytest

from ultracore_jobs.jobs.spec import call_by_name
from ultracore_jobs.jobs.types.portfolio_valuation import JOB, ValuationParameters
from ultracore_jobs.kernels.valuation import VALUATIONS
from ultracore_jobs_tests.kernels.fee_paying_books import FeeBooks
from ultracore_jobs_tests.kernels.valuation_books import DAY, RECENT, sessions_before

EVE = sessions_before(1)
GATES = {gate.name: gate for gate in JOB.gates}

Change = Callable[[pl.DataFrame], pl.DataFrame]


def books() -> FeeBooks:
    """A share bought the day before, one that is stale, some yen, and a deposit on the day."""
    made = FeeBooks()
    made.portfolio()
    made.instrument()
    made.instrument("I-2")
    made.price("10", on=EVE)
    made.price("11")
    made.price("5", "I-2", EVE)
    made.holding("100", "10", on=EVE)
    made.holding("20", "5", on=EVE, instrument_id="I-2")
    made.move("3000", on=EVE, ccy="JPY")
    made.move("40")
    made.majors(EVE)
    made.majors()
    return made


def with_fees(made: FeeBooks) -> FeeBooks:
    """The same books, paying 1% a year and a fifth of the gain; there was a charge, and a mark was moved."""
    made.schedule(tiers=(("0", "1000", "100"), ("1000", None, "50")))
    made.arrangement()
    made.performance(hurdle_annual=None)
    made.arrangement("A-2", "FS-P")
    period = {"period_start": "2026-11-01", "period_end": "2026-12-01"}
    made.decide(DAY, "1.00", settled_fee_days="10", **period)
    moved = {"fee_type": "PERFORMANCE", "mark_unit": "1.02", "marked_on": EVE.isoformat()}
    made.decide(DAY, "0", arrangement_id="A-2", **moved)
    return made


@cache
def two_days() -> dict[str, Any]:
    """Everything a law may ask for about the second of two days."""
    made = with_fees(books())
    before, today = made.walk(EVE, DAY)
    return {
        **made.tables(),
        **today._asdict(),
        **dict(ValuationParameters()),
        "previous_valuations": before.valuations,
        "recent_valuations": before.valuations.select(RECENT),
        "previous_fee_memory": before.fee_memory,
        "as_of": DAY,
        "tenant": "acacia",
    }


def found(gate: str, table: str | None = None, change: Change | None = None) -> list[dict[str, Any]]:
    """What a law says after one table was tampered with."""
    available = dict(two_days())
    if table is not None and change is not None:
        available[table] = change(available[table])
    broken: pl.DataFrame = call_by_name(GATES[gate].broken, available)
    return broken.to_dicts()


def with_value(column: str, value: Any, where: pl.Expr | None = None) -> Change:
    """Set a column, on some rows."""

    def change(frame: pl.DataFrame) -> pl.DataFrame:
        new = pl.lit(value).cast(frame.schema[column])
        chosen = new if where is None else pl.when(where).then(new).otherwise(column)
        return frame.with_columns(chosen.alias(column))

    return change


IS_SHARE = pl.col("line_key") == "I-1"


def emptied(frame: pl.DataFrame) -> pl.DataFrame:
    """No rows."""
    return frame.clear()


def dearer(valuations: pl.DataFrame) -> pl.DataFrame:
    """Ten cents too much."""
    dime = pl.lit("0.10").cast(valuations.schema["nav"])
    return valuations.with_columns(
        (pl.col("nav") + dime).cast(valuations.schema["nav"]).alias("nav"),
    )


@pytest.mark.parametrize("gate", sorted(GATES))
def test_a_sound_valuation_keeps_the_law(gate: str) -> None:
    """Nothing was touched."""
    assert found(gate) == []


TAMPERED: list[tuple[str, str, Change]] = [
    ("nav_reconciled", "valuations", with_value("nav", "1270.01")),
    ("nav_reconciled", "valuations", with_value("cash_base", "0")),
    ("nav_reconciled", "valuations", with_value("accrued_fees_base", "1")),
    ("nav_reconciled", "valuations", with_value("status", "INCOMPLETE")),
    ("nav_reconciled", "valuation_lines", with_value("mv_base", None, IS_SHARE)),
    ("nav_reconciled", "valuation_lines", with_value("mv_base", "1100.01", IS_SHARE)),
    ("positions_match_ledger", "valuation_lines", with_value("qty", "100.00001", IS_SHARE)),
    ("positions_match_ledger", "valuation_lines", lambda lines: lines.filter(~IS_SHARE)),
    ("positions_match_ledger", "transactions", lambda moves: moves.filter(pl.col("qty").is_null())),
    ("stale_prices_flagged", "valuation_lines", with_value("price_status", "FRESH")),
    ("stale_prices_flagged", "valuation_lines", with_value("stale_business_days", None)),
    ("stale_prices_flagged", "valuation_lines", with_value("stale_business_days", 26)),
    ("stale_prices_flagged", "valuation_lines", with_value("price_status", "MISSING_PRICE")),
    ("stale_prices_flagged", "valuations", with_value("flags", None)),
    ("no_short_positions", "valuation_lines", with_value("qty", "-100", IS_SHARE)),
    ("one_row_per_open_portfolio", "valuations", lambda rows: rows.clear()),
    ("one_row_per_open_portfolio", "valuations", lambda rows: pl.concat([rows, rows])),
    ("one_row_per_open_portfolio", "portfolios", with_value("closed_on", DAY)),
    ("nav_moves_explained", "valuations", with_value("nav", "1270.10")),
    ("nav_moves_explained", "valuation_lines", with_value("fx", "0.02", pl.col("ccy") == "JPY")),
    ("nav_moves_explained", "valuation_lines", with_value("mv_base", "1101", IS_SHARE)),
    ("units_consistent", "valuations", with_value("units", "1150")),
    ("units_consistent", "valuations", with_value("nav_per_unit_base", "1.1")),
    ("units_consistent", "valuations", with_value("flow_base", "41")),
    ("units_consistent", "valuations", with_value("status", "INCOMPLETE")),
    ("units_consistent", "previous_valuations", with_value("units", "1150")),
    ("units_consistent", "valuations", with_value("first_on", DAY)),
    ("nav_moves_explained", "ledger_entries", emptied),
    ("nav_moves_explained", "valuations", with_value("accrued_fees_base", "0")),
    ("accrued_fees_reconciled", "valuations", with_value("accrued_fees_base", "0.01")),
    ("accrued_fees_reconciled", "valuations", with_value("accrued_fees_base", None)),
    ("accrued_fees_reconciled", "valuations", with_value("status", "INCOMPLETE")),
    ("accrued_fees_reconciled", "valuations", emptied),
    ("accrued_fees_reconciled", "fee_memory", with_value("accrued_base", "0.01")),
    ("accrued_fees_reconciled", "fee_memory", with_value("accrued_base", None)),
    ("accrued_fees_reconciled", "fee_memory", with_value("accrued", "0.01")),
    ("accrued_fees_reconciled", "fee_memory", with_value("open_fee_days", "7")),
    ("accrued_fees_reconciled", "fee_memory", with_value("fx", "1.1")),
    ("accrued_fees_reconciled", "performance_accruals", with_value("accrued", "0.01")),
    ("accrued_fees_reconciled", "performance_accruals", emptied),
    ("fees_carried_forward", "fee_memory", with_value("open_fee_days", "7")),
    ("fees_carried_forward", "fee_memory", with_value("settled_fee_days", "0")),
    ("fees_carried_forward", "fee_memory", with_value("added_fee_days", "0")),
    ("fees_carried_forward", "fee_memory", with_value("since_on", DAY)),
    ("fees_carried_forward", "fee_memory", emptied),
    ("fees_carried_forward", "ledger_decisions", emptied),
    ("fees_carried_forward", "previous_fee_memory", with_value("open_fee_days", "7")),
    ("fees_accrue_as_agreed", "fee_memory", with_value("added_fee_days", "11.32")),
    ("fees_accrue_as_agreed", "fee_memory", emptied),
    (
        "fees_accrue_as_agreed",
        "fee_schedules",
        lambda terms: terms.with_columns(pl.col("tiers").list.head(0)),
    ),
    ("fees_accrue_as_agreed", "valuations", with_value("nav", "2000")),
    ("performance_fee_is_a_level", "performance_accruals", with_value("accrued", "12.24")),
    ("performance_fee_is_a_level", "performance_accruals", with_value("hwm_unit", "1")),
    ("performance_fee_is_a_level", "performance_accruals", with_value("threshold_unit", "1.01")),
    ("performance_fee_is_a_level", "performance_accruals", with_value("since_on", DAY)),
    ("performance_fee_is_a_level", "performance_accruals", with_value("nav_unit", "1.04")),
    ("performance_fee_is_a_level", "performance_accruals", emptied),
    ("performance_fee_is_a_level", "ledger_decisions", emptied),
    ("performance_fee_is_a_level", "valuations", with_value("units", "1150")),
    ("performance_fee_is_a_level", "fee_arrangements", emptied),
    ("all_portfolios_complete", "valuations", with_value("status", "INCOMPLETE")),
]


@pytest.mark.parametrize(
    ("gate", "table", "change"),
    TAMPERED,
    ids=[f"{gate}-{number}" for number, (gate, _, _) in enumerate(TAMPERED)],
)
def test_a_broken_law_is_noticed(gate: str, table: str, change: Change) -> None:
    """One table was tampered with after the valuation."""
    assert found(gate, table, change) != []


def test_an_unexplained_move_says_what_explains_the_rest() -> None:
    """+100 of price, +40 of deposit, and fees: 1.00 charged, and what is accrued more; 0.10 too much."""
    (row,) = found("nav_moves_explained", "valuations", dearer)

    assert row["flows"] == pytest.approx(40)
    assert row["gains"] == pytest.approx(100)
    owed = two_days()["valuations"]["accrued_fees_base"].item() - Decimal("0.03")
    assert row["fees"] == pytest.approx(-1 - float(owed))
    assert row["difference"] == pytest.approx(0.10)


def test_a_transaction_booked_late_is_no_broken_law() -> None:
    """Yesterday's NAV must be restated first; today's is right, and is published."""
    made = books()
    before = made.value(EVE).valuations
    made.move("7", on=EVE)

    made.value(DAY, before)


def test_moves_are_explained_over_trades_splits_dividends_and_other_currencies() -> None:
    """Bought, sold, split, paid a dividend and a fee, between Thursday and Friday; every law is checked."""
    made = books()
    made.action("D-1", "DIVIDEND", EVE, "I-2", cash_per_unit="0.5", pay_on=DAY)
    made.rows["lots"][1].update(acquired_on=sessions_before(3), effective_on=sessions_before(3))
    made.rows["transactions"][3].update(trade_on=sessions_before(3))
    made.move("10", "DIVIDEND", instrument_id="I-2")
    made.move("-1", "FEE")
    made.move("-3000", "WITHDRAWAL", ccy="JPY")
    made.buy("10", "11")
    made.move("275", "SELL", instrument_id="I-1", qty="-25", price="11")
    made.lot("75", "750", lot_id="L-1")
    made.rows["lots"][-1].update(acquired_on=EVE)
    made.action("S-2", "SPLIT", DAY, "I-2", ratio="4")
    made.lot("80", "100", lot_id="L-2", instrument_id="I-2")
    made.rows["lots"][-1].update(acquired_on=sessions_before(3))
    before = made.value(EVE)

    today = made.value(DAY, before.valuations)

    # 85 x 11.00, 80 x 1.25, cash 40 + 10 - 1 - 110 + 275; Thursday's dividend claim of 10.00 is cash now.
    assert before.valuations["nav"].item() == Decimal(1140)
    assert today.valuations["nav"].item() == Decimal(1249)


def test_the_first_day_has_no_move_to_explain() -> None:
    """Without memory the law holds."""
    made = books()

    assert made.value(date(2026, 11, 20), VALUATIONS.empty()).valuations["flow_base"].item() == 0
