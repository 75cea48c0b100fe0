"""Rows as a grid of days by series."""

import numpy as np
import polars as pl

from ultracore_jobs.kernels.day_grid import day_grid
from ultracore_jobs_tests.kernels.market_tables import FRIDAY, THURSDAY


def test_each_row_finds_its_place_and_the_rest_is_nan() -> None:
    """Two series, two days; the value of b on Friday is not there."""
    rows = pl.DataFrame({"name": ["b", "a", "a"], "day": [THURSDAY, FRIDAY, THURSDAY], "value": [3, 2, 1]})

    placed, at = day_grid([rows], series=["name"], day="day").place(rows, "value")

    assert np.array_equal(placed, np.array([[1, 3], [2, np.nan]]), equal_nan=True)
    assert placed[at].tolist() == [3, 2, 1]


def test_days_are_in_order_over_all_tables() -> None:
    """A later table may bring earlier days."""
    first = pl.DataFrame({"name": ["a"], "day": [FRIDAY]})
    second = pl.DataFrame({"name": ["b"], "day": [THURSDAY]})

    grid = day_grid([first, second], series=["name"], day="day")

    assert grid.shape == (2, 2)
    assert grid.days["day"].to_list() == [THURSDAY, FRIDAY]
