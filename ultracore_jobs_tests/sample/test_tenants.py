"""The books of a tenant: they reconcile, they repeat, and they only ever grow."""

from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ultracore_jobs.catalog import conform
from ultracore_jobs.catalog.given import GIVEN
from ultracore_jobs.errors import UnknownNameError, UsageError
from ultracore_jobs.sample import TENANTS, generate_tenant, shared_tables
from ultracore_jobs.sample.actions import SPLITS, planted_actions
from ultracore_jobs.sample.closes import closes
from ultracore_jobs.sample.redating import redated_fixings
from ultracore_jobs_tests.sample.conftest import DEMO_DAY, LAST_DAY, Books

CENT = Decimal("0.01")
days = st.dates(date(2023, 2, 1), LAST_DAY)


def rounded(amount: Decimal) -> Decimal:
    """Half-up to a cent."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


def holdings(books: Books, day: date) -> dict[tuple[str, str], Decimal]:
    """Open units on the evening of *day*, from the lots."""
    lots = books["lots"].filter(pl.col("effective_on") <= day).sort("known_at")
    latest = lots.unique("lot_id", keep="last")
    return _by_pair(
        latest.group_by("portfolio_id", "instrument_id").agg(pl.col("qty_open").sum().alias("units"))
    )


def traded(books: Books, day: date) -> dict[tuple[str, str], Decimal]:
    """Units on the evening of *day*, from the transactions and the splits since each of them."""
    moved = books["transactions"].filter((pl.col("trade_on") <= day) & pl.col("qty").is_not_null())
    units = pl.col("qty").cast(pl.Decimal(38, 6))
    for symbol, ex_on, ratio in SPLITS:
        hit = (
            (pl.col("instrument_id") == f"XNYS-{symbol}")
            & (pl.col("trade_on") < ex_on)
            & (pl.lit(ex_on) <= day)
        )
        units = pl.when(hit).then(units * ratio).otherwise(units)
    moved = moved.with_columns(units.cast(pl.Decimal(38, 6)).alias("units"))
    return _by_pair(moved.group_by("portfolio_id", "instrument_id").agg(pl.col("units").sum()))


def _by_pair(rows: pl.DataFrame) -> dict[tuple[str, str], Decimal]:
    return {(portfolio, instrument): units for portfolio, instrument, units in rows.iter_rows()}


@settings(max_examples=12, deadline=None)
@given(day=days)
def test_lots_sum_to_the_transactions_times_the_splits(books_to_the_end: Books, day: date) -> None:
    """On any evening, for every portfolio and instrument, to the last decimal."""
    assert holdings(books_to_the_end, day) == traded(books_to_the_end, day)


@pytest.mark.parametrize(("_symbol", "ex_on", "_ratio"), SPLITS)
def test_lots_and_transactions_agree_on_the_day_of_a_split(
    books_to_the_end: Books, _symbol: str, ex_on: date, _ratio: int
) -> None:
    """The day on which it is easiest to be wrong."""
    assert holdings(books_to_the_end, ex_on) == traded(books_to_the_end, ex_on)


def test_cash_is_never_negative_but_where_it_was_planted(books_to_the_end: Books) -> None:
    """Of each currency, after each transaction; the fourth portfolio withdrew more than it had."""
    running = books_to_the_end["transactions"].sort("at", maintain_order=True).with_columns(
        pl.col("amount").cum_sum().over("portfolio_id", "ccy").alias("cash")
    )  # fmt: skip

    overdrawn = running.filter(pl.col("cash") < 0)["portfolio_id"].unique().to_list()
    assert overdrawn == ["ACA-P000004"]


def test_every_trade_is_at_the_close_of_its_day_and_costs_units_times_price(books: Books) -> None:
    """Recomputed in decimal: purchases plus brokerage, sales less it; the bond is quoted per 100."""
    trades = books["transactions"].filter(pl.col("type").is_in(["BUY", "SELL"]))
    for row in trades.iter_rows(named=True):
        factor = CENT if row["instrument_id"] == "XASX-SYNBOND" else Decimal(1)
        value = rounded(row["qty"] * row["price"] * factor)
        assert row["amount"] == -value - row["brokerage"], row["transaction_id"]
    american = trades.filter(ccy="USD")
    published = closes().select(
        "instrument_id", "price_date", close=pl.col("close_e4").cast(pl.Decimal(38, 0)) * Decimal("0.0001")
    )
    beside = american.join(
        published, left_on=["instrument_id", "trade_on"], right_on=["instrument_id", "price_date"], how="left"
    )
    assert (beside["price"] == beside["close"]).all()


def test_dollars_are_bought_at_the_cross_rate_of_the_day(books: Books) -> None:
    """Each pair of transfers, in decimal, from the euro fixings: 10 decimals half-up, then cents half-up."""
    legs = books["transactions"].filter(pl.col("type").is_in(["TRANSFER_OUT", "TRANSFER_IN"]))
    out = legs.filter(type="TRANSFER_OUT").with_columns(
        pl.col("transaction_id").str.replace("XO", "X").alias("pair")
    )
    into = legs.filter(type="TRANSFER_IN").with_columns(
        pl.col("transaction_id").str.replace("XI", "X").alias("pair")
    )
    fixed = {(day, ccy): Decimal(rate) for day, ccy, rate, *_ in redated_fixings().iter_rows()}
    fixing_days = sorted({day for day, _ in fixed})

    pairs = out.join(into, on="pair", suffix="_in", validate="1:1")
    assert pairs.height == legs.height / 2 > 500
    for row in pairs.iter_rows(named=True):
        day = max(each for each in fixing_days if each <= row["trade_on"])
        rate = (fixed[day, "USD"] / fixed[day, row["ccy"]]).quantize(Decimal("1e-10"), rounding=ROUND_HALF_UP)
        assert row["amount_in"] == rounded(-row["amount"] * rate), row["pair"]


def test_a_dividend_is_paid_on_what_was_held_the_evening_before_the_ex_date(books_to_the_end: Books) -> None:
    """Every holder and nobody else, units times dollars, for each tenth dividend since 2023."""
    dividends = planted_actions().filter(
        (pl.col("type") == "DIVIDEND") & (pl.col("ex_on") > date(2023, 3, 1))
    )
    paid = books_to_the_end["transactions"].filter(type="DIVIDEND")
    for action in dividends.gather_every(10).iter_rows(named=True):
        instrument = f"XNYS-{action['symbol']}"
        held = holdings(books_to_the_end, date.fromordinal(action["ex_on"].toordinal() - 1))
        cash = Decimal(action["cash_cents"]) * CENT
        expected = {
            who: rounded(units * cash)
            for (who, what), units in held.items()
            if what == instrument and units > 0
        }
        rows = paid.filter((pl.col("instrument_id") == instrument) & (pl.col("trade_on") == action["pay_on"]))
        assert dict(rows.select("portfolio_id", "amount").iter_rows()) == expected


def test_the_term_deposit_pays_rate_times_days_and_is_repaid(books_to_the_end: Books) -> None:
    """15 January 2024 to 2025 is 366 days at 4.5%; on 17 January 2028 the principal comes back."""
    ours = books_to_the_end["transactions"].filter(
        (pl.col("instrument_id") == "UNL-SYNTD") & (pl.col("portfolio_id") == "ACA-P000024")
    )
    principal = ours.filter(type="BUY")["qty"].item()
    first = ours.filter((pl.col("type") == "INTEREST") & (pl.col("trade_on") == date(2025, 1, 15)))

    assert first["amount"].item() == rounded(principal * Decimal("0.045") * 366 / 365)
    assert ours.filter(type="SELL")["amount"].item() == principal
    assert ours.filter(type="SELL")["trade_on"].item() == date(2028, 1, 17)


def test_part_sales_take_the_oldest_parcel_first(books_to_the_end: Books) -> None:
    """No parcel is touched while an older one of the same holding is open."""
    latest = books_to_the_end["lots"].sort("known_at").unique("lot_id", keep="last")
    first = books_to_the_end["lots"].sort("known_at").unique("lot_id", keep="first")
    both = latest.join(first.select("lot_id", start="cost_base_aud"), on="lot_id").sort(
        "acquired_on", "lot_id"
    )

    untouched = pl.col("cost_base_aud") == pl.col("start")
    by_holding = both.group_by("portfolio_id", "instrument_id", maintain_order=True).agg(
        untouched.alias("untouched"), (pl.col("qty_open") > 0).alias("open")
    )
    assert both.filter((pl.col("qty_open") > 0) & ~untouched).height > 0
    for _, _, whole, still_open in by_holding.iter_rows():
        assert whole == sorted(whole)
        assert still_open == sorted(still_open)


def test_a_split_is_known_at_the_opening_of_its_ex_date(books: Books) -> None:
    """UNH, 16 November 2026: 14:30 UTC, before any close of that day."""
    split = books["lots"].filter(
        (pl.col("instrument_id") == "XNYS-UNH") & (pl.col("effective_on") == date(2026, 11, 16))
    )

    assert split.height > 0
    assert split["known_at"].unique().to_list() == [datetime(2026, 11, 16, 14, 30, tzinfo=UTC)]


@pytest.mark.parametrize("tenant", TENANTS)
def test_every_table_keeps_its_contract(tenant: str) -> None:
    """Both tenants; and all the tenant's given tables are there."""
    made = generate_tenant(tenant, portfolios=60, until=DEMO_DAY)

    for name, rows in made.items():
        conform(rows, GIVEN[name])
        assert rows["tenant_id"].unique().to_list() == [tenant]
    assert set(made) == {name for name, dataset in GIVEN.items() if dataset.scope == "tenant"}


def test_shared_tables_keep_their_contracts_and_grow(books: Books) -> None:
    """A later end gives the rows of the earlier one, and more."""
    early, late = shared_tables(date(2024, 1, 2)), shared_tables(DEMO_DAY)
    for name, rows in early.items():
        conform(late[name], GIVEN[name])
        assert rows.join(late[name], on=_comparable(rows), how="anti", nulls_equal=True).is_empty()
    held = set(books["lots"]["instrument_id"])
    assert held <= set(late["instruments"]["instrument_id"])


@settings(max_examples=8, deadline=None)
@given(until=days, portfolios=st.integers(1, 40))
def test_a_later_end_and_more_portfolios_only_add_rows(
    books_to_the_end: Books, until: date, portfolios: int
) -> None:
    """Whatever was said for fewer portfolios and an earlier evening is said again, word for word."""
    for name, rows in generate_tenant("acacia", portfolios=portfolios, until=until).items():
        whole = books_to_the_end[name]
        assert rows.join(whole, on=_comparable(rows), how="anti", nulls_equal=True).is_empty(), name


def _comparable(rows: pl.DataFrame) -> list[str]:
    """Columns that can be joined on: all but lists."""
    return [name for name, dtype in rows.schema.items() if not dtype.is_nested()]


def test_books_never_tell_the_future(books: Books, books_to_the_end: Books) -> None:
    """What the whole books know by the end of a day is what the books of that day know."""
    midnight = datetime(2026, 11, 20, tzinfo=UTC)
    for name, rows in books_to_the_end.items():
        known = rows.filter(pl.col("known_at") < midnight)
        assert known.equals(books[name].filter(pl.col("known_at") < midnight)), name


def test_a_seed_gives_the_same_books_and_another_one_others() -> None:
    """Deterministic, not constant."""
    once, twice, other = (
        generate_tenant("acacia", portfolios=40, seed=seed, until=date(2024, 6, 28)) for seed in (7, 7, 8)
    )

    assert all(once[name].equals(twice[name]) for name in once)
    assert not once["transactions"].equals(other["transactions"])


def test_an_unknown_tenant_or_no_portfolio_is_refused() -> None:
    """The message lists the tenants there are."""
    with pytest.raises(UnknownNameError, match="acacia, banksia"):
        generate_tenant("wattle", until=DEMO_DAY)
    with pytest.raises(UsageError, match="at least 1"):
        generate_tenant("acacia", portfolios=0, until=DEMO_DAY)
