"""Rows as a grid of days by series, for rules that must take one day after the other.

Such a rule (is this price usable? that decides what the next one is measured against) loops over days
and treats all series of a day at once; it never loops over rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]
Places = tuple[npt.NDArray[Any], npt.NDArray[Any]]
"""Of each row its day and its series, as indices of the grid."""


@dataclass(frozen=True)
class DayGrid:
    """A grid for certain days and series.

    Attributes:
        series: The series, one row each, with its index ``series_no``.
        days: The days in ascending order, with their index ``day_no``.
        day: Name of the column that holds the day.
    """

    series: pl.DataFrame
    days: pl.DataFrame
    day: str

    @property
    def shape(self) -> tuple[int, int]:
        """Number of days and of series."""
        return self.days.height, self.series.height

    def place(self, rows: pl.DataFrame, value: str | pl.Expr) -> tuple[Floats, Places]:
        """Put *value* of each row in its place.

        Args:
            rows: At most one row for each day and series, all of them in the grid.
            value: Column or expression; cast to float.

        Returns:
            The grid, NaN where there is no row, and the place of each row in order.
        """
        of_series = [name for name in self.series.columns if name != "series_no"]
        value = pl.col(value) if isinstance(value, str) else value
        placed = (
            rows.select(*of_series, self.day, value.cast(pl.Float64).alias("__value"))
            .join(self.series, on=of_series, how="left", maintain_order="left")
            .join(self.days, on=self.day, how="left", maintain_order="left")
        )
        at = (placed["day_no"].to_numpy(), placed["series_no"].to_numpy())
        grid = np.full(self.shape, np.nan)
        grid[at] = placed["__value"].to_numpy()
        return grid, at


def day_grid(frames: Sequence[pl.DataFrame], *, series: Sequence[str], day: str) -> DayGrid:
    """The smallest grid that holds every row of *frames*.

    Args:
        frames: Tables with the columns *series* and *day*.
        series: Columns that name a series.
        day: Column (date) of the day.
    """
    keys = pl.concat([frame.select(*series, day) for frame in frames])
    return DayGrid(
        keys.select(series).unique().sort(series).with_row_index("series_no"),
        keys.select(day).unique().sort(day).with_row_index("day_no"),
        day,
    )
