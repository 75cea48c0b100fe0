"""What is planted is there, and is listed."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest

from ultracore_jobs.catalog import screen
from ultracore_jobs.catalog.given import GIVEN
from ultracore_jobs.sample import bad_rows, planted_anomalies
from ultracore_jobs.sample.deliveries import vendor_fixings, vendor_prices
from ultracore_jobs.sample.lists import PEP_NAME, SANCTIONED_NAME
from ultracore_jobs.sample.planted import Planted
from ultracore_jobs_tests.sample.conftest import Books


def portfolio(planted: Planted) -> str:
    """Id of the planted portfolio of Acacia."""
    return f"ACA-P{planted.place + 1:06}"


def of(books: Books, table: str, planted: Planted) -> pl.DataFrame:
    """Rows of a table that belong to the planted portfolio."""
    return books[table].filter(portfolio_id=portfolio(planted))


def units(books: Books, planted: Planted, instrument: str) -> Decimal:
    """Units of an instrument that the planted portfolio holds now."""
    lots = of(books, "lots", planted).filter(instrument_id=instrument).sort("known_at")
    return sum(lots.unique("lot_id", keep="last")["qty_open"], Decimal(0))


def test_every_planted_row_of_the_feeds_is_listed() -> None:
    """As many as are marked, by kind, and one line for each planted portfolio of both tenants."""
    listed = Counter(planted_anomalies()["kind"])
    marked = Counter(vendor_prices().drop_nulls("planted")["planted"])
    marked += Counter(vendor_fixings().drop_nulls("planted")["planted"])

    assert {kind: listed[kind] for kind in marked} == dict(marked)
    assert {kind.name: listed[kind.name] for kind in Planted} == {kind.name: 2 for kind in Planted}
    assert planted_anomalies().null_count().sum_horizontal().item() == 0


def test_holders_of_the_suspended_and_of_the_stale_instrument(books: Books) -> None:
    """One portfolio holds the first, three hold the second, among others drawn by chance."""
    assert units(books, Planted.SUSPENDED_HOLDER, "XASX-SYNSUSP") > 0
    for planted in (Planted.STALE_HOLDER_1, Planted.STALE_HOLDER_2, Planted.STALE_HOLDER_3):
        assert units(books, planted, "XASX-SYNSLOW") > 0
    assert books["lots"].filter(instrument_id="XASX-SYNSUSP")["portfolio_id"].unique().to_list() == [
        portfolio(Planted.SUSPENDED_HOLDER)
    ]


def test_portfolios_of_special_shape(books: Books) -> None:
    """Cash only, empty, yen, closed, and one that holds everything that bears interest."""
    assert of(books, "lots", Planted.CASH_ONLY).is_empty()
    assert of(books, "transactions", Planted.CASH_ONLY)["amount"].sum() > 0
    assert of(books, "transactions", Planted.EMPTY).is_empty()
    yen = of(books, "transactions", Planted.JPY_BASE).filter(ccy="JPY")
    assert (yen["amount"] == yen["amount"].round(0)).all()
    assert yen.height > 0
    assert of(books, "portfolios", Planted.CLOSED)["status"].to_list() == ["OPEN", "CLOSED"]
    for instrument in ("XASX-SYNBOND", "UNL-SYNTD", "UNL-SYNFUND"):
        assert units(books, Planted.INCOME_HOLDER, instrument) > 0


def test_structuring_deposits_are_in_cash_below_the_threshold(books: Books) -> None:
    """Three within ten days, each under 10,000 and together over it, two of 8,000 or more."""
    cash = of(books, "transactions", Planted.AML_STRUCTURING).filter("physical_currency")
    november = cash.filter(pl.col("trade_on").is_between(date(2026, 11, 1), date(2026, 11, 10)))

    assert november["amount"].to_list() == [Decimal(9500), Decimal(8900), Decimal(9200)]
    assert cash["source"].unique().to_list() == ["synthetic: planted AML_STRUCTURING"]


def test_a_threshold_is_met_to_the_cent(books: Books) -> None:
    """Exactly A$10,000 is reportable, A$9,999.99 is not."""
    cash = of(books, "transactions", Planted.AML_THRESHOLD).filter("physical_currency")

    assert set(cash["amount"]) == {Decimal(10_000), Decimal("9999.99")}


def test_money_in_and_out_within_three_days(books: Books) -> None:
    """18,000 of 20,000 leave 26 hours after they came: 90 per cent."""
    rows = of(books, "transactions", Planted.AML_RAPID_IN_OUT).filter(
        pl.col("source").str.contains("planted") & (pl.col("trade_on") >= date(2026, 11, 1))
    )

    assert rows["amount"].to_list() == [Decimal(20_000), Decimal(-18_000)]
    assert rows["at"][1] - rows["at"][0] == timedelta(hours=26)


def test_a_dormant_account_wakes_up(books: Books) -> None:
    """Nothing by the client for at least 180 days, then 6,000."""
    mine = of(books, "transactions", Planted.AML_DORMANT).filter("client_initiated")

    gaps = mine["trade_on"].diff().dt.total_days().drop_nulls()
    assert gaps.min() >= 180  # type: ignore[operator]  # an integer for an integer column
    assert set(mine["amount"][1:]) == {Decimal(-6000)}


def test_names_that_the_lists_should_find(books: Books) -> None:
    """Spelt another way than on the list, so that the match has to be by likeness."""
    names = dict(books["clients"].select("client_id", "legal_name").iter_rows())

    assert names[f"ACA-C{Planted.SANCTIONS_NAME.place + 1:06}"] == SANCTIONED_NAME.replace("-", " ")
    assert names[f"ACA-C{Planted.PEP_NAME.place + 1:06}"] != PEP_NAME


def consents_of(books: Books, planted: Planted) -> pl.DataFrame:
    """Consents to deduct from the planted portfolio's management fee."""
    return books["consents"].filter(
        (pl.col("arrangement_id") == f"{portfolio(planted)}-F1") & (pl.col("kind") == "DEDUCTION")
    )


def test_consents_planted_wrong(books: Books) -> None:
    """None; never renewed; withdrawn; too small; one joint holder 90 days late."""
    assert consents_of(books, Planted.CONSENT_MISSING).is_empty()
    assert consents_of(books, Planted.CONSENT_EXPIRED)["signed_on"].dt.year().to_list() == [2023]
    withdrawn = consents_of(books, Planted.CONSENT_WITHDRAWN).sort("known_at")
    assert withdrawn["withdrawn_at"][-1] == datetime(2025, 5, 20, 3, 30, tzinfo=UTC)
    assert withdrawn["consent_id"][-1] in withdrawn["consent_id"][:-1].to_list()
    assert consents_of(books, Planted.CONSENT_TOO_SMALL)["consented_amount"].unique().to_list() == [
        Decimal(1)
    ]
    signed = consents_of(books, Planted.JOINT_LATE_SIGNATURE).sort("signed_on")["signed_on"][:2]
    assert signed[1] - signed[0] == timedelta(days=90)


def test_renewals_fall_inside_the_window_of_the_anniversary(books: Books) -> None:
    """From 60 days before to 150 after, for everything that is not planted."""
    first = (
        books["fee_arrangements"]
        .unique("arrangement_id", keep="first")
        .filter(pl.col("reference_on").is_null())
    )
    signed = books["consents"].join(first.select("arrangement_id", "entered_on"), on="arrangement_id")
    signed = signed.with_columns((pl.col("signed_on") - pl.col("entered_on")).dt.total_days().alias("days"))
    years = (pl.col("days") / 365.25).round()
    away = signed.select(pl.col("days") - years * 365.25).to_series()

    late = f"{portfolio(Planted.JOINT_LATE_SIGNATURE)}-F"
    usual = ~signed["arrangement_id"].str.starts_with(late)
    assert away.filter(usual).is_between(-60, 150).all()


def test_a_fee_schedule_changes_in_the_middle_of_a_month(books: Books) -> None:
    """The old arrangement ends on the day the new one starts: 16 September 2026."""
    rows = of(books, "fee_arrangements", Planted.FEE_SCHEDULE_CHANGED)
    management = rows.filter(pl.col("fee_schedule_id").is_in(["FS-STANDARD", "FS-CLIFF"]))

    assert date(2026, 9, 16) in management["end_on"].to_list()
    assert management.filter(fee_schedule_id="FS-CLIFF")["start_on"].to_list() == [date(2026, 9, 16)]


def test_target_weights_add_to_one(books: Books) -> None:
    """Within 1e-6, as rebalancing demands; nothing held is prohibited."""
    total = books["mandates"].group_by("portfolio_id").agg(pl.col("target_weight").sum())
    assert ((total["target_weight"] - 1).abs() < 1e-6).all()
    assert books["mandates"].filter(pl.col("prohibited").list.contains(pl.col("sleeve"))).is_empty()
    assert books["mandates"]["prohibited"].list.len().max() == 2


@pytest.mark.parametrize("table", list(bad_rows()))
def test_each_bad_row_is_rejected_for_its_own_fault(table: str) -> None:
    """One reject for each, naming the column that was spoiled; the first row is good."""
    sent = bad_rows()[table]
    filled = sent.with_columns(
        pl.lit("2026-11-03T00:00:00Z").alias("known_at"),
        pl.lit("test").alias("source"),
        pl.lit("shared" if table == "prices" else "acacia").alias("tenant_id"),
    )

    screened = screen(filled, GIVEN[table])

    assert screened.accepted.height == 1
    spoiled = [fault.split(":")[0] for fault in sent["fault"] if fault]
    assert screened.rejects["column_name"].to_list() == spoiled
