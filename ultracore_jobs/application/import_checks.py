"""What an import checks before anything is written: owner, columns, contract, and how much is bad."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, NamedTuple

import polars as pl

from ultracore_jobs.application.nested_cells import decode_lists
from ultracore_jobs.application.platform import SHARED
from ultracore_jobs.catalog import Dataset, Partitioning, Scope, describe_rejects, screen
from ultracore_jobs.errors import TooManyRejectsError, UsageError

LINE_NUMBER: Final = "__line"
"""Column in which a reader of text files says where each row stands; no table stores it."""


def require_owner(dataset: Dataset, tenant: str) -> None:
    """Refuse a table that is computed, or a tenant that cannot own rows of it.

    Raises:
        UsageError: Says which tenant, or which job, it is.
    """
    if dataset.partitioning is not Partitioning.BY_LOAD:
        raise UsageError(f"table {dataset.name!r} is computed by {dataset.source}, so it cannot be imported")
    if dataset.scope is Scope.SHARED and tenant != SHARED:
        raise UsageError(
            f"table {dataset.name!r} is the same for all tenants; import it with --tenant {SHARED}"
        )
    if dataset.scope is Scope.TENANT and tenant == SHARED:
        raise UsageError(f"table {dataset.name!r} belongs to one tenant each; name it with --tenant")


def rename_columns(rows: pl.DataFrame, renames: Mapping[str, str]) -> pl.DataFrame:
    """*rows* with our column names; *renames* holds ours by theirs.

    Raises:
        UsageError: A column to rename is not there, or two would get the same name.
    """
    missing = [theirs for theirs in renames if theirs not in rows.columns]
    if missing:
        there_are = ", ".join(name for name in rows.columns if name != LINE_NUMBER)
        raise UsageError(
            f"--map names column(s) {', '.join(missing)}, which the source has not; there are: {there_are}"
        )
    kept = [name for name in rows.columns if name not in renames]
    taken = sorted(
        ours for ours in renames.values() if ours in kept or list(renames.values()).count(ours) > 1
    )
    if taken:
        raise UsageError(f"--map would make column(s) {', '.join(dict.fromkeys(taken))} twice; leave one out")
    return rows.rename(dict(renames))


def fill_columns(rows: pl.DataFrame, *, tenant: str, source: str, now: datetime) -> pl.DataFrame:
    """*rows* with those of ``tenant_id``, ``source`` and ``known_at`` that are absent altogether."""
    stamps = {
        "tenant_id": pl.lit(tenant),
        "source": pl.lit(source),
        "known_at": pl.lit(now).dt.cast_time_unit("us"),
    }
    return rows.with_columns(value.alias(name) for name, value in stamps.items() if name not in rows.columns)


def screen_rows(
    rows: pl.DataFrame, dataset: Dataset, *, tenant: str, now: datetime
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Part good rows from bad ones: what the contract says, then what only an import knows.

    Args:
        rows: Text or typed columns of *dataset*.
        dataset: The contract.
        tenant: Whose rows they must be.
        now: No row can be known later.

    Returns:
        Rows that conform, in their order; and a `REJECTS_SCHEMA` table by row number, counted from 1.

    Raises:
        ContractError: A required column is missing.
    """
    listed, bad_lists = decode_lists(rows.drop(LINE_NUMBER, strict=False), dataset)
    parted = screen(listed, dataset)
    numbered = _numbered(parted.accepted, rows.height, parted.rejects)
    foreign = _Law(
        "tenant_id",
        pl.col("tenant_id") != tenant,
        f"TENANT_MISMATCH (not {tenant})",
        "import each tenant's rows by themselves",
    )
    future = _Law(
        "known_at",
        pl.col("known_at") > now,
        f"KNOWN_IN_FUTURE (after {now:%Y-%m-%dT%H:%M:%SZ})",
        "give an instant that has passed, or leave the column out",
    )
    rejects = (
        pl.concat(
            [bad_lists, parted.rejects, *(_broken(numbered, dataset, law) for law in (foreign, future))]
        )
        .unique(["row_number", "column_name"], keep="first", maintain_order=True)
        .sort("row_number", maintain_order=True)
    )
    good = numbered.filter(~pl.col("__row").is_in(rejects["row_number"].implode())).drop("__row")
    return good, rejects


class _Law(NamedTuple):
    column: str
    broken: pl.Expr
    reason: str
    remedy: str


def _numbered(accepted: pl.DataFrame, height: int, rejects: pl.DataFrame) -> pl.DataFrame:
    """Accepted rows and their numbers: they keep their order, so they are the numbers not rejected."""
    numbers = pl.int_range(1, height + 1, dtype=pl.Int64, eager=True).alias("__row")
    return accepted.with_columns(numbers.filter(~numbers.is_in(rejects["row_number"].implode())))


def _broken(numbered: pl.DataFrame, dataset: Dataset, law: _Law) -> pl.DataFrame:
    key = [pl.col(name).cast(pl.String).fill_null("null") for name in dataset.key]
    return numbered.filter(law.broken).select(
        pl.lit(dataset.name).alias("table_name"),
        pl.col("__row").alias("row_number"),
        pl.concat_str(key, separator="|").alias("row_key"),
        pl.lit(law.column).alias("column_name"),
        pl.col(law.column).cast(pl.String).alias("value"),
        pl.lit(law.reason).alias("reason"),
        pl.lit(law.remedy).alias("remedy"),
    )


def row_numbers(rows: pl.DataFrame, first_row: int) -> pl.Series:
    """How messages count *rows*: by line of the file where it is known, else from *first_row* on."""
    if LINE_NUMBER in rows.columns:
        return rows[LINE_NUMBER].cast(pl.Int64).alias("row_number")
    return pl.int_range(first_row, first_row + rows.height, dtype=pl.Int64, eager=True).alias("row_number")


def limit_rejects(rejected: pl.DataFrame, read: int, max_reject_pct: float, dataset: Dataset) -> None:
    """Refuse a source that is mostly bad: it is not to be trusted at all (domain_rules 1).

    Raises:
        TooManyRejectsError: Names the first rejects.
    """
    bad = rejected["row_number"].n_unique()
    if bad > max_reject_pct * read:
        raise TooManyRejectsError(
            f"{bad} of {read} rows for table {dataset.name!r} were rejected, more than max_reject_pct = "
            f"{max_reject_pct:.0%}; nothing was written.\n{describe_rejects(rejected)}"
        )
