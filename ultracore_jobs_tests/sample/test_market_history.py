"""The data files of the packages are read as they are."""

from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from ultracore_jobs.errors import MissingExtraError
from ultracore_jobs.sample import market_history
from ultracore_jobs.sample.market_history import adjusted_closes, euro_fixings, index_levels


def test_closes_are_those_of_the_file_to_the_last_decimal() -> None:
    """AAPL closed at 0.264 on 2 January 1990; 20 stocks of 8,313 days and 5 ETFs of 2,264."""
    closes = adjusted_closes()

    first = closes.filter(symbol="AAPL").row(0, named=True)
    assert (first["date"], first["close"]) == (date(1990, 1, 2), Decimal("0.264"))
    assert closes.height == 20 * 8_313 + 5 * 2_264
    assert closes.null_count().sum_horizontal().item() == 0


def test_the_index_has_a_level_for_each_day_of_the_stocks() -> None:
    """8,313 levels, the last one 3,783.22 on 28 December 2022."""
    levels = index_levels()

    assert levels["date"].to_list() == adjusted_closes().filter(symbol="AAPL")["date"].to_list()
    assert levels.row(-1) == (date(2022, 12, 28), Decimal("3783.22"))


def test_fixings_leave_out_what_was_not_published() -> None:
    """EUR 1 was USD 1.2043 on 2 January 2015; the lats had gone, so it has no row that day."""
    day = euro_fixings().filter(pl.col("date") == date(2015, 1, 2))

    assert day.filter(quote_ccy="USD")["rate"].item() == "1.2043"
    assert day.filter(quote_ccy="LVL").is_empty()
    assert euro_fixings()["rate"].str.contains("N/A").sum() == 0
    assert euro_fixings()["quote_ccy"].n_unique() == 41


def test_without_the_package_the_error_names_the_extra() -> None:
    """A person is told what to install."""
    with pytest.raises(MissingExtraError, match=r"ultracore-jobs\[sample\]"):
        market_history._package("no_such_package_of_prices")
