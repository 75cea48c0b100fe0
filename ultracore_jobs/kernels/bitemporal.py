"""What was known at a moment: per key, the row with the greatest ``known_at`` up to the cut-off."""

from datetime import datetime

import polars as pl

from ultracore_jobs.catalog import Dataset


def as_known(rows: pl.LazyFrame, dataset: Dataset, *, known_at: datetime) -> pl.LazyFrame:
    """The state of a given table as it was known at *known_at*.

    Args:
        rows: Rows of *dataset*, loads in the order they arrived; corrections stand after what they
            correct.
        dataset: A BY_LOAD contract; its ``key`` tells which rows are about the same thing.
        known_at: The cut-off K; later rows are as if they did not exist.

    Returns:
        At most one row per key, in order of arrival. Of two rows known at the same instant the one
        that arrived later wins. A raw delivery, where a key may come twice, keeps all its rows.

    Source: domain_rules 1 (as-known-at).
    """
    known = rows.filter(pl.col("known_at") <= known_at)
    if not dataset.unique_within_load:
        return known
    return known.sort("known_at", maintain_order=True).unique(
        list(dataset.key), keep="last", maintain_order=True
    )
