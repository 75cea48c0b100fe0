"""What stands before and after within runs of equal keys, on rows that are sorted by those keys.

A window (`over`) does the same one key after another, which is slow where each of a hundred thousand keys
has a few rows; these pass once over the whole column.
"""

from collections.abc import Sequence

import polars as pl

_KEYS_APART = 2**32
"""More than any two days, in days since 1970, are apart."""


def run_number(keys: Sequence[str]) -> pl.Expr:
    """A number for each run of rows that are equal in *keys*, ascending from 0."""
    return pl.struct(keys).rle_id()


def previous(column: pl.Expr, run: pl.Expr) -> pl.Expr:
    """The value of the row before in the same run; null in its first row.

    Args:
        column: Any column.
        run: Column of `run_number`, or any that is equal within a run and differs from one to the next.
    """
    return pl.when(run == run.shift(1)).then(column.shift(1))


def following(column: pl.Expr, run: pl.Expr) -> pl.Expr:
    """The value of the row after in the same run; null in its last row. Arguments as `previous`."""
    return pl.when(run == run.shift(-1)).then(column.shift(-1))


def latest_so_far(day: pl.Expr, run: pl.Expr) -> pl.Expr:
    """The latest day of the run up to and with each row; null where the row's own day is.

    Args:
        day: Date column.
        run: Column of `run_number`.
    """
    # Each run lies beyond every day of the one before, so no maximum of that one reaches into it.
    floor = run.cast(pl.Int64) * _KEYS_APART
    return ((floor + day.to_physical().cast(pl.Int64)).cum_max() - floor).cast(pl.Int32).cast(pl.Date)


def true_so_far(flag: pl.Expr, run: pl.Expr) -> pl.Expr:
    """Whether *flag* was true in the run up to and with each row; null where the row's own is.

    Args:
        flag: Boolean column.
        run: Column of `run_number`.
    """
    floor = run.cast(pl.Int64) * 2
    return ((floor + flag.cast(pl.Int64)).cum_max() - floor).cast(pl.Boolean)
