"""One pass over sorted rows gives what a window gives key by key."""

from datetime import date

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from ultracore_jobs.kernels.fees.runs import following, latest_so_far, previous, run_number, true_so_far

_ROWS = st.lists(
    st.tuples(
        st.sampled_from("ab"),
        st.integers(0, 2),
        st.none() | st.dates(date(1900, 1, 1), date(2200, 1, 1)),
        st.none() | st.booleans(),
    ),
    max_size=12,
)
_SCHEMA = {"name": pl.String, "kind": pl.Int64, "day": pl.Date, "flag": pl.Boolean}
_KEYS = ["name", "kind"]


@given(_ROWS)
def test_a_pass_over_sorted_rows_is_a_window_over_their_keys(rows: list[tuple[object, ...]]) -> None:
    """Nulls stay where they are, and nothing reaches from one run into the next."""
    table = pl.DataFrame(rows, schema=_SCHEMA, orient="row").sort(_KEYS, maintain_order=True)
    run = pl.col("run")
    found = table.with_columns(run_number(_KEYS).alias("run")).select(
        previous(pl.col("day"), run).alias("previous"),
        following(pl.col("day"), run).alias("following"),
        latest_so_far(pl.col("day"), run).alias("latest"),
        true_so_far(pl.col("flag"), run).alias("true"),
    )
    expected = table.select(
        pl.col("day").shift(1).over(_KEYS).alias("previous"),
        pl.col("day").shift(-1).over(_KEYS).alias("following"),
        pl.col("day").cum_max().over(_KEYS).alias("latest"),
        pl.col("flag").cast(pl.Int8).cum_max().cast(pl.Boolean).over(_KEYS).alias("true"),
    )
    assert found.equals(expected)
