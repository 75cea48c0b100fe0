"""Every given table states what other teams rely on."""

import polars as pl
import pytest

from ultracore_jobs.catalog import Dataset, Partitioning, Retention, Scope, conform
from ultracore_jobs.catalog.given import GIVEN

TABLES_OF_THE_RULES = {
    "clients", "portfolios", "instruments", "prices", "ticks", "corporate_actions", "fx_rates", "calendars",
    "transactions", "lots", "benchmarks", "risk_free", "fee_schedules", "fee_arrangements", "consents",
    "subscriptions", "mandates", "watchlists", "jurisdictions", "price_alerts", "notification_prefs",
    "legal_holds",
}  # fmt: skip

every_table = pytest.mark.parametrize("dataset", GIVEN.values(), ids=list(GIVEN))


def test_the_given_tables_are_those_of_the_rules() -> None:
    """Domain_rules 2: what comes from outside, no more and no less."""
    assert set(GIVEN) == TABLES_OF_THE_RULES


@every_table
def test_a_table_says_what_a_row_is_and_where_it_comes_from(dataset: Dataset) -> None:
    """Grain, source and licence, in words."""
    assert dataset.grain.split()[0] in {"one", "how", "the"}
    assert dataset.source
    assert dataset.licence


@every_table
def test_every_column_is_described(dataset: Dataset) -> None:
    """With more than its own name."""
    for name, column in dataset.columns.items():
        assert len(column.description) > len(name) / 2, name
        assert column.description != name
        assert not column.description.endswith("."), name


@every_table
def test_a_table_is_bitemporal_and_says_who_owns_it(dataset: Dataset) -> None:
    """Given tables are loads: rows carry tenant, instant of knowledge and source."""
    assert dataset.partitioning is Partitioning.BY_LOAD
    assert {"tenant_id", "known_at", "source"} <= set(dataset.columns)
    assert isinstance(dataset.scope, Scope)
    assert isinstance(dataset.retention, Retention)


@every_table
def test_keys_are_columns_without_null(dataset: Dataset) -> None:
    """And the instant of knowledge is not part of them."""
    assert dataset.key
    assert "known_at" not in dataset.key
    assert not [name for name in dataset.key if dataset.columns[name].nullable]


@every_table
def test_an_empty_table_conforms(dataset: Dataset) -> None:
    """So a tenant may have none of it."""
    assert conform(dataset.empty(), dataset).is_empty()


@every_table
def test_money_is_never_a_float(dataset: Dataset) -> None:
    """Amounts, prices, units and fees are decimals; floats are shares and rates."""
    exact = {
        "amount",
        "price",
        "close",
        "rate",
        "brokerage",
        "reference_price",
        "annual_minimum",
        "consented_amount",
    }
    for name, column in dataset.columns.items():
        if name in exact or name.endswith(("_aud", "_gst", "_units")):
            assert isinstance(column.dtype, pl.Decimal), name


def test_market_data_is_shared_and_books_are_a_tenants() -> None:
    """Isolation begins with the contract."""
    shared = {name for name, dataset in GIVEN.items() if dataset.scope is Scope.SHARED}

    assert shared == {
        "instruments", "prices", "ticks", "corporate_actions", "fx_rates", "calendars", "benchmarks",
        "risk_free", "watchlists", "jurisdictions",
    }  # fmt: skip
