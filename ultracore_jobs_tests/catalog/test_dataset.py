"""What a dataset is, and which contracts contradict themselves."""

import polars as pl
import pytest

from ultracore_jobs.catalog import Dataset, Look, Partitioning
from ultracore_jobs.catalog.columns import INSTANT, KNOWN_AT, day, money, text
from ultracore_jobs.catalog.given import GIVEN

TOTALS = Dataset(
    name="totals",
    grain="one total of one portfolio on one day",
    key=("as_of_date", "portfolio_id"),
    columns={"as_of_date": day("Day"), "portfolio_id": text("Portfolio"), "amount": money("Amount")},
    source="a job",
)

EVENTS = Dataset(
    name="events",
    grain="one event, as known from one moment on",
    key=("event_id",),
    partitioning=Partitioning.BY_LOAD,
    columns={"event_id": text("Event"), "happened_on": day("Day"), "known_at": KNOWN_AT},
    source="outside",
    valid_date="happened_on",
)


def test_a_key_names_columns_of_the_table() -> None:
    """A contract is wrong on load, not when the first row comes."""
    with pytest.raises(ValueError, match=r"dataset 'wrong'.*\['portfolio'\]"):
        Dataset(name="wrong", grain="", key=("portfolio",), columns={"amount": money("Amount")}, source="")


def test_a_valid_date_names_a_column_of_the_table() -> None:
    """As the key."""
    with pytest.raises(ValueError, match=r"dataset 'wrong'.*\['on'\]"):
        Dataset(
            name="wrong",
            grain="",
            key=("amount",),
            columns={"amount": money("Amount")},
            source="",
            valid_date="on",
        )


def test_a_table_of_loads_has_a_moment_of_knowledge() -> None:
    """Without it nobody could read it as known at K."""
    with pytest.raises(ValueError, match="needs a known_at column"):
        Dataset(
            name="wrong",
            grain="",
            key=("amount",),
            columns={"amount": money("Amount")},
            source="",
            partitioning=Partitioning.BY_LOAD,
        )


def test_an_empty_table_has_the_contracts_columns_in_stored_order() -> None:
    """Money is a decimal of 18 digits, 4 of them after the point."""
    empty = TOTALS.empty()

    assert empty.height == 0
    assert dict(empty.schema) == {
        "as_of_date": pl.Date,
        "portfolio_id": pl.String,
        "amount": pl.Decimal(18, 4),
    }


def test_the_plain_read_is_of_the_day_for_produced_tables_and_of_all_loads_for_given_ones() -> None:
    """A kernel's parameter has the name of the table."""
    assert TOTALS.plainly().look is Look.SAME_DAY
    assert EVENTS.plainly().look is Look.AS_KNOWN
    assert (TOTALS.plainly().argument, TOTALS.previous(days=7).argument) == ("totals", "previous_totals")


def test_a_window_needs_a_valid_date() -> None:
    """By date of what?"""
    assert EVENTS.last(days=45).days == 45
    assert EVENTS.to_date().days is None
    with pytest.raises(ValueError, match="no valid_date"):
        TOTALS.last(days=45)
    with pytest.raises(ValueError, match="no valid_date"):
        TOTALS.to_date()


def test_the_partition_before_may_be_missing() -> None:
    """There is a first day."""
    assert not TOTALS.previous(days=7).required
    assert EVENTS.plainly().required
    assert not EVENTS.plainly().optional().required


@pytest.mark.parametrize("dataset", GIVEN.values(), ids=GIVEN)
def test_given_tables_belong_to_a_tenant_and_say_when_each_row_was_known(dataset: Dataset) -> None:
    """domain_rules 1: isolation, as-known-at."""
    assert dataset.schema["tenant_id"] == pl.String
    assert dataset.schema["known_at"] == INSTANT
    assert not dataset.columns["known_at"].nullable


@pytest.mark.parametrize("dataset", GIVEN.values(), ids=GIVEN)
def test_given_tables_hold_no_money_in_floats(dataset: Dataset) -> None:
    """domain_rules 1: amounts, units, prices and rates of exchange are decimals; only ratios are floats."""
    worth = ("amount", "close", "cost", "price", "rate_aud", "units", "gst", "nav")
    floats = [name for name, dtype in dataset.schema.items() if dtype.is_float()]

    assert [name for name in floats if any(word in name for word in worth)] == []


@pytest.mark.parametrize("dataset", GIVEN.values(), ids=GIVEN)
def test_every_column_says_what_it_means(dataset: Dataset) -> None:
    """Other teams rely on every line."""
    assert all(column.description for column in dataset.columns.values())
    assert dataset.grain
    assert dataset.source
